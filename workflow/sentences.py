"""Recognises which sentence of our code a text is, without the values filled in: so refusals are counted without what
was typed."""

import ast
import re
from collections import defaultdict
from functools import cache

from babel.messages.pofile import read_po

import config

HOLE = "…"
LEAST_LETTERS = 8  # of a sentence besides the filled-in values
START = 3  # leading characters that index the sentences
MOST = 200  # characters of a sentence that are stored
WHERE = (
    "*.py",
    "admin_kit/*.py",
    "admin_views/*.py",
    "database/*.py",
    "forms/*.py",
    "identity/*.py",
    "mails/*.py",
    "public_pages/*.py",
    "tables/*.py",
    "workflow/**/*.py",
)
PLACES = re.compile(r"\{[^{}]*\}|%\(\w+\)[sd]")
"""placeholders: {row.email} in a text for `format`, %(max)s in one of WTForms"""
OTHER = "andere"


def of(text: str) -> str:
    """The sentence of the code that this text came from, with '…' for filled-in values; OTHER when it is none of
    ours. Never holds a letter that is not in the code."""
    whole, pieces_by_start = _all()
    if text in whole:
        return text[:MOST]
    near = [*pieces_by_start.get("", ()), *pieces_by_start.get(text[:START], ())]
    found = max((one for one in near if _fits(one, text)), key=lambda one: sum(map(len, one)), default=None)
    return HOLE.join(found)[:MOST] if found else OTHER


def _fits(pieces: tuple[str, ...], text: str) -> bool:
    """Whether a text is these pieces in this order, with anything between them."""
    first, *between, last = pieces
    if not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in between:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return at <= end


@cache
def _all() -> tuple[frozenset[str], dict[str, list[tuple[str, ...]]]]:
    """Every sentence of the code and of the translations: those without placeholders; and the others as the pieces
    between them, indexed by their start, '' for those whose start is too short."""
    found = set()
    for pattern in WHERE:
        for path in config.PROJECT.glob(pattern):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    found.add("".join(_piece(one) for one in node.values))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(PLACES.sub("\0", node.value))
    for path in (config.PROJECT / "translations").rglob("*.po"):
        with path.open("rb") as file:
            found.update(PLACES.sub("\0", one.string) for one in read_po(file) if isinstance(one.string, str))
    found = {text for text in found if _is_sentence(text)}
    by_start = defaultdict(list)
    for pieces in (text.split("\0") for text in found if "\0" in text):
        by_start[pieces[0][:START] if len(pieces[0]) >= START else ""].append(tuple(pieces))
    return frozenset(text for text in found if "\0" not in text), dict(by_start)


def _piece(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "\0"


def _is_sentence(text) -> bool:
    letters = text.replace("\0", "").strip()
    return " " in letters and len(letters) >= LEAST_LETTERS
