"""Showing by a link in a mail that an address is the own one: after registering with eID, before taking a site over under 18, and
when somebody changes address. One that has an account already is never given away: its owner gets a mail."""

import secrets
from datetime import datetime, timedelta

import audit
import mails
from database import RuleError, writing
from models import Handover, Site
from people import NOWHERE, Token, User
from times import days_after, end_of_day
from workflow import accounts, eid_answers, handovers, identities
from workflow.activation import ACTIVATION_DAYS, CONFIRM, NOT_TWICE_WITHIN

SAME_MAIL_AFTER = timedelta(hours=1)  # so that nobody can fill somebody's mailbox
SAME_PERSON = "same_person"
"""purpose of a link: the account with this address is mine too"""


def claim(user: User, email: str, now: datetime, site: Site | None = None):
    """Make `email` the address of somebody, once it is confirmed by a link that this mails; on an account that is being made it
    stands there at once, unless somebody else has it. Inside a transaction, for a saved account. `site`: what the person asks to
    take over, and waits for the link. Who calls cannot tell whether the address was known."""
    email = email.strip().lower()
    if email == user.email and user.confirmed_at:
        user.claimed_email = None
        user.save()
        return
    owner = User.get_or_none(User.email == email, User.id != user.id)
    if owner is None and user.confirmed_at is None:
        user.email, user.claimed_email = email, None
    else:
        user.claimed_email = email
    user.save()
    if owner is None:
        mail_link(user, now, site)
    elif user.has_eid and user.confirmed_at is None:
        if not mails.sent_since("same_person", email, now - SAME_MAIL_AFTER):
            token, expires_at = _token(owner, SAME_PERSON, now, "user", user.id)
            mails.same_person(owner, token, expires_at, now)
    elif not mails.sent_since("address_known", email, now - SAME_MAIL_AFTER):
        mails.address_known(owner, "/aanmelden", now)


def nowhere() -> str:
    """An address for an account whose own is not known yet: unique, and no mail ever goes there."""
    return f"onbevestigd-{secrets.token_hex(8)}@{NOWHERE}"


def mail_link(user: User, now: datetime, site: Site | None = None):
    """Mail the link by which somebody confirms the address that was typed; older links stop working."""
    waiting = (Token.user == user) & (Token.purpose == CONFIRM) & Token.used_at.is_null()
    Token.update(expires_at=now).where(waiting, Token.expires_at > now).execute()
    token, expires_at = _token(user, CONFIRM, now, "site" if site else "", site.id if site else "")
    mails.confirm_address(user, user.shown_email, token, expires_at, now, site)


def _token(user, purpose, now, object_type, object_id):
    secret, expires_at = secrets.token_urlsafe(32), end_of_day(days_after(now, ACTIVATION_DAYS))
    Token.create(
        key_hash=accounts.hashed(secret), purpose=purpose, user=user, object_type=object_type, object_id=object_id,
        created_at=now, expires_at=expires_at,
    )  # fmt: skip
    return secret, expires_at


def found(secret: str) -> Token | None:
    """The row of a link, whether it still works or not."""
    return Token.get_or_none(Token.key_hash == accounts.hashed(secret), Token.purpose << (CONFIRM, SAME_PERSON))


def works(token: Token, now: datetime) -> bool:
    return token.used_at is None and token.expires_at > now and token.user.active


def can_ask_anew(token: Token, now: datetime) -> bool:
    """Whether who holds this link may ask a new one: the address still waits for it."""
    user = token.user
    waits = user.confirmed_at is None or user.claimed_email is not None
    return token.purpose == CONFIRM and token.used_at is None and user.active and waits


def ask_new_link(secret: str, now: datetime):
    """'Nieuwe link vragen': mail a new link to the same address, for the same purpose. Raises RuleError when none is needed."""
    with writing():
        token = found(secret)
        if token is None or not can_ask_anew(token, now):
            raise RuleError("Een nieuwe link vragen kan niet meer. Meld je aan, of bel het team Kadervorming.")
        mail_again(token.user, now)


def mail_again(user: User, now: datetime):
    """Mail the link once more, for what it was asked for; not twice within a minute."""
    if not mails.sent_since("confirm_address", user.shown_email, now - NOT_TWICE_WITHIN):
        newest = Token.select().where(Token.user == user, Token.purpose == CONFIRM).order_by(Token.id.desc()).first()
        mail_link(user, now, _wanted_site(newest) if newest else None)


def _wanted_site(token: Token) -> Site | None:
    return Site.get_or_none(Site.id == int(token.object_id)) if token.object_type == "site" else None


def confirm(secret: str, now: datetime) -> str:
    """'Registratie voltooien': the address is the own one from now on; what waited for it goes on. Returns what to tell.

    Raises RuleError when the link was used, or is too old."""
    with writing():
        token = found(secret)
        if token is None or not works(token, now):
            raise RuleError("Deze link werkt niet meer.")
        if not Token.update(used_at=now).where(Token.id == token.id, Token.used_at.is_null()).execute():
            raise RuleError("Deze link werkt niet meer.")
        if token.purpose == SAME_PERSON:
            return _become_one(token.user, User.get_by_id(int(token.object_id)), now)
        user = token.user
        if user.claimed_email:
            mails.address_changed(user, user.email, now)
            user.email, user.claimed_email = user.claimed_email, None
        user.confirmed_at = now
        user.save()
        audit.record(user, "user.confirmed", user, at=now)
        site = _wanted_site(token)
        return "Je e-mailadres is bevestigd." if site is None else _ask_for(site, user, now)


def _ask_for(site: Site, user: User, now: datetime) -> str:
    """What somebody under 18 asked for can go on; when it cannot any more, the account is there all the same."""
    try:
        handover = handovers.ask(site, user, user.email, user.phone, now)
    except RuleError as error:
        return f"Je registratie is voltooid. Het beheer overnemen lukte niet: {error}"
    return f"Je registratie is voltooid. {told(handover)}"


def told(handover: Handover) -> str:
    """What to tell who just asked to take a site over."""
    site = handover.site
    if handover.state == "accepted":
        return f"Jij beheert nu {site}."
    if handover.state == "escalated":
        return f"{site} heeft nu geen verantwoordelijke. Het team Kadervorming bekijkt je vraag, binnen de twee weken."
    return f"We vroegen het aan wie {site} nu beheert. Het antwoord komt binnen de twee weken, per e-mail."


def _become_one(owner: User, newcomer: User, now: datetime) -> str:
    """The owner of an address says that the account with eID is his or hers too: the two become one when all agrees, else the
    team looks."""
    if owner.is_plain_manager and not owner.has_eid and eid_answers.same_person(owner, newcomer):
        identities.merge(owner, newcomer, newcomer, now)
        return "Je twee accounts zijn nu één. Meld je aan met eID."
    identities.ask_team(owner, now, None, newcomer, differs=eid_answers.differences(owner, newcomer))
    return "Het team Kadervorming kijkt na of de twee accounts van jou zijn. Je krijgt binnen de twee weken een mail."
