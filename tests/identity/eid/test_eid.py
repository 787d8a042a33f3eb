"""Logging in with eID: a valid answer, the data kept from it, registering, and logging out."""

import time
from datetime import date, timedelta

import pytest

import config
from app import create_app
from database import RuleError, database
from identity import eid
from models import (
    NOWHERE,
    Identity,
    Mail,
    Site,
    Token,
    User,
    UserSession,
)
from tests import factories as make
from tests.conftest import KEYS
from tests.identity.eid.op import number
from tests.identity.eid.steps import BORN, ORDINARY, bram, come_back, go, link, register, send_site, young
from tests.public_pages.test_registration import born, path_in, typed
from tests.visitor import Visitor
from times import utcnow
from workflow.accounts import accounts, joining

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


@pytest.mark.parametrize(
    "fault",
    [
        "issuer",
        "issuer slash",
        "audience",
        "audience and azp",
        "audiences",
        "nonce",
        "no nonce",
        "expired",
        "no exp",
        "future",
        "not before",
        "empty sub",
        "no sub",
        "at_hash",
        "alg none",
        "alg none listed",
        "HS256",
        "foreign key",
        "embedded key",
        "unknown kid",
        "bit flipped",
        "no id_token",
        "discovery issuer",
        "keys broken",
        "server error",
        "no number",
        "bad number",
        "number is a list",
        "exp is text",
    ],
)
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
    ({"state": "wrong"}, "verlopen"),
    ({"state": None}, "verlopen"),
    ({"code": "unknown"}, "klopte niet"),
    ({"code": None}, "klopte niet"),
    ({"iss": "http://evil.example"}, "klopte niet"),
    ({"code": None, "error": "access_denied"}, "Je brak het aanmelden af"),
    ({"code": None, "error": "invalid_scope"}, "kan nu niet"),
    ({"code": None, "error": "server_error"}, "klopte niet"),
]


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

    assert other.get(path).status_code == 400
    assert "verlopen" in other.text
    assert other.page.find("a", string="Opnieuw proberen")["href"] == "/aanmelden-met-eid"
    asked = len(op.codes)
    assert visitor.get(path, follow_redirects=True).status_code == 200
    visitor.get(path, follow_redirects=True)
    assert "Dag Bram Wouters" in visitor.text  # the provider received no second request
    assert len(op.codes) == asked - 1


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


@pytest.mark.parametrize("days, told", [(0, "Een nieuwe stageplaats aanmaken"), (-1, "kan vanaf 14 jaar")])
def test_an_eid_of_somebody_under_14_is_told_so_at_once(app, op, days, told):
    visitor, op.claims["rrn"] = Visitor(app), number(date.fromisoformat(born(14, days)))
    go(visitor, op)
    visitor.get("/registreren/met-eid/stageplaatsverantwoordelijke")
    assert told in visitor.text


def test_with_eid_the_applicant_is_in_at_once_and_sees_in_behandeling(app, op):
    visitor = register(app, op)

    assert visitor.path.startswith("/stageplaatsen/")
    assert "In behandeling" in visitor.text
    user, site = User.get(User.email == "bram@kavo.test"), Site.get()
    assert (site.state, site.manager(), site.declared_by) == ("submitted", user, user)
    assert (user.password, user.confirmed_at) == (None, None)
    mail, receipt = Mail.select().order_by(Mail.id)
    assert (mail.kind, receipt.kind) == ("confirm_address", "application_received")
    assert receipt.to_address == "bram@kavo.test"

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


def test_a_place_of_another_postcode_is_asked_about_once(app, op):
    visitor = register(app, op, postcode="9000", municipality="Antwerpen")
    assert "Klopt dit? Bij postcode 9000 hoort Gent." in visitor.text
    assert not Site.select().exists()
    visitor.send()
    assert (Site.get().postcode, Site.get().municipality) == ("9000", "Antwerpen")


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


def test_a_new_person_can_log_out_and_leaves_nothing(app, op):
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


# ---- logging out


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


def test_the_intended_page_is_remembered_but_no_other_site(app, op):
    register(app, op)
    for wanted, path in (
        ("/overdrachten/", "/overdrachten/"),
        ("//evil.example/", "/te-doen/"),
        ("https://evil.example", "/te-doen/"),
    ):
        visitor = Visitor(app)
        location = visitor.client.get("/aanmelden-met-eid", query_string={"next": wanted}).headers["Location"]
        come_back(visitor, op, location)
        assert visitor.path.startswith(path)


# ---- e-mail addresses


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


def test_a_name_a_phone_and_an_address_change_at_once(app):
    user = young()
    visitor = Visitor(app, user)
    visitor.get("/mijn-gegevens")
    visitor.send(last_name="Anders", phone="0470 99 99 99", email="nieuw@kavo.test")
    user = User.get_by_id(user.id)
    assert (user.last_name, user.phone, user.claimed_email) == ("Anders", "+32470999999", "nieuw@kavo.test")
    assert "We stuurden een link" in visitor.text


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

    assert "We stuurden een link naar van@kavo.test" in visitor.text
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
    assert "We stuurden je een nieuwe link." in visitor.text

    visitor.get(path_in(Mail.select().order_by(Mail.id.desc()).get()))
    visitor.send()

    assert User.get().confirmed_at is not None
    assert visitor.get(old).status_code == 410


def test_an_account_without_a_known_address_gets_no_mail(now):
    with database.atomic():
        user = joining.with_eid(bram(), make.user().email, "0470 12 34 56", now)

    assert user.email.endswith(NOWHERE)
    assert not Mail.select().where(Mail.to_address.endswith(NOWHERE)).exists()
