"""What a manager sees in the season: 'Te doen', and looking up before coupling."""

from datetime import timedelta

import pytest

from models import Handover, Placement
from tests import factories as make
from tests.visitor import Visitor
from times import local_date, utcnow
from workflow.sites import handovers
from workflow.stages import placements

TODAY = local_date(utcnow())


@pytest.fixture
def jonas(app):
    return make.user(password=make.PASSWORD)


def test_te_doen_shows_per_site_what_waits_with_the_sites_that_have_work_first(app, jonas):
    quiet, busy = make.site(jonas, name="Aalst"), make.site(jonas, name="Zandbak")
    for days in (-3, -9):
        make.placement(site=busy, ends_on=TODAY + timedelta(days=days))
    make.placement(site=busy, starts_on=TODAY + timedelta(days=6), ends_on=TODAY + timedelta(days=20))
    make.placement(site=busy, starts_on=TODAY + timedelta(days=7), ends_on=TODAY + timedelta(days=20))
    visitor = Visitor(app, jonas)

    visitor.get("/na-aanmelden")
    visitor.get(visitor.answer.headers["Location"])

    assert visitor.path == "/te-doen/"
    cards = visitor.page.select(".site-card")
    assert [card.h2.get_text(strip=True) for card in cards] == [str(busy), str(quiet)]
    assert "2 stages te beoordelen" in cards[0].get_text()
    assert "1 stage begint deze week" in cards[0].get_text()
    assert "Hier wacht niets op jou." in cards[1].get_text()
    visitor.get(next(one["href"] for one in cards[0].select("a") if one.get_text() == "Beoordelen"))
    assert len(visitor.page.select("[name=id]")) == 2


def test_te_doen_shows_a_request_to_take_over_and_an_application(app, jonas):
    site, applied = make.site(jonas), make.site(jonas, state="submitted", due_on=TODAY + timedelta(days=9))
    taker = make.user()
    handovers.ask(site, taker, taker.email, "0470 12 34 56", utcnow())
    visitor = Visitor(app, jonas)

    visitor.get("/te-doen/")

    assert f"{taker} wil deze stageplaats overnemen." in visitor.text
    assert str(applied) in visitor.text
    assert "In behandeling" in visitor.text
    assert not visitor.page.select("#kavo")  # with several sites the field would not say for which
    assert Handover.select().count() == 1


def test_a_manager_without_a_site_reads_how_to_begin(app, jonas):
    visitor = Visitor(app, jonas)

    visitor.get("/te-doen/")

    assert "Je hebt nog geen stageplaats" in visitor.text
    assert [one.get_text() for one in visitor.page.select("main .buttons a")] == [
        "Een nieuwe stageplaats aanmaken",
        "Beheer overnemen",
    ]


def look_up(visitor, site, kavo_id):
    visitor.get(f"/stageplaatsen/{site.id}/deelnemers/")
    visitor.send(visitor.page.select_one("form[data-swap]"), kavo=kavo_id, act="look")


def test_another_kavo_id_than_the_page_shows_is_refused(app, jonas):
    site = make.site(jonas)
    lotte, emma = make.trajectory(), make.trajectory()
    visitor = Visitor(app, jonas)
    look_up(visitor, site, lotte.participant.kavo_id)

    visitor.send(visitor.page.select_one("form[data-swap]"), kavo=emma.participant.kavo_id, hours="10", act="add")

    assert f"Dat is {emma.participant}. Kijk na wie je wilt toevoegen." in visitor.text
    assert Placement.select().count() == 0
    visitor.send(visitor.page.select_one("form[data-swap]"), act="add")
    assert Placement.get().trajectory.participant == emma.participant


@pytest.mark.parametrize("typed, coupled", [("same", 1), ("other", 0)])
def test_enter_adds_the_person_on_the_page_and_looks_up_another(app, jonas, typed, coupled):
    site, lotte, emma = make.site(jonas), make.trajectory(), make.trajectory()
    visitor = Visitor(app, jonas)
    look_up(visitor, site, lotte.participant.kavo_id)
    kavo_id = (lotte if typed == "same" else emma).participant.kavo_id

    visitor.send(visitor.page.select_one("form[data-swap]"), kavo=kavo_id, hours="10", act="enter")

    assert Placement.select().count() == coupled
    assert coupled or str(emma.participant) in visitor.page.select_one("[data-shown] h3").get_text()


