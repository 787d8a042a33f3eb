"""Bulk: a pasted column of KAVO-IDs, and a list evaluated on one page; on whose behalf a user acts, and who is notified."""

import io
from datetime import datetime

import pytest

from database import RuleError
from models import Evaluation, Mail, Membership, Placement, Role, UserRole
from scope import NotYours
from tests import factories as make
from tests.visitor import Visitor
from workflow import clock
from workflow.stages import bulk, placements


@pytest.fixture
def speelkaravaan():
    return make.association(name="Speelkaravaan vzw", email="info@kavo.test")


@pytest.fixture
def hilde(speelkaravaan):
    return make.user(
        "association", association=speelkaravaan, password=make.PASSWORD, first_name="Hilde", last_name="De Wit"
    )


@pytest.fixture
def jonas():
    return make.user(password=make.PASSWORD, first_name="Jonas", last_name="Maes")


@pytest.fixture
def site(jonas):
    return make.site(manager=jonas, name="Speelplein De Zandbak")


def person(association, number=1, **values):
    who = make.participant(
        kavo_id=f"40000{number}-0{number}", first_name="Lotte", last_name=f"Peeters{number}", **values
    )
    return make.trajectory(association=association, participant=who)


# ---- reading pasted text


@pytest.mark.parametrize(
    "text, kavo_id, hours",
    [
        ("125143-59", "125143-59", 20),
        ("12514359", "125143-59", 20),
        ("125143 59", "125143-59", 20),
        ("125143-59;30", "125143-59", 30),
        ("125143-59\t30", "125143-59", 30),
        ("125143-59, 30", "125143-59", 30),
        ('"125143-59";"30"', "125143-59", 30),
        ("125143-59 30 uur", "125143-59", 30),
        ("125143-59;30,0", "125143-59", 30),
        ("125143-59;", "125143-59", 20),
    ],
)
def test_a_line_is_a_kavo_id_and_perhaps_hours(text, kavo_id, hours):
    (line,) = bulk.read(text, 20)
    assert (line.kavo_id, line.hours, line.problem) == (kavo_id, hours, "")


@pytest.mark.parametrize(
    "text", ["12514", "125143-5", "Lotte Peeters 1", "125143-59;30;40", "1251435930", "125143-59 125144-60 20"]
)
def test_an_unreadable_line_says_so(text):
    (line,) = bulk.read(text, 20)
    assert "geen KAVO-ID" in line.problem


def test_hours_in_words_are_asked_in_digits():
    (line,) = bulk.read("125143-59;dertig", 20)
    assert "in cijfers" in line.problem


def test_a_header_and_empty_lines_are_left_out_and_hours_are_needed():
    lines = bulk.read("kavo_id;uren\n\n125143-59;30\n125143-60\n", None)
    assert [(line.hours, bool(line.problem)) for line in lines] == [(30, False), (None, True)]


@pytest.mark.parametrize("text", ["", " \n\t\n", "\n".join(f"{number:06}-00" for number in range(201))])
def test_nothing_and_too_much_are_refused(text):
    with pytest.raises(RuleError):
        bulk.read(text, 20)


# ---- coupling


def test_an_association_couples_its_own_participants_at_any_approved_site(app, speelkaravaan, hilde, site):
    own, full = person(speelkaravaan, 1), person(speelkaravaan, 2)
    make.placement(trajectory=full, hours=45)
    person(make.association(), 3)
    visitor = Visitor(app, hilde)
    visitor.get(f"/samen/{site.id}/koppelen")
    visitor.send(text="400001-01\n400002-02;10\n400003-03\n400001-01\nonzin", hours="20")

    assert "Van 5 regels kan er 1 toegevoegd worden. Er is nog niets gebeurd." in visitor.text
    assert "kan nog 5 uur stage lopen" in visitor.text
    assert "We vinden niemand met KAVO-ID 400003-03" in visitor.text
    assert Placement.select().count() == 1
    visitor.send()

    assert "1 deelnemer toegevoegd aan Speelplein De Zandbak." in visitor.text
    placed = Placement.get(Placement.trajectory == own)
    assert (placed.hours, placed.on_behalf, placed.coupled_by_id) == (20, "association", hilde.id)
    visitor.get(f"/gekoppelde-deelnemers/trajectgeschiedenis/?id={placed.id}")
    assert (
        "Hilde De Wit koppelde Lotte Peeters1 aan Speelplein De Zandbak voor 20 uur namens Speelkaravaan vzw."
        in visitor.text
    )


