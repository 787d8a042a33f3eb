"""'Eindevaluatie' and its consequences: when it can be given, age and deadline, reopening, the attest and its code, more time."""

import re
from contextlib import nullcontext
from datetime import date, datetime

import pytest

from database import RuleError
from mails import links
from models import Attest, Extension, FinalEvaluation, Mail, Trajectory
from operations import checks
from scope import NotYours
from tests import factories as make
from tests.visitor import Visitor
from times import local_date
from workflow.stages import attests, certificates, evaluations, finals, placements, timeline, trajectories

TODAY = local_date(make.NOW)


@pytest.fixture
def speelkaravaan():
    return make.association(name="Speelkaravaan vzw", email="info@kavo.test")


@pytest.fixture
def hilde(speelkaravaan):
    return make.user(
        "association", association=speelkaravaan, password=make.PASSWORD, first_name="Hilde", last_name="De Wit"
    )


@pytest.fixture
def kim():
    return make.user("team", password=make.PASSWORD, first_name="Kim")


@pytest.fixture
def ready(speelkaravaan):
    """A trajectory with 50 positive hours in two stages; the last ended on 20 June."""
    return done(speelkaravaan)


def done(association, hours=50, **values):
    person = make.participant(email="lotte@kavo.test", **values)
    trajectory = make.trajectory(association=association, participant=person)
    for number in (20, hours - 20):
        make.evaluated(make.placement(trajectory=trajectory, hours=number))
    return trajectory


def give(trajectory, by, result="passed", day=TODAY, now=make.NOW, **more):
    return finals.give(trajectory, by, now, result, day, **more)


# ---- when


def test_a_final_evaluation_finishes_the_trajectory_and_is_reported(ready, hilde):
    give(ready, hilde)

    fresh = Trajectory.get_by_id(ready.id)
    assert (fresh.state, fresh.outcome) == ("finished", "passed")
    assert FinalEvaluation.get().on_behalf == "association"
    lines = [text for _, text, _ in timeline.lines(fresh, hilde)]
    assert lines[0].startswith("Hilde De Wit gaf de eindevaluatie van Lotte Peeters")
    assert lines[0].endswith("geslaagd op 01/07/2026 namens Speelkaravaan vzw.")
    assert list(checks.breaches()) == []


@pytest.mark.parametrize("hours, allowed", [(50, True), (49, False)])
def test_it_needs_50_positive_hours(speelkaravaan, hilde, hours, allowed):
    trajectory = done(speelkaravaan, hours)

    with nullcontext() if allowed else pytest.raises(RuleError, match="49 van 50 uur positief beoordeeld: nog 1 uur"):
        give(trajectory, hilde)


def test_it_waits_for_every_stage_and_names_those_that_miss(speelkaravaan, hilde):
    trajectory = make.trajectory(association=speelkaravaan)
    make.evaluated(make.placement(trajectory=trajectory, hours=30))
    make.placement(trajectory=trajectory, hours=20, site=make.site(name="Speelplein Wiebel"))

    with pytest.raises(RuleError, match="De stage bij Speelplein Wiebel is nog niet beoordeeld"):
        give(trajectory, hilde)
    assert Trajectory.get_by_id(trajectory.id).state == "open"


def test_a_negative_or_cancelled_stage_does_not_hold_it_up(ready, hilde, kim):
    other = make.trajectory(association=ready.association)
    make.evaluated(make.placement(trajectory=other, hours=20), result="negative", motivation="Te laat.")
    placements.cancel(make.placement(trajectory=other, hours=20), kim, make.NOW, "Ziek.")
    make.evaluated(make.placement(trajectory=other, hours=50))

    give(other, hilde)


@pytest.mark.parametrize(
    "result, motivation, allowed", [("passed", "", True), ("failed", "Te jong.", True), ("failed", " ", False)]
)
def test_a_participant_who_fails_reads_why(ready, hilde, result, motivation, allowed):
    with nullcontext() if allowed else pytest.raises(RuleError, match="Schrijf een motivering"):
        give(ready, hilde, result, motivation=motivation)


