"""Applications that wait for the team: day 10, and overdue."""

import dutch
import mails
from models import APPROVAL_DAYS, Site
from times import local_date
from workflow.falls_due.once import Due, TurningPoint, by_group, days_of, held, morning, said

APPLICATION_DAY = 10


def _applications_due(now, since):
    day, left = morning(now), APPROVAL_DAYS - APPLICATION_DAY
    return _applications(
        "applications_due", Site.due_on.between(max(day, local_date(now)), day + days_of(left)), since, -left
    )


def _applications_overdue(now, since):
    return _applications("applications_overdue", Site.due_on < morning(now), since, 1)


WAITING = (Site.state == "submitted") & Site.paused_at.is_null()


def _applications(kind, when, since, shift):
    """`shift`: how many days after the last day the reminder falls due."""
    query = Site.select().where(WAITING, when, Site.due_on >= since - days_of(shift), ~said(Site, kind, Site.due_on))
    return [Due(site, site.due_on, f"{site}, tegen {dutch.day(site.due_on)}") for site in query.order_by(Site.due_on)]


def _tell_team(kind):
    def treat(dues, now):
        def write(_, found):
            mails.team_reminder(kind, [due.row for due in found], now)

        return by_group(dues, kind, held(Site, WAITING), write, now)

    return treat


POINTS = (
    TurningPoint(
        "applications_due", f"Aanvraag aan dag {APPLICATION_DAY}", "Zodat het team binnen de 14 dagen beslist.",
        "één mail aan het team per aanvraag, samen in één bericht", "als er beslist is, of als de aanvrager aan zet is",
        _applications_due, _tell_team("applications_due"),
    ),
    TurningPoint(
        "applications_overdue", "Aanvraag te laat", "De wettelijke termijn is voorbij.",
        "één mail aan het team per aanvraag, samen in één bericht", "als er beslist is, of als de aanvrager aan zet is",
        _applications_overdue, _tell_team("applications_overdue"),
    ),
)  # fmt: skip
