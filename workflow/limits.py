"""Limits on failures, counted in the database so that they hold across processes; and answers that take constant
time."""

import hashlib
import hmac
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from database import database, on_postgresql, writing
from models import Attempt, declare

WRONG_PASSWORDS_PER_ACCOUNT = 5
WRONG_PASSWORDS_PER_ADDRESS = 100
LINKS_PER_ACCOUNT = 5
LINKS_PER_ADDRESS = 50
WINDOW = timedelta(minutes=15)
declare(wrong_passwords=lambda: WRONG_PASSWORDS_PER_ACCOUNT, wait_minutes=lambda: int(WINDOW.total_seconds() // 60))
HOUR = timedelta(hours=1)
STEP_SECONDS = 0.5
"""longer than finding a user and writing a mail takes"""


@dataclass
class _Switch:
    on: bool = True
    key: bytes = b""


_switch = _Switch()


def set_up(on: bool, key: str):
    """Called once at start-up: whether limits apply (KAVO_RATE_LIMITS) and the key for hashing names."""
    _switch.on, _switch.key = on, key.encode()


def switched_on() -> bool:
    return _switch.on


@dataclass(frozen=True)
class Try:
    """An attempt that counts as a failure before it is made; it is given back when it succeeds."""

    attempt_id: int | None

    def give_back(self):
        Attempt.delete().where(Attempt.id == self.attempt_id).execute()


def claim(kind: str, name: str, most: int, now: datetime, window: timedelta = WINDOW) -> Try | None:
    """Count an attempt by `name` (an account or an address; kept as a keyed hash) at `now` (UTC); None when it had
    `most` within the window before. Counting and recording are one step: of many simultaneous attempts at most `most`
    get through."""
    if not switched_on():
        return Try(None)
    key = _hash(name)
    with writing():
        _take_turns(kind, key)
        if used_up(kind, name, most, now, window):
            return None
        return Try(Attempt.create(kind=kind, key_hash=key, at=now).id)


def used_up(kind: str, name: str, most: int, now: datetime, window: timedelta = WINDOW) -> bool:
    """Whether `claim` would refuse; counts nothing."""
    mine = (Attempt.kind == kind) & (Attempt.key_hash == _hash(name)) & (Attempt.at > now - window)
    return switched_on() and Attempt.select().where(mine).limit(most).count() >= most


def _take_turns(kind: str, key: str):
    """Make others that claim the same wait until the end of this transaction; SQLite has one writer at a time
    anyway."""
    if on_postgresql():
        number = int.from_bytes(hashlib.sha256(f"{kind} {key}".encode()).digest()[:8], signed=True)
        database.execute_sql(f"SELECT pg_advisory_xact_lock({number})")


def forget(kind: str, name: str):
    """Reset the count for `name`: it succeeded."""
    Attempt.delete().where(Attempt.kind == kind, Attempt.key_hash == _hash(name)).execute()


def _hash(name: str) -> str:
    return hmac.new(_switch.key, name.strip().lower().encode(), hashlib.sha256).hexdigest()


@contextmanager
def constant_time():
    """The block takes a whole number of steps, so that its duration does not reveal whether an address is known."""
    begin = time.monotonic()
    yield
    time.sleep((begin - time.monotonic()) % STEP_SECONDS)
