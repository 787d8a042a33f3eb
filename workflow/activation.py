"""Completing a registration: the link in the mail that approves the site, a new one when it is too old, and the end of it."""

import secrets
from datetime import datetime, timedelta

from peewee import fn

import audit
import mails
from database import RuleError, writing
from models import Site, SiteManager
from people import Token, User
from times import days_after, end_of_day, local_date
from workflow import accounts, erasure

ACTIVATION_DAYS = 30  # domain rule 4
LAST_DAY = 90  # domain rule 4: until then a new link can be asked
NOT_TWICE_WITHIN = timedelta(minutes=1)

ACTIVATION, CONFIRM = "activation", "confirm"
"""purposes of a link: to complete a registration, to show that an address is the own one"""
WAITING = (Token.purpose << (ACTIVATION, CONFIRM)) & Token.used_at.is_null()


def new_link(user: User, site: Site, now: datetime) -> tuple[str, datetime]:
    """A new single-use link for somebody whose site is approved, until the end of day 30 and never beyond day 90 after
    the approval; older ones stop working. Returns (secret, moment in UTC until which it works)."""
    drop(user, now)
    last = days_after(site.decided_at, LAST_DAY)
    expires_at = end_of_day(min(days_after(now, ACTIVATION_DAYS), last))
    secret = secrets.token_urlsafe(32)
    Token.create(key_hash=accounts.hashed(secret), purpose=ACTIVATION, user=user, object_type="site", object_id=site.id,
                 created_at=now, expires_at=expires_at)  # fmt: skip
    return secret, expires_at


def drop(user: User, now: datetime):
    """The links that this person got to complete the registration stop working; the rows stay, to know an old link by."""
    waiting = (Token.user == user) & (Token.purpose == ACTIVATION) & Token.used_at.is_null() & (Token.expires_at > now)
    Token.update(expires_at=now).where(waiting).execute()


def found(secret: str) -> Token | None:
    """The row of an activation link, whether it still works or not."""
    return Token.get_or_none(Token.key_hash == accounts.hashed(secret), Token.purpose == ACTIVATION)


def works(token: Token, now: datetime) -> bool:
    """Whether this link can complete the registration at `now` (UTC): not used, not too old, the site still approved."""
    return token.used_at is None and token.expires_at > now and _approved_site(token) is not None


def can_ask_anew(token: Token, now: datetime) -> bool:
    """Whether who holds this link may ask a new one: not completed yet, the site approved, at most 90 days ago."""
    site = _approved_site(token)
    return (
        site is not None
        and token.user.confirmed_at is None
        and local_date(now) <= days_after(site.decided_at, LAST_DAY)
    )


def _approved_site(token: Token) -> Site | None:
    return Site.get_or_none(Site.id == int(token.object_id), Site.state == "approved")


def activate(secret: str, now: datetime) -> User:
    """'Registratie voltooien': from now on one can log in. Raises RuleError when the link was used, or is too old."""
    with writing():
        token = found(secret)
        if token is None or not works(token, now):
            raise RuleError("Deze link werkt niet meer.")
        used = Token.update(used_at=now).where(Token.id == token.id, Token.used_at.is_null()).execute()
        if not used:
            raise RuleError("Deze link werkt niet meer.")
        user = token.user
        user.confirmed_at = now
        user.save()
        audit.record(user, "user.completed", user, at=now)
    return user


def ask_new_link(secret: str, now: datetime):
    """'Nieuwe link vragen': mail a new activation link to the address of the account. Raises RuleError after day 90."""
    with writing():
        token = found(secret)
        if token is None or not can_ask_anew(token, now):
            raise RuleError("Een nieuwe link vragen kan niet meer. Bel het team Kadervorming.")
        if not mails.sent_since("activation", token.user.email, now - NOT_TWICE_WITHIN):
            mail_link(_approved_site(token), token.user, now)


def mail_link(site: Site, user: User, now: datetime):
    """Mail a new link to complete the registration."""
    new, expires_at = new_link(user, site, now)
    mails.activation(site, user, new, expires_at, now)


def waiting_link(user: User, now: datetime) -> Token | None:
    """The newest link that this person did not follow and that still works."""
    mine = (Token.user == user) & (Token.expires_at > now)
    return Token.select().where(WAITING, mine).order_by(Token.id.desc()).first()


def another_link(token: Token, now: datetime) -> tuple[Site | None, str]:
    """Another link with the same purpose and the same end, beside this one: (site that it is about, secret)."""
    secret = secrets.token_urlsafe(32)
    Token.create(key_hash=accounts.hashed(secret), purpose=token.purpose, user=token.user_id, object_type=token.object_type,
                 object_id=token.object_id, created_at=token.created_at, expires_at=token.expires_at)  # fmt: skip
    return Site.get_or_none(Site.id == int(token.object_id)) if token.object_type == "site" else None, secret


def unfinished(now: datetime) -> list[User]:
    """Accounts with a password that were not completed by day 90: after the approval of their site, or, when they have none (who
    wanted to take one over), after they were made."""
    limit = end_of_day(local_date(now) - timedelta(days=LAST_DAY + 1))
    managed = SiteManager.select().where(SiteManager.user == User.id, SiteManager.until.is_null())
    approved = managed.join(Site).where(Site.state == "approved", Site.decided_at < limit)
    without = ~fn.EXISTS(managed) & (User.created_at < limit)
    never = User.confirmed_at.is_null() & User.password.is_null(False) & User.active
    return list(User.select().where(never, fn.EXISTS(approved) | without))


def forget(user: User, now: datetime) -> bool:
    """After day 90 an account that was never completed is erased and its site is 'zonder beheerder'. Inside a transaction, for a
    locked account; False when it was completed or forgotten meanwhile."""
    if user.confirmed_at is not None or not user.active:
        return False
    for link in SiteManager.select().where(SiteManager.user == user, SiteManager.until.is_null()):
        audit.record(None, "site.without_manager", link.site, at=now, manager=user, site=link.site)
    SiteManager.update(until=now).where(SiteManager.user == user, SiteManager.until.is_null()).execute()
    erasure.take_out(user, now, thorough=False)
    return True
