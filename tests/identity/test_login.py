"""Logging in without eID: passwords, limits, sessions, links."""

import re
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest

from models import Mail, User, UserSession, passwords
from tests import factories as make
from tests.visitor import Visitor
from times import utcnow
from workflow import limits
from workflow.accounts import accounts

WRONG = "E-mailadres of wachtwoord klopt niet."


@pytest.fixture
def jonas(app):
    return make.user(email="jonas@kavo.test", first_name="Jonas", last_name="Maes", password=make.PASSWORD)


def log_in(app, email, password):
    visitor = Visitor(app)
    visitor.get("/aanmelden")
    visitor.send(email=email, password=password)
    return visitor


def is_inside(visitor):
    return visitor.get("/mijn-gegevens").status_code == 200


@pytest.mark.parametrize(
    "email, password, inside",
    [
        ("jonas@kavo.test", make.WORD, True),
        ("JONAS@Kavo.test ", make.WORD, True),
        ("jonas@kavo.test", "Kadervorming2", False),
        ("jonas@kavo.test", make.WORD.lower(), False),
        ("niemand@kavo.test", make.WORD, False),
    ],
)
def test_the_right_password_opens_and_anything_else_gets_one_sentence(app, jonas, email, password, inside):
    visitor = log_in(app, email, password)

    assert (WRONG in visitor.text) is not inside
    assert is_inside(visitor) is inside


@pytest.mark.parametrize("wrong, inside", [(4, True), (5, False)])
def test_after_5_wrong_passwords_the_right_one_is_refused_too(app, jonas, wrong, inside):
    for _ in range(wrong):
        log_in(app, jonas.email, "Fout12345")

    visitor = log_in(app, jonas.email, make.WORD)

    assert is_inside(visitor) is inside
    other = make.user(password=make.PASSWORD)
    assert is_inside(log_in(app, other.email, make.WORD))


@pytest.mark.parametrize("wrong, refused", [(99, False), (100, True)])
def test_one_address_may_be_wrong_100_times(app, jonas, wrong, refused):
    for _ in range(wrong):
        limits.claim("address", "127.0.0.1", 100, utcnow())

    assert ("dit netwerk" in log_in(app, jonas.email, "Fout12345").text) is refused


def test_a_success_resets_the_count_and_time_ends_it(app, jonas):
    now = utcnow()
    for _ in range(5):
        limits.claim("account", jonas.email, 5, now)
    assert limits.claim("account", jonas.email, 5, now + limits.WINDOW - timedelta(seconds=1)) is None
    limits.claim("account", jonas.email, 5, now + limits.WINDOW).give_back()
    limits.forget("account", jonas.email)
    assert limits.claim("account", jonas.email, 5, now)


def test_limits_can_be_switched_off_outside_production(app, jonas):
    limits.set_up(False, "l" * 40)
    for _ in range(6):
        log_in(app, jonas.email, "Fout12345")

    assert is_inside(log_in(app, jonas.email, make.WORD))


def test_a_copied_cookie_does_not_outlive_the_logout(app, jonas):
    visitor, thief = log_in(app, jonas.email, make.WORD), Visitor(app)
    thief.client.set_cookie("kavo", visitor.client.get_cookie("kavo").value)
    assert is_inside(thief)

    visitor.get("/mijn-gegevens")
    visitor.send(visitor.page.select_one("header form"))

    assert not is_inside(visitor)
    assert not is_inside(thief)


def test_overal_afmelden_ends_every_device(app, jonas):
    here, there = (log_in(app, jonas.email, make.WORD) for _ in range(2))

    here.get("/mijn-gegevens")
    here.send(here.page.select("main form[method=post]")[-1])

    assert "overal afgemeld (2 toestellen)" in here.text
    assert not is_inside(here)
    assert not is_inside(there)


@pytest.mark.parametrize(
    "idle, age, holds",
    [
        (timedelta(hours=2), timedelta(hours=2), True),
        (timedelta(hours=2, seconds=1), timedelta(hours=3), False),
        (timedelta(0), timedelta(hours=12), True),
        (timedelta(0), timedelta(hours=12, seconds=1), False),
    ],
)
def test_a_session_ends_after_2_hours_of_rest_or_12_hours(jonas, now, idle, age, holds):
    secret = accounts.open_session(jonas, "", now - age)
    UserSession.update(seen_at=now - idle).execute()

    assert accounts.session_holds(secret, jonas, now) is holds


def test_a_disabled_account_is_logged_out_at_once(app, jonas):
    visitor = log_in(app, jonas.email, make.WORD)

    User.update(active=False).execute()

    assert not is_inside(visitor)
    assert not is_inside(log_in(app, jonas.email, make.WORD))


