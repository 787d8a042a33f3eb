"""Participants and trajectories from a file: received, every line checked, confirmed, and written. The work goes in
steps of some hundreds of lines, each a transaction, so that work can resume after a failure."""

import json
from datetime import date, datetime
from itertools import islice, takewhile
from typing import BinaryIO

from blinker import Signal

import audit
import dutch
import scope
from database import (
    RuleError,
    bulk_insert,
    database,
    in_chunks,
    let_others_write,
    on_postgresql,
    readings,
    rehearsing,
    writing,
)
from models import Association, ImportBatch, ImportRow, Participant, User
from workflow import limits, refusals
from workflow.imports.lines import COLUMN_OF, COLUMNS, RESULTS, Entry, parse
from workflow.imports.sheets import Sheet, Unreadable
from workflow.imports.verdicts import Known, Outcome, Refused, whole_reach
from workflow.stages import placements

MOST_ROWS = 200_000
STEP = 500  # lines received per transaction
WRITTEN = 50  # lines checked or written per transaction: SQLite blocks other writers meanwhile
WHOLE = 2000  # lines that SQLite writes all or none, in a few seconds
AT_ONCE = 500  # lines treated within the request; the worker does larger files
GUESSES_PER_HOUR = 20  # wrong data for somebody else's KAVO-ID; domain rule 8: so that nobody can guess numbers
GUESS = "import"

FIELD_OF = {column: name for name, column in COLUMN_OF.items()}

waiting = Signal()
"""Sent when a file waits for the worker; `tasks` listens."""


# ---- receive


def receive(stream: BinaryIO, file_name: str, by: User | None, now: datetime, trial: bool = False) -> ImportBatch:
    """Store the lines of a file, to be checked; nothing else changes. `by` is None on the server's command
    line; a `trial` will be erased and leaves no history. Raises Unreadable (a RuleError) when it is no CSV file with
    our columns; then nothing is stored."""
    if by is not None and not scope.allows(by, "import", Participant):
        raise scope.NotYours("import Participant")
    sheet = Sheet(stream, COLUMNS, RESULTS)
    own = None if by is None or whole_reach(by) else scope.association_ids(by)
    with writing():
        batch = ImportBatch.create(
            by=by,
            association=own[0] if own and len(own) == 1 else None,
            file_name=file_name[:200],
            digest=sheet.digest,
            created_at=now,
        )
        rows = sheet.rows()
        while chunk := list(islice(rows, STEP)):
            batch.rows += len(chunk)
            if batch.rows > MOST_ROWS:
                raise Unreadable(f"Dit bestand heeft meer dan {dutch.number(MOST_ROWS)} regels. Splits het.")
            bulk_insert(ImportRow, (_received(batch, *line) for line in chunk))
        if not batch.rows:
            raise Unreadable("Onder de eerste regel staat niets. Vul het bestand aan.")
        batch.save()
        if not trial:
            told = dutch.counted(batch.rows, "regel", "regels")
            audit.record(by, "import.received", batch, at=now, name=batch.file_name, rows=told)
    return batch


def _received(batch, number, cells, problem) -> dict:
    entry = parse(cells)
    return {
        "batch_id": batch.id,
        "number": number,
        "cells": json.dumps(cells, ensure_ascii=False),
        "kavo_id": entry.kavo_id,
        "type": entry.type,
        "text": problem,
        "verdict": "bad" if problem else "",
        "done": False,
    }


def seen_before(batch: ImportBatch) -> ImportBatch | None:
    """An earlier import of exactly the same file, if there was one."""
    same = ImportBatch.select().where(ImportBatch.digest == batch.digest, ImportBatch.id != batch.id)
    return same.where(ImportBatch.state == "done").order_by(ImportBatch.id.desc()).first()


# ---- step by step


def work_at_once(batch: ImportBatch, now: datetime):
    """Treat a small file at once; the worker does the rest of a large one."""
    fresh, most = ImportBatch.get_by_id(batch.id), AT_ONCE // WRITTEN
    large = fresh.all_or_none and fresh.rows > AT_ONCE
    if large or sum(1 for _ in islice(steps_of(batch, now), most + 1)) > most:
        waiting.send(batch)


def work(now: datetime) -> int:
    """Work on all waiting files until none is left; returns the steps taken. Safe twice and in parallel."""
    steps = 0
    waiting_ones = ImportBatch.select().where(ImportBatch.state << ImportBatch.AT_WORK).order_by(ImportBatch.id)
    for batch in list(waiting_ones):  # a query that is still open would keep SQLite from writing
        steps += len(list(steps_of(batch, now)))
    return steps


def steps_of(batch: ImportBatch, now: datetime):
    """Take all steps of the present phase of a file; yields the last line after each. On SQLite others get their turn
    between."""
    while advance(batch.id, now):
        yield ImportBatch.get_by_id(batch.id).position
        let_others_write()


def anything_waits() -> bool:
    return ImportBatch.select().where(ImportBatch.state << ImportBatch.AT_WORK).exists()


