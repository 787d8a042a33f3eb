"""Joins from a list to related tables by dotted names, such as 'trajectory.participant.last_name'."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peewee import JOIN, SQL, Case, Field, FieldAlias

from database import before_all, empty_first
from models import Statuses
from times import local_date, utcnow


@dataclass(eq=False)
class Key:
    """A column or expression to sort by; `value` reads the same value from a row."""

    name: str
    field: Any
    value: Callable

    @property
    def ordered(self):
        return empty_first(self.field) if isinstance(self.field, Field | FieldAlias) else self.field

    def filled(self, value):
        """A value as `ordered` compares it: never None."""
        return before_all(self.field) if value is None else value


class StatusKey:
    """Sorts by today's status in words, from A to Z. Only for tables small enough to sort without an index."""

    def __init__(self, name: str, model, statuses: Statuses):
        words = sorted({kind.words for kind in statuses.kinds.values()})
        self.name, self.model, self.statuses = name, model, statuses
        self.rank = {kind.key: words.index(kind.words) for kind in statuses.kinds.values()}

    @property
    def field(self):
        ranks = [(self.statuses.where(self.model, self._today, key), SQL(str(rank))) for key, rank in self.rank.items()]
        return Case(None, ranks)

    ordered = field

    def value(self, row) -> int:
        return self.rank[row.status(self._today).key]

    def filled(self, value):
        return value

    @property
    def _today(self):
        return local_date(utcnow())


def dotted(row, name: str):
    """The value of a (dotted) column of a row; None when a row on the way is missing."""
    for part in name.split("."):
        row = getattr(row, part, None)
    return row


# workaround: joins-of-siblings
# Flask-Admin 2.2.1 joins each table to the one before it, so two tables beside each other, or a joined query, give a ValueError.
class Joins:
    """The tables that a view's columns reach, each under its own alias, so that two keys to one table never mix."""

    def __init__(self, model):
        self.model = model
        self.tables = {"": model}
        self.links = {}

    def field(self, name: str) -> Field | None:
        """The column of a dotted name; None when the name is not a stored column (a property, a sum)."""
        *keys, last = name.split(".")
        where, table, model = "", self.model, self.model
        for key in keys:
            parent, parent_name = table, where
            link = model._meta.fields.get(key)
            if link is None or not hasattr(link, "rel_model"):
                return None
            where = f"{where}.{key}".strip(".")
            model = link.rel_model
            if where not in self.tables:
                self.tables[where] = model.alias()
                self.links[where] = (parent_name, parent, link)
            table = self.tables[where]
        return getattr(table, last) if last in model._meta.fields else None

    def reach(self, *names: str):
        """Register the tables of these dotted relations ('trajectory.participant')."""
        for name in names:
            self.field(f"{name}.id")

    def key(self, name: str) -> Key:
        """A stored column as part of an order."""
        return Key(name, self.field(name), lambda row: dotted(row, name))

    def plain(self, name: str) -> Any:
        """The field itself behind a dotted name, with its label and choices."""
        *keys, last = name.split(".")
        model = self.model
        for key in keys:
            link = model._meta.fields.get(key)
            if link is None or not hasattr(link, "rel_model"):
                return None
            model = link.rel_model
        return model._meta.fields.get(last)

    def apply(self, query, names=None):
        """The query joined to the tables that these dotted column names need (None: all known tables). A nullable key joins LEFT,
        and so does everything beyond it."""
        needed = (
            set(self.links)
            if names is None
            else {step for name in names for step in _steps(name) if step in self.links}
        )
        optional = set()
        for where, (parent_name, parent, link) in self.links.items():
            if where not in needed:
                continue
            if link.null or parent_name in optional:
                optional.add(where)
            alias = self.tables[where]
            kind = JOIN.LEFT_OUTER if where in optional else JOIN.INNER
            key = getattr(alias, link.rel_model._meta.primary_key.name)
            query = query.join_from(parent, alias, kind, on=(getattr(parent, link.name) == key), attr=link.name)
        return query

    def rows(self):
        """A query for whole rows, including their related rows."""
        return self.apply(self.model.select(self.model, *(self.tables[where] for where in self.links)))


def _steps(name: str):
    parts = name.split(".")[:-1]
    return [".".join(parts[: length + 1]) for length in range(len(parts))]
