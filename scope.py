"""Who may see and do what with which rows. What is not granted here is refused.

`listed`: rows one may find, of which one sees the public columns only. `own`: rows one may act on.
Every list, detail, edit, action, lookup, export and verb asks here.
"""

from database import whole_number
from models import Evaluation, Handover, History, Placement, SavedView, Site, SiteManager, SitePeriod, Trajectory
from people import MANAGER, TEAM, User


class NotYours(Exception):
    """This row is not there for this person, or this act is not theirs. Shown as 404: it does not tell which."""


def _managed(by: User):
    """Ids of the sites that this person manages now."""
    return SiteManager.select(SiteManager.site).where(SiteManager.user == by, SiteManager.until.is_null())


def _own_placements(by: User):
    return Placement.select(Placement.id).where(Placement.site.in_(_managed(by)))


def _offered_to(by: User):
    """Handovers that were offered to the confirmed address of this person."""
    address = by.email if by.confirmed_at else ""
    return Handover.offered & (Handover.state == "open") & (Handover.email == address)


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
}
"""role → table → condition for the rows one may act on. The team's own rows are all rows."""

LISTED = {
    MANAGER: {Site: lambda by: Site.state == "approved"},
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
            "view", "edit", "couple", "export", "apply", "answer", "withdraw", "submit_again", "propose", "close",
            "take_over", "offer",
        },
        Placement: {"view", "edit", "change", "cancel", "evaluate", "export"},
        Trajectory: {"history"},
        Handover: {"view", "answer", "withdraw", "export"},
        Evaluation: {"view"},
    },
}  # fmt: skip
"""role → table → what one may do with own rows. The team may do everything."""

SIDES = {
    Handover: {
        "answer": lambda handover, by: handover.asked_id != by.id if handover.offered else handover.asked_id == by.id,
        "withdraw": lambda handover, by: by.id == (handover.asked_id if handover.offered else handover.requester_id),
    },
}
"""table → act → whether it is for this side of an own row; who offers does not answer"""


def _any_of(conditions, model):
    """One condition for several, or one that no row meets."""
    result = model._meta.primary_key.is_null()
    for number, condition in enumerate(conditions):
        result = condition if number == 0 else result | condition
    return result


def own(by: User | None, model):
    """The condition for rows of this table that `by` may act on; nobody (None) owns nothing."""
    if by is None:
        return _any_of([], model)
    if model in PERSONAL:
        return model.user == by
    if TEAM in by.role_names:
        return model._meta.primary_key.is_null(False)
    return _any_of([OWN[role][model](by) for role in by.role_names if model in OWN.get(role, ())], model)


def owns_all(by: User | None, model) -> bool:
    """Whether every row of this table is one's own."""
    return by is not None and model not in PERSONAL and TEAM in by.role_names


def listed(by: User | None, model):
    """The condition for rows of this table that `by` may find: the own ones, and those with public columns."""
    if by is None or TEAM in by.role_names:
        return own(by, model)
    public = [LISTED[role][model](by) for role in by.role_names if model in LISTED.get(role, ())]
    return _any_of([own(by, model), *public], model)


def find(by: User | None, model, pk):
    """The own row with this id (any text), or None."""
    number = whole_number(str(pk))
    if number is None:
        return None
    return model.get_or_none(model._meta.primary_key == number, own(by, model))


def allows(by: User | None, act: str, model) -> bool:
    """Whether any role of `by` has this act on this table (on own rows)."""
    if by is None:
        return False
    return TEAM in by.role_names or any(act in ACTS.get(role, {}).get(model, ()) for role in by.role_names)


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
    return (side is None or side(row, by)) and find(by, model, row.pk) is not None


def require(by: User | None, act: str, row):
    """Raise NotYours unless `by` may do this with this row. The first line of every verb."""
    if not may(by, act, row):
        raise NotYours(f"{act} {type(row).__name__} {row.pk}")