@pytest.mark.parametrize(
    "password, problem",
    [
        ("Ab1cde", None),
        ("Ab1cd", passwords.hint()),
        ("abcde1", passwords.hint()),
        ("Abcdef", passwords.hint()),
        ("Wachtwoord1", "heel vaak gebruikt"),
        ("MaesZomer1", "bevat je naam"),
        ("Xjonas2026", "bevat je naam"),
        ("A1" + "x" * 126, None),
        ("A1" + "x" * 127, "te lang"),
    ],
)
def test_a_password_follows_the_rule_of_the_manual_and_is_not_easy_to_guess(password, problem):
    told = passwords.problem(password, "jonas@kavo.test", ("Jonas", "Maes"))

    assert (told is None) if problem is None else (problem in told)


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(app, jonas):
    inside, visitor = log_in(app, jonas.email, make.WORD), Visitor(app)
    answers = []
    for email in ("niemand@kavo.test", jonas.email):
        visitor.get("/wachtwoord-vergeten")
        visitor.send(email=email)
        answers.append(visitor.text.replace(email, ""))
    assert answers[0] == answers[1]
    mail = Mail.get()
    link = re.search(r"^http://localhost:8000(/\S+)$", mail.body, re.M)[1]

    visitor.get(link)
    visitor.send(password="kort", again="kort")
    assert passwords.hint() in visitor.text
    visitor.send(password="Nieuw2026x", again="Nieuw2026x")

    assert is_inside(log_in(app, jonas.email, "Nieuw2026x"))
    assert not is_inside(log_in(app, jonas.email, make.WORD))
    assert not is_inside(inside)
    again = Visitor(app)
    again.get(link, follow_redirects=True)
    assert again.page.select_one("main input[name=password]") is None


def ask_link(app, email):
    visitor = Visitor(app)
    visitor.get("/wachtwoord-vergeten")
    visitor.send(email=email)
    return visitor.text


@pytest.mark.parametrize("known", [True, False])
def test_5_links_an_hour_for_one_address_known_or_not(app, jonas, known):
    email = jonas.email if known else "niemand@kavo.test"
    told = ["al 5 keer een link gevraagd" in ask_link(app, f" {email.upper()}" if odd else email) for odd in (0, 1) * 3]

    assert told == [False] * 5 + [True]
    assert Mail.select().count() == 5 * known
    other = make.user(password=make.PASSWORD)
    assert "een link gevraagd" not in ask_link(app, other.email)


@pytest.mark.parametrize("asked, refused", [(49, False), (50, True)])
def test_50_links_an_hour_from_one_network(app, jonas, asked, refused):
    for _ in range(asked):
        limits.claim("link", "127.0.0.1", 50, utcnow())

    assert ("Vanaf dit netwerk" in ask_link(app, jonas.email)) is refused
    assert Mail.select().exists() is not refused


def test_time_does_not_tell_whether_an_address_is_known(app, jonas, monkeypatch):
    """Each response takes a whole number of time steps."""
    clock = {"now": 0.0}
    monkeypatch.setattr(limits, "STEP_SECONDS", 0.5)
    monkeypatch.setattr(limits.time, "monotonic", lambda: clock["now"])
    monkeypatch.setattr(limits.time, "sleep", lambda seconds: clock.update(now=clock["now"] + seconds))
    for took, whole in ((0.13, 0.5), (0.24, 0.5), (0.51, 1.0)):
        begin = clock["now"]
        with limits.constant_time():
            clock["now"] += took
        assert clock["now"] - begin == pytest.approx(whole)
    steps = []
    monkeypatch.setattr(limits.time, "sleep", steps.append)
    ask_link(app, jonas.email)
    ask_link(app, "niemand@kavo.test")
    assert len(steps) == 2


def test_a_link_never_points_at_another_host(app, jonas):
    assert app.test_client().get("/wachtwoord-vergeten", headers={"Host": "evil.example"}).status_code == 400


def test_changing_the_password_needs_the_old_one_and_ends_other_sessions(app, jonas):
    here, there = (log_in(app, jonas.email, make.WORD) for _ in range(2))
    fields = {"new_password": "Nieuw2026x", "new_password_confirm": "Nieuw2026x"}

    here.get("/wachtwoord-wijzigen")
    here.send(password="Fout12345", **fields)
    assert here.page.select_one(".field-error, .error-summary")
    here.send(password=make.WORD, **fields)

    assert is_inside(here)
    assert not is_inside(there)
    assert Mail.get().kind == "password_changed"


def test_an_invitation_gives_a_first_password_once(app, now):
    newcomer = make.user(password_exception="Geen Belgische eID")
    accounts.invite(newcomer, make.user("team"), utcnow())
    link = re.search(r"^http://localhost:8000(/\S+)$", Mail.get().body, re.M)[1]
    visitor = Visitor(app)

    visitor.get(link)
    visitor.send(password="kort", again="kort")
    assert passwords.hint() in visitor.text
    visitor.send(password="Nieuw2026x", again="Nieuw2026x")

    assert is_inside(log_in(app, newcomer.email, "Nieuw2026x"))
    assert visitor.get(link).status_code == 410


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "///evil.example",
        "\thttps://evil.example",
        "http://localhost@evil.example",
        "/%09/evil.example",
        "%2F%2Fevil.example",
    ],
)
def test_no_address_in_a_form_or_url_leads_away(app, jonas, target):
    visitor = Visitor(app)
    visitor.get("/aanmelden", query_string={"next": target})
    form = visitor.page.select_one("main form[method=post]")
    token = form.select_one("[name=csrf_token]")["value"]
    data = {"email": jonas.email, "password": make.WORD, "csrf_token": token, "next": target}
    places = [visitor.client.post("/aanmelden", data=data).headers.get("Location", "/")]
    site = make.site(manager=jonas)
    visitor.get("/stageplaatsen/edit/", query_string={"id": site.id, "url": target})
    links = [one.get("href", "") for one in visitor.page.select("main a")]

    there = {urlsplit(urljoin("http://localhost", place.replace("\\", "/"))).netloc for place in places}
    assert there == {"localhost"}
    assert not any(link.startswith(("//", "http", "javascript", "\t")) for link in links)