@pytest.mark.parametrize(
    "day, allowed",
    [
        (date(2026, 6, 19), False),
        (date(2026, 6, 20), True),
        (TODAY, True),
        (date(2026, 7, 2), False),
    ],
)
def test_its_day_lies_between_the_last_stage_and_today(ready, hilde, day, allowed):
    with nullcontext() if allowed else pytest.raises(RuleError):
        give(ready, hilde, day=day)


@pytest.mark.parametrize("born, allowed", [(date(2010, 7, 1), True), (date(2010, 7, 2), False)])
def test_a_participant_who_passes_is_old_enough_unless_the_team_makes_an_exception(
    speelkaravaan, hilde, kim, born, allowed
):
    trajectory = done(speelkaravaan, birth_date=born)

    with nullcontext() if allowed else pytest.raises(RuleError, match="wordt pas 16 op 02/07/2026"):
        give(trajectory, hilde, exception="Mag toch.")  # not hers to give
    if not allowed:
        give(trajectory, kim, exception="De evaluatie was een dag vroeger.")
        assert FinalEvaluation.get().exception == "De evaluatie was een dag vroeger."


def test_a_participant_who_fails_may_be_too_young(speelkaravaan, hilde):
    give(done(speelkaravaan, birth_date=date(2011, 1, 1)), hilde, "failed", motivation="Nog niet klaar.")


@pytest.mark.parametrize("ends, allowed", [(TODAY, True), (date(2026, 6, 30), False)])
def test_the_term_of_3_years_counts_unless_the_team_makes_an_exception(ready, hilde, kim, ends, allowed):
    Trajectory.update(ends_on=ends).where(Trajectory.id == ready.id).execute()

    with nullcontext() if allowed else pytest.raises(RuleError, match="moest afgewerkt zijn tegen 30/06/2026"):
        give(ready, hilde)
    if not allowed:
        give(ready, kim, exception="Ziekte.")


def test_it_is_given_once(ready, hilde):
    give(ready, hilde)

    with pytest.raises(RuleError, match="al gegeven"):
        give(ready, hilde, "failed", motivation="Toch niet.")
    assert FinalEvaluation.select().count() == 1


def test_it_is_not_for_another_association_nor_for_a_manager(ready):
    for other in (make.user("association", association=make.association()), make.user()):
        with pytest.raises(NotYours):
            give(ready, other)


# ---- reopening


def test_the_team_reopens_it_and_the_attest_is_no_longer_valid(ready, hilde, kim):
    give(ready, hilde)
    attest = attests.release(ready, kim, make.NOW)
    assert attests.valid_with(attest.code) == attest

    finals.reopen(ready, kim, make.NOW, "Verkeerde deelnemer.")

    fresh = Trajectory.get_by_id(ready.id)
    assert (fresh.state, fresh.outcome, attests.valid_with(attest.code)) == ("open", "", None)
    assert Mail.select().where(Mail.kind == "trajectory_reopened", Mail.to_address == "info@kavo.test").exists()
    placement = fresh.placements.first()
    make.evaluated(placement, hours_done=placement.hours)
    give(fresh, hilde)
    assert attests.release(fresh, kim, make.NOW).code != attest.code
    assert list(checks.breaches()) == []
    with pytest.raises(NotYours):
        finals.reopen(fresh, hilde, make.NOW, "Ik wil het.")


def test_it_is_not_reopened_beside_another_that_runs(ready, hilde, kim):
    give(ready, hilde, "failed", motivation="Nog niet.")
    again = Trajectory(
        participant=ready.participant, association=ready.association, type="animator", course_started_on=TODAY
    )
    trajectories.start(again, hilde, make.NOW)

    with pytest.raises(RuleError, match="heeft al een traject dat loopt"):
        finals.reopen(ready, kim, make.NOW, "Toch.")
    assert Trajectory.get_by_id(ready.id).state == "finished"
    assert FinalEvaluation.get().reopened_at is None


def test_after_the_final_evaluation_no_stage_changes_until_it_is_reopened(ready, hilde, kim):
    give(ready, hilde)
    placement = ready.placements.first()

    with pytest.raises(RuleError, match="heropenen"):
        make.evaluated(placement, by=kim)
    finals.reopen(ready, kim, make.NOW, "Verbetering.")
    make.evaluated(placement, by=kim, result="negative", motivation="Toch niet.")
    assert evaluations.newest(placement).number == 2


# ---- the attest


