"""An eID and the account it belongs to: recognising, linking, and what the team decides when they do not match."""

import secrets
from datetime import datetime, timedelta

import audit
import dutch
import mails
import scope
from database import RuleError, locking, writing
from database.texts import required_text
from models import (
    LINK_DAYS,
    NOWHERE,
    TABLES,
    Handover,
    Identity,
    LinkRequest,
    Membership,
    SavedView,
    SiteManager,
    StartView,
    Token,
    User,
    UserRole,
    UserSession,
)
from workflow.accounts.eid_answers import (
    DIFFERENCES,
    ENTER,
    IDENTIFYING,
    KEPT,
    TEAM,
    EidPerson,
    Match,
    differences,
    match,
    rehash,
)
from workflow.sites import sites

LINK, MERGE, LOGIN, TWO = LinkRequest.KINDS
NAMED = ("first_name", "last_name", "birth_date")
ASKED = (*IDENTIFYING, *NAMED, "acr")
"""what of an eID the team is shown, or a decision takes over"""


class WithTeam(RuleError):
    """The eID disagrees with what we know: the team decides, and nobody is logged in."""


WITH_TEAM = (
    "Op je eID staat iets anders dan wat we van je account weten. Het team Kadervorming kijkt het na. Je krijgt binnen "
    f"{dutch.span(LINK_DAYS)} een e-mail. Tot dan kun je je niet aanmelden met deze eID."
)


def known(person: EidPerson) -> User | None:
    """The account of this eID, while registering; None for a new person. Raises RuleError when they disagree."""
    found = match(person)
    if found is None:
        return None
    _refuse_switched_off(found)
    if found.outcome == TEAM:
        raise RuleError("Je eID past niet bij je account. Meld je opnieuw aan met eID: dan kijkt het team het na.")
    return found.users[0]


def _refuse_switched_off(found: Match):
    if not all(user.active for user in found.users):
        raise RuleError("Met dit account kun je niet meer aanmelden. Bel het team Kadervorming.")


def recognise(person: EidPerson, now: datetime) -> User | None:
    """The account of this eID, updated with the names and details that the provider now gives; None for a new person.

    Raises WithTeam, after asking the team, when the answer does not agree with what we know; RuleError when the
    account may not log in."""
    with writing():
        rehash(person)
        found = match(person)
        if found is None:
            return None
        _refuse_switched_off(found)
        if found.outcome == ENTER:
            return _take_over(found, person, now)
        waiting = _ask_about(found, person, now)
    raise WithTeam(waiting)


def _take_over(found: Match, person: EidPerson, now: datetime) -> User:
    """Store what the provider now says; the history records what changed."""
    identity, user = found.identities[0], locking(User.select().where(User.id == found.users[0].id)).get()
    sure = len(found.identities) == 1  # when one person has two, each stays as it is
    for name in KEPT if sure else set(KEPT) - set(IDENTIFYING):
        setattr(identity, name, getattr(person, name))
    identity.save()
    renewed = [DIFFERENCES[name] for name in found.differs if name in ("number", "subject")]
    _take_over_names(user, person, user, now, renewed)
    return user


def _ask_about(found: Match, person: EidPerson, now: datetime) -> str:
    """Ask the team once to decide about an answer that disagrees; returns the message for the user. What the team
    just refused is not asked again for some time."""
    *others, user = found.users
    asked = LinkRequest.user == user
    if LinkRequest.select().where(asked, LinkRequest.state == "open").exists():
        return WITH_TEAM
    other = others[0] if others else None
    same = [getattr(LinkRequest, name) == getattr(person, name) for name in ("issuer", "subject", "number_hash")]
    lately = LinkRequest.decided_at > now - timedelta(days=LINK_DAYS)
    decided = LinkRequest.select().where(asked, LinkRequest.other == other, *same, lately)
    if refused := decided.where(LinkRequest.state == "refused").order_by(LinkRequest.id.desc()).first():
        return f"Het team Kadervorming koppelde deze eID niet aan het account. De reden: {refused.reason}"
    ask_team(user, now, person, other, TWO if other else LOGIN, found.differs)
    return WITH_TEAM


