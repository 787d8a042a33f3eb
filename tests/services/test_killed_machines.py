"""kill -9 of web server, worker, PostgreSQL and Redis at random moments while managers couple and evaluate, and handovers are
answered and expire: nothing is lost or duplicated, no page lies, and a mail sent twice has the same Message-ID.

`make chaos` runs it for longer."""

import os
import re
import shutil
import threading
import time
from collections import Counter
from datetime import timedelta
from random import Random

import pytest

import migrations
from database import connect_to, database, writing
from models import Clock, Handover, Mail, Placement
from operations import checks
from tests import factories as make
from tests.machines import POSTGRES_PROGRAMS, Postgres, Redis, Web, Worker, environment
from tests.managers import Manager
from tests.post import Post
from times import utcnow
from workflow.sites import handovers

KILLS = 125 if os.environ.get("KAVO_THOROUGH") else 3
HANDOVERS, MANAGERS = max(36, KILLS), 3
PATIENCE = 300  # seconds
MAILS_OF = {
    "accepted": ("handover_taken", "handover_given"),
    "refused": ("handover_refused",),
    "escalated": ("handover_escalated",),
}


@pytest.fixture
def own_database(db, request, room):
    """(url, machines to kill); on PostgreSQL a separate server."""
    if request.config.getoption("--database") == "sqlite":
        yield db, {}
        return
    if not POSTGRES_PROGRAMS:
        pytest.skip("no programs of PostgreSQL")
    database.close()
    with Postgres(room).make() as server:
        connect_to(server.url).connect()
        migrations.migrate()
        yield server.url, {"postgresql": server}
        if not database.is_closed():
            database.close()
        database.close_all()


@pytest.mark.parametrize("queue", ["file", "redis"])
def test_nothing_is_lost_when_machines_are_killed(own_database, tmp_path, queue, report):
    if queue == "redis" and not shutil.which("redis-server"):
        pytest.fail("no Redis") if os.environ.get("CI") == "true" else pytest.skip("no Redis")
    url, machines = own_database
    chance, links, managers = Random(queue), _handovers(), _managers()
    database.close()
    (tmp_path / "redis").mkdir()
    if queue == "redis":
        machines["redis"] = Redis(tmp_path / "redis").start()
    with Post() as post:
        queue_url = machines["redis"].url if queue == "redis" else f"sqlite:///{tmp_path}/queue.db"
        environ = environment(url, queue_url, KAVO_SMTP_URL=post.url)
        machines |= {"web": Web(tmp_path, environ).start(), "worker": Worker(tmp_path, environ).start()}
        crew = Crew(machines, links, managers, chance)
        try:
            kills = crew.work()
            database.connect(reuse_if_open=True)
            _wait_until_all_is_sent()
            assert machines["worker"].process.poll() is None
        finally:
            for name in ("web", "worker", "redis"):
                if name in machines:
                    machines[name].kill()
        copies = post.copies()

    ended, stages = _check(copies), _check_stages(crew.stages)
    doubled = sum(count - 1 for count in copies.values())
    report(
        queue=queue,
        kills=sum(kills.values()),
        **kills,
        stages=stages,
        handovers=sum(ended.values()),
        mails=len(copies),
        lost=0,
        doubled_mails=doubled,
        answers=dict(crew.statuses),
    )
    assert set(crew.statuses) <= {200, 503, "again"}
    assert doubled <= sum(kills.values())


def _handovers() -> dict[int, str]:
    """Create handovers, every third past its deadline; returns handover → path of the link to answer, for the others."""
    links, now = {}, utcnow()
    with writing():
        for number in range(HANDOVERS):
            giver, taker = make.user(), make.user()
            late = number % 3 == 0
            handover = handovers.ask(
                make.site(giver), taker, taker.email, "0470 12 34 56", now - timedelta(days=20 if late else 1)
            )
            if not late:
                asked = Mail.select().where(Mail.kind == "handover_asked").order_by(Mail.id.desc()).get()
                links[handover.id] = "/overdracht/" + re.search(r"/l/(\S+)", asked.body)[1]
        Clock.update(since="2020-01-01").execute()
    return links


def _managers() -> list[tuple]:
    """(e-mail, site, trajectory) of some managers."""
    with writing():
        return [
            (user.email, make.site(user), make.trajectory())
            for user in (make.user(password=make.PASSWORD) for _ in range(MANAGERS))
        ]


class Crew:
    """The people who work, and the thread that kills; `stages`: trajectory → number of stages that a page confirmed as coupled
    and evaluated."""

    def __init__(self, machines, links, managers, chance):
        self.machines, self.links, self.managers, self.chance = machines, links, managers, chance
        self.stages, self.statuses, self.kills, self.errors = Counter(), Counter(), Counter(), []
        self.ended = threading.Event()

    def work(self) -> Counter:
        """Let all work until there were enough kills; returns the number of kills of each machine."""
        workers = [threading.Thread(target=self._guarded, args=(self._stages, *one)) for one in self.managers]
        workers.append(threading.Thread(target=self._guarded, args=(self._answers,)))
        for one in workers:
            one.start()
        while sum(self.kills.values()) < KILLS and not self.errors:
            time.sleep(self.chance.random() * 1.5)
            name = self.chance.choice(sorted(self.machines))
            self.machines[name].kill()
            time.sleep(self.chance.random() / 2)  # in the meantime pages say that it is down
            self.machines[name].start()
            self.kills[name] += 1
        self.ended.set()
        for one in workers:
            one.join()
        if self.errors:
            raise self.errors[0]
        return self.kills

    def _guarded(self, task, *values):
        try:
            task(*values)
        except BaseException as error:
            self.errors.append(error)

    def _manager(self, email=""):
        return Manager(self.machines["web"].address, email)

    def _stages(self, email, site, trajectory):
        """Couple for 30 hours and evaluate negatively, repeatedly: a duplicated stage would leave no hours."""
        manager = self._manager(email)
        manager.persist(manager.log_in)
        kavo_id = trajectory.participant.kavo_id
        while not self.ended.is_set() or not self.stages[trajectory.id]:
            fields = manager.persist(manager.look_up, site.id, kavo_id)
            manager.persist(manager.couple, site.id, kavo_id, 30, fields)
            number = manager.persist(manager.to_evaluate)
            fields = manager.persist(manager.evaluation, number)
            manager.persist(manager.evaluate, number, 30, "negative", make.COURSE, fields)
            self.stages[trajectory.id] += 1
        self.statuses += manager.statuses

    def _answers(self):
        """Answer each handover on the page without log-in, until the server confirms it."""
        pause = 0.0
        for path in self.links.values():
            visitor, decision = self._manager(), self.chance.choice(("approve", "refuse"))
            fields = {**visitor.persist(visitor.fields, path), "reason": "Daarom.", "decision": decision, "myself": "y"}
            visitor.persist(visitor.ask, "POST", path, fields)
            page = visitor.persist(visitor.look, path)
            assert "Je gaf het beheer door" in page or "De overdracht is" in page, page
            self.statuses += visitor.statuses
            pause = max(0.0, KILLS / len(self.links) - 0.3)
            self.ended.wait(pause)


def _wait_until_all_is_sent():
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
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


def _check_stages(said) -> int:
    """Each stage that a page confirmed as saved exists exactly once."""
    for trajectory, count in said.items():
        states = Counter(one.state for one in Placement.select().where(Placement.trajectory == trajectory))
        assert states == {"evaluated": count}, trajectory
    return sum(said.values())
