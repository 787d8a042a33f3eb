"""Confirming by a mailed link that an address is theirs: after registering with eID, before taking a site over under
18, and when users change their address. An address that has an account is never given away: its owner gets a mail."""

import secrets
from datetime import datetime, timedelta

import audit
import dutch
import mails
from database import RuleError, readings, writing
from mails import links
from mails.links import CONFIRM, SAME_PERSON
from models import LINK_DAYS, NOWHERE, Handover, Site, SiteManager, Token, User
from times import days_after, end_of_day
from workflow.accounts import eid_answers, identities
from workflow.accounts.activation import ACTIVATION_DAYS
from workflow.sites import handovers

SAME_MAIL_AFTER = timedelta(hours=1)  # so that nobody can flood a mailbox


def claim(user: User, email: str, now: datetime, site: Site | None = None):
    """Make `email` the address of a user once they confirm it by the link that this mails; on an account that is
    being created it counts at once, unless somebody else has it. Inside a transaction, for a saved account. `site`:
    the site that the user asks to take over, which waits for the link. The caller cannot tell whether the address was
    known."""
    email = readings.email(email)
    if email == user.email and user.confirmed_at:
        user.claimed_email = None
        user.save()
        return
    owner = User.get_or_none(User.email << readings.spellings(email), User.id != user.id)
    if owner is None and user.confirmed_at is None:
        user.email, user.claimed_email = email, None
    else:
        user.claimed_email = email
    user.save()
    if owner is None:
        mail_link(user, now, site)
    elif user.has_eid and user.confirmed_at is None:
        if not mails.sent_since("same_person", email, now - SAME_MAIL_AFTER):
            expires_at = _until(now)
            mails.same_person(owner, links.issue(SAME_PERSON, now, expires_at, owner, user), expires_at, now)
    elif not mails.sent_since("address_known", email, now - SAME_MAIL_AFTER):
        mails.address_known(owner, "/aanmelden", now)


def nowhere() -> str:
    """A placeholder for an account whose address is not known yet: unique, and no mail ever goes there."""
    return f"onbevestigd-{secrets.token_hex(8)}@{NOWHERE}"


def mail_link(user: User, now: datetime, site: Site | None = None):
    """Mail the link that confirms the address that was typed; older links stop working."""
    expires_at = _until(now)
    secret = links.issue(CONFIRM, now, expires_at, user, site)
    mails.confirm_address(user, user.shown_email, secret, expires_at, now, site)


def _until(now):
    return end_of_day(days_after(now, ACTIVATION_DAYS))


def can_ask_anew(token: Token, now: datetime) -> bool:
    """Whether whoever holds this link may ask for a new one: the address that it was mailed to still waits for it."""
    user = token.owner
    waits = user.confirmed_at is None or user.claimed_email is not None
    return token.used_at is None and waits and links.addressed(token)


def ask_new_link(token: Token, now: datetime):
    """'Nieuwe link vragen': mail a new link to the same address, for the same purpose. Raises RuleError when none is
    needed."""
    with writing():
        if not can_ask_anew(token, now):
            raise RuleError("Een nieuwe link vragen kan niet meer. Meld je aan, of bel het team Kadervorming.")
        mail_again(token.owner, now)


def mail_again(user: User, now: datetime):
    """Mail the link again for the same purpose; not twice within a minute."""
    if not mails.sent_since("confirm_address", user.shown_email, now - mails.NOT_TWICE_WITHIN):
        newest = Token.select().where(Token.user == user, Token.purpose == CONFIRM).order_by(Token.id.desc()).first()
        mail_link(user, now, links.about(newest) if newest else None)


def confirm(secret: str, now: datetime) -> str:
    """'Registratie voltooien': the address is confirmed; what waited for it continues. Returns the message to show.

    Raises RuleError when the link was used, or is too old."""
    with writing():
        token = links.use(secret, now, CONFIRM, SAME_PERSON)
        if token.purpose == SAME_PERSON:
            return _become_one(token.owner, links.about(token), now)
        user = token.owner
        if user.claimed_email:
            mails.give_up(user.email, now, user)
            mails.address_changed(user, user.email, now)
            user.email, user.claimed_email = user.claimed_email, None
        user.confirmed_at = now
        user.save()
        audit.record(user, "user.confirmed", user, at=now)
        site = links.about(token)
        return "Je e-mailadres is bevestigd." if site is None else _ask_for(site, user, now)


def takes_site(token: Token) -> bool:
    """Whether following this link makes somebody the manager of a site at once: it was offered to the address."""
    return token.purpose == CONFIRM and bool(handovers.offer_to(links.about(token), token.address or ""))


def _ask_for(site: Site, user: User, now: datetime) -> str:
    """Continue what a user under 18 asked for; the account stays even when that is no longer possible."""
    try:
        if offer := handovers.offer_to(site, user.email):
            handovers.accept(offer, user, now, by_link=True)
            handover = Handover.get_by_id(offer.id)
        else:
            handover = handovers.ask(site, user, user.email, user.phone, now)
    except RuleError as error:
        return f"Je registratie is voltooid. Het beheer overnemen lukte niet: {error}"
    return f"Je registratie is voltooid. {told(handover)}"


def told(handover: Handover) -> str:
    """The message for a user who just asked to take a site over."""
    site = handover.site
    if handover.state == "accepted":
        return f"Jij beheert nu {site}."
    if handover.state == "escalated":
        within = dutch.span(handover.team_days)
        return f"{site} heeft nu geen verantwoordelijke. Het team Kadervorming beslist, binnen {within}."
    within = dutch.span(handover.term_days)
    return f"We vroegen het aan wie {site} nu beheert. Het antwoord komt binnen {within}, per e-mail."


def _become_one(owner: User, newcomer: User, now: datetime) -> str:
    """The owner of an address confirms that the account with eID is theirs too: the two are merged when everything
    agrees, else the team decides."""
    if owner.is_plain_manager and not owner.has_eid and eid_answers.same_person(owner, newcomer):
        applied = list(Site.select().join(SiteManager).where(SiteManager.user == newcomer, Site.state == "submitted"))
        identities.merge(owner, newcomer, newcomer, now)
        for site in applied:  # until now there was no address for a receipt
            mails.application_received(site, User.get_by_id(newcomer.id), now)
        return "Je twee accounts zijn nu één. Meld je aan met eID."
    identities.ask_team(owner, now, None, newcomer, differs=eid_answers.differences(owner, newcomer))
    return (
        "Het team Kadervorming kijkt na of de twee accounts van jou zijn. Je krijgt binnen "
        f"{dutch.span(LINK_DAYS)} een e-mail."
    )
