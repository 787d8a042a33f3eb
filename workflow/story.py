"""The story of a trajectory: who must act next, and what happened, in sentences."""

from dataclasses import dataclass
from datetime import date, datetime

from peewee import fn

import audit
import dutch
import scope
from models import STAGE_HOURS, Extension, History, Placement, Site, Trajectory, User
from times import at_hour

MOST_LINES = 200
FOR_EVERYBODY = ("trajectory.started", "attest.released")
"""what is told of a trajectory to whoever may read something of it: no reasons, and nothing of other sites"""
TEAM = "Het team Kadervorming"
SITE, ASSOCIATION, PARTICIPANT, THE_TEAM = "de stageplaats", "de vereniging", "de deelnemer", "het team"
NOBODY = "Niemand"


@dataclass(frozen=True)
class Turn:
    """Whose move it is, and the one thing that keeps the attest away."""

    who: str
    what: str
    side: str = ""
    """which of the sides that is, for where there is little room; empty: nobody"""


def whose_turn(trajectory: Trajectory, waiting: list[Placement], today: date) -> Turn:
    """'Wie is aan zet'. `waiting`: the placements of this trajectory that nobody evaluated, with their sites."""
    if trajectory.state == "stopped":
        return Turn(NOBODY, "het traject is stopgezet.")
    if trajectory.state == "finished":
        return _after_the_end(trajectory, today)
    over = sorted((one for one in waiting if one.ends_on and one.ends_on < today), key=lambda one: one.ends_on)
    if over:
        return Turn(str(over[0].site), f"de stage beoordelen. Ze liep af op {dutch.day(over[0].ends_on)}.", SITE)
    if trajectory.hours_used == STAGE_HOURS and not waiting:
        return Turn(str(trajectory.association), "de eindevaluatie geven.", ASSOCIATION)
    if trajectory.ends_on < today:
        return Turn(TEAM, f"verlengen. De termijn liep af op {dutch.day(trajectory.ends_on)}.", THE_TEAM)
    if waiting:
        first = min(waiting, key=lambda one: (one.ends_on or date.max, one.id))
        until = f" tot {dutch.day(first.ends_on)}" if first.ends_on else ""
        return Turn(str(first.site), f"de stage begeleiden{until}, en daarna beoordelen.", SITE)
    left = STAGE_HOURS - trajectory.hours_used
    return Turn(
        str(trajectory.participant),
        f"een stageplaats zoeken voor nog {left} uur, tegen {dutch.day(trajectory.ends_on)}.",
        PARTICIPANT,
    )


def _after_the_end(trajectory: Trajectory, today: date) -> Turn:
    if trajectory.outcome == "failed":
        return Turn(NOBODY, "de eindevaluatie was niet geslaagd.")
    if trajectory.outcome == "attested":
        return Turn(NOBODY, "het attest is uitgereikt.")
    from_day = trajectory.participant.old_enough_on(trajectory.type)
    if today < from_day:
        return Turn(
            TEAM,
            f"het attest uitreiken, vanaf {dutch.day(from_day)}: vroeger is {trajectory.participant} te jong.",
            THE_TEAM,
        )
    return Turn(TEAM, "het attest uitreiken.", THE_TEAM)


def waiting_of(trajectories: list[Trajectory]) -> dict[int, list[Placement]]:
    """The placements that nobody evaluated, with their sites, by the id of their trajectory; in one query."""
    found = {trajectory.id: [] for trajectory in trajectories}
    late = Placement.select(Placement, Site).join(Site).order_by(Placement.id)
    for placement in late.where(Placement.trajectory.in_(list(found)), Placement.state == "open"):
        found[placement.trajectory_id].append(placement)
    return found


def missing_of(trajectories: list[Trajectory]) -> dict[int, list[str]]:
    """What misses for the final evaluation of each, by the id of the trajectory; in two queries."""
    waiting = waiting_of(trajectories)
    sums = Placement.select(Placement.trajectory, fn.SUM(Placement.hours_done)).where(
        Placement.trajectory.in_(list(waiting)), Placement.result == "positive"
    )
    positive = dict(sums.group_by(Placement.trajectory).tuples())
    return {one.id: one.missing(waiting[one.id], positive.get(one.id, 0)) for one in trajectories}


def lines(trajectory: Trajectory, by: User) -> list[tuple[datetime, str, bool]]:
    """(moment in UTC, sentence, by the tool) of a trajectory, the newest first: all of it for the team and its association; for a
    site's manager what happened at the own sites, and when the course and the attest were."""
    whole = scope.may(by, "view", trajectory)
    visible = scope.own(by, History) | (History.verb << FOR_EVERYBODY)
    about = History.select().where(History.trajectory_id == trajectory.id, visible)
    told = audit.told(about.order_by(History.id.desc()).limit(MOST_LINES))
    if not _is_told_of_the_start(trajectory):  # of old data
        told.append((at_hour(trajectory.course_started_on, 12), f"{trajectory.association} begon de cursus.", True))
    for_all = trajectory.extensions_of().where(Extension.trajectory.is_null()) if whole else []
    told += [(one.at, _for_all(one), False) for one in for_all]
    return sorted(told, key=lambda line: line[0], reverse=True)


def _is_told_of_the_start(trajectory: Trajectory) -> bool:
    started = (History.trajectory_id == trajectory.id) & (History.verb == "trajectory.started")
    return History.select().where(started).exists()


def _for_all(extension: Extension) -> str:
    return (
        f"{extension.by} verlengde alle trajecten met {extension.days} dagen. De cursus begon van "
        f"{dutch.day(extension.courses_from)} tot en met {dutch.day(extension.courses_until)}. Reden: {extension.reason}"
    )
