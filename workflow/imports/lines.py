"""A line of a file with participants: its columns, and its texts as values."""

import re
from dataclasses import dataclass
from datetime import date

from database import is_latin, normalise
from models import TYPES, Participant
from sheets import is_formula
from texts import says_something

COLUMNS = ("kavo_id", "voornaam", "naam", "geboortedatum", "email", "vereniging", "type", "start_cursus")
RESULTS = ("resultaat", "uitleg")
"""what our own file of results has besides: it may come back"""
PERSONAL = ("first_name", "last_name", "birth_date", "email")
EARLIEST_YEAR, LATEST_YEAR = 1900, 2100
KINDS = {normalise(word): kind for kind, word in TYPES.items()}
DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})|(\d{4})-(\d{2})-(\d{2})", re.ASCII)


@dataclass
class Typed:
    """A line of a file as values; `problem` says which cell cannot be one."""

    kavo_id: str = ""
    first_name: str = ""
    last_name: str = ""
    birth_date: date | None = None
    email: str = ""
    association: str = ""
    type: str = ""
    course_started_on: date | None = None
    problem: str = ""


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
    line.problem = _problem(line, cells)
    return line


def _problem(line: Typed, cells: list[str]) -> str:
    """What is wrong with the cells of a line, the first thing only; empty when nothing is."""
    names = {"De voornaam": line.first_name, "De naam": line.last_name, "De vereniging": line.association}
    formula = next((name for name, text in names.items() if is_formula(text.lstrip("'"))), None)  # ours may come back
    long = next((name for name, text in names.items() if len(text) > 100), None)
    checks = (
        (not line.kavo_id, "Het KAVO-ID heeft geen 6 en 2 cijfers, zoals 125143-59."),
        (not says_something(line.first_name + line.last_name), "Voornaam of naam ontbreekt."),
        (
            not is_latin(line.first_name + line.last_name),
            "Schrijf de naam in Latijnse letters, zoals op de identiteitskaart.",
        ),
        (formula, f"{formula} begint met een teken van een formule."),
        (long, f"{long} is langer dan 100 tekens."),
        (not line.birth_date, "Typ de geboortedatum als dag/maand/jaar, met 4 cijfers voor het jaar."),
        (line.email and not re.fullmatch(r"[^@\s,;]+@[^@\s,;]+", line.email), "Het e-mailadres klopt niet."),
        (len(line.email) > 254, "Het e-mailadres is te lang."),
        (not line.type, "Het type is animator, hoofdanimator of instructeur."),
        (not line.course_started_on, "Typ de start van de cursus als dag/maand/jaar, met 4 cijfers voor het jaar."),
    )
    return next((text for wrong, text in checks if wrong), "")
