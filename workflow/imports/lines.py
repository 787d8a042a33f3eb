"""A line of a file with participants: its columns, and its texts as values."""

import re
from dataclasses import dataclass, field
from datetime import date

from database import normalise
from models import TYPES, Participant
from sheets import is_formula
from texts import says_something

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
"""what our own file of results has besides: it may come back"""
PERSONAL = ("first_name", "last_name", "birth_date", "email")
EARLIEST_YEAR, LATEST_YEAR = 1900, 2100
KINDS = {normalise(word): kind for kind, word in TYPES.items()}
DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})|(\d{4})-(\d{2})-(\d{2})", re.ASCII)


@dataclass
class Typed:
    """A line of a file as values; `problems` says of each cell that cannot be one what is wrong: column → sentence."""

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


def day(text: str) -> date | None:
    """'12/03/2009', '12-3-2009', '12.3.2009' or '2009-03-12' as a day; None when it is none."""
    found = DAY.fullmatch(text)
    if not found:
        return None
    year, month, number = (found[4], found[5], found[6]) if found[4] else (found[3], found[2], found[1])
    try:
        made = date(int(year), int(month), int(number))
    except ValueError:
        return None
    return made if EARLIEST_YEAR <= made.year <= LATEST_YEAR else None


def typed(cells: list[str]) -> Typed:
    """The texts of a line, in the order of COLUMNS, as values."""
    kavo_id, first, last, born, email, association, kind, started = cells
    line = Typed(Participant.clean_kavo_id(kavo_id) or "", first, last, day(born), email.lower(), association,
                 KINDS.get(normalise(kind), ""), day(started))  # fmt: skip
    line.problems = _problems(line)
    return line


def _problems(line: Typed) -> dict[str, str]:
    """Column → why its cell is no value at all. Whether a value may be, its row judges when it is saved."""
    checks = (
        ("kavo_id", not line.kavo_id, "Typ 6 en 2 cijfers, zoals 125143-59."),
        ("naam", not says_something(line.first_name + line.last_name), "Dit ontbreekt."),
        *((COLUMN_OF[name], is_formula(getattr(line, name).lstrip("'")), "Dit begint met een teken van een formule.")
          for name in ("first_name", "last_name", "association")),  # ours may come back
        ("geboortedatum", not line.birth_date, "Typ dag/maand/jaar, met 4 cijfers voor het jaar."),
        ("type", not line.type, "Kies animator, hoofdanimator of instructeur."),
        ("start_cursus", not line.course_started_on, "Typ dag/maand/jaar, met 4 cijfers voor het jaar."),
    )  # fmt: skip
    return {column: text for column, wrong, text in checks if wrong}
