"""The keys under which the history is sealed: who can write to the database alone cannot make a seal, or an erasure, that fits.

They are made of the lookup key and not of the secret key: one that leaked is taken out of the settings at once, while a former
lookup key stays there as long as something hangs on it."""

import hashlib
import hmac
from collections.abc import Iterable

import config

PURPOSE = b"seals on the history"
_keys: dict[str, bytes] = {}
"""id of a key → the key; the first is the present one"""


class UnknownKey(Exception):
    """Something was made with a key that the settings do not hold (any more)."""


def set_up(settings: config.Settings):
    """Called once per process: the keys of KAVO_LOOKUP_KEY and KAVO_OLD_LOOKUP_KEYS."""
    _keys.clear()
    for secret in (settings.lookup_key, *settings.old_lookup_keys):
        key = hmac.digest(secret.encode(), PURPOSE, "sha256")
        _keys[hashlib.sha256(key).hexdigest()[:16]] = key


def present() -> str:
    """The id of the key with which new seals are made."""
    return next(iter(_keys))


def knows(key_id: str) -> bool:
    return key_id in _keys


def keyed(key_id: str) -> hmac.HMAC:
    """A digest under this key, to feed. Raises UnknownKey."""
    if key_id not in _keys:
        raise UnknownKey(key_id)
    return hmac.new(_keys[key_id], digestmod="sha256")


def mark(about: str, ids: Iterable[int], key_id: str | None = None) -> str:
    """'key:number:digest' of these ids (in ascending order) that belong to `about`: nobody without the key can make it, for these
    ids or for others. Raises UnknownKey."""
    key_id, count = key_id or present(), 0
    digest = keyed(key_id)
    digest.update(f"{about}\x1e".encode())
    for one in ids:
        digest.update(f"{one}\x1f".encode())
        count += 1
    return f"{key_id}:{count}:{digest.hexdigest()}"


def fits(marked: str, about: str, ids: Iterable[int]) -> bool:
    """Whether a mark was made for exactly this. Raises UnknownKey."""
    return hmac.compare_digest(marked, mark(about, ids, marked.partition(":")[0]))
