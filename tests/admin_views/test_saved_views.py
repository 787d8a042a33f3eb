"""Saved views of a list: private, shared with the team, or as start page."""

import pytest

from models import SavedView, StartView
from tests import factories as make
from tests.visitor import Visitor
from workflow import saved_views

LIST = "/gekoppelde-deelnemers/"


@pytest.fixture
def team(app):
    return Visitor(app, make.user("team", password=make.PASSWORD))


def keep(visitor, path, **values):
    visitor.get(path)
    form = next(one for one in visitor.page.select("form") if one.get("action") == "/weergaven/bewaren")
    visitor.send(form, **values)


def names(visitor):
    return [one.get_text() for one in visitor.page.select(".views li > a")]


def test_a_view_keeps_search_filters_order_columns_and_tab_but_no_page(team):
    make.placement()
    keep(
        team,
        f"{LIST}?q=peeters&tab=open&sort=-hours&kolom=participant&kolom=hours&type=animator&page=3&geheim=1",
        name="Mijn open stages",
    )

    assert "De weergave ‘Mijn open stages’ is bewaard." in team.page.get_text(" ")
    assert names(team) == ["Mijn open stages"]
    link = team.page.select_one(".views li > a")["href"]
    for part in ("q=peeters", "tab=open", "sort=-hours", "kolom=participant&kolom=hours", "type=animator"):
        assert part in link
    assert "page" not in link
    assert "geheim" not in link
    assert team.get(link).status_code == 200
    assert [one.get_text() for one in team.page.select("thead th")] == ["Kiezen", "Deelnemer", "Uren", "Acties"]


def test_only_what_is_shared_is_seen_by_colleagues_and_only_its_maker_removes_it(app, team):
    make.placement()
    keep(team, f"{LIST}?tab=open", name="Voor mij")
    keep(team, f"{LIST}?tab=done", name="Voor ons", shared="y")
    other = Visitor(app, make.user("team", password=make.PASSWORD))

    other.get(LIST)
    assert names(other) == ["Voor ons"]
    mine, ours = SavedView.get(SavedView.name == "Voor mij"), SavedView.get(SavedView.name == "Voor ons")
    assert other.post(f"/weergaven/{mine.id}/start").status_code == 404
    for view in (mine, ours):
        assert other.post(f"/weergaven/{view.id}/weg").status_code == 404
    assert SavedView.select().count() == 2

    team.get(LIST)
    form = next(one for one in team.page.select("form") if one.get("action") == f"/weergaven/{ours.id}/weg")
    team.send(form)
    assert names(team) == ["Voor mij"]


def test_a_manager_keeps_views_but_cannot_share_them(app):
    jonas = make.user(password=make.PASSWORD)
    make.placement(site=make.site(manager=jonas))
    visitor = Visitor(app, jonas)

    team = Visitor(app, make.user("team", password=make.PASSWORD))
    team.get(f"{LIST}?tab=open")
    assert "Delen met je collega’s" in team.page.get_text()
    keep(visitor, f"{LIST}?tab=open", name="Open", shared="y")

    assert SavedView.get().shared_with is None
    assert "Delen met je collega’s" not in visitor.page.get_text()


def test_the_day_starts_with_the_chosen_view(app, team):
    make.placement()
    keep(team, f"{LIST}?tab=open", name="Open stages", start="y")
    assert team.client.get("/na-aanmelden").headers["Location"] == f"{LIST}?tab=open"

    view = SavedView.get()
    team.post(f"/weergaven/{view.id}/stop")
    assert team.client.get("/na-aanmelden").headers["Location"] == "/te-behandelen/"
    team.post(f"/weergaven/{view.id}/start")
    saved_views.forget(view, view.user)
    assert StartView.select().count() == 0
    assert team.client.get("/na-aanmelden").headers["Location"] == "/te-behandelen/"


def test_a_shared_view_that_is_no_longer_shared_starts_nobodys_day(app, team):
    other = Visitor(app, make.user("team", password=make.PASSWORD))
    make.placement()
    keep(team, LIST, name="Voor ons", shared="y")
    view = SavedView.get()
    other.post(f"/weergaven/{view.id}/start")
    assert other.client.get("/na-aanmelden").headers["Location"].startswith(LIST)

    SavedView.update(shared_with=None).execute()
    assert other.client.get("/na-aanmelden").headers["Location"] == "/te-behandelen/"


@pytest.mark.parametrize(
    "values, said",
    [
        ({"name": ""}, "Typ een naam voor deze weergave."),
        ({"name": "Open"}, "Je hebt hier al een weergave ‘Open’."),
        ({"name": "x" * 61}, "hoogstens 60 tekens"),
    ],
)
def test_a_name_that_will_not_do_is_refused_with_a_sentence(team, values, said):
    make.placement()
    keep(team, LIST, name="Open")
    keep(team, f"{LIST}?tab=open", **values)

    assert said in team.page.get_text(" ")
    assert SavedView.select().count() == 1


def test_a_view_leads_only_to_a_list_that_the_user_may_open(app, team):
    make.placement()
    for screen in ("nergens", "todo", "account.own_data", "https://example.com"):
        assert team.post("/weergaven/bewaren", {"screen": screen, "query": "", "name": "x"}).status_code == 404
    manager = Visitor(app, make.user(password=make.PASSWORD))
    assert manager.post("/weergaven/bewaren", {"screen": "participant", "query": "", "name": "x"}).status_code == 404
    team.post("/weergaven/bewaren", {"screen": "placement", "query": "//example.com?x\r\nSet-Cookie: a", "name": "x"})
    assert "\n" not in SavedView.get().query
