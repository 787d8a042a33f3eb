"""Who may see and do what with which rows. What is not granted here is refused.

`listed`: rows that a user may find, with their public columns only. `own`: rows on which a user may perform an act, 'view' unless
another is named. An act applies only to rows of the role that grants it: somebody who manages a site and works for an association
may not do for one what only the other role allows. Every list, detail, edit, action, lookup, export and verb asks here.
"""

from collections.abc import Callable, Iterable
from typing import Any

from peewee import Expression, ModelSelect

from database import BaseModel, readings, whole_number
from models import (
    ASSOCIATION,
    MANAGER,
    TEAM,
    Association,
    Evaluation,
    Handover,
    History,
    ImportBatch,
    Membership,
    Participant,
    Placement,
    SavedView,
    Site,
    SiteManager,
    SitePeriod,
    Trajectory,
    User,
)


class NotYours(Exception):
    """The row does not exist for this person, or they may not perform this act. Shown as 404, which does not tell which."""


Table = type[BaseModel]
Condition = Callable[[User], Any]
"""the condition for the rows of a table that belong to this user"""
Test = Callable[[Any, User], bool]
"""whether an act is granted on this row to this user"""


def _managed_sites(by: User) -> "ModelSelect[SiteManager]":
    """Ids of the sites that this person manages now."""
    return SiteManager.select(SiteManager.site).where(SiteManager.user == by, SiteManager.current())


def _own_placements(by: User) -> "ModelSelect[Placement]":
    return Placement.select(Placement.id).where(Placement.site.in_(_managed_sites(by)))


def association_ids(by: User) -> list[int]:
    """Ids of the associations for which this person works now; looked up once per loaded row."""
    if "association_ids" not in by.__dict__:
        current = Membership.select(Membership.association).where(Membership.user == by, Membership.current())
        by.__dict__["association_ids"] = [key for (key,) in current.tuples().iterator()]
    return by.__dict__["association_ids"]


def _works_for(by: User, column: Any) -> Expression:
    """The condition that this column holds one of those associations. Most people work for one: `=` then lets the database use an
    index in the order of the list."""
    ids = association_ids(by)
    return column == ids[0] if len(ids) == 1 else column.in_(ids)


def _own_trajectories(by: User) -> "ModelSelect[Trajectory]":
    """Ids of the trajectories at those associations."""
    return Trajectory.select(Trajectory.id).where(_works_for(by, Trajectory.association))


def _offered_to(by: User) -> Expression:
    """Handovers offered to an address that this person had already confirmed. Those who confirmed it later must follow the link
    in the mail: a mail scanner may have confirmed the address for somebody else, but does not pass on the link."""
    if by.confirmed_at is None:
        return Handover.id.is_null()
    offered = Handover.offered & (Handover.state == "open") & (Handover.email << readings.spellings(by.email))
    return offered & (Handover.created_at >= by.confirmed_at)


OWN: dict[str, dict[Table, Condition]] = {
    MANAGER: {
        Site: lambda by: Site.id.in_(_managed_sites(by)),
        SitePeriod: lambda by: SitePeriod.site.in_(_managed_sites(by)),
        Placement: lambda by: Placement.site.in_(_managed_sites(by)),
        Evaluation: lambda by: Evaluation.placement.in_(_own_placements(by)) | (Evaluation.by == by),
        Trajectory: lambda by: Trajectory.id.in_(
            Placement.select(Placement.trajectory).where(Placement.site.in_(_managed_sites(by)))
        ),
        History: lambda by: History.site_id.in_(_managed_sites(by)),
        Handover: lambda by: (Handover.asked == by) | (Handover.requester == by) | _offered_to(by),
    },
    ASSOCIATION: {
        Association: lambda by: _works_for(by, Association.id),
        Participant: lambda by: Participant.id.in_(
            Trajectory.select(Trajectory.participant).where(_works_for(by, Trajectory.association))
        ),
        Trajectory: lambda by: _works_for(by, Trajectory.association),
        Placement: lambda by: _works_for(by, Placement.association_id),
        Evaluation: lambda by: Evaluation.placement.in_(
            Placement.select(Placement.id).where(_works_for(by, Placement.association_id))
        ),
        History: lambda by: History.trajectory_id.in_(_own_trajectories(by)),
        Site: lambda by: Site.state == "approved",
        ImportBatch: lambda by: (
            ((ImportBatch.by == by) & ImportBatch.association.is_null()) | _works_for(by, ImportBatch.association)
        ),
    },
}
"""role → table → condition for the rows to which the acts in ACTS apply. For the team these are all rows."""

LISTED: dict[str, dict[Table, Condition]] = {
    MANAGER: {Site: lambda by: Site.state == "approved"},
    ASSOCIATION: {Site: lambda by: Site.state == "approved"},
}
"""role → table → condition for further rows that may be found, with their public columns only"""

PERSONAL: dict[Table, dict[str, Test]] = {
    SavedView: {
        "open": lambda view, by: view.user_id == by.id or view.shared_with in by.role_names,
        "forget": lambda view, by: view.user_id == by.id,
    },
}
"""table → act → whether it is granted on a row that belongs to a person instead of a role"""