@pytest.mark.parametrize("born, allowed", [(date(2010, 7, 1), True), (date(2010, 7, 2), False)])
def test_an_attest_is_issued_from_the_birthday_on(speelkaravaan, kim, born, allowed):
    trajectory = done(speelkaravaan, birth_date=born)
    give(trajectory, kim, exception="Uitzondering.")

    with nullcontext() if allowed else pytest.raises(RuleError, match="wordt pas 16 op 02/07/2026"):
        attests.release(trajectory, kim, make.NOW)


def test_an_attest_is_issued_by_the_team_once_and_mailed(ready, hilde, kim):
    give(ready, hilde)
    with pytest.raises(NotYours):
        attests.release(ready, hilde, make.NOW)
    attests.release(ready, kim, make.NOW)

    with pytest.raises(RuleError, match="al uitgereikt"):
        attests.release(ready, kim, make.NOW)
    mail = Mail.get(Mail.kind == "attest_released")
    assert mail.to_address == "lotte@kavo.test"
    assert re.search(r"^http://localhost:8000/l/\w{22}$", mail.body, re.M)
    assert Attest.select().count() == 1


def test_an_attest_needs_a_passed_final_evaluation(ready, hilde, kim):
    with pytest.raises(RuleError, match="niet geslaagd"):
        attests.release(ready, kim, make.NOW)
    give(ready, hilde, "failed", motivation="Nog niet.")
    with pytest.raises(RuleError, match="niet geslaagd"):
        attests.release(ready, kim, make.NOW)


@pytest.mark.parametrize("name", ["Lotte", "Özlem #strong[x] \"'\\", "Nguyễn Đỗ Žofia İbrahim ’t"])
def test_the_file_is_pdf_ua_and_the_same_each_time(speelkaravaan, kim, name):
    trajectory = done(speelkaravaan, first_name=name)
    give(trajectory, kim)
    attest = attests.release(trajectory, kim, make.NOW)

    made = certificates.pdf(attest)

    assert made.startswith(b"%PDF-1.7")
    assert b"pdfuaid:part" in made
    assert b"/Lang (nl-BE)" in made or b"/Lang(nl-BE)" in made
    assert certificates.pdf(attest) == made


@pytest.mark.parametrize("name", ["李", "محمد", "Zoë 🎈", "Ольга"])
def test_a_name_that_cannot_stand_on_an_attest_is_refused_at_once(name):
    with pytest.raises(RuleError, match="Latijnse letters"):
        make.participant(first_name=name)


def test_the_public_pages_of_an_attest(app, ready, kim):
    give(ready, kim)
    attest = attests.release(ready, kim, make.NOW)
    visitor, link = Visitor(app), links.attest(attest, make.NOW)

    assert visitor.get(link).status_code == 200
    file = visitor.page.select_one("main a[href$=bestand]")["href"]
    assert visitor.get(file).data.startswith(b"%PDF")
    assert visitor.get("/attest/vervalst").status_code == 404
    for code, words in (
        (attest.code, "Geldig."),
        (attest.code.lower().replace("-", " "), "Geldig."),
        ("AAAA-AAAA-AAAA-AAAA", "Niet geldig."),
    ):
        visitor.get("/attest-nakijken")
        visitor.send(code=code)
        assert words in visitor.text
        assert (("Animator" in visitor.text) + ("01/07/2026" in visitor.text)) == (2 if words == "Geldig." else 0)
        assert str(ready.participant).startswith("Lotte")
        assert "Lotte" not in visitor.text

    finals.reopen(ready, kim, make.NOW, "Fout.")
    visitor.get(link)
    assert "Dit attest is niet meer geldig." in visitor.text
    assert visitor.get(file).status_code == 404


def test_a_corrected_address_ends_the_link_to_the_wrong_one(app, ready, kim):
    give(ready, kim)
    link = links.attest(attests.release(ready, kim, make.NOW), make.NOW)
    person = ready.participant
    person.email = "juist@kavo.test"
    person.save()

    visitor = Visitor(app)
    assert visitor.get(link).status_code == 410
    visitor.send()
    assert "We stuurden je een nieuwe link." in visitor.text
    assert Mail.select().order_by(Mail.id.desc()).get().to_address == "juist@kavo.test"


# ---- more time, stopping


