"""Logging in with eID: what an answer must be, what is kept of it, the age rules, and one account for one person."""

import re
import time
from datetime import date, timedelta

import pytest

import checks
import config
import eid
from app import create_app
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
    Token,
    User,
    UserRole,
    UserSession,
)
from people import NOWHERE
from tests import factories as make
from tests.conftest import KEYS
from tests.op import Op, number
from tests.test_registration import born, path_in, typed
from tests.visitor import Visitor
from times import local_date, utcnow, years_after
from workflow import accounts, handovers, identities, joining
from workflow.identities import EidPerson

BORN = date(1990, 3, 8)
ORDINARY = {"given_name": "Bram", "family_name": "Wouters", "rrn": number(BORN)}


@pytest.fixture(scope="module")
def provider():
    with Op() as made:
        yield made


@pytest.fixture
def op(provider):
    provider.claims, provider.fault, provider.asked = dict(ORDINARY), None, []
    return provider


@pytest.fixture
def app(db, tmp_path, op):
    """The application, which asks this provider."""
    database.close()
    made = create_app(
        config.load(
            {"KAVO_DATABASE_URL": db, "KAVO_QUEUE_URL": f"sqlite:///{tmp_path / 'queue.db'}", **KEYS, **op.settings()}
        )
    )
    database.connect()
    return made


def go(visitor, op, **changes):
    """Click 'Aanmelden met eID', be sent to the provider, and come back."""
    location = visitor.client.get("/aanmelden-met-eid").headers["Location"]
    return come_back(visitor, op, location, **changes)


def come_back(visitor, op, location, **changes):
    return visitor.get(op.answer(location, **changes), follow_redirects=True)


def bram(**changes):
    """What the eID of a test tells."""
    values = {
        "issuer": "https://op", "subject": "sub-bram", "number_hash": "h" * 64, "key_id": "k", "first_name": "Bram",
        "last_name": "Wouters", "birth_date": BORN, **changes,
    }  # fmt: skip
    return EidPerson(**values)


# ---- the answer of the provider


def test_a_good_answer_of_somebody_new_leads_to_the_choice(app, op):
    visitor = Visitor(app)
    go(visitor, op)

    assert "Dag Bram Wouters" in visitor.text
    assert visitor.page.find("a", string="Stageplaatsverantwoordelijke")
    asked = op.asked[0]
    assert asked["scope"] == "openid profile rrn vo"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len(asked["nonce"]) >= 20
    assert len(asked["state"]) >= 20


@pytest.mark.parametrize("fault", [
    "issuer", "issuer slash", "audience", "audience and azp", "audiences", "nonce", "no nonce", "expired", "no exp", "future",
    "not before", "empty sub", "no sub", "at_hash", "alg none", "alg none listed", "HS256", "foreign key", "embedded key",
    "unknown kid", "bit flipped", "no id_token", "discovery issuer", "keys broken", "server error", "no number", "bad number",
    "number is a list", "exp is text",
])  # fmt: skip
def test_a_wrong_answer_ends_on_a_kind_page_and_logs_nobody_in(app, op, fault):
    make.user(first_name="Iemand")
    op.fault = fault
    visitor = Visitor(app)
    answer = visitor.client.get("/aanmelden-met-eid")
    if answer.status_code == 302:
        answer = come_back(visitor, op, answer.headers["Location"])
    visitor._keep(answer)

    assert answer.status_code in (400, 503)
    assert "Opnieuw proberen" in visitor.text
    assert "1700" in visitor.text
    assert visitor.client.get("/mijn-gegevens").status_code == 302
    assert "Dag" not in visitor.get("/registreren/met-eid", follow_redirects=True).text.partition("<main")[2][:400]
    assert not UserSession.select().exists()


WAYS_BACK = [
    ({"state": "wrong"}, "verlopen"), ({"state": None}, "verlopen"), ({"code": "unknown"}, "klopte niet"),
    ({"code": None}, "klopte niet"), ({"iss": "http://evil.example"}, "klopte niet"),
    ({"code": None, "error": "access_denied"}, "Je brak het aanmelden af"),
    ({"code": None, "error": "invalid_scope"}, "kan nu niet"), ({"code": None, "error": "server_error"}, "klopte niet"),
]  # fmt: skip


