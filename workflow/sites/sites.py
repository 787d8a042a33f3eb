"""Sites: the decision of the team and what goes before and after it, their periods, and who manages them."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import audit
import dutch
import mails
import scope
from database import RuleError, writing
from database.texts import required_text
from mails import links
from models import (
    APPROVAL_DAYS,
    MANAGER,
    PERIODS,
    Handover,
    Mail,
    Placement,
    Role,
    Site,
    SiteManager,
    SiteMessage,
    SitePeriod,
    User,
    UserRole,
    declare,
)
from times import days_after
from workflow.accounts import activation
from workflow.stages import placements

UNDO_FOR = timedelta(minutes=10)
"""how long somebody can undo what they just did; the mail of a decision is held back as long"""
declare(undo_minutes=lambda: int(UNDO_FOR.total_seconds() // 60))

CHECKLIST = {
    "recognised": "Het is een erkend jeugdwerkinitiatief",
    "address": "Het adres klopt",
    "single": "Het is geen dubbel van een andere stageplaats",
}
"""what the team checks before it decides; the ticks are kept in the history"""

READY_REASONS = {
    "recognition": "We vinden geen erkenning van dit initiatief. Bezorg ons een bewijs, en dien je aanvraag opnieuw in.",
    "address": "Het adres klopt niet met de erkenning. Kijk het na, en dien je aanvraag opnieuw in.",
    "double": "Deze stageplaats is al erkend. Kijk met de verantwoordelijke van die stageplaats wie het beheer opneemt.",
    "contact": "We kunnen je niet bereiken op dit telefoonnummer of e-mailadres. Kijk het na, en dien je aanvraag opnieuw in.",
}
"""reasons for 'Afkeuren' that the team uses often"""


# ---- the decision


def approve(site: Site, by: User, now: datetime, checked: tuple[str, ...] = (), tell: bool = True):
    """Approve a site. Its manager gets a mail, held back while the decision can be undone; with a link to complete
    the registration when that is still to be done. `checked`: keys of CHECKLIST. Raises RuleError when it was decided
    already."""
    scope.require(by, "approve", site)
    with writing():
        _decide(site, "approved", by, now)
        audit.record(by, "site.approved", site, at=now, site=site, checked=_checked(checked))
        manager = site.manager()
        if tell and manager:
            waits = manager.password is not None and manager.confirmed_at is None
            token = activation.new_link(manager, site, now)[0] if waits else None
            mails.site_approved(site, manager, token, now, now + UNDO_FOR)


def reject(site: Site, by: User, now: datetime, reason: str, checked: tuple[str, ...] = ()):
    """Reject a site with a reason that the applicant reads. Raises RuleError without one, or when it was decided
    already."""
    scope.require(by, "reject", site)
    reason = required_text(reason, "Schrijf waarom je afkeurt. De aanvrager leest deze tekst in de e-mail.", "reason")
    with writing():
        _decide(site, "rejected", by, now, reason=reason)
        audit.record(by, "site.rejected", site, at=now, site=site, reason=site.reason, checked=_checked(checked))
        manager = site.manager()
        if manager:
            mails.site_rejected(site, manager, now, now + UNDO_FOR)


def _decide(site, state, by, now, reason=""):
    site.move(state, decided_at=now, decided_by=by, reason=reason, due_on=site.due_after_pause(now), paused_at=None)


def _checked(keys) -> str:
    words = [CHECKLIST[key].lower() for key in CHECKLIST if key in keys]
    return f" Nagekeken: {dutch.listing(words)}." if words else ""


def held_mail(site: Site) -> Mail | None:
    """The mail about the last decision, while it is held back."""
    return Mail.get_or_none(
        mails.about(site), Mail.kind << mails.DECISIONS, Mail.state == "pending", Mail.attempts == 0
    )


def in_time_to_undo(at: datetime | None, now: datetime) -> bool:
    """Whether what was done at `at` (UTC; None: never) can still be undone, as far as the time goes."""
    return at is not None and now < at + UNDO_FOR


def can_undo(site: Site, now: datetime) -> bool:
    """Whether the last decision can still be undone without anybody noticing."""
    recent = site.state in ("approved", "rejected") and in_time_to_undo(site.decided_at, now)
    held, manager = held_mail(site), site.manager()
    nobody_told = manager is None or not manager.is_reachable
    return recent and (nobody_told or (held is not None and held.next_at is not None and held.next_at > now))


def undo(site: Site, by: User, now: datetime):
    """Take a decision back while its mail is held. Raises RuleError when the mail has left."""
    scope.require(by, "undo", site)
    with writing():
        fresh = Site.locked(site.id)
        possible, held = can_undo(fresh, now), held_mail(fresh)
        if held and not Mail.delete().where(Mail.id == held.id, Mail.state == "pending").execute():
            possible = False  # the sender claimed it just now
        if not possible:
            raise RuleError("De e-mail is al vertrokken. Je kunt de aanvraag nog heropenen, met een reden.")
        if fresh.manager():
            links.end(links.ACTIVATION, fresh.manager(), now)
        fresh.move("submitted", decided_at=None, decided_by=None, reason="")
        audit.record(by, "site.undone", fresh, at=now, site=fresh)


def mail_now(site: Site, by: User, now: datetime):
    """Let the mail about the decision leave at once; it can then no longer be undone. Raises RuleError when it has
    left."""
    scope.require(by, "mail_now", site)
    held = held_mail(site)
    if held is None or not Mail.update(next_at=now).where(Mail.id == held.id, Mail.state == "pending").execute():
        raise RuleError("De e-mail is al vertrokken.")
    mails.written.send(held, at_once=True)


def reopen(site: Site, by: User, now: datetime, reason: str):
    """Reopen a decided application (a new term) or a closed site; its manager is told why.

    Raises RuleError without a reason, or when nothing was decided."""
    scope.require(by, "reopen", site)
    reason = required_text(
        reason, "Schrijf waarom je heropent. De stageplaatsverantwoordelijke leest deze tekst.", "reason"
    )
    with writing():
        closed, manager = site.state == "closed", site.manager()
        if closed:
            site.move("approved", reason="")
            if manager:
                mails.site_opened(site, manager, reason, now)
        else:
            Mail.delete().where(mails.about(site), Mail.kind << mails.DECISIONS, Mail.state == "pending").execute()
            if manager:
                links.end(links.ACTIVATION, manager, now)
            term = {"due_on": days_after(now, APPROVAL_DAYS), "term_days": APPROVAL_DAYS}
            site.move("submitted", decided_at=None, decided_by=None, reason="", paused_at=None, **term)
            if manager:
                mails.application_reopened(site, manager, reason, now)
        audit.record(by, "site.reopened", site, at=now, site=site, reason=reason)


# ---- questions and notes


def ask(site: Site, by: User, now: datetime, text: str):
    """Ask the applicant for information: the term is paused until the answer. Raises RuleError."""
    scope.require(by, "ask", site)
    text = required_text(text, "Typ je vraag.", "text")
    with writing():
        fresh, manager = Site.locked(site.id), site.manager()
        if fresh.state != "submitted":
            raise RuleError(fresh.step_refused(by))
        if manager is None:
            raise RuleError(f"{site} heeft geen verantwoordelijke aan wie je iets kunt vragen.")
        SiteMessage.create(site=fresh, kind="question", text=text, by=by, at=now)
        if fresh.paused_at is None:
            fresh.paused_at = now
            fresh.save()
        audit.record(by, "site.asked", fresh, at=now, site=fresh)
        mails.question(fresh, manager, text, now)


def stop_waiting(site: Site, by: User, now: datetime):
    """Stop waiting for an answer (it came by telephone): the term resumes. Raises RuleError."""
    scope.require(by, "ask", site)
    with writing():
        fresh = Site.locked(site.id)
        if fresh.state != "submitted" or fresh.paused_at is None:
            raise RuleError("De termijn loopt al.")
        resume(fresh, now)
        audit.record(by, "site.resumed", fresh, at=now, site=fresh, due=fresh.due_on)


def resume(site: Site, now: datetime):
    """Resume the term of a locked site; each day of waiting is added to it."""
    site.due_on, site.paused_at = site.due_after_pause(now), None
    site.save()


def note(site: Site, by: User, now: datetime, text: str):
    """A note for colleagues; the applicant never sees it. Raises RuleError for an empty one."""
    scope.require(by, "note", site)
    text = required_text(text, "Typ je notitie.", "text")
    SiteMessage.create(site=site, kind="note", text=text, by=by, at=now)


# ---- closing


def close(site: Site, by: User, now: datetime, reason: str, cancel_running: bool):
    """Close a site: nobody can be coupled any more. Running placements stay (they can be evaluated) or are cancelled,
    with the same reason, which frees their hours. Raises RuleError without a reason or when it is not open."""
    scope.require(by, "close", site)
    reason = required_text(reason, "Schrijf waarom de stageplaats sluit.", "reason")
    with writing():
        site.move("closed", reason=reason)
        running = list(site.placements.where(Placement.state == "open").order_by(Placement.trajectory))
        if cancel_running:
            for placement in running:
                placements.cancel(placement, by, now, reason)
        told = dutch.counted(len(running), "stage", "stages") + (" geannuleerd" if cancel_running else " lopen nog")
        audit.record(by, "site.closed", site, at=now, site=site, reason=site.reason, running=told if running else "")
        end_handover(site, now, "De stageplaats is gesloten.")
        manager = site.manager()
        if manager and manager != by:
            mails.site_closed(site, manager, site.reason, now)


# ---- manager and periods


def give_to(site: Site, user: User | None, by: User, now: datetime):
    """Make `user` the manager of a site instead of the present one; None leaves it without. An open handover is
    closed."""
    scope.require(by, "give", site)
    with writing():
        if hand_to(Site.locked(site.id), user, by, now):
            end_handover(site, now, "De stageplaats kreeg intussen een andere verantwoordelijke.")


def hand_to(site: Site, user: User | None, by: User, now: datetime) -> bool:
    """Change the manager of a locked site, with all its placements; False when nothing changes. Does not check
    rights."""
    present = site.manager()
    if present == user:
        return False
    if present:
        SiteManager.update(until=now).where(SiteManager.site == site, SiteManager.current()).execute()
        audit.record(by, "site.without_manager", site, at=now, manager=present, site=site)
    if user:
        SiteManager(site=site, user=user, since=now).save()
        role, _ = Role.get_or_create(name=MANAGER)
        UserRole.get_or_create(user=user, role=role)
        audit.record(by, "site.manager", site, at=now, manager=user, site=site)
    return True


def end_handover(site: Site, now: datetime, why: str):
    """Close the open handover of this locked site, if any, and tell the requester why."""
    handover = Handover.get_or_none(Handover.site == site, Handover.state << Handover.UNDECIDED)
    if handover is None:
        return
    handover.move("withdrawn", decided_at=now, reason=why)
    mails.unsend(handover)
    audit.record(None, "handover.ended", handover, at=now, site=site, reason=why)
    mails.handover_ended(handover, now)


@dataclass
class Periods:
    """When a stage can be done: holidays and 'year' by their key, and own periods as (first day, last day)."""

    kinds: list[str] = field(default_factory=list)
    own: list[tuple[date, date]] = field(default_factory=list)


def check_periods(periods: Periods):
    """Raise RuleError when there is no period, or one that ends before it begins."""
    if not periods.kinds and not periods.own:
        raise RuleError("Kies minstens één periode waarin er stage gelopen kan worden.", "periods")
    if any(starts_on > ends_on for starts_on, ends_on in periods.own):
        raise RuleError("De periode eindigt voor ze begint. Kijk beide dagen na.", "own_to")


def set_periods(site: Site, periods: Periods) -> str:
    """Make these the periods of a site; returns what changed, in words. Raises RuleError as `check_periods` does."""
    check_periods(periods)
    wanted: list[tuple[str, date | None, date | None]] = [
        (kind, None, None) for kind in PERIODS if kind in periods.kinds and kind != "own"
    ]
    wanted += [("own", *days) for days in sorted(set(periods.own))]
    stored = {(period.kind, period.starts_on, period.ends_on): period for period in site.periods}
    new = [
        SitePeriod(site=site, kind=kind, starts_on=a, ends_on=b) for kind, a, b in wanted if (kind, a, b) not in stored
    ]
    gone = [period for key, period in stored.items() if key not in wanted]
    for period in gone:
        period.delete_instance()
    for period in new:
        period.save()
    return ", ".join([f"periode {period} erbij" for period in new] + [f"periode {period} weg" for period in gone])
