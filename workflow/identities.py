"""An eID and the account it belongs to: recognising, linking, and what the team decides when they do not fit by themselves."""

import secrets
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime

import audit
import mails
import scope
from database import RuleError, locking, writing
from models import TABLES, Identity, LinkRequest, SavedView, SiteManager, StartView, Token, User, UserRole, UserSession
from people import NOWHERE
from places import Handover, Membership
from workflow import sites


@dataclass(frozen=True)
class EidPerson:
    """What an eID tells: never the number itself. `birth_date` is None when the number does not tell it."""

    issuer: str
    subject: str
    number_hash: str
    key_id: str
    first_name: str
    last_name: str
    birth_date: date | None
    acr: str = ""
    vo_id: str = ""
    vo_group: str = ""
    vo_organisation: str = ""

    def __str__(self):
        return f"{self.first_name} {self.last_name}".strip() or "onbekend"

    def plain(self) -> dict:
        """As values that JSON can hold."""
        return {**asdict(self), "birth_date": self.birth_date.isoformat() if self.birth_date else None}

    @classmethod
    def from_plain(cls, values: dict) -> "EidPerson":
        born = values["birth_date"]
        return cls(**{**values, "birth_date": date.fromisoformat(born) if born else None})


KEPT = [one.name for one in fields(EidPerson) if one.name in Identity._meta.fields]
"""what an identity holds of it"""


def identity_of(person: EidPerson) -> Identity | None:
    """The identity that this eID has with us: by its number, else by the subject of the provider.

    Raises RuleError when both are known, of two accounts."""
    same = Identity.number_hash == person.number_hash
    same |= (Identity.issuer == person.issuer) & (Identity.subject == person.subject)
    found = list(Identity.select().where(same))
    if len({one.user_id for one in found}) > 1:
        raise RuleError("Deze eID hoort bij twee accounts. Bel het team Kadervorming, dan brengen we dat in orde.")
    return min(found, key=lambda one: one.number_hash != person.number_hash, default=None)


def recognise(person: EidPerson) -> User | None:
    """The account of this eID, with the names and what else the provider now says of the person. Raises RuleError when two
    accounts claim it, or when the account may not log in."""
    with writing():
        identity = identity_of(person)
        if identity is None:
            return None
        for name in KEPT:
            setattr(identity, name, getattr(person, name))
        identity.save()
        user = locking(User.select().where(User.id == identity.user_id)).get()
        if not user.active:
            raise RuleError("Met dit account kun je niet meer aanmelden. Bel het team Kadervorming.")
        _take_over_names(user, person)
    return user


def _take_over_names(user: User, person):
    """Names and birth date are those of the eID, as far as it tells them."""
    for name in ("first_name", "last_name", "birth_date"):
        value = getattr(person, name)
        if value and value != getattr(user, name):
            setattr(user, name, value)
    user.save()


def attach(user: User, person, now: datetime):
    """Make this eID the way to log in of a saved account; a site manager has no password from then on. `person` may be an
    EidPerson or a LinkRequest. For use inside a transaction."""
    values = {name: getattr(person, name) for name in KEPT if hasattr(person, name)}
    Identity.create(user=user, created_at=now, **values)
    user.__dict__.pop("has_eid", None)
    _take_over_names(user, person)
    if user.password is not None and user.is_plain_manager:
        user.password = user.password_exception = None
        user.confirmed_at = user.confirmed_at or now
        user.fs_uniquifier = secrets.token_hex(32)  # cookies and links to choose a password stop working
        user.save()
        Token.update(used_at=now).where(
            Token.user == user, Token.purpose << ("password", "activation"), Token.used_at.is_null()
        ).execute()
        UserSession.end_all(user, now)


