"""The rules of a single row: sites, people, participants, trajectories; existing steps; two people acting at once."""

from contextlib import nullcontext
from datetime import date
from threading import Barrier, Thread

import pytest

from database import Conflict, RuleError, database, on_postgresql, writing
from models import FormKey, Handover, Participant, Placement, Site, SiteManager, Trajectory, User
from tests import factories as make


def outcome(allowed, match):
    return nullcontext() if allowed else pytest.raises(RuleError, match=match)


@pytest.mark.parametrize(
    "postcode, allowed", [("9000", True), ("0900", False), ("900", False), ("90000", False), ("900x", False)]
)
def test_a_site_has_a_belgian_postcode(postcode, allowed):
    with outcome(allowed, "4 cijfers|te lang"):
        make.site(postcode=postcode)


@pytest.mark.parametrize("offered", [True, False])
def test_a_site_offers_at_least_one_stage(offered):
    with outcome(offered, "minstens één stage"):
        make.site(animator=offered)


@pytest.mark.parametrize("until", [None, make.NOW])
def test_a_site_has_one_manager_at_a_time(until):
    site = make.site(manager=make.user())
    SiteManager.update(until=until).execute()

    with outcome(until, "heeft al een stageplaatsverantwoordelijke"):
        SiteManager(site=site, user=make.user(), since=make.NOW).save()


@pytest.mark.parametrize("email, allowed", [("Lotte@kavo.test", False), ("lotte2@kavo.test", True)])
def test_an_email_address_has_one_account_whatever_its_capitals(email, allowed):
    make.user(email="lotte@kavo.test")
    with outcome(allowed, "Er is al een account met het e-mailadres lotte@kavo.test"):
        make.user(email=email)


BAD_ADDRESSES = [
    "naam",
    "naam@voorbeeld",
    "een naam@voorbeeld.be",
    "naam@voorbeeld.be, ander@voorbeeld.be",
    "a..b@voorbeeld.be",
    "naam@10.0.0.1",
    "naam@ergens.local",
    "né@voorbeeld.be",
]
WITH_ADDRESS = {
    "user": (make.user, "email"),
    "new address": (make.user, "claimed_email"),
    "site": (make.site, "email"),
    "participant": (make.participant, "email"),
    "association": (make.association, "email"),
}


@pytest.mark.parametrize("email", BAD_ADDRESSES)
@pytest.mark.parametrize("kind", WITH_ADDRESS)
def test_an_address_is_one_that_a_mail_server_takes(kind, email):
    made, name = WITH_ADDRESS[kind]
    with pytest.raises(RuleError, match=r"naam@voorbeeld\.be"):
        made(**{name: email})
    made(**{name: "o'brien+stage@sub.voorbeeld.be"})


@pytest.mark.parametrize("kind", [make.site, make.participant, make.association])
def test_an_address_may_be_empty(kind):
    assert kind(email="").email == ""


@pytest.mark.parametrize("kind", [make.user, make.site, make.participant, make.association])
def test_an_address_from_before_the_rule_is_left_alone(kind):
    row = kind()
    type(row).update(email="niet meer te lezen").execute()
    row = type(row).get_by_id(row.id)
    row.phone, row.first_name = "0470 12 34 56", "Anders"
    row.save()
    assert type(row).get_by_id(row.id).email == "niet meer te lezen"


@pytest.mark.parametrize("kavo_id, allowed", [("12514359", False), ("125143-60", True)])
def test_a_kavo_id_has_one_participant_however_it_is_typed(kavo_id, allowed):
    make.participant(kavo_id="125143-59")
    with outcome(allowed, "Er is al een deelnemer met KAVO-ID 125143-59"):
        make.participant(kavo_id=kavo_id)


@pytest.mark.parametrize(
    "kind, state, allowed",
    [
        ("animator", "open", False),
        ("head_animator", "open", True),
        ("animator", "stopped", True),
    ],
)
def test_a_participant_has_one_open_trajectory_per_type(kind, state, allowed):
    first = make.trajectory()
    if state != "open":
        first.move(state)
    with outcome(allowed, "heeft al een traject dat loopt als animator"):
        make.trajectory(participant=first.participant, type=kind)


def test_a_trajectory_ends_3_years_after_the_start_of_its_course():
    assert make.trajectory(course_started_on=date(2026, 1, 10)).ends_on == date(2029, 1, 10)
    assert make.trajectory(course_started_on=date(2024, 2, 29)).ends_on == date(2027, 3, 1)


@pytest.mark.parametrize("model", [Site, Handover, Trajectory, Placement])
def test_a_step_that_is_not_listed_is_refused(model):
    for state in model.STATES:
        for to in set(model.STATES) - model.steps.get(state, set()):
            row = model(id=1, state=state)
            row.step_refused = lambda by: "nee"
            with pytest.raises(RuleError, match="nee"):
                row.move(to)


def test_of_two_who_decide_one_wins_and_the_other_is_told():
    site = make.site(state="submitted")
    first, second = Site.get_by_id(site.id), Site.get_by_id(site.id)
    first.move("approved")

    with pytest.raises(RuleError, match="is intussen al behandeld"):
        second.move("rejected", reason="Te laat.")
    assert (Site.get().state, Site.get().reason) == ("approved", "")


def test_a_state_is_never_changed_by_saving():
    site = make.site(state="submitted")
    site.state = "approved"
    with pytest.raises(ValueError, match="move"):
        site.save()


def test_a_save_on_top_of_an_older_version_is_a_conflict():
    lotte = make.participant(first_name="Lotte")
    first, second = Participant.get_by_id(lotte.id), Participant.get_by_id(lotte.id)
    first.first_name, second.first_name = "Charlotte", "Lot"
    first.save()

    with pytest.raises(Conflict, match="door iemand anders gewijzigd"):
        second.save()
    assert Participant.get().first_name == "Charlotte"


@pytest.mark.parametrize("model", [Site, Participant, Trajectory, User])
def test_a_row_on_which_others_hang_is_not_deleted(model):
    make.placement(site=make.site(manager=make.user()))
    with pytest.raises(RuleError, match="hangen nog andere gegevens aan vast"):
        model.select().order_by(model.id).get().delete_instance()


@pytest.mark.parametrize("hold", [User.hold, User.locked])
def test_two_forms_of_one_person_at_once_wait_for_each_other(hold):
    """Each writes a row that refers to the account and then locks the account: never in the opposite order."""
    if not on_postgresql():
        pytest.skip("SQLite has one writer at a time")
    user, both, done = make.user(), Barrier(2, timeout=20), []

    def send(key):
        with database.connection_context(), writing():
            FormKey.claim(key, user, make.NOW)
            both.wait()
            hold(user.id)
            done.append(key)

    threads = [Thread(target=send, args=(key,)) for key in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(done) == ["a", "b"]
