"""The contents of a cell in a list or a fact on a page, beyond plain text; `templates/parts/values.html` prints it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import dutch
from database import texts
from models import Hours, Status


@dataclass
class Cell:
    """A cell: its text, and optionally a second line in small print, a link, the tone of a state (good, bad, wait, busy, or ''
    for neutral) or a bar of hours."""

    text: str
    small: str = ""
    url: str = ""
    state: str | None = None
    hours: Hours | None = None
    always: bool = False
    """for a fact: show it even when empty"""

    def __str__(self):
        return self.text


def of_status(status: Status) -> Cell:
    """A status in words, in its colour, with its day or whose turn it is below."""
    return Cell(status.words, status.small, state=status.tone)


def as_cell(value: Any) -> Cell:
    """Any value as a cell; a plain value is written out in Dutch."""
    return value if isinstance(value, Cell) else Cell(texts.in_html(dutch.shown(value)))


@dataclass(frozen=True)
class Fact:
    """A label with its value; `css`: a class of the value."""

    label: str
    value: Cell
    css: str = ""


def facts(*rows: tuple) -> list[Fact]:
    """The facts that are not empty; `rows`: a label, a value (a cell or plain), and optionally a CSS class."""
    shown = []
    for label, value, *css in rows:
        (cell,) = line(value)
        if cell.text or cell.small or cell.always:
            shown.append(Fact(label, cell, *css))
    return shown


def line(*values: Any) -> list[Cell]:
    """Values as the cells of a table row, without the markup that `as_cell` applies."""
    return [value if isinstance(value, Cell) else Cell(dutch.shown(value)) for value in values]


@dataclass(frozen=True)
class Named:
    """A count in words ('' when zero), the names of the first few, and in `rest` how many more there are."""

    words: str
    names: list[str]
    rest: str = ""


@dataclass(frozen=True)
class Standing:
    """What follows the words of a status: plain text, the most important part in bold, plain text."""

    before: str = ""
    detail: str = ""
    after: str = ""


def due(status: Status, day: date) -> Standing:
    """The day reached in a decision that the team must take, and its deadline `day`."""
    when = f"moest op {dutch.day(day)}" if status.key == "late" else f"beslis tegen {dutch.day(day)}"
    return Standing("", status.detail, f", {when}" if status.detail else when)


@dataclass(frozen=True)
class Said:
    """A remark: its moment (UTC), its author, its text; `rest` follows the author's name."""

    at: datetime
    who: str
    rest: str
    text: str
    css: str = ""


@dataclass(frozen=True)
class Button:
    """A button on a page: a link, or with `value` a button that submits that value in the form 'acties'."""

    label: str
    url: str = ""
    kind: str = "btn-secondary"
    value: str = ""


def links(*pairs: tuple[str, str]) -> list[Button]:
    """Secondary buttons that link to another page; `pairs`: (label, URL)."""
    return [Button(label, url) for label, url in pairs]


def main_first(buttons: Iterable[Button]) -> list[Button]:
    """The same buttons, the first one as the primary button."""
    first, *others = [*buttons]
    return [Button(first.label, first.url, "btn-primary", first.value), *others]


def outcome(done: bool, text: str) -> Cell:
    """The result of an act, as a cell; `text`: its explanation."""
    return Cell("Gelukt" if done else "Niet gelukt", text, state="good" if done else "bad")