def link(user: User, person: EidPerson, now: datetime) -> bool:
    """Link an eID to the own account. False when they do not fit (another birth date, or the eID has an account): then the
    question lies with the team. Raises RuleError when it lay there already."""
    with writing():
        fresh = locking(User.select().where(User.id == user.id)).get()
        identity = identity_of(person)
        if identity is not None and identity.user_id == fresh.id:
            return True
        if identity is None and fits(fresh, person):
            attach(fresh, person, now)
            audit.record(fresh, "user.eid", fresh, at=now)
            return True
        ask_team(fresh, now, person, identity.user if identity else None)
    return False


def fits(user: User, person: EidPerson) -> bool:
    """Whether an eID can be of the owner of this account: the birth dates agree. Unknown on our side, it is taken as told."""
    return user.birth_date is None or user.birth_date == person.birth_date


def ask_team(user: User, now: datetime, person: EidPerson | None, other: User | None):
    """Let the team look whether an eID (or the account `other` that it has) and the account `user` are of one person."""
    columns = {} if other or person is None else {
        name: getattr(person, name)
        for name in ("issuer", "subject", "number_hash", "key_id", "first_name", "last_name", "birth_date")
    }  # fmt: skip
    request = LinkRequest(user=user, other=other, created_at=now, **columns)
    request.save()
    audit.record(user, "user.eid_asked", user, at=now, name=user)


def decide_link(request: LinkRequest, by: User, now: datetime):
    """The team links: the eID goes to the account, or the account goes up in the one that the eID has. Raises RuleError."""
    scope.require(by, "decide", request)
    with writing():
        fresh = LinkRequest.locked(request.id)
        fresh.move("linked", decided_at=now, decided_by=by)
        if fresh.other is not None:
            merge(fresh.user, fresh.other, by, now)
            mails.eid_linked(User.get_by_id(fresh.other_id), now)
            return
        if identity_of(fresh) is not None:
            raise RuleError(
                "Deze eID heeft intussen een account. Koppel niet, en vraag de persoon om het opnieuw te proberen."
            )
        attach(fresh.user, fresh, now)
        audit.record(by, "user.eid_linked", fresh.user, at=now, name=fresh.user)
        mails.eid_linked(fresh.user, now)


def refuse_link(request: LinkRequest, by: User, now: datetime, reason: str):
    """The team does not link, for a reason that the owner of the account reads. Raises RuleError without one."""
    scope.require(by, "decide", request)
    if not reason.strip():
        raise RuleError("Schrijf waarom je niet koppelt. De persoon leest deze tekst.", "reason")
    with writing():
        request.move("refused", decided_at=now, decided_by=by, reason=reason.strip())
        audit.record(by, "user.eid_refused", request.user, at=now, name=request.user, reason=reason.strip())
        mails.eid_not_linked(request, now)


# ---- two accounts of one person

ONCE = (UserRole, Membership, SiteManager, SavedView, StartView, Token, UserSession, Identity, LinkRequest)
"""tables in which a person may stand once for something, or whose rows die with the account"""


def merge(old: User, into: User, by: User | None, now: datetime):
    """Make `into` the only account of a person: sites, roles and all that `old` did go to it. The row of `old` stays, for the
    history (which never changes), but nobody can log in with it. A handover between the two ends."""
    with writing():
        old, into = [locking(User.select().where(User.id == one.id)).get() for one in (old, into)]
        if old == into:
            raise RuleError("Dat is hetzelfde account.")
        for field in (field for model in TABLES if model not in ONCE for field in _people(model)):
            field.model.update({field: into}).where(field == old).execute()
        for link in UserRole.select().where(UserRole.user == old):
            UserRole.get_or_create(user=into, role=link.role_id)
        for one in Membership.select().where(Membership.user == old, Membership.until.is_null()):
            if Membership.get_or_none(user=into, association=one.association_id, until=None):
                Membership.update(until=now).where(Membership.id == one.id).execute()
        for model in (SiteManager, Membership):
            model.update(user=into).where(model.user == old).execute()
        Identity.update(user=into).where(Identity.user == old).execute()
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
    """The columns of a table that name a user, but for the history."""
    if model._meta.table_name == "history":
        return []
    return [field for field, other in model._meta.refs.items() if other is User]
