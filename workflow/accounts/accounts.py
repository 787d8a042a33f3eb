"""Accounts: made by the team, a first password by link, sessions, and forgetting what is no longer needed."""

import secrets
from datetime import datetime, timedelta

import audit
import mails
import scope
from database import RuleError, check_name, locking, writing
from mails import links
from mails.links import PASSWORD, RESET, hashed
from models import (
    ADULT_YEARS,
    KEPT_DAYS,
    ROLE_LABELS,
    SESSIONS_KEPT_DAYS,
    TEAM,
    Association,
    Attempt,
    Draft,
    FormKey,
    ImportBatch,
    ImportRow,
    Membership,
    Refusal,
    Role,
    Token,
    User,
    UserRole,
    UserSession,
    declare,
)
from times import local_date
from workflow import refusals

INVITATION_DAYS = 30
RESET_LASTS = timedelta(hours=1)
declare(reset_hours=lambda: int(RESET_LASTS.total_seconds() // 3600), import_days=lambda: KEPT_DAYS)
SESSION_IDLE = timedelta(hours=2)
SESSION_LONGEST = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=5)  # so that reading pages does not write a row each time
ENDED_SESSIONS_KEPT = timedelta(days=SESSIONS_KEPT_DAYS)


def new_user(email: str, first_name: str = "", last_name: str = "", **values) -> User:
    """An account without a password, not yet saved."""
    return User(email=email, first_name=first_name, last_name=last_name, fs_uniquifier=secrets.token_hex(32), **values)


def add_team_member(email: str, now: datetime) -> str:
    """Give somebody the role of the team, with an account if there is none yet. Returns a single-use token to choose a
    password. For the command line: whoever may run commands on the server may do this."""
    with writing():
        user = User.of_address(email)
        if user is None:
            user = new_user(email)
            user.save(force_insert=True)
        role, _ = Role.get_or_create(name=TEAM)
        UserRole.get_or_create(user=user, role=role)
        audit.record(None, "user.invited", user, at=now, name=user)
        return links.issue(PASSWORD, now, now + timedelta(days=INVITATION_DAYS), user)


def invite(user: User, by: User, now: datetime):
    """Mail somebody a link to choose a password. Raises RuleError for an account that has one or may not log in."""
    scope.require(by, "invite", user)
    if user.password:
        raise RuleError(f"{user} heeft al een wachtwoord. Met ‘Wachtwoord vergeten?’ kan {user} zelf een nieuw kiezen.")
    if not user.active:
        raise RuleError(f"{user} mag niet aanmelden. Zet dat eerst aan.")
    _check_password_allowed(user, now)
    with writing():
        expires_at = now + timedelta(days=INVITATION_DAYS)
        mails.choose_password(user, links.issue(PASSWORD, now, expires_at, user), expires_at, now)
        audit.record(by, "user.invited", user, at=now, name=user)


def _check_password_allowed(user: User, now: datetime):
    """Raise RuleError for somebody without a password who has to log in with eID (domain rule 1)."""
    if not user.is_plain_manager:
        return
    if user.has_eid:
        raise RuleError(f"{user} meldt zich aan met eID. Een wachtwoord kan dan niet meer.")
    if user.is_adult(now) is not False and not user.password_exception:
        raise RuleError(
            f"Een stageplaatsverantwoordelijke van {ADULT_YEARS} of ouder meldt zich aan met eID. Heeft de persoon geen "
            "Belgische eID? Schrijf dan waarom je een uitzondering maakt.",
            "password_exception",
        )


def mail_reset_link(user: User, now: datetime):
    """'Wachtwoord vergeten?': a link to choose a password, for one hour; those who log in with eID read how to do
    that."""
    try:
        if user.password is None:
            _check_password_allowed(user, now)
    except RuleError:
        mails.log_in_with_eid(user, now)
        return
    with writing():
        mails.reset_password(user, links.issue(RESET, now, now + RESET_LASTS, user), now)


def choose_password(secret: str, password_hash: str, now: datetime) -> User:
    """Set a first or a new password by a link; following it shows that the address is theirs. Every session ends, and
    every other link that opens the account. Raises RuleError when the link does not work (any more)."""
    with writing():
        user = User.locked(links.use(secret, now, PASSWORD, RESET).user_id)
        first = user.password is None
        user.password, user.confirmed_at = password_hash, user.confirmed_at or now
        user.fs_uniquifier = secrets.token_hex(32)
        user.save()
        UserSession.end_all(user, now)
        audit.record(user, "user.password", user, at=now)
        if not first:
            mails.password_changed(user, now)
    return user


def open_session(user: User, device: str, now: datetime, acr: str = "") -> str:
    """Remember a login, with eID by the means `acr`; returns the secret that the cookie holds."""
    secret = secrets.token_urlsafe(32)
    User.update(seen_on=local_date(now)).where(
        User.id == user.id, User.seen_on.is_null() | (User.seen_on < local_date(now))
    ).execute()
    UserSession.create(user=user, key_hash=hashed(secret), device=device[:200], acr=acr, created_at=now, seen_at=now)
    return secret


def session_holds(secret: str | None, user: User, now: datetime) -> bool:
    """Whether this login is still open: not ended, used in the last hours, not too old."""
    if not secret:
        return False
    row = UserSession.get_or_none(
        UserSession.key_hash == hashed(secret), UserSession.user == user, UserSession.ended_at.is_null()
    )
    if row is None or now - row.seen_at > SESSION_IDLE or now - row.created_at > SESSION_LONGEST:
        return False
    if now - row.seen_at > SEEN_EVERY:
        UserSession.update(seen_at=now).where(UserSession.id == row.id).execute()
    return True


def end_session(secret: str, now: datetime):
    """Log out on this device."""
    UserSession.update(ended_at=now).where(
        UserSession.key_hash == hashed(secret), UserSession.ended_at.is_null()
    ).execute()


def end_own_session(user: User, pk: int, now: datetime) -> bool:
    """Log the user out on one of their devices; False when there is no such login or it has ended."""
    mine = (UserSession.id == pk) & (UserSession.user == user) & UserSession.ended_at.is_null()
    return bool(UserSession.update(ended_at=now).where(mine).execute())


def end_sessions(user: User, by: User, now: datetime) -> int:
    """'Overal afmelden': end every session of `user`; returns how many were open."""
    if by != user:
        scope.require(by, "end_sessions", user)
    with writing():
        ended = UserSession.end_all(user, now)
        audit.record(by, "user.signed_out", user, at=now)
    return ended


def change_own_data(user: User, now: datetime, **values) -> User:
    """'Mijn gegevens': change one's own name or phone; returns the changed row. Raises RuleError when a value does
    not fit, and for the name of somebody with eID."""
    with writing():
        fresh = locking(User.select().where(User.id == user.id)).get()
        if fresh.has_eid and {"first_name", "last_name"} & set(values):
            raise RuleError("Je naam komt van je eID. Je kunt hem hier niet wijzigen.", "first_name")
        before = {name: getattr(fresh, name) for name in values}
        for name, value in values.items():
            if value != before[name]:
                setattr(fresh, name, value)
        check_name(fresh)
        if changed := audit.changes(before, fresh):
            fresh.save()
            audit.record(user, "row.changed", fresh, at=now, kind="account", name=fresh, changes=changed)
    return fresh


def _passing(now: datetime):
    """(table, condition) of rows that served only for a while."""
    old_files = ImportBatch.select(ImportBatch.id).where(ImportBatch.created_at < now - timedelta(days=KEPT_DAYS))
    return (
        (Attempt, Attempt.at < now - timedelta(days=1)),
        (FormKey, FormKey.at < now - timedelta(days=2)),
        (UserSession, UserSession.seen_at < now - ENDED_SESSIONS_KEPT),
        (Token, Token.expires_at < now - ENDED_SESSIONS_KEPT),
        (Draft, Draft.expires_at < now),
        (ImportRow, ImportRow.batch.in_(old_files)),
        (Refusal, refusals.old(now)),
    )


def passed(now: datetime) -> int:
    """How many rows `forget` would delete."""
    return sum(model.select().where(old).count() for model, old in _passing(now))


def forget(now: datetime) -> int:
    """Delete rows that served only for a while: failed attempts, received forms, old sessions, links, drafts and
    lines of imported files. Returns rows."""
    with writing():
        return sum(model.delete().where(old).execute() for model, old in _passing(now))


def set_roles(user: User, names: list[str], associations: list[int], by: User, now: datetime) -> str:
    """Make these the roles and the associations of `user`; returns what changed, in words.

    Raises RuleError when team members remove their own team role, so that one member always remains."""
    scope.require(by, "edit", user)
    before = {role.name for role in Role.select().join(UserRole).where(UserRole.user == user)}
    if by == user and TEAM in before and TEAM not in names:
        raise RuleError("Je kunt jezelf niet uit het team halen. Vraag het een collega.", "role_names")
    for name in before - set(names):
        UserRole.delete().where(UserRole.user == user, UserRole.role == Role.get(name=name)).execute()
    for name in set(names) - before:
        role, _ = Role.get_or_create(name=name)
        UserRole.create(user=user, role=role)
    worked = set(scope.association_ids(user))
    stopped, started = worked - set(associations), set(associations) - worked
    Membership.update(until=now).where(
        Membership.user == user, Membership.association.in_(stopped), Membership.current()
    ).execute()
    for key in started:
        Membership.create(user=user, association=key, since=now)
    words = [f"rol {ROLE_LABELS[name]} erbij" for name in sorted(set(names) - before)]
    words += [f"rol {ROLE_LABELS[name]} weg" for name in sorted(before - set(names))]
    words += [f"werkt voor {Association.get_by_id(key)}" for key in sorted(started)]
    words += [f"werkt niet meer voor {Association.get_by_id(key)}" for key in sorted(stopped)]
    return ", ".join(words)
