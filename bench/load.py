"""`make load`: the peak of July. Two hundred managers at once on PostgreSQL and Redis, for ten minutes, with a backup half-way.

Of their acts, 60 % are lists, 20 % look-ups, 15 % couplings, 5 % evaluations; each manager waits about ten seconds between acts.
After that: the pages per second that one, two and four web processes serve when clients do not wait."""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from random import Random

import psycopg
import requests

from tests import factories as make
from tests.machines import Redis, Web, Worker, environment
from tests.managers import Manager, Refused
from tests.post import Post

SERVER = "postgresql://postgres@127.0.0.1:5432"
LISTS = (
    "/stageplaatsen/?eigen=1",
    "/stageplaatsen/",
    "/stageplaatsen/?search=speelplein",
    "/overdrachten/",
    "/stageplaatsen/?tab=approved&sort=municipality",
    "/gekoppelde-deelnemers/?tab=open",
    "/gekoppelde-deelnemers/",
    "/gekoppelde-deelnemers/?search=peeters",
)
COURSE_AGO = timedelta(days=100)
STAGES_EACH = 60
SHARES = {"list": 60, "lookup": 20, "couple": 15, "evaluate": 5}


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--managers", type=int, default=200)
    words.add_argument("--minutes", type=float, default=10)
    words.add_argument("--think", type=float, default=10, help="seconds between two acts of one manager, on average")
    words.add_argument("--size", type=int, default=100_000, help="placements that are there already")
    words.add_argument("--web", type=int, default=2, help="web processes")
    chosen = words.parse_args()
    url = f"{SERVER}/kavo_load"
    with tempfile.TemporaryDirectory() as folder, Post() as post, Redis(Path(folder)) as queue:
        environ = environment(url, queue.url, KAVO_SMTP_URL=post.url)
        people = _world(url, environ, chosen)
        peak(chosen, people, environ, Path(folder))
        for count in (1, 2, 4):
            throughput(count, people, environ, Path(folder))