def advance(batch_id: int, now: datetime) -> bool:
    """Treat the next lines of a file in one transaction; False when its phase is over, or when it must wait."""
    with writing():
        batch = ImportBatch.locked(batch_id)
        if not batch.at_work or held(batch, now):
            return False
        if batch.all_or_none:
            _write_whole(batch, now)
            return False
        query = batch.lines.where(ImportRow.number > batch.position).order_by(ImportRow.number).limit(WRITTEN)
        if batch.state == "importing":
            query = query.where(ImportRow.verdict << ImportRow.GOOD)
        lines = list(query)
        if not lines:
            _end_phase(batch, now)
            return False
        treat = _check if batch.state == "checking" else _write
        batch.position = treat(batch, lines, now)
        batch.save()
        return True


def held(batch: ImportBatch, now: datetime) -> bool:
    """Whether a file is on hold: its sender guessed too often who is known to the tool."""
    return (
        batch.state == "checking"
        and not whole_reach(batch.by)
        and limits.used_up(GUESS, str(batch.by_id), GUESSES_PER_HOUR, now, limits.HOUR)
    )


def _end_phase(batch: ImportBatch, now: datetime):
    if batch.state == "checking":
        batch.move("checked", position=0)
        return
    batch.move("done", finished_at=now)
    audit.record(batch.by, "import.done", batch, at=now, name=batch.file_name, counts=told(counts(batch, done=True)))


def counts(batch: ImportBatch, done: bool | None = None) -> dict[str, int]:
    """How many lines have each verdict, in a fixed order; `done`: only those that were (not) written."""
    lines = batch.lines.select(ImportRow.verdict, ImportRow.id)
    if done is not None:
        lines = lines.where(ImportRow.done == done)
    found = dict.fromkeys(ImportRow.VERDICTS, 0)
    for verdict in found:
        found[verdict] = lines.where(ImportRow.verdict == verdict).count()
    return {verdict: number for verdict, number in found.items() if number}


def told(numbers: dict[str, int]) -> str:
    """Counts in words: '198 nieuwe deelnemers met traject, 2 staan er al'."""
    words = [f"{dutch.number(number)} × {ImportRow.VERDICTS[verdict].lower()}" for verdict, number in numbers.items()]
    return ", ".join(words) or "niets"


def _check(batch, lines, now) -> int:
    """Write lines, and earlier ones with the same people, in a transaction that is rolled back; store the verdict of
    each. Returns the number of the last judged line."""
    known = Known.of_lines(batch, lines, now)
    with rehearsing():
        found = _treat(known, [*known.before(lines[0].number), *(line for line in lines if not line.verdict)])
    found |= {one.number: Outcome("bad", one.text, problems=[("", one.text)]) for one in lines if one.verdict}
    judged = list(takewhile(lambda line: _may_tell(found[line.number], batch, now), lines))
    _keep(batch, judged, found, now, written=False)
    return judged[-1].number if judged else batch.position


def _may_tell(outcome: Outcome, batch: ImportBatch, now: datetime) -> bool:
    """Count a wrong guess at somebody else's KAVO-ID; False when there were too many to reveal another."""
    return not outcome.guessed or claim_guess(batch.by, now) is not None


def claim_guess(by: User | None, now: datetime) -> limits.Try | None:
    """Count a wrong guess at somebody else's KAVO-ID, by file or by hand; None when there were too many within the
    hour."""
    if by is None or whole_reach(by):
        return limits.Try(None)
    return limits.claim(GUESS, str(by.id), GUESSES_PER_HOUR, now, limits.HOUR)


def _treat(known: Known, lines: list[ImportRow]) -> dict[int, Outcome]:
    """Number of each line → its outcome. In the order of KAVO-IDs, so that two files at once never deadlock."""
    found = {}
    for line in sorted(lines, key=lambda line: (line.kavo_id, line.number)):
        try:
            found[line.number] = known.treat(line)
        except Refused as refused:
            found[line.number] = refused.outcome
    return found


def _keep(batch, lines, found, now, written=True):
    """Store the outcome of lines, actual or expected."""
    problems: list[tuple[str, str]] = []
    for line in lines:
        outcome = found[line.number]
        done = {"done": True, **outcome.made} if written and outcome.verdict in ImportRow.GOOD else {}
        _note(line, verdict=outcome.verdict, text=outcome.text[:500], **done)
        problems += ((FIELD_OF.get(column, ""), text) for column, text in outcome.problems)
        if outcome.found:
            placements.log_lookup(line.kavo_id, True, "importeren", batch.by, now)
    refusals.count_lines(problems, now)


def _note(line: ImportRow, **values):
    """Write columns of a line; in SQL, since there are many lines."""
    names = ", ".join(f'"{name}" = {database.param}' for name in values)
    database.execute_sql(
        f'UPDATE "import_row" SET {names} WHERE "id" = {database.param}',  # noqa: S608 - our names
        (*values.values(), line.id),
    )


# ---- confirm, write


