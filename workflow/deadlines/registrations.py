"""Registrations that were not completed: reminders while the link works, and the end of the account."""

import mails
from models import Reminder, Token, User
from times import end_of_day, local_date
from workflow.accounts import activation, registration
from workflow.accounts.activation import ACTIVATION_DAYS
from workflow.deadlines.shared import (
    ONE_MAIL,
    DeadlineRule,
    Due,
    days_of,
    each,
    enough_left,
    morning,
    say_once,
    series,
    was_said,
)

ACTIVATION_REMINDERS = 7, 25


def _reminder(kind, on_day, until_day):
    """(due, treat) of one reminder. Days are counted back from the link's last day."""
    before, after = ACTIVATION_DAYS - on_day, ACTIVATION_DAYS - until_day

    def due(now, since):
        day = morning(now)
        query = (
            Token.select(Token, User)
            .join(User)
            .where(
                activation.WAITING,
                User.confirmed_at.is_null(),
                User.active,
                Token.expires_at > end_of_day(max(day + days_of(after), since + days_of(before - 1))),
                Token.expires_at <= end_of_day(day + days_of(before)),
                ~was_said(User, kind, Reminder.at >= Token.created_at),
            )
        )
        found = {}
        for token in query:
            last = local_date(token.expires_at) - days_of(1)
            whole_term = local_date(token.created_at) < last - days_of(before)  # day 90 may shorten a link
            if whole_term and enough_left(token.expires_at, now):
                found[token.user_id] = Due(token.user, last, str(token.user))
        return list(found.values())

    def act(user, due, now):
        token = activation.waiting_link(user, now)
        if token is None:
            return False
        fits = user.active and user.confirmed_at is None and say_once(user, kind, due.on, now)
        if fits:
            site, secret = activation.another_link(token, now)
            mails.activation_reminder(site, user, secret, token.expires_at, now)
        return fits

    return due, each(User, act)


def _unfinished(now, since):
    return [Due(user, local_date(user.created_at), str(user)) for user in registration.unfinished(now)]


def _forget(user, due, now):
    return registration.forget(user, now)


POINTS = (
    *(
        DeadlineRule(
            kind,
            f"Registratie niet voltooid, dag {day}",
            f"De link werkt {ACTIVATION_DAYS} dagen.",
            ONE_MAIL,
            "als de registratie voltooid is, of de link vervangen",
            *_reminder(kind, day, until),
        )
        for kind, day, until in series("activation", ACTIVATION_REMINDERS, ACTIVATION_DAYS)
    ),
    DeadlineRule(
        "activation_end",
        f"Registratie niet voltooid na dag {activation.LAST_DAY}",
        "We houden geen gegevens bij van wie nooit begon.",
        "het account wordt gewist, de stageplaats is zonder beheerder",
        "als de registratie voltooid is",
        _unfinished,
        each(User, _forget),
    ),
)
