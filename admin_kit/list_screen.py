"""A list as its page shows it: search and filters above it, what one may do with it, its rows as cells, the way to other pages.
`templates/parts/lists.html` and those beside it print what stands here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from flask import request

import dutch
from admin_kit.actions import Action
from admin_kit.cells import Cell, as_cell
from admin_kit.list_page import Column, ListPage

FEW, MANY_INPUTS = 5, 2
NARROW = 50
"""rows on a page of which a narrow screen shows the labels beside the values; on longer pages the script puts them"""
PROGRAM = "programma"


@dataclass
class LineCell:
    """A value in its column; `in_block`: it stands in an element of its own, beside its label on a narrow screen."""

    attributes: dict
    value: Cell
    in_block: bool


@dataclass
class Menu:
    """What one may do with a row: links (label, URL) and acts (label, value)."""

    links: list[tuple[str, str]]
    acts: list[tuple[str, str]]


@dataclass
class Line:
    """A row of the list: its number on the page as `id`, its name, the other cells, its menu."""

    id: str
    pk: int
    name: Cell
    cells: list[LineCell]
    menu: Menu | None


@dataclass
class File:
    """A file of the list: what one clicks, where it is, and what one should know of it first."""

    label: str
    url: str
    hint: str = ""

    @property
    def attributes(self) -> dict:
        return {"aria-describedby": "voor-programma" if self.hint else ""}


@dataclass
class Way:
    """A link to another page of the list; without an address it leads nowhere now."""

    label: str
    url: str
    attributes: dict = field(default_factory=dict)


@dataclass
class KeptView:
    """A view of the list that somebody kept: who else sees it, and the button by which one's day begins with it or not."""

    pk: int
    name: str
    url: str
    mine: bool
    seen_by: str
    act: str
    act_words: str


class ListScreen:
    """`page` on the screen; `label` stands above the search field, `search_only` leaves filters out, `export_url` makes the
    address of its file."""

    def __init__(self, page: ListPage, label: str, export_url: Callable[..., str], search_only: bool = False):
        self.page, self.view, self.label = page, page.view, label
        self.export_url, self.search_only = export_url, search_only

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing, and nothing was searched."""
        return not (self.page.rows or self.page.words)

    # ---- search and filters

    @cached_property
    def _inputs(self) -> list[dict]:
        """What the form of the filters asks. With a handful of rows there is nothing to filter: one reads them."""
        page = self.page
        few = page.count <= FEW and not (page.words or page.requested.has_problem)
        return [] if self.search_only or few else [_with_problem(one) for one in page.requested.inputs]

    @property
    def is_searched(self) -> bool:
        return bool(self.view.search_names)

    @property
    def has_form(self) -> bool:
        return bool(self.is_searched or self._inputs)

    @property
    def _are_folded(self) -> bool:
        return len(self._inputs) > MANY_INPUTS and self.is_searched

    @property
    def folded(self) -> list[dict]:
        """The filters that one unfolds; all of them when they are many."""
        return self._inputs if self._are_folded else []

    @property
    def inputs(self) -> list[dict]:
        """The filters that stand beside the search field."""
        return [] if self._are_folded else self._inputs

    @property
    def is_unfolded(self) -> bool:
        return self.page.requested.is_filtered or self.page.requested.has_problem

    @property
    def kept(self) -> Iterator[tuple[str, str]]:
        """What the form of the filters leaves as it is."""
        page = self.page
        yield from page.requested.kept.items()
        yield from (("tab", one) for one in [page.requested.tab] if one)
        yield from ((name, page.requested.args[name]) for name in ("sort", "rijen") if page.requested.args.get(name))
        yield from (("kolom", name) for name in page.requested.chosen)

    # ---- what one may do with the whole list

    @property
    def _is_at_home(self) -> bool:
        """Whether this is the page of the list itself, not a list on the page of something else."""
        return self.view.endpoint == request.blueprint

    @cached_property
    def _may_export(self) -> bool:
        return bool(self.page.rows) and self.view.allowed("export", self.view.can_export)

    @property
    def csv_url(self) -> str:
        return self.export_url(self.page) if self._may_export else ""

    @property
    def files(self) -> list[File]:
        """Further files of the list."""
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
        """(name, label, whether it is shown) of the columns among which one chooses; none when there are few."""
        names = self.page.requested.choosable if self._is_at_home else []
        return (
            [(name, self.view.label(name), name in self.page.requested.names) for name in names]
            if len(names) > 3
            else []
        )

    @property
    def said(self) -> list[tuple[str, str | Sequence[str]]]:
        """What the form of the columns leaves as it is."""
        return [pair for pair in self.page.requested.query.items() if pair[0] not in ("kolom", "rijen")]

    @property
    def may_keep(self) -> bool:
        """Whether one may keep the list as a view."""
        return self._is_at_home

    @cached_property
    def saved_views(self) -> list[KeptView]:
        return [_kept_view(one, self.page.requested.path) for one in self.view.saved_views()]

    # ---- rows

    @cached_property
    def bulk_actions(self) -> list[Action]:
        return self.view.bulk_actions

    @property
    def acts(self) -> bool:
        """Whether there is anything that one does with a row or several."""
        return bool(self.view.actions)

    @property
    def lines(self) -> Iterator[Line]:
        own, columns = self.page.own_ids, self.page.columns
        labelled = self.page.requested.size <= NARROW
        for number, row in enumerate(self.page.rows, 1):
            name, *others = [self.view.cell(row, column.name) for column in columns]
            cells = [_line_cell(value, column, labelled) for value, column in zip(others, columns[1:], strict=True)]
            yield Line(f"r{number}", row.pk, as_cell(name), cells, self._menu(row) if row.pk in own else None)

    def _menu(self, row) -> Menu | None:
        links = self.view.row_links(row)
        acts = [(action.label, f"{action.name}:{row.pk}") for action in self.view.menu_actions(row)]
        return Menu(links, acts) if links or acts else None

    # ---- other pages

    @property
    def paging(self) -> list[Way]:
        """The ways to other pages; none when all is on this one."""
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
        """Which rows of how many these are."""
        page = self.page
        if page.numbers:
            first = (page.number - 1) * page.requested.size + 1
            last = first + len(page.rows) - 1
            return f"{dutch.number(first)} tot {dutch.number(last)} van {page.count_words}"
        return page.count_words if page.next_url else f"De laatste van {page.count_words}"


def _with_problem(one: dict) -> dict:
    """An input of a filter with the attributes that tell what is wrong with it."""
    if not one.get("problem"):
        return {**one, "attributes": {}}
    return {**one, "attributes": {"aria-invalid": "true", "aria-describedby": f"f-{one['param']}-fout"}}


def _line_cell(value, column: Column, labelled: bool) -> LineCell:
    label = {"data-label": column.label} if labelled else {}
    if not isinstance(value, Cell):
        return LineCell(label, as_cell(value), False)
    return LineCell(label, value if labelled else replace(value, hours=None), labelled)


def _kept_view(view, path: str) -> KeptView:
    seen_by = ("gedeeld" if view.shared_with else "") if view.mine else "van een collega"
    act, words = ("stop", "Niet meer mijn startpagina") if view.starts else ("start", "Mijn startpagina maken")
    url = f"{path}?{view.query}" if view.query else path
    return KeptView(view.id, view.name, url, view.mine, seen_by, act, words)
