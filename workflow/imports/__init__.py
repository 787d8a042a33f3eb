"""Participants and trajectories from a file: received, every line checked, confirmed, and written. The work goes in steps of some
hundreds of lines, each a transaction, so that whoever goes on after a fault knows where."""

import json
import time
from datetime import date, datetime
from itertools import islice
from typing import BinaryIO

from blinker import Signal

import audit
import dutch
import scope
from database import RuleError, bulk_insert, database, on_postgresql, writing
from models import TYPES, Association, ImportBatch, ImportRow, Participant, Trajectory, User
from sheets import Sheet, Unreadable
from workflow import placements, refusals, trajectories
from workflow.imports.lines import COLUMNS, PERSONAL, RESULTS, typed
from workflow.imports.people import change_person
from workflow.imports.verdicts import Known, changes, whole_reach

MOST_ROWS = 200_000
STEP = 500  # lines that are received or checked in one transaction
WRITTEN = 50  # lines that are written in one: SQLite lets nobody else write meanwhile
AT_ONCE = 500  # lines that are treated while somebody waits for the page; more is for the worker
PAUSE = 0.12  # seconds between steps on SQLite: who waits for its one writer looks every 0.1 s

waiting = Signal()
"""Sent when a file waits for the worker; `tasks` listens."""


# ---- receive


def receive(stream: BinaryIO, file_name: str, by: User | None, now: datetime, trial: bool = False) -> ImportBatch:
    """Keep the lines of a file, to be checked; nothing else changes. `by` None: somebody at the server's command line; a `trial`
    will be erased and leaves no history. Raises Unreadable (a RuleError) when it is no CSV file with our columns; then nothing is
    kept."""
    if by is not None and not scope.allows(by, "import", Participant):
        raise scope.NotYours("import Participant")
    sheet = Sheet(stream, COLUMNS, RESULTS)
    own = None if whole_reach(by) else scope.association_ids(by)
    with writing():
        batch = ImportBatch.create(
            by=by, association=own[0] if own and len(own) == 1 else None, file_name=file_name[:200], digest=sheet.digest,
            created_at=now,
        )  # fmt: skip
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
    line = typed(cells)
    return {
        "batch_id": batch.id, "number": number, "cells": json.dumps(cells, ensure_ascii=False), "kavo_id": line.kavo_id,
        "type": line.type, "text": problem, "verdict": "bad" if problem else "", "done": False,
    }  # fmt: skip


def seen_before(batch: ImportBatch) -> ImportBatch | None:
    """An earlier import of exactly the same file, if there was one."""
    same = ImportBatch.select().where(ImportBatch.digest == batch.digest, ImportBatch.id != batch.id)
    return same.where(ImportBatch.state == "done").order_by(ImportBatch.id.desc()).first()


# ---- step by step


def work_at_once(batch: ImportBatch, now: datetime):
    """Treat a small file at once; what remains of a large one is for the worker."""
    writes = ImportBatch.get_by_id(batch.id).state == "importing"
    most = AT_ONCE // (WRITTEN if writes else STEP)
    if sum(1 for _ in islice(steps_of(batch, now), most + 1)) > most:
        waiting.send(batch)


def work(now: datetime) -> int:
    """Go on with all files that wait, until none does; returns the steps taken. Safe twice and in parallel."""
    steps = 0
    waiting_ones = ImportBatch.select().where(ImportBatch.state << ImportBatch.AT_WORK).order_by(ImportBatch.id)
    for batch in list(waiting_ones):  # a query that is still open would keep SQLite from writing
        steps += len(list(steps_of(batch, now)))
    return steps


def steps_of(batch: ImportBatch, now: datetime):
    """Take all steps of the present phase of a file; yields the last line after each. On SQLite others get their turn between."""
    while advance(batch.id, now):
        yield ImportBatch.get_by_id(batch.id).position
        if not on_postgresql():
            time.sleep(PAUSE)


def anything_waits() -> bool:
    return ImportBatch.select().where(ImportBatch.state << ImportBatch.AT_WORK).exists()


def advance(batch_id: int, now: datetime) -> bool:
    """Treat the next lines of a file in one transaction; False when its phase is over."""
    with writing():
        batch = ImportBatch.locked(batch_id)
        if not batch.at_work:
            return False
        lines = batch.lines.where(ImportRow.number > batch.position).order_by(ImportRow.number)
        if batch.state == "importing":
            lines = lines.where(ImportRow.verdict << ImportRow.GOOD).limit(WRITTEN)
        else:
            lines = lines.limit(STEP)
        lines = list(lines)
        if not lines:
            _end_phase(batch, now)
            return False
        if batch.state == "checking":
            _check(batch, lines, now)
        else:
            _write(batch, lines, now)
        batch.position = lines[-1].number
        batch.save()
    return True


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


