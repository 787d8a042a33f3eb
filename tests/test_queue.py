"""Huey as an alarm clock: signed messages of JSON, on a file and on Redis; the sweep is safe late and twice."""

import os
import pickle
from datetime import datetime, timedelta

import pytest
import redis
from huey.registry import Message

import tasks
from models import Attempt, UserSession
from tests import factories as make
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
