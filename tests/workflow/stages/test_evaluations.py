"""'Beoordelen': domain rules 9 and 11, each line in pairs."""

from contextlib import nullcontext
from datetime import timedelta

import pytest

from database import Conflict, RuleError
from models import CRITERIA, Evaluation, History, Placement, Trajectory
from scope import NotYours
from tests import factories as make
from times import local_date
from workflow.stages import evaluations, placements


def outcome(allowed, match):
    return nullcontext() if allowed else pytest.raises(RuleError, match=match)


@pytest.mark.parametrize("late, allowed", [(0, True), (1, False)])
def test_a_stage_is_evaluated_on_or_after_its_last_day(now, late, allowed):
    with outcome(allowed, "nog niet voorbij"):
        make.evaluated(make.placement(), ends_on=local_date(now) + timedelta(days=late))


@pytest.mark.parametrize("days, allowed", [(0, True), (-1, False)])
def test_the_end_is_not_before_the_begin(now, days, allowed):
    start = local_date(now) - timedelta(days=10)
    with outcome(allowed, "einddatum ligt voor de begindatum"):
        make.evaluated(make.placement(), starts_on=start, ends_on=start + timedelta(days=days))


@pytest.mark.parametrize("days, allowed", [(0, True), (-1, False)])
def test_a_stage_does_not_begin_before_the_course(days, allowed):
    with outcome(allowed, "kan niet beginnen voor de cursus"):
        make.evaluated(make.placement(), starts_on=make.COURSE + timedelta(days=days))


@pytest.mark.parametrize(
    "result, motivation, allowed",
    [
        ("negative", "", False),
        ("negative", "  ", False),
        ("negative", "Kwam te laat.", True),
        ("positive", "", True),
    ],
)
def test_a_negative_result_needs_a_motivation(result, motivation, allowed):
    with outcome(allowed, "Schrijf een motivering"):
        make.evaluated(make.placement(), result=result, motivation=motivation)


@pytest.mark.parametrize(
    "result, hours, allowed",
    [
        ("positive", 0, False),
        ("positive", 1, True),
        ("negative", 0, True),
        ("negative", -1, False),
        ("negative", 500, True),
        ("negative", 501, False),
    ],
)
def test_the_hours_done_fit_the_result(result, hours, allowed):
    with outcome(allowed, "minstens 1 gepresteerd uur|Typ 0 tot 500 uren"):
        make.evaluated(make.placement(), result=result, hours_done=hours)


@pytest.mark.parametrize("mentor, allowed", [("Eline", True), (" ", False)])
def test_the_mentor_has_a_name(mentor, allowed):
    with outcome(allowed, "naam van de stagebegeleider"):
        make.evaluated(make.placement(), mentor=mentor)


@pytest.mark.parametrize("kind", ["animator", "head_animator", "instructor"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_each_criterion_fits_each_type_but_a_head_animator_guides_no_instructor(kind, criterion):
    site = make.site(animator=True, head_animator=True, instructor=True)
    placement = make.placement(trajectory=make.trajectory(type=kind), site=site)

    with outcome((kind, criterion) != ("instructor", "head_animator"), "kan dat niet met"):
        make.evaluated(placement, criterion=criterion)


@pytest.mark.parametrize("result, counted", [("positive", 15), ("negative", 0)])
def test_positive_hours_done_count_and_negative_ones_do_not(result, counted):
    placement = make.evaluated(make.placement(hours=20), result=result, hours_done=15)

    assert placement.counted == counted
    assert Trajectory.get().hours_used == counted


@pytest.mark.parametrize("hours, allowed", [(25, True), (26, False)])
def test_more_done_than_planned_counts_up_to_what_is_left(hours, allowed):
    lotte = make.trajectory()
    other = make.placement(trajectory=lotte, hours=25)
    placement = make.placement(trajectory=lotte, hours=20)

    with outcome(allowed, f"Noteer 25; de rest hoort in Opmerkingen. De andere uren: 25 uur bij {other.site}."):
        make.evaluated(placement, hours_done=hours)


def test_a_correction_makes_a_new_version_and_the_old_one_stays():
    placement = make.evaluated(make.placement(hours=20))
    placement = make.evaluated(placement, result="negative", hours_done=5, motivation="Toch niet.")

    assert [(one.number, one.result, one.hours_done) for one in evaluations.versions(placement)] == [
        (2, "negative", 5),
        (1, "positive", 20),
    ]
    assert evaluations.newest(placement).number == 2
    assert Trajectory.get().hours_used == 0


def test_a_refused_correction_leaves_the_old_version():
    lotte = make.trajectory()
    placement = make.evaluated(make.placement(trajectory=lotte, hours=20), result="negative")
    make.placement(trajectory=lotte, hours=40)

    with pytest.raises(RuleError, match="nog hoogstens 10 uur"):
        make.evaluated(placement, hours_done=20)

    assert Evaluation.select().count() == 1
    assert Placement.get_by_id(placement.id).result == "negative"


def test_a_cancelled_placement_is_not_evaluated(now):
    placement = make.placement()
    placements.cancel(placement, make.user("team"), now, "Ziek.")

    with pytest.raises(RuleError, match="is geannuleerd"):
        make.evaluated(placement)


@pytest.mark.parametrize("state, allowed", [("open", True), ("finished", False)])
def test_after_the_final_evaluation_nothing_is_corrected(state, allowed):
    placement = make.evaluated(make.placement())
    if state == "finished":
        Trajectory.get().move("finished")

    with outcome(allowed, "Vraag het team Kadervorming om het traject te heropenen"):
        make.evaluated(placement, hours_done=10)


def test_two_people_evaluating_at_once_do_not_overwrite_each_other():
    placement = make.placement()
    make.evaluated(placement, version=1)

    with pytest.raises(Conflict, match="intussen door iemand anders"):
        make.evaluated(placement, version=1, result="negative")


def test_a_manager_evaluates_only_at_their_own_site():
    jonas, other = make.user(), make.user()
    placement = make.placement(site=make.site(manager=jonas))

    with pytest.raises(NotYours):
        make.evaluated(placement, by=other)
    assert make.evaluated(placement, by=jonas).state == "evaluated"


def test_the_history_says_who_evaluated_on_behalf_of_whom():
    placement = make.evaluated(
        make.placement(hours=20), by=make.user("team", first_name="Kim"), on_behalf="association"
    )

    assert evaluations.newest(placement).on_behalf == "association"
    assert "namens Vereniging " in History.get(History.verb == "placement.evaluated").payload
