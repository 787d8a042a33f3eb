"""Numbered steps of the schema, forward (`up`) and back (`down`), in plain SQL; one transaction per step.

A step is a file `NNNN_name.sql`, as `migrations.steps` reads it; to make one, see docs/new-table.md.

The previous release keeps working during and after a step, so a step only adds and fills. A later release removes what is no
longer used, in a step whose name ends in `_drop` (tests/migrations/test_migrations.py enforces this)."""

import logging
import re
import time
from contextlib import closing

import peewee

from database import database, on_postgresql
from migrations import searches, steps
from migrations.steps import available

log = logging.getLogger("kavo.migrations")

LOCK = 4_915_027  # an arbitrary number: PostgreSQL's advisory lock for migrations
TABLE_SECONDS = 0.8
"""how long a step waits for its tables, while others wait behind it: less than PostgreSQL's second to detect a deadlock"""
PAUSE = 2  # seconds between two attempts
PATIENCE = 600  # seconds during which a step is tried again when its tables are locked
ORDER = "user", "site", "participant", "trajectory", "placement"
BUSY = "database is locked", "lock timeout"


def applied() -> list[str]:
    """The names of the steps applied to this database, in order."""
    if not database.table_exists("migration"):
        return []
    return [name for (name,) in database.execute_sql("SELECT name FROM migration ORDER BY name")]


def migrate() -> list[str]:
    """Apply all steps that this database lacks; returns their names. Waits for another process that is migrating."""
    taken = []
    while (waiting := [name for name in available() if name not in applied()]) and _take(waiting[0], "up"):
        taken.append(waiting[0])
    if taken:
        searches.renew()
    return taken


def back(target: str) -> list[str]:
    """Undo steps, newest first, until `target` (a step, or 'zero') is the last step left; returns those undone."""
    undone = []
    while (done := applied()) and done[-1] != target and _take(done[-1], "down"):
        undone.append(done[-1])
    return undone


def _take(name: str, direction: str) -> bool:
    """Run a step and record it, in one transaction; wait for other migrations, and for tables that are in use."""
    engine = "postgresql" if on_postgresql() else "sqlite"
    script = steps.sql(name, direction, engine)
    note = f"INSERT INTO migration (name) VALUES ('{name}');"
    if direction == "down":
        note = f"DELETE FROM migration WHERE name = '{name}';"
    table = "CREATE TABLE IF NOT EXISTS migration (name VARCHAR(100) NOT NULL PRIMARY KEY);"
    try:
        _run_patiently(_locking_tables(script) + table + note + script)
    except peewee.IntegrityError:
        if name in applied():  # another process applied this step while we waited
            return True
        raise
    return True


def _locking_tables(script: str) -> str:
    """The beginning of a step: wait for other migrations, then lock all tables in the script, at once and in the order in which
    verbs lock their rows. Locking them one by one would cause deadlocks with the verbs."""
    if not on_postgresql():
        return ""
    words, tables = set(re.findall(r"\w+", script)), database.get_tables()
    named = sorted(
        (name for name in tables if name in words), key=lambda name: (ORDER.index(name) if name in ORDER else -1, name)
    )
    begin = f"SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({LOCK}); SET LOCAL lock_timeout = '{TABLE_SECONDS}s';"
    if named:
        begin += "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE;".format(", ".join(f'"{name}"' for name in named))
    return begin


def _run_patiently(script: str) -> None:
    """Run a script, again and again while its tables are locked. Between two attempts those who waited behind us go first."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return _run(script)
        except peewee.OperationalError as error:
            if not any(words in str(error) for words in BUSY) or time.monotonic() > end:
                raise
            log.warning("the tables are in use; trying again")
            time.sleep(PAUSE)


def _run(script: str) -> None:
    """Run a script of many statements as a single transaction."""
    connection = database.connection()
    with vars(peewee)["__exception_wrapper__"], closing(connection.cursor()) as cursor:
        try:
            if on_postgresql():
                cursor.execute("BEGIN;" + script + "\nCOMMIT;")
            else:
                cursor.executescript("BEGIN IMMEDIATE;" + script + "\nCOMMIT;")
        except Exception:
            connection.rollback()
            raise
