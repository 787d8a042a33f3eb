"""The migrations: forward, back, all together, and with the same tables as the models as result."""

import re
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import peewee
import psycopg
import pytest

import migrations
from database import connect_to, database, on_postgresql
from migrations import compare, steps
from models import TABLES, History
from tests import factories as make
from workflow.accounts import accounts

PROJECT = Path(__file__).parents[2]


def test_the_migrations_and_the_models_describe_the_same_tables():
    if not on_postgresql():
        assert compare.differences() == []
        return
    migrated = compare.describe()
    migrations.back("zero")
    database.create_tables(TABLES)
    modelled = compare.describe()
    database.drop_tables(TABLES)
    assert migrated == modelled


def test_back_to_zero_leaves_nothing_and_forward_again_leaves_all():
    before = compare.describe()

    assert migrations.back("zero") == migrations.available()[::-1]
    assert set(database.get_tables()) == {"migration"}
    assert migrations.migrate() == migrations.available()

    assert compare.describe() == before


def test_two_simultaneous_migrations_take_each_step_once(db):
    migrations.back("zero")
    database.close()
    code = f"import migrations, database; database.connect_to({db!r}).connect(); print(len(migrations.migrate()))"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=60) for process in running]

    assert [process.returncode for process in running] == [0, 0], ends
    connect_to(db).connect(reuse_if_open=True)
    assert migrations.applied() == migrations.available()


def test_a_step_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    (tmp_path / "0002_broken.sql").write_text("CREATE TABLE half (id INTEGER); INSERT INTO nowhere VALUES (1);")
    monkeypatch.setattr(steps, "FOLDER", tmp_path)

    with pytest.raises(peewee.DatabaseError):
        migrations.migrate()

    assert "half" not in database.get_tables()
    assert "0002_broken" not in migrations.applied()


def test_a_step_waits_for_users_of_its_tables_and_keeps_nobody_waiting_long(db, monkeypatch):
    """Somebody reads (PostgreSQL) or writes (SQLite) for six seconds; readers in the meantime wait for three at most."""
    monkeypatch.setattr(migrations, "PAUSE", 0.5)
    names = migrations.available()
    scripts = [steps.sql(name, "down", "postgresql") for name in names]
    last = max(number for number, script in enumerate(scripts) if "ALTER TABLE" in script)
    table = re.search('ALTER TABLE "([a-z_]+)"', scripts[last])[1]
    question = f'SELECT count(*) FROM "{table}"'
    holder, waits = _connection(db), []
    holder.execute("BEGIN" if on_postgresql() else "BEGIN IMMEDIATE")
    holder.execute(question).fetchone()
    ending = threading.Timer(6, holder.rollback)
    ended = threading.Event()

    def look():
        with _connection(db) as reader:
            while not ended.wait(0.1):
                begun = time.monotonic()
                reader.execute(question).fetchone()
                reader.rollback()
                waits.append(time.monotonic() - begun)

    looker = threading.Thread(target=look)
    looker.start()
    ending.start()
    if not on_postgresql():
        database.execute_sql("PRAGMA busy_timeout = 500")
    begun = time.monotonic()
    try:
        assert migrations.back(names[last - 1]) == names[: last - 1 : -1]
    finally:
        ended.set()
        looker.join()
        ending.join()
        holder.close()
    assert time.monotonic() - begun > 5
    assert max(waits) < 3
    assert migrations.migrate() == names[last:]


def _connection(url):
    if url.startswith("sqlite:"):
        return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    return psycopg.connect(url)


# Rules of squawk about changes that would break the previous release
BREAKING = (
    "renaming-column",
    "renaming-table",
    "changing-column-type",
    "ban-drop-column",
    "ban-drop-table",
    "adding-required-field",
    "ban-drop-not-null",
    "adding-not-nullable-field",
)
LAUNCH = "0005_associations"  # the tool was not in use before this migration


def breaks_an_older_release(sql: str) -> str:
    """squawk's complaints about a script for PostgreSQL; '' when the previous release keeps working after it."""
    command = [
        Path(sys.executable).with_name("squawk"),
        "--pg-version=15",
        "--assume-in-transaction",
        "--reporter=gcc",
    ]
    said = subprocess.run(command, input=sql, capture_output=True, text=True).stdout
    return "\n".join(line for line in said.splitlines() if any(rule in line for rule in BREAKING))


@pytest.mark.parametrize(
    "sql, breaks",
    [
        ('ALTER TABLE "site" DROP COLUMN "phone";', True),
        ('ALTER TABLE "site" RENAME COLUMN "phone" TO "telephone";', True),
        ('ALTER TABLE "site" ADD COLUMN "x" INTEGER NOT NULL;', True),
        ('DROP TABLE "site";', True),
        ('ALTER TABLE "site" ADD COLUMN "x" INTEGER;', False),
        ("ALTER TABLE site ADD COLUMN x INTEGER NOT NULL DEFAULT 0;", False),
    ],
)
def test_changes_that_break_an_older_release_are_detected(sql, breaks):
    assert bool(breaks_an_older_release(sql)) == breaks


def test_no_step_since_the_launch_breaks_the_release_before_it():
    for name in migrations.available():
        if name > LAUNCH and not name.endswith("_drop"):
            assert not breaks_an_older_release(steps.sql(name, "up", "postgresql")), name


@pytest.mark.parametrize(
    "sql, allowed",
    [
        ("UPDATE history SET verb = 'site.approved'", False),
        ("UPDATE history SET payload = '{}'", False),
        ("DELETE FROM history", False),
        ("UPDATE history SET payload = NULL, salt = NULL", True),
    ],
)
def test_the_history_only_grows_and_only_a_payload_can_be_erased(now, sql, allowed):
    accounts.invite(make.user("association"), make.user("team"), now)

    try:
        with database.atomic():
            database.execute_sql(sql)
    except peewee.DatabaseError:
        assert not allowed
    else:
        assert allowed
    assert History.select().count() == 1
