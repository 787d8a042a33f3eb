"""One account per person, and the age rules: which account an eID belongs to, and when a password is still allowed."""

import re
from datetime import date, timedelta

import pytest

from database import RuleError, database
from models import (
    Handover,
    History,
    Identity,
    LinkRequest,
    Mail,
    Role,
    Site,
    SiteManager,
    User,
    UserRole,
)
from operations import checks
from tests import factories as make
from tests.identity.eid.op import number
from tests.identity.eid.steps import BORN, bram, go, link, register, young
from tests.public_pages.test_registration import path_in
from tests.visitor import Visitor
from times import local_date, utcnow, years_after
from workflow.accounts import accounts, identities
from workflow.sites import handovers

# ---- one person, one account


def test_an_address_that_is_known_looks_the_same_and_its_owner_is_asked(app, op):
    owner = make.user(email="bram@kavo.test", birth_date=date(1985, 1, 1), password=make.PASSWORD)
    visitor = register(app, op)

    assert visitor.path.startswith("/stageplaatsen/")
    assert "In behandeling" in visitor.text
    visitor.get("/mijn-gegevens")
    assert "Je e-mailadres bram@kavo.test is nog niet bevestigd." in visitor.text
    (mail,) = Mail.select()
    assert (mail.kind, mail.to_address) == ("same_person", owner.email)


def test_confirming_that_both_accounts_are_theirs_merges_them(app, op):
    owner = young(email="bram@kavo.test", birth_date=BORN, confirmed_at=utcnow())
    old_site = make.site(owner)
    register(app, op)
    visitor = Visitor(app)
    visitor.get(path_in(Mail.get(Mail.kind == "same_person")))
    visitor.send(myself="y")

    assert "Je twee accounts zijn nu één" in visitor.text
    one = User.get(User.email == "bram@kavo.test")
    assert one.has_eid
    assert one.password is None
    assert {site.id for site in Site.select().join(SiteManager).where(SiteManager.user == one)} == {
        old_site.id,
        old_site.id + 1,
    }
    assert not User.get_by_id(owner.id).active
    assert History.select().where(History.verb == "user.merged").exists()


def test_other_birth_dates_go_to_the_team_which_merges_with_history(app, op):
    owner = make.user(email="bram@kavo.test", birth_date=date(1990, 8, 3), password=make.PASSWORD)
    placement = make.evaluated(make.placement(site=make.site(owner)), by=owner)
    register(app, op)
    visitor = Visitor(app)
    visitor.get(path_in(Mail.get(Mail.kind == "same_person")))
    visitor.send(myself="y")
    assert "Het team Kadervorming kijkt na" in visitor.text

    team = Visitor(app, make.user("team", password=make.PASSWORD))
    team.get("/te-behandelen/")
    assert "eID koppelen" in team.text
    team.get(team.page.find("a", href=re.compile("/eid-aanvragen/"))["href"])
    team.send(decision="approve")

    one = User.get(User.email == "bram@kavo.test")
    assert one.has_eid
    assert placement.site.manager() == one
    assert placement.evaluations.get().by == one
    assert LinkRequest.get().state == "linked"
    assert Mail.get(Mail.kind == "eid_linked").to_address == "bram@kavo.test"


def test_a_handover_between_two_accounts_of_one_person_ends_when_they_become_one(now):
    old, into = make.user(birth_date=BORN, password=make.PASSWORD), make.user(birth_date=BORN)
    site = make.site(old)
    handover = handovers.ask(site, into, into.email, "0470 12 34 56", now)
    identities.merge(old, into, make.user("team"), now)

    assert Handover.get_by_id(handover.id).state == "withdrawn"
    assert site.manager() == into
    assert list(checks.breaches()) == []


def test_an_account_that_is_switched_off_does_not_open(app, op):
    register(app, op)
    User.update(active=False).execute()
    visitor = Visitor(app)
    go(visitor, op)

    assert "Met dit account kun je niet meer aanmelden" in visitor.text


# ---- the age rules


def test_under_18_one_may_choose_eid_and_then_the_password_is_gone_for_good(app, op, now):
    user = young()
    op.claims["rrn"] = number(user.birth_date)
    here = Visitor(app, user)
    here.get("/eid-koppelen")
    assert "daarna kun je niet meer aanmelden met je e-mailadres en wachtwoord" in here.text
    other = Visitor(app, user)
    accounts.add_team_member("kim@kavo.test", utcnow())

    visitor = link(app, op, user)

    assert "Je eID is gekoppeld" in visitor.text
    assert User.get_by_id(user.id).password is None
    assert "aanmelden" in other.client.get("/mijn-gegevens").headers["Location"]
    again = Visitor(app)
    again.get("/aanmelden")
    again.send(email=user.email, password=make.WORD)
    assert again.path == "/aanmelden"
    with pytest.raises(RuleError, match="meldt zich aan met eID"):
        accounts.invite(User.get_by_id(user.id), make.user("team"), utcnow())
    reset = Visitor(app)
    reset.get("/wachtwoord-vergeten")
    reset.send(email=user.email)
    assert Mail.select().order_by(Mail.id.desc()).get().kind == "log_in_with_eid"


