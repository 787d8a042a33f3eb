"""A line of a file with participants: its columns, and its cells as values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from database import normalise, readings
from database.texts import RuleError, has_text
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


FIELDS = ("kavo_id", *PERSONAL, "association", "type", "course_started_on")
COLUMN_OF = dict(zip(FIELDS, COLUMNS, strict=True))
"""field of a row or a form → the column that holds it"""
FORMULA = "Dit begint met een teken van een formule."


@dataclass
class Entry:
    """A participant with the start of a trajectory, as a line of a file or a form gives them."""

    kavo_id: str = ""
    first_name: str = ""
    last_name: str = ""
    birth_date: date | None = None
    email: str = ""
    association_name: str = ""
    """empty: that of the importer"""
    type: str = ""
    course_started_on: date | None = None
    texts: Sequence[str] = ()
    """its cells, in the order of COLUMNS"""
    unread: Mapping[str, str] = field(default_factory=dict)
    """column → what is wrong with a cell that holds no value of its kind"""

    @cached_property
    def problems(self) -> dict[str, str]:
        """Column → why its cell is no value at all. Whether a value is allowed, its row decides when it is saved."""
        names = {"voornaam": self.first_name, "naam": self.last_name, "vereniging": self.association_name}
        checks = (
            ("kavo_id", "kavo_id" in self.unread, self.unread.get("kavo_id")),
            ("naam", not has_text(self.first_name + self.last_name), "Dit ontbreekt."),
            *((column, is_formula(text.lstrip("'")), FORMULA) for column, text in names.items()),
            ("geboortedatum", "geboortedatum" in self.unread, self.unread.get("geboortedatum")),
            ("type", not self.type, "Kies animator, hoofdanimator of instructeur."),
            ("start_cursus", "start_cursus" in self.unread, self.unread.get("start_cursus")),
        )  # our own results file, which may be imported again, has an apostrophe before a formula
        return {column: text or "" for column, wrong, text in checks if wrong}


READERS: dict[str, Callable[[str], Any]] = {
    "kavo_id": readings.kavo_id,
    "geboortedatum": lambda text: readings.birth_date(readings.day(text)),
    "email": lambda text: readings.email(text) if text else "",
    "start_cursus": readings.day,
}
"""column → reader of its cells, the same as everywhere"""


def parse(texts: Sequence[str]) -> Entry:
    """The cells of a line, in the order of COLUMNS, as values."""
    cells, values, unread = dict(zip(COLUMNS, texts, strict=True)), {}, {}
    for column, reader in READERS.items():
        try:
            values[column] = reader(cells[column])
        except RuleError as error:
            unread[column] = str(error)
    first, last = (text if has_text(text) else "" for text in (cells["voornaam"], cells["naam"]))
    return Entry(
        kavo_id=values.get("kavo_id", ""),
        first_name=first,
        last_name=last,
        birth_date=values.get("geboortedatum"),
        email=values.get("email", cells["email"]),
        association_name=cells["vereniging"],
        type=KINDS.get(normalise(cells["type"]), ""),
        course_started_on=values.get("start_cursus"),
        texts=texts,
        unread=unread,
    )
