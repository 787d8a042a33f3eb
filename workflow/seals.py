"""Seals on the history: the digests of a range of lines, chained to those before. Who keeps the last seal elsewhere can prove
later that no line was changed, put in or taken out since; erasing the text of a line leaves its digest, and so the chain, whole.

A range is chosen first and sealed an hour later: by then whoever was writing a line is done. So writers never wait."""

import hashlib
from datetime import datetime, timedelta

from peewee import fn

from database import writing
from models import History, Seal

WAITS = timedelta(hours=1)
MOST_LINES = 50_000  # in one range
START = "0" * 64
SEALED = (
    History.id, History.at, History.actor, History.verb, History.object_type, History.object_id, History.site_id,
    History.trajectory_id, History.digest,
)  # fmt: skip


def last() -> Seal | None:
    """The newest seal that is closed."""
    return Seal.select().where(Seal.digest.is_null(False)).order_by(Seal.until_id.desc()).first()


def waiting(now: datetime) -> Seal | None:
    """The range that may be sealed now."""
    return Seal.get_or_none(Seal.digest.is_null(), Seal.began_at <= now - WAITS)


def seal(now: datetime) -> int:
    """Seal the range that waited long enough, and choose the next; returns the lines that were sealed. Safe in parallel: a range
    is chosen once, and sealed the same by whoever does it."""
    sealed = 0
    if one := waiting(now):
        before = last()
        digest, sealed = _digest(before.until_id if before else 0, one.until_id, before.digest if before else START)
        Seal.update(digest=digest, lines=sealed, sealed_at=now).where(
            Seal.id == one.id, Seal.digest.is_null()
        ).execute()
    with writing():
        if not Seal.select().where(Seal.digest.is_null()).exists():
            done = Seal.select(fn.MAX(Seal.until_id)).scalar() or 0
            newest = History.select(fn.MAX(History.id)).scalar() or 0
            if newest > done:
                Seal.insert(until_id=min(newest, done + MOST_LINES), began_at=now).on_conflict_ignore().execute()
    return sealed


def _digest(after: int, until: int, before: str) -> tuple[str, int]:
    """(digest, lines) of the history after one id, up to and including another, chained to the digest `before`."""
    chain, count = hashlib.sha256(before.encode()), 0
    lines = History.select(*SEALED).where(History.id > after, History.id <= until).order_by(History.id)
    for line in lines.tuples().iterator():
        moment = line[1].isoformat(timespec="microseconds")
        chain.update(
            "\x1f".join([str(line[0]), moment, *("" if one is None else str(one) for one in line[2:])]).encode()
        )
        chain.update(b"\x1e")
        count += 1
    return chain.hexdigest(), count


def breaches():
    """One sentence in English for each seal that does not fit the history any more; empty when all do."""
    after, before = 0, START
    for one in Seal.select().where(Seal.digest.is_null(False)).order_by(Seal.until_id):
        digest, lines = _digest(after, one.until_id, before)
        if (digest, lines) != (one.digest, one.lines):
            yield f"history {after + 1} to {one.until_id}: {lines} lines that do not fit seal {one.id} (of {one.lines} lines)"
        after, before = one.until_id, one.digest