def confirm(batch: ImportBatch, by: User | None, now: datetime, all_or_none: bool = False):
    """Start writing the valid lines. `all_or_none`: in one transaction, and nothing when one of them cannot be.
    Raises RuleError when the file is not checked yet or was treated already."""
    if by is not None:
        scope.require(by, "confirm", batch)
    with writing():
        fresh = ImportBatch.locked(batch.id)
        found = counts(fresh) if fresh.state == "checked" else {}
        if all_or_none and found.get("bad"):
            raise RuleError(
                f"{dutch.counted(found['bad'], 'regel kan', 'regels kunnen')} niet. Er is niets geïmporteerd."
            )
        if fresh.state == "checked" and not any(verdict in ImportRow.GOOD for verdict in found):
            raise RuleError("Er is niets te importeren: geen enkele regel is goed en nieuw.")
        good = sum(found.get(verdict, 0) for verdict in ImportRow.GOOD)
        if all_or_none and good > WHOLE and not on_postgresql():
            raise RuleError(
                f"Alles of niets kan tot {dutch.number(WHOLE)} regels. Splits het bestand, of importeer alle goede regels."
            )
        fresh.move("importing", position=ImportBatch.ALL_OR_NONE if all_or_none else 0)
        audit.record(by, "import.confirmed", fresh, at=now, name=fresh.file_name)


def drop(batch: ImportBatch, by: User, now: datetime):
    """Drop a file: its lines are deleted at once."""
    scope.require(by, "drop", batch)
    forget(batch, now, by)


def forget(batch: ImportBatch, now: datetime, by: User | None = None):
    """The same, by the tool itself."""
    with writing():
        fresh = ImportBatch.locked(batch.id)
        fresh.move("dropped")
        ImportRow.delete().where(ImportRow.batch == fresh).execute()
        audit.record(by, "import.dropped", fresh, at=now, name=fresh.file_name)


def erase(batch: ImportBatch):
    """Delete everything of a trial."""
    with writing():
        ImportRow.delete().where(ImportRow.batch == batch).execute()
        batch.delete_instance()


def _write(batch, lines, now) -> int:
    """Write valid lines; each is judged again, and one that is refused by now says why. Returns
    the number of the last one."""
    found = _treat(Known.of_lines(batch, lines, now), lines)
    _keep(batch, lines, found, now)
    return lines[-1].number


class _NotAll(Exception):
    """One of the lines cannot be written."""


def _write_whole(batch, now):
    """Write all valid lines or none; after a refusal the file is back in the checked state, with the errors."""
    good = batch.lines.where(ImportRow.verdict << ImportRow.GOOD)
    ids = [key for (key,) in good.select(ImportRow.id).order_by(ImportRow.kavo_id, ImportRow.number).tuples()]
    bad: dict[ImportRow, Outcome] = {}
    try:
        with writing():
            for chunk in in_chunks(ids, STEP):
                lines = list(ImportRow.select().where(ImportRow.id.in_(chunk)))
                found = _treat(Known.of_lines(batch, lines, now), lines)
                _keep(batch, lines, found, now)
                bad |= {line: found[line.number] for line in lines if found[line.number].verdict == "bad"}
            if bad:
                raise _NotAll
    except _NotAll:
        _keep(batch, list(bad), {line.number: outcome for line, outcome in bad.items()}, now)
        batch.move("checked", position=0, finished_at=now)
    else:
        _end_phase(batch, now)


# ---- one person, typed


def add_one(
    by: User, now: datetime, association: Association, kind: str, course_started_on: date, **person
) -> Participant:
    """Add a participant with a trajectory by hand, by the rules of an imported line: one who is known with the same
    name and birth date only gets the trajectory. `person`: kavo_id and PERSONAL. Raises RuleError."""
    if not scope.allows(by, "import", Participant):
        raise scope.NotYours("import Participant")
    person["email"] = person["email"] or ""
    entry = Entry(**person, type=kind, course_started_on=course_started_on)
    with writing():
        try:
            outcome = Known(by, association, [entry.kavo_id], now).write(entry)
        except Refused as refused:
            raise _for_form(refused) from refused
        if outcome.verdict not in ImportRow.GOOD:
            raise RuleError("Deze deelnemer staat er al met dit traject.")
        if outcome.found:
            placements.log_lookup(entry.kavo_id, True, "importeren", by, now)
    return outcome.participant


def refused_one(kavo_id: str, by: User, now: datetime):
    """Record, after `add_one` was refused, that `by` learned something about a participant they may not see."""
    try:
        found = Participant.get_or_none(Participant.kavo_id == readings.kavo_id(kavo_id or ""))
    except RuleError:
        return
    if found and not scope.may(by, "view", found):
        placements.log_lookup(found.kavo_id, True, "importeren", by, now)


def _for_form(refused: Refused) -> RuleError:
    """The refusal, at its field when there is only one."""
    (column, text), *more = refused.outcome.problems
    return refused if more else RuleError(text, FIELD_OF.get(column))
