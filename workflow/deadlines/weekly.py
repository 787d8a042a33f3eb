"""The team's weekly digest: the last checkpoint of the history, so that it leaves the machine, and what was refused
most often."""

import mails
from models import Clock, Reminder
from workflow import hash_chain, refusals
from workflow.deadlines.shared import REMIND_HOUR, Due, TurningPoint, days_of, each, monday, said, say_once

WEEK = "team_week"
DAYS, MOST = 7, 5  # refusals listed in the mail


def _due(now, since):
    day, seal = monday(now), hash_chain.last_name()
    if day < since or not seal:
        return []
    clocks = Clock.select().where(~said(Clock, WEEK, Reminder.due_on == day))
    return [Due(clock, day, f"zegel {seal}") for clock in clocks]


def _tell(clock, due, now):
    if not say_once(clock, WEEK, due.on, now):
        return False
    mails.team_week(hash_chain.last_name(), refusals.frequent(due.on - days_of(DAYS), MOST), now)
    return True


POINTS = (
    TurningPoint(
        WEEK,
        "Weekbericht aan het team",
        "Het zegel van de geschiedenis moet ook buiten de tool bewaard worden.",
        f"één e-mail per week, op maandag om {REMIND_HOUR} uur",
        "–",
        _due,
        each(Clock, _tell),
    ),
)
