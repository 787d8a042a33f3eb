"""A migration while people work: nobody sees an error, and the running release continues on the new tables."""

import threading

import migrations
from database import database
from migrations import steps
from models import Placement, Trajectory
from tests import factories as make
from tests.machines import Web, environment
from tests.managers import Manager

MANAGERS, ROUNDS = 3, 8
STEP = {
    "up": """ALTER TABLE "trajectory" ADD COLUMN "colour" VARCHAR(20) NOT NULL DEFAULT '';
        UPDATE "trajectory" SET "colour" = 'blue'; ALTER TABLE "placement" ADD COLUMN "colour" VARCHAR(20);
        CREATE INDEX "placement_colour" ON "placement" ("colour"); ALTER TABLE "site" ADD COLUMN "colour" VARCHAR(20);""",
    "down": """DROP INDEX "placement_colour"; ALTER TABLE "site" DROP COLUMN "colour";
        ALTER TABLE "placement" DROP COLUMN "colour"; ALTER TABLE "trajectory" DROP COLUMN "colour";""",
}


def test_nobody_sees_an_error_while_a_step_changes_the_tables_they_use(db, tmp_path, monkeypatch):
    people = [(make.user(password=make.PASSWORD), make.trajectory()) for _ in range(MANAGERS)]
    places = [(user.email, make.site(user).id, trajectory.participant.kavo_id) for user, trajectory in people]
    folder = tmp_path / "steps" / "9999_colour"
    folder.mkdir(parents=True)
    for direction, script in STEP.items():
        for engine in ("sqlite", "postgresql"):
            (folder / f"{direction}.{engine}.sql").write_text(script)
    monkeypatch.setattr(steps, "FOLDER", tmp_path / "steps")

    ended, errors, rounds = threading.Event(), [], []
    with Web(tmp_path, environment(db, f"sqlite:///{tmp_path}/queue.db")) as web:
        workers = [
            threading.Thread(target=_work, args=(Manager(web.address, email), *place, ended, errors, rounds))
            for email, *place in places
        ]
        for one in workers:
            one.start()
        try:
            while len(rounds) < ROUNDS and not errors:
                ended.wait(0.1)
            assert migrations._take("9999_colour", "up")
            until = len(rounds) + ROUNDS
            while len(rounds) < until and not errors:
                ended.wait(0.1)
            assert migrations._take("9999_colour", "down")
        finally:
            ended.set()
            for one in workers:
                one.join()
    assert errors == []
    assert Placement.select().count() == len(rounds)
    assert {one.hours_used for one in Trajectory.select()} == {0}
    database.close()


def _work(manager, site_id, kavo_id, ended, errors, rounds):
    """Couple, look and evaluate until the end, or until the first error page."""
    try:
        manager.log_in()
        while not ended.is_set():
            manager.couple(site_id, kavo_id, 30, manager.look_up(site_id, kavo_id))
            waiting = manager.to_evaluate()
            manager.evaluate(waiting, 30, "negative", make.COURSE, manager.evaluation(waiting))
            rounds.append(waiting)
    except BaseException as error:
        errors.append(repr(error)[:500])
