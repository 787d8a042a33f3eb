"""Counts of what forms and imports refuse, by form, field and rule: where people get stuck. Never what they typed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from peewee import fn

from database import as_tuples, writing
from models import Refusal
from times import local_date
from workflow import sentences

KEPT_DAYS = 365
IMPORT = "importing"
"""the form that lines of an imported file count for"""


@dataclass(frozen=True)
class Frequent:
    """A rule that refused something at a field of a form: how often, and the last day."""

    form: str
    field: str
    rule: str
    count: int
    last_on: date


def count(refused: Counter, now: datetime):
    """Add what was refused at `now` (UTC): (form, field, rule) → how often. In a fixed order, so that two at once never
    deadlock."""
    with writing():
        for (form, field, rule), number in sorted(refused.items()):
            row = {"day": local_date(now), "form": form[:80], "field": field[:80], "rule": rule, "count": number}
            same = (Refusal.day, Refusal.form, Refusal.field, Refusal.rule)
            Refusal.insert(**row).on_conflict(
                conflict_target=same, update={Refusal.count: Refusal.count + number}
            ).execute()


def count_lines(problems: Iterable[tuple[str, str]], now: datetime):
    """Add the errors in lines of an imported file: (field or '', sentence). Inside the transaction that judges them, so
    that a repeated step counts once."""
    count(Counter((IMPORT, field, sentences.of(text)) for field, text in problems), now)


def frequent(since: date, most: int | None = None) -> list[Frequent]:
    """What was refused since the day `since`, the most frequent first."""
    total = fn.SUM(Refusal.count)
    query = (
        Refusal.select(Refusal.form, Refusal.field, Refusal.rule, total, fn.MAX(Refusal.day))
        .where(Refusal.day >= since)
        .group_by(Refusal.form, Refusal.field, Refusal.rule)
        .order_by(total.desc(), Refusal.form, Refusal.field, Refusal.rule)
        .limit(most)
    )
    return [Frequent(*row) for row in as_tuples(query)]


def old(now: datetime):
    """The condition for rows past their retention period."""
    return Refusal.day < local_date(now) - timedelta(days=KEPT_DAYS)
