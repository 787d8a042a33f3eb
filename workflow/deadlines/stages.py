"""Stages that nobody evaluated: the manager of the site twice, then the association."""

from datetime import date, timedelta

from peewee import JOIN, fn

import mails
from models import Association, Participant, Placement, Reminder, Site, SiteManager, Trajectory, User, declare
from times import days_after, end_of_day
from workflow.deadlines.shared import DeadlineRule, Due, days_of, morning, one_mail, series, was_said

EVALUATE_AFTER = 14, 42  # days after the expected end of the stage: its manager
ASSOCIATION_AFTER = 56  # then the association
EVALUATE_UNTIL = 84  # no reminders after that
NO_END_DAYS = 46
"""without an expected end a stage counts as over this many days after coupling: its first reminder comes on day 60"""
declare(evaluate_after=lambda: EVALUATE_AFTER, association_after=lambda: ASSOCIATION_AFTER)

RUNNING = Trajectory.select(Trajectory.id).where(Trajectory.id == Placement.trajectory, Trajectory.state == "open")
WAITING = (Placement.state == "open") & fn.EXISTS(RUNNING)


def expected_end(placement: Placement) -> date:
    """When a stage should be over: the expected end date, or some weeks after coupling."""
    return placement.ends_on or days_after(placement.created_at, NO_END_DAYS)


def trainee(participant: Participant) -> str:
    """A participant as named in a mail: no more than is needed to recognise them."""
    return f"{participant.call_name} ({participant.kavo_id})"


def _late(kind, first, last, now, since):
    """Open placements whose stage ended `first` to `last` (exclusive) days ago and about which this was not said."""
    newest = morning(now) - days_of(first)
    oldest = max(morning(now) - days_of(last - 1), since - days_of(first))
    with_end = Placement.ends_on.between(oldest, newest)
    coupled_from = end_of_day(oldest - days_of(NO_END_DAYS + 1))
    coupled_until = end_of_day(newest - days_of(NO_END_DAYS)) - timedelta(microseconds=1)
    without_end = Placement.ends_on.is_null() & Placement.created_at.between(coupled_from, coupled_until)
    for when, known in (
        (with_end, was_said(Placement, kind, Reminder.due_on == Placement.ends_on)),
        (without_end, was_said(Placement, kind)),
    ):
        yield from joined().where(Placement.state == "open", Trajectory.state == "open", when, ~known)


def joined():
    """Placements with everything that a mail about them says, and the present manager of the site."""
    manages = (SiteManager.site == Site.id) & SiteManager.current()
    query = Placement.select(Placement, Site, Trajectory, Participant, Association, SiteManager, User).join(Site)
    query = query.join(SiteManager, JOIN.LEFT_OUTER, on=manages, attr="managed").join(User, JOIN.LEFT_OUTER)
    query = query.switch(Placement).join(Trajectory).join(Participant).switch(Trajectory).join(Association)
    return query.order_by(Placement.id)


def _about(placement, group):
    words = f"{trainee(placement.trajectory.participant)}, {placement.site}"
    return Due(placement, expected_end(placement), words, group)


def _reminder(kind, first, last):
    """(due, treat) of one reminder to the managers of the sites."""
    again = first != EVALUATE_AFTER[0]

    def due(now, since):
        late = ((one, getattr(one.site, "managed", None)) for one in _late(kind, first, last, now, since))
        return [_about(one, link.user) for one, link in late if link and link.user_id and link.user.active]

    def write(manager, dues, now):
        mails.evaluate_reminder(manager, [due.words for due in dues], again, now)

    return due, one_mail(Placement, kind, WAITING, write)


ASSOCIATION = "evaluate_association"


def _of_associations(now, since):
    late = _late(ASSOCIATION, ASSOCIATION_AFTER, EVALUATE_UNTIL, now, since)
    return [_about(one, one.trajectory.association) for one in late]


def _tell_association(association, dues, now):
    mails.association_reminder(ASSOCIATION, association, [due.words for due in dues], now)


WHY, STOPS = "Zonder beoordeling is er geen attest.", "bij een beoordeling of annulering"
POINTS = (
    *(
        DeadlineRule(
            kind,
            f"Stage {days} dagen voorbij zonder beoordeling",
            WHY,
            "één e-mail per verantwoordelijke, met alle stages samen",
            STOPS,
            *_reminder(kind, days, until),
        )
        for kind, days, until in series("evaluate", EVALUATE_AFTER, ASSOCIATION_AFTER)
    ),
    DeadlineRule(
        ASSOCIATION,
        f"Stage {ASSOCIATION_AFTER} dagen voorbij zonder beoordeling",
        "De vereniging kan zelf navragen.",
        "één e-mail per vereniging, met alle stages samen",
        STOPS,
        _of_associations,
        one_mail(Placement, ASSOCIATION, WAITING, _tell_association),
    ),
)
