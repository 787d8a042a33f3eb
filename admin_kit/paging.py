"""The rows of one page of a list, found from a row next to it: the last page costs what the first one does, and no row is missed
when others are added or leave meanwhile."""

import hashlib
import hmac
from dataclasses import dataclass

from flask import current_app
from peewee import Expression, Tuple, Value

from database import whole_number

ANCHORS = 3


@dataclass
class Page:
    """Some rows of a list in its order, and whether there are rows before and after them."""

    rows: list
    has_previous: bool
    has_next: bool


def page_of(listing) -> Page:
    """The page that the URL asks for: after a place (`na`), before one (`voor`), the last (`eind`), or by its number."""
    args, size = listing.args, listing.size
    if args.get("eind"):
        return _backward(listing, None)
    for name, walk in (("na", _forward), ("voor", _backward)):
        key = _find(listing, args.get(name, ""))
        page = walk(listing, key) if key else None
        if page and page.rows:
            return page
    listing.page = min(listing.page, listing.pages)
    start = (listing.page - 1) * size
    rows = listing.read(listing.ordered_ids().limit(size + 1).offset(start))
    return Page(rows[:size], start > 0, len(rows) > size)


def _forward(listing, key) -> Page:
    rows = listing.read(listing.ordered_ids().where(_beyond(listing, key, forward=True)).limit(listing.size + 1))
    return Page(rows[: listing.size], True, len(rows) > listing.size)


def _backward(listing, key) -> Page:
    """The page before a key; None: the last page of the list."""
    query = listing.ordered_ids(backward=True).limit(listing.size + 1)
    rows = listing.read(query if key is None else query.where(_beyond(listing, key, forward=False)))
    return Page(rows[-listing.size :], len(rows) > listing.size, key is not None)


def _beyond(listing, key, forward: bool):
    """The condition for rows that come after (or before) a key in the order of the list."""
    ascending = forward != listing.sort[1]
    values = [Value(part.filled(value), converter=False) for part, value in zip(listing.keys, key, strict=True)]
    return Expression(Tuple(*listing.order), ">" if ascending else "<", Tuple(*values))


# ---- places in a URL


def place(rows, keys) -> str:
    """Where the first of `rows` stands, for a URL, with some more rows in case that one moves: '12-9f3ac1….11-04bc77…'. Only ids
    and seals, for the keys may be names. A row that moved since is passed over: rather a row twice than one that is missed."""
    return ".".join(f"{row.pk}-{_seal(tuple(part.value(row) for part in keys))}" for row in rows[:ANCHORS])


def _find(listing, text: str) -> tuple | None:
    """The key of the nearest row of a place that still stands where it stood; None when all moved, or for another text."""
    pairs = [part.partition("-") for part in text.split(".")[:ANCHORS]]
    seals = {number: seal for pk, _, seal in pairs if (number := whole_number(pk)) is not None}
    if not seals:
        return None
    pk = listing.view.model._meta.primary_key
    rows = listing.joined(listing.view.model.select(*(part.field for part in listing.keys)).where(pk.in_(list(seals))))
    found = {row[-1]: row for row in rows.tuples()}
    standing = (
        pk
        for pk, seal in seals.items()
        if pk in found and hmac.compare_digest(_seal(found[pk]).encode(), seal.encode())
    )
    return found.get(next(standing, None))


def _seal(key: tuple) -> str:
    """A short mark of the values by which a row is ordered; without our secret nobody reads or makes one."""
    secret = str(current_app.secret_key).encode()[:32]
    return hashlib.blake2s(repr(key).encode(), key=secret, digest_size=6).hexdigest()
