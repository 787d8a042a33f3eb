"""Random sequences of couple, change, cancel, evaluate and correct, next to a model in plain Python that adds up by itself."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from database import RuleError, database
from models import STAGE_HOURS, Evaluation, Placement, Trajectory
from tests import factories as make
from workflow import placements

SEQUENCES = 1_000 if os.environ.get("KAVO_THOROUGH") else 100
STEPS = 20
hours = st.integers(min_value=-1, max_value=60)
pick = st.integers(min_value=0, max_value=50)


class Hours(RuleBasedStateMachine):
    """`said` is what the model believes: placement id → (trajectory id, state, counted)."""

    def __init__(self):
        super().__init__()
        self.whole = database.atomic()
        self.whole.__enter__()
        self.said, self.steps = {}, 0

    def teardown(self):
        """Leave the transaction as after an error, so that nothing of this sequence stays."""
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

    def expect(self, allowed, verb, *arguments, **values):
        """Run a verb; it must be refused exactly when the model says so."""
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
        allowed = hours >= 1 and self.fits(trajectory, hours)
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
        allowed = state != "cancelled" and fits
        if self.expect(allowed, make.evaluated, row, by=self.team, hours_done=hours, result=result):
            self.said[key] = (trajectory, "evaluated", hours if positive else 0)

    @invariant()
    def the_database_says_what_the_model_says(self):
        for row in Trajectory.select():
            assert row.hours_used == self.used(row.id) <= STAGE_HOURS
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
