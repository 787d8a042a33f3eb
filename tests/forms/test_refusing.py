"""Refusals by forms, actions and imports are counted and logged by form, field and rule, and never with the input itself."""

import io
import logging
from datetime import timedelta

import pytest

from database import RuleError, database, readings, writing
from forms import refusing
from models import ImportBatch, Refusal, Trajectory
from tests import factories as make
from tests.public_pages.test_registration import typed
from tests.visitor import Visitor
from times import local_date, utcnow, years_after
from workflow import refusals, sentences
from workflow.accounts import accounts
from workflow.imports import batches

MARK = "Zwartkruik"
HEAD = "kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus\n"


def counted():
    """(form, field, sentence) → number of times."""
    return {(one.form, one.field, one.rule): one.count for one in Refusal.select()}


@pytest.fixture
def team(app):
    return Visitor(app, make.user("team", password=make.PASSWORD))


def empty_fields(app, team):
    visitor = Visitor(app)
    visitor.get("/registreren/jongeren")
    visitor.send(**typed(first_name="", last_name=MARK * 20, street=MARK))
    return {
        ("registration.young", "first_name", "Typ je voornaam."): 1,
        ("registration.young", "last_name", "Gebruik hoogstens … tekens."): 1,
    }


def a_wrong_password(app, team):
    visitor = Visitor(app)
    visitor.get("/aanmelden")
    visitor.send(email=f"{MARK}@kavo.test", password=f"{MARK}1")
    (rule,) = [rule for _, _, rule in counted()]
    assert "wachtwoord klopt niet" in rule
    return {("security.login", "", rule): 1}


def too_many_wrong_passwords(app, team):
    visitor = Visitor(app)
    for _ in range(6):
        visitor.get("/aanmelden")
        visitor.send(email=f"{MARK}@kavo.test", password=f"{MARK}1")
    rule = "Voor … was het wachtwoord te vaak fout. Wacht … minuten, of kies ‘Wachtwoord vergeten?’."
    (five,) = [number for (_, _, one), number in counted().items() if one != rule]
    assert five == 5
    Refusal.delete().where(Refusal.rule != rule).execute()
    return {("security.login", "", rule): 1}


def a_rule_at_a_field_of_the_back_office(app, team):
    make.user(email="bezet@kavo.test", last_name=MARK)
    other = make.user(last_name=MARK, password_exception="Geen eID")
    team.get(f"/accounts/edit/?id={other.id}")
    team.send(email="bezet@kavo.test", last_name=MARK)
    rule = "Er is al een account met het e-mailadres …. Zoek dat account op."
    return {("user.edit_view", "", rule): 1}


def an_action_on_one_row(app, team):
    user = make.user(first_name="An", last_name=MARK, password=make.PASSWORD)
    team.post("/accounts/action/", {"one": f"invite:{user.id}", "sure": "1"})
    rule = "… heeft al een wachtwoord. Met ‘Wachtwoord vergeten?’ kan … zelf een nieuw kiezen."
    return {("user.action_view", "", rule): 1}


def an_action_on_several_rows(app, team):
    users = [make.user(last_name=MARK, password=make.PASSWORD) for _ in range(3)]
    team.post("/accounts/action/", {"action": "invite", "rowid": [str(one.id) for one in users], "sure": "1"})
    rule = "… heeft al een wachtwoord. Met ‘Wachtwoord vergeten?’ kan … zelf een nieuw kiezen."
    return {("user.action_view", "", rule): 3}


def a_number_that_is_not_known(app, team):
    site = make.site()
    team.get(f"/stageplaatsen/{site.id}/deelnemers/")
    team.send(kavo="999999-99")
    rule = "We vinden niemand met KAVO-ID …. Vraag het nummer na bij de stagiair of bij de vereniging."
    return {("site.participants", "kavo", rule): 1}


def a_pasted_list(app, team):
    team.get(f"/samen/{make.site().id}/koppelen")
    team.send(text=f"{MARK} 1\n999999-99;10\n999999-99;10")
    assert sum(counted().values()) == 3
    return counted()


