"""Trajectories that end, or have ended: the association."""

from peewee import fn

import dutch
import mails
from models import TRAJECTORY, Association, Extension, Participant, Reminder, Trajectory, declare
from workflow.deadlines.shared import DeadlineRule, Due, days_of, morning, one_mail, series, was_said
from workflow.deadlines.stages import trainee

TRAJECTORY_REMINDERS = 180, 60
declare(trajectory_reminders=lambda: TRAJECTORY_REMINDERS)
ENDED_WITHIN = 60  # how long after its end a trajectory is still worth a mail
ENDED = "trajectory_ended"
EXPIRED = TRAJECTORY.kinds["expired"]
EXTENDED = fn.EXISTS(Extension.select(Extension.id).where(Extension.trajectory == Trajectory.id)).alias("extended")


def _found(kind, first, last):
    """Open trajectories that end between two days and about which this was not said."""
    known = was_said(Trajectory, kind, Reminder.due_on == Trajectory.ends_on)
    query = Trajectory.select(Trajectory, Participant, Association, EXTENDED).join(Participant)
    query = query.switch(Trajectory).join(Association)
    return query.where(Trajectory.state == "open", Trajectory.ends_on.between(first, last), ~known).order_by(
        Trajectory.ends_on
    )


def _tell(kind):
    def write(association, dues, now):
        mails.association_reminder(kind, association, [due.words for due in dues], now)

    return one_mail(Trajectory, kind, Trajectory.state == "open", write)


def _reminder(kind, before, after):
    """(due, treat) of one reminder, `before` days before the end."""

    def due(now, since):
        day = morning(now)
        found = _found(kind, max(day + days_of(after + 1), since + days_of(before)), day + days_of(before))
        return [
            Due(one, one.ends_on, f"{trainee(one.participant)}, tegen {dutch.day(one.ends_on)}", one.association)
            for one in found
        ]

    return due, _tell(kind)


def _ended(now, since):
    day = morning(now)
    for one in _found(ENDED, max(day - days_of(ENDED_WITHIN), since - days_of(1)), day - days_of(1)):
        words = f"{trainee(one.participant)}, liep tot {dutch.day(one.ends_on)}"
        yield Due(one, one.ends_on, words + (" (na verlenging)" if one.extended else ""), one.association)


LIMIT, STOPS = "één e-mail per vereniging, met alle trajecten samen", "als het traject afgewerkt of verlengd is"
POINTS = (
    *(
        DeadlineRule(
            kind,
            f"Traject eindigt over {days} dagen",
            "Zodat er nog tijd is voor een stage of een verlenging.",
            LIMIT,
            STOPS,
            *_reminder(kind, days, after),
        )
        for kind, days, after in series("trajectory", TRAJECTORY_REMINDERS, 0)
    ),
    DeadlineRule(
        ENDED,
        f"Traject: {EXPIRED.words.lower()}",
        "Koppelen kan niet meer.",
        LIMIT,
        STOPS,
        lambda now, since: list(_ended(now, since)),
        _tell(ENDED),
    ),
)
