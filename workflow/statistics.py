"""Statistics of trajectories: how many started, were coupled, evaluated, passed, or expired, by year of the course,
type or association, counted by the database in one query. And how the applications of this year went."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median_low

from peewee import Case, fn

from database import as_tuples
from models import TYPES, Association, Placement, Site, Trajectory, statuses
from times import at_hour, local_date

MEASURES = {
    "started": "Gestart",
    "coupled": "Gekoppeld",
    "evaluated": "Beoordeeld",
    "passed": statuses.TRAJECTORY.kinds["passed"].words,
    "failed": statuses.TRAJECTORY.kinds["failed"].words,
    "expired": statuses.TRAJECTORY.kinds["expired"].words,
    "stopped": statuses.TRAJECTORY.kinds["stopped"].words,
}
"""what is counted per group; a coupled trajectory was started too"""
WEEKS = 8
GROUPS = {"jaar": "Jaar van de cursus", "type": "Traject", "vereniging": "Vereniging"}


@dataclass
class Figures:
    """One group: its name, and a number for each of MEASURES."""

    name: str
    numbers: dict[str, int]

    @property
    def dropped_out(self) -> int:
        """How many of those who started will not finish: expired or stopped."""
        return self.numbers["expired"] + self.numbers["stopped"]


def by(
    group: str, today: date, year: int | None = None, kind: str = "", association: int | None = None
) -> list[Figures]:
    """The figures for each value of `group` (a key of GROUPS), filtered by year of the course, type, association."""
    started = Trajectory.course_started_on
    key = {"jaar": started.year, "type": Trajectory.type, "vereniging": Trajectory.association}[group]
    query = Trajectory.select(key, *_counts(today)).group_by(key).order_by(key)
    if year:
        query = query.where(started.between(date(year, 1, 1), date(year, 12, 31)))
    if kind:
        query = query.where(Trajectory.type == kind)
    if association:
        query = query.where(Trajectory.association == association)
    names = _names(group)
    found = [Figures(names(key), dict(zip(MEASURES, numbers, strict=True))) for key, *numbers in as_tuples(query)]
    return _every_year(found) if group == "jaar" else sorted(found, key=lambda one: -one.numbers["started"])


def _every_year(found) -> list[Figures]:
    """The years from the first to the last, also those without a start."""
    known = {int(one.name): one for one in found}
    years = range(min(known), max(known) + 1) if known else ()
    return [known.get(year) or Figures(str(year), dict.fromkeys(MEASURES, 0)) for year in years]


def _counts(today):
    def placed(*conditions):
        return fn.EXISTS(Placement.select(Placement.id).where(Placement.trajectory == Trajectory.id, *conditions))

    def at(*keys):
        return statuses.TRAJECTORY.where(Trajectory, today, *keys)

    yield fn.COUNT(Trajectory.id)
    for condition in (
        placed(Placement.state != "cancelled"),
        placed(Placement.state == "evaluated"),
        at("passed", "attested"),
        at("failed"),
        at("expired"),
        at("stopped"),
    ):
        yield fn.SUM(Case(None, [(condition, 1)], 0))


def _names(group):
    if group == "type":
        return TYPES.get
    if group == "vereniging":
        names: dict[int, str] = dict(as_tuples(Association.select(Association.id, Association.name)))
        return names.get
    return lambda year: str(int(year))


def years() -> list[int]:
    """The years in which courses started, the newest first."""
    first, last = Trajectory.select(fn.MIN(Trajectory.course_started_on), fn.MAX(Trajectory.course_started_on)).scalar(
        as_tuple=True
    )
    return list(range(last.year, first.year - 1, -1)) if first else []


@dataclass
class Applications:
    """How the applications for a new site went in the year of today.

    `in_time`: the percentage decided by the last day of the term; `usual_days`: the median from submission
    to decision in days, including days of waiting for the applicant; both None when nothing was decided.
    `weeks`: the Monday of each of the last WEEKS weeks, and how many came in it."""

    year: int
    received: int
    in_time: int | None
    usual_days: int | None
    weeks: list[tuple[date, int]]


def applications(now: datetime) -> Applications:
    """The figures at `now` (UTC), days in Brussels. A site that the team created itself was no application."""
    today = local_date(now)
    new_year, this_week = date(today.year, 1, 1), today - timedelta(days=today.weekday())
    weeks = {this_week - timedelta(weeks=number): 0 for number in reversed(range(WEEKS))}
    received, days, late = 0, [], 0
    for site in _submitted_since(min(new_year, *weeks)):
        came = local_date(site.submitted_at)
        monday = came - timedelta(days=came.weekday())
        if monday in weeks:
            weeks[monday] += 1
        if came < new_year:
            continue
        received += 1
        if site.decided_at and site.state != "withdrawn":
            days.append((local_date(site.decided_at) - came).days)
            late += local_date(site.decided_at) > site.due_on
    in_time = round(100 * (len(days) - late) / len(days)) if days else None
    return Applications(today.year, received, in_time, median_low(days) if days else None, list(weeks.items()))


def _submitted_since(day):
    """What was submitted on `day` or later. No term ends before its application came, and terms have an index."""
    fields = Site.submitted_at, Site.decided_at, Site.due_on, Site.state
    by_itself = Site.decided_at.is_null() | (Site.decided_at != Site.submitted_at)
    return Site.select(*fields).where(Site.due_on >= day, Site.submitted_at >= at_hour(day, 0), by_itself).iterator()
