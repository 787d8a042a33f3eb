"""The second step of an account that logs in with a password: set up, used, and wiped by the team when it was lost.

Every change is written to the history and told to the owner, who may not have done it."""

from collections.abc import Callable
from datetime import datetime

import audit
import mails
import scope
from database import RuleError, locking, writing
from models import Passkey, User, UserSession

MOST_PASSKEYS = 10
TOO_MANY = f"Je hebt al {MOST_PASSKEYS} passkeys. Verwijder er eerst een."


def keep_app(user: User, secret: str, counter: int, now: datetime):
    """Make codes of an app the second step; `secret` is encrypted, `counter` the number of the code that proved it."""
    _change(
        user, now, "codes van een app", tf_primary_method="authenticator", tf_totp_secret=secret, tf_counter=counter
    )


def remove_app(user: User, now: datetime):
    """Remove the app. Raises RuleError when nothing would be left for a user who must have a second step."""
    with writing():
        User.hold(user.id)
        _refuse_last(user, user.webauthn.exists())
        _change(user, now, "geen codes van een app meer", tf_primary_method=None, tf_totp_secret=None, tf_counter=None)


def add_passkey(user: User, now: datetime, create: Callable[[], object]):
    """`create()` writes the passkey. Raises RuleError when there are very many."""
    with writing():
        User.hold(user.id)
        if user.webauthn.count() >= MOST_PASSKEYS:
            raise RuleError(TOO_MANY)
        create()
        _tell(user, now, "een passkey erbij")


def remove_passkey(passkey: Passkey, user: User, now: datetime):
    """Remove a passkey. Raises RuleError when nothing would be left for a user who must have a second step."""
    with writing():
        User.hold(user.id)
        others = Passkey.select().where(Passkey.user == user, Passkey.id != passkey.id).exists()
        _refuse_last(user, others or user.tf_totp_secret)
        Passkey.delete().where(Passkey.id == passkey.id, Passkey.user == user).execute()
        _tell(user, now, "een passkey minder")


def keep_codes(user: User, codes: list[str] | None, now: datetime):
    """Store new recovery codes, encrypted; the former ones stop working."""
    _change(user, now, "nieuwe noodcodes", mf_recovery_codes=codes)


def use_code(user: User, counter: int) -> bool:
    """Record the number of a code that was typed. False when it, or a later one, was used before."""
    with writing():
        fresh = locking(User.select(User.id, User.tf_counter).where(User.id == user.id)).get()
        if fresh.tf_counter is not None and fresh.tf_counter >= counter:
            return False
        User.update(tf_counter=counter).where(User.id == user.id).execute()
    return True


def use_emergency_code(user: User, kept: str, now: datetime) -> bool:
    """Use up a recovery code, as it is stored. False when it was used before."""
    with writing():
        fresh = locking(User.select().where(User.id == user.id)).get()
        codes = fresh.mf_recovery_codes or []
        if kept not in codes:
            return False
        left = [one for one in codes if one != kept]
        User.update(mf_recovery_codes=left).where(User.id == user.id).execute()
        _tell(user, now, f"aangemeld met een noodcode, nog {len(left)} over")
    return True


def wipe(user: User, by: User | None, now: datetime):
    """The team wipes a lost second step after recognising the person; `by` is None on the server's command
    line, for the last member of the team. Raises RuleError without one."""
    if by is not None:
        scope.require(by, "wipe_second_step", user)
        if by.id == user.id:
            raise RuleError("Je eigen tweede stap wijzig je bij Mijn gegevens.")
    if not user.has_second_step:
        raise RuleError(f"{user} heeft geen tweede stap.")
    with writing():
        forget(user)
        UserSession.end_all(user, now)  # the lost device may still be logged in
        audit.record(by, "user.second_step_wiped", user, at=now, name=user)
        mails.second_step_changed(user, "gewist door het team Kadervorming", now)


def forget(user: User):
    """Remove everything that belongs to a second step. Inside a transaction."""
    Passkey.delete().where(Passkey.user == user).execute()
    User.update(
        tf_primary_method=None,
        tf_totp_secret=None,
        tf_counter=None,
        mf_recovery_codes=None,
        fs_webauthn_user_handle=None,
    ).where(User.id == user.id).execute()


def _refuse_last(user: User, something_left):
    if user.check_tf_required_setup() and not something_left:
        raise RuleError("Je account heeft een tweede stap nodig. Stel eerst een andere in.")


def _change(user: User, now: datetime, what: str, **columns):
    with writing():
        User.update(**columns).where(User.id == user.id).execute()
        _tell(user, now, what)


def _tell(user: User, now: datetime, what: str):
    audit.record(user, "user.second_step", user, at=now, what=what)
    mails.second_step_changed(user, what, now)