def test_one_trajectory_gets_more_time_with_a_reason(ready, hilde, kim):
    trajectories.extend(ready, kim, make.NOW, date(2029, 3, 1), "Ziekte.")

    assert Trajectory.get_by_id(ready.id).ends_on == date(2029, 3, 1)
    assert list(checks.breaches()) == []
    for refused in (
        {"until": date(2029, 3, 1), "reason": "Nog."},
        {"until": date(2030, 1, 1), "reason": " "},
        {"until": date(2099, 1, 1), "reason": "x"},
    ):
        with pytest.raises(RuleError):
            trajectories.extend(ready, kim, make.NOW, **refused)
    with pytest.raises(NotYours):
        trajectories.extend(ready, hilde, make.NOW, date(2030, 1, 1), "Ik wil het.")


def test_everybody_between_two_days_gets_more_time_even_later_participants(kim):
    early, first, last, late = (make.trajectory(course_started_on=date(2026, 1, day)) for day in (9, 10, 20, 21))

    assert trajectories.extend_all(date(2026, 1, 10), date(2026, 1, 20), 10, kim, make.NOW, "Staking.") == 2
    assert trajectories.extend_all(date(2026, 1, 10), date(2026, 1, 20), 5, kim, make.NOW, "Staking.") == 2

    later = make.trajectory(course_started_on=date(2026, 1, 15))
    ends = [Trajectory.get_by_id(one.id).ends_on for one in (early, first, last, late, later)]
    assert ends == [date(2029, 1, 9), date(2029, 1, 25), date(2029, 2, 4), date(2029, 1, 21), date(2029, 1, 30)]
    assert Extension.select().count() == 2
    assert any("Staking" in text for _, text, _ in timeline.lines(Trajectory.get_by_id(later.id), kim))
    assert list(checks.breaches()) == []


def test_a_trajectory_stops_and_goes_on_but_not_while_a_stage_waits(speelkaravaan, hilde):
    trajectory = make.trajectory(association=speelkaravaan)
    placement = make.placement(trajectory=trajectory)
    with pytest.raises(RuleError, match="nog een stage"):
        trajectories.stop(trajectory, hilde, make.NOW, "Verhuisd.")
    make.evaluated(placement)

    trajectories.stop(trajectory, hilde, make.NOW, "Verhuisd.")
    assert Trajectory.get_by_id(trajectory.id).state == "stopped"
    trajectories.resume(trajectory, hilde, make.NOW, "Terug.")
    assert Trajectory.get_by_id(trajectory.id).state == "open"


# ---- whose turn it is


def test_every_step_shows_whose_turn_it_is(speelkaravaan, hilde, kim):
    person = make.participant(first_name="Lotte", last_name="Peeters", birth_date=date(2010, 8, 1))
    trajectory = make.trajectory(association=speelkaravaan, participant=person)

    def turn(today=TODAY):
        fresh = Trajectory.get_by_id(trajectory.id)
        return timeline.whose_turn(fresh, timeline.waiting_of([fresh])[fresh.id], today)

    assert turn().what == "een stageplaats zoeken voor nog 50 uur, tegen 10/01/2029."
    site = make.site(name="Speelplein Wiebel")
    placement = make.placement(trajectory=trajectory, site=site, hours=50, ends_on=date(2026, 7, 10))
    assert (turn().who, turn().side) == ("Speelplein Wiebel", "de stageplaats")
    assert "begeleiden tot 10/07/2026" in turn().what
    assert "Ze liep af op 10/07/2026" in turn(date(2026, 7, 11)).what
    make.evaluated(placement)
    assert (turn().who, turn().what) == ("Speelkaravaan vzw", "de eindevaluatie geven.")
    give(trajectory, kim, exception="Bijna 16.")
    assert turn().what.startswith("het attest uitreiken, vanaf 01/08/2026")
    assert turn(date(2026, 8, 1)).what == "het attest uitreiken."
    attests.release(trajectory, kim, datetime(2026, 8, 1, 9))
    assert turn(date(2026, 8, 1)).who == "Niemand"


def test_an_expired_trajectory_is_the_teams_to_extend():
    trajectory = make.trajectory()
    assert timeline.whose_turn(trajectory, [], date(2029, 1, 10)).side == "de deelnemer"
    assert timeline.whose_turn(trajectory, [], date(2029, 1, 11)).side == "het team"


