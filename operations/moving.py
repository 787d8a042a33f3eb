"""Moving a whole SQLite database to PostgreSQL while it is in use, with proof that everything arrived.

It is one transaction in PostgreSQL and one snapshot of SQLite: those who keep working in the old database lose nothing there, and
the move can be repeated."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime

from peewee import AutoField, BlobField, BooleanField, CharField, DateField, DateTimeField, IntegerField, TextField

import migrations
from database import database
from models import TABLES, User
from operations.backups import pointed_at

AT_ONCE = 2000


class MoveError(Exception):
    """The move cannot be done, or not everything arrived; PostgreSQL is unchanged."""


def move(source: str, target: str, again: bool, say: Callable[[str], None]) -> None:
    """Copy the database at `source` (sqlite:///…) into the one at `target` (postgresql://…), and compare them.

    `again`: discard what an earlier move left there. Raises MoveError."""
    with closing(sqlite3.connect(source.removeprefix("sqlite:///"), isolation_level=None)) as old, pointed_at(target):
        migrations.migrate()
        _same_release(old)
        before = old.execute("PRAGMA data_version").fetchone()
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM migration").fetchone()  # the snapshot begins here
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
    """Copy all rows with triggers disabled: sums and counts are copied, not computed again."""
    names = [f'"{model._meta.table_name}"' for model in TABLES]
    for name in names:
        database.execute_sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
    database.execute_sql(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE")
    for model, name in zip(TABLES, names, strict=True):
        say(f"{model._meta.table_name}: {_copy(old, model)} rows")
        key = model._meta.primary_key
        if isinstance(key, AutoField):
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


# ---- comparing


def _compare(old):
    """Raise MoveError unless counts, sums of numbers and of lengths, first and last days are the same on both sides."""
    for model in TABLES:
        table, measures = model._meta.table_name, list(_measures(model))
        columns = ", ".join(lite for _, lite, _ in measures)
        there = old.execute(f'SELECT {columns} FROM "{table}"').fetchone()  # noqa: S608
        columns = ", ".join(postgres for _, _, postgres in measures)
        here = database.execute_sql(f'SELECT {columns} FROM "{table}"').fetchone()  # noqa: S608
        for (name, _, _), expected, actual in zip(measures, there, here, strict=True):
            if _plain(expected) != _plain(actual):
                raise MoveError(f"{table}: {name} is {actual} instead of {expected}. Nothing was kept.")


def _measures(model) -> Iterator[tuple[str, str, str]]:
    """What is compared in a table: a name, and its expression in SQLite and in PostgreSQL."""
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
    """A value in the form that is equal for both databases."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, datetime) or value is None:
        return value
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else int(value)