def flask(environ, *words):
    """Run a command of the tool; returns its output and its duration in seconds."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "flask", "--app", "app", *map(str, words)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{words}: {done.stdout}{done.stderr}")
    return done.stdout.strip(), time.monotonic() - begun


def _world(url, environ, chosen) -> list[tuple]:
    """A large database, and managers with participants to couple: (e-mail, site id, KAVO-IDs)."""
    name = url.rpartition("/")[2]
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    flask(environ, "migrate")
    flask(environ, "demo", "--size", chosen.size)
    from database import connect_to, database, writing

    connect_to(url).connect()
    people, numbers, course = [], iter(range(300_000, 999_999)), date.today() - COURSE_AGO
    with writing():
        association = make.association(name="Vereniging van de proef")
        for number in range(chosen.managers):
            user = make.user(email=f"proef{number}@kavo.test", password=make.PASSWORD)
            site = make.site(user, name=f"Proefplein {number}")
            kavo_ids = []
            for _ in range(STAGES_EACH):
                kavo = next(numbers)
                person = make.participant(kavo_id=f"{kavo}-{kavo % 100:02}")
                make.trajectory(participant=person, association=association, course_started_on=course)
                kavo_ids.append(person.kavo_id)
            people.append((user.email, site.id, kavo_ids))
    database.execute_sql("ANALYZE")
    database.close()
    database.close_all()
    print(
        f"{chosen.size} placements, {chosen.managers} managers with {STAGES_EACH} participants each to couple",
        flush=True,
    )
    return people


class Figures:
    """Seconds of each kind of act, and the failures."""

    def __init__(self):
        self.seconds, self.errors, self.lock = defaultdict(list), Counter(), threading.Lock()

    def note(self, kind, seconds):
        with self.lock:
            self.seconds[kind].append(seconds)

    def fail(self, what):
        with self.lock:
            self.errors[what] += 1

    def show(self, duration):
        print("| request | number | p50 ms | p95 ms | p99 ms | most ms |\n|---|---|---|---|---|---|")
        everything = [second for seconds in self.seconds.values() for second in seconds]
        for kind, some in [*sorted(self.seconds.items()), ("all", everything)]:
            some = sorted(some)
            at = [round(1000 * some[min(int(len(some) * share), len(some) - 1)]) for share in (0.5, 0.95, 0.99, 1)]
            print(f"| {kind} | {len(some)} | " + " | ".join(map(str, at)) + " |")
        print(f"{len(everything) / duration:.1f} requests a second; errors: {dict(self.errors) or 'none'}", flush=True)


class Timed(Manager):
    """A manager whose requests are timed."""

    def __init__(self, address, email, figures):
        super().__init__(address, email)
        self.figures, self.kind = figures, "log in"

    def ask(self, method, path, data=None):
        begun = time.monotonic()
        try:
            return super().ask(method, path, data)
        finally:
            self.figures.note(self.kind, time.monotonic() - begun)


def peak(chosen, people, environ, folder):
    """All managers at once, with a backup half-way that is restored afterwards."""
    webs = [Web(folder, environ).start() for _ in range(chosen.web)]
    worker, figures, warming = Worker(folder, environ).start(), Figures(), Figures()
    begun = time.monotonic() + chosen.managers * 0.15 + 5  # everybody is logged in by then
    end = begun + chosen.minutes * 60
    workers = [
        threading.Thread(
            target=_at_work,
            args=(
                number,
                Timed(webs[number % len(webs)].address, email, warming),
                *place,
                chosen.think,
                begun,
                end,
                figures,
            ),
        )
        for number, (email, *place) in enumerate(people)
    ]
    try:
        for process in workers:
            process.start()
        time.sleep(max(0, begun - time.monotonic()) + chosen.minutes * 30)
        backup = folder / "under-load.backup"
        said, seconds = flask(environ, "backup", backup, "--no-check")
        print(f"Backup under load: {seconds:.1f} s. {said}", flush=True)
        for process in workers:
            process.join()
    finally:
        for server in (*webs, worker):
            server.stop()
    print(
        f"\n{chosen.managers} managers, {chosen.web} web processes, {chosen.minutes:g} minutes, {chosen.think:g} s between acts"
    )
    figures.show(chosen.minutes * 60)
    print("check-data after it: {} ({:.1f} s)".format(*flask(environ, "check-data")))
    print("restore drill: {} ({:.1f} s)".format(*flask(environ, "restore", backup, "--overwrite")))
    print("check-data of what was restored: {} ({:.1f} s)".format(*flask(environ, "check-data")), flush=True)


def _at_work(number, manager, site, kavo_ids, think, begun, end, figures):
    chance, left = Random(number), list(kavo_ids)
    time.sleep(number * 0.15)
    try:
        manager.log_in()
        time.sleep(max(0, begun - time.monotonic()) + chance.random() * think)
        manager.figures = figures
        while time.monotonic() < end:
            kind = chance.choices(list(SHARES), SHARES.values())[0]
            try:
                _act(manager, kind, chance, site, kavo_ids, left)
            except (OSError, requests.RequestException, Refused) as error:
                figures.fail(
                    f"{kind}: {type(error).__name__} {error.args[0] if isinstance(error, OSError) else ''}"[:200]
                )
            time.sleep(chance.uniform(0.5, 1.5) * think)
    except Exception as error:  # a thread that died unnoticed would improve the figures
        figures.fail(repr(error)[:300])


def _act(manager, kind, chance, site, kavo_ids, left):
    manager.kind = kind
    if kind == "list":
        manager.look(chance.choice(LISTS))
    elif kind == "lookup" or not left:
        manager.look_up(site, chance.choice(kavo_ids))
    elif kind == "couple":
        manager.couple(site, left[-1], 10, manager.look_up(site, left.pop()))
    elif waiting := manager.to_evaluate():
        manager.evaluate(waiting, 10, "positive", date.today() - timedelta(days=1), manager.evaluation(waiting))


def throughput(count, people, environ, folder, clients=16, seconds=20):
    """A number of clients that never wait, on lists only, over several web processes."""
    webs = [Web(folder, environ).start() for _ in range(count)]
    figures, end = Figures(), 0.0
    try:
        crowd = [
            Timed(webs[number % count].address, people[number % len(people)][0], Figures()) for number in range(clients)
        ]
        for manager in crowd:
            manager.log_in()
            manager.figures, manager.kind = figures, "list"
        end = time.monotonic() + seconds

        def hammer(number, one):
            chance = Random(number)
            while time.monotonic() < end:
                try:
                    one.look(chance.choice(LISTS))
                except (OSError, requests.RequestException) as error:
                    figures.fail(type(error).__name__)

        threads = [threading.Thread(target=hammer, args=pair) for pair in enumerate(crowd)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for web in webs:
            web.stop()
    print(f"\n{clients} clients that never wait, {count} web process{'es' if count > 1 else ''}")
    figures.show(seconds)


if __name__ == "__main__":
    main()
