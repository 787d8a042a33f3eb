"""Huey: a time and one verb. Huey is an alarm clock and no memory: what must happen is a row with a date.

Started by `huey_consumer tasks.huey`; only one consumer runs the periodic tasks (others get `-n`)."""

import hashlib
import hmac
import json
from datetime import datetime

from huey import RedisHuey, SqliteHuey, crontab
from huey.registry import Message
from huey.serializer import Serializer

import config
import logs
from database import connect_to, database
from times import utcnow
from workflow import accounts


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
    return RedisHuey("kavo", url=settings.queue_url, serializer=serializer)


settings = config.load()
huey = make_huey(settings)


@huey.on_startup()
def start():
    """Each worker process points the models at the database; it connects per task."""
    logs.set_up()
    connect_to(settings.database_url)


@huey.periodic_task(crontab(minute="*"))
def sweep():
    """Every minute: treat what is due. Safe late, twice and in parallel."""
    with database.connection_context():
        accounts.forget(utcnow())
