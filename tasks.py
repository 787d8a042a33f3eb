"""Huey: a time and one verb. Huey is an alarm clock and no memory: what must happen is a row with a date.

`worker` runs these; the web server only rings for the outbox once a mail is committed."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from huey import Huey, RedisHuey, SqliteHuey, crontab
from huey.registry import Message
from huey.serializer import Serializer
from redis import ConnectionPool

import config
import mails
from database import database, refresh_statistics
from mails import delivery
from times import utcnow
from workflow import clock
from workflow.imports import batches

log = logging.getLogger("kavo.tasks")

RING_SECONDS = 2  # how long a request waits for Redis at most; the worker asks it to wait for one second


class SignedJson(Serializer):
    """Messages as JSON with a keyed digest: who can write to the queue still cannot make the worker run code."""

    def __init__(self, key: str):
        super().__init__()
        self.key = key.encode()

    def _digest(self, text: bytes) -> bytes:
        return hmac.new(self.key, text, hashlib.sha256).hexdigest().encode()

    def serialize(self, data) -> bytes:
        plain = {"message": data._asdict()} if isinstance(data, Message) else {"value": data}
        text = json.dumps(plain, default=_typed).encode()
        return self._digest(text) + b"." + text

    def deserialize(self, data: bytes):
        digest, _, text = data.partition(b".")
        if not hmac.compare_digest(digest, self._digest(text)):
            raise ValueError("a message in the queue bears no signature of ours")
        plain = json.loads(text, object_hook=_untyped)
        if "value" in plain:
            return plain["value"]
        message = plain["message"]
        message["args"] = tuple(message["args"] or ())
        return Message(**message)


def _typed(value):
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, set):
        return sorted(value)
    raise TypeError(f"a message cannot hold a {type(value).__name__}")


def _untyped(plain: dict):
    return datetime.fromisoformat(plain["moment"]) if set(plain) == {"moment"} else plain


def make_huey(settings: config.Settings):
    """The queue of KAVO_QUEUE_URL: a file (sqlite:///…) or Redis (redis://…)."""
    serializer = SignedJson(settings.secret_key)
    if settings.queue_url.startswith("sqlite:///"):
        return SqliteHuey("kavo", filename=settings.queue_url.removeprefix("sqlite:///"), serializer=serializer)
    pool = ConnectionPool.from_url(settings.queue_url, socket_connect_timeout=RING_SECONDS, socket_timeout=RING_SECONDS)
    return RedisHuey("kavo", connection_pool=pool, serializer=serializer)


def with_tasks(huey, settings: config.Settings):
    """Register the tasks on a queue; returns (sweep, send, import), which put themselves in it when called."""

    @huey.task(name="send_mails")
    def send_mails():
        """Deliver the outbox; waits a little when another sender is just finishing, so that no mail is overlooked."""
        with database.connection_context():
            for _ in range(3):
                tally = delivery.deliver(settings)
                if tally and tally["failed"]:
                    clock.sweep(utcnow())  # a mailbox that refuses sends a handover to the team at once
                if tally is not None or not delivery.anything_due(utcnow()):
                    return
                time.sleep(1)

    @huey.task(name="work_on_imports")
    def work_on_imports():
        """Check or write the lines of files that were imported; each step is a transaction, so it may be broken off."""
        with database.connection_context():
            batches.work(utcnow())

    @huey.periodic_task(crontab(minute="*"), name="sweep")
    def sweep():
        """Every minute: treat what is due. Safe late, twice and in parallel."""
        send_mails()
        with database.connection_context():
            clock.sweep(utcnow())
            if batches.anything_waits():
                work_on_imports()

    @huey.periodic_task(crontab(hour="2", minute="17"), name="look_at_tables")
    def look_at_tables():
        """Every night (UTC): lists stay fast while tables grow."""
        with database.connection_context():
            refresh_statistics()

    return sweep, send_mails, work_on_imports


@dataclass
class _Bell:
    """How this process reaches the worker; set once at start-up."""

    ring: Callable[[int], None] | None = None
    queue: Callable[[], Huey] | None = None


_bell = _Bell()
SEND, IMPORT = 1, 2  # in what `with_tasks` returns


def ring_the_worker(settings: config.Settings):
    """From now on, let mails leave and files be imported as soon as they are committed. Called once per process. When the queue
    does not answer nothing is lost: the sweep of the next minute finds them."""

    queue = cache(lambda: make_huey(settings))
    known = cache(lambda: with_tasks(queue(), settings))

    def ring(which):
        try:
            known()[which]()
        except Exception as error:  # whatever is wrong with the queue, the change itself is committed
            log.warning("the queue does not answer: %s", type(error).__name__)

    _bell.ring, _bell.queue = ring, queue


def queue_trouble() -> str:
    """What is wrong with the queue; empty when it answers."""
    try:
        if _bell.queue is not None:
            _bell.queue().pending_count()
    except Exception as error:  # each kind of queue has errors of its own
        return type(error).__name__
    return ""


@mails.written.connect
def _on_written(mail, at_once=False):
    ring = _bell.ring
    if ring and (at_once or mail.next_at <= mail.created_at):
        database.after_commit(lambda: ring(SEND))


@batches.waiting.connect
def _on_file(batch):
    if _bell.ring:
        _bell.ring(IMPORT)
