"""One page of a list: its rows, tabs and columns, its counts in words, and links to other pages (`list_screen` shows it)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from werkzeug.datastructures import MultiDict

import scope
from admin_kit.list_query import ListQuery
from admin_kit.list_request import FIRST_PAGE, PAGE_SIZES, ListRequest
from admin_kit.paging import Page, page_of, place
from database.searching import corrections
from models import User

if TYPE_CHECKING:
    from admin_kit.lists import ListView


@dataclass
class Column:
    """A column as the list shows it. `sort` is its name in the URL; None when the list cannot be sorted by it."""

    name: str
    label: str
    sort: str | None
    order: str = ""
    """'ascending' or 'descending' when the list is sorted by this column, otherwise ''"""

    @property
    def attributes(self) -> dict:
        return {"data-sort": bool(self.sort), "aria-sort": self.order}


@dataclass
class Tab:
    """A tab above the list; `count` in words; `current` is 'page' for the open one, otherwise empty."""

    label: str
    count: str
    url: str
    current: str


class ListPage:
    """A page of a list, from what was `requested` and the `query` for its rows."""

    sizes = PAGE_SIZES

    def __init__(self, query: ListQuery):
        self.query, self.requested, self.view = query, query.requested, query.view

    @classmethod
    def of(
        cls,
        view: "ListView",
        by: User,
        args: MultiDict,
        path: str,
        where: Sequence = (),
        reach: Callable = scope.own,
        columns: Iterable[str] | None = None,
        keep: Iterable[str] = (),
    ) -> "ListPage":
        """The page that the arguments of a URL ask for; see `ListRequest.read` and `ListQuery` for the arguments."""
        requested = ListRequest.read(view, args, path, reach, columns, keep)
        return cls(ListQuery(view, by, requested, where, reach))

    # ---- rows and counts

    @cached_property
    def _page(self) -> Page:
        return page_of(self.query)

    @property
    def rows(self) -> list:
        return self._page.rows

    @cached_property
    def own_ids(self) -> set[int]:
        """The ids of the rows on this page that the person may act on."""
        return self.query.own_ids(self.rows)

    @property
    def count(self) -> int:
        """The number of rows of the list that were counted (see `counting`)."""
        return self.query.counts.of(self.requested.tab)

    @property
    def is_counted(self) -> bool:
        """Whether `count` is all of them."""
        return not self.query.counts.is_more(self.requested.tab)

    @property
    def count_words(self) -> str:
        return self.query.counts.words(self.requested.tab)

    @cached_property
    def tabs(self) -> list[Tab]:
        """The tabs above the list with their counts; none when the view has none."""
        counts, current = self.query.counts, self.requested.tab
        if not self.view.tab_choices:
            return []
        return [
            Tab(label, counts.figure(name), self._url(tab=name), "page" if current == name else "")
            for name, label in [("", "Alles"), *self.view.tab_choices]
            if not name or current == name or counts.of(name) or counts.is_more(name)
        ]

    @cached_property
    def suggestion(self) -> str:
        """A likely correction of a search without results, if it has results here; otherwise empty."""
        if not self.query.search or self.rows:
            return ""
        likely = corrections(self.view.model, self.query.search.words)
        return next(filter(self.query.finds, likely), "")

    @property
    def suggestion_url(self) -> str:
        return self._url(q=self.suggestion)

    # ---- columns and words

    @cached_property
    def columns(self) -> list[Column]:
        direction = "descending" if self.requested.descending else "ascending"
        return [
            Column(
                name,
                self.view.label(name),
                name if name in self.view.sort_keys else None,
                direction if name == self.requested.sort else "",
            )
            for name in self.requested.names
        ]

    @property
    def words(self) -> str:
        """Search and filters in words; empty when the list is whole."""
        requested = self.requested
        parts = [f"zoeken op ‘{requested.search}’"] * bool(requested.search)
        parts += [item.words(requested.args) for item in requested.filters]
        if requested.tab:
            parts.append(dict(self.view.tab_choices)[requested.tab])
        return ", ".join(filter(None, parts))

    @property
    def caption(self) -> str:
        """The name of the list and its actual order, in words."""
        name, label = self.requested.sort, self.view.label(self.requested.sort)
        shown = label if label.isupper() or "-" in label else label[:1].lower() + label[1:]
        return f"{self.view.name}, gesorteerd op {shown} {self.view.order_words(name, self.requested.descending)}"

    # ---- links

    def sort_url(self, column: Column) -> str:
        """The list sorted by this column, or reversed when it already is; '' for a column that cannot be sorted."""
        if not column.sort:
            return ""
        return self._url(sort=f"-{column.sort}" if column.order == "ascending" else column.sort)

    def page_url(self, number: int) -> str:
        return self._url(page=number)

    @property
    def number(self) -> int:
        """The number of this page, as far as it is known (see `numbers`)."""
        return self._page.number

    @property
    def numbers(self) -> range:
        """The page numbers near this page; none when the number of this page is unknown."""
        if not self.requested.is_numbered:
            return range(0)
        return range(max(1, self.number - 2), max(min(self.pages, self.number + 2), self.number) + 1)

    @property
    def pages(self) -> int:
        """The number of pages, as far as rows were counted."""
        return self.query.counts.pages

    @property
    def previous_url(self) -> str:
        if not self._page.has_previous or not self.rows:
            return ""
        if self.number == 2:
            return self._url()
        page = self.number - 1 if self.requested.args.get("page") else None
        return self._url(voor=place(self.rows, self.query.keys), page=page)

    @property
    def next_url(self) -> str:
        if not self._page.has_next or not self.rows:
            return ""
        page = self.number + 1 if self.requested.is_numbered else None
        return self._url(na=place(self.rows[::-1], self.query.keys), page=page)

    @property
    def last_url(self) -> str:
        """The URL of the last page, however far; '' on the last page itself."""
        if not self._page.has_next:
            return ""
        return self._url(page=self.pages) if self.query.counts.are_few(self.requested.tab) else self._url(eind=1)

    def _url(self, **place) -> str:
        """This list from its first page, or from this place."""
        return self.requested.url(**FIRST_PAGE | place)
