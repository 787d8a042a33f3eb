"""`python -m bench.upgrade`: migrates the tables of the first release with a million placements to today's, on both databases.

Another process keeps reading and writing a row: its waits are those of the users."""

import argparse
import multiprocessing
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing

import psycopg

import migrations
from database import connect_to, database
from tests.machines import environment

SERVER = "postgresql://postgres@127.0.0.1:5432"
FIRST = "0001_base"
PAUSE = 0.02
READ = "SELECT hours FROM placement WHERE id = 1"
WRITE = "UPDATE participant SET first_name = first_name WHERE id = 1"


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--size", type=int, default=1_000_000)
    words.add_argument("--only", choices=["sqlite", "postgresql"])
    chosen = words.parse_args()
    size = chosen.size
    with tempfile.TemporaryDirectory() as folder:
        lite, postgres = f"sqlite:///{folder}/kavo.db", f"{SERVER}/kavo_upgrade"
        with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS kavo_upgrade WITH (FORCE)")
            connection.execute("CREATE DATABASE kavo_upgrade")
        flask(lite, folder, "migrate")
        print(f"demo --size {size}: {flask(lite, folder, 'demo', '--size', size):.0f} s", flush=True)
        print(
            f"move --to postgresql, compared, check-data: {flask(lite, folder, 'move', '--to', postgres):.0f} s",
            flush=True,
        )
        for url in (lite, postgres) if chosen.only is None else (lite if chosen.only == "sqlite" else postgres,):
            print(f"\n{url.partition(':')[0]}, back to {FIRST}: {flask(url, folder, 'migrate', '--back', FIRST):.0f} s")
            upgrade(url)
            print(f"check-data: {flask(url, folder, 'check-data'):.0f} s", flush=True)


def flask(url, folder, *more) -> float:
    """Run a command of the tool; returns its duration in seconds."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "flask", "--app", "app", *map(str, more)]
    done = subprocess.run(command, env=environment(url, f"sqlite:///{folder}/queue.db"), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{more}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.monotonic() - begun


def upgrade(url):
    """Apply the migrations one by one, while another process reads and writes."""
    context = multiprocessing.get_context("spawn")
    waits, ended = context.Queue(), context.Event()
    beside = context.Process(target=at_work, args=(url, waits, ended))
    beside.start()
    waits.get()
    connect_to(url).connect()
    print("| step | seconds |\n|---|---|")
    whole = time.monotonic()
    for name in migrations.available():
        if name not in migrations.applied():
            begun = time.monotonic()
            migrations._take(name, "up")
            print(f"| {name} | {time.monotonic() - begun:.1f} |", flush=True)
    begun = time.monotonic()
    migrations.searches.renew()
    print(f"| words of search | {time.monotonic() - begun:.1f} |\n| all | {time.monotonic() - whole:.1f} |")
    database.close()
    database.close_all()
    ended.set()
    reads, writes, errors = waits.get()
    beside.join()
    for name, seconds in (("read", reads), ("write", writes)):
        long = [wait for wait in seconds if wait > 0.3]
        print(
            f"{len(seconds)} times {name}: at most {max(seconds):.1f} s, {sum(long):.1f} s in {len(long)} waits over 0.3 s"
        )
    print(f"errors: {errors or 'none'}", flush=True)


def at_work(url, waits, ended):
    """Read and write a row until stopped; sends back the seconds that each took."""
    lite = url.startswith("sqlite:")
    if lite:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=3600)
    else:
        connection = psycopg.connect(url, autocommit=True)
    reads, writes, errors = [], [], []
    waits.put("ready")
    with closing(connection):
        while not ended.is_set():
            for sql, seconds in ((READ, reads), (WRITE, writes)):
                begun = time.monotonic()
                try:
                    connection.execute(sql).fetchall() if sql is READ else connection.execute(sql)
                except Exception as error:
                    errors.append(repr(error)[:200])
                seconds.append(time.monotonic() - begun)
            time.sleep(PAUSE)
    waits.put((reads, writes, errors))


if __name__ == "__main__":
    main()
