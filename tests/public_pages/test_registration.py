"""Registration for people under 18: the form, the age, a known address, the applicant's page, and completing it."""

from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from database import RuleError
from mails import links
from models import Draft, History, Mail, Site, SiteMessage, User
from tests import factories as make
from tests.visitor import Visitor
from times import local_date, utcnow, years_after
from workflow import clock, limits
from workflow.accounts import activation, registration
from workflow.sites import sites

FORM = "/registreren/jongeren"


def born(years, days=0):
    """The birth date of a person who is `years` and `days` old today."""
    today = local_date(utcnow())
    return (years_after(today, -years) - timedelta(days=days)).isoformat()


def typed(**changes):
    return {
        "first_name": "Noor",
        "last_name": "Jacobs",
        "email": "noor@kavo.test",
        "phone": "0470 12 34 56",
        "birth_date": born(16),
        "password": "Speel2026",
        "again": "Speel2026",
        "name": "Speelplein De Vlieger",
        "recognition": "municipal",
        "street": "Tuinstraat 8",
        "postcode": "2800",
        "municipality": "Mechelen",
        "animator": "y",
        "periods": ["summer", "easter"],
        **changes,
    }


def fill_in(app, **changes):
    visitor = Visitor(app)
    visitor.get(FORM)
    visitor.send(**typed(**changes))
    return visitor


def register(now, email="noor@kavo.test", **place):
    """An application as the form creates it."""
    values = {
        "name": "Speelplein De Vlieger",
        "recognition": "municipal",
        "street": "Tuinstraat 8",
        "postcode": "2800",
        "municipality": "Mechelen",
        "animator": True,
        **place,
    }
    person = {
        "first_name": "Noor",
        "last_name": "Jacobs",
        "email": email,
        "phone": "0470 12 34 56",
        "birth_date": date(2010, 3, 12),
    }
    registration.register(person, values, sites.Periods(["summer"]), make.PASSWORD, now)
    return Site.select().order_by(Site.id.desc()).get()


def mailed(kind):
    return Mail.select().where(Mail.kind == kind).order_by(Mail.id.desc()).get()


def path_in(mail):
    (line,) = [line for line in mail.body.splitlines() if "http" in line]
    return line.removeprefix("http://localhost:8000")


# ---- the form


def test_registering_makes_an_account_that_waits_and_a_site_for_the_team(app):
    visitor = fill_in(app, head_animator="y", own_from="2027-07-05", own_to="2027-07-16", site_email="info@kavo.test")

    site = Site.get()
    assert (site.state, site.types(), site.email) == ("submitted", ["animator", "head_animator"], "info@kavo.test")
    assert sorted(str(period) for period in site.periods) == [
        "05/07/2027 tot 16/07/2027",
        "Paasvakantie",
        "Zomervakantie",
    ]
    assert site.due_on == local_date(utcnow()) + timedelta(days=14)
    assert (site.declaration.version, site.declared_by.email) == (2, "noor@kavo.test")
    user = site.manager()
    assert (user.confirmed_at, user.is_active, user.role_names) == (None, False, {"manager"})
    assert "noor@kavo.test" in visitor.text
    assert f"{site.due_on:%d/%m/%Y}" in visitor.text
    assert mailed("application_received").to_address == "noor@kavo.test"
    assert History.get(History.verb == "site.submitted").actor == user


def test_nobody_logs_in_before_completing_the_registration(app):
    fill_in(app)
    visitor = Visitor(app)
    visitor.get("/aanmelden")
    visitor.send(email="noor@kavo.test", password="Speel2026")

    assert "klopt niet" in visitor.text


@pytest.mark.parametrize("days, inside", [(-1, True), (0, False)])
def test_a_person_is_under_18_until_the_day_before(app, days, inside):
    """A person of 17 years and 364 days registers here; one of 18 is sent to eID and loses only the password."""
    visitor = fill_in(app, birth_date=born(18, days))

    assert Site.select().count() == (1 if inside else 0)
    if not inside:
        assert "met eID" in visitor.text
        assert "Wat je invulde, bewaren we 24 uur" in visitor.text
        kept = Draft.get().data
        assert "Tuinstraat 8" in kept
        assert "Speel2026" not in kept
        visitor.get(FORM)
        assert visitor.page.select_one("#street")["value"] == "Tuinstraat 8"
        assert visitor.page.select_one("#animator").has_attr("checked")
        assert not visitor.page.select_one("#password").get("value")


