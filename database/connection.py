"""Connecting to SQLite or PostgreSQL, transactions, and reading or writing very much at once."""

import logging
from contextlib import contextmanager
from itertools import islice
from urllib.parse import urlsplit

import psycopg
from peewee import DatabaseProxy, InterfaceError, OperationalError, PostgresqlDatabase, SqliteDatabase
from playhouse.db_url import parse
from playhouse.pool import MaxConnectionsExceeded, PooledSqliteDatabase
from playhouse.postgres_ext import PooledPsycopg3Database

database = DatabaseProxy()
log = logging.getLogger("kavo.database")

POOL = {"max_connections": 20, "stale_timeout": 300}
CACHE_KIB = 8 * 1024  # for each connection to SQLite
MAPPED = 2**31  # bytes of the file that SQLite reads where the system has them in memory, instead of copying them
SYNCHRONOUS = "full"
"""SQLite ends a transaction when the disk has it; only tests do without"""
BUSY_SECONDS = 10
REPLICA_SECONDS = 3
AT_ONCE = 5000  # rows in one statement of a bulk insert


UNAVAILABLE = OperationalError, InterfaceError, MaxConnectionsExceeded
"""the database is away, full, or has no time: what was under way is undone, and one may try again"""


def connect_to(url: str):
    """Point all models at the database of this URL (sqlite:///file or postgresql://…); opens no connection yet."""
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
        kind, more = (SqliteDatabase, {}) if name == ":memory:" else (PooledSqliteDatabase, POOL)
        settings = {"timeout": BUSY_SECONDS, "lock_type": "IMMEDIATE", "check_same_thread": False}
        database.initialize(kind(name, pragmas=pragmas, **settings, **more))
    elif urlsplit(url).scheme in ("postgresql", "postgres"):
        arguments = parse(url, unquote_password=True, unquote_user=True)
        arguments["prepare_threshold"] = None  # a statement that the server remembers fails once a step adds a column
        arguments.setdefault("connect_timeout", BUSY_SECONDS)
        arguments.setdefault("options", f"-c lock_timeout={BUSY_SECONDS}s")
        database.initialize(PooledPsycopg3Database(**arguments, timeout=BUSY_SECONDS, **POOL))
    else:
        raise ValueError("KAVO_DATABASE_URL must start with sqlite:/// or postgresql://")
    return database.obj


def on_postgresql() -> bool:
    """Whether the models now live in PostgreSQL (otherwise: SQLite)."""
    return isinstance(database.obj, PostgresqlDatabase)


@contextmanager
def writing():
    """One write transaction: SQLite takes its single write lock at once, PostgreSQL locks rows as they are read for
    change. Inside another `writing()` it is a savepoint of that one."""
    with database.atomic():
        yield


@contextmanager
def rehearsing():
    """What is written within is taken back at the end, so that one knows what a verb would do. Keep outside what must stay."""
    with writing(), database.savepoint() as before:
        yield
        before.rollback(begin=False)


@contextmanager
def reading():
    """A cursor of the driver for reading very much: in little memory, and keeping nobody from writing. It reads from the copy of
    the database of KAVO_REPLICA_URL, if there is one that answers."""
    if (copy := _replica()) is not None:
        with copy, copy.cursor(name="reading") as cursor:
            yield cursor
        return
    if on_postgresql():
        with database.atomic(), database.connection().cursor(name="reading") as cursor:
            yield cursor
        return
    cursor = database.connection().cursor()
    try:
        cursor.execute("PRAGMA mmap_size = 0")  # what is read once need not stay in our memory
        yield cursor
    finally:
        cursor.close()
        database.execute_sql(f"PRAGMA mmap_size = {MAPPED}")


_copies = {"url": ""}


def read_from(url: str):
    """Let `reading` read from a copy of the database (postgresql://…); '' for the database itself."""
    _copies["url"] = url


def _replica() -> psycopg.Connection | None:
    if not _copies["url"]:
        return None
    try:
        return psycopg.connect(
            _copies["url"], connect_timeout=REPLICA_SECONDS, options="-c default_transaction_read_only=on"
        )
    except psycopg.OperationalError as error:
        log.warning(
            "the copy of the database does not answer, so the database itself is read: %s", type(error).__name__
        )
        return None


def bulk_insert(model, rows):
    """Write dictionaries of column → value; all have the same columns. The others get the default of their field."""
    rows, mark, defaults = iter(rows), database.param, model._meta.defaults
    first = next(rows, None)
    if first is None:
        return
    others = {field.column_name: value for field, value in defaults.items() if field.column_name not in first}
    fixed = tuple(value() if callable(value) else value for value in others.values())
    names = ", ".join(f'"{name}"' for name in [*first, *others])
    marks = ", ".join([mark] * (len(first) + len(others)))
    sql = f'INSERT INTO "{model._meta.table_name}" ({names}) VALUES ({marks})'  # noqa: S608 - our own names
    cursor = database.connection().cursor()
    pending = [first, *islice(rows, AT_ONCE - 1)]
    while pending:
        cursor.executemany(sql, [(*row.values(), *fixed) for row in pending])
        pending = list(islice(rows, AT_ONCE))


def refresh_statistics():
    """Let SQLite look again how its tables are filled: by that it chooses its way through a list. Whole tables, since a part of a
    column with few values misleads it; one at a time, since others cannot write meanwhile (0.8 s for a million placements).
    PostgreSQL does so by itself."""
    if not on_postgresql():
        for table in database.get_tables():
            database.execute_sql(f'ANALYZE "{table}"')
