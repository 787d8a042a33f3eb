"""What a cell of a list, or a fact on a page, may show besides plain text; `templates/parts/values.html` prints it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import dutch
from database import texts
from models import Hours, Status


@dataclass
class Cell:
    """A cell: its text, a second line in small, a link, a state with its mark (good, bad, wait, busy,
    or '' for neutral), or the bar of hours."""

    text: str
    small: str = ""
    url: str = ""
    state: str | None = None
    hours: Hours | None = None
    always: bool = False
    """as a fact: shown even when it is empty"""

    def __str__(self):
        return self.text


def of_status(status: Status) -> Cell:
    """The words of a status in its colour, and below them its day, or whose turn it is."""
    return Cell(status.words, status.small, state=status.tone)


def as_cell(value: Any) -> Cell:
    """Any value as a cell: a plain one as a sentence of ours."""
    return value if isinstance(value, Cell) else Cell(texts.in_html(dutch.shown(value)))


@dataclass(frozen=True)
class Fact:
    """A label with its value; `css`: a class of the value."""

    label: str
    value: Cell
    css: str = ""


def facts(*rows: tuple) -> list[Fact]:
    """Facts without those that are empty: a label, a value (a cell or plain), and where needed the class of the value."""
    found = []
    for label, value, *css in rows:
        (cell,) = line(value)
        if cell.text or cell.small or cell.always:
            found.append(Fact(label, cell, *css))
    return found


def line(*values: Any) -> list[Cell]:
    """The cells of a line of a table, as they are."""
    return [value if isinstance(value, Cell) else Cell(dutch.shown(value)) for value in values]


@dataclass(frozen=True)
class Named:
    """How many there are in words ('' when none), the names of the first, and how many there are besides."""

    words: str
    names: list[str]
    rest: str = ""


@dataclass(frozen=True)
class Standing:
    """What follows the words of a status: plain words, in bold what matters most, plain words."""

    before: str = ""
    detail: str = ""
    after: str = ""


def due(status: Status, day: date) -> Standing:
    """Which day it is of what the team must decide, and by when."""
    when = f"moest op {dutch.day(day)}" if status.key == "late" else f"beslis tegen {dutch.day(day)}"
    return Standing("", status.detail, f", {when}" if status.detail else when)


@dataclass(frozen=True)
class Said:
    """What somebody said, and when; `rest` follows the name."""

    at: datetime
    who: str
    rest: str
    text: str
    css: str = ""


@dataclass(frozen=True)
class Button:
    """A button on a page: a link, or with `value` one that sends it as the act of the form 'acties'."""

    label: str
    url: str = ""
    kind: str = "btn-secondary"
    value: str = ""


def links(*pairs: tuple[str, str]) -> list[Button]:
    """Plain buttons that lead elsewhere: (label, URL) of each."""
    return [Button(label, url) for label, url in pairs]


def main_first(buttons: Iterable[Button]) -> list[Button]:
    """The same buttons, the first of them as what one most likely wants."""
    first, *others = [*buttons]
    return [Button(first.label, first.url, "btn-primary", first.value), *others]


def outcome(done: bool, text: str) -> Cell:
    """What became of something that was asked."""
    return Cell("Gelukt" if done else "Niet gelukt", text, state="good" if done else "bad")
