"""The columns of a new table as a developer types them: `site:Site`, `note:Text?:"Opmerking"`."""

import builtins
import json
import keyword
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import click

import models
from commands.new_table.reserved import SQL_WORDS
from database import BaseModel, Versioned
from forms import KavoForm
from models import TABLES, Association, Participant, Site, User
from workflow.privacy import personal_data

LABELS = {"date": "Datum", "note": "Opmerking", "title": "Titel"}
"""column → its label, where no table has such a column yet and its name would be English on the screen"""
LABELS_OF_KINDS = {"Email": "E-mailadres", "Phone": "Telefoonnummer"}
LOOKED_UP_BY: dict[type[BaseModel], str] = {User: "email", Participant: "kavo_id"}
"""a table that is too long for a drop-down → the column by which a form finds its rows"""
NOT_PERSONS = (Site, Association)
"""tables with personal data whose rows are no persons: a reference to one says nothing about a person"""
IMPORTED = {"AdminView", "BaseModel", "Line", "LongText", "Personal", "Screen", "Versioned", "Visitor"}
"""classes that the written files import beside the table"""
USED = {"app", "audit", "csrf_token", "make", "readings", "row", "search", "team"}
"""names that a form, a list, or the written model or test uses itself"""
LONGEST = 63  # characters of a name in PostgreSQL
SKIPPED = re.compile("^migration|_words|_terms|^sqlite_")
"""names that `migrations.compare` skips, or that SQLite keeps for itself"""


@dataclass(frozen=True)
class Kind:
    """A type of column.

    `field`: its class in a model; `sql`: its type in a step, with the words of `migrations.steps`; `examples`: two values for the
    test, each as typed in a form and as read from the row; `length`: the most characters of a line (0: not a line); `reader`: the
    function of `database.readings` that reads it ('': none)."""

    field: str
    sql: str
    examples: tuple[tuple[Any, Any], ...] = ()
    length: int = 0
    reader: str = ""

    @property
    def is_text(self) -> bool:
        return self.field in ("Line", "LongText")

    @property
    def has_default(self) -> bool:
        """Whether a row that leaves it empty holds '' or False, never NULL."""
        return self.is_text or self.field == "BooleanField"


def _line(length: int, *examples: tuple[str, str], reader: str = "") -> Kind:
    return Kind("Line", f"VARCHAR({length})", examples, length, reader)


KINDS = {
    "Line": _line(200, ("Eerste", "Eerste"), ("Tweede", "Tweede")),
    "Email": _line(254, ("Een@Kavo.test", "een@kavo.test"), ("twee@kavo.test", "twee@kavo.test"), reader="email"),
    "Phone": _line(30, ("0470 11 22 33", "+32470112233"), ("0470 11 22 44", "+32470112244"), reader="phone"),
    "Text": Kind("LongText", "TEXT", (("Eerste tekst", "Eerste tekst"), ("Tweede tekst", "Tweede tekst"))),
    "Integer": Kind("IntegerField", "INTEGER", ((7, 7), (8, 8))),
    "Boolean": Kind("BooleanField", "{{bool}}", ((None, False), ("y", True))),
    "Date": Kind("DateField", "DATE", (("01/07/2026", date(2026, 7, 1)), ("02/07/2026", date(2026, 7, 2)))),
}
REFERENCE = Kind("ForeignKeyField", "INTEGER")


@dataclass(frozen=True)
class Column:
    """One column of a new table. `target`: the table to which it refers, whose rows find theirs by `backref`."""

    name: str
    kind: Kind
    label: str
    optional: bool
    target: type[BaseModel] | None
    backref: str

    @property
    def stored(self) -> str:
        """Its name in the database."""
        return f"{self.name}_id" if self.target else self.name

    @property
    def code(self) -> str:
        """The field of the model, as Python."""
        return f"{self.kind.field}({', '.join(self._arguments())})"

    def _arguments(self) -> list[str]:
        arguments = [self.target.__name__] if self.target else []
        if self.kind.field == "BooleanField":
            arguments.append("default=False")
        elif self.optional:
            arguments.append('default=""' if self.kind.has_default else "null=True")
        if self.kind.length:
            arguments.append(f"max_length={self.kind.length}")
        if self.target:
            arguments += [f'backref="{self.backref}"', 'on_delete="RESTRICT"']
        arguments.append(f"verbose_name={json.dumps(self.label, ensure_ascii=False)}")
        if self.kind.is_text and not self.optional:
            arguments.append(f'required="Vul ‘{self.label}’ in."')
        return arguments

    @property
    def sql(self) -> str:
        """Its type in the step."""
        return self.kind.sql if self.optional and not self.kind.has_default else f"{self.kind.sql} NOT NULL"

    @property
    def is_personal(self) -> bool:
        """Whether it may say something about a person: every text does, and every reference that may lead to one."""
        if not self.target:
            return self.kind.is_text
        without = self.target._meta.table_name in personal_data.WITHOUT_PERSONS
        return not without and self.target not in NOT_PERSONS

    @property
    def looked_up_by(self) -> str:
        """The column by which a form finds the row to which it refers; '': a drop-down shows them all."""
        return LOOKED_UP_BY.get(self.target, "") if self.target else ""

    @property
    def has_words(self) -> bool:
        """Whether it refers to rows that are ordered by words."""
        return self.target is not None and "search" in self.target._meta.fields

    def typed(self, turn: int) -> str:
        """Python for what the test types in a form, the first time (0) or the second (1); '' for nothing. An optional column
        stays empty the first time."""
        if self.optional and turn == 0:
            return ""
        if self.target:
            return f"{self.name}.{self.looked_up_by or 'id'}"
        value = self.kind.examples[turn][0]
        return "" if value is None else repr(value)

    def kept(self, turn: int) -> str:
        """Python that compares the column of the row with what the test typed: '== 7'."""
        if self.optional and turn == 0:
            value = "" if self.kind.is_text else False if self.kind.has_default else None
        elif self.target:
            return f"== {self.name}"
        else:
            value = self.kind.examples[turn][1]
        if value is None or isinstance(value, bool):
            return f"is {value}"
        return f"== {value!r}".replace("datetime.date", "date")  # as the test imports it