@pytest.mark.parametrize("before, kept", [(49, 1), (50, 0)])
def test_nobody_fills_the_table_of_drafts(app, before, kept):
    for _ in range(before):
        limits.claim("draft", "127.0.0.1", 50, utcnow())
    visitor = fill_in(app, birth_date=born(18))

    assert Draft.select().count() == kept
    assert "met eID" in visitor.text


def test_a_draft_is_forgotten_once_it_is_sent(app):
    visitor = fill_in(app, birth_date=born(18))
    visitor.get(FORM)
    visitor.send(**typed())

    assert (Site.select().count(), Draft.select().count()) == (1, 0)


def test_a_known_address_gets_the_same_answer_and_only_its_owner_a_mail(app):
    make.user(email="noor@kavo.test")
    known = fill_in(app, email=" NOOR@kavo.test")
    unknown = fill_in(app, email="mila@kavo.test")

    assert known.text.replace("noor", "mila") == unknown.text
    assert (Site.select().count(), User.select().where(User.email == "noor@kavo.test").count()) == (1, 1)
    assert path_in(mailed("address_known")) == "/aanmelden"
    fill_in(app, email="noor@kavo.test")
    assert Mail.select().where(Mail.kind == "address_known").count() == 1


def test_an_applicant_who_registers_again_is_led_to_their_application(app):
    fill_in(app)
    fill_in(app)

    assert Site.select().count() == 1
    visitor = Visitor(app)
    assert visitor.get(path_in(mailed("address_known"))).status_code == 200
    assert "We bekijken je aanvraag" in visitor.text


def test_the_same_form_sent_twice_registers_once(app):
    visitor = Visitor(app)
    visitor.get(FORM)
    form = visitor.page.select_one("main form[method=post]")
    visitor.send(form, **typed())
    visitor.send(form, **typed())

    assert (Site.select().count(), Mail.select().count()) == (1, 1)


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"password": "kort1A", "again": "kort1B"}, "Typ twee keer hetzelfde wachtwoord."),
        ({"password": "Noor2026x", "again": "Noor2026x"}, "Je wachtwoord bevat je naam"),
        ({"password": "kort", "again": "kort"}, "minimaal 6 karakters"),
        ({"animator": []}, "Kies minstens één stage die je aanbiedt."),
        ({"periods": []}, "Kies minstens één periode"),
        ({"postcode": "280"}, "Een Belgische postcode heeft 4 cijfers."),
        ({"own_from": "2027-07-05"}, "Kies de eerste en de laatste dag"),
        ({"own_to": "2027-07-05"}, "Kies ook de eerste dag"),
        ({"own_from": "2027-07-05", "own_to": "2027-07-04"}, "De periode eindigt voor ze begint."),
        ({"birth_date": "2090-01-01"}, "Kijk de geboortedatum na"),
        ({"birth_date": born(130)}, "Kies een jaar tussen 1900 en 2100."),
        ({"birth_date": "1919-12-31"}, "voor 1920"),
        ({"birth_date": born(14, -1)}, "vanaf 14 jaar"),
        ({"email": "noor"}, "Typ een e-mailadres zoals"),
        ({"name": "Win op www.fout.be"}, "Typ hier alleen een naam, geen webadres."),
        ({"first_name": "https://fout.be"}, "Typ hier alleen een naam, geen webadres."),
    ],
)
def test_what_does_not_fit_is_said_and_what_was_typed_stays(app, changes, sentence):
    visitor = fill_in(app, **changes)

    assert sentence in visitor.text
    assert Site.select().count() == 0 == User.select().count()
    assert visitor.page.select_one("#street")["value"] == "Tuinstraat 8"


def test_all_errors_are_reported_at_once(app):
    visitor = Visitor(app)
    visitor.get(FORM)
    visitor.send()

    words = visitor.page.select_one(".error-summary").get_text()
    for label in ("Voornaam", "E-mailadres", "Wachtwoord", "Postcode", "Animator", "Periodes"):
        assert label in words


def test_an_error_in_the_address_of_the_site_is_shown_at_that_field(app):
    visitor = fill_in(app, site_email="niet@goed")
    assert "naam@voorbeeld.be" in visitor.page.select_one("#site_email-fout").get_text(strip=True)
    assert not visitor.page.select_one("#email-fout")


def test_an_unknown_postcode_is_no_reason_to_refuse_and_a_known_one_fills_an_empty_place(app):
    fill_in(app, postcode="9999", municipality="Nergens")
    assert Site.get().municipality == "Nergens"

    visitor = fill_in(app, email="mila@kavo.test", municipality="")
    assert visitor.page.select_one("#municipality")["value"] == "Mechelen"


