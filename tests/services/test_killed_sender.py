"""kill -9 of a sender at every step of the conversation, two at a time, on both databases: no mail is lost, and a mail sent
twice has the same Message-ID."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

import mails
from database import database, writing
from models import Mail
from tests import factories as make
from tests.conftest import KEYS
from tests.post import Post
from times import utcnow

PROJECT = Path(__file__).parents[2]
MAILS, KILLS = (600, 40) if os.environ.get("KAVO_THOROUGH") else (60, 4)
STEPS = ("connect", "rcpt", "data", "taken")


def sender(db, post, tmp_path):
    environ = {
        **os.environ,
        **KEYS,
        "KAVO_SMTP_URL": post.url,
        "KAVO_DATABASE_URL": db,
        "KAVO_QUEUE_URL": f"sqlite:///{tmp_path}/queue.db",
    }
    command = [sys.executable, "-m", "flask", "--app", "app", "send-mails"]
    return subprocess.Popen(command, env=environ, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("step", STEPS)
def test_no_mail_is_lost_when_senders_are_killed(db, tmp_path, step, report):
    chance, user = Random(step), make.user()
    with writing():
        for _ in range(MAILS // len(STEPS)):
            mails.password_changed(user, utcnow())
    database.close()

    kills = 0
    with Post() as post:
        while kills < KILLS // len(STEPS):
            pair = [sender(db, post, tmp_path) for _ in range(2)]
            after = 0 if step == "connect" else chance.randrange(MAILS // KILLS)  # a sender connects once
            post.kill_at(step, [one.pid for one in pair], after)
            for one in pair:
                one.wait(120)
            kills += -signal.SIGKILL in [one.returncode for one in pair]
        output = sender(db, post, tmp_path).communicate(timeout=120)[0]
        copies = post.copies()

    database.connect()
    assert Mail.select().where(Mail.state != "sent").count() == 0, output
    assert set(copies) == {mail.message_id for mail in Mail.select()}
    doubled = sum(count - 1 for count in copies.values())
    report(step=step, kills=kills, mails=len(copies), lost=0, doubled_mails=doubled)
    assert doubled <= (kills if step in ("data", "taken") else 0)  # from DATA on the server has the text
