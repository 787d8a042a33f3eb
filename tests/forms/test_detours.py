"""No input is lost by pressing another button or by re-authentication, and nobody returns to a page that only asks something."""

from datetime import timedelta

import pytest
from flask import g

from admin_kit.access import came_from
from identity.second_step import ASKING
from models import History, SiteMessage, User
from tests import factories as make
from tests.identity.test_second_step import later
from tests.visitor import Visitor
from times import utcnow
from workflow.sites import sites

TYPED = {"ready": "address", "reason": "Straat ontbreekt.", "note-text": "Bel morgen.", "ask-text": "Welke straat?"}
BUTTONS = {"note": "note-", "ask": "ask-", "keep": "keep-"}
"""other buttons on the page of an application → the fields that they submit"""


@pytest.mark.parametrize("what", [*BUTTONS, "stop-waiting"])
def test_another_button_loses_nothing_of_a_decision(app, what):
    team = make.user("team", password=make.PASSWORD)
    site = make.site(manager=make.user(), state="submitted", submitted_at=utcnow())
    if what == "stop-waiting":
        sites.ask(site, team, utcnow() - timedelta(hours=1), "Wat is het adres?")
    visitor = Visitor(app, team)
    visitor.get(f"/aanvragen/{site.id}/")
    form = visitor.page.select_one("form[action$=beslissen]")
    assert form.select_one(f"button[formaction$='/{what}']"), "one form, so that it works without a script"
    form["action"] = f"/aanvragen/{site.id}/{what}"
    visitor.send(form, checked=["address", "single"], then_next="y", **TYPED)
    form = visitor.page.select_one("form[action$=beslissen]")
    ticked = [one["value"] for one in form.select("input[name=checked]") if one.has_attr("checked")]
    assert ticked == ["address", "single"]
    assert form.select_one("#ready option[selected]")["value"] == "address"
    left = {one["name"]: one.get_text().strip() for one in form.select("textarea")}
    done = BUTTONS.get(what, "-")
    wanted = {name: "" if name.startswith(done) else text for name, text in TYPED.items() if name != "ready"}
    assert left == wanted
    assert SiteMessage.select().where(SiteMessage.kind << ("note", "question")).count() == (
        what in ("note", "ask", "stop-waiting")
    )


def test_re_authentication_loses_nothing_of_a_form(app):
    anna = make.user(password=make.PASSWORD, first_name="Anna", last_name="Claes", phone="+32470112233")
    visitor = Visitor(app, anna)
    visitor.get("/mijn-gegevens")
    later(visitor, 60)
    visitor.send(email="nieuw@kavo.test", phone="0499 88 77 66", first_name="An", last_name="Claeys")
    assert "Ben jij het?" in visitor.text
    visitor.send(password=make.WORD)
    assert visitor.path == "/mijn-gegevens"
    values = {name: visitor.page.select_one(f"#{name}")["value"] for name in ("email", "first_name", "last_name")}
    assert values == {"email": "nieuw@kavo.test", "first_name": "An", "last_name": "Claeys"}
    visitor.send()
    fresh = User.get_by_id(anna.id)
    assert (fresh.claimed_email, fresh.phone, str(fresh)) == ("nieuw@kavo.test", "+32499887766", "An Claeys")
    visitor.get("/mijn-gegevens")
    assert visitor.page.select_one("#last_name")["value"] == "Claeys"


def test_re_authentication_loses_nothing_of_an_action(app):
    """A POST without a page of its own is sent again with one more click."""
    team, other = make.user("team", password=make.PASSWORD), make.user()
    visitor = Visitor(app, team)
    visitor.get("/accounts/")
    later(visitor, 60)
    visitor.post("/accounts/action/", {"one": f"end_sessions:{other.id}", "sure": "1"})
    visitor.get(visitor.answer.headers["Location"])
    visitor.send(password=make.WORD)
    assert visitor.path == "/verder"
    assert other.id != team.id
    visitor.send()
    assert History.select().where(History.verb == "user.signed_out").exists()
    other_one = Visitor(app, make.user("team", password=make.PASSWORD))
    other_one.get("/verder")
    assert other_one.answer.status_code == 302, "what somebody else sent is theirs"


def test_nobody_returns_to_a_page_that_only_asks_something(app):
    pages = {rule.endpoint: rule.rule for rule in app.url_map.iter_rules() if not rule.arguments}
    asking = [pages[name] for name in ASKING if name in pages]
    asking += [rule for name, rule in pages.items() if name.endswith(".action_view")]
    assert len(asking) > 10
    for path in asking:
        for how in ({"query_string": {"url": path}}, {"headers": {"Referer": f"http://localhost{path}?next=/x"}}):
            with app.test_request_context("/deelnemers/edit/", **how):
                g._login_user = None
                assert came_from() is None, path
    with app.test_request_context("/deelnemers/edit/", headers={"Referer": "http://localhost/deelnemers/?q=an"}):
        assert came_from() == "/deelnemers/?q=an"
