"""Columns: of typed text, of JSON, with a fixed set of words; and how they are ordered."""

import json

from peewee import SQL, CharField, Check, DateField, DateTimeField, IntegerField, NodeList, TextField, fn

from database import readings
from database.connection import on_postgresql
from database.texts import tidy, tidy_lines

MAX_INTEGER = 2**31 - 1
BEFORE_ALL = {DateTimeField: "0001-01-01 00:00:00", DateField: "0001-01-01", IntegerField: -1, CharField: ""}


def ordered(field):
    """A column as lists are ordered by it: what is empty comes before all else, on both databases."""
    return fn.COALESCE(field, SQL(repr(before_all(field)))) if field.null else field


def alone(expression):
    """A column or expression by which SQLite must not look up or order by an index (PostgreSQL judges for itself)."""
    return expression if on_postgresql() else NodeList((SQL("+"), expression), glue="")


def before_all(field):
    """What stands for an empty value of this column in an order."""
    plain = getattr(field, "field", field)  # of an alias
    return next(text for kind, text in BEFORE_ALL.items() if isinstance(plain, kind))


def whole_number(text: str | None) -> int | None:
    """Text from outside as a number that a column can hold; None when it is none (a word, negative, beyond 9 digits)."""
    fits = text and text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if fits else None


def is_phone(field) -> bool:
    """Whether a column holds telephone numbers, which are shown otherwise than they are kept."""
    plain = getattr(field, "field", field)  # of an alias
    return getattr(plain, "model", None) is not None and plain.model.reads.get(plain.name) is readings.phone


class Typed:
    """A column of what a person types, pastes or imports, or what an eID tells: it keeps and compares a text as `texts` makes it,
    whatever door it came by. `required`: the refusal of a text in which one reads nothing; '': it may be empty."""

    tidy = staticmethod(tidy_lines)

    def __init__(self, *args, required: str = "", **options):
        super().__init__(*args, **options)
        self.required = required

    def db_value(self, value):
        return super().db_value(self.tidy(value) if isinstance(value, str) else value)


class Line(Typed, CharField):
    """One line of text."""

    tidy = staticmethod(tidy)


class Lines(Typed, CharField):
    """Lines of text, up to a length."""


class LongText(Typed, TextField):
    """Lines of text without end."""


class Json(TextField):
    """A list or dictionary, kept as JSON in a column of text."""

    def db_value(self, value):
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def python_value(self, value):
        return None if value is None else json.loads(value)


def one_of(column: str, values) -> Check:
    """A CHECK that a column holds one of these words."""
    return Check(f"{column} IN ({', '.join(repr(value) for value in values)})")


def choices(words: dict[str, str]) -> list[tuple[str, str]]:
    """A dictionary of code → Dutch words, as the `choices` of a field."""
    return list(words.items())
