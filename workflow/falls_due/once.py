"""What every turning point shares: what is due, saying a thing once, one transaction each, one mail about several."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from peewee import fn

from database import RuleError, locking, writing
from models import Reminder
from times import at_hour, local_date

REMIND_HOUR = 8  # mails that the clock writes leave in the morning
LEAST_LEFT = timedelta(days=1)  # no reminder when the term ends within a day (domain rule 7)
ONE_MAIL = f"één mail, om {REMIND_HOUR} uur"


@dataclass(frozen=True)
class Due:
    """One thing that is due: the row, the date from which its series is counted, and in words what it is about. `group`: to whom
    one mail about several goes."""

    row: object
    on: date
    words: str
    group: object = None


@dataclass(frozen=True)
class TurningPoint:
    """`due(now, since)` finds what is due at `now` (UTC), of reminders only what fell due from the day `since` on;
    `treat(dues, now)` does it and returns how many."""

    key: str
    name: str
    reason: str
    limit: str
    stops: str
    due: Callable[[datetime, date], list[Due]]
    treat: Callable[[list[Due], datetime], int]


def morning(now: datetime) -> date:
    """The last day of which the hour for mails has come at `now` (UTC)."""
    today = local_date(now)
    return today if now >= at_hour(today, REMIND_HOUR) else today - timedelta(days=1)


def days_of(number: int) -> timedelta:
    return timedelta(days=number)


# ---- said once


def said(model, kind: str, on):
    """The condition that this was said about a row, for the date in the column or expression `on`."""
    same = (Reminder.object_type == model._meta.table_name) & (Reminder.object_id == model.id.cast("VARCHAR(40)"))
    return fn.EXISTS(Reminder.select(Reminder.id).where(same, Reminder.kind == kind, Reminder.due_on == on))


def say_once(row, kind: str, on: date, now: datetime) -> bool:
    """Note that something is said about a row for the term that is counted from `on`; False when it was said before."""
    noted = Reminder.insert(object_type=row._meta.table_name, object_id=str(row.pk), kind=kind, due_on=on, at=now)
    return bool(noted.on_conflict_ignore().as_rowcount().execute())


def one_by_one(dues: Iterable[Due], act: Callable[[Due], bool]) -> int:
    """Treat each in its own transaction; one that somebody treated first is skipped."""
    count = 0
    for due in dues:
        try:
            with writing():
                count += bool(act(due))
        except RuleError:
            continue
    return count


def by_group(dues: list[Due], kind: str, still: Callable[[list[int]], set[int]], write, now: datetime) -> int:
    """One mail per group about all that is due and was not said, in one transaction. `still(ids)` holds the rows and tells which
    of them still wait; `write(group, dues)` writes the mail."""
    groups = defaultdict(list)
    for due in dues:
        groups[due.group.pk if due.group else None].append(due)
    count = 0
    for found in groups.values():
        with writing():
            waiting = still(sorted(due.row.pk for due in found))
            fresh = [due for due in found if due.row.pk in waiting and say_once(due.row, kind, due.on, now)]
            if fresh:
                write(fresh[0].group, fresh)
                count += len(fresh)
    return count


def held(model, condition):
    """A `still` for `_by_group`: the rows that meet a condition, held so that nobody acts before the mail is written."""

    def still(ids):
        query = model.select(model.id).where(model.id.in_(ids), condition).order_by(model.id)
        return {key for (key,) in locking(query).tuples()}

    return still


def enough_left(end: datetime, now: datetime) -> bool:
    """Whether a term that ends at `end` (UTC) leaves time enough for a reminder to make sense."""
    return end - now >= LEAST_LEFT
