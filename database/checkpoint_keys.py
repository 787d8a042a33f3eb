"""The keys of the checkpoints on the history: access to the database alone is not enough to forge a checkpoint or an erasure.

They are derived from the lookup key, not from the secret key: a leaked secret key is removed from the settings at once, while a
former lookup key stays there as long as data depends on it."""

import hashlib
import hmac
from collections.abc import Iterable

import config

PURPOSE = b"seals on the history"
_keys: dict[str, bytes] = {}
"""id of a key → the key; the first is the present key"""


class UnknownKey(Exception):
    """Something was made with a key that is not (or no longer) in the settings."""


def set_up(settings: config.Settings) -> None:
    """Called once per process: load the keys of KAVO_LOOKUP_KEY and KAVO_OLD_LOOKUP_KEYS."""
    _keys.clear()
    for secret in (settings.lookup_key, *settings.old_lookup_keys):
        key = hmac.digest(secret.encode(), PURPOSE, "sha256")
        _keys[hashlib.sha256(key).hexdigest()[:16]] = key


def present() -> str:
    """The id of the key for new checkpoints."""
    return next(iter(_keys))


def knows(key_id: str) -> bool:
    return key_id in _keys


def keyed(key_id: str) -> hmac.HMAC:
    """An HMAC under this key, still to be updated. Raises UnknownKey."""
    if key_id not in _keys:
        raise UnknownKey(key_id)
    return hmac.new(_keys[key_id], digestmod="sha256")


def mark(about: str, ids: Iterable[int], key_id: str | None = None) -> str:
    """'key:count:digest' of these ids (in ascending order) that belong to `about`: nobody without the key can make one. Raises
    UnknownKey."""
    key_id, count = key_id or present(), 0
    digest = keyed(key_id)
    digest.update(f"{about}\x1e".encode())
    for row_id in ids:
        digest.update(f"{row_id}\x1f".encode())
        count += 1
    return f"{key_id}:{count}:{digest.hexdigest()}"


def fits(marked: str, about: str, ids: Iterable[int]) -> bool:
    """Whether a mark was made for exactly these ids and this subject. Raises UnknownKey."""
    return hmac.compare_digest(marked, mark(about, ids, marked.partition(":")[0]))
