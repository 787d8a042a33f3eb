"""Registering: the applicant's details and first site, a further site, and what the applicant does by mailed link."""

import json
import secrets
from datetime import datetime, timedelta

from peewee import fn

import audit
import mails
import scope
from database import RuleError, check_name, writing
from database.texts import said
from mails import links
from models import (
    ADULT_YEARS,
    APPROVAL_DAYS,
    DRAFT_HOURS,
    MANAGER,
    Draft,
    Role,
    Site,
    SiteManager,
    SiteMessage,
    User,
    UserRole,
    tell,
)
from times import days_after, end_of_day, local_date
from workflow.accounts import accounts, activation, confirmation
from workflow.accounts.confirmation import SAME_MAIL_AFTER
from workflow.privacy import erasure
from workflow.sites import declarations, sites

DRAFT_LASTS = timedelta(hours=DRAFT_HOURS)
tell(draft_hours=lambda: int(DRAFT_LASTS.total_seconds() // 3600))

# ---- registering


def register(person: dict, place: dict, periods: sites.Periods, password_hash: str, now: datetime):
    """A new account (of somebody under 18) with its first site, waiting for the team. Manual 2.2.

    `place`: the columns of the site. Raises RuleError when a rule refuses."""
    with writing():
        user = open_account(person, password_hash, now)
        if user is not None:
            submit_site(user, place, periods, now)


def open_account(person: dict, password_hash: str, now: datetime) -> User | None:
    """The account of somebody under 18 with a password, not yet confirmed. `person`: email, first_name, last_name,
    phone, birth_date. For a known address nothing is created and its owner gets a mail; the person who types it
    cannot tell. Inside a transaction. Raises RuleError when a rule refuses."""
    user = accounts.new_user(**person, password=password_hash, created_at=now)
    if user.is_adult(now) is not False:
        raise RuleError(f"Ben je {ADULT_YEARS} jaar of ouder? Registreer je dan met eID.", "birth_date")
    known = User.of_address(user.email)
    check_name(user)
    if known is None and not _save_new(user):
        known = User.of_address(user.email)
    if known:
        _tell_known(known, now)
        return None
    UserRole.create(user=user, role=Role.get_or_create(name=MANAGER)[0])
    return user


def _save_new(user) -> bool:
    """Save an account; False when another request just created one with this address."""
    try:
        user.save(force_insert=True)
    except RuleError as error:
        if error.field is None:
            return False
        raise
    return True


def forgot_password(user: User, now: datetime):
    """'Wachtwoord vergeten?' for an existing account: mail a way in. Users who have not completed the registration
    get that link again, and can choose another password afterwards."""
    if not user.active:
        return
    with writing():
        site = _application_of(user)
        if user.password is None or user.confirmed_at is not None:
            accounts.mail_reset_link(user, now)
        elif site is None:
            confirmation.mail_again(user, now)
        elif site.state == "approved" and sites.held_mail(site) is None:
            activation.mail_again(site, user, now)
        elif not mails.sent_since("registration_waits", user.email, now - SAME_MAIL_AFTER):
            mails.registration_waits(site, user, now)


def _tell_known(user: User, now: datetime):
    waiting = _application_of(user) if not user.confirmed_at else None
    if waiting is None and not user.confirmed_at and user.password:
        confirmation.mail_again(user, now)
    elif not mails.sent_since("address_known", user.email, now - SAME_MAIL_AFTER):
        mails.address_known(user, links.application(waiting, now) if waiting else "/aanmelden", now)


def _application_of(user: User) -> Site | None:
    """The newest site that this person registered and still manages."""
    mine = Site.select().join(SiteManager).where(SiteManager.user == user, SiteManager.current())
    return mine.order_by(Site.id.desc()).first()


def submit_site(by: User, place: dict, periods: sites.Periods, now: datetime) -> Site:
    """An application for a further site by a site manager. Manual 2.4.

    'Bevestigen' accepts the declaration of this day: its version, the user and the moment are stored; the receipt
    leaves by mail. Raises RuleError."""
    if not scope.allows(by, "apply", Site):
        raise scope.NotYours("apply Site")
    with writing():
        accepted = declarations.current(now)
        site = Site(**place, submitted_at=now, declaration=accepted, declared_by=by, declared_at=now)
        site.save(force_insert=True)
        sites.set_periods(site, periods)
        SiteManager(site=site, user=by, since=now).save()
        audit.record(by, "site.submitted", site, at=now, site=site, version=accepted.version)
        mails.application_received(site, by, now)
    return site


# ---- a draft: what was typed is kept while the user is sent elsewhere


def keep_draft(form: str, data: dict, now: datetime, lasts: timedelta = DRAFT_LASTS) -> str:
    """Keep what was typed in a form, never a password, for 24 hours or `lasts`; returns the secret that finds it
    again."""
    secret = secrets.token_urlsafe(32)
    Draft.create(
        key_hash=accounts.hashed(secret),
        form=form,
        data=json.dumps(data, ensure_ascii=False),
        created_at=now,
        expires_at=now + lasts,
    )
    return secret


def draft(secret: str | None, form: str, now: datetime) -> dict | None:
    """What was typed in this form earlier, as long as it is kept."""
    key = accounts.hashed(secret or "")
    row = Draft.get_or_none(Draft.key_hash == key, Draft.form == form, Draft.expires_at > now)
    return json.loads(row.data) if row else None


def drop_draft(secret: str | None):
    """Delete the draft of a form that was sent."""
    Draft.delete().where(Draft.key_hash == accounts.hashed(secret or "")).execute()


# ---- the applicant, by mailed link


def answer(site: Site, text: str, by: User, now: datetime):
    """The applicant answers the team's question: the clock resumes. Raises RuleError when nothing was asked."""
    scope.require(by, "answer", site)
    text = said(text, "Typ je antwoord.", "text")
    with writing():
        fresh = Site.locked(site.id)
        if fresh.state != "submitted" or fresh.paused_at is None:
            raise RuleError(
                "Het team wacht niet meer op een antwoord. Heb je nog iets te zeggen? Bel het team Kadervorming."
            )
        SiteMessage.create(site=fresh, kind="answer", text=text, by=by, at=now)
        sites.resume(fresh, now)
        audit.record(by, "site.answered", fresh, at=now, site=fresh, due=fresh.due_on)


def withdraw(site: Site, by: User, now: datetime):
    """Withdraw an application; an account that was never completed and has no other site is erased too.

    Raises RuleError when it was decided already."""
    scope.require(by, "withdraw", site)
    with writing():
        applicant = site.manager()
        site.move("withdrawn", decided_at=now, paused_at=None)
        audit.record(by, "site.withdrawn", site, at=now, site=site)
        if applicant is None:
            return
        erased = (
            applicant.confirmed_at is None and applicant.password is not None and not _has_other_site(applicant, site)
        )
        mails.application_withdrawn(site, applicant, erased, now)
        if erased:
            SiteManager.update(until=now).where(SiteManager.site == site, SiteManager.current()).execute()
            erasure.take_out(applicant, None, now, "de aanvraag is ingetrokken", thorough=False)


def _has_other_site(user: User, site: Site) -> bool:
    managed = SiteManager.select().where(SiteManager.user == user, SiteManager.current(), SiteManager.site != site)
    return managed.exists()


def submit_again(site: Site, place: dict, periods: sites.Periods, by: User, now: datetime, unchanged: bool = False):
    """'Aanpassen en opnieuw indienen' after a rejection: a new term, and the declaration is accepted again.
    `unchanged`: whether it may stay as it was. Raises RuleError."""
    scope.require(by, "submit_again", site)
    with writing():
        fresh = Site.locked(site.id)
        before = {name: getattr(fresh, name) for name in place}
        for name, value in place.items():
            if value != before[name]:
                setattr(fresh, name, value)
        changed = ", ".join(word for word in (audit.changes(before, fresh), sites.set_periods(fresh, periods)) if word)
        if not changed and not unchanged:
            raise RuleError(
                "Je veranderde nog niets aan je aanvraag. Pas aan wat in de reden staat. Wil je ze toch zo opnieuw indienen? "
                "Vink dan aan dat je dat zelf beslist.",
                "myself",
            )
        fresh.move(
            "submitted",
            submitted_at=now,
            due_on=days_after(now, APPROVAL_DAYS),
            term_days=APPROVAL_DAYS,
            decided_at=None,
            decided_by=None,
            reason="",
            declaration=declarations.current(now),
            declared_by=by,
            declared_at=now,
        )
        audit.record(by, "site.submitted_again", fresh, at=now, site=fresh, changes=changed or "niets")
        mails.application_received(fresh, by, now)


# ---- a mistyped address


def correct_address(site: Site, email: str, by: User, now: datetime):
    """The team corrects the mistyped address of somebody who has not completed the registration, and sends the last
    news again; links to the old address stop working. Raises RuleError for an address that is known or no address."""
    scope.require(by, "correct_address", site)
    with writing():
        user = site.manager()
        if user is None or user.confirmed_at is not None:
            raise RuleError(
                "Dit account is al in gebruik. Alleen wie zelf aangemeld is, wijzigt het e-mailadres.", "email"
            )
        old, user.email = user.email, email
        user.save()
        mails.give_up(old, now, site, user)
        audit.record(by, "user.address", site, at=now, old=old, new=user.email)
        if user.password is None:
            confirmation.mail_link(user, now)
            if site.state == "submitted":
                mails.application_received(site, user, now)
        elif site.state == "approved":
            activation.mail_link(site, user, now)
        elif site.state == "rejected":
            mails.site_rejected(site, user, now, now)
        elif site.state == "submitted":
            mails.application_received(site, user, now)


def unfinished(now: datetime) -> list[User]:
    """Accounts with a password that were not completed by day 90: after the approval of their site or, without a site
    (they wanted to take one over), after they were created."""
    limit = end_of_day(local_date(now) - timedelta(days=activation.LAST_DAY + 1))
    managed = SiteManager.select().where(SiteManager.user == User.id, SiteManager.current())
    approved = managed.join(Site).where(Site.state == "approved", Site.decided_at < limit)
    without = ~fn.EXISTS(managed) & (User.created_at < limit)
    never = User.confirmed_at.is_null() & User.password.is_null(False) & User.active
    return list(User.select().where(never, fn.EXISTS(approved) | without))


def forget(user: User, now: datetime) -> bool:
    """Erase an account that was never completed by day 90; its site becomes 'zonder beheerder'. Inside a transaction,
    for a locked account; False when it was completed or erased meanwhile."""
    if user.confirmed_at is not None or not user.active:
        return False
    for link in SiteManager.select().where(SiteManager.user == user, SiteManager.current()):
        audit.record(None, "site.without_manager", link.site, at=now, manager=user, site=link.site)
    SiteManager.update(until=now).where(SiteManager.user == user, SiteManager.current()).execute()
    erasure.take_out(user, None, now, "de registratie is niet voltooid", thorough=False)
    return True
