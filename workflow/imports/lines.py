"""A line of a file with participants: its columns, and its texts as values."""

from dataclasses import dataclass
from datetime import date

import readings
from database import RuleError, is_latin, normalise
from models import TYPES
from sheets import is_formula

COLUMNS = ("kavo_id", "voornaam", "naam", "geboortedatum", "email", "vereniging", "type", "start_cursus")
RESULTS = ("resultaat", "uitleg")
"""what our own file of results has besides: it may come back"""
PERSONAL = ("first_name", "last_name", "birth_date", "email")
KINDS = {normalise(word): kind for kind, word in TYPES.items()}


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


READERS = {
    "kavo_id": readings.kavo_id,
    "geboortedatum": lambda text: readings.birth_date(readings.day(text)),
    "email": lambda text: readings.email(text) if text else "",
    "start_cursus": readings.day,
}
"""column → how its cells are read, as at every other door"""


def read(cells: list[str]) -> tuple[dict, dict[str, str]]:
    """The cells of READERS as values, column → value, and of those that cannot be read: column → what to do."""
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
    values, problems = read(cells)
    line = Typed(values.get("kavo_id", ""), first, last, values.get("geboortedatum"), values.get("email", ""), association,
                 KINDS.get(normalise(kind), ""), values.get("start_cursus"))  # fmt: skip
    line.problem = _problem(line, problems)
    return line


def _problem(line: Typed, problems: dict[str, str]) -> str:
    """What is wrong with the cells of a line, the first thing only; empty when nothing is."""
    names = {"De voornaam": line.first_name, "De naam": line.last_name, "De vereniging": line.association}
    formula = next((name for name, text in names.items() if is_formula(text.lstrip("'"))), None)  # ours may come back
    long = next((name for name, text in names.items() if len(text) > 100), None)
    checks = (
        ("kavo_id" in problems, problems.get("kavo_id")),
        (not line.first_name or not line.last_name, "Voornaam of naam ontbreekt."),
        (
            not is_latin(line.first_name + line.last_name),
            "Schrijf de naam in Latijnse letters, zoals op de identiteitskaart.",
        ),
        (formula, f"{formula} begint met een teken van een formule."),
        (long, f"{long} is langer dan 100 tekens."),
        ("geboortedatum" in problems, f"De geboortedatum: {problems.get('geboortedatum')}"),
        ("email" in problems, f"Het e-mailadres: {problems.get('email')}"),
        (not line.type, "Het type is animator, hoofdanimator of instructeur."),
        ("start_cursus" in problems, f"De start van de cursus: {problems.get('start_cursus')}"),
    )
    return next((text for wrong, text in checks if wrong), "")