def a_final_evaluation_of_several(app, team):
    born = years_after(make.COURSE, -14)
    runs = [make.trajectory(participant=make.participant(last_name=MARK, birth_date=born)) for _ in range(2)]
    for one in runs:
        make.evaluated(make.placement(trajectory=one, hours=50), hours_done=50)
    team.get(f"/trajecten/eindevaluatie/?id={runs[0].id}&id={runs[1].id}")
    team.send(result="passed", evaluated_on=local_date(utcnow()).isoformat())
    assert Trajectory.select().where(Trajectory.state == "finished").count() == 0
    ((form, _, _),) = counted()
    assert form == "trajectory.final"
    return counted()


def a_form_without_a_token(app, team):
    Visitor(app).client.post("/aanmelden", data={"email": MARK})
    return {("security.login", "", "Er kwam geen beveiligingscode mee"): 1}


def lines_of_a_file(app, team):
    lines = (
        f"1;{MARK};{MARK};1/1/2008;;;animator;1/1/2026\n" * 2 + f"123456-78;{MARK};{MARK};x;;{MARK};animator;1/1/2026\n"
    )
    batches.receive(io.BytesIO((HEAD + lines).encode()), f"{MARK}.csv", None, make.NOW)
    batches.work(make.NOW)
    return {
        ("importing", "kavo_id", readings.KAVO_EXAMPLE): 2,
        ("importing", "association", "Dit ontbreekt."): 2,
        ("importing", "association", "We kennen geen vereniging ‘…’."): 1,
        ("importing", "birth_date", readings.DAY_EXAMPLE): 1,
    }


DOORS = (
    empty_fields,
    a_wrong_password,
    too_many_wrong_passwords,
    a_rule_at_a_field_of_the_back_office,
    an_action_on_one_row,
    an_action_on_several_rows,
    a_number_that_is_not_known,
    a_pasted_list,
    a_final_evaluation_of_several,
    a_form_without_a_token,
    lines_of_a_file,
)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_counts_what_it_refuses_and_never_what_was_typed(app, team, caplog, door):
    caplog.set_level(logging.INFO)
    Refusal.delete().execute()
    expected = door(app, team)

    assert counted() == expected
    assert sentences.OTHER not in {rule for _, _, rule in expected}
    told = str([*Refusal.select().tuples()]) + str(
        [(one.getMessage(), vars(one).get("facts")) for one in caplog.records]
    )
    for value in (MARK, MARK.lower(), "999999", "bezet@"):
        assert value not in told
    if door is not lines_of_a_file:
        assert any(one.getMessage() == "refused" for one in caplog.records)


def test_the_same_refusal_adds_up_by_day(app, now):
    same = {("site.edit_view", "phone", "Vul dit in."): 2}
    refusals.count(same, now)
    refusals.count(same, now)
    refusals.count(same, now + timedelta(days=1))

    assert sorted(one.count for one in Refusal.select()) == [2, 4]
    assert [(one.count, one.last_on) for one in refusals.frequent(local_date(now))] == [
        (6, local_date(now + timedelta(1)))
    ]
    accounts.forget(now + timedelta(days=366))
    assert [one.count for one in Refusal.select()] == [2]


