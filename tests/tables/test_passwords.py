"""A password is the same at every entry point that sets or checks it, however a keyboard encodes its letters; and its length."""

import re
import unicodedata

import flask_security
import pytest

from database import database
from models import Mail, User, passwords
from tests import factories as make
from tests.identity.test_login import is_inside, log_in
from tests.public_pages.test_registration import fill_in
from tests.visitor import Visitor
from tests.workflow.sites.test_handovers import young_asks
from times import utcnow
from workflow.accounts import accounts

WORDS = {
    "accents": "CaféçàGent7",
    "no-break space": "Gent\u00a0Zomer7",
    "sharp s": "StraßeGent7",
    "emoji": "Zon\U0001f600Gent7",
    "ligature": "\ufb01etsBel42",
    "spaces around": " Fietsbel 42 ",
    "longest": "A1" + "é" * 126,
    "plain": "Fietsbel42x",
}
FORMS = ("NFC", "NFD", "NFKC", "NFKD")


def registration(app, word):
    fill_in(app, email="sam@kavo.test", password=word, again=word)
    User.update(confirmed_at=utcnow()).where(User.email == "sam@kavo.test").execute()


def taking_over(app, word):
    young_asks(app, make.site(manager=make.user()), email="sam@kavo.test", password=word, again=word)
    User.update(confirmed_at=utcnow()).where(User.email == "sam@kavo.test").execute()


def by_link(app, word, role="manager"):
    user = make.user(role, email="sam@kavo.test", password_exception="Geen Belgische eID")
    accounts.invite(user, make.user("team"), utcnow())
    visitor = Visitor(app)
    visitor.get(re.search(r"^http://localhost:8000(/\S+)$", Mail.get().body, re.M)[1])
    visitor.send(password=word, again=word)
    return visitor


def changing(app, word, role="manager"):
    visitor = Visitor(app, make.user(role, email="sam@kavo.test", password=make.PASSWORD))
    visitor.get("/wachtwoord-wijzigen")
    visitor.send(password=make.WORD, new_password=word, new_password_confirm=word)
    return visitor


def command(app, word):
    user = make.user(email="sam@kavo.test", password=make.PASSWORD)
    database.close()
    done = app.test_cli_runner().invoke(args=["users", "change_password", user.email, "--password", word])
    database.connect(reuse_if_open=True)
    assert done.exit_code == 0, done.output


DOORS = command, registration, taking_over, by_link, changing


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("door", DOORS)
def test_a_password_set_at_one_door_works_at_every_other(app, door, word):
    door(app, word)

    for form in FORMS:
        typed = unicodedata.normalize(form, word)
        visitor = log_in(app, "sam@kavo.test", typed)
        assert is_inside(visitor), form
        visitor.get("/ben-jij-het?next=/tweede-stap/")
        visitor.send(password=typed)
        assert "klopt niet" not in visitor.text
    assert not is_inside(log_in(app, "sam@kavo.test", word[:-1]))
    assert not is_inside(log_in(app, "sam@kavo.test", word + "x"))
    visitor.get("/wachtwoord-wijzigen")
    visitor.send(password=typed, new_password="Zandkasteel8", new_password_confirm="Zandkasteel8")
    assert is_inside(log_in(app, "sam@kavo.test", "Zandkasteel8"))


@pytest.mark.parametrize("word", ["CaféçàGent7", "Gent\u00a0Zomer7", "\ufb01etsBel42"])
@pytest.mark.parametrize("by_change", [False, True])
def test_a_hash_of_what_was_typed_still_opens_and_is_brought_into_the_one_form(app, word, by_change):
    with app.app_context():
        user = make.user(password=flask_security.hash_password(word))

    visitor = log_in(app, user.email, word)
    assert is_inside(visitor)
    if by_change:
        with app.app_context():
            User.update(password=flask_security.hash_password(word)).execute()
        visitor.get("/wachtwoord-wijzigen")
        visitor.send(password=word, new_password="Zandkasteel8", new_password_confirm="Zandkasteel8")
        word = "Zandkasteel8"

    with app.app_context():
        assert flask_security.verify_password(passwords.normal(word), User.get_by_id(user.id).password)
    assert is_inside(log_in(app, user.email, unicodedata.normalize("NFD", word)))


def test_a_wrong_password_leaves_a_hash_as_it_is(app):
    with app.app_context():
        user = make.user(password=flask_security.hash_password("CaféçàGent7"))

    assert not is_inside(log_in(app, user.email, "CaféçàGent8"))
    assert User.get_by_id(user.id).password == user.password


@pytest.mark.parametrize(
    "role, word, good",
    [
        ("manager", "Fiet4é", True),
        ("manager", "Fiet4", False),
        ("team", "Fietsbel42éx", True),
        ("team", "Fietsbel42é", False),
        ("association", "Fietsbel42éx", True),
        ("association", "Fietsbel42é", False),
        ("team", "fietsbel42éx", False),
        ("manager", "A1" + "é" * 126, True),
        ("manager", "A1" + "é" * 127, False),
    ],
)
@pytest.mark.parametrize("door", [by_link, changing])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_passwords_have_12_characters_for_those_who_see_many_and_6_for_site_managers(app, door, role, word, good, form):
    visitor = door(app, unicodedata.normalize(form, word), role)

    with app.app_context():
        assert passwords.fits(User.get(User.email == "sam@kavo.test"), word) is good
    if not good and len(word) < passwords.MOST:
        least = passwords.LEAST if role == "manager" else passwords.LEAST_FOR_MANY
        assert f"minimaal {least} karakters" in visitor.text


@pytest.mark.parametrize("role, least", [("manager", 6), ("team", 12), ("association", 12)])
def test_the_page_says_which_rule_holds_and_an_older_password_goes_on_working(app, role, least):
    with app.app_context():
        user = make.user(role, password=passwords.hashed("Fiets42"), password_exception="Geen Belgische eID")
        assert passwords.fits(user, "Fiets42")
    visitor = Visitor(app, make.user(role, email="sam@kavo.test", password=make.PASSWORD))
    visitor.get("/wachtwoord-wijzigen")
    assert f"minimaal {least} karakters" in visitor.text
    User.update(password=None).where(User.id == user.id).execute()
    accounts.invite(User.get_by_id(user.id), make.user("team"), utcnow())
    visitor.get(re.search(r"^http://localhost:8000(/\S+)$", Mail.get().body, re.M)[1])
    assert f"minimaal {least} karakters" in visitor.text