def test_hours_and_people_are_changed_in_the_preview(app, speelkaravaan, jonas, site):
    for number in (1, 2, 3):
        person(speelkaravaan, number)
    visitor = Visitor(app, jonas)
    visitor.get(f"/samen/{site.id}/koppelen")
    visitor.send(text="400001-01\n400002-02\n400003-03", hours="20", starts_on="2026-07-10")
    visitor.send(kavo=["400001-01", "400003-03"], **{"uren-400003-03": "35"})

    assert [(one.hours, str(one.starts_on), one.on_behalf) for one in Placement.select().order_by(Placement.hours)] == [
        (20, "2026-07-10", None),
        (35, "2026-07-10", None),
    ]


def test_the_preview_tells_what_coupling_would_refuse(app, speelkaravaan, jonas, site):
    person(speelkaravaan, 1)
    visitor = Visitor(app, jonas)
    visitor.get(f"/samen/{site.id}/koppelen")
    visitor.send(text="400001-01", hours="20", starts_on="2026-07-10", ends_on="2026-07-01")

    assert "Van 1 regel kunnen er 0 toegevoegd worden." in visitor.text
    assert "De verwachte einddatum ligt voor de verwachte begindatum." in visitor.text
    assert not Placement.select().exists()


def test_a_trajectory_that_is_gone_is_chosen_again(speelkaravaan, jonas, site):
    person(speelkaravaan, 1)
    (line,) = bulk.read("400001-01", 20)
    bulk.preview([line], {"400001-01": 999}, site, jonas, make.NOW)

    assert line.problem == "Kies het traject opnieuw."


def test_a_file_with_hours_is_read_too(app, speelkaravaan, jonas, site):
    person(speelkaravaan, 1)
    visitor = Visitor(app, jonas)
    visitor.get(f"/samen/{site.id}/koppelen")
    visitor.send(file=(io.BytesIO("\ufeffkavo_id;uren\r\n400001-01;12\r\n".encode()), "uren.csv"))
    visitor.send()

    assert Placement.get().hours == 12


def test_the_same_list_sent_twice_couples_once(app, speelkaravaan, jonas, site):
    person(speelkaravaan, 1)
    visitor = Visitor(app, jonas)
    visitor.get(f"/samen/{site.id}/koppelen")
    visitor.send(text="400001-01", hours="20")
    page = visitor.page.select_one("main form[method=post]")
    visitor.send(page)
    visitor.path = f"/samen/{site.id}/koppelen"
    visitor.send(page)

    assert Placement.select().count() == 1


def test_an_association_does_not_couple_somebody_elses_participant(hilde, site):
    foreign = person(make.association())
    with pytest.raises(NotYours):
        placements.couple(foreign, site, 20, hilde, make.NOW)
    with pytest.raises(RuleError, match="We vinden niemand"):
        placements.look_up("400001-01", site, hilde, make.NOW)


def test_a_manager_who_also_works_for_the_association_acts_for_the_site(speelkaravaan, site, jonas):

    UserRole.create(user=jonas, role=Role.get_or_create(name="association")[0])
    Membership.create(user=jonas, association=speelkaravaan, since=make.NOW)
    foreign = person(make.association())

    assert placements.couple(foreign, site, 20, jonas, make.NOW).on_behalf is None


# ---- evaluating


def fields(rows, **more):
    sent = {"mentor": "Eline Wouters", "criterion": "instructor", "id": [str(row.id) for row in rows]}
    for row in rows:
        ordinary = {
            "starts_on": "2026-06-01",
            "ends_on": "2026-06-14",
            "hours_done": "20",
            "result": "positive",
            "motivation": "",
        }
        sent |= {f"s{row.id}-{name}": value for name, value in ordinary.items()}
    return sent | more