def test_a_step_of_an_import_that_breaks_off_counts_once(app, now):
    batch = batches.receive(io.BytesIO((HEAD + "1;A;B;1/1/2008;;;animator;1/1/2026\n").encode()), "x.csv", None, now)

    def break_off():
        with writing():
            batches.advance(batch.id, now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert not Refusal.select().exists()
    batches.work(now)

    assert ImportBatch.get().state == "checked"
    assert [one.count for one in Refusal.select()] == [1, 1]  # the KAVO-ID and the association


def test_a_failure_to_count_does_not_fail_the_request(app, team, caplog):
    with writing():
        database.execute_sql("ALTER TABLE refusal RENAME TO elsewhere")
    try:
        team.get("/accounts/new/")
        team.send(email="")
        assert team.answer.status_code == 200
        assert "Kijk" in team.page.select_one(".error-summary").text
        assert "refusals are not counted" in caplog.text
    finally:
        with writing():
            database.execute_sql("ALTER TABLE elsewhere RENAME TO refusal")


def test_the_team_sees_what_is_refused_most_often(app, team, now):
    rows = {
        ("registration.young", "again", "Typ twee keer hetzelfde."): 12,
        ("user.edit_view", "email", "Vul dit in."): 30,
        ("importing", "first_name", "Dit ontbreekt."): 3,
    }
    refusals.count(rows, utcnow())
    refusals.count({("site.edit_view", "phone", "Te lang geleden."): 99}, utcnow() - timedelta(days=100))

    team.get("/wat-er-misloopt/")
    cells = [[one.get_text() for one in row.select("th, td")][:4] for row in team.page.select("tbody tr")]
    assert cells == [
        ["Accounts, wijzigen", "E-mailadres", "Vul dit in.", "30"],
        ["Registreren voor jongeren -18", "Wachtwoord herhalen", "Typ twee keer hetzelfde.", "12"],
        ["Regel van een ingelezen bestand", "Voornaam", "Dit ontbreekt.", "3"],
    ]
    team.get("/wat-er-misloopt/?q=JONGEREN+hetzelfde")
    assert len(team.page.select("tbody tr")) == 1
    assert "Niets gevonden" in (team.get("/wat-er-misloopt/?q=olifant") and team.text)
    assert "Te lang geleden." in (team.get("/wat-er-misloopt/?dagen=365") and team.text)
    file = team.get("/wat-er-misloopt/export/?dagen=90").get_data(as_text=True)
    assert file.splitlines()[1].startswith("Accounts, wijzigen;E-mailadres;Vul dit in.;30;")


# ---- tokens


@pytest.mark.parametrize(
    "headers, token, title, why",
    [
        ({}, True, "zegt niet van welke pagina", "The referrer header is missing."),
        (
            {"Referer": "https://elders.example/x"},
            True,
            "kwam van een andere website",
            "The referrer does not match the host.",
        ),
        ({"Referer": "https://localhost/aanmelden"}, False, "geen beveiligingscode", "The CSRF token is missing."),
        ({"Referer": "https://localhost/aanmelden"}, "another", "verlopen", "The CSRF tokens do not match."),
        ({"Referer": "https://localhost/aanmelden"}, "x.y.z", "verlopen", "The CSRF token is invalid."),
        (
            {"Referer": "https://localhost/aanmelden"},
            "no cookie",
            "onze cookie niet mee",
            "The CSRF session token is missing.",
        ),
    ],
)
def test_a_refused_token_says_on_the_page_what_to_do_and_in_the_log_why(app, caplog, headers, token, title, why):
    def form(visitor):
        visitor._keep(visitor.client.get("/aanmelden", base_url="https://localhost"))
        return visitor.page.find("input", {"name": "csrf_token"})["value"]

    visitor = Visitor(app)
    own = form(visitor)
    sent = {True: own, False: "", "another": form(Visitor(app)), "no cookie": own}.get(token, token)
    if token == "no cookie":
        visitor = Visitor(app)
    fields = {"csrf_token": sent, "email": MARK, "password": "x"}
    visitor._keep(visitor.client.post("/aanmelden", data=fields, base_url="https://localhost", headers=headers))

    assert visitor.answer.status_code == 400
    assert title in visitor.text
    assert "Referentie" in visitor.text
    assert [one.facts["why"] for one in caplog.records if one.getMessage() == "refused" and "why" in one.facts] == [why]
    assert MARK not in caplog.text


def test_every_kind_of_refused_token_is_known():
    """Flask-WTF reports errors as sentences; a changed sentence would lead to the page for an expired token."""
    from pathlib import Path

    import flask_wtf.csrf

    source = Path(flask_wtf.csrf.__file__).read_text(encoding="utf-8")
    assert all(f'"{reason}"' in source for reason in refusing.CSRF)


# ---- sentences


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("Vul dit in.", "Vul dit in."),
        ("Gebruik hoogstens 40 tekens.", "Gebruik hoogstens … tekens."),
        (
            "Lotte kan nog 5 uur stage lopen, geen 6. Kies hoogstens 5 uur.",
            "… kan nog … uur stage lopen, geen …. Kies hoogstens … uur.",
        ),
        ("iets wat niemand schreef", "andere"),
        ("", "andere"),
    ],
)
def test_a_message_is_recognised_by_the_sentence_in_the_code(text, sentence):
    assert sentences.of(text) == sentence


def test_a_counted_sentence_holds_only_text_from_the_code(now):
    make.user(email="bezet@kavo.test")
    with pytest.raises(RuleError) as refused:
        make.user(email="bezet@kavo.test", first_name="Er is al een account met het e-mailadres ", last_name=MARK)
    assert MARK not in sentences.of(f"{refused.value} {MARK}")
    assert sentences.of(str(refused.value)) == "Er is al een account met het e-mailadres …. Zoek dat account op."
