"""The steps of the schema: forward, back, together, and the same tables as the models."""

import subprocess
import sys
from pathlib import Path

import peewee
import pytest

import migrations
from database import connect_to, database, on_postgresql
from migrations import compare
from models import TABLES, History
from tests import factories as make
from workflow import accounts

PROJECT = Path(__file__).parents[1]


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


def test_two_who_migrate_at_once_take_each_step_once(db):
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
    folder = tmp_path / "0002_broken"
    folder.mkdir()
    for engine in ("sqlite", "postgresql"):
        (folder / f"up.{engine}.sql").write_text("CREATE TABLE half (id INTEGER); INSERT INTO nowhere VALUES (1);")
    monkeypatch.setattr(migrations, "FOLDER", tmp_path)

    with pytest.raises(peewee.DatabaseError):
        migrations.migrate()

    assert "half" not in database.get_tables()
    assert "0002_broken" not in migrations.applied()


@pytest.mark.parametrize("sql, allowed", [
    ("UPDATE history SET verb = 'site.approved'", False), ("UPDATE history SET payload = '{}'", False),
    ("DELETE FROM history", False), ("UPDATE history SET payload = NULL, salt = NULL", True),
])  # fmt: skip
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
