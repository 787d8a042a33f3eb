"""Columns of typed text, of JSON and with a fixed set of words, and how lists are sorted by them."""

import json
from collections.abc import Iterable
from typing import Any

from peewee import SQL, CharField, Check, DateField, DateTimeField, Field, IntegerField, Node, NodeList, TextField, fn

from database import readings
from database.connection import on_postgresql
from database.texts import tidy, tidy_lines

MAX_INTEGER = 2**31 - 1
BEFORE_ALL: dict[type[Field], str | int] = {
    DateTimeField: "0001-01-01 00:00:00",
    DateField: "0001-01-01",
    IntegerField: -1,
    CharField: "",
}


def empty_first(field: Any) -> Any:
    """A column for sorting: empty values come first, on both databases."""
    return fn.COALESCE(field, SQL(repr(before_all(field)))) if field.null else field


def without_index(expression: Any) -> Any:
    """A column or expression for which SQLite must not use an index (PostgreSQL plans well by itself)."""
    return expression if on_postgresql() else NodeList((SQL("+"), expression), glue="")


def before_all(field: Any) -> str | int:
    """The value that stands for an empty value of this column when sorting."""
    plain = getattr(field, "field", field)  # of an alias
    return next(text for kind, text in BEFORE_ALL.items() if isinstance(plain, kind))


def whole_number(text: str | None) -> int | None:
    """Text from outside as a number that a column can hold; None for anything else (a word, negative, more than 9 digits)."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def is_phone(field: Any) -> bool:
    """Whether a column holds telephone numbers, which are shown in another form than they are stored."""
    plain = getattr(field, "field", field)  # of an alias
    return getattr(plain, "model", None) is not None and plain.model.readers.get(plain.name) is readings.phone


class Typed(Field):
    """A column for text that a person types, pastes or imports, or that comes from an eID: it stores and compares text as `texts`
    tidies it, whatever its source. `required`: the refusal of an empty text; '': the text may be empty."""

    tidy = staticmethod(tidy_lines)

    def __init__(self, *args: Any, required: str = "", **options: Any):
        super().__init__(*args, **options)
        self.required = required

    def db_value(self, value: Any) -> Any:
        return super().db_value(self.tidy(value) if isinstance(value, str) else value)


class Line(Typed, CharField):
    """One line of text."""

    tidy = staticmethod(tidy)


class Lines(Typed, CharField):
    """Lines of text, up to a length."""


class LongText(Typed, TextField):
    """Lines of text of any length."""


class Json(TextField):
    """A list or dictionary, stored as JSON in a text column."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def python_value(self, value: str | None) -> Any:
        return None if value is None else json.loads(value)


def one_of(column: str, values: Iterable[str]) -> Node:
    """A CHECK constraint: the column holds one of these words."""
    return Check(f"{column} IN ({', '.join(repr(value) for value in values)})")


def choices(words: dict[str, str]) -> list[tuple[str, str]]:
    """A dictionary of code → Dutch words as the `choices` of a field."""
    return list(words.items())
