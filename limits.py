"""How often something may fail, counted in the database, so that it holds over several processes; and how little time tells."""

import hashlib
import hmac
import time
from contextlib import contextmanager
from datetime import datetime, timedelta

from people import Attempt

WRONG_PASSWORDS_PER_ACCOUNT = 5
WRONG_PASSWORDS_PER_ADDRESS = 100
LINKS_PER_ACCOUNT = 5
LINKS_PER_ADDRESS = 50
WINDOW = timedelta(minutes=15)
HOUR = timedelta(hours=1)
STEP_SECONDS = 0.5
"""longer than finding somebody and writing a mail takes"""

_switch = {"on": True, "key": b""}


def set_up(on: bool, key: str):
    """Called once by `create_app`: whether limits hold (KAVO_RATE_LIMITS) and the key under which names are hashed."""
    _switch.update(on=on, key=key.encode())


def switched_on() -> bool:
    return _switch["on"]


def note(kind: str, name: str, now: datetime) -> Attempt:
    """Remember one failure of `name` (an account or an address; kept as a keyed hash) at `now` (UTC)."""
    return Attempt.create(kind=kind, key_hash=_hash(name), at=now)


def exceeded(kind: str, name: str, most: int, now: datetime, window: timedelta = WINDOW) -> bool:
    """Whether `name` failed `most` times or more within the window before `now` (UTC)."""
    if not switched_on():
        return False
    mine = (Attempt.kind == kind) & (Attempt.key_hash == _hash(name)) & (Attempt.at > now - window)
    return Attempt.select().where(mine).limit(most).count() >= most


def forget(kind: str, name: str):
    """Start counting anew for `name`: it succeeded."""
    Attempt.delete().where(Attempt.kind == kind, Attempt.key_hash == _hash(name)).execute()


def _hash(name: str) -> str:
    return hmac.new(_switch["key"], name.strip().lower().encode(), hashlib.sha256).hexdigest()


@contextmanager
def evenly():
    """What is done within takes a whole number of steps, so that time does not tell whether an address is known."""
    begin = time.monotonic()
    yield
    time.sleep((begin - time.monotonic()) % STEP_SECONDS)
