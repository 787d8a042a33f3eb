"""Deadlines and reminders, each with its reason, its limit and what stops it (domain rule 15): the catalogue that the
clock runs.

A rule finds what is due from dates in columns, and treats it. What was said once is a row of `reminder`, so a sweep
may run late, twice, or beside another. Reminders leave in the morning; a term ends with its last day (both in
Brussels)."""

from workflow.deadlines import applications, digest, handovers, people, registrations, trajectories, weekly
from workflow.deadlines.shared import Due, TurningPoint

CATALOGUE: tuple[TurningPoint, ...] = tuple(
    point
    for module in (applications, handovers, registrations, trajectories, people, digest, weekly)
    for point in module.POINTS
)

__all__ = ["CATALOGUE", "Due", "TurningPoint"]
