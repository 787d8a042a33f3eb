"""A trajectory, one participant's way to one type of attest: starting, stopping, going on, and more time to finish."""

from datetime import date, datetime, timedelta

import audit
import dutch
import scope
from database import RuleError, as_tuples, writing
from database.texts import required_text
from models import Extension, Trajectory, User

LONGEST_EXTENSION = 5 * 366  # days; more is a slip


def start(trajectory: Trajectory, by: User, now: datetime):
    """Save a new trajectory. Raises RuleError when the participant has an open or passed one of this type, NotYours for
    another association than the user's."""
    if not scope.allows(by, "add", Trajectory):
        raise scope.NotYours("add Trajectory")
    if not scope.may(by, "view", trajectory.association):
        raise scope.NotYours(f"add Trajectory at association {trajectory.association_id}")
    begin(trajectory, by, now)


def begin(trajectory: Trajectory, by: User | None, now: datetime):
    """The same after rights were checked, or for the tool itself (None)."""
    who, kind = trajectory.participant, trajectory.type
    with writing():
        reached = Trajectory.outcome << ("passed", "attested")
        if who.trajectories.where(Trajectory.type == kind, reached).exists():
            raise RuleError(f"{who} is al geslaagd als {trajectory.type_label}.")
        trajectory.save(force_insert=True)
        audit.record(
            by,
            "trajectory.started",
            trajectory,
            at=now,
            association=trajectory.association,
            type=trajectory.type_label,
            participant=who,
            start=trajectory.course_started_on,
        )


def _reason(text: str, why: str) -> str:
    return required_text(text, f"Schrijf waarom {why}.", "reason")


def stop(trajectory: Trajectory, by: User, now: datetime, reason: str):
    """Stop a trajectory. Raises RuleError while a stage waits for its evaluation."""
    scope.require(by, "stop", trajectory)
    reason = _reason(reason, "het traject stopt")
    with writing():
        fresh = Trajectory.locked(trajectory.id)
        if fresh.waiting().exists():
            raise RuleError(
                f"{fresh.participant} heeft nog een stage die niet beoordeeld is. Beoordeel of annuleer die eerst."
            )
        _refuse_unless(fresh, "open", "loopt niet (meer)")
        fresh.move("stopped")
        _record(by, "trajectory.stopped", fresh, now, reason=reason)


def resume(trajectory: Trajectory, by: User, now: datetime, reason: str):
    """Resume a stopped trajectory. Raises RuleError when another trajectory of this type is open."""
    scope.require(by, "resume", trajectory)
    reason = _reason(reason, "het traject weer loopt")
    with writing():
        fresh = Trajectory.locked(trajectory.id)
        _refuse_unless(fresh, "stopped", "is niet stopgezet")
        fresh.move("open")
        _record(by, "trajectory.resumed", fresh, now, reason=reason)


def _refuse_unless(trajectory: Trajectory, state: str, words: str):
    if trajectory.state != state:
        raise RuleError(f"Het traject {trajectory.type_label} van {trajectory.participant} {words}.")


def _record(by, verb, trajectory, now, **facts):
    audit.record(by, verb, trajectory, at=now, participant=trajectory.participant, type=trajectory.type_label, **facts)


def extend(trajectory: Trajectory, by: User, now: datetime, until: date, reason: str):
    """Extend one trajectory until this day. Domain rule 13: by the team, with a reason."""
    scope.require(by, "extend", trajectory)
    reason = _reason(reason, "dit traject meer tijd krijgt")
    with writing():
        fresh = Trajectory.locked(trajectory.id)
        days = (until - fresh.ends_on).days
        if days < 1:
            raise RuleError(f"Het traject loopt al tot {dutch.day(fresh.ends_on)}. Kies een latere dag.", "until")
        _refuse_long(days, "until")
        Extension.create(trajectory=fresh, days=days, reason=reason, by=by, at=now)
        fresh.ends_on = until
        fresh.save()
        _record(by, "trajectory.extended", fresh, now, until=until, reason=reason)


def extend_all(first: date, last: date, days: int, by: User, now: datetime, reason: str) -> int:
    """Extend, by days, all trajectories whose course started from `first` to `last`, also those registered later.
    Returns how many trajectories end later now."""
    if not scope.allows(by, "extend", Trajectory):
        raise scope.NotYours("extend Trajectory")
    reason = _reason(reason, "deze trajecten meer tijd krijgen")
    if last < first:
        raise RuleError("De laatste dag ligt voor de eerste. Kijk beide na.", "last")
    if days < 1:
        raise RuleError("Verleng met minstens 1 dag.", "days")
    _refuse_long(days, "days")
    within = Trajectory.course_started_on.between(first, last)
    with writing():
        Extension.create(courses_from=first, courses_until=last, days=days, reason=reason, by=by, at=now)
        ends = [end for (end,) in as_tuples(Trajectory.select(Trajectory.ends_on).where(within).distinct())]
        count = 0
        for end in sorted(ends, reverse=True):  # the latest first, so that none moves twice
            moved = Trajectory.update(ends_on=end + timedelta(days=days), version=Trajectory.version + 1)
            count += moved.where(within, Trajectory.ends_on == end).execute()
        audit.record(
            by,
            "trajectory.extended_all",
            None,
            at=now,
            first=first,
            last=last,
            days=days,
            reason=reason,
        )
    return count


def _refuse_long(days: int, field: str):
    if days > LONGEST_EXTENSION:
        raise RuleError("Verleng met hoogstens 5 jaar. Kijk de datum na.", field)
