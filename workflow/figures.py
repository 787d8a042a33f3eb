"""Figures over trajectories: how many started, were coupled, evaluated, passed, or expired, by year of the course, type or
association. What is counted is counted in the database, in one query."""

from dataclasses import dataclass
from datetime import date

from peewee import Case, fn

from models import TYPES, Association, Placement, Trajectory

MEASURES = {
    "started": "Gestart",
    "coupled": "Gekoppeld",
    "evaluated": "Beoordeeld",
    "passed": "Geslaagd",
    "failed": "Niet geslaagd",
    "expired": "Verlopen",
    "stopped": "Stopgezet",
}
"""what is counted of each group; a trajectory that was coupled was started too"""
GROUPS = {"jaar": "Jaar van de cursus", "type": "Traject", "vereniging": "Vereniging"}


@dataclass
class Figures:
    """One group: its name, and a number for each of MEASURES."""

    name: str
    numbers: dict[str, int]

    @property
    def dropped_out(self) -> int:
        """How many of those who started will not get there: expired or stopped."""
        return self.numbers["expired"] + self.numbers["stopped"]


def by(
    group: str, today: date, year: int | None = None, kind: str = "", association: int | None = None
) -> list[Figures]:
    """The figures for each value of `group` (a key of GROUPS), narrowed to a year of the course, a type, an association."""
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
    found = [Figures(names(key), dict(zip(MEASURES, numbers, strict=True))) for key, *numbers in query.tuples()]
    return found if group == "jaar" else sorted(found, key=lambda one: -one.numbers["started"])


def _counts(today):
    def placed(*conditions):
        return fn.EXISTS(Placement.select(Placement.id).where(Placement.trajectory == Trajectory.id, *conditions))

    expired = (Trajectory.state == "open") & (Trajectory.ends_on < today)
    yield fn.COUNT(Trajectory.id)
    for condition in (
        placed(Placement.state != "cancelled"),
        placed(Placement.state == "evaluated"),
        Trajectory.outcome << ("passed", "attested"),
        Trajectory.outcome == "failed",
        expired,
        Trajectory.state == "stopped",
    ):
        yield fn.SUM(Case(None, [(condition, 1)], 0))


def _names(group):
    if group == "type":
        return TYPES.get
    if group == "vereniging":
        names = dict(Association.select(Association.id, Association.name).tuples())
        return names.get
    return lambda year: str(int(year))


def years() -> list[int]:
    """The years in which courses started, the newest first."""
    first, last = Trajectory.select(fn.MIN(Trajectory.course_started_on), fn.MAX(Trajectory.course_started_on)).scalar(
        as_tuple=True
    )
    return list(range(last.year, first.year - 1, -1)) if first else []
