"""The columns of a new table as a developer types them: `site:ForeignKey`, `note:Text?:"Opmerking"`."""

import builtins
import json
import keyword
import re
from collections import Counter
from dataclasses import dataclass

import click

import models
from database import BaseModel, Versioned, readings
from forms import KavoForm
from models import TABLES, Association, Participant, Site, User
from workflow.privacy import personal_data

LABELS = {
    "by": "Door",
    "date": "Datum",
    "kind": "Soort",
    "note": "Opmerking",
    "purpose": "Doel",
    "subject": "Onderwerp",
    "title": "Titel",
    "user": "Account",
}
"""the label of a name that no table has yet, where the name itself would be English on the screen"""
OF_KIND = {"Email": "E-mailadres", "Phone": "Telefoonnummer"}
LOOKED_UP_BY: dict[type[BaseModel], str] = {User: "email", Participant: "kavo_id"}
"""a table that is too long for a drop-down → the column by which a form finds its rows"""
NOT_PERSONS = (Site, Association)
WRITTEN = {"AdminView", "BaseModel", "Line", "LongText", "Personal", "Screen", "Versioned", "Visitor"}
"""classes that the written files import beside the table"""
MOST = 63  # characters of a name in PostgreSQL
SEARCHED_FOR_WORDS = re.compile("^migration|_words|_terms|^sqlite_")
"""names that `migrations.compare` leaves out, or that SQLite keeps for itself"""


@dataclass(frozen=True)
class Kind:
    """A type of column: its class, arguments and SQL (with the words of `migrations.steps`), and two values to try it with: as
    somebody types them, and as Python keeps them. `empty`: the arguments and SQL of one that may stay empty."""

    field: str
    arguments: str
    empty: tuple[str, str]
    sql: str
    typed: tuple[str, str] = ("", "")
    kept: tuple[str, str] = ("", "")
    reader: str = ""

    @property
    def is_text(self) -> bool:
        return self.field in ("Line", "LongText")


def _line(length: int, typed: tuple[str, str], kept: tuple[str, str] | None = None, reader: str = "") -> Kind:
    size, sql = f"max_length={length}, ", f"VARCHAR({length}) NOT NULL"
    kept = kept or typed
    values = (repr(typed[0]), repr(typed[1])), (repr(kept[0]), repr(kept[1]))
    return Kind("Line", size, (f'default="", {size}', sql), sql, values[0], values[1], reader)


PHONES = "0470 11 22 33", "0470 11 22 44"
KINDS = {
    "Line": _line(200, ("Eerste", "Tweede")),
    "Email": _line(254, ("een@kavo.test", "twee@kavo.test"), reader="email"),
    "Phone": _line(30, PHONES, (readings.phone(PHONES[0]), readings.phone(PHONES[1])), reader="phone"),
    "Text": Kind(
        "LongText", "", ('default="", ', "TEXT NOT NULL"), "TEXT NOT NULL",
        ("'Eerste tekst'", "'Tweede tekst'"), ("'Eerste tekst'", "'Tweede tekst'"),
    ),
    "Integer": Kind("IntegerField", "", ("null=True, ", "INTEGER"), "INTEGER NOT NULL", ("7", "8"), ("7", "8")),
    "Boolean": Kind(
        "BooleanField", "default=False, ", ("default=False, ", "{{bool}} NOT NULL"), "{{bool}} NOT NULL",
        ("", "'y'"), ("False", "True"),
    ),
    "Date": Kind(
        "DateField", "", ("null=True, ", "DATE"), "DATE NOT NULL",
        ("'01/07/2026'", "'02/07/2026'"), ("date(2026, 7, 1)", "date(2026, 7, 2)"),
    ),
    "ForeignKey": Kind("ForeignKeyField", "", ("null=True, ", "INTEGER"), "INTEGER NOT NULL"),
}  # fmt: skip
ALSO = {"Char": "Line", "LongText": "Text", "Int": "Integer", "Bool": "Boolean"}
"""other names of a type, as Peewee and SQL have them; each may end in Field"""


@dataclass(frozen=True)
class Column:
    """One column of a new table. `target`: the table to which it refers."""

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
        """What stands in the model."""
        arguments = self.kind.empty[0] if self.optional else self.kind.arguments
        words = f"verbose_name={json.dumps(self.label, ensure_ascii=False)}"
        if self.target:
            return (
                f"ForeignKeyField({self.target.__name__}, {arguments}backref={json.dumps(self.backref)},"
                f' on_delete="RESTRICT", {words})'
            )
        if self.kind.is_text and not self.optional:
            words += f', required="Vul ‘{self.label}’ in."'
        return f"{self.kind.field}({arguments}{words})"

    @property
    def sql(self) -> str:
        return self.kind.empty[1] if self.optional else self.kind.sql

    @property
    def is_personal(self) -> bool:
        """Whether it may name a person: every text, and who or what leads to one."""
        if not self.target:
            return self.kind.is_text
        without = self.target._meta.table_name in personal_data.WITHOUT_PERSONS
        return not without and self.target not in NOT_PERSONS

    @property
    def looked_up_by(self) -> str:
        return LOOKED_UP_BY.get(self.target, "") if self.target else ""

    @property
    def has_words(self) -> bool:
        """Whether it refers to rows that are ordered by words."""
        return self.target is not None and "search" in self.target._meta.fields

    @property
    def typed(self) -> str:
        """Python for what a test types in a form; '' for nothing."""
        return f"{self.name}.{self.looked_up_by or 'id'}" if self.target else self.kind.typed[0]

    @property
    def kept(self) -> str:
        """Python for what the row then holds."""
        return self.name if self.target else self.kind.kept[0]

    @property
    def typed_again(self) -> str:
        return self.kind.typed[1]

    @property
    def kept_again(self) -> str:
        return self.kind.kept[1]


