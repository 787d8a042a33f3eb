"""Exports read from a replica of the database, and from the database itself when the replica is down."""

import time

import psycopg
import pytest

import migrations
from database import connect_to, database, read_from, reading
from tests import factories as make
from tests.machines import POSTGRES_PROGRAMS, Postgres

SECONDS = 20


@pytest.fixture
def pair(request, room):
    """A PostgreSQL server and its replica; the models are connected to the first."""
    if request.config.getoption("--database") == "sqlite" or not POSTGRES_PROGRAMS:
        pytest.skip("of PostgreSQL")
    database.close()
    for name in ("first", "second"):
        (room / name).mkdir()
    with Postgres(room / "first").make() as first:
        second = Postgres(room / "second").follow(first)
        connect_to(first.url).connect()
        migrations.migrate()
        read_from(second.url)
        yield first, second
        read_from("")
        second.kill()
        database.close()
        database.close_all()


def test_an_export_reads_from_the_copy_and_cannot_write_there(pair):
    make.participant(first_name="Noor")
    end = time.monotonic() + SECONDS
    names = []
    while names != [("Noor",)] and time.monotonic() < end:
        with reading() as cursor:
            cursor.execute("SELECT first_name FROM participant")
            names = cursor.fetchall()
    assert names == [("Noor",)]
    with reading() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        assert cursor.fetchone() == (True,)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), reading() as cursor:  # noqa: PT012
        cursor.execute("SELECT set_config('x.y', 'z', false), nextval('participant_id_seq')")
        cursor.fetchone()


def test_without_its_copy_an_export_reads_from_the_database_itself(pair, caplog):
    make.participant(first_name="Noor")
    pair[1].kill()
    with reading() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        assert cursor.fetchone() == (False,)
    assert "does not answer, so the database itself is read" in caplog.text