ACTS: dict[str, dict[Table, set[str]]] = {
    MANAGER: {
        Site: {
            "view",
            "edit",
            "couple",
            "export",
            "apply",
            "answer",
            "withdraw",
            "submit_again",
            "propose",
            "close",
            "take_over",
            "offer",
        },
        Placement: {"view", "edit", "change", "cancel", "evaluate", "export"},
        Trajectory: {"history"},
        Handover: {"view", "answer", "withdraw", "export"},
        Evaluation: {"view"},
        History: {"view", "undo"},
    },
    ASSOCIATION: {
        Site: {"couple", "export"},
        Association: {"view"},
        Participant: {"view", "add", "edit", "export", "import"},
        Trajectory: {"view", "add", "edit", "export", "history", "couple", "final", "stop", "resume", "attest"},
        Placement: {"view", "edit", "change", "cancel", "evaluate", "export"},
        Evaluation: {"view"},
        History: {"view", "undo"},
        ImportBatch: {"view", "confirm", "drop", "undo"},
    },
}
"""role → table → acts that are granted on own rows. The team may do everything."""


def _shared(participant: Participant, by: User) -> bool:
    """Whether somebody else's association has a trajectory of this person too (domain rule 14)."""
    elsewhere = Trajectory.association.not_in(association_ids(by))
    return Trajectory.select().where(Trajectory.participant == participant, elsewhere).exists()


SIDES: dict[Table, dict[str, Test]] = {
    Participant: {"edit": lambda participant, by: not _shared(participant, by)},
    Trajectory: {"edit": lambda trajectory, by: trajectory.untouched},
    History: {"undo": lambda line, by: line.actor_id == by.id},
    Handover: {
        "answer": lambda handover, by: handover.asked_id != by.id if handover.offered else handover.asked_id == by.id,
        "withdraw": lambda handover, by: by.id == (handover.asked_id if handover.offered else handover.requester_id),
    },
}
"""table → act → a further test on own rows: which party may perform it, or in which state; the one who offers does not answer,
only the one who did something undoes it"""


def _any_of(conditions: Iterable[Any], model: Table) -> Any:
    """The conditions joined by OR; without conditions one that no row meets."""
    key: Any = model._meta.primary_key
    result = key.is_null()
    for number, condition in enumerate(conditions):
        result = condition if number == 0 else result | condition
    return result


def own(by: User | None, model: Any, act: str = "view") -> Any:
    """The condition for rows of this table on which `by` may perform this act; nobody (None) owns nothing."""
    if by is None:
        return _any_of([], model)
    if model in PERSONAL:
        return model.user == by
    if TEAM in by.role_names:
        return model._meta.primary_key.is_null(False)
    return _any_of([OWN[role][model](by) for role in _roles_with(by, act, model)], model)


def _roles_with(by: User, act: str, model: Table) -> list[str]:
    """The roles of `by`, other than the team's, that grant this act on own rows of this table."""
    return [role for role in sorted(by.role_names) if act in ACTS.get(role, {}).get(model, ())]


def owns_all(by: User | None, model: Table) -> bool:
    """Whether every row of this table is an own row of `by`."""
    return by is not None and model not in PERSONAL and TEAM in by.role_names


def listed(by: User | None, model: Table) -> Any:
    """The condition for rows of this table that `by` may find: own rows, and those with public columns."""
    if by is None or TEAM in by.role_names:
        return own(by, model)
    public = [LISTED[role][model](by) for role in sorted(by.role_names) if model in LISTED.get(role, ())]
    return _any_of([own(by, model), *public], model)


def find(by: User | None, model: Any, pk: object, act: str = "view") -> Any:
    """The row with this id (any text), or None when there is none on which `by` may perform this act."""
    number = whole_number(str(pk))
    if number is None:
        return None
    return model.get_or_none(model._meta.primary_key == number, own(by, model, act))


def allows(by: User | None, act: str, model: Table) -> bool:
    """Whether any role of `by` grants this act on own rows of this table."""
    return by is not None and (TEAM in by.role_names or bool(_roles_with(by, act, model)))


def may(by: User | None, act: str, row: BaseModel) -> bool:
    """Whether `by` may perform this act on this row. Whose row it is, the database says: the row may be older, or changed and not
    saved yet."""
    model = type(row)
    if by is None:
        return False
    if model in PERSONAL:
        return act in PERSONAL[model] and PERSONAL[model][act](row, by)
    if not allows(by, act, model):
        return False
    return TEAM in by.role_names or (on_side(by, act, row) and _owns(by, act, row))


def on_side(by: User, act: str, row: BaseModel) -> bool:
    """Whether `by` is the party that may perform this act on this row, in the state that it is in; for the team always true."""
    side = SIDES.get(type(row), {}).get(act)
    return TEAM in by.role_names or side is None or side(row, by)


def _owns(by: User, act: str, row: BaseModel) -> bool:
    if row.pk is None:
        return False
    model = type(row)
    return model.select().where(model._meta.primary_key == row.pk, own(by, model, act)).exists()


def require(by: User | None, act: str, row: BaseModel) -> None:
    """Raise NotYours unless `by` may perform this act on this row. The first line of every verb."""
    if not may(by, act, row):
        raise NotYours(f"{act} {type(row).__name__} {row.pk}")
