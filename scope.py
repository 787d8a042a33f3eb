"""Who may see and do what with which rows. What is not granted here is refused.

`listed`: rows one may find, of which one sees the public columns only. `own`: rows on which one may do something, 'view' unless
another act is named. An act counts for the rows of the same role only: who manages a site and works for an association may not do
at one what only the other allows. Every list, detail, edit, action, lookup, export and verb asks here.
"""

from database import readings, whole_number
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
    """This row is not there for this person, or this act is not theirs. Shown as 404: it does not tell which."""


def _managed(by: User):
    """Ids of the sites that this person manages now."""
    return SiteManager.select(SiteManager.site).where(SiteManager.user == by, SiteManager.current())


def _own_placements(by: User):
    return Placement.select(Placement.id).where(Placement.site.in_(_managed(by)))


def association_ids(by: User) -> list[int]:
    """Ids of the associations for which this person works now; asked once per loaded row."""
    if "association_ids" not in by.__dict__:
        current = Membership.select(Membership.association).where(Membership.user == by, Membership.current())
        by.__dict__["association_ids"] = [key for (key,) in current.tuples()]
    return by.__dict__["association_ids"]


def _works_for(by: User, column):
    """The condition that this column names one of those associations: one id, for most work for one, so that an index in the
    order of a list serves."""
    ids = association_ids(by)
    return column == ids[0] if len(ids) == 1 else column.in_(ids)


def _guided(by: User):
    """Ids of the trajectories at those associations."""
    return Trajectory.select(Trajectory.id).where(_works_for(by, Trajectory.association))


def _offered_to(by: User):
    """Handovers that were offered to an address which this person had confirmed by then. Whoever confirmed it later follows the
    link in the mail: a mail scanner may have confirmed the address for somebody else, but it passes no link on."""
    if by.confirmed_at is None:
        return Handover.id.is_null()
    here = Handover.offered & (Handover.state == "open") & (Handover.email << readings.spellings(by.email))
    return here & (Handover.created_at >= by.confirmed_at)


OWN = {
    MANAGER: {
        Site: lambda by: Site.id.in_(_managed(by)),
        SitePeriod: lambda by: SitePeriod.site.in_(_managed(by)),
        Placement: lambda by: Placement.site.in_(_managed(by)),
        Evaluation: lambda by: Evaluation.placement.in_(_own_placements(by)) | (Evaluation.by == by),
        Trajectory: lambda by: Trajectory.id.in_(
            Placement.select(Placement.trajectory).where(Placement.site.in_(_managed(by)))
        ),
        History: lambda by: History.site_id.in_(_managed(by)),
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
        History: lambda by: History.trajectory_id.in_(_guided(by)),
        Site: lambda by: Site.state == "approved",
        ImportBatch: lambda by: (
            ((ImportBatch.by == by) & ImportBatch.association.is_null()) | _works_for(by, ImportBatch.association)
        ),
    },
}
"""role → table → condition for the rows of which ACTS tells what one may do with them. The team's own rows are all rows."""

LISTED = {
    MANAGER: {Site: lambda by: Site.state == "approved"},
    ASSOCIATION: {Site: lambda by: Site.state == "approved"},
}
"""role → table → condition for further rows that one may find, public columns only."""

PERSONAL = {
    SavedView: {
        "open": lambda view, by: view.user_id == by.id or view.shared_with in by.role_names,
        "forget": lambda view, by: view.user_id == by.id,
    },
}
"""table → act → whether it is granted on a row that belongs to a person and not to a role"""

ACTS = {
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
        History: {"view"},
    },
    ASSOCIATION: {
        Site: {"couple", "export"},
        Association: {"view"},
        Participant: {"view", "add", "edit", "export", "import"},
        Trajectory: {"view", "add", "edit", "export", "history", "couple", "final", "stop", "resume", "attest"},
        Placement: {"view", "edit", "change", "cancel", "evaluate", "export"},
        Evaluation: {"view"},
        History: {"view"},
        ImportBatch: {"view", "confirm", "drop", "undo"},
    },
}
"""role → table → what one may do with own rows. The team may do everything."""


def _shared(participant: Participant, by: User) -> bool:
    """Whether somebody else's association has a trajectory of this person too (domain rule 14)."""
    elsewhere = Trajectory.association.not_in(association_ids(by))
    return Trajectory.select().where(Trajectory.participant == participant, elsewhere).exists()


SIDES = {
    Participant: {"edit": lambda participant, by: not _shared(participant, by)},
    Trajectory: {"edit": lambda trajectory, by: trajectory.untouched},
    Handover: {
        "answer": lambda handover, by: handover.asked_id != by.id if handover.offered else handover.asked_id == by.id,
        "withdraw": lambda handover, by: by.id == (handover.asked_id if handover.offered else handover.requester_id),
    },
}
"""table → act → whether it is for this side of an own row, or for this row as it is; who offers does not answer"""


def _any_of(conditions, model):
    """One condition for several, or one that no row meets."""
    result = model._meta.primary_key.is_null()
    for number, condition in enumerate(conditions):
        result = condition if number == 0 else result | condition
    return result


def own(by: User | None, model, act: str = "view"):
    """The condition for rows of this table with which `by` may do this; nobody (None) owns nothing."""
    if by is None:
        return _any_of([], model)
    if model in PERSONAL:
        return model.user == by
    if TEAM in by.role_names:
        return model._meta.primary_key.is_null(False)
    return _any_of([OWN[role][model](by) for role in _roles_with(by, act, model)], model)


def _roles_with(by: User, act: str, model) -> list[str]:
    """The limited roles of `by` that have this act on own rows of this table."""
    return [role for role in sorted(by.role_names) if act in ACTS.get(role, {}).get(model, ())]


def owns_all(by: User | None, model) -> bool:
    """Whether every row of this table is one's own."""
    return by is not None and model not in PERSONAL and TEAM in by.role_names


def listed(by: User | None, model):
    """The condition for rows of this table that `by` may find: the own ones, and those with public columns."""
    if by is None or TEAM in by.role_names:
        return own(by, model)
    public = [LISTED[role][model](by) for role in sorted(by.role_names) if model in LISTED.get(role, ())]
    return _any_of([own(by, model), *public], model)


def find(by: User | None, model, pk, act: str = "view"):
    """The row with this id (any text) when `by` may do this with it, or None."""
    number = whole_number(str(pk))
    if number is None:
        return None
    return model.get_or_none(model._meta.primary_key == number, own(by, model, act))


def allows(by: User | None, act: str, model) -> bool:
    """Whether any role of `by` has this act on this table (on own rows)."""
    return by is not None and (TEAM in by.role_names or bool(_roles_with(by, act, model)))


def may(by: User | None, act: str, row) -> bool:
    """Whether `by` may do this with this row."""
    model = type(row)
    if model in PERSONAL:
        return by is not None and act in PERSONAL[model] and PERSONAL[model][act](row, by)
    if not allows(by, act, model):
        return False
    if TEAM in by.role_names:
        return True
    side = SIDES.get(model, {}).get(act)
    return (side is None or side(row, by)) and find(by, model, row.pk, act) is not None


def require(by: User | None, act: str, row):
    """Raise NotYours unless `by` may do this with this row. The first line of every verb."""
    if not may(by, act, row):
        raise NotYours(f"{act} {type(row).__name__} {row.pk}")