@pytest.mark.parametrize("changes, words", WAYS_BACK)
def test_a_wrong_way_back_ends_on_a_kind_page(app, op, changes, words):
    visitor = Visitor(app)
    answer = go(visitor, op, **changes)

    assert answer.status_code in (200, 400, 503)
    assert words in visitor.text
    assert not UserSession.select().exists()


def test_an_answer_is_good_once_and_in_the_browser_that_asked(app, op):
    visitor, other = Visitor(app), Visitor(app)
    path = op.answer(visitor.client.get("/aanmelden-met-eid").headers["Location"])

    assert "verlopen" in (other.get(path) and other.text)
    visitor.get(path)
    assert "verlopen" in (visitor.get(path) and visitor.text)


def test_a_provider_that_changed_its_key_is_believed_after_asking_it(app, op):
    assert "Dag Bram" in (go(visitor := Visitor(app), op) and visitor.text)
    op.rotate()
    assert "Dag Bram" in (go(visitor := Visitor(app), op) and visitor.text)


def test_a_clock_that_is_half_a_minute_off_is_forgiven(app, op):
    op.claims["exp"] = int(time.time()) - 20

    assert "Dag Bram" in (go(visitor := Visitor(app), op) and visitor.text)


def test_a_provider_that_does_not_answer_is_said_so(db, tmp_path):
    database.close()
    made = create_app(config.load({"KAVO_DATABASE_URL": db, **KEYS, "KAVO_EID_ISSUER": "http://127.0.0.1:9"}))
    database.connect()
    visitor = Visitor(made)

    assert visitor.get("/aanmelden-met-eid").status_code == 503
    assert "antwoordt niet" in visitor.text


def test_logins_that_are_begun_and_left_do_not_make_the_cookie_longer(app, op):
    visitor = Visitor(app)
    for _ in range(12):
        answer = visitor.client.get("/aanmelden-met-eid")

    assert len(answer.headers["Set-Cookie"]) < 1500


# ---- what is kept


def test_of_the_number_a_keyed_hash_and_the_birth_date_are_kept_and_nothing_else(app, op, caplog):
    op.claims.update(vo_id="vo-7", vo_doelgroepcode="GID", vo_orgcode="OVO1", vo_orgnaam="CJM")
    register(app, op)

    identity, user = Identity.get(), User.get(User.email == "bram@kavo.test")
    assert identity.number_hash == eid.number_hash(ORDINARY["rrn"], KEYS["KAVO_LOOKUP_KEY"])
    assert (user.first_name, user.last_name, user.birth_date) == ("Bram", "Wouters", BORN)
    assert (identity.vo_id, identity.vo_group, identity.vo_organisation) == ("vo-7", "GID", "OVO1 CJM")
    assert identity.acr == UserSession.get().acr == "urn:be:vlaanderen:authmech:eid"
    everything = " ".join(
        str(row) for table in database.get_tables() for row in database.execute_sql(f'SELECT * FROM "{table}"')
    )
    assert ORDINARY["rrn"] not in everything + caplog.text


@pytest.mark.parametrize("table", ["identity", "link_request", "draft", "user", "history", "mail"])
def test_no_export_holds_the_number_or_its_hash(app, op, table):
    register(app, op)
    go(Visitor(app), op)
    link(app, op, young(birth_date=date(2000, 1, 1)))
    output = app.test_cli_runner().invoke(args=["export", table]).output

    assert "\n" in output
    assert ORDINARY["rrn"] not in output
    assert Identity.get().number_hash not in output


@pytest.mark.parametrize("month, day", [(0, 1), (3, 0)])
def test_a_number_without_a_birth_date_makes_us_ask_it(app, op, month, day):
    digits = f"90{month:02}{day:02}301"
    op.claims["rrn"] = f"{digits}{97 - int(digits) % 97:02}"
    visitor = Visitor(app)
    go(visitor, op)
    visitor.get("/registreren/met-eid/nieuw")
    assert "Geboortedatum" in visitor.text

    send_site(visitor, birth_date="1990-03-08")

    assert User.get(User.email == "bram@kavo.test").birth_date == BORN


