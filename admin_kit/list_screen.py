"""A list as its page shows it: search and filters, tools for the whole list, rows as cells, and links to other pages.
`templates/parts/lists.html` and the templates beside it print it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from flask import request

import dutch
from admin_kit.actions import Action
from admin_kit.cells import Cell, as_cell
from admin_kit.list_page import Column, ListPage
from models import TEAM

FEW, MANY_INPUTS = 5, 2
SHORT = 10
"""rows of a whole list that a person reads without tabs, filters and tools; they are folded away"""
NARROW = 50
"""the longest page, in rows, whose HTML holds labels beside the values for narrow screens; on longer ones the script adds them"""
PROGRAM = "programma"
BARE = re.compile(r"[\d\s/.,–-]+|Geen|ja|nee", re.I)
"""a value that says nothing without its label: a number, a day, yes or no"""


@dataclass
class LineCell:
    """A value in its column; `in_block`: wrapped in its own element, beside its label on a narrow screen."""

    attributes: dict
    value: Cell
    in_block: bool


@dataclass
class Menu:
    """The menu of a row: links (label, URL), forms without fields (label, URL), and actions (label, value of the button)."""

    links: list[tuple[str, str]]
    posts: list[tuple[str, str]]
    acts: list[tuple[str, str]]


@dataclass
class Line:
    """A row of the list: its HTML `id`, its primary key, its first cell, the other cells, its menu if it has one, and the
    (label, URL) of what its reader most likely does with it now."""

    id: str
    pk: int
    name: Cell
    cells: list[LineCell]
    menu: Menu | None
    likely: tuple[str, str] | None = None


@dataclass
class File:
    """A download of the list: the label of its link, its URL, and a hint to read first."""

    label: str
    url: str
    hint: str = ""

    @property
    def attributes(self) -> dict:
        return {"aria-describedby": "voor-programma" if self.hint else ""}


@dataclass
class Way:
    """A link to another page of the list; disabled when `url` is empty."""

    label: str
    url: str
    attributes: dict = field(default_factory=dict)


@dataclass
class KeptView:
    """A saved view of the list; `seen_by`: with whom it is shared, in words; `act`: what its button does, to make it the user's
    start page or stop that."""

    pk: int
    name: str
    url: str
    mine: bool
    seen_by: str
    act: str
    act_words: str


class ListScreen:
    """`page` ready to print; `label`: above the search field; `export_url`: returns the URL of a download; `search_only`: no
    filters."""

    def __init__(self, page: ListPage, label: str, export_url: Callable[..., str], search_only: bool = False):
        self.page, self.view, self.label = page, page.view, label
        self.export_url, self.search_only = export_url, search_only

    @property
    def is_empty(self) -> bool:
        """Whether the list has no rows, also without search or filters."""
        return not (self.page.rows or self.page.words)

    @cached_property
    def is_short(self) -> bool:
        """Whether the whole list is so short that all but the search and the export is folded away. The team keeps its desk."""
        return TEAM not in self.view.by.role_names and self.page.query.holds_at_most(SHORT)

    @property
    def table_class(self) -> str:
        return "table list stack short-list" if self.is_short else "table list stack"

    # ---- search and filters

    @cached_property
    def all_inputs(self) -> list[dict]:
        """The inputs of the filters; none for a handful of rows, which need no filtering."""
        page = self.page
        few = page.count <= FEW and not (page.words or page.requested.has_problem)
        return [] if self.search_only or few else [_with_problem(shown) for shown in page.requested.inputs]

    @property
    def is_searched(self) -> bool:
        return bool(self.view.search_names)

    @property
    def has_form(self) -> bool:
        return bool(self.is_searched or self.all_inputs)

    @property
    def _are_folded(self) -> bool:
        return len(self.all_inputs) > MANY_INPUTS and self.is_searched

    @property
    def folded(self) -> list[dict]:
        """The collapsed filters: all of them when there are many, otherwise none."""
        return self.all_inputs if self._are_folded else []

    @property
    def inputs(self) -> list[dict]:
        """The filters beside the search field."""
        return [] if self._are_folded else self.all_inputs

    @property
    def is_unfolded(self) -> bool:
        return self.page.requested.is_filtered or self.page.requested.has_problem

    @property
    def kept(self) -> Iterator[tuple[str, str]]:
        """(name, value) of the arguments that the filter form passes on unchanged."""
        page = self.page
        yield from page.requested.kept.items()
        yield from (("tab", tab) for tab in [page.requested.tab] if tab)
        yield from ((name, page.requested.args[name]) for name in ("sort", "rijen") if page.requested.args.get(name))
        yield from (("kolom", name) for name in page.requested.chosen)

    @property
    def kept_with_search(self) -> Iterator[tuple[str, str]]:
        """Hidden inputs for a form with the filters alone."""
        yield from self.kept
        yield from (("q", text) for text in [self.page.requested.search] if text)

    @property
    def kept_with_filters(self) -> Iterator[tuple[str, str]]:
        """Hidden inputs for a form with the search alone."""
        yield from self.kept
        args = self.page.requested.args
        params = (param for item in self.page.requested.filters for param in item.params)
        yield from ((param, args[param]) for param in params if args.get(param))

    # ---- tools for the whole list

    @property
    def _is_at_home(self) -> bool:
        """Whether this is the list's own page, rather than a list within another page."""
        return self.view.endpoint == request.blueprint

    @cached_property
    def _may_export(self) -> bool:
        return bool(self.page.rows) and self.view.allowed("export", self.view.can_export)

    @property
    def csv_url(self) -> str:
        return self.export_url(self.page) if self._may_export else ""

    @property
    def files(self) -> list[File]:
        """The other downloads, besides the one at `csv_url`."""
        if not (self._may_export and self._is_at_home):
            return []
        files = [
            File("Excel (XLSX)", self.export_url(self.page, "xlsx")),
            File("CSV met alle kolommen", self.export_url(self.page, alles=1)),
        ]
        if PROGRAM in self.view.formats():
            hint = (
                "Voor software die de lijst inleest: met codes, en elke tekst precies zoals ze bewaard is. "
                "Open dit bestand niet in Excel, want daar kan een tekst een formule worden."
            )
            files.append(File("CSV voor een programma", self.export_url(self.page, PROGRAM, alles=1), hint))
        return files

    @property
    def choosable(self) -> list[tuple[str, str, bool]]:
        """(name, label, whether it is shown) of the columns that the user can choose; none when there are only a few."""
        names = self.page.requested.choosable if self._is_at_home else []
        return (
            [(name, self.view.label(name), name in self.page.requested.names) for name in names]
            if len(names) > 3
            else []
        )

    @property
    def said(self) -> list[tuple[str, str | Sequence[str]]]:
        """(name, value) of the arguments that the column form passes on unchanged."""
        return [pair for pair in self.page.requested.query.items() if pair[0] not in ("kolom", "rijen")]

    @property
    def may_keep(self) -> bool:
        """Whether the user may save the list as a view."""
        return self._is_at_home

    @cached_property
    def saved_views(self) -> list[KeptView]:
        return [_kept_view(view, self.page.requested.path) for view in self.view.saved_views()]

    # ---- rows

    @cached_property
    def bulk_actions(self) -> list[Action]:
        return self.view.bulk_actions

    @property
    def acts(self) -> bool:
        """Whether the list has actions."""
        return bool(self.view.actions)

    @property
    def lines(self) -> Iterator[Line]:
        own, columns = self.page.own_ids, self.page.columns
        posts = self.view.row_posts([row for row in self.page.rows if row.pk in own])
        labelled = self.page.requested.size <= NARROW
        for number, row in enumerate(self.page.rows, 1):
            name, *others = [self.view.cell(row, column.name) for column in columns]
            cells = [_line_cell(value, column, labelled) for value, column in zip(others, columns[1:], strict=True)]
            is_own = row.pk in own
            menu = self._menu(row, posts.get(row.pk, [])) if is_own else None
            yield Line(f"r{number}", row.pk, as_cell(name), cells, menu, self.view.likely_link(row) if is_own else None)

    def _menu(self, row, posts) -> Menu | None:
        links = self.view.row_links(row)
        acts = [(action.label, f"{action.name}:{row.pk}") for action in self.view.menu_actions(row)]
        return Menu(links, posts, acts) if links or posts or acts else None

    # ---- other pages

    @property
    def paging(self) -> list[Way]:
        """The links to other pages; none when all rows are on this one."""
        page = self.page
        before, after, last = page.previous_url, page.next_url, page.last_url
        if not (before or after):
            return []
        numbers = page.numbers
        ways = [Way("Eerste", page.page_url(1))] if before and 1 not in numbers else []
        ways.append(Way("Vorige", before, {"rel": "prev"}))
        for number in numbers:
            current = "page" if number == page.number else ""
            ways.append(
                Way(str(number), page.page_url(number), {"aria-label": f"Pagina {number}", "aria-current": current})
            )
        ways.append(Way("Volgende", after, {"rel": "next"}))
        if last and (page.pages not in numbers or not page.is_counted):
            ways.append(Way("Laatste", last))
        return ways

    @property
    def place_words(self) -> str:
        """The position of these rows in the list, in words: '26 tot 50 van 1.284 stageplaatsen'."""
        page = self.page
        if page.numbers:
            first = (page.number - 1) * page.requested.size + 1
            last = first + len(page.rows) - 1
            return f"{dutch.number(first)} tot {dutch.number(last)} van {page.count_words}"
        return page.count_words if page.next_url else f"De laatste van {page.count_words}"


def _with_problem(shown: dict) -> dict:
    """A filter's input with the attributes that point to its error, if any."""
    if not shown.get("problem"):
        return {**shown, "attributes": {}}
    return {**shown, "attributes": {"aria-invalid": "true", "aria-describedby": f"f-{shown['param']}-fout"}}


def _line_cell(value, column: Column, labelled: bool) -> LineCell:
    cell = as_cell(value)
    label = {"data-label": column.label, "data-bare": bool(BARE.fullmatch(str(cell.text)))} if labelled else {}
    if not isinstance(value, Cell):
        return LineCell(label, cell, False)
    return LineCell(label, cell if labelled else replace(cell, hours=None), labelled)


def _kept_view(view, path: str) -> KeptView:
    seen_by = ("gedeeld" if view.shared_with else "") if view.mine else "van een collega"
    act, label = ("stop", "Niet meer mijn startpagina") if view.starts else ("start", "Mijn startpagina maken")
    url = f"{path}?{view.query}" if view.query else path
    return KeptView(view.id, view.name, url, view.mine, seen_by, act, label)
