"""Eight processes at once on one trajectory: never more than 50 hours, and when two people act exactly one wins."""

import os
import time
from random import Random

import pytest

from database import RuleError, writing
from models import Placement, Site, Trajectory, User
from operations import checks
from tests import factories as make
from tests.services.at_once import PROCESSES, at_once
from workflow.stages import evaluations, placements

TRIES = 20_000 if os.environ.get("KAVO_THOROUGH") else 240
MANY = 200 if os.environ.get("KAVO_THOROUGH") else 10  # few enough to compete for their hours


def couple(first, trajectories, site_id, user_id, tries, seed):
    """Couple random trajectories for random numbers of hours, and cancel half of these placements, so that hours stay available
    to compete for."""
    chance, by, site = Random(seed), User.get_by_id(user_id), Site.get_by_id(site_id)
    count = {"done": 0, "refused": 0, "highest": 0}
    for _ in range(tries):
        trajectory = Trajectory.get_by_id(first + chance.randrange(trajectories))
        try:
            placement = placements.couple(trajectory, site, chance.randint(1, 30), by, make.NOW)
        except RuleError:
            count["refused"] += 1
            if chance.random() < 0.9:
                continue
            placement = trajectory.placements.where(Placement.state == "open").first()
        else:
            count["done"] += 1
        count["highest"] = max(count["highest"], Trajectory.get_by_id(trajectory.id).hours_used)
        if placement and chance.random() < 0.5:
            attempt(placements.cancel, placement, by, make.NOW, "Gaat niet door.")
    return count


def attempt(verb, *arguments, **values):
    try:
        verb(*arguments, **values)
    except RuleError:
        return 0
    return 1


def cancel(placement_id, user_id, seed):
    return {
        "done": attempt(
            placements.cancel, Placement.get_by_id(placement_id), User.get_by_id(user_id), make.NOW, "Ziek."
        )
    }


def evaluate(placement_id, user_id, seed):
    """All read version 1 first, like eight open screens."""
    with writing():
        placement, by = Placement.get_by_id(placement_id), User.get_by_id(user_id)
    given = evaluations.EvaluationInput("Eline", "instructor", make.COURSE, make.COURSE, 20, "positive")
    return {"done": attempt(evaluations.evaluate, placement, given, by, make.NOW, version=1)}


@pytest.mark.parametrize("trajectories", [1, MANY])
def test_eight_processes_never_couple_a_trajectory_beyond_50_hours(db, trajectories, report):
    """Any error other than a refusal ("database is locked", a deadlock) ends a writer's process, and fails the test."""
    site, by, begun = make.site(), make.user("team"), time.monotonic()
    with writing():
        first, *_ = (make.trajectory() for _ in range(trajectories))

    counts = at_once(db, couple, first.id, trajectories, site.id, by.id, TRIES // PROCESSES)

    total = {word: sum(count[word] for count in counts) for word in ("done", "refused")}
    report(trajectories=trajectories, attempts=TRIES, **total, seconds=round(time.monotonic() - begun))
    assert total["done"] > 0
    assert total["refused"] > 0
    assert max(count["highest"] for count in counts) <= 50
    assert list(checks.breaches()) == []
    assert sum(one.counted for one in Placement.select()) == sum(one.hours_used for one in Trajectory.select())


@pytest.mark.parametrize("task", [cancel, evaluate])
def test_of_eight_people_who_decide_about_one_placement_one_wins(db, task):
    placement, by = make.placement(hours=20), make.user("team")

    counts = at_once(db, task, placement.id, by.id)

    assert sorted(count["done"] for count in counts) == [0] * (PROCESSES - 1) + [1]
    assert list(checks.breaches()) == []
