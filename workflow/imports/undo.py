"""Undoing an import as long as nothing refers to it."""

import json
from datetime import datetime

import audit
import dutch
import scope
from database import RuleError, locking, readings, writing
from models import Extension, FinalEvaluation, ImportBatch, ImportRow, Participant, Placement, Trajectory, User
from workflow.imports.lines import parse
from workflow.imports.people import change_person
from workflow.imports.verdicts import changes


def undo(batch: ImportBatch, by: User, now: datetime):
    """Undo everything that an import created, or nothing. Raises RuleError when something refers to it by now."""
    scope.require(by, "undo", batch)
    with writing():
        fresh = ImportBatch.locked(batch.id)
        if fresh.state != "done":
            raise RuleError(fresh.step_refused())
        made = fresh.lines.select(ImportRow.trajectory_id).where(ImportRow.trajectory_id.is_null(False))
        people = fresh.lines.select(ImportRow.participant_id).where(ImportRow.participant_id.is_null(False))
        if (
            not made.exists()
            and not people.exists()
            and not fresh.lines.where(ImportRow.before.is_null(False)).exists()
        ):
            raise RuleError("Er is niets om ongedaan te maken.")
        _refuse_what_hangs(made, people)
        numbers = (
            Trajectory.delete().where(Trajectory.id.in_(made)).execute(),
            Participant.delete().where(Participant.id.in_(people)).execute(),
        )
        _put_back(fresh, by, now)
        fresh.move("undone")
        words = f"{numbers[0]} trajecten en {numbers[1]} deelnemers weg"
        audit.record(by, "import.undone", fresh, at=now, name=fresh.file_name, counts=words)


def _refuse_what_hangs(made, people):
    """Raise RuleError when something else refers to these trajectories or participants; locks them meanwhile."""
    list(
        locking(
            Trajectory.select(Trajectory.id).where(Trajectory.id.in_(made)).order_by(Trajectory.id), to_delete=True
        ).tuples()
    )
    for model, words in (
        (Placement, "een koppeling"),
        (FinalEvaluation, "een eindevaluatie"),
        (Extension, "een verlenging"),
    ):
        hanging = model.select(Trajectory.participant).join(Trajectory).where(model.trajectory.in_(made))
        _refuse_names(hanging, f"hebben intussen {words}")
    later = Trajectory.select(Trajectory.participant).where(
        Trajectory.participant.in_(people), Trajectory.id.not_in(made)
    )
    _refuse_names(later, "hebben intussen een ander traject")


def _refuse_names(hanging, words):
    names = [
        str(one)
        for one in Participant.select().where(Participant.id.in_(hanging)).order_by(Participant.search).limit(6)
    ]
    if names:
        more = " en anderen" if len(names) > 5 else ""
        raise RuleError(f"Dit kan niet meer: {dutch.listing(names[:5])}{more} {words}.")


def _put_back(batch, by, now):
    """Restore changed personal data, unless they were changed since."""
    for line in batch.lines.where(ImportRow.before.is_null(False)):
        person = Participant.get_or_none(Participant.kavo_id == line.kavo_id)
        said, before = parse(line.texts), json.loads(line.before)
        if person is not None and not any(name in changes(person, said) for name in before):
            values = {name: readings.day(old) if name == "birth_date" else old for name, old in before.items()}
            change_person(person, values, by, now)
