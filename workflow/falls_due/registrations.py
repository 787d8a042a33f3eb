"""Registrations that were not completed: reminders while the link works, and the end of the account."""

from peewee import fn

from database import locking
from models import Reminder, Token, User
from times import end_of_day, local_date
from workflow import activation, confirmation
from workflow.falls_due.once import ONE_MAIL, Due, TurningPoint, days_of, enough_left, morning, one_by_one, say_once

ACTIVATION_REMINDERS = 7, 25


def _activation_step(number):
    before = activation.ACTIVATION_DAYS - ACTIVATION_REMINDERS[number]
    next_day = (
        ACTIVATION_REMINDERS[number + 1] if number + 1 < len(ACTIVATION_REMINDERS) else activation.ACTIVATION_DAYS
    )
    superseded = activation.ACTIVATION_DAYS - next_day
    kind = f"activation_{ACTIVATION_REMINDERS[number]}"

    def due(now, since):
        day = morning(now)
        purposes = (activation.ACTIVATION, confirmation.CONFIRM)
        query = Token.select(Token, User).join(User).where(
            Token.purpose << purposes, Token.used_at.is_null(), User.confirmed_at.is_null(), User.active,
            Token.expires_at > (end_of_day(day + days_of(superseded)) if superseded else now),
            Token.expires_at <= end_of_day(day + days_of(before)), Token.expires_at > end_of_day(since + days_of(before - 1)),
            ~fn.EXISTS(Reminder.select(Reminder.id).where(
                Reminder.object_type == "user", Reminder.object_id == User.id.cast("VARCHAR(40)"), Reminder.kind == kind,
                Reminder.at >= Token.created_at,
            )),
        )  # fmt: skip
        found = {}
        for token in query.order_by(Token.id):  # the newest link of each
            last = local_date(token.expires_at) - days_of(1)
            if local_date(token.created_at) < last - days_of(before) and enough_left(token.expires_at, now):
                found[token.user_id] = Due(token, last, str(token.user))
        return list(found.values())

    def treat(dues, now):
        def act(due):
            token = due.row
            user = locking(User.select().where(User.id == token.user_id)).get()
            fits = user.active and user.confirmed_at is None and say_once(user, kind, due.on, now)
            if fits:
                activation.remind(token, user, now)
            return fits

        return one_by_one(dues, act)

    return due, treat


def _unfinished(now, since):
    return [Due(user, local_date(user.created_at), str(user)) for user in activation.unfinished(now)]


def _forget_unfinished(dues, now):
    return activation.forget_unfinished(now)


POINTS = (
    *(
        TurningPoint(
            f"activation_{day}", f"Registratie niet voltooid, dag {day}", "De link werkt 30 dagen.", ONE_MAIL,
            "als de registratie voltooid is, of de link vervangen", *_activation_step(number),
        )
        for number, day in enumerate(ACTIVATION_REMINDERS)
    ),
    TurningPoint(
        "activation_end", f"Registratie niet voltooid na dag {activation.LAST_DAY}",
        "We houden geen gegevens bij van wie nooit begon.", "het account wordt gewist, de stageplaats is zonder beheerder",
        "als de registratie voltooid is", _unfinished, _forget_unfinished,
    ),
)  # fmt: skip
