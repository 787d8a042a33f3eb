"""Backups: a consistent copy of a database in use, verified by restoring it, optionally encrypted for one key.

A backup is one file: a SQLite database (gzip) or a dump of PostgreSQL, inside an age file
(https://age-encryption.org) when there is a public key. The first bytes tell which kind a file is."""

import contextlib
import gzip
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import psycopg
import pyrage
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

import migrations
from database import connect_to, database
from models import TABLES, User, UserSession
from operations import checks
from workflow import hash_chain

AGE, GZIP, SQLITE, DUMP = b"age-encryption.org/v1", b"\x1f\x8b", b"SQLite format 3\x00", b"PGDMP"
IN_NAME = re.compile(rf"-seal({hash_chain.NOTED.pattern})\.")
LOCK_SECONDS = 10
LEAVING_SECONDS = 2  # PostgreSQL still counts a connection for a moment after it is closed
HEAD_LINES = 100  # of a dump: schemas and extensions come first
IN_USE = "The database is in use. Stop the web servers and the worker first."
LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}
"""parts of a URL of PostgreSQL → the variables of its programs: a password on a command line could be read by others"""


class BackupError(Exception):
    """A backup cannot be made or used; the text says why and what to do."""


@dataclass
class Found:
    """What a backup holds: the number of rows over all tables, the last step of its schema, breaches of the
    invariants; and what this machine cannot verify (`notes`)."""

    rows: int
    step: str
    breaches: list[str]
    notes: list[str]


def file_name(now: datetime, seal: str) -> str:
    """The name of a backup made at `now` (UTC): with the last checkpoint of the history, which leaves the machine
    with it."""
    return f"kavo-{now:%Y%m%dT%H%M%SZ}{f'-seal{seal}' if seal else ''}.backup"


def last_checkpoint(url: str) -> str:
    """The last checkpoint of the history in the database of `url`; '' when there is none."""
    if _is_absent(url):
        return ""
    with pointed_at(url):
        return hash_chain.last_name()


def checkpoint_in(file: Path) -> str:
    """The checkpoint in the name of a backup; '' when it has none."""
    found = IN_NAME.search(file.name)
    return found[1] if found else ""


# ---- making


def backup(url: str, target: Path, key: str = "", check: bool = True) -> Found | None:
    """Write a backup of the database of `url` to the new file `target`; returns what a restored copy of it held.

    `key`: the public key (age1…) of those who may read it. Raises BackupError; then there is no file."""
    if target.exists():
        raise BackupError(f"{target} exists already. A backup never replaces another.")
    recipient = _recipient(key) if key else None
    with _beside(target) as raw, _beside(target) as packed:
        _copy(url, raw)
        found = examine(url, raw) if check else None
        if found and found.breaches:
            raise BackupError("The copy does not hold what it should: " + "; ".join(found.breaches[:5]))
        if not url.startswith("sqlite:"):
            shutil.copyfile(raw, packed)  # pg_dump compresses already
        else:
            with raw.open("rb") as data, gzip.open(packed, "wb", compresslevel=6) as file:
                shutil.copyfileobj(data, file, 2**20)
        if recipient:
            pyrage.encrypt_file(str(packed), str(raw), [recipient])
            raw, packed = packed, raw
        with packed.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(packed, target)
    return found


