"""Row counts of a list and its tabs, capped so that a page of 25 rows does not count a million."""

from functools import cached_property
from typing import TYPE_CHECKING

from peewee import SQL, Select, fn

import dutch
from database import database

if TYPE_CHECKING:
    from admin_kit.list_query import ListQuery

COUNT_UP_TO = 10_000


class Counts:
    """The counts of a list, up to COUNT_UP_TO; complete when the request asks for an exact count."""

    def __init__(self, query: "ListQuery"):
        self.query, self.view, self.exact = query, query.view, query.requested.exact
        self.tabs = [name for name, _ in self.view.tab_choices]

    @cached_property
    def counted(self) -> dict[str, int]:
        """Tab → number of rows counted; '' for a list without tabs. A narrowed list is counted in one query, up to
        COUNT_UP_TO + 1 rows in total; a whole list up to that many per tab, from the tab's index."""
        if not self.tabs:
            return self._each([""])
        return self._together() if self.query.is_narrowed or self.exact else self._each(self.tabs)

    def _together(self):
        rows = self._capped(self.view.tab_key().alias("part"), "")
        query = Select(columns=[SQL("part"), fn.COUNT(SQL("1"))]).from_(rows).group_by(SQL("part"))
        parts = dict(query.tuples().execute(database))
        return {name: sum(parts.get(part, 0) for part in self.view.tab_parts(name)) for name in self.tabs}

    def _each(self, tabs):
        columns = [Select(columns=[fn.COUNT(SQL("1"))]).from_(self._capped(SQL("1"), name)) for name in tabs]
        return dict(zip(tabs, next(iter(Select(columns=columns).tuples().execute(database))), strict=True))

    def _capped(self, column, tab):
        """A subquery of `column` over the rows of a tab, limited to the number to count."""
        query = self.query.narrowed(self.view.model.select(column), tab)
        return (query if self.exact else query.limit(COUNT_UP_TO + 1)).alias("counted")

    def of(self, tab: str) -> int:
        """The number of rows counted in a tab ('': in all tabs)."""
        return self.counted[tab] if tab else sum(self.counted.values())

    def is_more(self, tab: str) -> bool:
        """Whether a tab ('': all tabs together) may hold more rows than were counted."""
        if self.exact:
            return False
        if self.query.is_narrowed:  # counted together
            return sum(self.counted.values()) > COUNT_UP_TO
        return max([self.counted[tab]] if tab else self.counted.values()) > COUNT_UP_TO

    def are_few(self, tab: str) -> bool:
        """Whether all rows of a tab were counted, and are few enough for the database to sort."""
        return not self.is_more(tab) and self.of(tab) <= COUNT_UP_TO

    def sure(self, tab: str) -> int:
        """The minimum number of rows in a tab, for its page numbers."""
        return min(self.of(tab), COUNT_UP_TO) if self.is_more(tab) else self.of(tab)

    @property
    def pages(self) -> int:
        """The minimum number of pages of the requested tab."""
        return max(1, -(-self.sure(self.query.requested.tab) // self.query.requested.size))

    def words(self, tab: str) -> str:
        """'1.284 stageplaatsen', 'meer dan 10.000 stageplaatsen'."""
        count, kind, kinds = self.of(tab), self.view.kind, self.view.kinds
        if not self.is_more(tab):
            return dutch.counted(count, kind, kinds)
        if count > COUNT_UP_TO:
            return f"meer dan {dutch.number(COUNT_UP_TO)} {kinds}"
        return f"minstens {dutch.counted(count, kind, kinds)}"

    def figure(self, tab: str) -> str:
        """The count beside the name of a tab: '1.284', '10.000+'."""
        return dutch.number(self.sure(tab)) + ("+" if self.is_more(tab) else "")
