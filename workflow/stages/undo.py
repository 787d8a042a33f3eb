"""'Ongedaan maken': whoever coupled, evaluated or cancelled takes it back within minutes. An act is its line of history."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import audit
import scope
from database import RuleError, writing
from models import History, Placement, Reminder, Site, Trajectory, User, policy
from workflow.deadlines import news
from workflow.sites.sites import UNDO_FOR, in_time_to_undo
from workflow.stages import evaluations
from workflow.stages.placements import refuse_site


@dataclass(frozen=True)
class Way:
    """How an act is taken back: `what` it is in the history, `take_back(placement)`, which returns the sentence that says how
    things stand now, and what one does `instead` once it is too late."""

    what: str
    take_back: Callable[[Placement], str]
    instead: str


# ---- which act


def undoable(placements: list[Placement], by: User | None, now: datetime) -> dict[int, History]:
    """Of these placements, with their sites and trajectories: id → the last act on it, when `by` can undo that at `now`."""
    if by is None or not placements or not scope.allows(by, "undo", History):
        return {}
    by_id = {one.id: one for one in placements}
    recent: dict[int, list[History]] = {}
    for line in audit.standing(Placement, by_id, now - UNDO_FOR):
        recent.setdefault(int(line.object_id), []).append(line)
    last = {pk: act for pk, lines in recent.items() if (act := _last_act(lines)) and _fits(act, by_id[pk], now)}
    ids = [act.id for act in last.values() if scope.on_side(by, "undo", act)]
    mine = {line.id for line in History.select(History.id).where(History.id << ids, scope.own(by, History, "undo"))}
    return {pk: act for pk, act in last.items() if act.id in mine}


def can_undo(placement: Placement, by: User | None, now: datetime) -> bool:
    """Whether `by` can undo the last act on this placement at `now`."""
    return placement.id in undoable([placement], by, now)


def newest_of(by: User, now: datetime) -> History | None:
    """What `by` just did at exactly this moment, when it can be undone; of several things done together one of them."""
    done = History.select().where(History.actor == by, History.at == now, History.verb << list(WAYS))
    return done.order_by(History.id.desc()).first()


def together(act: History) -> list[History]:
    """All that was done in one go with this act, itself included."""
    same = (History.actor == act.actor_id) & (History.at == act.at) & (History.verb == act.verb)
    return list(History.select().where(same).order_by(History.id))


def subject(act: History) -> str:
    """Whose stage an act is about, and where."""
    facts = json.loads(act.payload or "{}")
    return f"{facts['participant']} bij {facts['site']}" if facts else audit.ERASED


def _last_act(lines: list[History]) -> History | None:
    """The last act of these lines about a placement, newest first; None when somebody else changed something after it."""
    act = next((line for line in lines if line.verb in WAYS), None)
    if act is None:
        return None
    later = lines[: lines.index(act)]
    return None if any(line.actor_id != act.actor_id for line in later) else act


# ---- undoing it

ALREADY = "Dit is intussen al ongedaan gemaakt. Vernieuw de pagina om te zien hoe het ervoor staat."


def undo(act: History, by: User, now: datetime) -> str:
    """Take back one act on a placement; returns how things stand now, as a sentence. For the one who did it, and for the team.

    Raises RuleError when it is too late, when a mail told of it, or when something else was built on it."""
    scope.require(by, "undo", act)
    if act.verb not in WAYS:
        raise scope.NotYours(f"undo {act.verb}")
    with writing():
        placement = _locked(act)
        _refuse_late(act, now)
        _refuse_built_on(act, placement)
        told = WAYS[act.verb].take_back(placement)
        audit.record(
            by,
            "placement.undone",
            placement,
            at=now,
            what=WAYS[act.verb].what,
            participant=placement.trajectory.participant,
            site=placement.site,
        )
    return told


def _locked(act: History) -> Placement:
    """The placement of an act, with its site and trajectory, all locked. Raises RuleError when the act is not the last one on
    it: undone by now, or followed by another."""
    found = Placement.get_or_none(Placement.id == int(act.object_id))
    if found is None:
        raise RuleError(ALREADY)
    Site.hold(found.site_id)  # in the order of coupling and cancelling
    trajectory = Trajectory.locked(found.trajectory_id)
    History.locked(act.id)  # a mail that tells of it waits, or was written
    lines = audit.standing(Placement, [found.id])
    if act.id not in [line.id for line in lines]:
        raise RuleError(ALREADY)
    if _last_act(lines) != act:
        raise RuleError(f"Ongedaan maken kan niet meer. Intussen gebeurde dit: {audit.sentence(lines[0])}")
    placement = Placement.locked(found.id)
    placement.trajectory = trajectory
    return placement


def _refuse_late(act: History, now: datetime):
    instead = WAYS[act.verb].instead
    if not in_time_to_undo(act.at, now):
        raise RuleError(f"Ongedaan maken kan tot {policy.undo_minutes} minuten nadien. {instead}")
    if news.was_told(act):
        raise RuleError(f"De e-mail hierover is al geschreven. {instead}")


def _refuse_built_on(act: History, placement: Placement):
    """Raise RuleError when things changed since, so that the placement no longer fits as it was before the act."""
    trajectory = placement.trajectory
    who, before = trajectory.participant, _hours_before(act, placement)
    evaluations.refuse_finished(trajectory)
    if trajectory.state == "stopped" and act.verb != "placement.corrected":
        raise RuleError(f"Het traject van {who} is stopgezet. Hervat het eerst.")
    if act.verb == "placement.cancelled":
        refuse_site(placement.site)
    left = trajectory.hours_left() + placement.counted
    if before > left:
        raise RuleError(
            f"De uren van {who} zijn intussen voor iets anders gebruikt. Er is nog {left} uur vrij, en dit zou weer {before} "
            f"uur vragen. {WAYS[act.verb].instead}"
        )


def _hours_before(act: History, placement: Placement) -> int:
    """The share of the 50 hours that the placement had before the act."""
    if act.verb == "placement.coupled":
        return 0
    if act.verb == "placement.corrected":
        earlier = evaluations.versions(placement).offset(1).first()
        return earlier.hours_done if earlier.result == "positive" else 0
    return placement.hours


def _fits(act: History, placement: Placement, now: datetime) -> bool:
    try:
        _refuse_built_on(act, placement)
    except RuleError:
        return False
    return in_time_to_undo(act.at, now)


def _uncouple(placement: Placement) -> str:
    said = (Reminder.object_type == "placement") & (Reminder.object_id == str(placement.id))
    Reminder.delete().where(said).execute()  # SQLite gives its id to another one
    placement.delete_instance()
    return f"De koppeling van {placement} is ongedaan gemaakt. De uren zijn weer vrij."


def _unevaluate(placement: Placement) -> str:
    newest, *earlier = evaluations.versions(placement).limit(2)
    newest.delete_instance()
    if not earlier:
        placement.move("open", result=None, hours_done=None)
        return f"De beoordeling van {placement} is ongedaan gemaakt. De stage wacht weer op een beoordeling."
    placement.move("evaluated", result=earlier[0].result, hours_done=earlier[0].hours_done)
    return f"De verbetering bij {placement} is ongedaan gemaakt. Versie {earlier[0].number} geldt weer."


def _uncancel(placement: Placement) -> str:
    placement.move("open", reason="", no_show=False)
    return f"De koppeling van {placement} is niet langer geannuleerd. De {placement.hours} uur tellen weer mee."


IMPROVE = "Klopt er iets niet, verbeter dan de beoordeling."
WAYS = {
    "placement.coupled": Way("de koppeling", _uncouple, "Gaat de stage niet door, annuleer dan de koppeling."),
    "placement.evaluated": Way("de beoordeling", _unevaluate, IMPROVE),
    "placement.corrected": Way("de verbetering van de beoordeling", _unevaluate, IMPROVE),
    "placement.cancelled": Way("de annulering", _uncancel, "Gaat de stage toch door, koppel de deelnemer dan opnieuw."),
}
"""verb of the act → how it is taken back"""
