"""A hash chain over the history: checkpoints hold a keyed digest of a range of lines, chained to the one before. With
database access but no key, nobody can change, add or remove a sealed line unnoticed. The last checkpoint leaves the
machine (in the name of a backup and in the team's weekly mail), which also reveals removed checkpoints, or changes
with the key.

A range is chosen first and sealed an hour later, when all lines in it have been written. So writers never wait.

Erasing the text of a line keeps its digest, and so the chain, intact. Each emptied line names the line that emptied
it, which holds a keyed mark of all the lines that it emptied (`audit.erase`)."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from peewee import fn

from database import as_tuples, checkpoint_keys, database, writing
from models import Checkpoint, History

WAITS = timedelta(hours=1)
MOST_LINES = 50_000  # in one range
START = "0" * 64
SHOWN = 16  # letters of a digest in a note: enough that no other digest is found that starts the same
NOTED = re.compile(rf"(\d{{1,9}})-([0-9a-f]{{{SHOWN}}})", re.ASCII)
UNNAMED = "lines that were empty before erasures were named"
SEALED = (
    History.id,
    History.at,
    History.actor,
    History.verb,
    History.object_type,
    History.object_id,
    History.site_id,
    History.trajectory_id,
    History.digest,
    History.erases,
)


def last() -> Checkpoint | None:
    """The newest closed checkpoint."""
    return Checkpoint.select().where(Checkpoint.digest.is_null(False)).order_by(Checkpoint.until_id.desc()).first()


def name(seal: Checkpoint) -> str:
    """A checkpoint as noted elsewhere: '12-0123456789abcdef'."""
    return f"{seal.id}-{(seal.digest or '')[:SHOWN]}"


def last_name() -> str:
    """The newest closed checkpoint as noted; '' when there is none. Also works on the tables of an earlier release."""
    if not database.table_exists(Checkpoint._meta.table_name):
        return ""
    closed = Checkpoint.select(Checkpoint.id, Checkpoint.digest).where(Checkpoint.digest.is_null(False))
    newest = closed.order_by(Checkpoint.until_id.desc()).first()
    return name(newest) if newest else ""


def waiting(now: datetime) -> Checkpoint | None:
    """The range that may be sealed now."""
    return Checkpoint.get_or_none(Checkpoint.digest.is_null(), Checkpoint.began_at <= now - WAITS)


def seal(now: datetime) -> int:
    """Seal the range that waited long enough, and choose the next; returns how many lines were sealed. Safe in
    parallel: a range is chosen once, and every process computes the same seal."""
    sealed = 0
    if one := waiting(now):
        sealed = _close(one, now)
    with writing():
        if not Checkpoint.select().where(Checkpoint.digest.is_null()).exists():
            done = Checkpoint.select(fn.MAX(Checkpoint.until_id)).scalar() or 0
            newest = History.select(fn.MAX(History.id)).scalar() or 0
            if newest > done:
                Checkpoint.insert(until_id=min(newest, done + MOST_LINES), began_at=now).on_conflict_ignore().execute()
    return sealed


def _close(one: Checkpoint, now: datetime) -> int:
    before, key_id = last(), checkpoint_keys.present()
    first = not Checkpoint.select().where(Checkpoint.key_id.is_null(False)).exists()
    unnamed = checkpoint_keys.mark(UNNAMED, _unnamed()) if first else None
    after, start = (before.until_id, before.digest or START) if before else (0, START)
    digest, lines = _digest(after, one.until_id, start, key_id, unnamed)
    Checkpoint.update(digest=digest, lines=lines, sealed_at=now, key_id=key_id, unnamed=unnamed).where(
        Checkpoint.id == one.id, Checkpoint.digest.is_null()
    ).execute()
    return lines


def _digest(after: int, until: int, before: str, key_id: str | None, unnamed: str | None) -> tuple[str, int]:
    """(digest, lines) of the history from `after` (exclusive) to `until` (inclusive), chained to the digest `before`.
    Raises checkpoint_keys.UnknownKey."""
    if key_id is None:  # as in the first releases
        chain: Any = hashlib.sha256()
        columns: tuple[Any, ...] = SEALED[:-1]
    else:
        chain, columns = checkpoint_keys.keyed(key_id), SEALED
    chain.update(before.encode())
    if unnamed is not None:
        chain.update(f"{unnamed}\x1e".encode())
    count = 0
    lines = History.select(*columns).where(History.id > after, History.id <= until).order_by(History.id)
    for line in lines.tuples().iterator():
        moment = line[1].isoformat(timespec="microseconds")
        chain.update(
            "\x1f".join([str(line[0]), moment, *("" if one is None else str(one) for one in line[2:])]).encode()
        )
        chain.update(b"\x1e")
        count += 1
    return chain.hexdigest(), count


def _closed():
    return Checkpoint.select().where(Checkpoint.digest.is_null(False)).order_by(Checkpoint.until_id)


def breaches() -> Iterator[str]:
    """One English sentence for each checkpoint that no longer matches the history; none when all match. A checkpoint
    with a key that is not in the settings is skipped: see `unknown_keys`."""
    after, before, keyed = 0, START, False
    for one in _closed():
        if one.key_id is None and keyed:
            yield f"seal {one.id}: without a key, after seals that have one"
        elif one.key_id is None or checkpoint_keys.knows(one.key_id):
            digest, lines = _digest(after, one.until_id, before, one.key_id, one.unnamed)
            if (digest, lines) != (one.digest, one.lines):
                yield f"history {after + 1} to {one.until_id}: {lines} lines that do not fit seal {one.id} (of {one.lines} lines)"
        after, before, keyed = one.until_id, one.digest, keyed or one.key_id is not None


def unproved_erasures() -> Iterator[str]:
    """One sentence for each line that is empty without an erasure, and for each erasure that does not match the lines
    that are empty."""
    erasures = History.select(History.id, History.digest, History.erases).where(History.erases.is_null(False))
    marks = {key: (digest, erases) for key, digest, erases in as_tuples(erasures)}
    emptied = History.select(History.erased_by, History.id).where(
        History.payload.is_null(), History.erased_by.is_null(False)
    )
    for by, lines in groupby(
        emptied.order_by(History.erased_by, History.id).tuples().iterator(), key=lambda one: one[0]
    ):
        ids = [key for _, key in lines]
        if not _agrees(marks.pop(by, None), ids):
            yield f"history {by}: did not erase what names it: {len(ids)} lines, the first is {ids[0]}"
    for by, mark in marks.items():
        if not _agrees(mark, []):
            yield f"history {by}: the lines that it erased do not name it"
    yield from _unnamed_since()


def _agrees(mark, ids) -> bool:
    """Whether a line (digest, erases) erased exactly these; True as well when the key is not known."""
    if mark is None:
        return False
    try:
        return checkpoint_keys.fits(mark[1], mark[0], ids)
    except checkpoint_keys.UnknownKey:
        return True


def _unnamed() -> list[int]:
    """Lines that are empty and do not name an erasure, as the first releases left them."""
    query = History.select(History.id).where(History.payload.is_null(), History.erased_by.is_null())
    return [key for (key,) in as_tuples(query.order_by(History.id))]


def _unnamed_since():
    """What was empty before erasures were named is fixed in the first checkpoint with a key."""
    first = _closed().where(Checkpoint.key_id.is_null(False)).first()
    if first and checkpoint_keys.knows(first.key_id):
        ids = _unnamed()
        if not first.unnamed or not checkpoint_keys.fits(first.unnamed, UNNAMED, ids):
            before = (first.unnamed or "").split(":")[1:2]
            yield f"history: {len(ids)} lines are empty without an erasure, {''.join(before)} when seal {first.id} was made"


def unknown_keys() -> Iterator[str]:
    """One sentence for each key that is not in the settings: what was made with it cannot be verified."""
    used = Counter(
        key for (key,) in as_tuples(_closed().select(Checkpoint.key_id).where(Checkpoint.key_id.is_null(False)))
    )
    erasures = History.select(History.erases).where(History.erases.is_null(False))
    used.update(erases.partition(":")[0] for (erases,) in erasures.tuples().iterator())
    for key_id, times in sorted(used.items()):
        if not checkpoint_keys.knows(key_id):
            yield f"key {key_id}: not in KAVO_LOOKUP_KEY or KAVO_OLD_LOOKUP_KEYS; {times} seals and erasures cannot be judged"


def differs(noted: str) -> str:
    """What is wrong with a checkpoint noted elsewhere as '12-0123456789abcdef', as a sentence; '' when it still
    matches. Raises ValueError when it is no such note."""
    found = NOTED.fullmatch(noted.strip().lower())
    if not found:
        raise ValueError(f"A seal is noted as a number, a hyphen and {SHOWN} letters or digits: 12-0123456789abcdef.")
    kept = Checkpoint.get_or_none(Checkpoint.id == int(found[1]), Checkpoint.digest.is_null(False))
    if kept is None:
        return f"seal {found[1]}: was noted elsewhere and is not there"
    return "" if name(kept) == found[0] else f"seal {kept.id}: is {name(kept)}, was noted elsewhere as {found[0]}"
