"""Connecting to SQLite or PostgreSQL, transactions, and reading or writing large numbers of rows."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import psycopg
from peewee import (
    Database,
    DatabaseProxy,
    InterfaceError,
    Model,
    OperationalError,
    PostgresqlDatabase,
    SqliteDatabase,
)
from playhouse.db_url import parse
from playhouse.pool import MaxConnectionsExceeded, PooledSqliteDatabase
from playhouse.postgres_ext import PooledPsycopg3Database

database = DatabaseProxy()
log = logging.getLogger("kavo.database")

POOL: dict[str, Any] = {"max_connections": 20, "stale_timeout": 300}
CACHE_KIB = 8 * 1024  # for each connection to SQLite
MAPPED = 2**31  # bytes of its file that SQLite maps into memory instead of copying them
SYNCHRONOUS = "full"
"""SQLite commits once the data is on disk; only tests relax this"""
BUSY_SECONDS = 10
REPLICA_SECONDS = 3
AT_ONCE = 5000  # rows in one statement of a bulk insert
IDS_AT_ONCE = 500  # ids in one `IN (…)`
PAUSE = 0.12  # seconds: on SQLite, a process that waits to write looks every 0.1 s

# workaround: full-pool
# Peewee 4.5.3: what its pool raises when it is full is a ValueError and no error of a database.
UNAVAILABLE = OperationalError, InterfaceError, MaxConnectionsExceeded
"""the database is down, full or overloaded: the transaction was rolled back and may be tried again"""


def connect_to(url: str) -> Database:
    """Bind all models to the database of this URL (sqlite:///file or postgresql://…), without connecting yet. Raises ValueError
    for any other URL."""
    if url.startswith("sqlite:"):
        pragmas = {
            "journal_mode": "wal",
            "foreign_keys": 1,
            "busy_timeout": BUSY_SECONDS * 1000,
            "synchronous": SYNCHRONOUS,
            "secure_delete": 1,
            "cache_size": -CACHE_KIB,
            "mmap_size": MAPPED,
        }
        name = url.removeprefix("sqlite:///")
        settings: dict[str, Any] = {"timeout": BUSY_SECONDS, "lock_type": "IMMEDIATE", "check_same_thread": False}
        if name == ":memory:":
            database.initialize(SqliteDatabase(name, pragmas=pragmas, **settings))
        else:
            database.initialize(PooledSqliteDatabase(name, pragmas=pragmas, **settings, **POOL))
    elif urlsplit(url).scheme in ("postgresql", "postgres"):
        arguments = parse(url, unquote_password=True, unquote_user=True)
        # workaround: prepared-statements
        # psycopg 3.3.9 prepares what is asked often, and does not prepare it again once a migration, on another connection, adds
        # a column: the statement fails.
        arguments["prepare_threshold"] = None
        arguments.setdefault("connect_timeout", BUSY_SECONDS)
        arguments.setdefault("options", f"-c lock_timeout={BUSY_SECONDS}s")
        database.initialize(PooledPsycopg3Database(**arguments, timeout=BUSY_SECONDS, **POOL))
    else:
        raise ValueError("KAVO_DATABASE_URL must start with sqlite:/// or postgresql://")
    return database.obj


def on_postgresql() -> bool:
    """Whether the models are bound to PostgreSQL (otherwise: SQLite)."""
    return isinstance(database.obj, PostgresqlDatabase)


@contextmanager
def writing() -> Iterator[None]:
    """A write transaction: SQLite takes its single write lock at once, PostgreSQL locks rows as they are read for update. Inside
    another `writing()` it is a savepoint."""
    with database.atomic():
        yield


@contextmanager
def rehearsing() -> Iterator[None]:
    """Roll back at the end everything written inside, to learn what a verb would do."""
    with writing(), database.savepoint() as before:
        yield
        before.rollback(begin=False)


@contextmanager
def reading() -> Iterator[Any]:
    """A cursor of the driver for reading many rows: it needs little memory and blocks no writer. It reads from the replica of
    KAVO_REPLICA_URL when that answers."""
    if (replica := _replica()) is not None:
        with replica, replica.cursor(name="reading") as cursor:
            yield cursor
        return
    if on_postgresql():
        with database.atomic(), database.connection().cursor(name="reading") as cursor:
            yield cursor
        return
    cursor = database.connection().cursor()
    try:
        cursor.execute("PRAGMA mmap_size = 0")  # pages that are read once should not stay in our memory
        yield cursor
    finally:
        cursor.close()
        database.execute_sql(f"PRAGMA mmap_size = {MAPPED}")


_replica_url = {"url": ""}


def read_from(url: str) -> None:
    """Let `reading` read from a replica of the database (postgresql://…); '' for the database itself."""
    _replica_url["url"] = url


def _replica() -> psycopg.Connection | None:
    if not _replica_url["url"]:
        return None
    try:
        return psycopg.connect(
            _replica_url["url"], connect_timeout=REPLICA_SECONDS, options="-c default_transaction_read_only=on"
        )
    except psycopg.OperationalError as error:
        log.warning(
            "the copy of the database does not answer, so the database itself is read: %s", type(error).__name__
        )
        return None


def bulk_insert(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    """Write dictionaries of column → value, all with the same columns; other columns get the default of their field."""
    remaining, mark, defaults = iter(rows), database.param, model._meta.defaults
    first = next(remaining, None)
    if first is None:
        return
    others = {field.column_name: value for field, value in defaults.items() if field.column_name not in first}
    fixed = tuple(value() if callable(value) else value for value in others.values())
    names = ", ".join(f'"{name}"' for name in [*first, *others])
    marks = ", ".join([mark] * (len(first) + len(others)))
    sql = f'INSERT INTO "{model._meta.table_name}" ({names}) VALUES ({marks})'  # noqa: S608 - our own names
    cursor = database.connection().cursor()
    pending = [first, *islice(remaining, AT_ONCE - 1)]
    while pending:
        cursor.executemany(sql, [(*row.values(), *fixed) for row in pending])
        pending = list(islice(remaining, AT_ONCE))


def in_chunks(ids: Sequence[int], size: int = IDS_AT_ONCE) -> Iterator[list[int]]:
    """The ids in lists of at most `size`, for one statement or one transaction each."""
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def let_others_write() -> None:
    """Pause between two transactions of a long task, so that others can write meanwhile. PostgreSQL needs no pause."""
    if not on_postgresql():
        time.sleep(PAUSE)


def refresh_statistics() -> None:
    """Update the statistics by which SQLite plans its queries. It reads whole tables, since a sample of a column with few values
    misleads it, and one at a time, since others cannot write meanwhile (0.8 s for a million placements). PostgreSQL does this by
    itself."""
    if not on_postgresql():
        for table in database.get_tables():
            database.execute_sql(f'ANALYZE "{table}"')
