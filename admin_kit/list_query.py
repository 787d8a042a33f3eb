"""The query of a list: its conditions, order and counts.

A page costs the same few queries whatever its size and that of the table: counts are capped (`counting`), and an index in the
order of the list yields the ids of a page before its rows are read with their related rows."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, reduce
from operator import or_
from typing import TYPE_CHECKING

from peewee import SQL, ModelSelect, NodeList

import scope
from admin_kit.counting import Counts
from admin_kit.list_request import ListRequest
from database import in_chunks, normalise, without_index
from database.searching import MOST_WORDS, Search
from models import User

if TYPE_CHECKING:
    from admin_kit.lists import ListView

FEW_IN_TAB = 1000
NOWHERE = SQL("FALSE")


class ListQuery:
    """The rows of `view` that `by` may see and the request asks for.

    `reach` is scope.own or scope.listed; `where` are further conditions (the participants of one site)."""

    def __init__(
        self, view: "ListView", by: User, requested: ListRequest, where: Sequence = (), reach: Callable = scope.own
    ):
        self.view, self.by, self.requested, self.where, self.reach = view, by, requested, where, reach
        self.joins = view.joins

    # ---- conditions

    @cached_property
    def search(self) -> Search | None:
        """The search in the stored words of this table; None when nothing is searched for, or the table has none."""
        search = self._stored_search(self.requested.search)
        return search if search else None

    def _stored_search(self, text: str) -> Search | None:
        return Search(self.view.model, text) if self.view.search_names == ["search"] else None

    @cached_property
    def conditions(self) -> list[tuple]:
        """(condition, columns it needs) of each filter in use, and of each search word in a table without stored words."""
        args, names = self.requested.args, self.view.search_names
        used = (item for item in self.requested.filters if any(map(args.get, item.params)))
        conditions = [(condition, [item.needs]) for item in used if (condition := item.condition(args)) is not None]
        if names != ["search"]:  # a list that cannot be searched finds nothing
            for word in normalise(self.requested.search).split()[:MOST_WORDS]:
                matches = (self.joins.key(name).field.contains(word) for name in names)
                conditions.append((reduce(or_, matches, NOWHERE), names))
        return conditions

    def holds_at_most(self, most: int) -> bool:
        """Whether the whole list, before any search, filter or tab, has no more rows than this."""
        if not (self.search or self.conditions):  # counted anyway, for the tabs
            return not self.counts.is_more("") and self.counts.of("") <= most
        rows = self.view.model.select(SQL("1")).where(self.reach(self.by, self.view.model), *self.where)
        return len(list(rows.limit(most + 1).tuples())) <= most

    @property
    def is_narrowed(self) -> bool:
        """Whether anything besides a tab excludes rows."""
        return bool(self.search or self.conditions or self.where or not scope.owns_all(self.by, self.view.model))

    @cached_property
    def is_narrow(self) -> bool:
        """Whether few rows remain, which are then found first and sorted afterwards. Otherwise an index in the order of the list
        leads, and rows that do not match are skipped. (For a tab alone, one index may serve both the tab and the order.)"""
        tab = self.requested.tab
        if self.is_narrowed:
            return self.counts.are_few(tab)
        return bool(tab) and self.counts.of(tab) <= FEW_IN_TAB

    def narrowed(
        self, query: ModelSelect, tab: str, in_order=False, more: Iterable[str] = (), search: Search | None = None
    ) -> ModelSelect:
        """A query narrowed to the rows of this list and one of its tabs ('': all), joined to the tables that this needs.

        `in_order`: also joined for the order; `more`: also joined for these columns; `search`: replaces the requested search."""
        query = query.where(self.reach(self.by, self.view.model), *self.where, *(part for part, _ in self.conditions))
        if search := search or self.search:
            query = query.where(search.in_order() if in_order and not self.is_narrow else search.condition())
        if tab:
            query = self.view.narrow_to_tab(query, tab)
        keys = [key.name for key in self.keys] if in_order else ()
        return self.joins.apply(query, [*(name for _, names in self.conditions for name in names), *keys, *more])

    def finds(self, text: str) -> bool:
        """Whether another search would find anything here."""
        constant = self.view.model.select(SQL("1"))
        return self.narrowed(constant, self.requested.tab, search=self._stored_search(text)).limit(1).exists()

    @cached_property
    def counts(self) -> Counts:
        return Counts(self)

    # ---- order

    @cached_property
    def keys(self) -> list:
        """The columns that order the list, the id last; all ascending or all descending."""
        return self.view.sort_keys[self.requested.sort]

    @cached_property
    def order(self) -> list:
        """The terms to order by, written so that the database sorts a few rows, but follows an index through many."""
        return [without_index(key.ordered) if self.is_narrow else key.ordered for key in self.keys]

    def _in_order(self, query: ModelSelect, backward=False) -> ModelSelect:
        direction = SQL("DESC" if self.requested.descending != backward else "ASC")
        return query.order_by(*(NodeList((key, direction)) for key in self.order))

    def joined(self, query: ModelSelect) -> ModelSelect:
        """A query joined to the tables that the order of this list needs."""
        return self.joins.apply(query, [key.name for key in self.keys])

    def ordered_ids(self, backward=False) -> ModelSelect:
        """A query for the ids of the whole list, in its order or backward."""
        ids = self.view.model.select(self.view.model._meta.primary_key)
        return self._in_order(self.narrowed(ids, self.requested.tab, in_order=True), backward)

    # ---- reading

    def read(self, ids: list[int] | ModelSelect) -> list:
        """The rows with these ids, in order, with the related data of the shown columns."""
        model = self.view.model
        query = self.joins.rows().where(model._meta.primary_key.in_(ids), self.reach(self.by, model))
        rows = list(self._in_order(query))
        self.view.enrich(rows, self.requested.names)
        return rows

    def own_ids(self, rows: list) -> set[int]:
        """The ids of those rows that the person may act on."""
        model, ids = self.view.model, [row.pk for row in rows]
        if self.reach is scope.own or not ids:
            return set(ids)
        pk = model._meta.primary_key
        return {key for (key,) in model.select(pk).where(pk.in_(ids), self.view.acting()).tuples()}

    def selection(self, *columns: str) -> ModelSelect:
        """A query for these (dotted) columns of all rows of the list, in its order, as an export needs them."""
        fields = self.view.model.select(*(self.joins.field(name) for name in columns))
        return self._in_order(self.narrowed(fields, self.requested.tab, in_order=True, more=columns))

    def chunks(self) -> Iterator[list]:
        """Yield all rows of the list in order, a few hundred at a time. The ids are fixed at the start, so that a row added or
        moved in the meantime neither repeats nor hides another."""
        ids = array("q", (key for (key,) in self.ordered_ids().tuples().iterator()))
        for chunk in in_chunks(ids):
            yield self.read(chunk)
