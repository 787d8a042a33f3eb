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

    @property
    def day_words(self) -> str:
        """Which day of its term it is, unless the words of the status tell it."""
        words = f"dag {self.day} van {self.days}"
        return "" if words in self.status.words else words

    @property
    def when(self) -> str:
        """By when it is due, in words."""
        today = local_date(utcnow())
        if self.waiting:
            return "de termijn staat stil"
        if self.late:
            return f"moest op {dutch.day(self.due_on)}"
        return f"vandaag, {dutch.day(self.due_on)}" if self.due_on == today else f"tegen {dutch.day(self.due_on)}"


class Todo(ForRoles, AdminIndexView):
    @expose("/")
    def index(self):
        now = utcnow()
        tasks = sorted(waiting(now), key=lambda task: (task.due_on, task.title))
        groups: dict[str, list[Task]] = {
            LATE: [],
            "Vandaag": [],
            "Deze week": [],
            "Later": [],
            WAITING: [],
        }
        for task in tasks:
            groups[_group(task, local_date(now))].append(task)
        state, year = clock.state(now), statistics.applications(now)
        silent, mails = clock.is_silent(state, now), delivery.trouble(now)
        bars = charts.bars([(f"{monday.day}/{monday.month}", count) for monday, count in year.weeks], each=2)
        return self.render(
            "admin/todo.html",
            groups=[Group(title, found) for title, found in groups.items() if found],
            today=dutch.weekday(local_date(now)),
            total=_total(),
            shown=len(tasks),
            soon=_soon(sum(len(groups[title]) for title in (LATE, "Vandaag", "Deze week"))),
            notices=list(_notices(silent, mails, _attests())),
            all_works=not silent and not mails,
            ran_at=state.ran_at,
            figures=year,
            year_figures=_year_figures(year, max((task.day for task in tasks if not task.waiting), default=0)),
            bars=bars if any(count for _, count in year.weeks) else [],
            bars_words=" ".join(f"Week van {bar['name']}: {bar['count']}." for bar in bars),
        )


@dataclass(frozen=True)
class Group:
    """Tasks that are due at about the same time."""

    title: str
    tasks: list[Task]

    @property
    def css(self) -> str:
        return "group-late" if self.title == LATE else ""


@dataclass(frozen=True)
class Notice:
    """What the team should know first: in bold what is the matter, what follows it, and where one does something about it."""

    text: str
    label: str
    url: str
    more: str = ""
    css: str = "notice warn"


def _notices(silent: bool, mails: int, attests: str):
    if silent:
        more = " Herinneringen en termijnen lopen achter."
        yield Notice("De klok staat stil.", "Bekijk wat er moet gebeuren", url_for("clock.index"), more)
    if mails:
        words = f"{mails} {'e-mail kwam' if mails == 1 else 'e-mails kwamen'} niet aan."
        yield Notice(words, "Bekijk wat er misging", url_for("mail.index_view", tab="failed"))
    if attests:
        url = url_for("attested.index_view", tab="passed")
        yield Notice(f"{attests} klaar om uit te reiken.", "Bekijk en reik uit", url, css="notice")


def _soon(count: int) -> str:
    """How much there is to do this week."""
    if not count:
        return "Deze week is er niets dringends"
    return f"{dutch.counted(count, 'taak', 'taken')} deze week"


def _year_figures(year, longest: int) -> list[tuple[str, str]]:
    """(label, figure) of this year, as far as there is anything to tell."""
    told = [("aanvragen dit jaar", dutch.number(year.received))]
    if year.in_time is not None:
        days = dutch.counted(year.usual_days, "dag", "dagen")
        told = [("op tijd beslist", f"{year.in_time} %"), ("meestal beslist na", days), *told]
    return [*told, ("wacht het langst", dutch.counted(longest, "dag", "dagen"))] if longest else told


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
