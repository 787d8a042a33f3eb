"""Trajectories that end, or have ended: the association."""

import dutch
import mails
from models import Association, Extension, Participant, Trajectory
from workflow.falls_due.once import Due, TurningPoint, by_group, days_of, held, morning, said
from workflow.falls_due.stages import trainee

TRAJECTORY_REMINDERS = 180, 60
ENDED_WITHIN = 60  # how long after its end a trajectory is still worth a mail


def _trajectories(kind, condition, words):
    def due(now, since):
        query = (
            Trajectory.select(Trajectory, Participant, Association)
            .join(Participant)
            .switch(Trajectory)
            .join(Association)
            .where(
                Trajectory.state == "open", condition(morning(now), since), ~said(Trajectory, kind, Trajectory.ends_on)
            )
        )
        return [Due(one, one.ends_on, words(one), one.association) for one in query.order_by(Trajectory.ends_on)]

    def treat(dues, now):
        def write(association, found):
            mails.association_reminder(kind, association, [due.words for due in found], now)

        return by_group(dues, kind, held(Trajectory, Trajectory.state == "open"), write, now)

    return due, treat


def _trajectory_step(number):
    before = TRAJECTORY_REMINDERS[number]
    after = TRAJECTORY_REMINDERS[number + 1] if number + 1 < len(TRAJECTORY_REMINDERS) else 0

    def condition(day, since):
        until = Trajectory.ends_on.between(day + days_of(after + 1), day + days_of(before))
        return until & (Trajectory.ends_on >= since + days_of(before))

    return _trajectories(
        f"trajectory_{before}", condition, lambda one: f"{trainee(one.participant)}, tegen {dutch.day(one.ends_on)}"
    )


def _trajectory_ended():
    def condition(day, since):
        ended = Trajectory.ends_on.between(day - days_of(ENDED_WITHIN), day - days_of(1))
        return ended & (Trajectory.ends_on >= since - days_of(1))

    def words(one):
        longer = " (na verlenging)" if Extension.select().where(Extension.trajectory == one).exists() else ""
        return f"{trainee(one.participant)}, liep tot {dutch.day(one.ends_on)}{longer}"

    return _trajectories("trajectory_ended", condition, words)


POINTS = (
    *(
        TurningPoint(
            f"trajectory_{days}", f"Traject eindigt over {days} dagen", "Zodat er nog tijd is voor een stage of een verlenging.",
            "één mail per vereniging, met alle trajecten samen", "als het traject afgewerkt of verlengd is",
            *_trajectory_step(number),
        )
        for number, days in enumerate(TRAJECTORY_REMINDERS)
    ),
    TurningPoint(
        "trajectory_ended", "Traject of verlenging verlopen", "Koppelen kan niet meer.",
        "één mail per vereniging, met alle trajecten samen", "als het traject afgewerkt of verlengd is", *_trajectory_ended(),
    ),
)  # fmt: skip
