"""'Beoordelen': the evaluation of a placement in 'Traject opvolging', and its corrections."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

import audit
import scope
from database import Conflict, RuleError, writing
from models import RESULTS, Evaluation, Placement, Trajectory, User
from workflow.stages.placements import acting_for, behalf_words


@dataclass(frozen=True)
class EvaluationInput:
    """What is filled in on 'Traject opvolging'; the fields are the columns of Evaluation. Hours are whole hours
    done."""

    mentor: str
    criterion: str
    starts_on: date
    ends_on: date
    hours_done: int
    result: str
    motivation: str = ""
    remarks: str = ""


def evaluate(
    placement: Placement,
    given: EvaluationInput,
    by: User,
    now: datetime,
    *,
    on_behalf: str | None = None,
    version: int | None = None,
) -> Evaluation:
    """Evaluate a placement, or correct its evaluation: a new version, the old one stays.

    Raises RuleError when a rule of manual chapter 5 or domain rule 9 refuses, Conflict when the placement is no
    longer at `version`."""
    scope.require(by, "evaluate", placement)
    with writing():
        trajectory = Trajectory.locked(placement.trajectory_id)
        fresh = Placement.locked(placement.id)
        fresh.trajectory = trajectory
        _refuse(fresh, version)
        behalf = acting_for(by, on_behalf, fresh.site)
        number = fresh.evaluations.count() + 1
        evaluation = Evaluation(placement=fresh, number=number, on_behalf=behalf, by=by, at=now, **asdict(given))
        evaluation.save()
        fresh.move("evaluated", result=given.result, hours_done=given.hours_done)
        audit.record(
            by,
            "placement.evaluated" if number == 1 else "placement.corrected",
            fresh,
            at=now,
            participant=trajectory.participant,
            site=fresh.site,
            result=RESULTS[given.result].lower(),
            hours_done=given.hours_done,
            on_behalf=behalf_words(behalf, trajectory),
            number=number,
        )
    return evaluation


def _refuse(placement: Placement, version: int | None):
    if placement.state == "cancelled":
        raise RuleError(f"De koppeling van {placement} is geannuleerd. Er is niets te beoordelen.")
    refuse_finished(placement.trajectory)
    if version is not None and version != placement.version:
        raise Conflict(
            f"De stage van {placement} is intussen door iemand anders beoordeeld of gewijzigd. Kijk na wat er nu staat."
        )


def refuse_finished(trajectory: Trajectory):
    """Raise RuleError when the final evaluation was given: what it rests on no longer changes."""
    if trajectory.state == "finished":
        raise RuleError(
            f"De eindevaluatie van {trajectory.participant} is al gegeven. Vraag het team Kadervorming om het traject te "
            "heropenen."
        )


def versions(placement: Placement):
    """All versions of the evaluation, the newest first, each with its author."""
    return (
        Evaluation.select(Evaluation, User)
        .join(User)
        .where(Evaluation.placement == placement)
        .order_by(Evaluation.number.desc())
    )


def newest(placement: Placement) -> Evaluation | None:
    """The evaluation that counts now, if there is one."""
    return versions(placement).first()
