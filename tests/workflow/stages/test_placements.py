"""Coupling, changing and cancelling: domain rule 8, each line in pairs."""

from contextlib import nullcontext
from datetime import date, timedelta

import peewee
import pytest

from database import Conflict, RuleError, database
from models import History, Lookup, Participant, Placement, Site, Trajectory
from scope import NotYours
from tests import factories as make
from times import local_date
from workflow.stages import placements

refused = pytest.raises


def outcome(allowed, match):
    return nullcontext() if allowed else pytest.raises(RuleError, match=match)


@pytest.fixture
def jonas():
    return make.user()


@pytest.fixture
def zandbak(jonas):
    return make.site(manager=jonas)


@pytest.mark.parametrize("hours, allowed", [(1, True), (50, True), (51, False)])
def test_a_trajectory_is_coupled_for_at_most_50_hours(jonas, zandbak, now, hours, allowed):
    with outcome(allowed, "kan nog 50 uur stage lopen, geen 51. Kies hoogstens 50 uur."):
        placements.couple(make.trajectory(), zandbak, hours, jonas, now)


@pytest.mark.parametrize("hours, allowed", [(5, True), (6, False)])
def test_hours_at_several_sites_count_together(jonas, zandbak, now, hours, allowed):
    lotte = make.trajectory()
    make.placement(trajectory=lotte, hours=45)

    with outcome(allowed, "nog 5 uur"):
        placements.couple(lotte, zandbak, hours, jonas, now)


@pytest.mark.parametrize("hours, allowed", [(0, False), (-1, False), (1, True)])
def test_a_placement_has_at_least_1_hour(jonas, zandbak, now, hours, allowed):
    with outcome(allowed, "minstens 1 uur"):
        placements.couple(make.trajectory(), zandbak, hours, jonas, now)


@pytest.mark.parametrize("late, allowed", [(0, True), (1, False)])
def test_a_trajectory_can_be_coupled_up_to_its_last_day(jonas, zandbak, now, late, allowed):
    lotte = make.trajectory(course_started_on=local_date(now) - timedelta(days=1000))
    moment = now + (lotte.ends_on - local_date(now)) + timedelta(days=late)

    with outcome(allowed, "loopt niet meer"):
        placements.couple(lotte, zandbak, 10, jonas, moment)


@pytest.mark.parametrize("state, allowed", [("open", True), ("stopped", False), ("finished", False)])
def test_only_an_open_trajectory_is_coupled(jonas, zandbak, now, state, allowed):
    lotte = make.trajectory()
    if state != "open":
        lotte.move(state)

    with outcome(allowed, "loopt niet meer"):
        placements.couple(lotte, zandbak, 10, jonas, now)


@pytest.mark.parametrize("state", Site.STATES)
def test_only_an_approved_site_takes_participants(jonas, now, state):
    site = make.site(manager=jonas, state=state)

    with outcome(state == "approved", r"niet \(meer\) goedgekeurd"):
        placements.couple(make.trajectory(), site, 10, jonas, now)


@pytest.mark.parametrize("offered", [True, False])
def test_the_site_offers_the_type_of_the_trajectory(jonas, now, offered):
    site = make.site(manager=jonas, head_animator=offered)

    with outcome(offered, "biedt geen stage aan voor hoofdanimator"):
        placements.couple(make.trajectory(type="head_animator"), site, 10, jonas, now)


def test_another_manager_cannot_couple_at_a_site(zandbak, now):
    with pytest.raises(NotYours):
        placements.couple(make.trajectory(), zandbak, 10, make.user(), now)


@pytest.mark.parametrize("asked, kept", [("site", "site"), ("association", "association"), (None, "site")])
def test_the_team_couples_on_behalf_of_somebody_and_a_manager_does_not(jonas, zandbak, now, asked, kept):
    mine = placements.couple(make.trajectory(), zandbak, 10, jonas, now, on_behalf=asked)
    theirs = placements.couple(make.trajectory(), zandbak, 10, make.user("team"), now, on_behalf=asked)

    assert (mine.on_behalf, theirs.on_behalf) == (None, kept)


