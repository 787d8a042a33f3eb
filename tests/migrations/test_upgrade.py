"""A database of an earlier release, with data, migrates to the current tables and keeps every invariant."""

import gzip
import sqlite3
from pathlib import Path

import pytest

import migrations
from database import connect_to, database
from models import Placement, User
from operations import checks

WORLDS = sorted((Path(__file__).parents[1] / "fixtures").glob("*.sql.gz"))


@pytest.mark.parametrize("world", WORLDS, ids=lambda path: path.name.split(".")[0])
def test_the_world_of_an_earlier_release_comes_to_the_present_tables(world, tmp_path):
    with sqlite3.connect(tmp_path / "world.db") as file:
        file.executescript(gzip.decompress(world.read_bytes()).decode())
    file.close()
    database.close()
    connect_to(f"sqlite:///{tmp_path / 'world.db'}").connect()

    migrations.migrate()

    assert migrations.applied() == migrations.available()
    assert list(checks.breaches()) == []
    assert User.select().where(User.email == "team@kavo.test").exists()
    assert Placement.select().count() > 100
