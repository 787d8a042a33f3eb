"""Managers who turn 18, and what is kept only for a while."""

import dutch
import mails
from models import ADULT_YEARS, MANAGER, Role, User, UserRole
from times import local_date, years_after
from workflow.accounts import accounts
from workflow.deadlines.shared import ONE_MAIL, DeadlineRule, Due, days_of, each, morning, say_once, was_said

ADULT_WITHIN = 30  # how long after the 18th birthday the mail about eID still makes sense
TURNED_18 = "turned_18"


def _turned_18(now, since):
    day = morning(now)
    then = years_after(day, -ADULT_YEARS)
    born = User.birth_date.between(then - days_of(ADULT_WITHIN + 2), then + days_of(1))  # leap days are handled below
    managers = UserRole.select(UserRole.user).join(Role).where(Role.name == MANAGER)
    query = User.select().where(
        born,
        User.active,
        User.password.is_null(False),
        User.confirmed_at.is_null(False),
        User.password_exception.is_null(),
        User.id.in_(managers),
        ~was_said(User, TURNED_18),
    )
    earliest = max(since, day - days_of(ADULT_WITHIN))
    found = [(years_after(user.birth_date, ADULT_YEARS), user) for user in query if user.birth_date]
    return [
        Due(user, birthday, str(user))
        for birthday, user in found
        if earliest <= birthday <= day and user.must_link_eid(now)
    ]


def _tell(user, due, now):
    fits = user.must_link_eid(now) and say_once(user, TURNED_18, due.on, now)
    if fits:
        mails.turned_18(user, now)
    return fits


def _passing(now, since):
    rows = accounts.passed(now)
    return [Due(None, local_date(now), dutch.counted(rows, "rij", "rijen"))] if rows else []


def _forget(dues, now):
    return accounts.forget(now)


POINTS = (
    DeadlineRule(
        TURNED_18,
        f"Verantwoordelijke wordt {ADULT_YEARS}",
        f"Vanaf {ADULT_YEARS} jaar meld je je aan met eID.",
        ONE_MAIL,
        "als de eID gekoppeld is, of bij een uitzondering",
        _turned_18,
        each(User, _tell),
    ),
    DeadlineRule(
        "passing",
        "Opruimen",
        "Wat we maar kort nodig hebben: mislukte pogingen, oude aanmeldingen, links en half ingevulde formulieren.",
        "zodra het oud genoeg is",
        "–",
        _passing,
        _forget,
    ),
)
