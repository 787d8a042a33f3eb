"""What all deadline rules share: what is due, saying a thing once, one transaction each, one mail about several."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from peewee import fn

from database import RuleError, locking, writing
from models import Reminder
from times import at_hour, local_date

REMIND_HOUR = 8  # mails that the clock writes leave in the morning
LEAST_LEFT = timedelta(days=1)  # no reminder when the term ends within a day (domain rule 7)
ONE_MAIL = f"één e-mail, om {REMIND_HOUR} uur"


@dataclass(frozen=True)
class Due:
    """One thing that is due: the row, the date from which its series is counted, and what it is about in words.
    `group`: who gets one mail about several."""

    row: Any
    on: date
    words: str
    group: object = None


@dataclass(frozen=True)
class TurningPoint:
    """`due(now, since)` finds what is due at `now` (UTC); for reminders only what fell due from the day `since` on.
    `treat(dues, now)` treats it and returns how many."""

    key: str
    name: str
    reason: str
    limit: str
    stops: str
    due: Callable[[datetime, date], list[Due]]
    treat: Callable[[list[Due], datetime], int]


def morning(now: datetime) -> date:
    """The last day whose hour for mails has come at `now` (UTC)."""
    today = local_date(now)
    return today if now >= at_hour(today, REMIND_HOUR) else today - timedelta(days=1)


def monday(now: datetime) -> date:
    """The last Monday whose hour for mails has come at `now` (UTC)."""
    day = morning(now)
    return day - timedelta(days=day.weekday())


def days_of(number: int) -> timedelta:
    return timedelta(days=number)


PLACES = ("first", "second", "third", "fourth")
"""reminders are identified by their place in the series, so their days may change without a repeat"""


def series(about: str, days: tuple[int, ...], end: int) -> list[tuple[str, int, int]]:
    """Each reminder of a series: its kind, its day, and the day from which it is too late (the next reminder's, or
    the end)."""
    kinds = [f"{about}_{place}" for place in PLACES[: len(days)]]
    return list(zip(kinds, days, (*days[1:], end), strict=True))


def enough_left(end: datetime, now: datetime) -> bool:
    """Whether a term that ends at `end` (UTC) leaves enough time for a reminder to make sense."""
    return end - now >= LEAST_LEFT


# ---- said once


def said(model, kind: str | list[str], *more):
    """The condition that this (of several kinds: any) was said about a row; `more` conditions on the reminder, such as
    the date of its term."""
    kinds = [kind] if isinstance(kind, str) else kind
    same = (Reminder.object_type == model._meta.table_name) & (Reminder.object_id == model.id.cast("VARCHAR(40)"))
    return fn.EXISTS(Reminder.select(Reminder.id).where(same, Reminder.kind << kinds, *more))


def say_once(row, kind: str, on: date, now: datetime) -> bool:
    """Note that something is said about a row for the term that is counted from `on`; False when it was said before."""
    noted = Reminder.insert(object_type=row._meta.table_name, object_id=str(row.pk), kind=kind, due_on=on, at=now)
    return bool(noted.on_conflict_ignore().as_rowcount().execute())


# ---- ways to treat


def each(model, act: Callable[[object, Due, datetime], bool]):
    """A `treat`: each row locked, in its own transaction; `act(row, due, now)` checks again and says whether it did
    something. A row that was treated meanwhile is skipped."""

    def treat(dues, now):
        count = 0
        for due in dues:
            try:
                with writing():
                    count += bool(act(model.locked(due.row.pk), due, now))
            except RuleError:
                continue
        return count

    return treat


def one_mail(model, kind: str, waits, write: Callable[[object, list[Due], datetime], object]):
    """A `treat`: one mail per group about all that is due, by `write(group, dues, now)`. The rows are locked, so that
    nobody acts before the mail is written, and those that no longer meet the condition `waits` are left out."""

    def treat(dues, now):
        groups = defaultdict(list)
        for due in dues:
            groups[due.group.pk if due.group else None].append(due)
        return sum(_write(found, now) for found in groups.values())

    def _write(found, now):
        with writing():
            ids = sorted(due.row.pk for due in found)
            held = locking(model.select(model.id).where(model.id.in_(ids), waits).order_by(model.id))
            still = {key for (key,) in held.tuples()}
            fresh = [due for due in found if due.row.pk in still and say_once(due.row, kind, due.on, now)]
            if fresh:
                write(fresh[0].group, fresh, now)
            return len(fresh)

    return treat
