"""The second factor: set up, single use of each code, lost, reset; and re-authentication before dangerous acts."""

import re
import time

import pytest

from database import RuleError
from models import History, Identity, Mail, Passkey, User, UserSession
from scope import NotYours
from tests import factories as make
from tests.visitor import Visitor
from workflow.accounts import second_steps


@pytest.fixture
def anna(app):
    """A site manager of 16 with a password."""
    return make.user(email="anna@kavo.test", password=make.PASSWORD)


@pytest.fixture
def team(app):
    return make.user("team", email="team1@kavo.test", password=make.PASSWORD)


def with_password(app, user):
    """A visitor who entered the right password, at the page that follows."""
    visitor = Visitor(app)
    visitor.get("/aanmelden")
    visitor.send(email=user.email, password=make.WORD)
    return visitor


def is_inside(visitor):
    return visitor.get("/mijn-gegevens").status_code == 200 and "Mijn gegevens" in visitor.page.title.text


def set_up_app(app, visitor):
    """Set up an app as a visitor does: type its key into the app, and enter the code that the app shows."""
    visitor.get("/tweede-stap/app")
    key = visitor.page.select_one("code").text
    code = app.security.totp_factory._totp(key, format="base32").generate().token
    visitor.send(code=f"{code[:3]} {code[3:]}")
    return code


def test_an_app_that_was_set_up_is_asked_for_at_the_next_login(app, anna):
    visitor = with_password(app, anna)
    assert is_inside(visitor)
    set_up_app(app, visitor)
    assert "Ingesteld" in visitor.text
    assert User.get_by_id(anna.id).tf_totp_secret.startswith("{")

    again = with_password(app, anna)
    assert "Code van je app" in again.text
    assert not is_inside(again)
    again = with_password(app, anna)
    again.send(code=make.code(app, anna))
    assert is_inside(again)
    told = Mail.get(Mail.kind == "second_step_changed")
    assert told.to_address == anna.email
    assert not re.search(r"\d{6}", told.body.replace("2026", ""))
    assert History.select().where(History.verb == "user.second_step").count() == 1


def test_a_wrong_code_keeps_the_same_picture(app, anna):
    visitor = with_password(app, anna)
    visitor.get("/tweede-stap/app")
    picture = str(visitor.page.select_one(".qr"))
    visitor.send(code="000000")
    assert "klopt niet" in visitor.text
    assert str(visitor.page.select_one(".qr")) == picture
    assert User.get_by_id(anna.id).tf_totp_secret is None


def test_a_code_is_good_once_and_an_older_one_never(app, anna):
    make.app_with_codes(app, anna)
    before, now = make.code(app, anna, -1), make.code(app, anna)
    first, second, third = (with_password(app, anna) for _ in range(3))

    first.send(code=now)
    second.send(code=now)
    third.send(code=before)

    assert [is_inside(one) for one in (first, second, third)] == [True, False, False]


def test_of_two_people_typing_the_same_code_at_once_one_gets_in(anna):
    assert [second_steps.use_code(anna, 5), second_steps.use_code(anna, 5), second_steps.use_code(anna, 4)] == [
        True,
        False,
        False,
    ]
    assert second_steps.use_code(anna, 6)


@pytest.mark.parametrize("wrong, inside", [(4, True), (5, False)])
def test_after_5_wrong_codes_the_right_one_is_refused_too(app, anna, wrong, inside):
    make.app_with_codes(app, anna)
    visitor = with_password(app, anna)
    for _ in range(wrong):
        visitor.send(code="000000")
    visitor.send(code=make.code(app, anna))
    assert is_inside(visitor) is inside


def test_a_code_for_emergencies_opens_once(app, anna):
    visitor = with_password(app, anna)
    set_up_app(app, visitor)
    visitor.send(visitor.page.select_one("form[action$=noodcodes]"), generate_new_codes="1")
    codes = [one.text for one in visitor.page.select(".codes code")]
    assert len(codes) == 8
    assert len(User.get_by_id(anna.id).mf_recovery_codes) == 8
    assert codes[0] not in str(User.get_by_id(anna.id).mf_recovery_codes)
    assert codes[0] not in "".join(mail.body for mail in Mail.select())

    for attempt, inside in ((codes[0].upper(), True), (codes[0], False), ("-", False), (codes[1], True)):
        other = with_password(app, anna)
        other.get("/aanmelden/noodcode")
        other.send(code=attempt)
        assert is_inside(other) is inside, attempt
    assert len(User.get_by_id(anna.id).mf_recovery_codes) == 6