@pytest.mark.parametrize("days, remarks", [(0, 0), (-1, 1)])
def test_a_stage_that_has_begun_gets_a_remark_and_no_refusal(jonas, zandbak, now, days, remarks):
    starts_on = local_date(now) + timedelta(days=days)
    placement = placements.couple(make.trajectory(), zandbak, 10, jonas, now, starts_on=starts_on)

    assert len(placements.cautions(placement, now)) == remarks


@pytest.mark.parametrize("days, allowed", [(0, True), (-1, False)])
def test_the_expected_end_is_not_before_the_expected_begin(jonas, zandbak, now, days, allowed):
    start = local_date(now)
    with outcome(allowed, "voor de verwachte begindatum"):
        placements.couple(
            make.trajectory(), zandbak, 10, jonas, now, starts_on=start, ends_on=start + timedelta(days=days)
        )


# ---- changing and cancelling


@pytest.mark.parametrize("hours, allowed", [(50, True), (51, False)])
def test_a_change_counts_its_own_hours_as_free(jonas, zandbak, now, hours, allowed):
    placement = make.placement(site=zandbak, hours=30)

    with outcome(allowed, "nog 50 uur"):
        placements.change(placement, jonas, now, hours)

    assert Trajectory.get().hours_used == (hours if allowed else 30)


@pytest.mark.parametrize("verb", ["change", "cancel"])
@pytest.mark.parametrize("state", ["open", "evaluated", "cancelled"])
def test_only_a_placement_that_is_not_evaluated_changes_or_is_cancelled(jonas, zandbak, now, verb, state):
    placement = make.placement(site=zandbak)
    if state == "evaluated":
        placement = make.evaluated(placement)
    if state == "cancelled":
        placements.cancel(placement, jonas, now, "Ziek.")

    with outcome(state == "open", "al beoordeeld|al geannuleerd"):
        if verb == "change":
            placements.change(placement, jonas, now, 10)
        else:
            placements.cancel(placement, jonas, now, "Ziek.")


@pytest.mark.parametrize(
    "reason, no_show, allowed",
    [("Ziek.", False, True), ("Ziek.", True, True), ("", True, True), ("", False, False), ("  ", False, False)],
)
def test_cancelling_needs_a_reason_or_a_no_show_and_frees_the_hours(jonas, zandbak, now, reason, no_show, allowed):
    placement = make.placement(site=zandbak, hours=30)

    with outcome(allowed, "Schrijf waarom"):
        placements.cancel(placement, jonas, now, reason, no_show=no_show)

    assert Trajectory.get().hours_left() == (50 if allowed else 20)
    row = Placement.get()
    assert row.no_show is (no_show and allowed)
    assert row.reason == ((reason or "Niet komen opdagen.") if allowed else "")


def test_a_change_on_top_of_somebody_elses_is_a_conflict_and_changes_nothing(jonas, zandbak, now):
    placement = make.placement(site=zandbak, hours=30)
    placements.change(placement, make.user("team"), now, 20, version=placement.version)

    with pytest.raises(Conflict, match="door iemand anders gewijzigd"):
        placements.change(placement, jonas, now, 10, version=placement.version)

    assert Placement.get().hours == 20


def test_a_change_that_changes_nothing_leaves_no_line_in_the_history(jonas, zandbak, now):
    placement = make.placement(site=zandbak, hours=30)
    before = History.select().count()

    placements.change(placement, jonas, now, 30)

    assert History.select().count() == before


# ---- the constraints of the database


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE placement SET hours = 51, counted = 51",
        "UPDATE placement SET counted = 0",
        "UPDATE trajectory SET hours_used = 0",
        "UPDATE trajectory SET hours_used = 51",
        "INSERT INTO placement"
        " (version, trajectory_id, site_id, hours, state, counted, no_show, reason, coupled_by_id, created_at)"
        " SELECT 1, trajectory_id, site_id, 31, 'open', 31, no_show, '', coupled_by_id, created_at FROM placement",
    ],
)
def test_the_database_itself_refuses_more_than_50_hours_or_another_sum(sql):
    make.placement(hours=20)

    with pytest.raises(peewee.DatabaseError), database.atomic():
        database.execute_sql(sql)

    assert Trajectory.get().hours_used == 20


