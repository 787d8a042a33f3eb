"""News of the other side about a stage: the site's manager hears from the association and the team, the association
from the site."""

import json

from peewee import fn

import audit
import mails
from models import TEAM, History, Membership, Placement, Role, SiteManager, Trajectory, UserRole
from times import end_of_day
from workflow.deadlines.shared import ONE_MAIL, DeadlineRule, Due, days_of, morning, one_mail, was_said
from workflow.deadlines.stages import joined, trainee

DAYS_BACK = 3  # after a longer silence of the clock it is no longer news
WORDS = {
    "placement.coupled": "gekoppeld voor {hours} uur",
    "placement.changed": "koppeling gewijzigd",
    "placement.cancelled": "koppeling geannuleerd",
    "placement.evaluated": "beoordeeld, {result}, {hours_done} uur",
    "placement.corrected": "beoordeling verbeterd, nu {result}, {hours_done} uur",
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


def _news(kind, own_side, now, since):
    """Lines of the days before this morning, by anyone but the reader's side, that were not mailed yet and not undone
    since; with their placement."""
    last = morning(now) - days_of(1)
    first = max(last - days_of(DAYS_BACK), since - days_of(1))
    query = History.select(History, BY_TEAM.alias("by_team")).where(
        History.verb << list(WORDS),
        History.at >= end_of_day(first),
        History.at < end_of_day(last),
        ~own_side,
        ~was_said(History, kind),
        History.payload.is_null(False),
    )
    lines = list(query.order_by(History.id))
    if not lines:
        return
    ids = [int(line.object_id) for line in lines]
    standing = set(audit.standing(Placement, ids, end_of_day(first)))
    found = {one.id: one for one in joined().where(Placement.id.in_(ids))}
    for line in lines:
        placement = found.get(int(line.object_id))
        if placement and line in standing:
            yield line, placement


def was_told(line: History) -> bool:
    """Whether a mail with this line was written."""
    either = was_said(History, "news_site") | was_said(History, "news_association")
    return History.select().where(History.id == line.id, either).exists()


def _words(line, placement) -> str:
    facts = json.loads(line.payload)
    what = WORDS[line.verb].format_map(facts)
    who = "het team Kadervorming" if line.by_team else facts["who"]
    return f"{trainee(placement.trajectory.participant)}, {placement.site}: {what}, door {who}"


def _for_managers(now, since):
    for line, placement in _news("news_site", MANAGES, now, since):
        link = getattr(placement.site, "managed", None)
        manager = link.user if link and link.user_id and link.user.active else None
        yield Due(line, line.at.date(), _words(line, placement), manager)


def _for_associations(now, since):
    for line, placement in _news("news_association", WORKS_THERE, now, since):
        yield Due(line, line.at.date(), _words(line, placement), placement.trajectory.association)


def _tell_manager(manager, dues, now):
    if manager is not None:  # a site without a manager: nobody to tell
        mails.news_for_manager(manager, [due.words for due in dues], now)


def _tell_association(association, dues, now):
    mails.association_reminder("news_association", association, [due.words for due in dues], now)


ANY = History.id.is_null(False)
POINTS = (
    DeadlineRule(
        "news_site",
        "Iemand anders koppelde of beoordeelde bij de stageplaats",
        "De verantwoordelijke weet wie er komt.",
        f"{ONE_MAIL}, over de dag ervoor",
        "na die ene e-mail",
        lambda now, since: list(_for_managers(now, since)),
        one_mail(History, "news_site", ANY, _tell_manager),
    ),
    DeadlineRule(
        "news_association",
        "Een stageplaats koppelde of beoordeelde een deelnemer",
        "De vereniging volgt haar deelnemers.",
        f"{ONE_MAIL}, over de dag ervoor",
        "na die ene e-mail",
        lambda now, since: list(_for_associations(now, since)),
        one_mail(History, "news_association", ANY, _tell_association),
    ),
)