@pytest.mark.parametrize("before, refused", [(4, False), (5, True)])
def test_5_registrations_an_hour_from_one_network(app, before, refused):
    for _ in range(before):
        limits.claim("registration", "127.0.0.1", 5, utcnow())
    limits.claim("registration", "10.0.0.9", 5, utcnow())

    visitor = fill_in(app)

    assert ("al 5 registraties" in visitor.text) is refused
    assert Site.select().count() == (0 if refused else 1)


# ---- the applicant's page


@pytest.fixture
def site(app, now):
    return register(now)


def test_the_page_says_who_is_next_and_by_when(app, site):
    visitor = Visitor(app)
    visitor.get(path_in(mailed("application_received")))

    assert "Het team Kadervorming is aan zet" in visitor.text
    assert "15/07/2026" in visitor.text
    for secret in ("noor@kavo.test", "0470", "Jacobs"):
        assert secret not in visitor.page.get_text()


def test_a_link_that_was_forged_or_is_of_another_address_shows_nothing(app, site, now):
    secret = links.application(site, now).rpartition("/")[2]
    visitor = Visitor(app)
    for one in (secret[:-1] + ("A" if secret[-1] != "A" else "B"), secret[:-1], "x", secret[::-1], str(site.id)):
        assert visitor.get(f"/aanvraag/{one}").status_code == 404, one
        assert visitor.get(f"/aanvraag/{one}/intrekken").status_code == 404, one
    user = site.manager()
    user.email = "juist@kavo.test"
    user.save()
    assert visitor.get(f"/aanvraag/{secret}").status_code == 410
    assert visitor.get(links.application(site, now)).status_code == 200


def test_a_question_stops_the_clock_and_the_answer_lets_it_go_on(app, site, now):
    team = make.user("team")
    asked, answered = now + timedelta(days=5), now + timedelta(days=9)
    sites.ask(site, team, asked, "Wie erkent jullie?")
    waiting = Site.get_by_id(site.id)
    assert (waiting.paused_at, waiting.day(answered), waiting.is_overdue(now + timedelta(days=99))) == (asked, 5, False)

    visitor = Visitor(app)
    visitor.get(path_in(mailed("question")))
    assert "Jij bent aan zet" in visitor.text
    assert "Wie erkent jullie?" in visitor.text
    registration.answer(waiting, "De gemeente.", waiting.manager(), answered)

    going = Site.get_by_id(site.id)
    assert (going.paused_at, going.due_on, going.day(answered)) == (None, date(2026, 7, 19), 5)
    assert [message.kind for message in SiteMessage.select()] == ["question", "answer"]
    with pytest.raises(RuleError, match="wacht niet meer"):
        registration.answer(going, "Nog iets.", going.manager(), answered)


def test_an_answer_is_given_on_the_page(app, site, now):
    sites.ask(site, make.user("team"), now, "Wie erkent jullie?")
    visitor = Visitor(app)
    visitor.get(path_in(mailed("question")))
    visitor.send(text=" ")
    assert "Typ je antwoord." in visitor.text
    visitor.send(text="De gemeente.")

    assert "Je antwoord is bij het team" in visitor.text
    assert SiteMessage.get(SiteMessage.kind == "answer").text == "De gemeente."


def test_withdrawing_asks_first_and_erases_an_account_that_was_never_completed(app, site):
    path = "/aanvraag/" + links.application(site, utcnow()).rpartition("/")[2]
    visitor = Visitor(app)
    visitor.get(path + "/intrekken")
    assert "wissen we je account" in visitor.text
    visitor.send()
    assert "Vink aan dat je dit zelf beslist" in visitor.text
    assert Site.get().state == "submitted"
    visitor.send(myself="y")

    user = User.get(User.id == site.declared_by_id)
    assert (Site.get().state, user.phone, user.birth_date, user.password, user.active) == (
        "withdrawn",
        "",
        None,
        None,
        False,
    )
    assert "noor" not in user.email
    assert visitor.get(path).status_code == 404
    assert mailed("application_withdrawn").to_address == "noor@kavo.test"
    fill_in(app)
    assert Site.select().count() == 2


def test_what_was_rejected_is_not_submitted_again_as_it_was_unless_somebody_decides_so(app, site, now):
    sites.reject(site, make.user("team"), utcnow(), "Nee.")
    visitor = Visitor(app)
    visitor.get(path_in(mailed("site_rejected")))
    visitor.send()
    assert "Je veranderde nog niets aan je aanvraag." in visitor.text
    assert Site.get().state == "rejected"
    visitor.send(myself="y")

    assert Site.get().state == "submitted"


