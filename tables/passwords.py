"""Passwords: which are good enough, and how they are hashed and compared. No other module hashes or compares passwords."""

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

import flask_security

import config
from database import normalise
from tables.policy import declare

LEAST = 6  # manual 2.2
LEAST_FOR_MANY = 12  # for those who see the data of many: the team and associations (domain rule 2)
MOST = 128


@cache
def common_passwords() -> frozenset[str]:
    """Common passwords, in lower case."""
    return frozenset((config.PROJECT / "data" / "common_passwords.txt").read_text(encoding="utf-8").split())


def hint(least: int = LEAST) -> str:
    """The rule in the manual's words."""
    return f"Het wachtwoord moet minimaal {least} karakters bevatten waarvan minstens 1 cijfer en 1 hoofdletter."


declare(password_hint=hint)


def normal(typed: str) -> str:
    """A password as it is hashed, however the keyboard encodes é or a space: Unicode's NFKD, as in Flask-Security."""
    return unicodedata.normalize("NFKD", typed)


def cut(typed: str | None) -> str:
    """A password typed to log in. Hashing fails on very long ones: one that is too long is cut to a length that is still
    wrong."""
    text = typed or ""
    return text if _length(text) <= MOST else unicodedata.normalize("NFKC", text)[: MOST + 1]


def _length(password: str) -> int:
    """The number of characters as people count them: é is one."""
    return len(unicodedata.normalize("NFKC", password))


def problem(password: str, email: str = "", names: Iterable[str | None] = (), least: int = LEAST) -> str | None:
    """Why this password is refused, or None: by the rule of manual 2.2, or because it is common or contains the name or address
    of its owner (domain rule 2)."""
    password, length = normal(password), _length(password)
    if length > MOST:
        return f"Het wachtwoord is te lang. Gebruik hoogstens {MOST} karakters."
    digits, capitals = any(char.isdigit() for char in password), any(char.isupper() for char in password)
    if length < least or not digits or not capitals:
        return hint(least)
    low = normalise(password)
    if low in common_passwords():
        return "Dit wachtwoord wordt heel vaak gebruikt en is makkelijk te raden. Kies een ander."
    own = [normalise(word) for word in (email.partition("@")[0], *names)]
    if any(len(word) > 2 and word in low for word in own):
        return "Je wachtwoord bevat je naam of je e-mailadres. Kies een ander."
    return None


def hashed(typed: str) -> str:
    """The hash of a password, to store. Inside an application context."""
    return flask_security.hash_password(normal(typed))


def fits(user: Any, typed: str) -> bool:
    """Whether this is the password of `user`, a row of `User`. Earlier releases hashed passwords as typed: such a hash is
    replaced by a hash of the normal form."""
    if flask_security.verify_and_update_password(normal(typed), user):
        return True
    if typed == normal(typed) or not flask_security.verify_password(typed, user.password):
        return False
    new_hash = hashed(typed)
    type(user).update(password=new_hash).where(type(user).id == user.id).execute()
    user.__data__["password"] = new_hash
    return True


def fits_nobody(typed: str) -> None:
    """Take as long as the second comparison in `fits`, when there is no account or password to compare with."""
    if typed != normal(typed):
        hashed(typed)