@pytest.mark.parametrize("added", [20, 40])
def test_a_bis_number_tells_the_birth_date_too(app, op, added):
    digits = f"90{3 + added:02}08301"
    op.claims["rrn"] = f"{digits}{97 - int(digits) % 97:02}"
    register(app, op)

    assert User.get(User.email == "bram@kavo.test").birth_date == BORN


def test_names_come_from_the_eid_and_change_with_it_only(app, op):
    visitor = register(app, op)
    visitor.get("/mijn-gegevens")
    assert not visitor.page.select("[name=first_name]")
    user = User.get(User.email == "bram@kavo.test")
    with pytest.raises(RuleError, match="komt van je eID"):
        accounts.change_own_data(user, utcnow(), first_name="Anders")

    op.claims["family_name"] = "Wouters-Claes"
    go(Visitor(app), op)

    assert User.get_by_id(user.id).last_name == "Wouters-Claes"


# ---- registering


def send_site(visitor, **changes):
    values = {
        name: value
        for name, value in typed().items()
        if name not in ("first_name", "last_name", "birth_date", "password", "again")
    }
    return visitor.send(**{**values, "email": "bram@kavo.test", **changes})


def register(app, op, **changes):
    visitor = Visitor(app)
    go(visitor, op)
    visitor.get("/registreren/met-eid/nieuw")
    send_site(visitor, **changes)
    return visitor


def test_with_eid_one_is_in_at_once_and_sees_the_application_in_behandeling(app, op):
    visitor = register(app, op)

    assert visitor.path.startswith("/stageplaatsen/")
    assert "In behandeling" in visitor.text
    user, site = User.get(User.email == "bram@kavo.test"), Site.get()
    assert (site.state, site.manager(), site.declared_by) == ("submitted", user, user)
    assert (user.password, user.confirmed_at) == (None, None)
    (mail,) = Mail.select()
    assert mail.kind == "confirm_address"

    visitor.get(path_in(mail))
    assert [button.get_text(strip=True) for button in visitor.page.select("main button")] == ["Registratie voltooien"]
    visitor.send()

    assert User.get_by_id(user.id).confirmed_at is not None
    assert "E-mailadres is bevestigd" in visitor.text or "e-mailadres is bevestigd" in visitor.text


def test_the_same_form_sent_twice_makes_one_account(app, op):
    visitor = Visitor(app)
    go(visitor, op)
    visitor.get("/registreren/met-eid/nieuw")
    form = visitor.page.select_one("main form[method=post]")
    send_site(visitor)
    visitor.path = "/registreren/met-eid/nieuw"
    values = {
        name: value
        for name, value in typed().items()
        if name not in ("first_name", "last_name", "birth_date", "password", "again")
    }
    visitor.send(form, **{**values, "email": "bram@kavo.test"})

    assert (User.select().count(), Site.select().count()) == (1, 1)


def test_bad_input_of_somebody_with_eid_is_refused_and_kept(app, op):
    visitor = register(app, op, postcode="12", email="nergens")

    assert "Een Belgische postcode heeft 4 cijfers." in visitor.text
    assert visitor.page.select_one("[name=postcode]")["value"] == "12"
    assert not User.select().exists()


def test_without_logging_in_the_form_leads_to_the_choice(app):
    for path in (
        "/registreren/met-eid",
        "/registreren/met-eid/nieuw",
        "/registreren/met-eid/stageplaatsverantwoordelijke",
    ):
        visitor = Visitor(app)
        visitor.get(path, follow_redirects=True)
        assert "Meld je eerst aan met eID" in visitor.text


def test_who_is_new_can_log_out_and_leaves_nothing(app, op):
    visitor = Visitor(app)
    go(visitor, op)
    form = visitor.page.select_one(".loginbar form")
    answer = visitor.client.post(form["action"], data={"csrf_token": form.input["value"]})

    assert answer.status_code == 302
    assert "Dag Bram" not in (visitor.get("/registreren/met-eid", follow_redirects=True) and visitor.text)


def test_what_an_adult_typed_in_the_form_for_under_18_is_there_after_eid(app, op):
    visitor = Visitor(app)
    visitor.get("/registreren/jongeren")
    visitor.send(**typed(birth_date=born(30)))
    assert "Wat je invulde, bewaren we 24 uur" in visitor.text
    go(visitor, op)
    visitor.get("/registreren/met-eid/nieuw")

    assert visitor.page.select_one("[name=name]")["value"] == "Speelplein De Vlieger"
    assert visitor.page.select_one("[name=email]")["value"] == "noor@kavo.test"


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


