"""Postcodes: reading them as people write them, the places that belong to them, and the NIS code of the municipality. The list
covers Flanders and Brussels (data/README.md); a postcode or place outside the list is never refused or questioned."""

import re
from functools import cache
from typing import NamedTuple

import config
import dutch
from database import normalise
from database.texts import RuleError, identifier, tidy

MOST_NAMED = 5  # places in a question
WRITTEN = re.compile(r"(?:BE?)?[ -]{0,3}([1-9][0-9]{3})(?:[ ,;-]{1,4}(['’]?[^\W\d_].*))?", re.IGNORECASE)
"""9000, B-9000, BE 9000, 9000 Gent"""
COUNTRY = re.compile(r"\bBE?[ -]?(?=[1-9][0-9]{3}\b)", re.IGNORECASE)
APART = re.compile(r"[(),/;]| - ")
"""separators between two names of the same place: Mariakerke (Gent)"""


class Place(NamedTuple):
    """A name that belongs to a postcode. `kind`: hoofdplaats, plaats, gemeente (since the last merger), or ook: correct, but not
    suggested. `nis`: the code of the municipality, 5 digits; '' when it depends on the street."""

    name: str
    nis: str
    kind: str


@cache
def _list() -> dict[str, list[Place]]:
    """Postcode → its places, the main place first."""
    result: dict[str, list[Place]] = {}
    for line in (config.PROJECT / "data" / "postcodes.csv").read_text(encoding="utf-8").splitlines()[1:]:
        postcode, *place = line.split(";")
        result.setdefault(postcode, []).append(Place(*place))
    return result


@cache
def _known() -> dict[str, dict[str, Place]]:
    """Postcode → the letters of a name → the place."""
    return {postcode: {_letters(place.name): place for place in places} for postcode, places in _list().items()}


def _letters(name: str) -> str:
    """The letters by which names of places are compared: 'St.-Niklaas' equals 'Sint-Niklaas'."""
    words = re.findall(r"\w+", normalise(tidy(name)))
    return "".join("sint" if word == "st" else word for word in words)


def _find(postcode: str, name: str) -> Place | None:
    known = _known().get(postcode, {})
    parts = (_letters(part) for part in (name, *APART.split(name)))
    return next((known[part] for part in parts if part in known), None)


def read(text: str | None) -> tuple[str, str]:
    """(postcode, place) as typed in a postcode field: 'B-9000' → ('9000', ''), '9000 Gent' → ('9000', 'Gent'). Any other text is
    returned tidied, without a place."""
    plain = identifier(text or "")
    match = WRITTEN.fullmatch(plain)
    if match is None:
        return plain, ""
    postcode, name = match[1], match[2] or ""
    place = _find(postcode, name) if name else None
    if len(name) in (1, 2) and not place:  # 1011 AB is Dutch; 3665 As is Belgian
        return plain, ""
    return postcode, place.name if place and _letters(name) == _letters(place.name) else name


def without_country(text: str) -> str:
    """A search text without the country before postcodes: 'B-9000;Gent' → '9000 Gent'."""
    return COUNTRY.sub("", " ".join(read(text)).strip())


def check(postcode: str) -> None:
    """Raise RuleError unless this looks like a Belgian postcode; it is not checked that it exists."""
    if not (len(postcode) == 4 and postcode.isascii() and postcode.isdigit() and postcode[0] != "0"):
        raise RuleError("Een Belgische postcode heeft 4 cijfers.", "postcode")


def all_places() -> list[tuple[str, str]]:
    """Every postcode with each of its suggested names."""
    return [(postcode, name) for postcode in _list() for name in places(postcode)]


def places(postcode: str | None) -> list[str]:
    """The suggested names for a postcode, the main place first; empty when the postcode is unknown."""
    return [place.name for place in _list().get(read(postcode)[0], []) if place.kind != "ook"]


def main_place(postcode: str | None) -> str:
    """The name to fill in for a postcode; '' when it is unknown."""
    return next(iter(places(postcode)), "")


def nis(postcode: str | None, name: str | None) -> str | None:
    """The NIS code of the municipality of an address; None when unknown."""
    place = _find(postcode or "", name or "")
    return place.nis or None if place else None


def fits(postcode: str | None, name: str | None) -> bool:
    """Whether this place may belong to this postcode."""
    return postcode not in _list() or not name or _find(postcode, name) is not None


def question(postcode: str | None, name: str | None) -> str:
    """The question about a place that does not belong to its postcode; '' when there is nothing to ask."""
    if fits(postcode, name):
        return ""
    names = places(postcode)
    more = len(names) - MOST_NAMED
    listed = dutch.listing([*names[:MOST_NAMED], f"nog {more} andere"] if more > 1 else names)
    return (
        f"Klopt dit? Bij postcode {postcode} {'hoort' if len(names) == 1 else 'horen'} {listed}. Je typte {name}. "
        "Is dat juist? Klik dan nog eens op de knop onderaan. Anders pas je het aan."
    )
