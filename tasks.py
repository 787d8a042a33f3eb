"""Huey tasks: each is a time and one verb. Huey is an alarm clock, not a memory: whatever must happen is a row with a date.

`worker` runs them; the web server only wakes it, once a mail or an imported file is committed."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from huey import Huey, RedisHuey, SqliteHuey, crontab
from huey.registry import Message
from huey.serializer import Serializer
from redis import ConnectionPool

import config
import mails
from database import database, refresh_statistics
from mails import delivery
from models import ImportBatch, Mail
from times import utcnow
from workflow import clock
from workflow.imports import batches

log = logging.getLogger("kavo.tasks")

RING_SECONDS = 2  # longest that a request waits for Redis; the worker's own blocking reads last one second


# workaround: signed-messages
# Huey 3.5.4 unpickles what is in its queue; its SignedSerializer does so too, after its check.
class SignedJson(Serializer):
    """Messages as JSON with a keyed digest, so that write access to the queue does not let anybody run code in the worker."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key.encode()

    def _digest(self, text: bytes) -> bytes:
        return hmac.new(self.key, text, hashlib.sha256).hexdigest().encode()

    def serialize(self, data: Any) -> bytes:
        plain = {"message": data._asdict()} if isinstance(data, Message) else {"value": data}
        text = json.dumps(plain, default=_typed).encode()
        return self._digest(text) + b"." + text

    def deserialize(self, data: bytes) -> Any:
        digest, _, text = data.partition(b".")
        if not hmac.compare_digest(digest, self._digest(text)):
            raise ValueError("a message in the queue bears no signature of ours")
        plain = json.loads(text, object_hook=_untyped)
        if "value" in plain:
            return plain["value"]
        message = plain["message"]
        message["args"] = tuple(message["args"] or ())
        return Message(**message)


def _typed(value: object) -> object:
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, set):
        return sorted(value)
    raise TypeError(f"a message cannot hold a {type(value).__name__}")


def _untyped(plain: dict[str, Any]) -> Any:
    return datetime.fromisoformat(plain["moment"]) if set(plain) == {"moment"} else plain


def make_huey(settings: config.Settings) -> Huey:
    """The queue at KAVO_QUEUE_URL: a file (sqlite:///…) or Redis (redis://…)."""
    serializer = SignedJson(settings.secret_key)
    if settings.queue_url.startswith("sqlite:///"):
        return SqliteHuey("kavo", filename=settings.queue_url.removeprefix("sqlite:///"), serializer=serializer)
    pool = ConnectionPool.from_url(settings.queue_url, socket_connect_timeout=RING_SECONDS, socket_timeout=RING_SECONDS)
    return RedisHuey("kavo", connection_pool=pool, serializer=serializer)


def with_tasks(huey: Huey, settings: config.Settings) -> tuple[Callable[[], Any], ...]:
    """Register the tasks on a queue; returns (sweep, send, import), each of which enqueues itself when called."""

    @huey.task(name="send_mails")
    def send_mails() -> None:
        """Deliver the outbox; retries shortly when another sender is just finishing, so that no mail is overlooked."""
        with database.connection_context():
            for _ in range(3):
                tally = delivery.deliver(settings)
                if tally and tally["failed"]:
                    clock.sweep(utcnow())  # a handover whose mail is refused goes to the team at once
                if tally is not None or not delivery.anything_due(utcnow()):
                    return
                time.sleep(1)

    @huey.task(name="work_on_imports")
    def work_on_imports() -> None:
        """Check or write the lines of imported files; each step is a transaction, so the task may be interrupted."""
        with database.connection_context():
            batches.work(utcnow())

    @huey.periodic_task(crontab(minute="*"), name="sweep")
    def sweep() -> None:
        """Treat what is due, every minute. Safe to run late, twice or in parallel."""
        send_mails()
        with database.connection_context():
            clock.sweep(utcnow())
            if batches.anything_waits():
                work_on_imports()

    @huey.periodic_task(crontab(hour="2", minute="17"), name="look_at_tables")
    def look_at_tables() -> None:
        """Refresh the database's statistics every night (UTC), so that lists stay fast while tables grow."""
        with database.connection_context():
            refresh_statistics()

    return sweep, send_mails, work_on_imports


@dataclass(frozen=True)
class _Bell:
    """How this process wakes the worker."""

    ring: Callable[[int], None]
    """enqueues one of the tasks: SEND or IMPORT"""
    queue: Callable[[], Huey]


_bell: _Bell | None = None
"""None until `ring_the_worker` is called"""
SEND, IMPORT = 1, 2  # positions in the result of `with_tasks`


def ring_the_worker(settings: config.Settings) -> None:
    """From now on, enqueue mails and imported files as soon as they are committed. Called once per process. When the queue does
    not answer nothing is lost: the sweep of the next minute finds them."""
    global _bell
    queue = cache(lambda: make_huey(settings))
    registered = cache(lambda: with_tasks(queue(), settings))

    def ring(task: int) -> None:
        try:
            registered()[task]()
        except Exception as error:  # whatever is wrong with the queue, the change itself is committed
            log.warning("the queue does not answer: %s", type(error).__name__)

    _bell = _Bell(ring, queue)


def queue_trouble() -> str:
    """What is wrong with the queue, as the name of an error; empty when it answers."""
    if _bell is None:
        return "NotStarted"
    try:
        _bell.queue().pending_count()
    except Exception as error:  # each kind of queue has errors of its own
        return type(error).__name__
    return ""


@mails.written.connect
def _on_written(mail: Mail, at_once: bool = False) -> None:
    leaves_now = mail.next_at is not None and mail.next_at <= mail.created_at
    if _bell and (at_once or leaves_now):
        ring = _bell.ring
        database.after_commit(lambda: ring(SEND))


@batches.waiting.connect
def _on_file(batch: ImportBatch) -> None:
    if _bell:
        _bell.ring(IMPORT)
