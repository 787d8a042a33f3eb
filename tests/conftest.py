"""One fresh, migrated database per test, on SQLite or PostgreSQL, and the application on it for tests that request it."""

import dataclasses
import json
import os
import shutil
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from flask import Flask
from jinja2 import BytecodeCache

import config
import migrations
from database import checkpoint_keys, connect_to, connection, database
from models import Clock
from operations import start_up
from tests import events
from workflow import limits

POSTGRES_URL = os.environ.get("KAVO_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
LONG_AGO = "2020-01-01"
KEYS = {"KAVO_SECRET_KEY": "s" * 40, "KAVO_LOOKUP_KEY": "l" * 40}

SAME_ON_BOTH = (
    "admin_kit/test_rights",
    "database/test_postcodes",
    "database/test_texts",
    "deploy/test_deploy",
    "deploy/test_fresh_machine",
    "forms/test_detours",
    "forms/test_form",
    "identity/eid/",
    "identity/test_",
    "local/",
    "mails/test_links",
    "operations/test_serving",
    "public_pages/test_accessibility_statement",
    "services/test_killed_import",
    "services/test_killed_sender",
    "tables/test_passwords",
    "test_architecture",
    "test_canary",
    "test_config",
    "test_conventions",
    "test_documentation",
    "test_doors",
    "test_marks",
    "test_policy_numbers",
    "test_promises",
    "test_security",
    "test_words",
)
"""test files whose result does not depend on the database (reading texts, words on pages, rights), and trials that `make chaos`
runs on both: these run on SQLite alone"""

connection.SYNCHRONOUS = "off"  # nobody pulls the plug of a test


class CompiledTemplates(BytecodeCache):
    """Compiled templates, kept for the next application that a test creates. Jinja compares the source, so a template that
    changed is compiled again."""

    def __init__(self):
        self.kept = {}

    def load_bytecode(self, bucket):
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket):
        self.kept[bucket.key] = bucket.bytecode_to_string()


Flask.jinja_options = {"bytecode_cache": CompiledTemplates()}
LISTENER = events.Listener()


def pytest_addoption(parser):
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


def pytest_configure():
    LISTENER.begin()


def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(SAME_ON_BOTH):
            item.add_marker("one_database")


def pytest_sessionfinish(session):
    if events.FOLDER in os.environ and LISTENER.acts:
        LISTENER.leave(Path(os.environ[events.FOLDER]))


class Copies:
    """A migrated database that is copied for each test."""

    def __init__(self, folder):
        self.folder = folder
        self.template = f"sqlite:///{folder / 'template.db'}"
        self._migrate(self.template)

    def _migrate(self, url):
        connect_to(url).connect()
        migrations.migrate()
        Clock.update(since=LONG_AGO).execute()  # tests set the time themselves
        if url.startswith("sqlite"):
            database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()

    def make(self):
        copy = self.folder / "test.db"
        for left in self.folder.glob("test.db*"):
            left.unlink()
        shutil.copy(self.folder / "template.db", copy)
        return f"sqlite:///{copy}"

    def let_go(self):
        """Keep no connection to the copy."""

    def drop(self, url=None):
        pass


class PostgresCopies(Copies):
    """Creating a database takes half a second there, so the copy is emptied after a test that left the schema unchanged."""

    SHAPE = """SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
        (SELECT count(*) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid AND relnamespace = 'public'::regnamespace
         WHERE NOT attisdropped), (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM migration)"""
    TABLES = """SELECT relname, pg_get_serial_sequence(quote_ident(relname), attname) FROM pg_class
        LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'id'
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT IN ('migration', 'clock')"""
    LEFT_BY_MIGRATIONS = (
        f"UPDATE clock SET since = '{LONG_AGO}', ran_at = NULL, took_ms = 0, treated = 0, treated_at = NULL"
    )

    def __init__(self):
        self.shape = self.kept = None
        self.names = [f"kavo_test_{os.getpid()}_{kind}" for kind in ("template", "copy")]
        self._server(f"DROP DATABASE IF EXISTS {self.names[0]}", f"CREATE DATABASE {self.names[0]}")
        self._migrate(self._url(self.names[0]))
        database.close_all()

    @staticmethod
    def _url(name):
        return urlunsplit(urlsplit(POSTGRES_URL)._replace(path=f"/{name}"))

    @staticmethod
    def _server(*statements):
        with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def make(self):
        template, copy = self.names
        if self.shape is None or not self._empty():
            self.let_go()
            self._server(
                f"DROP DATABASE IF EXISTS {copy} WITH (FORCE)",
                f"CREATE DATABASE {copy} TEMPLATE {template}",
                f"ALTER DATABASE {copy} SET synchronous_commit = off",
            )
            self.kept = psycopg.connect(self._url(copy), autocommit=True)
            self.kept.execute("SET lock_timeout = '2s'; SET session_replication_role = replica")
            self.shape = self.kept.execute(self.SHAPE).fetchone()
        return self._url(copy)

    def _empty(self):
        """Delete all rows; returns False when the last test changed the schema, or something still locks the tables. The
        connection stays open for the next test: a new one reads the catalogue again, which takes longer than all the rest. It
        runs as a replica, so that no foreign key or trigger prevents deleting a row."""
        try:
            if self.kept.execute(self.SHAPE).fetchone() != self.shape:
                return False
            tables = self.kept.execute(self.TABLES).fetchall()
            afresh = [f'DELETE FROM "{name}"' for name, _ in tables]
            afresh += [f"SELECT setval('{numbers}', 1, false)" for _, numbers in tables if numbers]
            self.kept.execute("; ".join(afresh))
            return self.kept.execute(self.LEFT_BY_MIGRATIONS).rowcount == 1
        except psycopg.Error:
            return False

    def let_go(self):
        if self.kept is not None:
            self.kept.close()

    def drop(self):
        self.let_go()
        self._server(*(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in self.names))


