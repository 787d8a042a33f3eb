"""One list as one person asks for it: rights, search, filters, tabs, order, columns and page, from the URL to rows.

A page costs the same few queries whatever its size and the size of the table: counts stop (`counting`), and the ids of a page are
found by an index in the order of the list before its rows are read with their related rows."""

from array import array
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from peewee import SQL, NodeList
from werkzeug.datastructures import MultiDict

import scope
from admin_kit.counting import Counts
from admin_kit.paging import Page, page_of, place
from database import alone, in_chunks, normalise, whole_number
from database.searching import MOST_WORDS, Search, corrections
from database.texts import tidy

FEW_IN_TAB = 1000


@dataclass
class Column:
    """A column as the list shows it. `sort` is the name in the URL; None when one cannot sort by it."""

    name: str
    label: str
    sort: str | None
    order: str = ""
    """'ascending', 'descending' or '' as this list is sorted now"""

    @property
    def attributes(self) -> dict:
        return {"data-sort": bool(self.sort), "aria-sort": self.order}


@dataclass
class Tab:
    """A tab above the list; `count` in words; `current` is 'page' for the one that is open, otherwise empty."""

    label: str
    count: str
    url: str
    current: str


class Listing:
    """A list of `view` for `by`, as the arguments of a URL ask for it.

    `reach` is scope.own or scope.listed; `where` are further conditions (the participants of one site); `columns` replace those
    of the view; `keep` are arguments of the URL that are not ours but belong to the page."""

    def __init__(self, view, by, args: MultiDict, path, where=(), reach=scope.own, columns=None, keep=()):
        self.view, self.by, self.path, self.reach = view, by, path, reach
        self.args = {key: tidy(args.get(key, "")) for key in args}
        self.where, self.kept = where, {key: self.args[key] for key in keep if self.args.get(key)}
        self.joins = view.joins
        self.usual = list(columns or view.list_names)
        optional = () if columns else view.column_optional
        self.choosable = [*self.usual, *(name for name in optional if name not in self.usual)]
        self.chosen = [name for name in self.choosable if name in args.getlist("kolom")]
        self.names = self.chosen or self.usual
        self.search = self.args.get("q", "")[:200]

    SIZES = (25, 50, 100)
    """how many rows a page may have"""

    # ---- what is asked

    @cached_property
    def sort(self) -> tuple[str, bool]:
        """(column, descending) by which the list is ordered."""
        asked = self.args.get("sort", "")
        name = asked.removeprefix("-")
        if name in self.names and name in self.view.sort_keys:
            return name, asked.startswith("-")
        return self.view.default_sort

    @cached_property
    def page(self) -> int:
        """The page asked for, from 1; what a page after a place calls itself."""
        return whole_number(self.args.get("page")) or 1

    @cached_property
    def size(self) -> int:
        """How many rows a page has."""
        asked = whole_number(self.args.get("rijen"))
        return asked if asked in self.SIZES else self.view.page_size

    @cached_property
    def filters(self):
        names = self.view.filter_names(self)
        return [one for one in self.view.list_filters if one.name.split(".")[0] in names]

    @property
    def tab(self) -> str:
        choices = dict(self.view.tab_choices)
        return self.args.get("tab", "") if self.args.get("tab") in choices else ""

    # ---- conditions

    @cached_property
    def found(self) -> Search | None:
        """The search in the stored words of this table; None when nothing is searched, or the table has none."""
        search = Search(self.view.model, self.search) if self.view.search_names == ["search"] else None
        return search if search else None

    @cached_property
    def conditions(self) -> list:
        """(condition, columns that it needs) of each filter that is used, and of each word in a table that keeps none."""
        used = (one for one in self.filters if any(map(self.args.get, one.params)))
        conditions = [(condition, [one.needs]) for one in used if (condition := one.condition(self.args)) is not None]
        names = self.view.search_names
        if names != ["search"]:
            for word in normalise(self.search).split()[:MOST_WORDS]:
                conditions.append((_any(self.joins.field(name).contains(word) for name in names), names))
        return conditions

    @cached_property
    def is_narrow(self) -> bool:
        """Whether few rows are left of many: they are sorted when they are found. Otherwise an index in the order of the list
        leads, and rows that do not fit are passed over. (A tab alone: an index may well serve both it and the order.)"""
        if self.is_narrowed:
            return self.counts.are_few(self.tab)
        return bool(self.tab) and self.counts.of(self.tab) <= FEW_IN_TAB

    @property
    def is_narrowed(self) -> bool:
        """Whether anything besides a tab keeps rows out."""
        return bool(self.found or self.conditions or self.where or not scope.owns_all(self.by, self.view.model))

    def narrowed(self, query, tab, in_order=False, more=()):
        """A query narrowed to the rows of this list and one of its tabs ('': all), joined to what that needs, to what the order
        needs if it will have one, and to the tables of `more` columns."""
        query = query.where(self.reach(self.by, self.view.model), *self.where, *(one for one, _ in self.conditions))
        if self.found:
            query = query.where(self.found.in_order() if in_order and not self.is_narrow else self.found.condition())
        if tab:
            query = self.view.narrow_to_tab(query, tab)
        keys = [part.name for part in self.keys] if in_order else ()
        return self.joins.apply(query, [*(name for _, names in self.conditions for name in names), *keys, *more])

    # ---- order and rows

    @cached_property
    def keys(self) -> list:
        """The columns by which the list is ordered, the id last; all of them up, or all down."""
        return self.view.sort_keys[self.sort[0]]

    def ordered_ids(self, backward=False):
        """A query for the ids of the whole list, in its order or backward."""
        query = self.narrowed(self.view.model.select(self.view.model._meta.primary_key), self.tab, in_order=True)
        return self._in_order(query, backward)

    @cached_property
    def order(self) -> list:
        """What to order by, so that the database sorts few rows, or follows an index through many."""
        return [alone(part.ordered) if self.is_narrow else part.ordered for part in self.keys]

    def _in_order(self, query, backward=False):
        down = SQL("DESC" if self.sort[1] != backward else "ASC")
        return query.order_by(*(NodeList((key, down)) for key in self.order))

    def joined(self, query):
        """A query joined to what the order of this list needs."""
        return self.joins.apply(query, [part.name for part in self.keys])

    def read(self, ids) -> list:
        """The rows with these ids (a list, or a query for them), in order, with what the shown columns need."""
        model = self.view.model
        query = self.joins.rows().where(model._meta.primary_key.in_(ids), self.reach(self.by, model))
        rows = list(self._in_order(query))
        self.view.enrich(rows, self.names)
        return rows

    @cached_property
    def _page(self) -> Page:
        return page_of(self)

    @property
    def rows(self) -> list:
        """The rows of this page."""
        return self._page.rows

    @cached_property
    def own_ids(self) -> set[int]:
        """Which of the rows on this page one may act on."""
        model, ids = self.view.model, [row.pk for row in self.rows]
        if self.reach is scope.own or not ids:
            return set(ids)
        pk = model._meta.primary_key
        return {key for (key,) in model.select(pk).where(pk.in_(ids), self.view.acting()).tuples()}

    def selection(self, *columns):
        """A query for these (dotted) columns of all rows of the list, in its order, as an export needs them."""
        fields = [self.joins.field(name) for name in columns]
        return self._in_order(self.narrowed(self.view.model.select(*fields), self.tab, in_order=True, more=columns))

    def chunks(self):
        """All rows of the list in order, some hundreds at a time: the ids are fixed at the start, so that a row added or
        moved meanwhile neither doubles nor hides another."""
        ids = array("q", (key for (key,) in self.ordered_ids().tuples().iterator()))
        for chunk in in_chunks(ids):
            yield self.read(chunk)

    # ---- counts

    @cached_property
    def counts(self) -> Counts:
        return Counts(self, exact=bool(self.args.get("tel")))

    @property
    def count(self) -> int:
        """How many rows the list holds, as far as they were counted."""
        return self.counts.of(self.tab)

    @property
    def is_counted(self) -> bool:
        """Whether `count` is all of them."""
        return not self.counts.is_more(self.tab)

    @property
    def count_words(self) -> str:
        return self.counts.words(self.tab)

    @cached_property
    def tabs(self) -> list[Tab]:
        """The tabs above the list with their counts; empty when the view has none."""
        if not self.view.tab_choices:
            return []
        return [
            Tab(label, self.counts.figure(name), self.url(**self.START, tab=name), "page" if self.tab == name else "")
            for name, label in [("", "Alles"), *self.view.tab_choices]
            if not name or self.tab == name or self.counts.of(name) or self.counts.is_more(name)
        ]

    @cached_property
    def suggestion(self) -> str:
        """What somebody may have meant by a search that found nothing, if that finds something here; otherwise empty."""
        if not self.found or self.rows:
            return ""
        typed = self.found
        for text in corrections(self.view.model, typed.words):
            self.found = Search(self.view.model, text)
            if self.narrowed(self.view.model.select(SQL("1")), self.tab).limit(1).exists():
                break
        else:
            text = ""
        self.found = typed
        return text

    # ---- what the page shows

    START = dict.fromkeys(("page", "na", "voor", "eind"))
    """the arguments of a URL that begin a list anew when they are left out"""

    @property
    def pages(self) -> int:
        """How many pages there are, as far as is counted."""
        return max(1, -(-self.counts.sure(self.tab) // self.size))

    @property
    def previous_url(self) -> str:
        if not self._page.has_previous or not self.rows:
            return ""
        if self.page == 2:
            return self.url(**self.START)
        page = self.page - 1 if self.args.get("page") else None
        return self.url(**self.START | {"voor": place(self.rows, self.keys), "page": page})

    @property
    def next_url(self) -> str:
        if not self._page.has_next or not self.rows:
            return ""
        page = self.page + 1 if self._is_numbered else None
        return self.url(**self.START | {"na": place(self.rows[::-1], self.keys), "page": page})

    @property
    def last_url(self) -> str:
        """The last page, however far; empty on that page itself."""
        if not self._page.has_next:
            return ""
        return self.url(**self.START | ({"page": self.pages} if self.counts.are_few(self.tab) else {"eind": 1}))

    @property
    def _is_numbered(self) -> bool:
        """Whether it is known which page this is: not when one came from the end."""
        return not self.args.get("eind") and bool(self.args.get("page") or not self.args.get("voor"))

    @property
    def numbers(self) -> range:
        """The numbers of the pages near this one; none when it is not known which page this is."""
        if not self._is_numbered:
            return range(0)
        return range(max(1, self.page - 2), max(min(self.pages, self.page + 2), self.page) + 1)

    def page_url(self, number: int) -> str:
        return self.url(**self.START | {"page": number})

    @cached_property
    def columns(self) -> list[Column]:
        sorted_by, down = self.sort
        return [
            Column(
                name,
                self.view.label(name),
                name if name in self.view.sort_keys else None,
                ("descending" if down else "ascending") if name == sorted_by else "",
            )
            for name in self.names
        ]

    def sort_url(self, column: Column) -> str:
        """This list sorted by a column; empty when one cannot."""
        if not column.sort:
            return ""
        return self.url(**self.START | {"sort": f"-{column.sort}" if column.order == "ascending" else column.sort})

    def url(self, **changes) -> str:
        """This list with some arguments changed (None: left out)."""
        pairs = [(key, value) for key, value in (self._said | changes).items() if value not in (None, "")]
        query = urlencode(pairs, doseq=True)
        return f"{self.path}?{query}" if query else self.path

    @property
    def _known(self) -> set[str]:
        filters = (param for one in self.filters for param in one.params)
        return {"q", "sort", "tab", "rijen", "tel", *self.START, *self.kept, *filters}

    @property
    def _said(self) -> dict:
        """The arguments of the URL that mean something here; a list for the chosen columns."""
        return {key: value for key, value in self.args.items() if value and key in self._known} | {"kolom": self.chosen}

    @property
    def query(self) -> dict:
        """The arguments that an export or a saved view of this list needs."""
        return {key: value for key, value in self._said.items() if key not in self.START and key != "tel" and value}

    @property
    def query_string(self) -> str:
        return urlencode(self.query, doseq=True)

    @property
    def inputs(self) -> list[dict]:
        return [one for each in self.filters for one in each.inputs(self.args)]

    @property
    def has_problem(self) -> bool:
        """Whether a filter holds what it cannot read; the input says why."""
        return any("problem" in one for one in self.inputs)

    @property
    def words(self) -> str:
        """Search and filters as words; empty when the list is whole."""
        told = [f"zoeken op ‘{self.search}’"] * bool(self.search)
        told += [one.words(self.args) for one in self.filters]
        if self.tab:
            told.append(dict(self.view.tab_choices)[self.tab])
        return ", ".join(word for word in told if word)

    @property
    def is_filtered(self) -> bool:
        """Whether one of the filters is used (search and tab are no filters)."""
        return any(self.args.get(param) for one in self.filters for param in one.params)

    @property
    def clear_url(self) -> str:
        query = urlencode(self.kept)
        return f"{self.path}?{query}" if query else self.path

    @property
    def caption(self) -> str:
        """What the list holds, and how it is really ordered."""
        name, down = self.sort
        label = self.view.label(name)
        said = label if label.isupper() or "-" in label else label[:1].lower() + label[1:]
        return f"{self.view.name}, gesorteerd op {said} {self.view.order_words(name, down)}"


def _any(conditions):
    result = None
    for condition in conditions:
        result = condition if result is None else result | condition
    return result
