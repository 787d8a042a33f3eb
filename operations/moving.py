"""Moving a whole SQLite database to PostgreSQL, while it is in use, and verifying that everything arrived.

It is one transaction in PostgreSQL and one snapshot of SQLite: work that goes on in the old database meanwhile is not
lost there, and the move can be repeated."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from typing import Any

from peewee import BlobField, BooleanField, CharField, DateField, DateTimeField, IntegerField, TextField

import migrations
from database import database
from models import TABLES, User
from operations.backups import pointed_at

AT_ONCE = 2000


class MoveError(Exception):
    """The move failed or is incomplete; PostgreSQL is unchanged."""


def move(source: str, target: str, again: bool, say: Callable[[str], None]):
    """Copy the database of `source` (sqlite:///…) into that of `target` (postgresql://…), and compare.

    `again`: throw away what an earlier move left there. Raises MoveError."""
    with closing(sqlite3.connect(source.removeprefix("sqlite:///"), isolation_level=None)) as old, pointed_at(target):
        migrations.migrate()
        _same_release(old)
        before = old.execute("PRAGMA data_version").fetchone()
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM migration").fetchone()  # from here on: one snapshot of the database
        with database.atomic():
            if User.select().exists() and not again:
                raise MoveError("The target holds data. Use --again to throw that away and move anew.")
            _copy_all(old, say)
            _compare(old)
        old.execute("COMMIT")
        if old.execute("PRAGMA data_version").fetchone() != before:
            say(
                "The source was changed while it was copied. For the real move: stop the tool, and run this with --again."
            )
        for model in TABLES:
            database.execute_sql(f'ANALYZE "{model._meta.table_name}"')


def _same_release(old):
    steps = [name for (name,) in old.execute("SELECT name FROM migration ORDER BY name")]
    if steps != migrations.available():
        raise MoveError("The source is of another release: run `migrate` on it first.")


def _copy_all(old, say):
    """Copy all rows with triggers disabled: sums and counts are copied, not recomputed."""
    names = [f'"{model._meta.table_name}"' for model in TABLES]
    for name in names:
        database.execute_sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
    database.execute_sql(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE")
    for model, name in zip(TABLES, names, strict=True):
        say(f"{model._meta.table_name}: {_copy(old, model)} rows")
        key: Any = model._meta.primary_key
        if key.field_type == "AUTO":
            database.execute_sql(
                f"SELECT setval(pg_get_serial_sequence(%s, %s), COALESCE(MAX({key.column_name}), 1),"  # noqa: S608
                f" MAX({key.column_name}) IS NOT NULL) FROM {name}",
                (name, key.column_name),
            )
    for name in names:
        database.execute_sql(f"ALTER TABLE {name} ENABLE TRIGGER USER")


def _copy(old, model) -> int:
    columns = [field.column_name for field in model._meta.sorted_fields]
    listed = ", ".join(f'"{name}"' for name in columns)
    booleans = [place for place, field in enumerate(model._meta.sorted_fields) if isinstance(field, BooleanField)]
    count, statement = 0, f'COPY "{model._meta.table_name}" ({listed}) FROM STDIN'
    with database.connection().cursor() as cursor, cursor.copy(statement) as copy:
        for row in map(list, _rows(old, model, listed)):
            for place in booleans:
                row[place] = None if row[place] is None else bool(row[place])
            copy.write_row(row)
            count += 1
    return count


def _rows(old, model, listed) -> Iterator[tuple]:
    cursor = old.execute(f'SELECT {listed} FROM "{model._meta.table_name}"')  # noqa: S608 - our own names
    while rows := cursor.fetchmany(AT_ONCE):
        yield from rows


# ---- verifying


def _compare(old):
    """Counts, sums of numbers and of lengths, first and last days: the same on both sides, or MoveError."""
    for model in TABLES:
        table, questions = model._meta.table_name, list(_questions(model))
        asked = ", ".join(lite for _, lite, _ in questions)
        there = old.execute(f'SELECT {asked} FROM "{table}"').fetchone()  # noqa: S608
        asked = ", ".join(postgres for _, _, postgres in questions)
        here = database.execute_sql(f'SELECT {asked} FROM "{table}"').fetchone()  # noqa: S608
        for (name, _, _), was, came in zip(questions, there, here, strict=True):
            if _plain(was) != _plain(came):
                raise MoveError(f"{table}: {name} is {came} instead of {was}. Nothing was kept.")


def _questions(model) -> Iterator[tuple[str, str, str]]:
    """What is compared of a table: a name, and its expression in SQLite and in PostgreSQL."""
    yield "the number of rows", "COUNT(*)", "COUNT(*)"
    for field in model._meta.sorted_fields:
        column = f'"{field.column_name}"'
        kind = field.rel_field if hasattr(field, "rel_field") else field
        yield f"how many have a {field.column_name}", f"COUNT({column})", f"COUNT({column})"
        if isinstance(kind, BooleanField | IntegerField) or kind.field_type == "AUTO":
            yield f"the sum of {field.column_name}", f"SUM({column})", f"SUM({column}::int)"
        elif isinstance(kind, CharField | TextField):
            yield f"the length of {field.column_name}", f"SUM(LENGTH({column}))", f"SUM(LENGTH({column}))"
        elif isinstance(kind, BlobField):
            yield f"the length of {field.column_name}", f"SUM(LENGTH({column}))", f"SUM(OCTET_LENGTH({column}))"
        elif isinstance(kind, DateField | DateTimeField):
            for end in ("MIN", "MAX"):
                yield f"{end} of {field.column_name}", f"{end}({column})", f"{end}({column})"


def _plain(value):
    """A value in a form that is equal for both databases."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, datetime) or value is None:
        return value
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else int(value)