@pytest.fixture(scope="session")
def copies(request, tmp_path_factory):
    if request.config.getoption("--database") == "sqlite":
        yield Copies(tmp_path_factory.mktemp("database"))
        return
    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no PostgreSQL on KAVO_TEST_POSTGRES_URL: {error}")
        pytest.skip("no PostgreSQL on KAVO_TEST_POSTGRES_URL")
    made = PostgresCopies()
    yield made
    made.drop()


@pytest.fixture(autouse=True)
def db(copies):
    """The URL of a fresh database; the models are connected to it."""
    url = copies.make()
    connect_to(url).connect()
    checkpoint_keys.set_up(config.load(KEYS))
    yield url
    if not database.is_closed():
        database.close()
    if hasattr(database.obj, "close_all"):
        database.close_all()


@pytest.fixture(autouse=True)
def canary(db):
    """No test may let a national number, a password, a token or a hash into a log, a mail, an address or an export."""
    from tests.canary import Canary

    with Canary() as listening:
        yield listening
        listening.read_mails()
    assert listening.found == []


@pytest.fixture(autouse=True)
def promises():
    """No act may write lines of history or mails that docs/events.md does not name."""
    yield
    broken, LISTENER.broken = LISTENER.broken, []
    assert broken == [], f"see the top of {events.PAGE.relative_to(config.PROJECT)}"


@pytest.fixture
def now():
    """A moment (naive UTC): 1 July 2026, 10 o'clock in Brussels."""
    return datetime(2026, 7, 1, 8, 0)


@pytest.fixture
def settings(db, tmp_path):
    values = {
        "KAVO_DATABASE_URL": db,
        "KAVO_QUEUE_URL": f"sqlite:///{tmp_path / 'queue.db'}",
        **KEYS,
        "KAVO_TEAM_2FA": "1",
    }
    return config.load(values)


def with_quick_passwords(application):
    """The application with cheap password hashes, since tests log in often."""
    application.extensions["security"].pwd_context.update(
        argon2__rounds=1, argon2__memory_cost=8, argon2__parallelism=1
    )
    application.security.totp_factory._totp.wallet.encrypt_cost = 1
    return application


@pytest.fixture(scope="session")
def applications():
    """Settings → the application made for them."""
    return {}


@pytest.fixture
def application(applications):
    """A function that returns the application for some settings. It is created once for all settings that differ in their queue
    only, since that takes longer than most tests; changes that a test makes to it are reverted."""
    from app import create_app

    kept = []

    def give(settings):
        database.close()
        key = dataclasses.replace(settings, queue_url="")
        if key not in applications:
            applications[key] = with_quick_passwords(create_app(settings))
        made = applications[key]
        kept.append((made, dict(made.config)))
        made.config["KAVO"] = settings
        start_up.apply(settings)
        limits.STEP_SECONDS = 0.001
        database.connect()
        return made

    yield give
    for made, config_before in reversed(kept):
        made.config.clear()
        made.config.update(config_before)


@pytest.fixture
def app(settings, application):
    """The application on the database of this test."""
    return application(settings)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def report(request, capsys):
    """A function that prints the figures of a trial, and keeps them for the table of `make chaos`."""

    def say(**figures):
        name = request.node.originalname.removeprefix("test_").replace("_", " ")
        database = request.config.getoption("--database")
        with capsys.disabled():
            print(f"\n{name} ({database}): " + ", ".join(f"{word} {value}" for word, value in figures.items()))
        if path := os.environ.get("KAVO_CHAOS_REPORT"):
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"name": name, "database": database, **figures}) + "\n")

    return say