def _check(batch, lines, now):
    known, bad = Known(batch, lines, now), []
    for line in lines:
        verdict, text = line.verdict, line.text
        if not verdict:
            verdict, text = known.verdict(line)
            _note(line, verdict=verdict, text=text[:500])
        if verdict == "bad":
            bad.append(text)
    refusals.count_lines(bad, now)


def _note(line: ImportRow, **values):
    """Write columns of a line; in SQL, for there are many."""
    names = ", ".join(f'"{name}" = {database.param}' for name in values)
    database.execute_sql(
        f'UPDATE "import_row" SET {names} WHERE "id" = {database.param}', (*values.values(), line.id)  # noqa: S608 - our names
    )  # fmt: skip


# ---- confirm, write


def confirm(batch: ImportBatch, by: User | None, now: datetime, all_or_none: bool = False):
    """Begin to write the good lines. `all_or_none`: refuse when a line cannot be. Raises RuleError when the file is not checked
    yet or was treated already."""
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
        fresh.move("importing", position=0)
        audit.record(by, "import.confirmed", fresh, at=now, name=fresh.file_name)


def drop(batch: ImportBatch, by: User, now: datetime):
    """Do nothing with a file after all: its lines are deleted at once."""
    scope.require(by, "drop", batch)
    forget(batch, now, by)


def forget(batch: ImportBatch, now: datetime, by: User | None = None):
    """The same for the tool itself."""
    with writing():
        fresh = ImportBatch.locked(batch.id)
        fresh.move("dropped")
        ImportRow.delete().where(ImportRow.batch == fresh).execute()
        audit.record(by, "import.dropped", fresh, at=now, name=fresh.file_name)


def erase(batch: ImportBatch):
    """Take away all of a trial."""
    with writing():
        ImportRow.delete().where(ImportRow.batch == batch).execute()
        batch.delete_instance()


def _write(batch, lines, now):
    """Write good lines; each looks again at what stands there now, and one that is refused by then says why."""
    known, bad = Known(batch, lines, now), []
    for line in sorted(lines, key=lambda line: line.kavo_id):  # so that two files at once never wait for each other
        verdict, text = known.verdict(line)
        if verdict in ImportRow.GOOD:
            try:
                with writing():
                    _write_line(batch, line, known, now)
                continue
            except RuleError as error:
                verdict, text = "bad", str(error)
        _note(line, verdict=verdict, text=text[:500])
        if verdict == "bad":
            bad.append(text)
    refusals.count_lines(bad, now)


def _write_line(batch, line, known, now):
    said = typed(json.loads(line.cells))
    person, made, before = known.people.get(said.kavo_id), {}, None
    if person is None:
        person = known.people[said.kavo_id] = Participant(
            kavo_id=said.kavo_id, **{name: getattr(said, name) for name in PERSONAL}
        )
        person.save(force_insert=True)
        audit.record(batch.by, "row.added", person, at=now, kind="deelnemer", name=person)
        made["participant_id"] = person.id
    elif changed := changes(person, said):
        before = {name: dutch.shown(getattr(person, name)) for name in changed}
        change_person(person, changed, batch.by, now)
    mine = known.trajectories.setdefault(person.id, [])
    association = known.association(said)
    same = (said.type, association.id, said.course_started_on)
    if not known.is_mine(person):
        placements.log_lookup(person.kavo_id, True, "importeren", batch.by, now)
    if same not in [(one.type, one.association_id, one.course_started_on) for one in mine]:
        trajectory = Trajectory(
            participant=person, association=association, type=said.type, course_started_on=said.course_started_on
        )
        trajectories.begin(trajectory, batch.by, now)
        mine.append(trajectory)
        made["trajectory_id"] = trajectory.id
    _note(line, done=True, before=json.dumps(before) if before else None, **made)


# ---- one person, typed


def add_one(
    by: User, now: datetime, association: Association, kind: str, course_started_on: date, **person
) -> Participant:
    """Add somebody with a trajectory by hand, by the rules of an imported line: who is known with the same name and birth date
    only gets the trajectory. `person`: kavo_id and PERSONAL. Raises RuleError."""
    if not scope.allows(by, "import", Participant):
        raise scope.NotYours("import Participant")
    texts = [person["kavo_id"], person["first_name"], person["last_name"], person["birth_date"].isoformat(),
             person["email"] or "", association.name, TYPES[kind], course_started_on.isoformat()]  # fmt: skip
    said = typed(texts)
    batch = ImportBatch(by=by, association=association, file_name="")
    line = ImportRow(number=1, cells=json.dumps(texts, ensure_ascii=False), kavo_id=said.kavo_id, type=kind)
    with writing():
        known = Known(batch, [line], now)
        verdict, text = known.verdict(line)
        if verdict not in ImportRow.GOOD:
            raise RuleError(text or "Deze deelnemer staat er al met dit traject.", None if said.kavo_id else "kavo_id")
        _write_line(batch, line, known, now)
    return known.people[said.kavo_id]
