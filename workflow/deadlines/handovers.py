"""Handovers: reminders on day 7 and 13, the end of the term, and a mailbox that takes no mail."""

from peewee import fn

import dutch
from models import Handover, Mail, Reminder, Site, User, declare
from times import end_of_day, local_date
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
from workflow.sites import handovers

HANDOVER_REMINDERS = 7, 13
declare(handover_reminders=lambda: HANDOVER_REMINDERS)


def _found(*conditions):
    query = Handover.select(Handover, Site).join(Site).where(Handover.state == "open", *conditions)
    return [Due(one, one.due_on, f"{one.site}, tot {dutch.day(one.due_on)}") for one in query.order_by(Handover.due_on)]


def _ended(now, since):
    return _found(Handover.due_on < local_date(now))


def _end(handover, due, now):
    if handover.state != "open" or handover.due_on >= local_date(now):
        return False
    if handover.offered:
        handovers.lapse(handover, now)
    else:
        handovers.escalate(handover, now, "Er kwam geen antwoord binnen de termijn.")
    return True


def _unreachable(now, since):
    """Requests whose manager's mailbox refuses mail."""
    refused = (
        Mail.select(Mail.id)
        .join(User, on=Mail.to_address == User.email)
        .where(
            Mail.object_type == "handover",
            Mail.object_id == Handover.id.cast("VARCHAR(40)"),
            Mail.refused_mailbox,
            User.id == Handover.asked,
        )
    )
    return _found(~Handover.offered, fn.EXISTS(refused))


def _escalate(handover, due, now):
    if handover.state != "open":
        return False
    handovers.escalate(handover, now, "De mailbox van de stageplaatsverantwoordelijke aanvaardt geen e-mail.")
    return True


def _reminder(kind, on_day, until_day):
    """(due, treat) of one reminder. Days are counted from the start of the term that was given."""

    def due(now, since):
        day = morning(now)
        known = was_said(Handover, kind, Reminder.due_on == Handover.due_on)
        found = _found(~Handover.offered, Handover.due_on >= local_date(now), ~known)
        return [one for one in found if fits(one, day, since) and enough_left(end_of_day(one.on), now)]

    def fits(one, day, since):
        first = one.on - days_of(one.row.term_days)
        from_day, too_late = first + days_of(on_day), first + days_of(until_day or one.row.term_days + 1)
        return since <= from_day <= day < too_late

    def act(handover, due, now):
        fits = handover.state == "open" and handover.due_on == due.on and say_once(handover, kind, due.on, now)
        if fits:
            handovers.remind(handover, now)
        return fits

    return due, each(Handover, act)


POINTS = (
    *(
        DeadlineRule(
            kind,
            f"Overdracht aan dag {day}",
            "Zodat de verantwoordelijke zelf antwoordt.",
            ONE_MAIL,
            "bij een antwoord of intrekken, en als er minder dan een dag overblijft",
            *_reminder(kind, day, until),
        )
        for kind, day, until in series("handover", HANDOVER_REMINDERS, 0)
    ),
    DeadlineRule(
        "handover_unreachable",
        "Overdracht: mailbox weigert",
        "Wie geen e-mail krijgt, kan niet antwoorden.",
        "meteen naar het team",
        "bij een antwoord of intrekken",
        _unreachable,
        each(Handover, _escalate),
    ),
    DeadlineRule(
        "handover_end",
        "Overdracht: termijn voorbij",
        "De termijn om te antwoorden is voorbij.",
        "één keer naar het team; een voorstel aan een opvolger vervalt",
        "bij een antwoord of intrekken",
        _ended,
        each(Handover, _end),
    ),
)