def read_table(name: str) -> str:
    """The name in the database of a new table that is called `name` in the code. Raises ClickException for a bad name."""
    if not re.fullmatch(r"([A-Z][a-z0-9]*)+", name) or len(name) < 2:
        raise click.ClickException(
            f"'{name}' is no name for a table: write it in CapWords, such as Visit or SiteVisit."
        )
    table = re.sub(r"(?<=[a-z0-9])([A-Z])|(?<!^)([A-Z])(?=[a-z])", lambda found: f"_{found[0]}", name).lower()
    if name in models.__all__ or any(table == model._meta.table_name for model in TABLES):
        raise click.ClickException(f"'{name}' is taken: models.py has it already.")
    _check_words(name, table)
    fields = {kind.field for kind in (*KINDS.values(), REFERENCE)}
    if name in IMPORTED | fields or hasattr(builtins, name):
        raise click.ClickException(f"'{name}' is the name of something else in the code. Choose another name.")
    if SKIPPED.search(table) or len(table) > LONGEST // 2:
        raise click.ClickException(f"'{name}' cannot be a table: its name in the database is reserved or too long.")
    return table


def read_columns(table: str, many: str, texts: tuple[str, ...]) -> list[Column]:
    """The columns as typed in `texts`. Raises ClickException when there are none, and for the first that cannot be."""
    if not texts:
        raise click.ClickException("A table needs a column: write for example name:Line behind its name.")
    columns: list[Column] = []
    for text in texts:
        column = _read(table, many, text, {one.backref for one in columns})
        names = {name for one in columns for name in (one.name, one.stored)}
        if {column.name, column.stored} & names:
            raise click.ClickException(f"The column '{column.name}' is there twice.")
        columns.append(column)
    return columns


def _read(table: str, many: str, text: str, backrefs: set[str]) -> Column:
    """The column that `text` asks for; `backrefs` are taken. Raises ClickException when it cannot be."""
    name, _, rest = text.partition(":")
    written, _, label = rest.partition(":")
    _check_name(table, name)
    kind, target = _kind(name, written.removesuffix("?"))
    label = label.strip().strip('"').replace("'", "’") or LABELS_OF_KINDS.get(written.removesuffix("?")) or _label(name)
    _check_label(name, label)
    backref = _backref(table, name, many, target, backrefs) if target else ""
    column = Column(name, kind, label, written.endswith("?"), target, backref)
    _check_words(name, column.stored)
    return column


def _check_name(table: str, name: str) -> None:
    """Raise ClickException when no column of this table can have this name."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise click.ClickException(f"'{name}' is no name for a column: write it in small letters, such as starts_on.")
    if hasattr(Versioned, name) or hasattr(KavoForm, name) or name in USED:
        raise click.ClickException(f"A table or its form has something called '{name}' already. Choose another name.")
    if SKIPPED.search(f"_{name}") or len(f"{table}_{name}_id") > LONGEST:
        raise click.ClickException(f"'{name}' cannot be a column: its name in the database is reserved or too long.")


def _check_words(name: str, stored: str) -> None:
    """Raise ClickException when a name in the code, or as stored in the database, is a keyword."""
    if keyword.iskeyword(name) or keyword.iskeyword(stored):
        raise click.ClickException(f"'{name}' is a word of Python. Choose another name.")
    if stored in SQL_WORDS:
        raise click.ClickException(f"'{name}' is a word of SQL. Choose another name.")


def _check_label(name: str, label: str) -> None:
    """Raise ClickException when a label cannot stand in the code or on the screen."""
    if not label.isprintable() or re.search(r'["\\{}<>]', label) or len(label) > LONGEST:
        raise click.ClickException(f"The label of '{name}' must be one short line without quotes, braces or < >.")


def _kind(name: str, written: str) -> tuple[Kind, type[BaseModel] | None]:
    """The type that was written, and the table to which it refers. Raises ClickException when there is no such type or table, or
    when nothing can refer to that table."""
    if written in KINDS:
        return KINDS[written], None
    target = next((model for model in TABLES if model.__name__ == written), None)
    if target is None:
        choice = ", ".join(KINDS)
        raise click.ClickException(
            f"'{written}' of '{name}' is no type or table: choose {choice} or a table, such as Site."
        )
    if "id" not in target._meta.fields:
        raise click.ClickException(f"'{name}' cannot refer to {written}, which has no id of its own.")
    if name.endswith("_id") or name == "date":
        raise click.ClickException(f"'{name}' refers to a row: name it after what it refers to, such as site.")
    return REFERENCE, target


def _backref(table: str, name: str, many: str, target: type[BaseModel], taken: set[str]) -> str:
    """The name by which rows of `target` find theirs: the plural, unless `target` or another column has it."""
    backref = re.sub(r"\W", "_", many.lower())
    free = backref.isidentifier() and backref not in taken and not hasattr(target, backref)
    return backref if free else f"{table}_{name}_rows"


def _label(name: str) -> str:
    """The label that most columns of this name have in other tables; else the name in words."""
    labels = Counter(
        field.verbose_name
        for model in TABLES
        for field in model._meta.sorted_fields
        if field.name == name and field.verbose_name
    )
    return labels.most_common(1)[0][0] if labels else LABELS.get(name, name.replace("_", " ").capitalize())
