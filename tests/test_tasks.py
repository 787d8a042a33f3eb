"""Huey as a scheduler: signed JSON messages, on a file and on Redis; the sweep may run late or twice."""

import os
import pickle
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
import redis
from huey.registry import Message

import tasks
from models import Attempt, UserSession
from tests import factories as make
from tests.machines import PROJECT, environment
from tests.run import REDIS_URL
from workflow.accounts import accounts

SERIALIZER = tasks.SignedJson("k" * 40)
MESSAGE = Message(id="1", name="sweep", eta=datetime(2026, 7, 1, 8, 0), args=(3,), kwargs={"a": "é"})


def test_a_message_comes_back_as_it_was_sent():
    assert SERIALIZER.deserialize(SERIALIZER.serialize(MESSAGE)) == MESSAGE


@pytest.mark.parametrize(
    "forged",
    [
        SERIALIZER.serialize(MESSAGE).replace(b"sweep", b"other"),
        tasks.SignedJson("x" * 40).serialize(MESSAGE),
        pickle.dumps(MESSAGE),
        b"",
        b"{}",
        b".{}",
    ],
)
def test_a_message_that_is_not_ours_is_refused(forged):
    with pytest.raises(ValueError, match="no signature of ours"):
        SERIALIZER.deserialize(forged)


def queues(settings):
    yield settings
    redis_there = True
    try:
        redis.Redis.from_url(REDIS_URL, socket_connect_timeout=2).ping()
    except redis.RedisError:
        redis_there = os.environ.get("CI") == "true"
    if redis_there:
        yield type(settings)(**{**settings.__dict__, "queue_url": REDIS_URL})


def test_a_message_is_kept_signed_and_run_from_a_file_and_from_redis(settings):
    for one in queues(settings):
        queue, ran = tasks.make_huey(one), []
        task = queue.task()(ran.append)
        queue.flush()
        task("é")
        queue.execute(queue.dequeue())
        assert ran == ["é"]
        queue.storage.enqueue(pickle.dumps(MESSAGE))
        with pytest.raises(ValueError, match="no signature of ours"):
            queue.dequeue()
        queue.flush()


def test_the_sweep_forgets_what_is_old_and_nothing_else_however_often(now):
    user = make.user()
    for age in (timedelta(hours=23), timedelta(hours=25)):
        Attempt.create(kind="account", key_hash="x", at=now - age)
    accounts.open_session(user, "", now - timedelta(days=89))
    accounts.open_session(user, "", now - timedelta(days=91))

    assert accounts.forget(now) == 2
    assert accounts.forget(now) == 0
    assert (Attempt.select().count(), UserSession.select().count()) == (1, 1)


IN_FORCE = """
import sys
from database import checkpoint_keys
from mails import links, outbox
from workflow import limits
print(limits.switched_on(), limits._hash("x"), links.absolute_url("/"), checkpoint_keys.present(), outbox.HOME["team"])
print("app" in sys.modules, "flask_admin" in sys.modules)
"""


def test_web_server_and_worker_start_with_the_same_settings(settings):
    more = {"KAVO_RATE_LIMITS": "off", "KAVO_BASE_URL": "https://kavo.example", "KAVO_TEAM_MAIL": "team@kavo.example"}
    environ = environment(settings.database_url, settings.queue_url, **more)
    web, worker = (
        subprocess.check_output([sys.executable, "-c", start + IN_FORCE], cwd=PROJECT, env=environ, text=True)
        for start in ("import app\napp.create_app()", "import worker")
    )

    assert worker.splitlines()[0] == web.splitlines()[0]
    assert "https://kavo.example/" in worker
    assert worker.splitlines()[1] == "False False"