def test_a_logged_in_user_follows_their_application_without_a_link(app, site):
    noor = make.user(password=make.PASSWORD)
    own = make.site(noor, state="submitted", due_on=date(2026, 7, 15))
    visitor = Visitor(app, noor)
    visitor.get(f"/stageplaatsen/details/?id={own.id}")
    visitor.get(visitor.page.find("a", string="Bekijk hoe je aanvraag ervoor staat")["href"])
    assert "Het team Kadervorming is aan zet" in visitor.text
    assert visitor.get(f"/aanvraag/{site.id}").status_code == 404
    visitor.get(f"/aanvraag/{own.id}/intrekken")
    visitor.send()

    assert Site.get_by_id(own.id).state == "withdrawn"


def test_after_a_rejection_the_applicant_adapts_and_submits_again(app, site, now):
    sites.reject(site, make.user("team"), now, "Het adres klopt niet.")
    visitor = Visitor(app)
    visitor.get(path_in(mailed("site_rejected")))
    assert "Het adres klopt niet." in visitor.text
    assert visitor.page.select_one("#street")["value"] == "Tuinstraat 8"
    visitor.send(street="Tuinstraat 10", periods=["autumn"])

    again = Site.get_by_id(site.id)
    assert (again.state, again.street, again.reason) == ("submitted", "Tuinstraat 10", "")
    assert again.due_on == local_date(utcnow()) + timedelta(days=14)
    assert [period.kind for period in again.periods] == ["autumn"]
    assert "Straat en nummer van" in History.get(History.verb == "site.submitted_again").payload


def test_a_further_site_asks_no_personal_data(app):
    manager = make.user(password=make.PASSWORD)
    visitor = Visitor(app, manager)
    visitor.get("/registreren/stageplaats")
    assert visitor.page.select_one("#first_name") is None
    for name in ("Tweede speelplein", "Derde speelplein"):
        visitor.get("/registreren/stageplaats")
        visitor.send(
            name=name,
            recognition="branch",
            street="Markt 1",
            postcode="9000",
            municipality="Gent",
            instructor="y",
            periods=["year"],
        )

    assert [site.manager() for site in Site.select()] == [manager, manager]
    assert {site.state for site in Site.select()} == {"submitted"}


# ---- completing the registration


def approve(site, moment):
    sites.approve(site, make.user("team"), moment)
    return path_in(mailed("site_approved_activate")).rpartition("/")[2]


def test_the_link_completes_the_registration_once(app, site):
    secret = approve(site, utcnow())
    visitor, path = Visitor(app), f"/registratie-voltooien/{secret}"
    for _ in range(2):
        visitor.get(path)
        visitor.client.head(path)
    assert User.get_by_id(site.manager().id).confirmed_at is None
    visitor.get(path)
    visitor.send()
    assert "Je registratie is voltooid" in visitor.text
    visitor.send(email="noor@kavo.test", password=make.WORD)
    assert "Speelplein De Vlieger" in visitor.text

    assert Visitor(app).get(path).status_code == 410
    with pytest.raises(RuleError):
        activation.activate(secret, utcnow())


@pytest.mark.parametrize(
    "moment, works",
    [
        (datetime(2026, 7, 31, 21, 59), True),
        (datetime(2026, 7, 31, 22, 0), False),  # the last minute of day 30 in Brussels
    ],
)
def test_the_link_works_until_the_end_of_day_30(site, now, moment, works):
    secret = approve(site, now)

    assert links.works(links.find(secret), moment) is works


@pytest.mark.parametrize("approved, days", [(datetime(2026, 3, 1, 9), 30), (datetime(2026, 10, 1, 9), 30)])
def test_the_days_of_a_link_count_right_over_both_changes_of_the_clock(app, approved, days):
    site = register(approved - timedelta(days=1))
    token = links.find(approve(site, approved))

    assert local_date(token.expires_at - timedelta(seconds=1)) == local_date(approved) + timedelta(days=days)
    assert local_date(token.expires_at) == local_date(approved) + timedelta(days=days + 1)


@pytest.mark.parametrize("days, possible", [(31, True), (90, True), (91, False)])
def test_a_new_link_can_be_asked_until_day_90(site, now, days, possible):
    secret, moment = approve(site, now), now + timedelta(days=days)

    if not possible:
        with pytest.raises(RuleError, match="kan niet meer"):
            activation.ask_new_link(links.find(secret), moment)
        return
    activation.ask_new_link(links.find(secret), moment)
    new = path_in(mailed("activation")).rpartition("/")[2]
    assert not links.works(links.find(secret), moment)
    assert local_date(links.find(new).expires_at - timedelta(seconds=1)) <= local_date(now) + timedelta(days=90)
    activation.activate(new, moment)
    with pytest.raises(RuleError):
        activation.ask_new_link(links.find(secret), moment)


