"""How many rows a list and its tabs hold, without counting a million of them for a page of 25."""

from functools import cached_property
from typing import TYPE_CHECKING

from peewee import SQL, Select, fn

import dutch
from database import database

if TYPE_CHECKING:
    from admin_kit.list_query import ListQuery

COUNT_UP_TO = 10_000


class Counts:
    """The numbers of a list, counted up to COUNT_UP_TO, or to the end when the request is for an exact count."""

    def __init__(self, query: "ListQuery"):
        self.query, self.view, self.exact = query, query.view, query.requested.exact
        self.tabs = [name for name, _ in self.view.tab_choices]

    @cached_property
    def counted(self) -> dict[str, int]:
        """Tab → number of its rows as far as they were counted; '' for a list without tabs. Of a narrowed list COUNT_UP_TO rows
        and one more are counted in one go; of a whole one that many in each tab, by its index."""
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
        """A column of the rows of a tab, as far as they are counted, to select from."""
        query = self.query.narrowed(self.view.model.select(column), tab)
        return (query if self.exact else query.limit(COUNT_UP_TO + 1)).alias("counted")

    def of(self, tab: str) -> int:
        """How many rows were counted in a tab ('': in all)."""
        return self.counted[tab] if tab else sum(self.counted.values())

    def is_more(self, tab: str) -> bool:
        """Whether there may be more rows in a tab ('': in all) than were counted."""
        if self.exact:
            return False
        if self.query.is_narrowed:  # counted together
            return sum(self.counted.values()) > COUNT_UP_TO
        return max([self.counted[tab]] if tab else self.counted.values()) > COUNT_UP_TO

    def are_few(self, tab: str) -> bool:
        """Whether all rows of a tab were counted, and are so few that the database may sort them."""
        return not self.is_more(tab) and self.of(tab) <= COUNT_UP_TO

    def sure(self, tab: str) -> int:
        """How many rows a tab holds at least, for the numbers of its pages."""
        return min(self.of(tab), COUNT_UP_TO) if self.is_more(tab) else self.of(tab)

    @property
    def pages(self) -> int:
        """How many pages the requested tab has at least."""
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
        """The number beside the name of a tab: '1.284', '10.000+'."""
        return dutch.number(self.sure(tab)) + ("+" if self.is_more(tab) else "")
