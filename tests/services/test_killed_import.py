"""An import whose process is killed at any moment resumes where it stopped: nothing is lost, nothing is duplicated."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from database import database
from models import ImportBatch, ImportRow, Participant, Trajectory
from operations import checks
from tests import factories as make
from workflow.imports import batches

PROJECT = Path(__file__).parents[2]
LINES, KILLS = (20_000, 40) if os.environ.get("KAVO_THOROUGH") else (240, 3)
WORK = """
import database, times
from workflow.imports import batches
database.connect_to({url!r}).connect()
batches.STEP = batches.WRITTEN = 20
print("ready", flush=True)
batches.work(times.utcnow())
"""


def file():
    lines = (
        f"{100_000 + number}-{number % 100:02};Kind{number};Maes;12/03/2009;;;animator;10/01/2026"
        for number in range(LINES)
    )
    text = "\n".join([";".join(batches.COLUMNS), *lines])
    return io.BytesIO(text.encode())


def one_run(url, seconds):
    """Let a process work on the queue and kill it after a while; returns whether it had ended by itself before."""
    process = subprocess.Popen([sys.executable, "-c", WORK.format(url=url)], cwd=PROJECT, stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return False
    assert process.returncode == 0, "it stopped before it was killed: see its error above"
    return True


def to_the_end(url, chance):
    kills = 0
    while not one_run(url, 120 if kills >= KILLS else chance.uniform(0.02, 0.6)):
        kills += 1
    return kills


def test_an_import_that_is_killed_goes_on_where_it_was(db, report):
    hilde, chance, begun = make.user("association", association=make.association()), Random(6), time.monotonic()
    batch = batches.receive(file(), "lijst.csv", hilde, make.NOW)
    database.close()
    kills = to_the_end(db, chance)
    database.connect()
    batches.confirm(ImportBatch.get_by_id(batch.id), hilde, make.NOW)
    database.close()
    kills += to_the_end(db, chance)
    database.connect()

    assert ImportBatch.get().state == "done"
    assert Participant.select().count() == Trajectory.select().count() == LINES
    assert ImportRow.select().where(ImportRow.done, ImportRow.trajectory_id.is_null(False)).count() == LINES
    assert list(checks.breaches()) == []
    assert kills > 0
    report(kills=kills, lines=LINES, lost=0, doubled=0, seconds=round(time.monotonic() - begun))


def test_all_or_none_that_is_killed_wrote_nothing(db, report, monkeypatch):
    monkeypatch.setattr(batches, "WHOLE", LINES)
    hilde, chance, kills = make.user("association", association=make.association()), Random(7), 0
    batch = batches.receive(file(), "lijst.csv", hilde, make.NOW)
    batches.work(make.NOW)
    batches.confirm(ImportBatch.get_by_id(batch.id), hilde, make.NOW, all_or_none=True)
    done = False
    while not done:
        database.close()
        done = one_run(db, 600 if kills >= KILLS else chance.uniform(0.02, 0.3))
        database.connect()
        kills += not done
        assert Participant.select().count() == Trajectory.select().count() == (LINES if done else 0)

    assert ImportBatch.get().state == "done"
    assert list(checks.breaches()) == []
    assert kills > 0
    report(kills=kills, lines=LINES)
