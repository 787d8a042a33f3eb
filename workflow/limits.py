"""How often something may fail, counted in the database, so that it holds over several processes; and how little time tells."""

import hashlib
import hmac
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from database import database, on_postgresql, writing
from models import Attempt, tell

WRONG_PASSWORDS_PER_ACCOUNT = 5
WRONG_PASSWORDS_PER_ADDRESS = 100
LINKS_PER_ACCOUNT = 5
LINKS_PER_ADDRESS = 50
WINDOW = timedelta(minutes=15)
tell(wrong_passwords=lambda: WRONG_PASSWORDS_PER_ACCOUNT, wait_minutes=lambda: int(WINDOW.total_seconds() // 60))
HOUR = timedelta(hours=1)
STEP_SECONDS = 0.5
"""longer than finding somebody and writing a mail takes"""


@dataclass
class _Switch:
    on: bool = True
    key: bytes = b""


_switch = _Switch()


def set_up(on: bool, key: str):
    """Called once by `create_app`: whether limits hold (KAVO_RATE_LIMITS) and the key under which names are hashed."""
    _switch.on, _switch.key = on, key.encode()


def switched_on() -> bool:
    return _switch.on


@dataclass(frozen=True)
class Try:
    """One try that counts as a failure from before it is made; what turns out not to be one is given back."""

    attempt_id: int | None

    def give_back(self):
        Attempt.delete().where(Attempt.id == self.attempt_id).execute()


def claim(kind: str, name: str, most: int, now: datetime, window: timedelta = WINDOW) -> Try | None:
    """Count a try of `name` (an account or an address; kept as a keyed hash) at `now` (UTC); None when it has had `most` within
    the window before. Counting and noting are one step: of many tries at once no more than `most` get through."""
    if not switched_on():
        return Try(None)
    key = _hash(name)
    with writing():
        _take_turns(kind, key)
        if used_up(kind, name, most, now, window):
            return None
        return Try(Attempt.create(kind=kind, key_hash=key, at=now).id)


def used_up(kind: str, name: str, most: int, now: datetime, window: timedelta = WINDOW) -> bool:
    """Whether `claim` would refuse; nothing is counted."""
    mine = (Attempt.kind == kind) & (Attempt.key_hash == _hash(name)) & (Attempt.at > now - window)
    return switched_on() and Attempt.select().where(mine).limit(most).count() >= most


def _take_turns(kind: str, key: str):
    """Let others who claim the same wait until the end of this transaction; SQLite has one writer at a time anyhow."""
    if on_postgresql():
        number = int.from_bytes(hashlib.sha256(f"{kind} {key}".encode()).digest()[:8], signed=True)
        database.execute_sql(f"SELECT pg_advisory_xact_lock({number})")


def forget(kind: str, name: str):
    """Start counting anew for `name`: it succeeded."""
    Attempt.delete().where(Attempt.kind == kind, Attempt.key_hash == _hash(name)).execute()


def _hash(name: str) -> str:
    return hmac.new(_switch.key, name.strip().lower().encode(), hashlib.sha256).hexdigest()


@contextmanager
def evenly():
    """What is done within takes a whole number of steps, so that time does not tell whether an address is known."""
    begin = time.monotonic()
    yield
    time.sleep((begin - time.monotonic()) % STEP_SECONDS)
