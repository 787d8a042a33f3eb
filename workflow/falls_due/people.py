"""Managers who turn 18, and what is kept only for a while."""

from peewee import fn

import mails
from database import locking
from models import Reminder, Role, User, UserRole
from people import ADULT_YEARS, MANAGER
from times import local_date, years_after
from workflow import accounts
from workflow.falls_due.once import ONE_MAIL, Due, TurningPoint, days_of, morning, one_by_one, say_once

ADULT_WITHIN = 30  # how long after the 18th birthday the mail about eID still makes sense


def _turned_18(now, since):
    day = morning(now)
    born = User.birth_date.between(
        years_after(day, -ADULT_YEARS) - days_of(ADULT_WITHIN + 2), years_after(day, -ADULT_YEARS) + days_of(1)
    )
    managers = UserRole.select(UserRole.user).join(Role).where(Role.name == MANAGER)
    said = Reminder.select(Reminder.id).where(
        Reminder.object_type == "user", Reminder.object_id == User.id.cast("VARCHAR(40)"), Reminder.kind == "turned_18"
    )
    query = User.select().where(
        born, User.active, User.password.is_null(False), User.confirmed_at.is_null(False), User.password_exception.is_null(),
        User.id.in_(managers), ~fn.EXISTS(said),
    )  # fmt: skip
    found = [(years_after(user.birth_date, ADULT_YEARS), user) for user in query]
    return [
        Due(user, birthday, str(user))
        for birthday, user in found
        if max(since, day - days_of(ADULT_WITHIN)) <= birthday <= day and user.must_link_eid(now)
    ]


def _tell_adults(dues, now):
    def act(due):
        user = locking(User.select().where(User.id == due.row.id)).get()
        fits = user.must_link_eid(now) and say_once(user, "turned_18", due.on, now)
        if fits:
            mails.turned_18(user, now)
        return fits

    return one_by_one(dues, act)


def _passing(now, since):
    return [Due(None, local_date(now), "")] * accounts.passed(now)


def _forget_passing(dues, now):
    return accounts.forget(now)


POINTS = (
    TurningPoint(
        "turned_18", "Verantwoordelijke wordt 18", "Vanaf 18 jaar meldt men zich aan met eID.", ONE_MAIL,
        "als de eID gekoppeld is, of bij een uitzondering", _turned_18, _tell_adults,
    ),
    TurningPoint(
        "passing", "Opruimen", "Wat maar even dient: pogingen, oude sessies, links en kladversies.",
        "zodra het oud genoeg is", "–", _passing, _forget_passing,
    ),
)  # fmt: skip
