"""Handovers: reminders on day 7 and 13, the end of the term, and a mailbox that takes no mail."""

from peewee import fn

import dutch
from models import HANDOVER_DAYS, Handover, Mail, Site, User
from times import end_of_day, local_date
from workflow import handovers
from workflow.falls_due.once import (
    ONE_MAIL,
    Due,
    TurningPoint,
    days_of,
    enough_left,
    morning,
    one_by_one,
    said,
    say_once,
)

HANDOVER_REMINDERS = 7, 13


def _handover_ends(now, since):
    query = (
        Handover.select(Handover, Site).join(Site).where(Handover.state == "open", Handover.due_on < local_date(now))
    )
    return [Due(one, one.due_on, f"{one.site}, tot {dutch.day(one.due_on)}") for one in query.order_by(Handover.due_on)]


def _end_handovers(dues, now):
    def act(due):
        fresh = Handover.locked(due.row.id)
        if fresh.state != "open" or fresh.due_on >= local_date(now):
            return False
        if fresh.offered:
            handovers.lapse(fresh, now)
        else:
            handovers.escalate(fresh, now, "Er kwam geen antwoord binnen de termijn.")
        return True

    return one_by_one(dues, act)


def _unreachable(now, since):
    """Open requests of which the manager's own mailbox refuses mail."""
    refused = Mail.select(Mail.id).where(
        Mail.object_type == "handover", Mail.object_id == Handover.id.cast("VARCHAR(40)"),
        Mail.refused_mailbox, Mail.to_address == User.email,
    )  # fmt: skip
    query = Handover.select(Handover, Site).join(Site).switch(Handover).join(User, on=Handover.asked)
    query = query.where(Handover.state == "open", ~Handover.offered, fn.EXISTS(refused))
    return [Due(one, one.due_on, str(one.site)) for one in query]


def _escalate_unreachable(dues, now):
    def act(due):
        fresh = Handover.locked(due.row.id)
        if fresh.state != "open":
            return False
        handovers.escalate(fresh, now, "De mailbox van de stageplaatsverantwoordelijke aanvaardt geen mail.")
        return True

    return one_by_one(dues, act)


def _handover_step(number):
    """Reminders are counted back from the last day, of which the end is counted too."""
    before = HANDOVER_DAYS - HANDOVER_REMINDERS[number]
    superseded = HANDOVER_DAYS - HANDOVER_REMINDERS[number + 1] if number + 1 < len(HANDOVER_REMINDERS) else None
    kind = f"handover_{HANDOVER_REMINDERS[number]}"

    def due(now, since):
        day = morning(now)
        earliest = day + days_of(superseded) if superseded is not None else day - days_of(1)
        query = Handover.select(Handover, Site).join(Site).where(
            Handover.state == "open", ~Handover.offered, Handover.due_on <= day + days_of(before), Handover.due_on > earliest,
            Handover.due_on >= since + days_of(before), ~said(Handover, kind, Handover.due_on),
        )  # fmt: skip
        return [Due(one, one.due_on, str(one.site)) for one in query if enough_left(end_of_day(one.due_on), now)]

    def treat(dues, now):
        def act(due):
            fresh = Handover.locked(due.row.id)
            fits = fresh.state == "open" and fresh.due_on == due.on and say_once(fresh, kind, due.on, now)
            if fits:
                handovers.remind(fresh, now)
            return fits

        return one_by_one(dues, act)

    return due, treat


POINTS = (
    *(
        TurningPoint(
            f"handover_{day}", f"Overdracht aan dag {day}", "Zodat de verantwoordelijke zelf antwoordt.", ONE_MAIL,
            "bij een antwoord of intrekken, en als er minder dan een dag overblijft", *_handover_step(number),
        )
        for number, day in enumerate(HANDOVER_REMINDERS)
    ),
    TurningPoint(
        "handover_unreachable", "Overdracht: mailbox weigert", "Wie geen mail krijgt, kan niet antwoorden.",
        "meteen naar het team", "bij een antwoord of intrekken", _unreachable, _escalate_unreachable,
    ),
    TurningPoint(
        "handover_end", f"Overdracht na dag {HANDOVER_DAYS}", "De termijn om te antwoorden is voorbij.",
        "één keer naar het team; een voorstel aan een opvolger vervalt", "bij een antwoord of intrekken",
        _handover_ends, _end_handovers,
    ),
)  # fmt: skip