def test_an_old_link_offers_a_new_one_on_its_page(app, site):
    secret = approve(site, utcnow() - timedelta(days=40))
    visitor = Visitor(app)
    assert visitor.get(f"/registratie-voltooien/{secret}").status_code == 410
    visitor.send()

    assert "We stuurden je een nieuwe link." in visitor.text
    assert mailed("activation").to_address == "noor@kavo.test"


@pytest.mark.parametrize("days, erased", [(90, 0), (91, 1)])
def test_an_incomplete_registration_is_erased_after_day_90(site, now, days, erased):
    approve(site, now)

    assert clock.sweep(now + timedelta(days=days)).get("activation_end", 0) == erased
    assert clock.sweep(now + timedelta(days=days)).get("activation_end", 0) == 0
    assert (Site.get_by_id(site.id).manager() is None) is bool(erased)


def test_a_mistyped_address_is_corrected_and_old_links_stop_working(app, site):
    team = make.user("team")
    first = links.application(site, utcnow())
    registration.correct_address(site, "noor.jacobs@kavo.test", team, utcnow())
    assert mailed("application_received").to_address == "noor.jacobs@kavo.test"
    assert Visitor(app).get(first).status_code == 410

    secret = approve(site, utcnow())
    registration.correct_address(site, "noor.j@kavo.test", team, utcnow())
    assert not links.works(links.find(secret), utcnow())
    assert Mail.select().where(Mail.kind == "site_approved_activate").count() == 0  # the mail had not left yet
    assert mailed("activation").to_address == "noor.j@kavo.test"
    with pytest.raises(RuleError, match="Er is al een account"):
        registration.correct_address(site, team.email, team, utcnow())


def test_the_address_of_somebody_who_logs_in_is_not_the_teams_to_correct(app, site):
    activation.activate(approve(site, utcnow()), utcnow())

    with pytest.raises(RuleError, match="al in gebruik"):
        registration.correct_address(site, "x@kavo.test", make.user("team"), utcnow())


def test_every_mail_has_one_action_link_alone_on_its_line(site, now):
    team, other = make.user("team"), register(now, "mila@kavo.test", name="Ander")
    sites.ask(site, team, now, "Wie?")
    site = Site.get_by_id(site.id)
    sites.reject(site, team, now, "Nee.")
    sites.reopen(site, team, now, "Toch.")
    secret = approve(site, now)
    activation.ask_new_link(links.find(secret), now + timedelta(days=40))
    registration.withdraw(other, other.manager(), now)
    register(now)
    sites.close(site, team, now, "Gestopt.", False)

    kinds = {mail.kind for mail in Mail.select()}
    assert len(kinds) == 8
    for mail in Mail.select():
        assert path_in(mail).startswith("/"), mail.kind


def test_pages_without_login_name_nobody(app, site, now):
    team = make.user("team", first_name="Kim", last_name="Van Acker")
    sites.ask(site, team, now, "Wie?")
    visitor = Visitor(app)
    visitor.get(links.application(site, now))
    assert "Wie?" in visitor.page.get_text(), "what she did is told"
    assert "Van Acker" not in visitor.page.get_text()
    sites.reject(Site.get_by_id(site.id), team, now, "Nee.")
    for page in ("", "/aanpassen"):
        visitor.get(links.application(site, now, page))
        assert "Nee." in visitor.page.get_text()
        assert "Van Acker" not in visitor.page.get_text()
    assert {"question", "site_rejected"} <= {mail.kind for mail in Mail.select()}
    assert not any("Van Acker" in mail.body for mail in Mail.select())


@pytest.mark.parametrize(
    "state, past, now, still_to_come",
    [
        ("submitted", ["Ingediend"], ["Nagekeken door het team"], ["Beslissing"]),
        ("rejected", ["Ingediend", "Nagekeken door het team", "Beslissing"], [], []),
    ],
)
def test_the_steps_of_an_application_show_what_is_past_now_and_next(app, state, past, now, still_to_come):
    site = make.site(make.user(), state=state, submitted_at=utcnow(), decided_at=utcnow())
    visitor = Visitor(app)
    visitor.get(urlsplit(links.application(site, utcnow())).path)

    def told(which):
        return [one.get_text() for one in visitor.page.select(f".steps > {which} h2")]

    assert (told(".past"), told("[aria-current=step]"), told(".next")) == (past, now, still_to_come)
