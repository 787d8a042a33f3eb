"""Stages that nobody evaluated: the manager of the site twice, then the association."""

from datetime import date, timedelta

from peewee import JOIN, fn

import mails
from models import Association, Participant, Placement, Reminder, Site, SiteManager, Trajectory, User
from times import days_after, end_of_day
from workflow.falls_due.once import Due, TurningPoint, by_group, days_of, held, morning, said

EVALUATE_AFTER = 14, 42  # days after the expected end of the stage: its manager
ASSOCIATION_AFTER = 56  # then the association
EVALUATE_UNTIL = 84  # later nobody is reminded any more
NO_END_DAYS = 46
"""without an expected end a stage counts as over so many days after coupling: its first reminder comes on day 60"""


BEING_DONE = (Placement.state == "open") & Placement.trajectory.in_(
    Trajectory.select(Trajectory.id).where(Trajectory.state == "open")
)


def _late_placements(kind, first, last, now, since):
    """Open placements whose stage is over since `first` to `last` (not included) days and of which this was not said."""
    day = morning(now)
    oldest, newest = day - days_of(last - 1), day - days_of(first)
    oldest = max(oldest, since - days_of(first))
    with_end = Placement.ends_on.between(oldest, newest) & ~said(Placement, kind, Placement.ends_on)
    coupled = Placement.created_at.between(
        end_of_day(oldest - days_of(NO_END_DAYS + 1)),
        end_of_day(newest - days_of(NO_END_DAYS)) - timedelta(microseconds=1),
    )
    known = Reminder.select(Reminder.id).where(
        Reminder.object_type == "placement",
        Reminder.object_id == Placement.id.cast("VARCHAR(40)"),
        Reminder.kind == kind,
    )
    without_end = Placement.ends_on.is_null() & coupled & ~fn.EXISTS(known)
    for when in (with_end, without_end):
        query = (
            Placement.select(Placement, Site, Trajectory, Participant, Association, SiteManager, User)
            .join(Site)
            .join(
                SiteManager,
                JOIN.LEFT_OUTER,
                on=(SiteManager.site == Site.id) & SiteManager.until.is_null(),
                attr="managed",
            )
            .join(User, JOIN.LEFT_OUTER)
            .switch(Placement)
            .join(Trajectory)
            .join(Participant)
            .switch(Trajectory)
            .join(Association)
        )
        yield from query.where(Placement.state == "open", Trajectory.state == "open", when).order_by(Placement.id)


def expected_end(placement: Placement) -> date:
    """When a stage should be over: the expected end date, or some weeks after coupling."""
    return placement.ends_on or days_after(placement.created_at, NO_END_DAYS)


def trainee(participant: Participant) -> str:
    """Somebody in a mail: no more than is needed to know who it is."""
    return f"{participant.first_name} ({participant.kavo_id})"


def _evaluate_step(number):
    first = EVALUATE_AFTER[number]
    last = EVALUATE_AFTER[number + 1] if number + 1 < len(EVALUATE_AFTER) else ASSOCIATION_AFTER
    kind = f"evaluate_{first}"

    def due(now, since):
        found = []
        for one in _late_placements(kind, first, last, now, since):
            link = getattr(one.site, "managed", None)
            if link is not None and link.user_id is not None and link.user.active:
                words = f"{trainee(one.trajectory.participant)}, {one.site}"
                found.append(Due(one, expected_end(one), words, link.user))
        return found

    def treat(dues, now):
        def write(manager, found):
            mails.evaluate_reminder(manager, [due.words for due in found], number > 0, now)

        return by_group(dues, kind, held(Placement, BEING_DONE), write, now)

    return due, treat


def _evaluate_association():
    kind = "evaluate_association"

    def due(now, since):
        late = _late_placements(kind, ASSOCIATION_AFTER, EVALUATE_UNTIL, now, since)
        return [
            Due(
                one,
                expected_end(one),
                f"{trainee(one.trajectory.participant)}, {one.site}",
                one.trajectory.association,
            )
            for one in late
        ]

    def treat(dues, now):
        def write(association, found):
            mails.association_reminder(kind, association, [due.words for due in found], now)

        return by_group(dues, kind, held(Placement, BEING_DONE), write, now)

    return due, treat


POINTS = (
    *(
        TurningPoint(
            f"evaluate_{days}", f"Stage {days} dagen voorbij zonder beoordeling", "Zonder beoordeling is er geen attest.",
            "één mail per verantwoordelijke, met alle stages samen", "bij een beoordeling of annulering", *_evaluate_step(number),
        )
        for number, days in enumerate(EVALUATE_AFTER)
    ),
    TurningPoint(
        "evaluate_association", f"Stage {ASSOCIATION_AFTER} dagen voorbij zonder beoordeling",
        "De vereniging kan zelf navragen.", "één mail per vereniging, met alle stages samen", "bij een beoordeling of annulering",
        *_evaluate_association(),
    ),
)  # fmt: skip
