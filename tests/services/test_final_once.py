"""Eight processes that evaluate, give the final evaluation, release and reopen the same trajectories at once: never two outcomes,
never a valid attest for a reopened trajectory; and eight that import the same file."""

import io
import os
from collections import Counter
from random import Random

from database import RuleError
from models import Attest, FinalEvaluation, ImportBatch, Participant, Trajectory, User
from operations import checks
from tests import factories as make
from tests.services.at_once import PROCESSES, at_once
from workflow.imports import batches
from workflow.stages import attests, finals

ROWS = 100 if os.environ.get("KAVO_THOROUGH") else 12
FILE = "\n".join(
    [
        ";".join(batches.COLUMNS),
        *(
            f"{100_000 + number}-00;Kind{number};Maes;12/03/2009;;Een vzw;animator;10/01/2026"
            for number in range(ROWS * 4)
        ),
    ]
)


def test_eight_simultaneous_decisions_have_one_outcome(db, capsys):
    team = make.user("team")
    for _ in range(ROWS):
        make.evaluated(make.placement(hours=50))

    counts = sum(at_once(db, decide, team.id), Counter())

    assert list(checks.breaches()) == []
    for one in Trajectory.select():
        current = one.final_evaluations.where(FinalEvaluation.reopened_at.is_null()).count()
        assert current == (one.state == "finished")
    valid = Attest.select().where(Attest.revoked_at.is_null()).count()
    assert valid == Trajectory.select().where(Trajectory.outcome == "attested").count()
    assert counts["release"] == Attest.select().count()
    assert counts["give"] == FinalEvaluation.select().count()
    with capsys.disabled():
        print(f"\n{ROWS} trajectories, {PROCESSES} processes: {dict(counts)}")


def test_eight_imports_of_the_same_file_at_once_create_everybody_once(db):
    make.association(name="Een vzw")
    received = [batches.receive(io.BytesIO(FILE.encode()), "lijst.csv", None, make.NOW).id for _ in range(PROCESSES)]
    batches.work(make.NOW)
    for key in received:
        batches.confirm(ImportBatch.get_by_id(key), None, make.NOW)

    at_once(db, go_on)

    assert {one.state for one in ImportBatch.select()} == {"done"}
    assert Participant.select().count() == Trajectory.select().count() == ROWS * 4
    assert list(checks.breaches()) == []


def decide(team_id, seed):
    counts, team, chance = Counter(), User.get_by_id(team_id), Random(seed)
    acts = {
        "evaluate": lambda row: make.evaluated(row.placements.get(), by=team, hours_done=chance.choice((49, 50))),
        "give": lambda row: finals.give(row, team, make.NOW, "passed", make.NOW.date()),
        "release": lambda row: attests.release(row, team, make.NOW),
        "reopen": lambda row: finals.reopen(row, team, make.NOW, "Opnieuw."),
    }
    keys = [key for (key,) in Trajectory.select(Trajectory.id).tuples()]
    for _ in range(ROWS * 5):
        name = chance.choice(list(acts))
        try:
            acts[name](Trajectory.get_by_id(chance.choice(keys)))
            counts[name] += 1
        except RuleError:
            counts[f"{name} refused"] += 1
    return counts


def go_on(seed):
    batches.work(make.NOW)