def test_nobody_reaches_the_code_pages_without_the_password(app, anna):
    make.app_with_codes(app, anna)
    visitor = Visitor(app)
    for path in ("/aanmelden/code", "/aanmelden/noodcode", "/aanmelden/tweede-stap"):
        answer = visitor.get(path, follow_redirects=True)
        assert "Wachtwoord" in visitor.text, (path, answer.status_code)
    assert visitor.get("/aanmelden/passkey").status_code == 404


def test_the_team_must_have_a_second_step_and_gets_nowhere_without(app, team):
    visitor = with_password(app, team)
    assert "Stel eerst een tweede stap in" in visitor.text
    for path in ("/te-behandelen/", "/accounts/", "/mijn-gegevens", "/stageplaatsen/export/csv/"):
        answer = visitor.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/tweede-stap/"), path

    set_up_app(app, visitor)

    assert visitor.get("/te-behandelen/").status_code == 200


def test_where_it_is_not_demanded_the_team_may_do_without(app, team):
    app.config["SECURITY_TWO_FACTOR_REQUIRED"] = False
    assert with_password(app, team).get("/te-behandelen/").status_code == 200


def test_a_required_second_step_cannot_be_removed(app, team):
    visitor = Visitor(app, team)
    visitor.get("/tweede-stap/")
    visitor.send(visitor.page.select_one("form[action$=app-weg]"))
    assert "Stel eerst een andere in" in visitor.page.text
    assert User.get_by_id(team.id).tf_totp_secret

    make.app_with_codes(app, anna := make.user(password=make.PASSWORD))
    visitor = Visitor(app, anna)
    visitor.get("/tweede-stap/")
    visitor.send(visitor.page.select_one("form[action$=app-weg]"))
    assert User.get_by_id(anna.id).tf_totp_secret is None


def test_a_new_password_leaves_the_second_step(app, anna):
    make.app_with_codes(app, anna)
    visitor = Visitor(app, anna)
    visitor.get("/wachtwoord-wijzigen")
    visitor.send(password=make.WORD, new_password="Zandkasteel8", new_password_confirm="Zandkasteel8")
    assert User.get_by_id(anna.id).tf_totp_secret
    visitor = Visitor(app)
    visitor.get("/aanmelden")
    visitor.send(email=anna.email, password="Zandkasteel8")
    assert "Code van je app" in visitor.text


def test_a_user_with_eid_gets_no_password_and_no_second_step_here(app):
    noor = make.user()
    Identity.create(user=noor, issuer="https://eid.test", subject="1", created_at=make.NOW)
    visitor = Visitor(app)
    with visitor.client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = noor.fs_uniquifier, True
        from times import utcnow
        from workflow.accounts import accounts

        cookie["session"] = accounts.open_session(noor, "", utcnow())
    assert visitor.get("/mijn-gegevens").status_code == 200
    for path in (
        "/wachtwoord-wijzigen",
        "/tweede-stap/",
        "/tweede-stap/app",
        "/tweede-stap/passkey",
        "/tweede-stap/noodcodes",
    ):
        assert visitor.get(path).status_code == 404, path


def test_the_team_wipes_a_second_step_that_was_lost(app, anna, team):
    make.app_with_codes(app, anna)
    with pytest.raises(NotYours):
        second_steps.wipe(User.get_by_id(anna.id), make.user(), make.NOW)
    with pytest.raises(RuleError, match="bij Mijn gegevens"):
        second_steps.wipe(team, team, make.NOW)
    lost, visitor = Visitor(app, anna), Visitor(app, team)
    visitor.post("/accounts/action/", {"one": f"wipe_second_step:{anna.id}", "sure": "1"})

    assert not is_inside(lost)
    assert is_inside(with_password(app, anna))
    assert History.get(History.verb == "user.second_step_wiped").actor_id == team.id


# ---- re-authentication


def later(visitor, minutes):
    """Make the log-in of this visitor `minutes` older."""
    with visitor.client.session_transaction() as cookie:
        cookie["fs_paa"] = time.time() - 60 * minutes
        cookie.pop("fs_gexp", None)


@pytest.mark.parametrize("minutes, asked", [(14, False), (16, True)])
def test_sensitive_pages_require_re_authentication_after_15_minutes(app, team, minutes, asked):
    other = make.user()
    visitor = Visitor(app, team)
    later(visitor, minutes)
    for path in ("/accounts/new/", f"/accounts/edit/?id={other.id}", "/tweede-stap/"):
        visitor.get(path)
        later(visitor, minutes)
        answer = visitor.get(path)
        assert (answer.status_code == 302) is asked, path
        if asked:
            assert answer.headers["Location"].startswith("/ben-jij-het?next=")
    visitor.get("/accounts/")
    later(visitor, minutes)
    visitor.post("/accounts/action/", {"one": f"end_sessions:{other.id}", "sure": "1"})
    assert History.select().where(History.verb == "user.signed_out").exists() is not asked