def read_table(name: str) -> str:
    """The name in the database of a new table that is called `name` in the code. Raises ClickException for a bad name."""
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
        raise click.ClickException(
            f"'{name}' is no name for a table: write one word in capitals, such as Visit or SiteVisit."
        )
    table = re.sub(r"(?<=[a-z0-9])([A-Z])|(?<!^)([A-Z])(?=[a-z])", lambda found: f"_{found[0]}", name).lower()
    if keyword.iskeyword(name) or keyword.iskeyword(table):
        raise click.ClickException(f"'{name}' is a word of Python. Choose another name.")
    if name in models.__all__ or any(table == model._meta.table_name for model in TABLES):
        raise click.ClickException(f"'{name}' is taken: models.py has it already.")
    if name in WRITTEN or hasattr(builtins, name) or any(name == kind.field for kind in KINDS.values()):
        raise click.ClickException(f"'{name}' is the name of something else in the code. Choose another one.")
    if SEARCHED_FOR_WORDS.search(table) or len(table) > MOST // 2:
        raise click.ClickException(f"'{name}' cannot be a table: its name in the database is reserved or too long.")
    return table


def read_columns(table: str, many: str, texts: tuple[str, ...]) -> list[Column]:
    """The columns that a developer asks for. Raises ClickException for the first that cannot be."""
    columns: list[Column] = []
    for text in texts:
        column = _read(table, many, text, [one.backref for one in columns])
        names = {name for one in columns for name in (one.name, one.stored)}
        if {column.name, column.stored} & names:
            raise click.ClickException(f"The column '{column.name}' is there twice.")
        columns.append(column)
    return columns


def _read(table: str, many: str, text: str, backrefs: list[str]) -> Column:
    name, _, rest = text.partition(":")
    written, _, label = rest.partition(":")
    _check_name(table, name)
    optional = written.endswith("?")
    kind, target = _kind(name, written.removesuffix("?"))
    label = label.strip().strip('"').replace("'", "’") or OF_KIND.get(kind) or _label(name)
    if not label.isprintable() or re.search(r'["\\{}<>]', label) or len(label) > MOST:
        raise click.ClickException(f"The label of '{name}' must be one short line without quotes, braces or < >.")
    backref = re.sub(r"\W", "_", many.lower())
    if target and (backref in backrefs or hasattr(target, backref) or not backref.isidentifier()):
        backref = f"{table}_{name}_rows"
    return Column(name, KINDS[kind], label, optional, target, backref if target else "")


def _check_name(table: str, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise click.ClickException(f"'{name}' is no name for a column: write it in small letters, such as starts_on.")
    if keyword.iskeyword(name):
        raise click.ClickException(f"'{name}' is a word of Python. Choose another name.")
    if hasattr(Versioned, name) or hasattr(KavoForm, name) or name in ("csrf_token", "row", "team"):
        raise click.ClickException(f"A table or its form has something called '{name}' already. Choose another name.")
    if SEARCHED_FOR_WORDS.search(f"_{name}") or len(f"{table}_{name}_id") > MOST:
        raise click.ClickException(f"'{name}' cannot be a column: its name in the database is reserved or too long.")


def _kind(name: str, written: str) -> tuple[str, type[BaseModel] | None]:
    """The type that was written, and the table to which it refers: named as the type, or for ForeignKey as the column."""
    by_name = {model.__name__: model for model in TABLES}
    if written in by_name:
        kind, target = "ForeignKey", by_name.get(written)
    else:
        kind = written.removesuffix("Field")
        kind = ALSO.get(kind, kind)
        target = (
            next((model for model in TABLES if model._meta.table_name == name), None) if kind == "ForeignKey" else None
        )
    if kind not in KINDS:
        raise click.ClickException(
            f"'{written}' of '{name}' is no type: choose one of {', '.join(KINDS)}, or the name of a table, such as Site."
        )
    if kind == "ForeignKey" and target is None:
        raise click.ClickException(f"No table is called '{name}'. Write the table as the type: {name}:Site.")
    if target is not None and (name.endswith("_id") or "id" not in target._meta.fields):
        raise click.ClickException(
            f"'{name}' cannot refer to {target.__name__}: leave out _id, and choose a table with an id of its own."
        )
    return kind, target


def _label(name: str) -> str:
    """What other tables call a column of this name; else the name in words."""
    words = Counter(
        field.verbose_name
        for model in TABLES
        for field in model._meta.sorted_fields
        if field.name == name and field.verbose_name
    )
    return words.most_common(1)[0][0] if words else LABELS.get(name, name.replace("_", " ").capitalize())