def test_hours_are_suggested_from_what_is_left_and_what_the_site_usually_couples(app, jonas):
    site, lotte = make.site(jonas), make.trajectory()
    assert placements.suggested_hours(lotte, site) == 50
    for hours in (20, 20, 30):
        make.placement(site=site, hours=hours)
    assert placements.suggested_hours(lotte, site) == 20
    make.placement(trajectory=lotte, hours=45)
    assert placements.suggested_hours(type(lotte).get_by_id(lotte.id), site) == 5


def test_a_participant_without_hours_left_gets_a_sentence_and_no_form(app, jonas):
    site, lotte = make.site(jonas), make.trajectory()
    make.placement(trajectory=lotte, site=site, hours=50)
    visitor = Visitor(app, jonas)

    look_up(visitor, site, lotte.participant.kavo_id)

    assert f"De 50 uur van {lotte.participant} zijn al gekoppeld." in visitor.text
    assert f"{lotte.participant} is hier al gekoppeld voor 50 uur." in visitor.text
    assert not visitor.page.select("[name=hours]")


def test_the_sum_of_hours_names_a_site_of_your_own(app, jonas):
    here, there, elsewhere = make.site(jonas), make.site(jonas, name="Eigen plein"), make.site(name="Ander plein")
    lotte = make.trajectory()
    make.placement(trajectory=lotte, site=there, hours=10)
    make.placement(trajectory=lotte, site=elsewhere, hours=10)
    visitor = Visitor(app, jonas)

    look_up(visitor, here, lotte.participant.kavo_id)

    assert "Eigen plein" in visitor.text
    assert "een andere stageplaats" in visitor.text
    assert "Ander plein" not in visitor.text


@pytest.mark.parametrize("rows, folded", [(10, True), (11, False)])
def test_a_list_of_ten_rows_keeps_its_search_and_its_file_and_folds_the_rest(app, jonas, rows, folded):
    site = make.site(jonas)
    for _ in range(rows):
        make.placement(site=site)
    visitor = Visitor(app, jonas)

    for query in ("", "?q=niemand", "?tab=done"):
        visitor.get(f"/gekoppelde-deelnemers/{query}")
        assert bool(visitor.page.select(".list-menu")) is folded, query
        assert visitor.page.select_one("form[role=search] [name=q]")
    visitor.get("/gekoppelde-deelnemers/")
    assert "Exporteren (CSV)" in visitor.page.select_one(".tools > a").get_text()


def test_a_row_that_waits_shows_its_button_and_comes_first(app, jonas):
    site = make.site(jonas)
    make.placement(site=site, ends_on=None)
    make.placement(site=site, ends_on=TODAY + timedelta(days=3))
    late, later = (make.placement(site=site, ends_on=TODAY - timedelta(days=days)) for days in (2, 30))
    visitor = Visitor(app, jonas)

    visitor.get("/gekoppelde-deelnemers/")

    rows = visitor.page.select("tbody tr")
    assert [
        str(one.trajectory.participant) in row.get_text() for one, row in zip((later, late), rows, strict=False)
    ] == [
        True,
        True,
    ]
    assert [bool(row.select(".likely")) for row in rows] == [True, True, False, False]


def test_setting_everybody_to_positive_keeps_what_was_typed(app, jonas):
    site = make.site(jonas)
    stages = [make.placement(site=site, ends_on=TODAY - timedelta(days=3)) for _ in range(2)]
    visitor = Visitor(app, jonas)
    visitor.get("/samen/beoordelen", query_string={"id": [one.id for one in stages]})
    hours = f"s{stages[0].id}-hours_done"

    visitor.send(alle="1", mentor="Eline Wouters", criterion="instructor", **{hours: "7"})

    page = visitor.page
    assert page.select_one("[name=mentor]")["value"] == "Eline Wouters"
    assert page.select_one(f"[name={hours}]")["value"] == "7"
    assert [one["value"] for one in page.select("[type=radio][checked]")] == ["positive", "positive"]
    assert Placement.select().where(Placement.state == "evaluated").count() == 0
    first = str(TODAY - timedelta(days=9))
    visitor.send(**{f"s{one.id}-starts_on": first for one in stages})
    assert Placement.select().where(Placement.result == "positive").count() == 2
