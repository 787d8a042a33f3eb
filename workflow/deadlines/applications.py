"""Applications that wait for the team: day 10, and overdue."""

from typing import Any

import dutch
import mails
from models import Reminder, Site
from times import local_date
from workflow.deadlines.shared import DeadlineRule, Due, days_of, morning, one_mail, was_said

APPLICATION_DAY = 10
WAITING = (Site.state == "submitted") & Site.paused_at.is_null()


def _due(now, since):
    """Applications on this day of their own term, as long as it runs."""
    day, today = morning(now), local_date(now)

    def fits(site):
        from_day = site.due_on - days_of(site.term_days - APPLICATION_DAY)
        return since <= from_day <= day

    return _found("applications_due", fits, Site.due_on >= today)


def _overdue(now, since):
    return _found(
        "applications_overdue", lambda site: True, Site.due_on < morning(now), Site.due_on >= since - days_of(1)
    )


def _found(kind, fits, *when):
    known = was_said(Site, kind, Reminder.due_on == Site.due_on)
    query: Any = Site.select().where(WAITING, *when, ~known).order_by(Site.due_on)
    sites = [site for site in query if fits(site)]
    return [Due(site, site.due_on, f"{site}, tegen {dutch.day(site.due_on)}") for site in sites]


def _tell_team(kind):
    return one_mail(
        Site, kind, WAITING, lambda group, dues, now: mails.team_reminder(kind, [due.row for due in dues], now)
    )


LIMIT = "één e-mail aan het team per aanvraag, samen in één bericht"
STOPS = "als er beslist is, of als de aanvrager aan zet is"
POINTS = (
    DeadlineRule(
        "applications_due",
        f"Aanvraag aan dag {APPLICATION_DAY}",
        "Zodat het team binnen de termijn beslist.",
        LIMIT,
        STOPS,
        _due,
        _tell_team("applications_due"),
    ),
    DeadlineRule(
        "applications_overdue",
        "Aanvraag te laat",
        "De termijn om te beslissen is voorbij.",
        LIMIT,
        STOPS,
        _overdue,
        _tell_team("applications_overdue"),
    ),
)
