"""News of the other side about a stage, for a digest: the site's manager hears what the association and the team did,
the association what the site and the team did."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from peewee import fn

from models import TEAM, History, Membership, Placement, Role, SiteManager, Trajectory, UserRole
from times import end_of_day
from workflow.deadlines.shared import days_of, said
from workflow.deadlines.stages import joined, trainee

WEEKS_BACK = 3  # after a longer silence it is no longer news
WORDS = {
    "placement.coupled": "koppelde {whom}, {hours} uur",
    "placement.changed": "wijzigde de koppeling van {whom}",
    "placement.cancelled": "annuleerde de koppeling van {whom}",
    "placement.evaluated": "beoordeelde {whom}: {result}, {hours_done} uur",
    "placement.corrected": "verbeterde de beoordeling van {whom}: nu {result}, {hours_done} uur",
}
"""verb of the history → what a mail says about it; a reason stays in the tool"""

MANAGES = fn.EXISTS(
    SiteManager.select(SiteManager.id).where(
        SiteManager.site == History.site_id, SiteManager.user == History.actor, SiteManager.current()
    )
)
WORKS_THERE = fn.EXISTS(
    Membership.select(Membership.id)
    .join(Trajectory, on=Trajectory.association == Membership.association)
    .where(Trajectory.id == History.trajectory_id, Membership.user == History.actor, Membership.current())
)

BY_TEAM = fn.EXISTS(UserRole.select(UserRole.id).join(Role).where(UserRole.user == History.actor, Role.name == TEAM))
"""mails do not name team members"""


def lines(kind: str, own_side, monday: date, since: date) -> Iterator[tuple[History, Placement]]:
    """What anyone but the reader's side did in the weeks before this Monday and was not told yet, each with its
    placement. `kind`: how it is remembered that it was told."""
    last = monday - days_of(1)
    first = max(last - days_of(7 * WEEKS_BACK), since - days_of(1))
    sides = BY_TEAM.alias("by_team"), WORKS_THERE.alias("by_association"), MANAGES.alias("by_site")
    query = History.select(History, *sides).where(
        History.verb << list(WORDS),
        History.at >= end_of_day(first),
        History.at < end_of_day(last),
        ~own_side,
        ~said(History, kind),
        History.payload.is_null(False),
    )
    found = list(query.order_by(History.id))
    if not found:
        return
    about = {one.id: one for one in joined().where(Placement.id.in_([int(line.object_id) for line in found]))}
    for line in found:
        if placement := about.get(int(line.object_id)):
            yield line, placement


def words(line: Any, placement: Placement) -> str:
    """What was done, as a sentence: which side, what, whom and where. People are named only when they are of neither
    side, such as a former manager."""
    facts, where = json.loads(line.payload), f", bij {placement.site}"
    who = facts["who"]
    if line.by_team:
        who = "Het team Kadervorming"
    elif line.by_association:
        who = placement.trajectory.association
    elif line.by_site:
        who, where = placement.site, ""
    what = WORDS[line.verb].format_map({**facts, "whom": trainee(placement.trajectory.participant)})
    return f"{who} {what}{where}"