def _take_over_names(user: User, person, by: User | None, now: datetime, renewed=()):
    """Take names and birth date from the eID, as far as it gives them. The history records what changed, besides what
    was `renewed` (in words)."""
    told = {name: getattr(person, name) for name in NAMED if getattr(person, name)}
    before = {name: getattr(user, name) for name in told if getattr(user, name) != told[name]}
    for name in before:
        setattr(user, name, told[name])
    if before:
        user.save()
    if before or renewed:
        changes = dutch.listing([*renewed, *filter(None, [audit.changes(before, user)])])
        audit.record(by, "user.eid_changed", user, at=now, name=user, changes=changes)


def attach(user: User, person, by: User | None, now: datetime):
    """Make this eID the way to log in to a saved account; a site manager then no longer has a password. `person` may
    be an EidPerson or a LinkRequest. For use inside a transaction. Raises RuleError when the account has an eID
    already."""
    if Identity.select().where(Identity.user == user).exists():
        raise RuleError("Aan dit account is al een eID gekoppeld.")
    values = {name: getattr(person, name) for name in KEPT if hasattr(person, name)}
    Identity.create(user=user, created_at=now, **values)
    user.__dict__.pop("has_eid", None)
    _take_over_names(user, person, by, now)
    if user.password is not None and user.is_plain_manager:
        user.password = user.password_exception = None
        user.confirmed_at = user.confirmed_at or now
        user.fs_uniquifier = secrets.token_hex(32)  # cookies and links to choose a password stop working
        user.save()
        UserSession.end_all(user, now)


def link(user: User, person: EidPerson, now: datetime) -> bool:
    """Link an eID to the user's account. False when they do not match (another name or birth date, or the eID has an
    account): then the team must decide. Raises RuleError when it was asked already, or when the account has another
    eID."""
    with writing():
        rehash(person)
        fresh = locking(User.select().where(User.id == user.id)).get()
        found = match(person)
        if found is None and not (differs := differences(fresh, person)):
            attach(fresh, person, fresh, now)
            audit.record(fresh, "user.eid", fresh, at=now)
            return True
        if found is None:
            ask_team(fresh, now, person, None, differs=differs)
            return False
        if found.users == [fresh]:
            if found.outcome == ENTER:
                return True
            _ask_about(found, person, now)
        else:
            other = next(one for one in found.users if one != fresh)
            ask_team(fresh, now, person, other, differs=differences(fresh, person))
    return False


def ask_team(user: User, now: datetime, person: EidPerson | None, other: User | None, kind: str = "", differs=()):
    """Ask the team whether an eID, or the account `other`, and the account `user` belong to one person. `differs`:
    how they differ (see `eid_answers.DIFFERENCES`). Raises RuleError when the team was asked about this account
    already."""
    kind = kind or (MERGE if other else LINK)
    columns = {name: getattr(person, name) for name in ASKED} if person else {}
    request = LinkRequest(user=user, other=other, kind=kind, differs=" ".join(differs), created_at=now, **columns)
    request.save()
    by = user if kind in (LINK, MERGE) else None  # the team must find out who uses that eID
    audit.record(by, "user.eid_asked" if by else "user.eid_disagrees", user, at=now, name=user)


def decide_link(request: LinkRequest, by: User, now: datetime):
    """The team links: the eID goes to the account, or the account is merged into the one that the eID has. Raises
    RuleError."""
    scope.require(by, "decide", request)
    with writing():
        fresh = LinkRequest.locked(request.id)
        fresh.move("linked", decided_at=now, decided_by=by)
        user = locking(User.select().where(User.id == fresh.user_id)).get()
        if not user.active or (fresh.other and not fresh.other.active):
            raise RuleError("Een van beide accounts is niet meer in gebruik. Kies ‘Niet koppelen’.")
        if fresh.other is not None:
            merge(user, fresh.other, by, now)
            mails.eid_linked(User.get_by_id(fresh.other_id), now)
        elif fresh.kind == LOGIN:
            _renew(user, fresh, by, now)
            mails.eid_renewed(user, now)
        else:
            if identity_of(fresh):
                raise RuleError(
                    "Deze eID heeft intussen een account. Koppel niet, en vraag de persoon om het opnieuw te proberen."
                )
            attach(user, fresh, by, now)
            audit.record(by, "user.eid_linked", user, at=now, name=user)
            mails.eid_linked(user, now)


def identity_of(asked: LinkRequest) -> list[Identity]:
    """The identities that share the number or the subject of an eID that the team decides about."""
    same = (Identity.issuer == asked.issuer) & (Identity.subject == asked.subject)
    return list(Identity.select().where(same | (Identity.number_hash == asked.number_hash)))


