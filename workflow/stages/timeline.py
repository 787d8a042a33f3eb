"""The timeline of a trajectory: who must act next, and what happened, in sentences."""

from dataclasses import dataclass
from datetime import date, datetime

import audit
import dutch
import scope
from models import STAGE_HOURS, Extension, History, Placement, Site, Trajectory, User, statuses
from times import at_hour

MOST_LINES = 200
FOR_EVERYBODY = ("trajectory.started", "attest.released")
"""what every reader of a trajectory may see: no reasons, and nothing about other sites"""
TEAM = "Het team Kadervorming"
NOBODY = "Niemand"
OVER = {
    "failed": "de eindevaluatie was niet geslaagd.",
    "attested": "het attest is uitgereikt.",
    "stopped": "het traject is stopgezet.",
}
"""why it is nobody's turn"""


@dataclass(frozen=True)
class Turn:
    """Whose turn it is, and the one thing that still blocks the attest."""

    who: str
    what: str
    side: str = ""
    """the side that the status names; '' for nobody"""


def whose_turn(trajectory: Trajectory, waiting: list[Placement], today: date) -> Turn:
    """'Wie is aan zet': the side that the status of this trajectory names, and what to do. `waiting`: its placements
    that nobody evaluated, with their sites."""
    status = trajectory.status(today, waiting)
    say = {
        statuses.SITE: lambda: _site_turn(waiting, today),
        statuses.ASSOCIATION: lambda: (str(trajectory.association), "de eindevaluatie geven."),
        statuses.PARTICIPANT: lambda: (str(trajectory.participant), _to_find(trajectory)),
        statuses.TEAM: lambda: (TEAM, _for_team(trajectory, status.key, today)),
    }.get(status.turn, lambda: (NOBODY, OVER.get(status.key, "dit traject is afgewerkt.")))
    return Turn(*say(), status.turn)


def _site_turn(waiting, today) -> tuple[str, str]:
    first = min(waiting, key=lambda one: (one.ends_on or date.max, one.id))
    if first.status(today).key == "over":
        return str(first.site), f"de stage beoordelen. Ze liep af op {dutch.day(first.ends_on)}."
    until = f" tot {dutch.day(first.ends_on)}" if first.ends_on else ""
    return str(first.site), f"de stage begeleiden{until}, en daarna beoordelen."


def _to_find(trajectory) -> str:
    left = STAGE_HOURS - trajectory.hours_used
    return f"een stageplaats zoeken voor nog {left} uur, tegen {dutch.day(trajectory.ends_on)}."


def _for_team(trajectory, key, today) -> str:
    if key == "expired":
        return f"verlengen of stopzetten. De termijn liep af op {dutch.day(trajectory.ends_on)}."
    from_day = trajectory.participant.old_enough_on(trajectory.type)
    if today < from_day:
        return f"het attest uitreiken, vanaf {dutch.day(from_day)}: vroeger is {trajectory.participant} te jong."
    return "het attest uitreiken."


def waiting_of(trajectories: list[Trajectory]) -> dict[int, list[Placement]]:
    """The placements that were not evaluated, with their sites, by the id of their trajectory; sets on each
    trajectory the hours done. One query."""
    found: dict[int, list[Placement]] = {trajectory.id: [] for trajectory in trajectories}
    for one in trajectories:
        one.done = 0
    by_id = {one.id: one for one in trajectories}
    counted = (Placement.state == "open") | (Placement.result == "positive")
    placed = Placement.select(Placement, Site).join(Site).where(Placement.trajectory.in_(list(found)), counted)
    for placement in placed.order_by(Placement.id):
        if placement.state == "open":
            found[placement.trajectory_id].append(placement)
        else:
            by_id[placement.trajectory_id].done += placement.hours_done or 0
    return found


def missing_of(trajectories: list[Trajectory]) -> dict[int, list[str]]:
    """What each still lacks before the final evaluation, by the id of the trajectory. One query."""
    waiting = waiting_of(trajectories)
    return {one.id: one.missing(waiting[one.id], one.done) for one in trajectories}


def lines(trajectory: Trajectory, by: User) -> list[tuple[datetime, str, bool]]:
    """(moment in UTC, sentence, by the tool) of a trajectory, the newest first: everything for the team and its
    association; for a site manager what happened at their sites, and the dates of course and attest. Only the team reads
    of what was undone."""
    whole = scope.may(by, "view", trajectory)
    visible = scope.own(by, History) | (History.verb << FOR_EVERYBODY)
    about = History.select().where(History.trajectory_id == trajectory.id, visible)
    newest = list(about.order_by(History.id.desc()).limit(MOST_LINES))
    told = audit.as_timeline(newest if scope.owns_all(by, History) else audit.without_undone(newest))
    if not _is_told_of_the_start(trajectory):  # from old data
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
