"""Links in mails: where they point, and the single kind of secret that opens a page without logging in.

A secret belongs to a row of `Token`. It is bound to its purpose, a person, the address that it was mailed to, and the state of
the row that it is about. `works` compares these with the present each time: any change, whatever its cause, voids the link."""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

import config
from database import BaseModel, RuleError, whole_number
from models import Attest, Handover, Site, Token, User

LETTERS = string.ascii_letters + string.digits  # no mail program takes one of these for the end of a link
LENGTH = 22  # 131 bits
AS_TYPED = re.compile(r"[\w-]+(?:\.[\w-]{27}(?![\w-]))?", re.ASCII)
"""a secret in a URL; only those signed before 0007_links contain a dot"""
KEPT = timedelta(days=2 * 365), timedelta(days=10 * 365)
"""how long a link shows the status of an application, and gives access to an attest"""
NO_LONGER = "Deze link werkt niet meer."

_home: dict[str, Any] = {
    "base_url": "http://localhost:8000",
    "host": "localhost",
    "keys": ["only until set_up is called"],
}


def set_up(settings: config.Settings) -> None:
    """Called once by `create_app`: where links point, and the keys with which old links were signed, newest last."""
    _home.update(
        base_url=settings.base_url, host=settings.hosts[0], keys=[*settings.old_secret_keys, settings.secret_key]
    )


def host() -> str:
    """The host name in our URLs."""
    return _home["host"]


def absolute_url(path: str) -> str:
    """The absolute URL of one of our paths, for use in a mail: full('/hulp')."""
    return _home["base_url"] + path


def hashed(secret: str) -> str:
    """A secret (long and random) as it is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


# ---- what a link is for

ACTIVATION, CONFIRM, SAME_PERSON = "activation", "confirm", "same_person"
"""to complete a registration; to confirm that an address is theirs; to confirm that another account is theirs too"""
PASSWORD, RESET = "password", "reset"  # to choose a first password; to choose a new password
HANDOVER, OFFER = "handover", "offer"  # to answer a request; to accept an offer
APPLICATION, ATTEST = "application", "attest"  # to see the status of an application; to download an attest


@dataclass(frozen=True)
class Purpose:
    """What a link may be for."""

    page: str
    """the path of its page, before the secret"""
    holds: Callable[[Any, Any], bool]
    """whether the row that the token is about (None: gone) still waits for this link"""
    address: Callable[[Any, Any], str | None] = lambda token, about: token.user.email
    """the present address to which a token about this row must be mailed"""
    needs_row: bool = True
    """whether it is about a row, without which it opens nothing"""
    lone: bool = False
    """whether a new link ends the earlier links"""
    stamped: bool = False
    """whether it stops working when the credentials of the account change: a password, an eID"""


def _may_choose_password(token: Token, about: Any) -> bool:
    user = token.user
    return user is not None and not (user.has_eid and user.is_plain_manager)


PURPOSES = {
    ACTIVATION: Purpose(
        "/registratie-voltooien",
        lambda token, site: site.state == "approved" and token.user.confirmed_at is None,
        lone=True,
    ),
    CONFIRM: Purpose(
        "/registratie-voltooien",
        lambda token, _: token.user.confirmed_at is None or token.user.claimed_email is not None,
        address=lambda token, _: token.user.shown_email,
        needs_row=False,
        lone=True,
    ),
    SAME_PERSON: Purpose(
        "/registratie-voltooien",
        lambda token, other: other.active and other.claimed_email == token.address,
        stamped=True,
    ),
    PASSWORD: Purpose("/wachtwoord-kiezen", _may_choose_password, needs_row=False, lone=True, stamped=True),
    RESET: Purpose("/wachtwoord-kiezen", _may_choose_password, needs_row=False, stamped=True),
    HANDOVER: Purpose("/overdracht", lambda token, handover: handover.undecided and handover.asked_id == token.user_id),
    OFFER: Purpose("/opvolgen", lambda _, handover: handover.undecided, address=lambda _, handover: handover.email),
    APPLICATION: Purpose("/aanvraag", lambda token, site: site.manager() == token.user),
    ATTEST: Purpose("/attest", lambda *_: True, address=lambda _, attest: attest.participant.email),
}


TABLES: dict[str, type[BaseModel]] = {model._meta.table_name: model for model in (Site, User, Handover, Attest)}


def about(token: Token) -> Any:
    """The row that a link is about (of one of TABLES), or None."""
    model = TABLES.get(token.object_type)
    return model.get_or_none(model.id == whole_number(token.object_id)) if model else None


# ---- issuing, finding, using up, ending


def issue(
    purpose: str,
    now: datetime,
    expires_at: datetime,
    user: User | None = None,
    about: BaseModel | None = None,
    beside: bool = False,
) -> str:
    """A new secret that works until `expires_at` (UTC), for a link mailed to the present address. `user`: whose link it is;
    `about`: the row that it is about; `beside`: keep earlier links working, also for a purpose where a new link ends them."""
    rules, secret = PURPOSES[purpose], "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    if rules.lone and not beside:
        end(purpose, user, now)
    token = Token(
        key_hash=hashed(secret),
        purpose=purpose,
        user=user,
        created_at=now,
        expires_at=expires_at,
        object_type=about._meta.table_name if about else "",
        object_id=about.pk if about else "",
        stamp=user.fs_uniquifier if user and rules.stamped else None,
    )
    token.address = rules.address(token, about)
    token.save()
    return secret


def end(purpose: str, user: User | None, now: datetime) -> None:
    """Make this person's links for this purpose stop working; the rows stay, so that an old link is recognised."""
    waiting = (Token.user == user) & (Token.purpose == purpose) & Token.used_at.is_null() & (Token.expires_at > now)
    Token.update(expires_at=now).where(waiting).execute()


