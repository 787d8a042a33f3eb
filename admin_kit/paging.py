"""Keyset paging of a list: a page is found from a neighbouring row, so the last page costs as much as the first, and no row is
missed when others appear or disappear in the meantime."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import current_app
from peewee import Expression, Tuple, Value

from database import whole_number

if TYPE_CHECKING:
    from admin_kit.list_query import ListQuery

ANCHORS = 3


@dataclass
class Page:
    """The rows of a page in order, whether rows precede and follow them, and the number of the page."""

    rows: list
    has_previous: bool
    has_next: bool
    number: int


def page_of(query: "ListQuery") -> Page:
    """The requested page: after a place (`na`), before a place (`voor`), the last (`eind`), or by number."""
    requested = query.requested
    if requested.args.get("eind"):
        return _backward(query, None)
    for name, walk in (("na", _forward), ("voor", _backward)):
        key = _find(query, requested.args.get(name, ""))
        page = walk(query, key) if key else None
        if page and page.rows:
            return page
    number, size = min(requested.page, query.counts.pages), requested.size
    start = (number - 1) * size
    rows = query.read(query.ordered_ids().limit(size + 1).offset(start))
    return Page(rows[:size], start > 0, len(rows) > size, number)


def _forward(query: "ListQuery", key: tuple) -> Page:
    """The page after a key."""
    size = query.requested.size
    rows = query.read(query.ordered_ids().where(_beyond(query, key, forward=True)).limit(size + 1))
    return Page(rows[:size], True, len(rows) > size, query.requested.page)


def _backward(query: "ListQuery", key: tuple | None) -> Page:
    """The page before a key; None: the last page of the list."""
    size = query.requested.size
    ids = query.ordered_ids(backward=True).limit(size + 1)
    rows = query.read(ids if key is None else ids.where(_beyond(query, key, forward=False)))
    return Page(rows[-size:], len(rows) > size, key is not None, query.requested.page)


def _beyond(query: "ListQuery", key: tuple, forward: bool) -> Expression:
    """The condition for rows that come after (or before) a key in the order of the list."""
    ascending = forward != query.requested.descending
    values = [Value(part.filled(value), converter=False) for part, value in zip(query.keys, key, strict=True)]
    return Expression(Tuple(*query.order), ">" if ascending else "<", Tuple(*values))


# ---- places in a URL


def place(rows: list, keys: list) -> str:
    """The place of the first of `rows`, for a URL: '12-9f3ac1….11-04bc77…'. The rows after it serve as fallback when it moves.

    It holds ids and keyed hashes only, since keys may be names. A row that has moved is skipped: showing a row twice is better
    than missing one."""
    return ".".join(f"{row.pk}-{_seal(tuple(part.value(row) for part in keys))}" for row in rows[:ANCHORS])


def _find(query: "ListQuery", text: str) -> tuple | None:
    """The key of the first row of a place that has not moved; None when all have moved or the text is not a place."""
    pairs = [part.partition("-") for part in text.split(".")[:ANCHORS]]
    seals = {number: seal for pk, _, seal in pairs if (number := whole_number(pk)) is not None}
    if not seals:
        return None
    model = query.view.model
    pk = model._meta.primary_key
    stored = model.select(*(part.field for part in query.keys)).where(pk.in_(list(seals)))
    rows: Iterable[Any] = query.joined(stored).tuples()
    keys = {row[-1]: row for row in rows}
    unmoved = (
        id for id, seal in seals.items() if id in keys and hmac.compare_digest(_seal(keys[id]).encode(), seal.encode())
    )
    return keys.get(next(unmoved, None))


def _seal(key: tuple) -> str:
    """A keyed hash of the values that order a row: without our secret key nobody can read or forge it."""
    secret = str(current_app.secret_key).encode()[:32]
    return hashlib.blake2s(repr(key).encode(), key=secret, digest_size=6).hexdigest()