def test_the_database_adds_up_hours_whatever_writes_them():
    placement = make.placement(hours=20)
    other = make.trajectory()

    Placement.update(hours=30, counted=30).execute()
    assert Trajectory.get_by_id(placement.trajectory_id).hours_used == 30
    Placement.update(trajectory=other).execute()
    assert Trajectory.get_by_id(placement.trajectory_id).hours_used == 0
    assert Trajectory.get_by_id(other.id).hours_used == 30
    Placement.delete().execute()
    assert Trajectory.get_by_id(other.id).hours_used == 0


# ---- looking up


@pytest.mark.parametrize("typed", ["125143-59", "12514359", " 125143 - 59 ", "125143 59"])
def test_a_kavo_id_is_found_with_or_without_dash_and_spaces(jonas, zandbak, now, typed):
    lotte = make.trajectory(participant=make.participant(kavo_id="125143-59")).participant

    assert placements.look_up(typed, zandbak, jonas, now).participant == lotte


@pytest.mark.parametrize("typed", ["125143", "125143-5", "125143-590", "12514x-59", "፩25143-59", "", "Peeters", "%"])
def test_only_a_whole_kavo_id_is_looked_up(jonas, zandbak, now, typed):
    make.trajectory(participant=make.participant(kavo_id="125143-59"))

    with pytest.raises(RuleError, match="6 cijfers, een streepje en 2 cijfers"):
        placements.look_up(typed, zandbak, jonas, now)

    assert not Lookup.select().exists()


def test_a_lookup_is_kept_once_with_what_it_was_for(jonas, zandbak, now):
    make.trajectory(participant=make.participant(kavo_id="125143-59"))

    for minutes in (0, 14, 16):
        placements.look_up("125143-59", zandbak, jonas, now + timedelta(minutes=minutes))

    assert [(one.user, one.found, one.purpose) for one in Lookup.select()] == [
        (jonas, True, f"koppelen aan {zandbak}")
    ] * 2


@pytest.mark.parametrize(
    "before, minutes, text", [(19, 0, "vinden niemand"), (20, 0, "al 20 nummers"), (20, 61, "vinden niemand")]
)
def test_twenty_unknown_numbers_an_hour_are_the_most(app, jonas, zandbak, now, before, minutes, text):
    for number in range(before):
        Lookup.create(user=jonas, kavo_id=f"9{number:05}-00", found=False, purpose="", at=now)

    with pytest.raises(RuleError, match=text):
        placements.look_up("999999-99", zandbak, jonas, now + timedelta(minutes=minutes))


def test_a_participant_is_found_with_the_trajectories_that_the_site_offers(jonas, now):
    sofie = make.participant()
    for kind in ("animator", "head_animator", "instructor"):
        make.trajectory(participant=sofie, type=kind)
    site = make.site(manager=jonas, head_animator=True)

    found = placements.look_up(sofie.kavo_id, site, jonas, now)

    assert [one.type for one in found.trajectories] == ["animator", "head_animator"]


def test_a_participant_without_a_running_trajectory_cannot_be_coupled(jonas, zandbak, now):
    grown = make.participant(birth_date=date(2004, 3, 12))
    old = make.trajectory(participant=grown, course_started_on=date(2020, 1, 1)).participant

    with pytest.raises(RuleError, match="geen traject dat nog loopt"):
        placements.look_up(old.kavo_id, zandbak, jonas, now)


def test_the_sum_of_hours_names_no_other_site(zandbak):
    lotte = make.trajectory()
    make.placement(trajectory=lotte, site=zandbak, hours=10)
    other = make.placement(trajectory=lotte, hours=20).site

    lines = placements.sum_of_hours(Trajectory.get_by_id(lotte.id), zandbak)

    assert [hours for _, hours in lines] == [50, -10, -20]
    assert str(zandbak) in lines[1][0]
    assert not any(other.name in text for text, _ in lines)


def test_the_search_text_of_a_participant_holds_no_accents_or_capitals():
    assert make.participant(first_name="Özlem", last_name="Çelik").search.startswith("celik ozlem ")
    assert Participant.select().where(Participant.search.contains("%")).count() == 0
