"""Logging in with eID from several tabs, and a return URL opened twice: each continues, and logs in only the requester."""

import hashlib

import pytest

from models import User, UserSession
from tests.identity.eid.op import number
from tests.identity.eid.steps import BORN, come_back, link, register, young
from tests.visitor import Visitor

COOKIE_BYTES = 4096  # browsers drop longer cookies


def begin(visitor, wanted=None):
    answer = visitor.client.get("/aanmelden-met-eid", query_string={"next": wanted} if wanted else {})
    return answer.headers["Location"]


def is_in(visitor):
    return visitor.client.get("/mijn-gegevens").status_code == 200


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_each_tab_comes_back_to_where_it_wanted(app, op, order):
    register(app, op)
    visitor, wanted = Visitor(app), ["/overdrachten/", "/mijn-gegevens", "/gekoppelde-deelnemers/"]
    begun = [begin(visitor, path) for path in wanted]
    before = UserSession.select().count()

    for tab in order:
        come_back(visitor, op, begun[tab])
        assert (visitor.answer.status_code, visitor.path) == (200, wanted[tab])

    assert UserSession.select().count() == before + 1


def test_two_tabs_of_somebody_new_both_lead_to_the_choice(app, op):
    visitor = Visitor(app)
    for location in [begin(visitor), begin(visitor)]:
        come_back(visitor, op, location)
        assert "Dag Bram Wouters" in visitor.text


def test_a_return_url_opened_again_while_logged_in_continues(app, op):
    register(app, op)
    visitor = Visitor(app)
    path = op.answer(begin(visitor, "/overdrachten/"))
    visitor.get(path, follow_redirects=True)

    assert visitor.client.get(path).headers["Location"] == "/na-aanmelden"
    assert visitor.client.get("/aanmelden-met-eid/terug").headers["Location"] == "/na-aanmelden"
    assert (
        visitor.client.get("/aanmelden-met-eid", query_string={"next": "/overdrachten/"}).location == "/overdrachten/"
    )
    assert is_in(visitor)


def test_a_return_url_opened_again_after_logging_out_offers_to_begin_again(app, op):
    register(app, op)
    visitor = Visitor(app)
    path = op.answer(begin(visitor))
    visitor.get(path, follow_redirects=True)
    visitor.post("/overal-afmelden")

    assert visitor.get(path).status_code == 400
    assert visitor.page.find("a", string="Opnieuw proberen")
    assert not is_in(visitor)


def test_the_way_back_of_an_attacker_logs_nobody_in(app, op):
    register(app, op)
    attacker, victim, somebody = Visitor(app), Visitor(app), Visitor(app, young(email="v@kavo.test"))
    path = op.answer(begin(attacker))
    begin(victim)

    assert victim.get(path).status_code == 400
    assert not is_in(victim)
    assert somebody.client.get(path).headers["Location"] == "/na-aanmelden"
    somebody.get("/mijn-gegevens")
    assert "v@kavo.test" in somebody.page.select_one("[name=email]")["value"]


def test_a_logged_in_user_becomes_nobody_else_by_another_tab(app, op):
    register(app, op)
    visitor = Visitor(app)
    first, second, third = begin(visitor), begin(visitor), begin(visitor)
    come_back(visitor, op, first)
    op.claims.update(sub="sub-2", rrn=number(BORN, 305), given_name="An")
    come_back(visitor, op, second)
    assert visitor.answer.status_code == 409
    assert "Meld je dan eerst af." in visitor.text
    register(app, op, email="an@kavo.test")
    come_back(visitor, op, third)

    assert "Dit is de eID van iemand anders" in visitor.text
    visitor.get("/mijn-gegevens")
    assert "Bram Wouters" in visitor.text


def test_re_authentication_lets_the_same_person_continue_and_nobody_else(app, op):
    visitor = register(app, op)
    wanted = {"next": "/mijn-gegevens"}
    location = visitor.client.get("/ben-jij-het/eid", query_string=wanted).location
    assert op.answer(location)
    assert op.asked[-1]["prompt"] == "login"
    come_back(visitor, op, location)
    assert visitor.path == "/mijn-gegevens"
    assert UserSession.select().where(UserSession.ended_at.is_null()).count() == 1

    op.claims.update(sub="sub-2", rrn=number(BORN, 305))
    come_back(visitor, op, visitor.client.get("/ben-jij-het/eid", query_string=wanted).location)
    assert visitor.answer.status_code == 409


def test_linking_begun_in_one_account_links_no_other(app, op):
    user, other = young(birth_date=BORN), young(birth_date=BORN)
    visitor = Visitor(app, user)
    visitor.get("/eid-koppelen")
    form = visitor.page.select_one("main form[method=post]")
    data = {one["name"]: one["value"] for one in form.select("input")}
    location = visitor.client.post("/eid-koppelen", data=data).location
    visitor.post("/afmelden")
    visitor.log_in(app, other)
    come_back(visitor, op, location)

    assert not User.get_by_id(user.id).has_eid
    assert not User.get_by_id(other.id).has_eid
    link(app, op, user)
    assert User.get_by_id(user.id).has_eid


def test_tabs_that_are_begun_and_left_fit_in_a_cookie(app, op):
    register(app, op)
    visitor = Visitor(app)
    for tab in range(9):
        path = "/stageplaatsen/?zoek=" + "".join(hashlib.sha512(bytes([tab, part])).hexdigest() for part in (1, 2))
        answer = visitor.client.get("/aanmelden-met-eid", query_string={"next": path})
    assert len(answer.headers["Set-Cookie"]) < COOKIE_BYTES
    come_back(visitor, op, answer.location)

    assert visitor.path.startswith("/stageplaatsen/?zoek=")
    assert len(visitor.client.get_cookie("kavo").value) < COOKIE_BYTES - 200
