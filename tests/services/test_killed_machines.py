"""kill -9 of the web server and of the worker at random moments while handovers are answered and end: nothing is lost, each has
one outcome, and a mail that comes twice bears the same Message-ID."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from random import Random
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
import redis

import checks
from database import database, writing
from models import Clock, Handover, Mail
from tests import factories as make
from tests.conftest import KEYS
from tests.machines import free_port
from tests.post import Post
from tests.run import REDIS_URL, redis_answers
from times import utcnow
from workflow import handovers

PROJECT = Path(__file__).parents[2]
HANDOVERS, KILLS = (300, 40) if os.environ.get("KAVO_THOROUGH") else (36, 6)
PATIENCE = 300
MAILS_OF = {
    "accepted": ("handover_taken", "handover_given"),
    "refused": ("handover_refused",),
    "escalated": ("handover_escalated",),
}


class Crew:
    """The web server and the worker, each a process that can be killed and is then started again."""

    def __init__(self, environ, port):
        self.environ, self.kills = environ, Counter()
        serve = "import sys; from waitress import serve; from app import create_app; serve(create_app(), port=int(sys.argv[1]))"
        self.commands = {
            "web": [sys.executable, "-c", serve, str(port)],
            "worker": [
                sys.executable,
                "-m",
                "huey.bin.huey_consumer",
                "worker.huey",
                "--quiet",
                "--workers=2",
                "--max-delay=1",
            ],
        }
        self.running = {}
        for name in self.commands:
            self.start(name)

    def start(self, name):
        self.running[name] = subprocess.Popen(
            self.commands[name], cwd=PROJECT, env=self.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self):
        for process in self.running.values():
            process.send_signal(signal.SIGKILL)
            process.wait()


@pytest.mark.parametrize("queue", ["file", "redis"])
def test_no_handover_and_no_mail_is_lost_when_processes_are_killed(db, tmp_path, queue, capsys):
    if queue == "redis":
        if not redis_answers():
            pytest.fail("no Redis") if os.environ.get("CI") == "true" else pytest.skip("no Redis")
        redis.Redis.from_url(REDIS_URL).flushdb()
    chance, links = Random(queue), _world()
    database.close()
    port = free_port()
    with Post() as post:
        environ = {
            **os.environ, **KEYS, "KAVO_DATABASE_URL": db, "KAVO_SMTP_URL": post.url, "KAVO_PORT": str(port),
            "KAVO_QUEUE_URL": REDIS_URL if queue == "redis" else f"sqlite:///{tmp_path}/queue.db",
        }  # fmt: skip
        crew = Crew(environ, port)
        try:
            _answer_all(crew, f"http://localhost:{port}", links, chance)
            database.connect(reuse_if_open=True)
            _wait_until_all_is_sent()
        finally:
            crew.stop()
        copies = post.copies()

    ended = _check(copies)
    doubled = sum(count - 1 for count in copies.values())
    with capsys.disabled():
        print(f"\n{queue}: {dict(ended)}, kills {dict(crew.kills)}: {len(copies)} mails, 0 lost, {doubled} doubled")
    assert doubled <= sum(crew.kills.values())


def _world() -> dict[int, str]:
    """Handovers, of which every third is past its term; handover → path of the link to answer, for the others."""
    links, now = {}, utcnow()
    with writing():
        for number in range(HANDOVERS):
            giver, taker = make.user(), make.user()
            late = number % 3 == 0
            handover = handovers.ask(
                make.site(giver), taker, taker.email, "0470", now - timedelta(days=20 if late else 1)
            )
            if not late:
                asked = Mail.select().where(Mail.kind == "handover_asked").order_by(Mail.id.desc()).get()
                links[handover.id] = re.search(r"(/overdracht/\S+)", asked.body)[1]
        Clock.update(since="2020-01-01").execute()
    return links


def _answer_all(crew, address, links, chance):
    """Answer by the page without login, each until the server says that it is done; between them somebody is killed."""
    between = max(1, len(links) // KILLS)
    for number, path in enumerate(links.values()):
        browser, decision = build_opener(HTTPCookieProcessor(CookieJar())), chance.choice(("approve", "refuse"))
        data = None
        for _ in range(PATIENCE):
            try:
                page = browser.open(address + path, timeout=10).read().decode()
                if "Je gaf het beheer door" in page or "De overdracht is" in page:
                    break
                fields = dict(re.findall(r'name="(csrf_token|form_key)" value="([^"]+)"', page))
                data = data or fields["form_key"]
                sent = urlencode({**fields, "form_key": data, "reason": "Daarom.", "decision": decision}).encode()
                if number % between == 0 and sum(crew.kills.values()) < KILLS:
                    _kill_soon(crew, chance)
                browser.open(address + path, sent, timeout=10).read()
            except (URLError, HTTPException, OSError):
                time.sleep(0.1)
        else:
            pytest.fail("an answer was never taken")


def _kill_soon(crew, chance):
    """Let somebody be killed within the next tenths of a second, while the answer is on its way."""
    name = chance.choice(("web", "worker"))
    process = crew.running[name]
    subprocess.Popen(["sh", "-c", f"sleep {chance.random() / 10:.3f}; kill -9 {process.pid}"])
    time.sleep(chance.random() / 10)
    process.wait(10)
    crew.kills[name] += 1
    crew.start(name)


def _wait_until_all_is_sent():
    for _ in range(PATIENCE):
        open_ones = Handover.select().where(Handover.state == "open").count()
        if not open_ones and not Mail.select().where(Mail.state != "sent").exists():
            return
        time.sleep(0.5)
    left = Counter(mail.state for mail in Mail.select())
    pytest.fail(f"{open_ones} handovers are still open; mails: {dict(left)}")


def _check(copies) -> Counter:
    ended = Counter(handover.state for handover in Handover.select())
    assert set(ended) <= set(MAILS_OF)
    assert ended["escalated"] == -(-HANDOVERS // 3)
    for handover in Handover.select():
        about = Counter(
            mail.kind
            for mail in Mail.select().where(Mail.object_type == "handover", Mail.object_id == str(handover.id))
        )
        for state, kinds in MAILS_OF.items():
            assert [about[kind] for kind in kinds] == [int(state == handover.state)] * len(kinds), (handover.id, about)
    assert set(copies) == {mail.message_id for mail in Mail.select()}
    assert list(checks.breaches()) == []
    return ended