def _renew(user: User, asked: LinkRequest, by: User, now: datetime):
    """Replace the eID of an account by the one that was used to log in."""
    found = identity_of(asked)
    if not found or any(one.user_id != user.id for one in found):
        raise RuleError(
            "Deze eID hoort intussen niet meer bij dit account alleen. Kies ‘Niet koppelen’ en bel de persoon."
        )
    if len(found) == 1:
        for name in (*IDENTIFYING, "acr"):
            setattr(found[0], name, getattr(asked, name))
        found[0].save()
    renewed = [DIFFERENCES[name] for name in asked.differs.split() if name in ("number", "subject")]
    _take_over_names(user, asked, by, now, renewed)


def refuse_link(request: LinkRequest, by: User, now: datetime, reason: str):
    """The team refuses to link, for a reason that the owner of the account reads. Raises RuleError without one."""
    scope.require(by, "decide", request)
    reason = required_text(reason, "Schrijf waarom je niet koppelt. De persoon leest deze tekst.", "reason")
    with writing():
        request.move("refused", decided_at=now, decided_by=by, reason=reason)
        audit.record(by, "user.eid_refused", request.user, at=now, name=request.user, reason=reason)
        mails.eid_not_linked(request, now)


def close_requests(accounts: list[int], by: User, now: datetime, reason: str = ""):
    """Close the questions to the team about accounts that disappear. Inside a transaction."""
    about = LinkRequest.user.in_(accounts) | LinkRequest.other.in_(accounts)
    LinkRequest.update(
        state="refused", decided_at=now, decided_by=by, reason=reason, version=LinkRequest.version + 1
    ).where(about, LinkRequest.state == "open").execute()


# ---- merging two accounts of one person

ONCE = (UserRole, Membership, SiteManager, SavedView, StartView, Token, UserSession, Identity, LinkRequest)
"""tables that may hold a person only once, or whose rows are deleted with the account"""


def merge(old: User, into: User, by: User | None, now: datetime):
    """Merge `old` into `into`: sites, roles and everything that `old` did go to it. The row of `old` stays, for the
    history (which never changes), but nobody can log in with it. A handover between the two is closed."""
    with writing():
        old, into = [locking(User.select().where(User.id == one.id)).get() for one in (old, into)]
        if old == into:
            raise RuleError("Dat is hetzelfde account.")
        for field in (field for model in TABLES if model not in ONCE for field in _people(model)):
            field.model.update({field: into}).where(field == old).execute()
        for link in UserRole.select().where(UserRole.user == old):
            UserRole.get_or_create(user=into, role=link.role_id)
        for one in Membership.select().where(Membership.user == old, Membership.current()):
            if Membership.get_or_none(user=into, association=one.association_id, until=None):
                Membership.update(until=now).where(Membership.id == one.id).execute()
        for duty in (SiteManager, Membership):
            duty.update(user=into).where(duty.user == old).execute()
        Identity.update(user=into).where(Identity.user == old).execute()
        close_requests([old.id], by or into, now, "De accounts zijn samengevoegd.")
        Token.update(user=into).where(Token.user == old, Token.object_type == "handover").execute()
        for model in (UserRole, SavedView, Token, UserSession):
            model.delete().where(model.user == old).execute()
        email, phone = old.email, old.phone
        old.email, old.claimed_email, old.password, old.active = f"samengevoegd-{old.id}@{NOWHERE}", None, None, False
        old.first_name, old.last_name, old.phone, old.birth_date = "Samengevoegd", "account", "", None
        old.merged_into, old.erased_at = into.id, now
        old.save()
        if into.confirmed_at is None or into.email.endswith(f"@{NOWHERE}"):
            into.email, into.claimed_email, into.confirmed_at = email, None, now
        into.phone = into.phone or phone
        into.save()
        own = Handover.select().where(
            Handover.requester == into, Handover.asked == into, Handover.state << Handover.UNDECIDED
        )
        for handover in list(own):
            sites.end_handover(handover.site, now, "Je beheert deze stageplaats zelf al.")
        audit.record(by, "user.merged", into, at=now, name=into, old=email, new=into.email)


def _people(model):
    """The columns of a table that refer to a user, except in the history."""
    if model._meta.table_name == "history":
        return []
    return [field for field, other in model._meta.refs.items() if other is User]
