"""A migration in one file: names for types, sections for a single database, and how to undo it."""

import re

import pytest

import migrations
from database import database
from migrations import compare, steps

STEP = """-- What it is for.
CREATE TABLE "thing" (
    "id" {{id}} NOT NULL PRIMARY KEY,
    "name" VARCHAR(20) {{sorted}} NOT NULL,
    "at" {{timestamp}} NOT NULL,
    "done" {{bool}} NOT NULL,
    "key" {{bytes}}
);
CREATE INDEX "thing_at" ON "thing" ("at");
ALTER TABLE "site" ADD COLUMN "thing" VARCHAR(20);
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with only the migrations that a test writes."""
    monkeypatch.setattr(steps, "FOLDER", tmp_path)
    return tmp_path


def test_a_step_is_one_file_with_words_for_what_the_databases_call_differently(folder):
    (folder / "0001_thing.sql").write_text(STEP)

    assert steps.available() == ["0001_thing"]
    assert '"id" INTEGER NOT NULL PRIMARY KEY' in steps.sql("0001_thing", "up", "sqlite")
    assert '"name" VARCHAR(20) NOT NULL' in steps.sql("0001_thing", "up", "sqlite")
    assert '"id" SERIAL NOT NULL PRIMARY KEY' in steps.sql("0001_thing", "up", "postgresql")
    assert '"name" VARCHAR(20) COLLATE "C" NOT NULL' in steps.sql("0001_thing", "up", "postgresql")


def test_the_reverse_of_a_migration_is_derived_from_it(folder):
    (folder / "0001_thing.sql").write_text(STEP)

    assert steps.sql("0001_thing", "down", "sqlite").splitlines() == [
        'ALTER TABLE "site" DROP COLUMN "thing";',
        'DROP INDEX "thing_at";',
        'DROP TABLE "thing";',
    ]


def test_a_derived_down_leaves_nothing_behind(folder):
    before = compare.describe()
    (folder / "9999_thing.sql").write_text(STEP)

    assert migrations.migrate() == ["9999_thing"]
    assert "thing" in database.get_tables()
    database.execute_sql("DELETE FROM migration WHERE name < '9999'")
    assert migrations.back("zero") == ["9999_thing"]
    assert compare.describe() == before


def test_a_part_for_one_database_is_for_that_one_alone(folder):
    (folder / "0001_both.sql").write_text(
        "SELECT 1;\n--- up sqlite\nSELECT 2;\n--- up postgresql\nSELECT 3;\n--- up\nSELECT 4;\n--- down\nSELECT 5;\n"
    )

    def numbers(direction, engine):
        return re.findall(r"\d", steps.sql("0001_both", direction, engine))

    assert numbers("up", "sqlite") == ["1", "2", "4"]
    assert numbers("up", "postgresql") == ["1", "3", "4"]
    assert numbers("down", "sqlite") == ["5"]


@pytest.mark.parametrize(
    "text, direction, said",
    [
        ("UPDATE site SET name = '';", "down", "write a part '--- down'"),
        ('ALTER TABLE "site" ADD COLUMN "a" TEXT, ADD COLUMN "b" TEXT;', "down", "write a part '--- down'"),
        ("CREATE TABLE x (id {{serial}});", "up", "unknown word 'serial'"),
        ("--- upp\nSELECT 1;", "up", "is no heading"),
        ("--- up mysql\nSELECT 1;", "up", "is no heading"),
    ],
)
def test_a_step_that_cannot_be_read_says_how_to_write_it(folder, text, direction, said):
    (folder / "0001_bad.sql").write_text(text)
    with pytest.raises(steps.StepError, match=said):
        steps.sql("0001_bad", direction, "sqlite")


@pytest.mark.parametrize("engine", steps.WORDS)
@pytest.mark.parametrize("direction", ["up", "down"])
def test_every_step_can_be_read(direction, engine):
    for name in steps.available():
        assert "{{" not in steps.sql(name, direction, engine)
