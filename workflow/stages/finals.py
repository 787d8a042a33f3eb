"""'Eindevaluatie': the outcome of a whole trajectory, and reopening it."""

from datetime import date, datetime

from peewee import fn

import audit
import mails
import scope
from database import RuleError, writing
from database.texts import required_text
from models import FINAL_RESULTS, STAGE_HOURS, TEAM, Attest, FinalEvaluation, Placement, Trajectory, User, statuses
from workflow.stages.placements import behalf_words


def give(
    trajectory: Trajectory,
    by: User,
    now: datetime,
    result: str,
    evaluated_on: date,
    motivation: str = "",
    exception: str = "",
) -> FinalEvaluation:
    """Give the final evaluation: passed or failed, on a day. `exception`: why the team overrides age or term.

    Raises RuleError when stages are not evaluated, hours are missing, or a rule of domain rules 9 and 13 refuses."""
    scope.require(by, "final", trajectory)
    team = TEAM in by.role_names
    with writing():
        fresh = Trajectory.locked(trajectory.id)
        final = FinalEvaluation(
            trajectory=fresh,
            result=result,
            evaluated_on=evaluated_on,
            motivation=motivation,
            by=by,
            at=now,
            on_behalf="association",
            exception=exception if team else "",
        )
        if final.exception and not final.needs_exception():
            final.exception = ""  # no exception was needed
        final.save()
        fresh.move("finished", outcome=result)
        audit.record(
            by,
            "final.given",
            fresh,
            at=now,
            participant=fresh.participant,
            type=fresh.type_label,
            result=FINAL_RESULTS[result].lower(),
            day=evaluated_on,
            on_behalf=behalf_words("association", fresh),
            exception=f" Uitzondering: {final.exception}" if final.exception else "",
        )
    return final


def reopen(trajectory: Trajectory, by: User, now: datetime, reason: str) -> bool:
    """The team takes a final evaluation back; an attest that was released is no longer valid. Raises RuleError when
    there is none, or when another trajectory of this type is open by now. Returns whether there was an attest."""
    scope.require(by, "reopen", trajectory)
    reason = required_text(reason, "Schrijf waarom je het traject heropent.", "reason")
    with writing():
        fresh = Trajectory.locked(trajectory.id)
        final = current(fresh)
        if final is None:
            raise RuleError(f"{fresh.participant} heeft geen eindevaluatie om te heropenen.")
        revoked = Attest.update(revoked_at=now).where(Attest.final_evaluation == final, Attest.revoked_at.is_null())
        had_attest = revoked.execute() > 0
        FinalEvaluation.update(reopened_at=now, reopened_by=by, reopen_reason=reason).where(
            FinalEvaluation.id == final.id
        ).execute()
        fresh.move("open", outcome="")
        mails.trajectory_reopened(fresh, reason, had_attest, now)
        audit.record(
            by,
            "final.reopened",
            fresh,
            at=now,
            participant=fresh.participant,
            type=fresh.type_label,
            reason=reason,
            revoked=" Het attest is niet meer geldig." if had_attest else "",
        )
    return had_attest


def current(trajectory: Trajectory) -> FinalEvaluation | None:
    """The final evaluation that counts now."""
    return trajectory.final_evaluations.where(FinalEvaluation.reopened_at.is_null()).first()


def ready(today: date):
    """The condition for trajectories whose status says that it is the association's turn."""
    waiting = Placement.select(Placement.id).where(Placement.trajectory == Trajectory.id, Placement.state == "open")
    running = statuses.TRAJECTORY.where(Trajectory, today, "open")
    return running & (Trajectory.hours_used == STAGE_HOURS) & ~fn.EXISTS(waiting)