def test_a_whole_list_is_evaluated_on_one_page(app, speelkaravaan, hilde, site):
    rows = [make.placement(trajectory=person(speelkaravaan, number), site=site) for number in (1, 2, 3)]
    visitor = Visitor(app, hilde)
    visitor.get("/samen/beoordelen?" + "&".join(f"id={row.id}" for row in rows))
    visitor.send(**fields(rows))

    assert "3 stages beoordeeld." in visitor.text
    assert {one.on_behalf for one in Evaluation.select()} == {"association"}
    assert {row.state for row in Placement.select()} == {"evaluated"}


def test_refused_rows_stay_with_the_reason_and_the_others_are_done(app, speelkaravaan, hilde, site):
    rows = [make.placement(trajectory=person(speelkaravaan, number), site=site) for number in (1, 2, 3)]
    visitor = Visitor(app, hilde)
    visitor.get("/samen/beoordelen?" + "&".join(f"id={row.id}" for row in rows))
    visitor.send(**fields(rows, **{f"s{rows[1].id}-hours_done": "60", f"s{rows[2].id}-result": "later"}))

    assert "1 stage beoordeeld." in visitor.text
    assert "kan hier nog hoogstens 50 uur krijgen" in visitor.text
    assert [Placement.get_by_id(row.id).state for row in rows] == ["evaluated", "open", "open"]
    visitor.send(**fields([rows[1]]))
    assert Placement.get_by_id(rows[1].id).state == "evaluated"


def test_missing_answers_are_asked_for_and_nothing_is_evaluated(app, speelkaravaan, hilde, site):
    row = make.placement(trajectory=person(speelkaravaan), site=site)
    visitor = Visitor(app, hilde)
    visitor.get(f"/samen/beoordelen?id={row.id}")
    visitor.send(**fields([row], mentor="", **{f"s{row.id}-ends_on": ""}))
    assert "Typ de naam van de stagebegeleider." in visitor.text
    assert "Kies de laatste dag." in visitor.text
    visitor.send(**fields([row], **{f"s{row.id}-result": "later"}))
    assert "Kies bij minstens één deelnemer" in visitor.text
    assert not Evaluation.select().exists()


# ---- notifications


def mails(kind):
    return list(Mail.select().where(Mail.kind == kind))


def test_each_side_hears_the_next_morning_what_the_other_did_once(speelkaravaan, hilde, jonas, site):
    by_hilde, by_jonas = person(speelkaravaan, 1), person(speelkaravaan, 2)
    placements.couple(by_hilde, site, 20, hilde, make.NOW)
    placements.couple(by_jonas, site, 30, jonas, make.NOW)
    clock.sweep(datetime(2026, 7, 2, 5, 59))
    assert not mails("news_site")
    assert not mails("news_association")
    for _ in range(2):
        clock.sweep(datetime(2026, 7, 2, 6, 0))

    (to_jonas,), (to_hilde,) = mails("news_site"), mails("news_association")
    assert (to_jonas.to_address, to_hilde.to_address) == (jonas.email, "info@kavo.test")
    assert "Lotte (400001-01), Speelplein De Zandbak: gekoppeld voor 20 uur, door Hilde De Wit" in to_jonas.body
    assert "400002-02" not in to_jonas.body
    assert "Lotte (400002-02), Speelplein De Zandbak: gekoppeld voor 30 uur, door Jonas Maes" in to_hilde.body
    assert "Peeters" in str(by_hilde.participant)
    assert "Peeters" in str(by_jonas.participant)
    assert "Peeters" not in to_hilde.body + to_jonas.body


def test_both_sides_hear_what_the_team_does(speelkaravaan, site, jonas):
    make.evaluated(
        placements.couple(person(speelkaravaan), site, 20, make.user("team"), make.NOW), by=make.user("team")
    )
    clock.sweep(datetime(2026, 7, 2, 6, 0))

    for kind in ("news_site", "news_association"):
        (mail,) = mails(kind)
        assert "gekoppeld voor 20 uur" in mail.body
        assert "beoordeeld, positief, 20 uur" in mail.body


def test_after_a_long_silence_of_the_clock_it_is_no_news_any_more(speelkaravaan, site, hilde):
    placements.couple(person(speelkaravaan), site, 20, hilde, make.NOW)
    clock.sweep(datetime(2026, 7, 5, 6, 0))
    assert not mails("news_site")