def test_who_confirms_that_both_accounts_are_the_own_gets_one(app, op):
    owner = make.user(email="bram@kavo.test", birth_date=BORN, password=make.PASSWORD, confirmed_at=utcnow())
    old_site = make.site(owner)
    register(app, op)
    visitor = Visitor(app)
    visitor.get(path_in(Mail.get(Mail.kind == "same_person")))
    visitor.send()

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
    visitor.send()
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
    handover = handovers.ask(site, into, into.email, "0470", now)
    identities.merge(old, into, make.user("team"), now)

    assert Handover.get_by_id(handover.id).state == "withdrawn"
    assert site.manager() == into
    assert list(checks.breaches()) == []


def test_an_eid_that_belongs_to_two_accounts_is_refused_kindly(app, op):
    for subject, hashed in (("sub-1", "x"), ("other", eid.number_hash(ORDINARY["rrn"], KEYS["KAVO_LOOKUP_KEY"]))):
        Identity.create(user=make.user(), issuer=op.issuer, subject=subject, number_hash=hashed, created_at=utcnow())

    visitor = Visitor(app)
    go(visitor, op)

    assert "hoort bij twee accounts" in visitor.text


def test_an_account_that_is_switched_off_does_not_open(app, op):
    register(app, op)
    User.update(active=False).execute()
    visitor = Visitor(app)
    go(visitor, op)

    assert "Met dit account kun je niet meer aanmelden" in visitor.text


def test_another_number_of_the_same_person_is_recognised_by_the_subject(app, op):
    register(app, op)
    op.claims["rrn"] = number(BORN, 305)
    visitor = Visitor(app)
    go(visitor, op)

    assert visitor.path.startswith("/stageplaatsen/")
    assert Identity.get().number_hash == eid.number_hash(op.claims["rrn"], KEYS["KAVO_LOOKUP_KEY"])


# ---- the age rules


def young(**values):
    return make.user(**{"password": make.PASSWORD, "birth_date": date.fromisoformat(born(17)), **values})


def link(app, op, user):
    visitor = Visitor(app, user)
    visitor.get("/eid-koppelen")
    form = visitor.page.select_one("main form[method=post]")
    data = {one["name"]: one["value"] for one in form.select("input")}
    location = visitor.client.post("/eid-koppelen", data=data).headers["Location"]
    come_back(visitor, op, location)
    return visitor


def test_under_18_one_may_choose_eid_and_then_the_password_is_gone_for_good(app, op, now):
    user = young()
    op.claims["rrn"] = number(user.birth_date)
    here = Visitor(app, user)
    here.get("/eid-koppelen")
    assert "daarna kun je niet meer inloggen met je e-mailadres en wachtwoord" in here.text
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


def test_who_links_at_18_keeps_sites_and_history(app, op):
    user = young(birth_date=BORN)
    site = make.site(user)
    visitor = link(app, op, user)

    assert visitor.path.startswith("/stageplaatsen/")
    assert str(site) in visitor.text
    assert site.manager().id == user.id
    assert User.get_by_id(user.id).first_name == "Bram"


@pytest.mark.parametrize("values, roles", [
    ({"password_exception": "Geen Belgische eID"}, ["manager"]), ({}, ["manager", "team"]), ({}, ["association"]),
    ({"birth_date": None}, ["manager"]),
])  # fmt: skip
def test_exceptions_team_and_associations_keep_their_password(app, values, roles):
    user = make.user(roles[0], **{"password": make.PASSWORD, "birth_date": BORN, **values})
    for name in roles[1:]:
        UserRole.create(user=user, role=Role.get_or_create(name=name)[0])

    assert Visitor(app, user).path != "/eid-koppelen"


def test_a_team_member_who_links_keeps_the_password(app, op):
    user = make.user("team", password=make.PASSWORD)
    link(app, op, user)

    assert User.get_by_id(user.id).password is not None
    assert User.get_by_id(user.id).has_eid


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


# ---- out again


