"""Applications that wait for the team: day 10, and overdue."""

import dutch
import mails
from models import APPROVAL_DAYS, Reminder, Site
from times import local_date
from workflow.falls_due.once import Due, TurningPoint, days_of, morning, one_mail, said

APPLICATION_DAY = 10
WAITING = (Site.state == "submitted") & Site.paused_at.is_null()


def _due(now, since):
    day, left = morning(now), APPROVAL_DAYS - APPLICATION_DAY
    return _found("applications_due", Site.due_on.between(local_date(now), day + days_of(left)), since + days_of(left))


def _overdue(now, since):
    return _found("applications_overdue", Site.due_on < morning(now), since - days_of(1))


def _found(kind, when, earliest):
    known = said(Site, kind, Reminder.due_on == Site.due_on)
    query = Site.select().where(WAITING, when, Site.due_on >= earliest, ~known)
    return [Due(site, site.due_on, f"{site}, tegen {dutch.day(site.due_on)}") for site in query.order_by(Site.due_on)]


def _tell_team(kind):
    return one_mail(
        Site, kind, WAITING, lambda group, dues, now: mails.team_reminder(kind, [due.row for due in dues], now)
    )


LIMIT = "één e-mail aan het team per aanvraag, samen in één bericht"
STOPS = "als er beslist is, of als de aanvrager aan zet is"
POINTS = (
    TurningPoint(
        "applications_due", f"Aanvraag aan dag {APPLICATION_DAY}", f"Zodat het team binnen {APPROVAL_DAYS} dagen beslist.",
        LIMIT, STOPS, _due, _tell_team("applications_due"),
    ),
    TurningPoint(
        "applications_overdue", "Aanvraag te laat", "De termijn om te beslissen is voorbij.", LIMIT, STOPS, _overdue,
        _tell_team("applications_overdue"),
    ),
)  # fmt: skip
