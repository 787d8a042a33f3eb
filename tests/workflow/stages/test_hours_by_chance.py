"""Random sequences of couple, change, cancel, evaluate, correct, final evaluation and reopen, compared with a model in plain
Python that counts the hours and tells which trajectories are ready."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from database import RuleError, database
from models import STAGE_HOURS, Evaluation, Placement, Trajectory
from tests import factories as make
from times import local_date
from workflow.stages import finals, placements

SEQUENCES = 1_000 if os.environ.get("KAVO_THOROUGH") else 40
STEPS = 20
hours = st.integers(min_value=-1, max_value=60)
pick = st.integers(min_value=0, max_value=50)


class Hours(RuleBasedStateMachine):
    """The model; `said`: placement id → (trajectory id, state, counted hours); `finished`: ids of trajectories."""

    def __init__(self):
        super().__init__()
        self.whole = database.atomic()
        self.whole.__enter__()
        self.said, self.finished = {}, set()

    def teardown(self):
        """Roll the transaction back, so that nothing of this sequence stays."""
        self.whole.__exit__(RuleError, RuleError("the end"), None)

    @initialize()
    def begin(self):
        self.team = make.user("team")
        self.site = make.site()
        self.trajectories = [make.trajectory().id, make.trajectory().id]

    def used(self, trajectory, without=None):
        return sum(counted for key, (of, _, counted) in self.said.items() if of == trajectory and key != without)

    def fits(self, trajectory, counted, without=None):
        return self.used(trajectory, without) + counted <= STAGE_HOURS

    def ready(self, trajectory):
        """Whether the final evaluation can be given: nothing is open, and the positive hours are 50."""
        mine = [(state, counted) for of, state, counted in self.said.values() if of == trajectory]
        positive = sum(counted for state, counted in mine if state == "evaluated")
        return trajectory not in self.finished and positive == STAGE_HOURS and all(state != "open" for state, _ in mine)

    def expect(self, allowed, verb, *arguments, **values):
        """Run a verb, which must be refused exactly when the model says so."""
        try:
            result = verb(*arguments, **values)
        except RuleError:
            assert not allowed, f"{verb.__name__} {arguments} {values} was refused"
            return None
        assert allowed, f"{verb.__name__} {arguments} {values} was let through"
        return result

    def one(self, number):
        return sorted(self.said)[number % len(self.said)]

    @rule(which=st.integers(0, 1), hours=hours)
    def couple(self, which, hours):
        trajectory = self.trajectories[which]
        allowed = trajectory not in self.finished and hours >= 1 and self.fits(trajectory, hours)
        row = Trajectory.get_by_id(trajectory)
        made = self.expect(allowed, placements.couple, row, self.site, hours, self.team, make.NOW)
        if made:
            self.said[made.id] = (trajectory, "open", hours)

    @rule(which=st.integers(0, 1), more=st.integers(0, 1))
    def couple_for_what_is_left_or_one_more(self, which, more):
        self.couple(which=which, hours=STAGE_HOURS - self.used(self.trajectories[which]) + more)

    @rule(number=pick, hours=hours)
    def change(self, number, hours):
        if not self.said:
            return
        key = self.one(number)
        trajectory, state, counted = self.said[key]
        allowed = state == "open" and (hours == counted or (hours >= 1 and self.fits(trajectory, hours, key)))
        if self.expect(allowed, placements.change, Placement.get_by_id(key), self.team, make.NOW, hours):
            self.said[key] = (trajectory, "open", hours)

    @rule(number=pick)
    def cancel(self, number):
        if not self.said:
            return
        key = self.one(number)
        trajectory, state, _ = self.said[key]
        if self.expect(state == "open", placements.cancel, Placement.get_by_id(key), self.team, make.NOW, "Ziek."):
            self.said[key] = (trajectory, "cancelled", 0)

    @rule(number=pick, hours=hours, positive=st.booleans())
    def evaluate_or_correct(self, number, hours, positive):
        if not self.said:
            return
        key = self.one(number)
        trajectory, state, _ = self.said[key]
        fits = hours >= 1 and self.fits(trajectory, hours, key) if positive else hours >= 0
        result = "positive" if positive else "negative"
        row = Placement.get_by_id(key)
        allowed = state != "cancelled" and trajectory not in self.finished and fits
        if self.expect(allowed, make.evaluated, row, by=self.team, hours_done=hours, result=result):
            self.said[key] = (trajectory, "evaluated", hours if positive else 0)

    @rule(which=st.integers(0, 1), positive=st.booleans())
    def lead_to_the_end(self, which, positive):
        """Couple the remaining hours and evaluate every open placement; the last one perhaps negatively."""
        trajectory = self.trajectories[which]
        if trajectory not in self.finished and self.used(trajectory) < STAGE_HOURS:
            self.couple(which=which, hours=STAGE_HOURS - self.used(trajectory))
        waiting = sorted(key for key, (of, state, _) in self.said.items() if of == trajectory and state == "open")
        for key in waiting:
            planned = self.said[key][2]
            number = sorted(self.said).index(key)
            self.evaluate_or_correct(number=number, hours=planned, positive=positive or key != waiting[-1])

    @rule(which=st.integers(0, 1), passed=st.booleans())
    def give_the_final_evaluation(self, which, passed):
        trajectory = self.trajectories[which]
        row, result = Trajectory.get_by_id(trajectory), "passed" if passed else "failed"
        words = "" if passed else "Nog niet."
        if self.expect(self.ready(trajectory), finals.give, row, self.team, make.NOW, result, make.NOW.date(), words):
            self.finished.add(trajectory)

    @rule(which=st.integers(0, 1))
    def reopen(self, which):
        trajectory = self.trajectories[which]
        row = Trajectory.get_by_id(trajectory)
        self.expect(trajectory in self.finished, finals.reopen, row, self.team, make.NOW, "Verbetering.")
        self.finished.discard(trajectory)

    @invariant()
    def the_database_says_what_the_model_says(self):
        for row in Trajectory.select():
            assert row.hours_used == self.used(row.id) <= STAGE_HOURS
            assert row.hours_left() == STAGE_HOURS - self.used(row.id) >= 0
            assert (row.missing() == []) == self.ready(row.id)
            assert (row.state == "finished") == (row.id in self.finished)
        ready = {row.id for row in Trajectory.select().where(finals.ready(local_date(make.NOW)))}
        assert ready == {key for key in self.trajectories if self.ready(key)}
        stored = {row.id: (row.trajectory_id, row.state, row.counted) for row in Placement.select()}
        assert stored == self.said
        evaluated = {key for key, (_, state, _) in self.said.items() if state == "evaluated"}
        assert {row.placement_id for row in Evaluation.select()} == evaluated


@pytest.mark.usefixtures("db")
def test_no_sequence_of_acts_breaks_the_50_hours():
    run_state_machine_as_test(
        Hours,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
