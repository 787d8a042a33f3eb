"""Whether the migrations and the models describe the same tables."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import migrations
from database import connect_to, database, on_postgresql
from models import TABLES

ONLY_MIGRATIONS = re.compile(r""" COLLATE "C"| DEFAULT ('[^']*'|\d+)""")

OF_WORDS = re.compile("_words|_terms")
"""tables and indexes for finding words"""


def describe() -> set[str]:
    """Every column, constraint and index of the present database, a line each, without those that only migrations create
    (triggers, collations, defaults, the indexes of words)."""
    rows = _postgresql_rows() if on_postgresql() else _sqlite_rows()
    lines = {re.sub(r"\s+", " ", ONLY_MIGRATIONS.sub("", row)).replace("( ", "(").replace(" )", ")") for row in rows}
    return {line for line in lines if not line.startswith("migration") and not OF_WORDS.search(line)}


def _sqlite_rows() -> Iterator[str]:
    for kind, name, sql in database.execute_sql(
        "SELECT type, tbl_name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql <> ''"
    ):
        if not OF_WORDS.search(name):
            inside = sql[sql.index("(") + 1 : sql.rindex(")")]
            yield from (f"{name}: {part}" for part in (_parts(inside) if kind == "table" else [sql]))


def _parts(text: str) -> list[str]:
    """The columns and constraints of a CREATE TABLE: split at commas outside brackets. Columns that later steps added come last,
    so the order means nothing."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def _postgresql_rows() -> Iterator[str]:
    yield from (
        ": ".join(map(str, row))
        for row in database.execute_sql(
            "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable"
            " FROM information_schema.columns WHERE table_schema = 'public'"
        )
    )
    yield from (
        ": ".join(row)
        for row in database.execute_sql(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace"
        )
    )
    yield from (
        ": ".join(row)
        for row in database.execute_sql("SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'")
    )


def differences() -> list[str]:
    """Differences between the migrated tables and the models, on an empty SQLite database."""
    with _in_memory():
        migrations.migrate()
        migrated = describe()
    with _in_memory():
        database.create_tables(TABLES)
        modelled = describe()
    return sorted(f"only in the migrations: {line}" for line in migrated - modelled) + sorted(
        f"only in the models: {line}" for line in modelled - migrated
    )


@contextmanager
def _in_memory() -> Iterator[None]:
    before = database.obj
    try:
        connect_to("sqlite:///:memory:").connect()
        yield
        database.close()
    finally:
        database.initialize(before)