def _recipient(key):
    try:
        return pyrage.x25519.Recipient.from_str(key)
    except pyrage.RecipientError as error:
        raise BackupError("The public key must look like age1… (make one with age-keygen).") from error


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A private temporary file next to the backup; removed afterwards."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _copy(url: str, raw: Path):
    """A consistent copy, while others write."""
    if url.startswith("sqlite:"):
        source = url.removeprefix("sqlite:///")
        if not Path(source).exists():
            raise BackupError(f"There is no database at {source}.")
        with contextlib.closing(sqlite3.connect(source)) as live, contextlib.closing(sqlite3.connect(raw)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        return
    _run(url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={raw}")


def _run(url, program, *words):
    """Run a program of PostgreSQL on the database of `url`; returns what it wrote. Raises BackupError."""
    parts = conninfo_to_dict(url)
    environ = {**os.environ, **{LIBPQ[name]: str(value) for name, value in parts.items() if name in LIBPQ}}
    try:
        done = subprocess.run([program, *words], env=environ, capture_output=True, text=True)  # noqa: S603
    except FileNotFoundError as error:
        raise BackupError(f"{program} is not there. Install the package postgresql-client.") from error
    if done.returncode:
        raise BackupError(f"{program}: {done.stderr.strip()[-800:]}")
    return done.stdout


# ---- inspecting


def examine(url: str, raw: Path, noted: str = "") -> Found:
    """Restore a plain backup to a separate database, created where that of `url` is, and inspect it. `noted`: a
    checkpoint that must be in it. A key that is missing on this machine does not make the data unusable: it is
    noted."""
    with _throw_away(url, raw) as copy, pointed_at(copy):
        known = migrations.available()
        steps = migrations.applied()
        if not set(steps) <= set(known):
            raise BackupError(f"This backup is of a later release ({steps[-1]}); this one knows {known[-1]}.")
        migrations.migrate()
        rows = sum(model.select().count() for model in TABLES)
        breaches = [differs] if noted and (differs := hash_chain.differs(noted)) else []
        breaches += checks.breaches(but=(hash_chain.unknown_keys,))
        return Found(rows, steps[-1] if steps else "", breaches, list(hash_chain.unknown_keys()))


@contextlib.contextmanager
def _throw_away(url, raw) -> Iterator[str]:
    if url.startswith("sqlite:"):
        with tempfile.TemporaryDirectory(dir=raw.parent) as folder:
            shutil.copyfile(raw, Path(folder) / "copy.db")
            yield f"sqlite:///{folder}/copy.db"
        return
    name = f"kavo_check_{os.getpid()}"
    try:
        _administer(url, "CREATE DATABASE {}", name)
    except psycopg.Error as error:
        raise BackupError(
            "The backup cannot be tried: this user of PostgreSQL may not make a database. Give it CREATEDB, or use --no-check"
            " here and `restore --check` elsewhere."
        ) from error
    try:
        copy = _renamed(url, name)
        _fill(copy, raw)
        yield copy
    finally:
        _administer(url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _renamed(url, name) -> str:
    """The same URL with another database name."""
    head, mark, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{mark}{query}"


def _administer(url, statement, name):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _fill(url, raw):
    """Replace everything by a dump, in one transaction."""
    begin = f"SET lock_timeout = '{LOCK_SECONDS}s'; DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public;"
    with _beside(raw) as script:
        _run(url, "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(raw))
        with script.open(encoding="utf-8") as lines:
            if any(line.startswith("CREATE SCHEMA public;") for line in islice(lines, HEAD_LINES)):
                begin = begin.removesuffix("CREATE SCHEMA public;")
        _run(
            url,
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            f"--command={begin}",
            f"--file={script}",
        )


@contextlib.contextmanager
def pointed_at(url: str):
    """Point the models at another database within the block."""
    kept = database.obj
    try:
        connect_to(url).connect()
        yield
    finally:
        if not database.is_closed():
            database.close()
        if hasattr(database.obj, "close_all"):
            database.close_all()
        database.initialize(kept)


# ---- restoring


@contextlib.contextmanager
def unpacked(file: Path, beside: Path, identity: Path | None) -> Iterator[Path]:
    """The database or dump inside a backup, as a plain file next to `beside`. `identity`: the file of the private
    key."""
    with _beside(beside) as first, _beside(beside) as second:
        current, spare = file, first
        if _starts_with(current, AGE):
            if identity is None:
                raise BackupError("This backup is encrypted. Say with --identity where the private key is.")
            try:
                pyrage.decrypt_file(str(current), str(spare), _identities(identity))
            except (pyrage.DecryptError, OSError) as error:
                raise BackupError("This key does not open this backup, or the file is damaged.") from error
            current, spare = first, second
        if _starts_with(current, GZIP):
            try:
                with gzip.open(current) as data, spare.open("wb") as plain:
                    shutil.copyfileobj(data, plain, 2**20)
            except (OSError, EOFError) as error:
                raise BackupError("The file is damaged: it cannot be unpacked.") from error
            current = spare
        yield current


def _starts_with(file, magic) -> bool:
    with file.open("rb") as data:
        return data.read(len(magic)) == magic


def _identities(identity) -> list:
    lines = [line for line in identity.read_text(encoding="utf-8").splitlines() if line.startswith("AGE-SECRET-KEY-")]
    if not lines:
        raise BackupError(f"{identity} holds no private key (AGE-SECRET-KEY-1…).")
    return [pyrage.x25519.Identity.from_str(line.strip()) for line in lines]


def suits(url: str, raw: Path):
    """Raise BackupError when a plain backup is of another kind than the database of `url`."""
    wanted, name = (SQLITE, "SQLite") if url.startswith("sqlite:") else (DUMP, "PostgreSQL")
    if not _starts_with(raw, wanted):
        raise BackupError(f"This is no backup of {name}, to which KAVO_DATABASE_URL points.")


def _is_absent(url) -> bool:
    """Whether there is no file yet: opening it would create one."""
    return url.startswith("sqlite:") and not Path(url.removeprefix("sqlite:///")).exists()


def holds_people(url: str) -> bool:
    """Whether the database of `url` holds accounts: then a restore would overwrite something."""
    if _is_absent(url):
        return False
    with pointed_at(url):
        return database.table_exists("user") and User.select().exists()


def restore(url: str, raw: Path, now: datetime) -> Path | None:
    """Replace the database of `url` by a plain backup; returns the file with what was there before, if anything.

    The web server and the worker must be stopped. Everybody has to log in again, since ended sessions would be open
    again."""
    if not url.startswith("sqlite:"):
        _refuse_when_connected(url)
    kept = None
    if holds_people(url):
        kept = raw.parent / f"before-restore-{now:%Y%m%dT%H%M%S}.backup"
        backup(url, kept, check=False)
    if url.startswith("sqlite:"):
        _replace_file(Path(url.removeprefix("sqlite:///")), raw)
    else:
        _fill(url, raw)
    with pointed_at(url):
        migrations.migrate()
        UserSession.delete().execute()
    return kept


def _refuse_when_connected(url):
    """Raise BackupError while others are connected to this PostgreSQL database; waits a moment for connections that
    are closing."""
    others = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
    with psycopg.connect(url, autocommit=True) as connection:
        until = time.monotonic() + LEAVING_SECONDS
        while (connection.execute(others).fetchone() or (0,))[0]:
            if time.monotonic() > until:
                raise BackupError(IN_USE)
            time.sleep(0.1)


def _replace_file(live: Path, raw: Path):
    """Copy a database over another in one transaction of SQLite; refuses while somebody has it open."""
    live.touch(mode=0o600)
    with (
        contextlib.closing(sqlite3.connect(raw)) as copy,
        contextlib.closing(sqlite3.connect(live, timeout=2)) as target,
    ):
        try:
            target.execute("PRAGMA locking_mode = EXCLUSIVE")
            target.execute("PRAGMA journal_mode = DELETE")  # only possible without other connections
            copy.backup(target)
        except sqlite3.OperationalError as error:
            raise BackupError(IN_USE) from error
