"""The start page of the team: what waits for a decision, oldest deadline first."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask import url_for
from flask_admin import AdminIndexView, expose
from peewee import fn

import dutch
from admin_kit import charts
from admin_kit.access import ForRoles
from admin_kit.counting import COUNT_UP_TO
from mails import delivery
from models import Handover, LinkRequest, Proposal, Site, SiteManager, Status, Trajectory, User, statuses
from times import local_date, utcnow
from workflow import clock, statistics

MOST_SHOWN = 100
LATE, WAITING = (statuses.APPLICATION.kinds[key].words for key in ("late", "paused"))


@dataclass
class Task:
    """One line of the list: what, of which kind, who asks, what it is at, and by when. `day` is that of a term of so many
    `days`."""

    title: str
    kind: str
    who: str
    url: str
    status: Status
    due_on: date
    day: int
    days: int

    @property
    def waiting(self) -> bool:
        """Whether somebody outside the team must act first."""
        return self.status.turn != statuses.TEAM

    @property
    def late(self) -> bool:
        return self.status.key == "late"


class Todo(ForRoles, AdminIndexView):
    @expose("/")
    def index(self):
        now = utcnow()
        tasks = sorted(waiting(now), key=lambda task: (task.due_on, task.title))
        groups: dict[str, list[tuple[Task, str, str]]] = {
            LATE: [],
            "Vandaag": [],
            "Deze week": [],
            "Later": [],
            WAITING: [],
        }
        for task in tasks:
            groups[_group(task, local_date(now))].append(
                (task, f"dag {task.day} van {task.days}", _when(task, local_date(now)))
            )
        filled = {title: found for title, found in groups.items() if found}
        state, year = clock.state(now), statistics.applications(now)
        return self.render(
            "admin/todo.html",
            groups=filled,
            today=dutch.weekday(local_date(now)),
            total=_total(),
            shown=len(tasks),
            soon=sum(len(groups[title]) for title in (LATE, "Vandaag", "Deze week")),
            mails=delivery.trouble(now),
            silent=clock.is_silent(state, now),
            ran_at=state.ran_at,
            attests=_attests(),
            figures=year,
            longest=max((task.day for task in tasks if not task.waiting), default=0),
            bars=charts.bars([(f"{monday.day}/{monday.month}", count) for monday, count in year.weeks]),
        )


def waiting(now) -> list[Task]:
    """What waits for the team now, of each kind at most MOST_SHOWN, the earliest deadline first."""
    return [*_applications(now), *_proposals(now), *_handovers(now), *_links(now)]


def next_application(now, after: Site | None = None) -> Site | None:
    """The application with the earliest deadline, other than `after`, that does not wait for its applicant."""
    open_ones = Site.select().where(
        Site.state == "submitted", Site.paused_at.is_null(), Site.id != (after.id if after else 0)
    )
    return open_ones.order_by(Site.due_on, Site.id).first()


def _applications(now):
    sites = list(Site.select().where(Site.state == "submitted").order_by(Site.due_on, Site.id).limit(MOST_SHOWN))
    links = SiteManager.select(SiteManager, User).join(User)
    managers = {
        link.site_id: str(link.user) for link in links.where(SiteManager.site.in_(sites), SiteManager.current())
    }
    for site in sites:
        yield Task(
            f"{site}, {site.municipality}",
            "Nieuwe stageplaats",
            managers.get(site.id, ""),
            url_for("application.show", pk=site.id),
            site.status(local_date(now)),
            site.due_on,
            site.day(now),
            site.term_days,
        )


def _proposals(now):
    query = Proposal.select(Proposal, Site, User).join(Site).switch(Proposal).join(User, on=Proposal.by)
    for one in query.where(Proposal.state == "open").order_by(Proposal.due_on, Proposal.id).limit(MOST_SHOWN):
        url = url_for("application.proposal", pk=one.id)
        yield Task(
            f"{one.site}, {one.site.municipality}",
            "Wijziging",
            str(one.by),
            url,
            one.status(local_date(now)),
            one.due_on,
            one.day(now),
            one.term_days,
        )


def _handovers(now):
    """Those that nobody answered in time."""
    query = Handover.select(Handover, Site, User).join(Site).switch(Handover).join(User, on=Handover.requester)
    query = query.where(Handover.state == "escalated").order_by(Handover.team_due_on, Handover.id)
    for one in query.limit(MOST_SHOWN):
        yield Task(
            f"{one.site}, {one.site.municipality}",
            "Overdracht",
            str(one.requester),
            url_for("handover.show", pk=one.id),
            one.status(local_date(now)),
            one.last_due_on,
            one.day(now),
            one.team_days,
        )


def _links(now):
    """eIDs that do not fit an account by themselves."""
    query = LinkRequest.select(LinkRequest, User).join(User, on=LinkRequest.user).where(LinkRequest.state == "open")
    for one in query.order_by(LinkRequest.due_on, LinkRequest.id).limit(MOST_SHOWN):
        url = url_for("link_request.show", pk=one.id)
        status = one.status(local_date(now))
        yield Task(str(one.user), "eID koppelen", "", url, status, one.due_on, one.day(now), one.term_days)


def _total() -> int:
    """How many there are in all."""
    count = fn.COUNT(1)
    return (
        Site.select(count).where(Site.state == "submitted").scalar()
        + Proposal.select(count).where(Proposal.state == "open").scalar()
        + Handover.select(count).where(Handover.state == "escalated").scalar()
        + LinkRequest.select(count).where(LinkRequest.state == "open").scalar()
    )


def _attests() -> str:
    """How many attests can be released, in words; counted as a list counts. '' when there are none."""
    count = (
        Trajectory.select(Trajectory.id)
        .where(statuses.TRAJECTORY.where(Trajectory, local_date(utcnow()), "passed"))
        .limit(COUNT_UP_TO + 1)
        .count()
    )
    more = f"Meer dan {dutch.number(COUNT_UP_TO)} attesten" if count > COUNT_UP_TO else ""
    return more or (dutch.counted(count, "attest", "attesten") if count else "")


def _group(task, today):
    if task.waiting:
        return WAITING
    if task.late:
        return LATE
    if task.due_on == today:
        return "Vandaag"
    return "Deze week" if task.due_on <= today + timedelta(days=6 - today.weekday()) else "Later"


def _when(task, today) -> str:
    if task.waiting:
        return "de termijn staat stil"
    if task.late:
        return f"moest op {dutch.day(task.due_on)}"
    return f"vandaag, {dutch.day(task.due_on)}" if task.due_on == today else f"tegen {dutch.day(task.due_on)}"