def test_a_manager_reads_only_about_their_own_site_and_no_reasons(speelkaravaan, hilde, kim):
    jonas = make.user()
    trajectory = make.trajectory(association=speelkaravaan)
    placements.couple(trajectory, make.site(manager=jonas, name="Eigen plein"), 10, jonas, make.NOW)
    placements.couple(trajectory, make.site(name="Ander plein"), 10, kim, make.NOW)
    trajectories.extend(trajectory, kim, make.NOW, date(2029, 6, 1), "Langdurig ziek.")
    trajectories.extend_all(date(2026, 1, 1), date(2026, 2, 1), 5, kim, make.NOW, "Staking.")
    fresh = Trajectory.get_by_id(trajectory.id)

    for by, words in ((jonas, {"Eigen plein"}), (hilde, {"Eigen plein", "Ander plein", "Langdurig ziek", "Staking"})):
        told = " ".join(text for _, text, _ in timeline.lines(fresh, by))
        assert {word for word in ("Eigen plein", "Ander plein", "Langdurig ziek", "Staking") if word in told} == words


# ---- on the screen


def test_a_selection_gets_one_outcome_and_those_not_ready_are_listed(app, speelkaravaan, hilde):
    pair = [done(speelkaravaan), done(speelkaravaan)]
    waiting = make.trajectory(association=speelkaravaan)
    young = done(speelkaravaan, birth_date=date(2011, 1, 1))
    visitor = Visitor(app, hilde)
    visitor.get("/trajecten/eindevaluatie/?" + "&".join(f"id={one.id}" for one in (*pair, waiting, young)))
    assert f"{waiting.participant} : Er zijn 0 van 50 uur positief" in visitor.text

    visitor.send(result="passed", evaluated_on="2026-06-30", id=[str(one.id) for one in (*pair, waiting, young)])

    assert "2 eindevaluaties bewaard: geslaagd." in visitor.text
    assert "wordt pas 16 op 01/01/2027" in visitor.text
    assert [Trajectory.get_by_id(one.id).outcome for one in (*pair, waiting, young)] == ["passed", "passed", "", ""]
    visitor.send(result="failed", evaluated_on="2026-06-30", motivation="Nog te jong.", id=str(young.id))
    assert Trajectory.get_by_id(young.id).outcome == "failed"


def test_a_refused_row_stays_with_the_reason_and_its_input(app, speelkaravaan, hilde):
    young = done(speelkaravaan, birth_date=date(2011, 1, 1))
    visitor = Visitor(app, hilde)
    visitor.get(f"/trajecten/eindevaluatie/?id={young.id}")
    visitor.send(result="passed", evaluated_on="2026-06-30")

    assert "wordt pas 16 op 01/01/2027" in visitor.text
    assert visitor.page.select_one("input[name=evaluated_on]")["value"] == "2026-06-30"


def test_the_queue_holds_exactly_those_who_are_ready(app, speelkaravaan, hilde):
    ready, short = done(speelkaravaan, first_name="Klaar"), done(speelkaravaan, 40, first_name="Bijna")
    coupled = make.trajectory(association=speelkaravaan, participant=make.participant(first_name="Gekoppeld"))
    make.placement(trajectory=coupled, hours=50)
    done(make.association(), first_name="Vreemd")
    visitor = Visitor(app, hilde)

    visitor.get("/klaar-voor-eindevaluatie/")
    assert str(ready.participant) in visitor.text
    for other in (short.participant, coupled.participant, "Vreemd"):
        assert str(other) not in visitor.text
    visitor.get("/te-doen/")
    assert "Klaar voor eindevaluatie" in visitor.text


def test_the_team_releases_many_attests_at_once(app, speelkaravaan, kim):
    pair = [done(speelkaravaan), done(speelkaravaan)]
    for one in pair:
        give(one, kim)
    visitor = Visitor(app, kim)
    visitor.get("/attesten/?tab=passed")
    visitor.send(visitor.page.select_one("#acties"), action="release", rowid=[str(one.id) for one in pair])
    visitor.send()

    assert "2 trajecten klaar: het attest is uitgereikt." in visitor.text
    assert visitor.get(f"/trajecten/{pair[0].id}/attest").data.startswith(b"%PDF")
