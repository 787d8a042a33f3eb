"""The clock: one sweep treats everything that is due, whenever it runs. Huey only says the time; what is due stands
in dates.

It may run late, twice, or beside another: each rule compares before it acts, and what was said once is a row."""

import logging
import time
from datetime import date, datetime, timedelta

import audit
import scope
from database import writing
from models import Clock, User
from times import local_date
from workflow import hash_chain
from workflow.deadlines import CATALOGUE, DeadlineRule, Due
from workflow.privacy import retention

log = logging.getLogger("kavo.clock")

CHORES = {"retention": retention.by_night, "seal": hash_chain.seal}
"""what the clock does besides deadlines; each decides itself whether it is time"""
SILENT_AFTER = timedelta(minutes=15)


def state(now: datetime) -> Clock:
    """The row of the clock; made when it is not there."""
    return Clock.get_or_none() or Clock.create(since=local_date(now))


def is_silent(clock: Clock, now: datetime) -> bool:
    """Whether the worker has not run the clock for too long."""
    return clock.ran_at is None or now - clock.ran_at > SILENT_AFTER


def lag(now: datetime) -> timedelta | None:
    """How long ago the clock ran; None when it never did."""
    clock = Clock.get_or_none()
    return now - clock.ran_at if clock and clock.ran_at else None


def upcoming(now: datetime) -> list[tuple[DeadlineRule, list[Due]]]:
    """What a sweep at `now` (UTC) would treat, per rule; changes nothing."""
    since = state(now).since
    return [(point, point.due(now, since)) for point in CATALOGUE]


def sweep(now: datetime) -> dict[str, int]:
    """Treat everything that is due at `now` (UTC); returns how many per rule. A failure in one rule does not hold up
    the others."""
    begun, done = time.monotonic(), {}
    since = state(now).since
    for point in CATALOGUE:
        try:
            if found := point.due(now, since):
                done[point.key] = point.treat(found, now)
        except Exception:
            log.exception("the clock failed at %s", point.key)
    for name, chore in CHORES.items():
        try:
            if count := chore(now):
                done[name] = count
        except Exception:
            log.exception("the clock failed at %s", name)
    treated = sum(done.values())
    took = int((time.monotonic() - begun) * 1000)
    Clock.update(ran_at=now, took_ms=took, treated=treated).execute()
    if treated:
        Clock.update(treated_at=now).execute()
        log.info("the clock treated what was due", extra={"facts": done})
    return done


def start_from(day: date, by: User, now: datetime):
    """'Vanaf': no reminders about anything that fell due before this day. Terms end all the same."""
    clock = state(now)
    scope.require(by, "set", clock)
    with writing():
        clock.since = day
        clock.save()
        audit.record(by, "clock.since", None, at=now, day=day)