def bare(text: str) -> str:
    """The secret in the last part of a URL, without what a mail program appended to it: 'abc).' becomes 'abc'."""
    match = AS_TYPED.match(text)
    return match[0] if match else ""


def is_whole(text: str) -> bool:
    """Whether a secret has its full length; a shorter secret was cut off."""
    return len(bare(text)) >= LENGTH


def find(text: str, *purposes: str) -> Token | None:
    """The row of the link with this secret for one of these purposes (none given: any), whether or not it still works."""
    secret = bare(text)
    token = Token.get_or_none(Token.key_hash << [hashed(secret), hashed(secret[:LENGTH])]) or _signed(secret)
    return token if token and (token.purpose in purposes or not purposes) else None


def addressed(token: Token) -> bool:
    """Whether this link would still be mailed to the same address."""
    rules, row = PURPOSES[token.purpose], about(token)
    if (rules.needs_row and row is None) or (token.user and not token.user.active):
        return False
    return bool(token.address) and token.address == rules.address(token, row)


def works(token: Token, now: datetime) -> bool:
    """Whether this link opens its page at `now` (UTC): not used, not expired, and everything that it is bound to is unchanged."""
    rules = PURPOSES[token.purpose]
    if token.used_at is not None or token.expires_at <= now or not addressed(token):
        return False
    if rules.stamped and (token.user is None or token.stamp != token.user.fs_uniquifier):
        return False
    return rules.holds(token, about(token))


def use(text: str, now: datetime, *purposes: str) -> Token:
    """Use up a link whose button was pressed. Inside a transaction. Raises RuleError when it does not work (any more), also for
    the second of two simultaneous presses."""
    token = find(text, *purposes)
    if token is None or not works(token, now):
        raise RuleError(NO_LONGER)
    if not Token.update(used_at=now).where(Token.id == token.id, Token.used_at.is_null()).execute():
        raise RuleError(NO_LONGER)
    return token


def path(secret: str) -> str:
    """The path of a link in a mail: short, so that no mail program breaks it."""
    return f"/l/{secret}"


def link_url(secret: str) -> str:
    """The absolute URL of a link."""
    return absolute_url(path(secret))


def application(site: Site, now: datetime, page: str = "") -> str:
    """The path of a new link to the status page of an application, for its present manager; `page`: a page below it."""
    return path(issue(APPLICATION, now, now + KEPT[0], site.manager(), site)) + page


def attest(attest: Attest, now: datetime) -> str:
    """The path of a new link with which a participant downloads an attest."""
    return path(issue(ATTEST, now, now + KEPT[1], about=attest))


# ---- links that were mailed before 0007_links: signed, without a row


def _signed(text: str) -> Token | None:
    """The row, not saved, that such a link would have today; None when it is forged or was mailed to another address."""
    models: tuple[tuple[str, str, type[BaseModel]], ...] = (("aanvraag", APPLICATION, Site), ("attest", ATTEST, Attest))
    for salt, purpose, model in models:
        try:
            key, fingerprint = URLSafeSerializer(_home["keys"], salt=salt).loads(text)
        except (BadSignature, ValueError, TypeError):
            continue
        row = model.get_or_none(model.id == whole_number(str(key)))
        user = row.manager() if isinstance(row, Site) else None
        if row is None or (user is None and purpose == APPLICATION):
            return None
        token = Token(purpose=purpose, user=user, object_type=model._meta.table_name, object_id=str(key))
        token.expires_at, token.address = datetime.max, PURPOSES[purpose].address(token, row)
        return token if hmac.compare_digest(str(fingerprint), hashed(token.address or "")[:16]) else None
    return None
