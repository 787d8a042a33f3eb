"""The attest: released by the team after a passed final evaluation, and whether a code stands for one that is valid."""

import secrets
from datetime import datetime

import audit
import dutch
import mails
import scope
from database import RuleError, readings, writing
from mails import links
from models import LEAST_AGES, Attest, FinalEvaluation, Token, Trajectory, User
from times import local_date
from workflow.stages import finals

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no look-alike letters
GROUPS, GROUP = 4, 4  # 80 bits: not guessable


def release(trajectory: Trajectory, by: User, now: datetime) -> Attest:
    """Issue the attest today and, when there is an address, mail the participant where to get it. Raises RuleError
    when the final evaluation is not passed, was released before, or the participant is too young today (domain rule
    13)."""
    scope.require(by, "release", trajectory)
    today = local_date(now)
    with writing():
        fresh = Trajectory.locked(trajectory.id)
        who = fresh.participant
        if fresh.outcome == "attested":
            raise RuleError(f"Het attest van {who} is al uitgereikt.")
        if fresh.outcome != "passed":
            raise RuleError(f"{who} is niet geslaagd voor de eindevaluatie. Er is geen attest om uit te reiken.")
        if today < (from_day := who.old_enough_on(fresh.type)):
            raise RuleError(
                f"{who} wordt pas {LEAST_AGES[fresh.type]} op {dutch.day(from_day)}. Reik het attest dan uit."
            )
        if not readings.is_latin(str(who)):
            raise RuleError(f"De naam van {who} bevat tekens die niet op een attest kunnen. Verbeter eerst de naam.")
        attest = Attest.create(final_evaluation=finals.current(fresh), code=_new_code(), issued_on=today, issued_by=by)
        fresh.move("finished", outcome="attested")
        mails.attest_released(attest, now)
        audit.record(by, "attest.released", fresh, at=now, participant=who, type=fresh.type_label)
    return attest


def _new_code() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))


def can_ask_again(token: Token, now: datetime) -> bool:
    """Whether whoever holds this link may ask for a new one, which goes to the participant's present address."""
    attest = links.about(token)
    return attest is not None and attest.is_valid and bool(attest.participant.email)


def ask_new_link(token: Token, now: datetime):
    """'Nieuwe link vragen': mail the participant a new link to the attest. Raises RuleError when it is no longer
    valid."""
    with writing():
        if not can_ask_again(token, now):
            raise RuleError("Een nieuwe link vragen kan niet meer. Bel het team Kadervorming.")
        attest = links.about(token)
        if not mails.sent_since("attest_released", attest.participant.email, now - mails.NOT_TWICE_WITHIN):
            mails.attest_released(attest, now)


def of(trajectory: Trajectory) -> Attest | None:
    """The valid attest of this trajectory, if there is one."""
    given = Attest.select().join(FinalEvaluation)
    return given.where(FinalEvaluation.trajectory == trajectory, Attest.revoked_at.is_null()).first()


def valid_with(code: str) -> Attest | None:
    """The attest that is valid now and has this verification code, typed with or without dashes."""
    letters = "".join(char for char in code.upper() if char.isalnum())
    if len(letters) != GROUPS * GROUP:
        return None
    written = "-".join(letters[start : start + GROUP] for start in range(0, len(letters), GROUP))
    return Attest.get_or_none(Attest.code == written, Attest.revoked_at.is_null())
