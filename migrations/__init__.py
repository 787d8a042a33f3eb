"""Numbered steps of the schema, forward (`up`) and back (`down`), plain SQL for each database; one transaction a step.

A step is a folder `NNNN_name` with `up.sqlite.sql`, `up.postgresql.sql`, `down.sqlite.sql`, `down.postgresql.sql`.

The release before goes on working meanwhile, and after it: a step adds and fills. What nobody uses any more a later release takes
away, in a step whose name ends in `_drop` (tests/test_migrations.py keeps that).
"""

import logging
import re
import time
from contextlib import closing
from pathlib import Path

import peewee

from database import database, on_postgresql
from migrations import searches

log = logging.getLogger("kavo.migrations")

FOLDER = Path(__file__).parent
LOCK = 4_915_027  # any number: PostgreSQL's advisory lock for whoever migrates
TABLE_SECONDS = (
    0.8  # how long a step waits for its tables: others wait behind it. Below PostgreSQL's second for deadlocks
)
PAUSE = 2  # seconds until it tries again
PATIENCE = 600  # seconds in which a step is tried again when somebody holds what it needs
ORDER = "user", "site", "participant", "trajectory", "placement"
BUSY = "database is locked", "lock timeout"


def available() -> list[str]:
    """Names of all steps, in order."""
    return sorted(path.parent.name for path in FOLDER.glob("[0-9]*/up.sqlite.sql"))


def applied() -> list[str]:
    """Names of the steps that this database has had, in order."""
    if not database.table_exists("migration"):
        return []
    return [name for (name,) in database.execute_sql("SELECT name FROM migration ORDER BY name")]


def migrate() -> list[str]:
    """Take all steps that this database has not had; returns their names. Waits for another process that migrates."""
    taken = []
    while (waiting := [name for name in available() if name not in applied()]) and _take(waiting[0], "up"):
        taken.append(waiting[0])
    if taken:
        searches.renew()
    return taken


def back(target: str) -> list[str]:
    """Undo steps, the newest first, until `target` (a step, or 'zero') is the last one left; returns those undone."""
    undone = []
    while (done := applied()) and done[-1] != target and _take(done[-1], "down"):
        undone.append(done[-1])
    return undone


def _take(name: str, direction: str) -> bool:
    """Run one step and note it, in one transaction; wait for another who migrates, and for tables that are in use."""
    engine = "postgresql" if on_postgresql() else "sqlite"
    script = (FOLDER / name / f"{direction}.{engine}.sql").read_text(encoding="utf-8")
    note = f"INSERT INTO migration (name) VALUES ('{name}');"
    if direction == "down":
        note = f"DELETE FROM migration WHERE name = '{name}';"
    table = "CREATE TABLE IF NOT EXISTS migration (name VARCHAR(100) NOT NULL PRIMARY KEY);"
    try:
        _run_patiently(_taking_tables(script) + table + note + script)
    except peewee.IntegrityError:
        if name in applied():  # another process took this step while we waited for it
            return True
        raise
    return True


def _taking_tables(script: str) -> str:
    """What a step begins with: wait for another who migrates, then take all tables that the script names, at once and in the
    order in which the verbs hold their rows. Who takes them one by one meets the verbs half-way: a deadlock."""
    if not on_postgresql():
        return ""
    words, there = set(re.findall(r"\w+", script)), database.get_tables()
    named = sorted(
        (name for name in there if name in words), key=lambda name: (ORDER.index(name) if name in ORDER else -1, name)
    )
    begin = f"SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({LOCK}); SET LOCAL lock_timeout = '{TABLE_SECONDS}s';"
    if named:
        begin += "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE;".format(", ".join(f'"{name}"' for name in named))
    return begin


def _run_patiently(script: str):
    """Run it, again and again while somebody holds what it needs. Between two tries those who waited behind us come first."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return _run(script)
        except peewee.OperationalError as error:
            if not any(words in str(error) for words in BUSY) or time.monotonic() > end:
                raise
            log.warning("the tables are in use; trying again")
            time.sleep(PAUSE)


def _run(script: str):
    """Run a script of many statements as one transaction, or not at all."""
    connection = database.connection()
    with peewee.__exception_wrapper__, closing(connection.cursor()) as cursor:
        try:
            if on_postgresql():
                cursor.execute("BEGIN;" + script + "COMMIT;")
            else:
                cursor.executescript("BEGIN IMMEDIATE;" + script + "COMMIT;")
        except Exception:
            connection.rollback()
            raise
