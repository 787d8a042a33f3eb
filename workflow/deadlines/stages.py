"""Stages that nobody evaluated: which of them a digest names, to the manager of the site and then to the association."""

from dataclasses import dataclass
from datetime import date, timedelta

from peewee import JOIN, fn

from models import Association, Participant, Placement, Reminder, Site, SiteManager, Trajectory, User, tell
from times import at_hour, days_after, end_of_day
from workflow.deadlines.shared import REMIND_HOUR, days_of, said

EVALUATE_AFTER = 14, 42  # days after the expected end of the stage: its manager
ASSOCIATION_AFTER = 56  # then the association
EVALUATE_UNTIL = 84  # no reminders after that
NO_END_DAYS = 46
"""without an expected end a stage counts as over this many days after coupling: its first reminder comes on day 60"""
tell(evaluate_after=lambda: EVALUATE_AFTER, association_after=lambda: ASSOCIATION_AFTER)

FIRST, SECOND, ASSOCIATION = "evaluate_first", "evaluate_second", "evaluate_association"
RUNNING = Trajectory.select(Trajectory.id).where(Trajectory.id == Placement.trajectory, Trajectory.state == "open")
WAITING = (Placement.state == "open") & fn.EXISTS(RUNNING)


@dataclass(frozen=True)
class Turn:
    """A time to name a stage: from `first` to `last` days (exclusive) after its end. `kind`: how it is remembered."""

    kind: str
    first: int
    last: int


def for_manager() -> tuple[Turn, ...]:
    """The turns of the manager of the site. A second one that comes late still comes."""
    first, second = EVALUATE_AFTER
    return Turn(FIRST, first, second), Turn(SECOND, second, EVALUATE_UNTIL)


def for_association() -> tuple[Turn, ...]:
    return (Turn(ASSOCIATION, ASSOCIATION_AFTER, EVALUATE_UNTIL),)


def expected_end(placement: Placement) -> date:
    """When a stage should be over: the expected end date, or some weeks after coupling."""
    return placement.ends_on or days_after(placement.created_at, NO_END_DAYS)


def trainee(participant: Participant) -> str:
    """A participant as named in a mail: no more than is needed to recognise them."""
    return f"{participant.call_name} ({participant.kavo_id})"


def due(turn: Turn, monday: date, since: date):
    """The stages whose turn has come on this Monday, and which were not named for it. Those that were coupled after
    that morning wait for the next."""
    newest = monday - days_of(turn.first)
    oldest = max(monday - days_of(turn.last - 1), since - days_of(turn.first))
    return _between(oldest, newest, monday, [turn.kind], named=False)


def named_before(turns: tuple[Turn, ...], monday: date):
    """The stages that were named for one of these turns, and still wait."""
    oldest, newest = monday - days_of(turns[-1].last - 1), monday - days_of(turns[0].first)
    return _between(oldest, newest, monday, [turn.kind for turn in turns], named=True)


def _between(oldest, newest, monday, kinds, named):
    """Open placements whose stage ended between two days; one query for each way to know the end."""
    with_end = Placement.ends_on.between(oldest, newest)
    coupled_from = end_of_day(oldest - days_of(NO_END_DAYS + 1))
    coupled_until = end_of_day(newest - days_of(NO_END_DAYS)) - timedelta(microseconds=1)
    without_end = Placement.ends_on.is_null() & Placement.created_at.between(coupled_from, coupled_until)
    for when, term in ((with_end, [Reminder.due_on == Placement.ends_on]), (without_end, [])):
        known = said(Placement, kinds, *term)
        yield joined().where(
            Placement.state == "open",
            Trajectory.state == "open",
            Placement.created_at < at_hour(monday, REMIND_HOUR),
            when,
            known if named else ~known,
        )


def joined():
    """Placements with everything that a mail about them says, and the present manager of the site."""
    manages = (SiteManager.site == Site.id) & SiteManager.current()
    query = Placement.select(Placement, Site, Trajectory, Participant, Association, SiteManager, User).join(Site)
    query = query.join(SiteManager, JOIN.LEFT_OUTER, on=manages, attr="managed").join(User, JOIN.LEFT_OUTER)
    query = query.switch(Placement).join(Trajectory).join(Participant).switch(Trajectory).join(Association)
    return query.order_by(Placement.id)
