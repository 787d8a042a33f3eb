"""Coupling a participant by POST, compared with the same SQL statements sent directly to the same database."""

import json
import secrets
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import closing
from itertools import groupby

from bench.peers import DATA, PASSWORD, PORTS, Client, environment

TIMES = 40


def couple(database) -> list[tuple]:
    """(kind, median and extremes in milliseconds) of TIMES couplings by POST and as many by SQL, alternately, on one copy. The
    statements are those that our application sent for other participants, recorded on another copy."""
    rehearsal, stage = DATA / "rehearsal.db", DATA / "couple.db"
    for copy in (rehearsal, stage):
        shutil.copy(database, copy)
    try:
        chosen = _free(database)
        written = _written_down(rehearsal, chosen[TIMES:])
        return _in_turn(stage, chosen[:TIMES], written)
    finally:
        for copy in (rehearsal, stage):
            for left in DATA.glob(f"{copy.name}*"):
                left.unlink()


def _free(database) -> list[tuple]:
    """(site, KAVO-ID, trajectory) for people who can still be coupled, each with a site."""
    people = (
        "SELECT p.kavo_id, t.id FROM trajectory t JOIN participant p ON p.id = t.participant_id WHERE t.state = 'open'"
        " AND t.type = 'animator' AND t.ends_on > DATE('now', '+30 days') AND t.hours_used < 40 ORDER BY t.id DESC LIMIT ?"
    )
    sites = "SELECT id FROM site WHERE state = 'approved' AND animator ORDER BY id DESC LIMIT ?"
    with closing(sqlite3.connect(database)) as file:
        found = zip(file.execute(sites, (2 * TIMES,)), file.execute(people, (2 * TIMES,)), strict=True)
        return [(site, kavo_id, trajectory) for (site,), (kavo_id, trajectory) in found]


def _form(token, kavo_id, trajectory) -> dict:
    return {
        "csrf_token": token,
        "form_key": secrets.token_hex(16),
        "kavo": kavo_id,
        "trajectory": trajectory,
        "hours": 5,
        "on_behalf": "site",
    }


def _written_down(database, chosen) -> list[list[str]]:
    """The statements of each coupling, as SQLite received them."""
    code = (
        "import json, sys; import bench.couple as couple\nprint(json.dumps(couple.rehearse(json.loads(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(chosen)],
        env=environment(database),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def rehearse(chosen) -> list[list[str]]:
    """In a separate process: couple these people with our application and return the statements of each coupling."""
    statements: list[str] = []
    connect = sqlite3.connect

    def listening(*words, **more):
        made = connect(*words, **more)
        made.set_trace_callback(statements.append)
        return made

    sqlite3.connect = listening
    from app import create_app

    client = create_app().test_client()
    token = _token(client.get("/aanmelden").text)
    client.post("/aanmelden", data={"csrf_token": token, "email": "team@kavo.test", "password": PASSWORD})
    token = _token(client.get("/mijn-gegevens").text)
    found = []
    for site, kavo_id, trajectory in chosen:
        statements.clear()
        answer = client.post(f"/stageplaatsen/{site}/deelnemers/", data=_form(token, kavo_id, trajectory))
        if answer.status_code != 302:
            raise SystemExit(f"coupling {kavo_id} was refused")
        found.append([text for text, _ in groupby(filter(_by_us, statements))])
    return found


def _by_us(text: str) -> bool:
    """Whether the application sent this statement itself. (SQLite reports an INSERT again for each trigger.)"""
    return not text.startswith(("--", "PRAGMA", "SAVEPOINT", "RELEASE"))


def _token(page: str) -> str:
    return page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]


def _in_turn(database, chosen, written) -> list[tuple]:
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.ours", str(PORTS["ours"])], env=environment(database), stderr=subprocess.DEVNULL
    )
    by_post, by_hand = [], []
    try:
        client = Client("ours")
        token = client.token("/mijn-gegevens", "csrf_token")
        with closing(sqlite3.connect(database, isolation_level=None)) as file:
            for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = 1", "secure_delete = 1"):
                file.execute(f"PRAGMA {pragma}")
            for (site, kavo_id, trajectory), statements in zip(chosen, written, strict=True):
                status, _, spent = client.ask(f"/stageplaatsen/{site}/deelnemers/", _form(token, kavo_id, trajectory))
                if status != 302:
                    raise SystemExit(f"coupling {kavo_id} was refused")
                by_post.append(spent)
                client.ask(
                    f"/stageplaatsen/{site}/deelnemers/"
                )  # the page to which the browser is redirected; it consumes the flashed message
                begin = time.perf_counter()
                for text in statements:
                    file.execute(text).fetchall()
                by_hand.append((time.perf_counter() - begin) * 1000)
    finally:
        server.terminate()
        server.wait(10)
    return [("coupling by POST", _told(by_post)), ("the same SQL by hand", _told(by_hand))]


def _told(times) -> dict:
    return {"milliseconds": statistics.median(times), "least": min(times), "most": max(times)}