def test_logging_out_goes_on_at_the_provider_and_no_url_holds_the_number(app, op):
    visitor = register(app, op)
    form = visitor.page.select_one(".loginbar form")
    answer = visitor.client.post(form["action"], data={"csrf_token": form.input["value"]})
    assert answer.headers["Location"] == "/afgemeld"
    onward = visitor.client.get("/afgemeld").headers["Location"]

    assert onward.startswith(f"{op.issuer}/end?client_id=")
    assert "id_token" not in onward
    assert visitor.client.get("/mijn-gegevens").status_code == 302
    assert UserSession.get().ended_at is not None
    assert visitor.client.get("/afgemeld").headers["Location"] == "/"


def test_logging_out_everywhere_goes_on_at_the_provider_too_and_a_password_login_does_not(app, op):
    visitor = register(app, op)
    User.update(password=make.PASSWORD, password_exception="x", confirmed_at=utcnow()).execute()
    visitor.get("/mijn-gegevens")
    assert visitor.post("/overal-afmelden").headers["Location"] == "/afgemeld"
    visitor.get("/aanmelden")
    visitor.send(email="bram@kavo.test", password=make.WORD)
    form = visitor.page.select_one(".loginbar form")
    visitor.client.post(form["action"], data={"csrf_token": form.input["value"]})

    assert visitor.client.get("/afgemeld").headers["Location"] == "/"


def test_where_one_wanted_to_go_is_remembered_but_not_elsewhere(app, op):
    register(app, op)
    for wanted, path in (
        ("/overdrachten/", "/overdrachten/"),
        ("//evil.example/", "/stageplaatsen/"),
        ("https://evil.example", "/stageplaatsen/"),
    ):
        visitor = Visitor(app)
        location = visitor.client.get("/aanmelden-met-eid", query_string={"next": wanted}).headers["Location"]
        come_back(visitor, op, location)
        assert visitor.path.startswith(path)


# ---- an address


def test_a_new_address_counts_once_its_link_is_followed(app):
    user = young()
    visitor = Visitor(app, user)
    visitor.get("/mijn-gegevens")
    visitor.send(email="Nieuw@kavo.test")
    assert User.get_by_id(user.id).email == user.email
    assert "Tot dan gebruiken we" in visitor.text

    visitor.get(path_in(Mail.get(Mail.kind == "confirm_address")))
    visitor.send()

    assert (User.get_by_id(user.id).email, User.get_by_id(user.id).claimed_email) == ("nieuw@kavo.test", None)
    assert Mail.get(Mail.kind == "address_changed").to_address == user.email


def test_a_few_new_addresses_an_hour_are_enough(app):
    visitor = Visitor(app, young())
    for attempt in range(6):
        visitor.get("/mijn-gegevens")
        visitor.send(visitor.page.select_one("main form:has([name=email])"), email=f"nieuw{attempt}@kavo.test")

    assert "Wacht een uur." in visitor.text
    assert Mail.select().where(Mail.kind == "confirm_address").count() == 5


def test_the_address_of_somebody_else_is_never_taken(app):
    owner, user = make.user(email="van@kavo.test"), young()
    visitor = Visitor(app, user)
    visitor.get("/mijn-gegevens")
    visitor.send(email=owner.email)

    assert "We mailden een link naar van@kavo.test" in visitor.text
    assert Mail.get().kind == "address_known"
    assert User.get_by_id(user.id).email == user.email


def test_an_old_link_offers_a_new_one_and_the_new_one_works(app, op):
    register(app, op)
    old = path_in(Mail.get())
    Token.update(expires_at=utcnow() - timedelta(days=1)).execute()
    Mail.update(created_at=utcnow() - timedelta(days=40)).execute()
    visitor = Visitor(app)
    assert visitor.get(old).status_code == 410
    visitor.send()
    assert "We mailden je een nieuwe link." in visitor.text

    visitor.get(path_in(Mail.select().order_by(Mail.id.desc()).get()))
    visitor.send()

    assert User.get().confirmed_at is not None
    assert visitor.get(old).status_code == 410


def test_an_account_without_a_known_address_gets_no_mail(now):
    with database.atomic():
        user = joining.with_eid(bram(), make.user().email, "0470", now)

    assert user.email.endswith(NOWHERE)
    assert not Mail.select().where(Mail.to_address.endswith(NOWHERE)).exists()
