"""A request for a list: read from the arguments of a URL, immutable, and written into the next URLs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

import scope
from admin_kit.filters import ListFilter
from database import whole_number
from database.texts import tidy

if TYPE_CHECKING:
    from admin_kit.lists import ListView

PAGE_SIZES = (25, 50, 100)
LONGEST_SEARCH = 200  # characters
FIRST_PAGE = MappingProxyType(dict.fromkeys(("page", "na", "voor", "eind")))
"""the arguments of a URL that lead to the first page when they are left out"""


@dataclass(frozen=True)
class ListRequest:
    """A list as a URL requests it. Arguments unknown to the list are left out of its own URLs."""

    path: str
    args: Mapping[str, str]
    """all arguments, tidied"""
    kept: Mapping[str, str]
    """arguments that belong to the page around the list, not to the list"""
    filters: tuple[ListFilter, ...]
    """the filters that the list offers this person, used or not"""
    choosable: tuple[str, ...]
    """the columns that may be shown"""
    chosen: tuple[str, ...]
    """the chosen columns; empty: the default ones"""
    names: tuple[str, ...]
    """the columns that are shown"""
    search: str
    tab: str
    """'' for all rows"""
    sort: str
    descending: bool
    page: int
    """from 1; only a label when the URL also names a row to continue from"""
    size: int
    """rows on a page"""
    exact: bool
    """whether to count all rows, however many"""

    @classmethod
    def read(
        cls,
        view: "ListView",
        arguments: MultiDict,
        path: str,
        reach: Callable = scope.own,
        columns: Iterable[str] | None = None,
        keep: Iterable[str] = (),
    ) -> "ListRequest":
        """Read the arguments of a URL. Unknown values count as left out.

        `reach` is scope.own or scope.listed; `columns` replace those of the view; `keep`: arguments of the surrounding page."""
        args = {key: tidy(arguments.get(key, "")) for key in arguments}
        usual = list(columns or view.list_names)
        optional = () if columns else view.column_optional
        choosable = [*usual, *(name for name in optional if name not in usual)]
        chosen = [name for name in choosable if name in arguments.getlist("kolom")]
        names = chosen or usual
        sort, descending = _sort(view, args.get("sort", ""), names)
        filterable = view.filter_names(reach)
        size = whole_number(args.get("rijen"))
        return cls(
            path=path,
            args=MappingProxyType(args),
            kept=MappingProxyType({key: args[key] for key in keep if args.get(key)}),
            filters=tuple(item for item in view.list_filters if item.name.split(".")[0] in filterable),
            choosable=tuple(choosable),
            chosen=tuple(chosen),
            names=tuple(names),
            search=args.get("q", "")[:LONGEST_SEARCH],
            tab=args.get("tab", "") if args.get("tab") in dict(view.tab_choices) else "",
            sort=sort,
            descending=descending,
            page=whole_number(args.get("page")) or 1,
            size=size if size in PAGE_SIZES else view.page_size,
            exact=bool(args.get("tel")),
        )

    @property
    def is_filtered(self) -> bool:
        """Whether a filter is used (search and tab do not count)."""
        return any(self.args.get(param) for item in self.filters for param in item.params)

    @property
    def is_numbered(self) -> bool:
        """Whether the number of this page is known; it is not after paging back from the end."""
        return not self.args.get("eind") and bool(self.args.get("page") or not self.args.get("voor"))

    @property
    def inputs(self) -> list[dict]:
        """The inputs of the filters, as `ListFilter.inputs` describes them."""
        return [shown for item in self.filters for shown in item.inputs(self.args)]

    @property
    def has_problem(self) -> bool:
        """Whether a filter holds unreadable input; its input shows the error."""
        return any("problem" in shown for shown in self.inputs)

    # ---- URLs

    def url(self, **changes) -> str:
        """This list with some arguments changed (None: left out)."""
        pairs = [(key, value) for key, value in (self._meaningful | changes).items() if value not in (None, "")]
        return self._with(urlencode(pairs, doseq=True))

    @property
    def clear_url(self) -> str:
        """The whole list, without search, filters, tab and order."""
        return self._with(urlencode(self.kept))

    @property
    def query(self) -> dict[str, str | Sequence[str]]:
        """The arguments that an export or a saved view of this list needs."""
        skipped = {*FIRST_PAGE, "tel"}
        return {key: value for key, value in self._meaningful.items() if key not in skipped and value}

    @property
    def query_string(self) -> str:
        return urlencode(self.query, doseq=True)

    def _with(self, query: str) -> str:
        return f"{self.path}?{query}" if query else self.path

    @property
    def _meaningful(self) -> dict[str, str | Sequence[str]]:
        """The arguments that the list knows; the chosen columns as a list."""
        filters = (param for item in self.filters for param in item.params)
        known = {"q", "sort", "tab", "rijen", "tel", *FIRST_PAGE, *self.kept, *filters}
        return {key: value for key, value in self.args.items() if value and key in known} | {"kolom": list(self.chosen)}


def _sort(view: "ListView", text: str, names: list[str]) -> tuple[str, bool]:
    """(column, descending) for a `sort` argument; a column that is not shown does not order the list."""
    name = text.removeprefix("-")
    if name in names and name in view.sort_keys:
        return name, text.startswith("-")
    return view.default_sort