def test_after_the_password_the_user_returns_to_the_page_before(app, team):
    visitor = Visitor(app, team)
    later(visitor, 60)
    visitor.get("/accounts/new/", follow_redirects=True)
    assert "Ben jij het?" in visitor.text
    visitor.send(password="Fout1234")
    assert "Ben jij het?" in visitor.text
    visitor.send(password=make.WORD)
    assert visitor.path == "/accounts/new/"


def test_a_thief_of_a_session_cannot_guess_the_password_there(app, anna):
    visitor = Visitor(app, anna)
    later(visitor, 60)
    visitor.get("/ben-jij-het?next=/tweede-stap/")
    for _ in range(5):
        visitor.send(password="Fout1234")
    visitor.send(password=make.WORD)
    assert "te vaak fout" in visitor.text
    visitor.get("/wachtwoord-wijzigen")
    visitor.send(password=make.WORD, new_password="Zandkasteel8", new_password_confirm="Zandkasteel8")
    assert "te vaak fout" in visitor.text


def test_a_new_address_waits_during_re_authentication(app, anna):
    visitor = Visitor(app, anna)
    later(visitor, 60)
    visitor.get("/mijn-gegevens")
    visitor.send(email="nieuw@kavo.test")
    assert "Ben jij het?" in visitor.text
    assert User.get_by_id(anna.id).claimed_email is None
    visitor.send(password=make.WORD)
    assert visitor.page.select_one("#email")["value"] == "nieuw@kavo.test"
    visitor.send()
    assert User.get_by_id(anna.id).claimed_email == "nieuw@kavo.test"


def test_one_login_can_be_ended_from_another(app, anna):
    here, there = Visitor(app, anna), Visitor(app, anna)
    here.get("/mijn-gegevens")
    other = here.page.select("form[action*=sessie]")
    assert len(other) == 1, "the current session has no such button"
    here.send(other[0])
    assert UserSession.select().where(UserSession.ended_at.is_null()).count() == 1
    assert is_inside(here)
    assert not is_inside(there)


def test_nobody_ends_the_login_of_somebody_else(app, anna):
    other = make.user(password=make.PASSWORD)
    Visitor(app, other)
    session = UserSession.get(UserSession.user == other)
    assert Visitor(app, anna).post(f"/sessie-afmelden/{session.id}").status_code == 404
    assert UserSession.get_by_id(session.id).ended_at is None


def passkey(user, name):
    return Passkey.create(
        user=user,
        credential_id=f"{user.id} {name}".encode(),
        public_key=b"x",
        backup_state=False,
        device_type="x",
        lastuse_datetime=make.NOW,
        name=name,
        usage="secondary",
    )


def test_passkeys_are_limited_and_only_their_owner_can_remove_them(app, anna):
    mine, theirs = passkey(anna, "Telefoon"), passkey(make.user(), "Telefoon")
    for number in range(9):
        second_steps.add_passkey(anna, make.NOW, lambda number=number: passkey(anna, f"Toestel {number}"))
    with pytest.raises(RuleError, match="Verwijder er eerst een"):
        second_steps.add_passkey(anna, make.NOW, lambda: passkey(anna, "Te veel"))
    make.app_with_codes(app, anna)
    full = with_password(app, anna)
    full.send(which="authenticator")
    full.send(code=make.code(app, anna))
    full.get("/tweede-stap/passkey")
    full.send(name="Te veel")
    assert "Verwijder er eerst een" in full.text
    Passkey.delete().where(Passkey.user == anna).execute()
    visitor = Visitor(app, anna)
    visitor.get("/mijn-gegevens")
    assert visitor.post(f"/tweede-stap/passkey-weg/{theirs.id}").status_code == 404
    assert Passkey.select().where(Passkey.id == theirs.id).exists()
    assert mine.user_id == anna.id


@pytest.mark.parametrize("name", ["\u200b", " - ", "\u3164"], ids=ascii)
def test_a_passkey_gets_a_name_that_says_something(app, anna, name):
    visitor = Visitor(app, anna)
    visitor.get("/tweede-stap/passkey")
    visitor.send(name=name)

    assert "Typ een naam voor deze passkey." in visitor.text
