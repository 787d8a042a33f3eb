"""Completing a registration: the link in the mail that approves the site, a new one when it is too old, and the end
of it."""

from datetime import date, datetime

import audit
import mails
from database import RuleError, writing
from mails import links
from mails.links import ACTIVATION, CONFIRM
from models import Site, Token, User, declare
from times import days_after, end_of_day, local_date

ACTIVATION_DAYS = 30  # domain rule 4
LAST_DAY = 90  # domain rule 4: until then a new link can be asked
declare(activation_days=lambda: ACTIVATION_DAYS)

WAITING = (Token.purpose << (ACTIVATION, CONFIRM)) & Token.used_at.is_null()


def new_link(user: User, site: Site, now: datetime) -> tuple[str, datetime]:
    """A new single-use link for somebody whose site is approved, until the end of day 30 and never beyond day 90 after
    the approval; older ones stop working. Returns (secret, moment in UTC until which it works)."""
    last = _last_day(site)
    expires_at = end_of_day(min(days_after(now, ACTIVATION_DAYS), last))
    return links.issue(ACTIVATION, now, expires_at, user, site), expires_at


def can_ask_again(token: Token, now: datetime) -> bool:
    """Whether whoever holds this link may ask for a new one: not completed yet, the site approved, at most 90 days
    ago."""
    site, user = links.about(token), token.owner
    waits = site is not None and site.state == "approved" and user.active and user.confirmed_at is None
    return waits and local_date(now) <= _last_day(site)


def _last_day(site: Site) -> date:
    """The last day on which the registration with this approved site can be completed."""
    if site.decided_at is None:
        raise ValueError(f"site {site.id} was never decided about")
    return days_after(site.decided_at, LAST_DAY)


def activate(secret: str, now: datetime) -> User:
    """'Registratie voltooien': from now on the user can log in. Raises RuleError when the link was used, or is too
    old."""
    with writing():
        user = links.use(secret, now, ACTIVATION).owner
        user.confirmed_at = now
        user.save()
        audit.record(user, "user.completed", user, at=now)
    return user


def ask_new_link(token: Token, now: datetime):
    """'Nieuwe link vragen': mail a new activation link to the address of the account. Raises RuleError after day 90."""
    with writing():
        if not can_ask_again(token, now):
            raise RuleError("Een nieuwe link vragen kan niet meer. Bel het team Kadervorming.")
        mail_again(links.about(token), token.owner, now)


def mail_again(site: Site, user: User, now: datetime):
    """Mail a new link, but not twice within a minute."""
    if not mails.sent_since("activation", user.email, now - mails.NOT_TWICE_WITHIN):
        mail_link(site, user, now)


def mail_link(site: Site, user: User, now: datetime):
    """Mail a new link to complete the registration."""
    new, expires_at = new_link(user, site, now)
    mails.activation(site, user, new, expires_at, now)


def waiting_link(user: User, now: datetime) -> Token | None:
    """The newest link that this person has not followed and that still works."""
    newest_first = Token.select().where(WAITING, Token.user == user).order_by(Token.id.desc())
    return next((token for token in newest_first if links.works(token, now)), None)


def another_link(token: Token, now: datetime) -> tuple[Site | None, str]:
    """Another link with the same purpose and the same end, beside this one: (site that it is about, secret)."""
    site = links.about(token)
    return site, links.issue(token.purpose, token.created_at, token.expires_at, token.user, site, beside=True)
