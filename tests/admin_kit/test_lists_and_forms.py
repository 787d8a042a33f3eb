"""The behaviour shared by all lists and forms: saved once, in order, with few queries, and exported as shown on the screen."""

import csv
import io
import logging
from datetime import date

import pytest

from models import History, Participant, Placement
from tests import factories as make
from tests.visitor import Visitor


@pytest.fixture
def jonas(app):
    return make.user(first_name="Jonas", last_name="Maes", password=make.PASSWORD)


@pytest.fixture
def team(app):
    return Visitor(app, make.user("team", password=make.PASSWORD))


def exported(answer):
    text = answer.data.decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))


def test_the_same_form_sent_twice_couples_once(app, jonas):
    site, lotte = make.site(manager=jonas), make.trajectory()
    visitor = Visitor(app, jonas)
    visitor.post(f"/stageplaatsen/{site.id}/deelnemers/", {"kavo": lotte.participant.kavo_id})
    form = next(one for one in visitor.page.select("main form[method=post]") if one.select_one("[name=hours]"))

    visitor.send(form, hours="20")
    assert "is toegevoegd voor 20 uur" in visitor.text
    visitor.send(form, hours="20")

    assert "Dat was al bewaard. We deden niets dubbel." in visitor.text
    assert Placement.select().count() == 1


def test_the_same_form_sent_twice_adds_one_row(team):
    team.get("/verenigingen/new/")
    form = team.page.select_one("main form[method=post]")
    for _ in range(2):
        team.path = "/verenigingen/new/"
        team.send(form, name="Kampvuur vzw", active="y")

    assert "Dat was al bewaard" in team.text


def test_the_second_of_two_editors_sees_both_and_chooses(team, app):
    lotte = make.participant(first_name="Lotte")
    other = Visitor(app, make.user("team", password=make.PASSWORD))
    for visitor in (team, other):
        visitor.get(f"/deelnemers/edit/?id={lotte.id}")
    other.send(first_name="Charlotte")

    team.send(first_name="Lot")
    assert "Iemand anders wijzigde dit intussen" in team.text
    assert [one.get_text() for one in team.page.select(".notice.warn td")] == ["Lot", "Charlotte"]
    assert Participant.get().first_name == "Charlotte"
    team.send()
    assert Participant.get().first_name == "Lot"


@pytest.mark.parametrize(
    "path", ["/stageplaatsen/", "/gekoppelde-deelnemers/", "/deelnemers/", "/trajecten/", "/accounts/"]
)
def test_a_list_asks_the_same_few_questions_for_2_rows_and_for_20(team, path, caplog):
    def queries():
        caplog.clear()
        with caplog.at_level(logging.DEBUG, "peewee"):
            assert team.get(path).status_code == 200
        return len([one for one in caplog.records if one.name == "peewee"])

    for _ in range(2):
        make.placement()
    few = queries()
    for _ in range(18):
        make.placement()

    assert queries() == few <= 15


def test_a_list_has_a_button_to_search_when_there_is_something_to_fill_in(team):
    make.participant()
    for path, buttons in (("/rollen/", 0), ("/deelnemers/", 1)):
        team.get(path)
        assert len(team.page.select("form[role=search] button")) == buttons, path


def test_every_row_is_on_one_page_and_on_one_only(team):
    for _ in range(60):
        make.participant(first_name="Lotte", last_name="Peeters")
    seen = []
    for page in (1, 2, 3):
        team.get(f"/deelnemers/?sort=birth_date&page={page}")
        seen += [row.select_one("td").get_text() for row in team.page.select("tbody tr")]

    assert len(seen) == len(set(seen)) == 60


@pytest.mark.parametrize(
    "words, found",
    [
        ("celik", True),
        ("ÇELIK özlem", True),
        ("ozl cel", True),
        ("20000x", False),
        ("%", False),
        ("_elik", False),
        ("", True),
    ],
)
def test_a_search_minds_neither_accents_nor_capitals_and_takes_wildcards_as_they_are(team, words, found):
    make.participant(first_name="Özlem", last_name="Çelik")

    team.get("/deelnemers/", query_string={"q": words})

    assert ("Özlem" in team.text) is found


def test_a_kavo_id_is_found_in_a_list_with_and_without_dash(team):
    make.participant(kavo_id="125143-59", first_name="Lotte")
    for words in ("125143-59", "12514359"):
        team.get("/deelnemers/", query_string={"q": words})
        assert "Lotte" in team.text


def test_an_export_holds_what_is_on_the_screen_and_is_noted(app, jonas):
    lotte = make.participant(first_name="=HYPERLINK(1)", last_name="Peeters", kavo_id="125143-59")
    make.placement(
        site=make.site(manager=jonas), trajectory=make.trajectory(participant=lotte), starts_on=date(2026, 7, 5)
    )
    make.placement(site=make.site(manager=jonas))
    make.placement()
    visitor = Visitor(app, jonas)

    titles, *lines = exported(visitor.get("/gekoppelde-deelnemers/export/csv/?alles=1"))
    assert len(lines) == 2
    titles, *lines = exported(visitor.get("/gekoppelde-deelnemers/export/csv/?alles=1&q=peeters 12514359"))

    row = dict(zip(titles, lines[0], strict=True))
    assert len(lines) == 1
    assert (row["KAVO-ID"], row["Voornaam"], row["Verwachte begindatum"]) == (
        "125143-59",
        "'=HYPERLINK(1)",
        "05/07/2026",
    )
    assert "1 koppeling" in History.select().order_by(-History.id).get().payload


def test_an_export_follows_the_order_of_the_screen(team):
    for name in ("Bos", "Aerts", "Çelik"):
        make.participant(last_name=name)

    titles, *lines = exported(team.get("/deelnemers/export/csv/?sort=-name"))

    assert [line[titles.index("Naam")] for line in lines] == ["Çelik", "Bos", "Aerts"]


def test_an_action_tells_what_became_of_each_row(team):
    waiting, done = make.site(state="submitted", name="Nieuw"), make.site(state="submitted", name="Beslist")
    team.get("/stageplaatsen/")
    done.move("approved")

    team.post("/stageplaatsen/action/", {"action": "approve", "rowid": [waiting.id, done.id]})

    assert "1 van 2 gelukt" in team.text
    assert "Beslist is intussen al behandeld." in team.text


def test_no_hash_and_no_token_is_on_any_screen_of_the_team(team):
    user = make.user(password=make.PASSWORD)
    team.get("/mijn-gegevens")
    assert "argon2" in user.password
    for path in (
        "/accounts/",
        f"/accounts/details/?id={user.id}",
        f"/accounts/edit/?id={user.id}",
        "/accounts/export/csv/",
    ):
        text = team.get(path).text
        assert user.email in text, "the row is there, so what is left out is left out on purpose"
        assert "argon2" not in text
        assert user.fs_uniquifier not in text


def test_every_response_carries_the_security_headers(app):
    for path in ("/", "/aanmelden", "/bestaat-niet", "/static/look.css"):
        headers = app.test_client().get(path).headers
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert app.test_client().get("/aanmelden").headers["Cache-Control"] == "no-store"


def test_a_row_on_which_others_hang_stays(team):
    placement = make.placement()
    for path in ("stageplaatsen", "deelnemers", "verenigingen", "accounts", "trajecten"):
        assert team.post(f"/{path}/delete/", {"id": "1"}).status_code == 404
    assert Placement.get() == placement
