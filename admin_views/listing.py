"""One list as one person asks for it: rights, search, filters, tabs, order and page, from the URL to rows.

Ids first, then the rows of the page with their related rows: the same few queries whatever the size of the page."""

from array import array
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from peewee import fn

import dutch
import scope
from database import normalise, whole_number
from forms import clean

COUNT_UP_TO = 10_000
MOST_WORDS = 8
CHUNK = 500


@dataclass
class Column:
    """A column as the list shows it. `sort` is the name in the URL; None when one cannot sort by it."""

    name: str
    label: str
    sort: str | None
    order: str = ""
    """'ascending', 'descending' or '' as this list is sorted now"""


class Listing:
    """A list of `view` for `by`, as the arguments of a URL ask for it.

    `reach` is scope.own or scope.listed; `where` are further conditions (the participants of one site)."""

    def __init__(self, view, by, args, path, where=(), reach=scope.own, columns=None, keep=()):
        self.view, self.by, self.path, self.reach = view, by, path, reach
        self.args = {key: clean(args.get(key, "")) for key in args}
        self.where, self.kept = where, {key: self.args[key] for key in keep if self.args.get(key)}
        self.joins = view.joins
        self.names = list(columns or view.list_names)
        self.search = self.args.get("q", "").strip()[:200]

    # ---- what is asked

    @cached_property
    def sort(self) -> tuple[str, bool]:
        """(dotted column, descending) by which the list is ordered."""
        asked = self.args.get("sort", "")
        name = asked.removeprefix("-")
        if name in self.names and name in self.view.sort_fields:
            return name, asked.startswith("-")
        return self.view.default_sort

    @cached_property
    def page(self) -> int:
        """The page asked for, from 1."""
        return whole_number(self.args.get("page")) or 1

    @property
    def filters(self):
        return [one for one in self.view.list_filters if one.name.split(".")[0] in self.view.filter_names(self)]

    @property
    def tab(self) -> str:
        choices = dict(self.view.tab_choices)
        return self.args.get("tab", "") if self.args.get("tab") in choices else ""

    # ---- queries

    def _narrowed(self, *columns, tabbed=True):
        """A query for these columns of all rows that this list holds, joined to what the conditions need."""
        view, needed = self.view, []
        query = self.view.model.select(*columns).where(self.reach(self.by, view.model), *self.where)
        words = normalise(self.search).split()[:MOST_WORDS]
        if words:
            needed += view.search_names
        for one in self.filters:
            if any(self.args.get(param) for param in one.params):
                query, needed = one.apply(query, self.args), [*needed, one.name]
        for word in words:
            query = query.where(_any(self.joins.field(name).contains(word) for name in view.search_names))
        if tabbed and self.tab:
            query = view.narrow_to_tab(query, self.tab)
        return query, needed

    def _ordered_ids(self):
        pk = self.view.model._meta.primary_key
        query, needed = self._narrowed(pk)
        clauses = []
        for name, down in self.view.order_of(*self.sort):
            field = self.joins.field(name)
            clauses.append(field.desc(nulls="LAST") if down else field.asc(nulls="FIRST"))
            needed.append(name)
        clauses.append(pk.desc() if self.sort[1] else pk.asc())
        return self.joins.apply(query, needed).order_by(*clauses).tuples()

    @cached_property
    def count(self) -> int:
        """How many rows the list holds, counted to one more than COUNT_UP_TO at most."""
        query, needed = self._narrowed(self.view.model._meta.primary_key)
        return self.joins.apply(query, needed).limit(COUNT_UP_TO + 1).count()

    @property
    def count_words(self) -> str:
        one, many = self.view.kind, self.view.kinds
        if self.count > COUNT_UP_TO:
            return f"meer dan {dutch.number(COUNT_UP_TO)} {many}"
        return dutch.counted(self.count, one, many)

    def fetch(self, ids) -> list:
        """The rows with these ids, in that order, with what their columns need; ids that are gone are left out."""
        pk = self.view.model._meta.primary_key
        found = {
            row.pk: row for row in self.joins.rows().where(pk.in_(list(ids)), self.reach(self.by, self.view.model))
        }
        rows = [found[key] for key in ids if key in found]
        self.view.enrich(rows)
        return rows

    @cached_property
    def rows(self) -> list:
        """The rows of this page."""
        size = self.view.page_size
        if self.page > self.pages:
            self.page = self.pages
        return self.fetch([key for (key,) in self._ordered_ids().limit(size).offset((self.page - 1) * size)])

    @cached_property
    def own_ids(self) -> set[int]:
        """Which of the rows on this page one may act on."""
        model = self.view.model
        ids = [row.pk for row in self.rows]
        if self.reach is scope.own or not ids:
            return set(ids)
        pk = model._meta.primary_key
        return {key for (key,) in model.select(pk).where(pk.in_(ids), scope.own(self.by, model)).tuples()}

    def chunks(self):
        """All rows of the list in order, some hundreds at a time: the ids are fixed at the start, so that a row added or
        moved meanwhile neither doubles nor hides another."""
        ids = array("q", (key for (key,) in self._ordered_ids().iterator()))
        for start in range(0, len(ids), CHUNK):
            yield self.fetch(ids[start : start + CHUNK])

    @cached_property
    def tabs(self) -> list[dict]:
        """The tabs above the list with their counts, from one grouped query; empty when the view has none."""
        choices = self.view.tab_choices
        if not choices:
            return []
        key = self.view.tab_key()
        query, needed = self._narrowed(key, fn.COUNT(self.view.model._meta.primary_key), tabbed=False)
        found = dict(self.joins.apply(query, needed).group_by(key).tuples())
        counts = {name: sum(found.get(part, 0) for part in self.view.tab_parts(name)) for name, _ in choices}
        all_of_them = [
            {
                "label": "Alles",
                "count": sum(found.values()),
                "url": self.url(tab=None, page=None),
                "current": not self.tab,
            }
        ]
        return all_of_them + [
            {"label": label, "count": counts[name], "url": self.url(tab=name, page=None), "current": self.tab == name}
            for name, label in choices
            if counts[name] or self.tab == name
        ]

    # ---- what the page shows

    @property
    def pages(self) -> int:
        """How many pages there are, as far as is counted."""
        return max(1, -(-self.count // self.view.page_size))

    @cached_property
    def columns(self) -> list[Column]:
        sorted_by, down = self.sort
        return [
            Column(
                name,
                self.view.label(name),
                name if name in self.view.sort_fields else None,
                ("descending" if down else "ascending") if name == sorted_by else "",
            )
            for name in self.names
        ]

    def sort_url(self, column: Column) -> str:
        return self.url(sort=f"-{column.sort}" if column.order == "ascending" else column.sort, page=None)

    def url(self, **changes) -> str:
        """This list with some arguments changed (None: left out)."""
        kept = {key: value for key, value in self.args.items() if value and key in self._known} | changes
        query = urlencode({key: value for key, value in kept.items() if value not in (None, "")})
        return f"{self.path}?{query}" if query else self.path

    @property
    def _known(self) -> set[str]:
        return {"q", "sort", "page", "tab", *self.kept, *(param for one in self.filters for param in one.params)}

    @property
    def query(self) -> dict:
        """The arguments that an export of this list needs."""
        return {key: value for key, value in self.args.items() if value and key in self._known - {"page"}}

    @property
    def inputs(self) -> list[dict]:
        return [one for each in self.filters for one in each.inputs(self.args, self.by)]

    @property
    def words(self) -> str:
        """Search and filters as words; empty when the list is whole."""
        told = [f"zoeken op ‘{self.search}’"] * bool(self.search) + [
            one.words(self.args, self.by) for one in self.filters
        ]
        if self.tab:
            told.append(dict(self.view.tab_choices)[self.tab])
        return ", ".join(word for word in told if word)

    @property
    def clear_url(self) -> str:
        query = urlencode(self.kept)
        return f"{self.path}?{query}" if query else self.path

    @property
    def caption(self) -> str:
        name, down = self.sort
        return f"{self.view.name}, gesorteerd op {self.view.label(name).lower()} van {'Z tot A' if down else 'A tot Z'}"


def _any(conditions):
    result = None
    for condition in conditions:
        result = condition if result is None else result | condition
    return result
