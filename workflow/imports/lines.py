"""A line of a file with participants: its columns, and its texts as values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from database import normalise, readings
from database.texts import RuleError, says_something
from models import TYPES
from workflow.imports.sheets import is_formula

COLUMNS = ("kavo_id", "voornaam", "naam", "geboortedatum", "email", "vereniging", "type", "start_cursus")
LABELS = dict(
    zip(
        COLUMNS,
        ("KAVO-ID", "Voornaam", "Naam", "Geboortedatum", "E-mailadres", "Vereniging", "Type", "Start cursus"),
        strict=True,
    )
)
"""column → what people call it"""
RESULTS = ("resultaat", "uitleg")
"""further columns of our results file, which may be imported again"""
PERSONAL = ("first_name", "last_name", "birth_date", "email")
KINDS = {normalise(word): kind for kind, word in TYPES.items()}


@dataclass
class Typed:
    """A line of a file as values; `problems`: column → what is wrong with its cell."""

    kavo_id: str = ""
    first_name: str = ""
    last_name: str = ""
    birth_date: date | None = None
    email: str = ""
    association: str = ""
    type: str = ""
    course_started_on: date | None = None
    problems: dict[str, str] = field(default_factory=dict)


COLUMN_OF = dict(zip(Typed.__dataclass_fields__, COLUMNS, strict=False))
"""field of a row → the column that holds it"""


READERS: dict[str, Callable[[str], Any]] = {
    "kavo_id": readings.kavo_id,
    "geboortedatum": lambda text: readings.birth_date(readings.day(text)),
    "email": lambda text: readings.email(text) if text else "",
    "start_cursus": readings.day,
}
"""column → reader of its cells, the same as everywhere"""


def read(cells: list[str]) -> tuple[dict, dict[str, str]]:
    """The cells of READERS as column → value, and for unreadable ones column → what to do."""
    values, problems = {}, {}
    for column, text in zip(COLUMNS, cells, strict=True):
        if column in READERS:
            try:
                values[column] = READERS[column](text)
            except RuleError as error:
                problems[column] = str(error)
    return values, problems


def typed(cells: list[str]) -> Typed:
    """The texts of a line, in the order of COLUMNS, as values."""
    _, first, last, _, _, association, kind, _ = cells
    first, last = (text if says_something(text) else "" for text in (first, last))
    values, problems = read(cells)
    line = Typed(
        values.get("kavo_id", ""),
        first,
        last,
        values.get("geboortedatum"),
        values.get("email", cells[4]),
        association,
        KINDS.get(normalise(kind), ""),
        values.get("start_cursus"),
    )
    line.problems = _problems(line, problems)
    return line


def _problems(line: Typed, unread: dict[str, str]) -> dict[str, str]:
    """Column → why its cell is no value at all. Whether a value is allowed, its row decides when it is saved."""
    checks = (
        ("kavo_id", "kavo_id" in unread, unread.get("kavo_id")),
        ("naam", not says_something(line.first_name + line.last_name), "Dit ontbreekt."),
        *(
            (COLUMN_OF[name], is_formula(getattr(line, name).lstrip("'")), "Dit begint met een teken van een formule.")
            for name in ("first_name", "last_name", "association")
        ),  # our own file may be imported again
        ("geboortedatum", "geboortedatum" in unread, unread.get("geboortedatum")),
        ("type", not line.type, "Kies animator, hoofdanimator of instructeur."),
        ("start_cursus", "start_cursus" in unread, unread.get("start_cursus")),
    )
    return {column: text or "" for column, wrong, text in checks if wrong}
