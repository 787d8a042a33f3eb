"""Addresses that go out in mails: where they point, and signed ones that open a page without login.

A signed link holds no secret of its own: it names a row and the address to which it was mailed. Once that address is corrected,
the link to the wrong one is dead."""

import hashlib
import hmac

from itsdangerous import BadSignature, URLSafeSerializer

import config
from database import whole_number
from models import Attest
from places import Site

_home = {"base_url": "http://localhost:8000", "host": "localhost", "keys": ["only until set_up is called"]}


def set_up(settings: config.Settings):
    """Called once by `create_app`: where links point to, and the keys that they are signed with, the newest last."""
    _home.update(
        base_url=settings.base_url, host=settings.hosts[0], keys=[*settings.old_secret_keys, settings.secret_key]
    )


def host() -> str:
    """The host name of our addresses."""
    return _home["host"]


def full(path: str) -> str:
    """An address of ours in full, for use in a mail: full('/wachtwoord-kiezen/…')."""
    return _home["base_url"] + path


def application(site: Site, page: str = "") -> str:
    """The path of the status page of an application, for its present manager; `page`: a page below it."""
    manager = site.manager()
    signed = _signer("aanvraag").dumps([site.id, _fingerprint(manager.email if manager else "")])
    return f"/aanvraag/{signed}{page}"


def application_of(signed: str) -> Site | None:
    """The site that a signed link is about; None when it was forged, or mailed to another address than the present one."""
    key, fingerprint = _opened("aanvraag", signed)
    site = Site.get_or_none(Site.id == key)
    manager = site.manager() if site else None
    if manager is None or not hmac.compare_digest(str(fingerprint), _fingerprint(manager.email)):
        return None
    return site


def attest(attest: Attest, page: str = "") -> str:
    """The path of the page from which a participant takes an attest, without login; `page`: a page below it."""
    signed = _signer("attest").dumps([attest.id, _fingerprint(attest.participant.email)])
    return f"/attest/{signed}{page}"


def attest_of(signed: str) -> Attest | None:
    """The attest that a signed link is about; None when it was forged, or mailed to another address than the present one."""
    key, fingerprint = _opened("attest", signed)
    attest = Attest.get_or_none(Attest.id == key)
    if attest is None or not hmac.compare_digest(str(fingerprint), _fingerprint(attest.participant.email)):
        return None
    return attest


def _signer(what: str):
    return URLSafeSerializer(_home["keys"], salt=what)


def _opened(what: str, signed: str) -> tuple[int | None, str]:
    """The id and the fingerprint in a signed link; (None, '') when it was forged."""
    try:
        key, fingerprint = _signer(what).loads(signed)
    except (BadSignature, ValueError, TypeError):
        return None, ""
    return whole_number(str(key)), fingerprint


def _fingerprint(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:16]
