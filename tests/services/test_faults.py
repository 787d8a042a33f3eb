"""Faults of a machine other than a crash: a full disk, a clock that jumps, two workers with the clock, an upload that stops
half-way. Pages tell the truth, and afterwards all invariants hold."""

import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

import migrations
from database import connect_to, database
from models import Clock, Handover, ImportBatch, Mail, Placement
from operations import checks
from tests import factories as make
from tests.machines import POSTGRES_PROGRAMS, Postgres, Web, Worker, environment
from tests.managers import Manager
from tests.post import Post
from times import utcnow
from workflow import clock
from workflow.sites import handovers


@contextmanager
def small_disk(folder: Path, megabytes: int):
    """A separate disk, its size in megabytes; only root can create one."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], capture_output=True)
    if made.returncode:
        pytest.skip("only root can make a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def full(folder: Path):
    """Fill the disk to the last byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                pass
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def database_on(request, db, folder):
    """(url, disk, server or None): this database on a small disk."""
    if request.config.getoption("--database") == "sqlite":
        database.close()
        with small_disk(folder, 8) as disk:
            shutil.copy(db.removeprefix("sqlite:///"), disk / "kavo.db")
            yield f"sqlite:///{disk}/kavo.db", disk, None
        return
    if not POSTGRES_PROGRAMS:
        pytest.skip("no programs of PostgreSQL")
    with small_disk(folder, 160) as disk:
        (disk / "files").mkdir()
        options = ("-c", "min_wal_size=32MB", "-c", "max_wal_size=32MB")
        with Postgres(disk / "files", *options).make() as server:
            yield server.url, disk, server


def test_on_a_full_disk_pages_say_so_and_nothing_is_half_saved(db, request, room, tmp_path):
    with database_on(request, db, room / "disk") as (url, disk, server):
        connect_to(url).connect()
        migrations.migrate()
        user = make.user(password=make.PASSWORD)
        site, trajectory = make.site(user), make.trajectory()
        database.close()
        with Web(tmp_path, environment(url, f"sqlite:///{tmp_path}/queue.db")) as web:
            manager = Manager(web.address, user.email)
            manager.log_in()
            fields = manager.look_up(site.id, trajectory.participant.kavo_id)
            with full(disk):
                refused = _until_refused(manager, site, trajectory, fields)
                assert refused == 503
                if server is None:
                    assert "Deelnemers" in manager.look(f"/stageplaatsen/{site.id}/deelnemers/")
            if server is not None and server.process.poll() is not None:
                server.start()
            manager.persist(manager.couple, site.id, trajectory.participant.kavo_id, 1, fields)
        connect_to(url).connect()
        assert list(checks.breaches()) == []
        assert Placement.select().count() >= 1
        database.close()
        database.close_all()


def _until_refused(manager, site, trajectory, fields) -> int:
    """Couple hour by hour until the disk is full; returns the status of that response."""
    for number in range(45):
        try:
            manager.couple(site.id, trajectory.participant.kavo_id, 1, {**fields, "form_key": f"key {number}"})
        except OSError as error:
            return error.args[0]
    raise AssertionError("the disk was never full")


def test_a_clock_that_jumps_there_and_back_says_nothing_twice(now):
    giver, taker = make.user(), make.user()
    handovers.ask(make.site(giver), taker, taker.email, "0470 12 34 56", now)
    make.site(make.user(), state="submitted", submitted_at=now)
    for jump in (
        timedelta(0),
        timedelta(days=15),
        timedelta(days=-1),
        timedelta(days=400),
        timedelta(0),
        timedelta(days=15),
    ):
        clock.sweep(now + jump)
    assert Handover.get().state == "escalated"
    said = Counter((mail.kind, mail.object_id, mail.to_address) for mail in Mail.select())
    assert said[("handover_escalated", str(Handover.get().id), giver.email)] <= 1
    assert len(Mail.select()) == len({mail.key for mail in Mail.select()})
    assert list(checks.breaches()) == []


def test_two_workers_with_the_clock_do_everything_once(db, tmp_path):
    for _ in range(20):
        giver, taker = make.user(), make.user()
        handovers.ask(make.site(giver), taker, taker.email, "0470 12 34 56", utcnow() - timedelta(days=20))
    Clock.update(since="2020-01-01").execute()
    database.close()
    with Post() as post:
        environ = environment(db, f"sqlite:///{tmp_path}/queue.db", KAVO_SMTP_URL=post.url)
        with Worker(tmp_path, environ), Worker(tmp_path, environ):
            database.connect()
            end = time.monotonic() + 100
            while time.monotonic() < end and Handover.select().where(Handover.state == "open").exists():
                time.sleep(0.2)
            while time.monotonic() < end and Mail.select().where(Mail.state != "sent").exists():
                time.sleep(0.2)
        copies = post.copies()
    assert Counter(one.state for one in Handover.select()) == {"escalated": 20}
    assert set(copies) == {mail.message_id for mail in Mail.select()}
    assert set(copies.values()) == {1}
    assert list(checks.breaches()) == []


def test_a_worker_that_is_asked_to_stop_finishes_and_ends(db, tmp_path):
    for _ in range(3):
        Mail.create(
            key=f"k{_}",
            kind="x",
            to_address="a@kavo.test",
            subject="s",
            body="b",
            message_id=f"<{_}@kavo.test>",
            created_at=utcnow(),
            next_at=utcnow(),
        )
    with Post() as post:
        post.fault = "slow"
        worker = Worker(tmp_path, environment(db, f"sqlite:///{tmp_path}/queue.db", KAVO_SMTP_URL=post.url)).start()
        end = time.monotonic() + 60
        while time.monotonic() < end and not Mail.select().where(Mail.state == "data").exists():
            time.sleep(0.05)
        worker.process.send_signal(signal.SIGINT)
        assert worker.process.wait(30) == 0
        assert post.copies()
    assert not Mail.select().where(Mail.state << ("claimed", "data")).exists()


def test_an_upload_that_stops_half_way_leaves_nothing(db, tmp_path):
    user = make.user("team", password=make.PASSWORD)
    database.close()
    with Web(tmp_path, environment(db, f"sqlite:///{tmp_path}/queue.db")) as web:
        person = Manager(web.address, user.email)
        person.log_in()
        cookies = "; ".join(f"{one.name}={one.value}" for one in person.web.cookies)
        token = person.fields("/importeren/")["csrf_token"]
        body = (
            f'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'
            '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nKAVO-ID;Voornaam\r\n'
        )
        for _ in range(30):
            client = socket.create_connection(("127.0.0.1", web.port))
            client.sendall(
                f"POST /importeren/ HTTP/1.1\r\nHost: localhost:{web.port}\r\nCookie: {cookies}\r\nContent-Length: 5000000\r\n"
                f"Content-Type: multipart/form-data; boundary=x\r\n\r\n{body}".encode()
            )
            client.close()
        assert "Deelnemers importeren" in person.persist(person.look, "/importeren/")  # at worst asked to come back
    database.connect()
    assert ImportBatch.select().count() == 0