@pytest.mark.parametrize("days, must", [(-1, False), (0, True), (1, True)])
def test_from_the_18th_birthday_on_a_password_leads_to_linking_an_eid(app, days, must):
    user = young(birth_date=years_after(local_date(utcnow()), -18) - timedelta(days=days))
    site = make.site(user)
    visitor = Visitor(app, user)

    assert (visitor.path == "/eid-koppelen") == must
    for path in ("/stageplaatsen/", f"/stageplaatsen/{site.id}/deelnemers/", "/mijn-gegevens", "/overdrachten/"):
        visitor.get(path, follow_redirects=True)
        assert (visitor.path == "/eid-koppelen") == must
    assert visitor.get("/hulp").status_code == 200


def test_linking_an_eid_at_18_keeps_sites_and_history(app, op):
    user = young(birth_date=BORN)
    site = make.site(user)
    visitor = link(app, op, user)

    assert visitor.path.startswith("/te-doen/")
    assert str(site) in visitor.text
    assert site.manager().id == user.id
    assert User.get_by_id(user.id).first_name == "Bram"


@pytest.mark.parametrize(
    "values, roles",
    [
        ({"password_exception": "Geen Belgische eID"}, ["manager"]),
        ({}, ["manager", "team"]),
        ({}, ["association"]),
        ({"birth_date": None}, ["manager"]),
    ],
)
def test_exceptions_team_and_associations_keep_their_password(app, values, roles):
    user = make.user(roles[0], **{"password": make.PASSWORD, "birth_date": BORN, **values})
    for name in roles[1:]:
        UserRole.create(user=user, role=Role.get_or_create(name=name)[0])

    assert Visitor(app, user).path != "/eid-koppelen"


def test_a_team_member_who_links_keeps_the_password(app, op):
    user = make.user("team", password=make.PASSWORD, first_name="Bram", last_name="Wouters")
    link(app, op, user)

    assert User.get_by_id(user.id).password is not None
    assert User.get_by_id(user.id).has_eid


def test_staff_of_an_association_link_an_eid_and_start_with_their_tasks(app, op):
    staff = make.association(name="Speelkaravaan vzw")
    hilde = make.user("association", staff, password=make.PASSWORD, first_name="Bram", last_name="Wouters")
    link(app, op, hilde)
    visitor = Visitor(app)
    go(visitor, op)

    assert visitor.path == "/te-doen/"
    assert "Speelkaravaan vzw" in visitor.text
    assert User.get_by_id(hilde.id).password is not None  # the age rule is for site managers


def test_an_eid_with_another_birth_date_goes_to_the_team_and_the_password_works_meanwhile(app, op):
    user = young(birth_date=date(2000, 1, 1))
    visitor = link(app, op, user)

    assert "past niet bij je account" in visitor.text
    assert not Identity.select().exists()
    assert Visitor(app, user).path != "/eid-koppelen"
    asked = LinkRequest.get()
    with pytest.raises(RuleError, match="waarom je niet koppelt"):
        identities.refuse_link(asked, make.user("team"), utcnow(), " ")

    identities.decide_link(asked, make.user("team"), utcnow())

    assert User.get_by_id(user.id).birth_date == BORN
    assert User.get_by_id(user.id).password is None
    with pytest.raises(RuleError, match="al behandeld"):
        identities.decide_link(LinkRequest.get(), make.user("team"), utcnow())


def test_an_eid_that_has_an_account_goes_to_the_team(app, op):
    register(app, op)
    user = young(birth_date=BORN)
    link(app, op, user)

    assert LinkRequest.get().other == User.get(User.email == "bram@kavo.test")
    assert User.get_by_id(user.id).password is not None


def test_a_refused_link_is_told_with_its_reason(now):
    user = young()
    with database.atomic():
        identities.ask_team(user, now, bram(), None)
    identities.refuse_link(LinkRequest.get(), make.user("team"), now, "Dit is iemand anders.")

    assert "Dit is iemand anders." in Mail.get(Mail.kind == "eid_not_linked").body


def test_somebody_without_eid_gets_an_account_by_the_team_with_a_reason(app):
    team = Visitor(app, make.user("team", password=make.PASSWORD))
    team.get("/accounts/new/")
    values = {
        "email": "pat@kavo.test",
        "first_name": "Pat",
        "last_name": "Smith",
        "role_names": ["manager"],
        "active": "y",
        "invite": "y",
    }
    team.send(**values)
    assert "Schrijf dan waarom je een uitzondering maakt." in team.text
    assert not User.select().where(User.email == "pat@kavo.test").exists()

    team.send(**values, password_exception="Woont in Nederland, geen Belgische eID")

    assert User.get(User.email == "pat@kavo.test").password_exception.startswith("Woont")
    assert Mail.get().kind == "choose_password"
