"""Whatever a user types: a clear message, the input stays, nothing is lost, no page fails."""

import os

import pytest

from database import MAX_INTEGER, on_postgresql
from models import Association, Handover, LinkRequest, Participant, Placement, Site, Trajectory, User
from tests import factories as make
from tests.visitor import Visitor
from workflow.sites import handovers

BAD = {
    "nothing": "",
    "spaces": "   ",
    "10,000 characters": "x" * 10_000,
    "emoji": "🦖" * 40,
    "control characters": "a\x00b\x07c\x1b[31m",
    "html": "<script>alert(1)</script>",
    "beyond 64 bit": "9" * 25,
    "beyond a float": "9" * 400,
    "beyond 32 bit": str(MAX_INTEGER + 1),
    "negative": "-5",
    "a fraction": "2,5",
    "year 1": "0001-01-01",
    "year 9999": "9999-12-31",
    "no date": "31/02/2026",
    "sql": "' OR 1=1 --",
}

ALL_AT_ONCE = 1000  # characters per field when all are filled together: more exceeds the limit of the whole form


HARD_TO_KEEP = (
    "nothing",
    "10,000 characters",
    "control characters",
    "beyond 64 bit",
    "beyond 32 bit",
    "year 1",
    "year 9999",
)


def bad():
    """The inputs to try: those that may trouble a form, or on PostgreSQL a database; all of them with KAVO_THOROUGH."""
    some = HARD_TO_KEEP if on_postgresql() else (*HARD_TO_KEEP, "emoji", "html", "no date")
    return [(what, text) for what, text in BAD.items() if what in some or os.environ.get("KAVO_THOROUGH")]


@pytest.fixture
def team(app):
    return Visitor(app, make.user("team", password=make.PASSWORD))


@pytest.fixture
def placement(app):
    association = make.association()
    taker, site = make.user(), make.site(make.user())
    handovers.ask(site, taker, taker.email, "0470 12 34 56", make.NOW)
    LinkRequest.create(user=taker, created_at=make.NOW, due_on=make.NOW.date())
    return make.placement(trajectory=make.trajectory(association=association), hours=20, site=make.site(make.user()))


def ready_trajectory():
    trajectory = make.trajectory()
    make.evaluated(make.placement(trajectory=trajectory, hours=50))
    return trajectory


def paths(placement):
    waiting = make.site(make.user(), state="submitted")
    return {
        "site": f"/stageplaatsen/edit/?id={placement.site_id}",
        "new site": "/stageplaatsen/new/",
        "participant": f"/deelnemers/edit/?id={placement.trajectory.participant_id}",
        "new participant": "/deelnemers/new/",
        "trajectory": f"/trajecten/edit/?id={placement.trajectory_id}",
        "new trajectory": "/trajecten/new/",
        "association": f"/verenigingen/edit/?id={placement.trajectory.association_id}",
        "new account": "/accounts/new/",
        "account": f"/accounts/edit/?id={placement.coupled_by_id}",
        "role": "/rollen/edit/?id=1",
        "placement": f"/gekoppelde-deelnemers/edit/?id={placement.id}",
        "cancel": f"/gekoppelde-deelnemers/annuleren/?id={placement.id}",
        "evaluation": f"/gekoppelde-deelnemers/beoordelen/?id={placement.id}",
        "decision": f"/aanvragen/{waiting.id}/",
        "proposal": f"/stageplaats/{placement.site_id}/wijziging",
        "closing": f"/stageplaats/{placement.site_id}/sluiten",
        "registration": "/registreren/jongeren",
        "successor": f"/stageplaats/{placement.site_id}/opvolger",
        "handover": f"/overdrachten/{Handover.get().id}/",
        "eID and account": f"/eid-aanvragen/{LinkRequest.get().id}/",
        "clock": "/klok/",
        "final evaluation": f"/trajecten/eindevaluatie/?id={ready_trajectory().id}",
        "extend all": "/trajecten/verlengen/",
        "couple many": f"/samen/{placement.site_id}/koppelen",
        "evaluate many": f"/samen/beoordelen?id={placement.id}",
        "attest check": "/attest-nakijken",
        "own data": "/mijn-gegevens",
        "password": "/wachtwoord-wijzigen",
        "periods of keeping": "/bewaartermijnen/",
    }


FORMS = (
    "site",
    "new site",
    "participant",
    "new participant",
    "trajectory",
    "new trajectory",
    "association",
    "new account",
    "account",
    "role",
    "placement",
    "cancel",
    "evaluation",
    "decision",
    "proposal",
    "closing",
    "registration",
    "own data",
    "password",
    "successor",
    "handover",
    "eID and account",
    "clock",
    "final evaluation",
    "extend all",
    "couple many",
    "evaluate many",
    "attest check",
    "periods of keeping",
)


def rows():
    return {model: model.select().count() for model in (Site, Participant, Trajectory, Association, User, Placement)}


@pytest.mark.parametrize("name", FORMS)
def test_every_field_of_every_form_takes_bad_input_with_a_sentence(team, placement, name):
    """All fields at once, and then each field that was not refused by itself: it may get past the form."""
    path = paths(placement)[name]
    before = rows()
    for what, text in bad():
        team.get(path)
        form = team.page.select_one("main form[method=post]")
        if not form:
            return  # the row accepted an odd but valid text and is finished
        found = form.select("input[name], select[name], textarea[name]")
        fields = list({one["name"]: one for one in found if one.get("type") != "hidden"}.values())
        assert fields
        _send(team, form, fields, what, text[:ALL_AT_ONCE])
        passed = [field for field in fields if not _is_refused(team.page, field)]
        for field in passed if len(fields) > 1 else ():
            team.get(path)
            if not (form := team.page.select_one("main form[method=post]")):
                return
            _send(team, form, [field], what, text)
    after = rows()
    assert all(after[model] >= count for model, count in before.items())


def _is_refused(page, field):
    shown = page.select_one(f"main [name='{field['name']}']")
    return bool(shown and shown.find_parent(class_="bad"))


def _send(team, form, fields, what, text):
    answer = team.send(form, **{field["name"]: text for field in fields})
    where = f"{team.path}, {[field['name'] for field in fields]}: {what}"
    assert answer.status_code == 200, where
    assert "<script>alert" not in answer.text, where
    refused = team.page.select_one(".error-summary, .field-error")
    assert refused or team.page.select_one(".notice"), where
    for field in fields if refused and text.isascii() and "\x00" not in text else ():
        fills_itself = field["name"] == "municipality" and not text.strip()  # by its postcode
        if field.name == "input" and field.get("type") in ("text", "date", "number", "email") and not fills_itself:
            typed = team.page.select_one(f"main [name='{field['name']}']")
            assert typed.get("value", "").strip() == text.strip(), where


@pytest.mark.parametrize("what", BAD)
def test_a_kavo_id_or_hours_that_make_no_sense_are_refused_with_a_sentence(team, placement, what):
    path, kavo = f"/stageplaatsen/{placement.site_id}/deelnemers/", placement.trajectory.participant.kavo_id
    for data in (
        {"kavo": BAD[what]},
        {"kavo": kavo, "trajectory": BAD[what], "hours": "5"},
        {"kavo": kavo, "trajectory": placement.trajectory_id, "hours": BAD[what]},
        {"kavo": kavo, "trajectory": placement.trajectory_id, "hours": "5", "starts_on": BAD[what] or "x"},
        {"kavo": kavo, "trajectory": placement.trajectory_id, "hours": "5", "on_behalf": "x", "ends_on": BAD[what]},
    ):
        answer = team.post(path, data)
        assert answer.status_code == 200
        assert team.page.select_one(".field-error, .error-summary")
        assert "<script>alert" not in answer.text
    assert Placement.select().count() == 1


@pytest.mark.parametrize(
    "noun",
    [
        "stageplaatsen",
        "gekoppelde-deelnemers",
        "deelnemers",
        "trajecten",
        "verenigingen",
        "accounts",
        "rollen",
        "mails",
        "geschiedenis",
        "opzoekingen",
        "overdrachten",
        "klaar-voor-eindevaluatie",
        "attesten",
    ],
)
def test_a_list_takes_any_argument(team, placement, noun):
    team.get(f"/{noun}/")
    names = {one["name"] for one in team.page.select("main form.filters [name]")} | {
        "q",
        "sort",
        "page",
        "tab",
        "eigen",
        "onbekend",
    }
    for name in names:
        for what, text in bad():
            answer = team.get(f"/{noun}/", query_string={name: text})
            assert answer.status_code == 200, f"{noun}, {name}: {what}"
            assert "<script>alert" not in answer.text
            assert team.get(f"/{noun}/export/csv/", query_string={name: text}).status_code == 200


@pytest.mark.parametrize("what", BAD)
def test_taking_a_site_over_gives_a_sentence_for_each_field(app, what):
    taker, site = make.user(password=make.PASSWORD), make.site(make.user())
    for visitor in (Visitor(app), Visitor(app, taker)):
        visitor.get(f"/overnemen/?q={what}")
        visitor.get(f"/overnemen/{site.id}")
        for field in ("email", "phone", "first_name", "birth_date", "password"):
            fits = field == "first_name" and 1 <= len(BAD[what].strip()) <= 30
            if visitor.page.select_one(f"main [name={field}]") and not fits:
                answer = visitor.send(**{field: BAD[what]})
                assert answer.status_code == 200
                assert visitor.page.select_one(".error-summary"), (what, field)
                assert "<script>alert" not in answer.text
    assert not Handover.select().exists()


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("path", ["/aanmelden", "/wachtwoord-vergeten"])
def test_visitors_who_are_not_logged_in_get_a_sentence_too(app, what, path):
    visitor = Visitor(app)
    visitor.get(path)
    for changes in ({"email": BAD[what]}, {"email": "wie@kavo.test", "password": BAD[what]}, {"next": BAD[what]}):
        answer = visitor.send(visitor.page.select_one("main form[method=post]"), **changes)
        assert answer.status_code in (200, 400)
        assert "<script>alert" not in answer.text
        visitor.get(path)


def test_a_forged_token_is_refused_with_a_sentence(team):
    answer = team.post("/mijn-gegevens", {"first_name": "X", "csrf_token": "forged"}, token=False)

    assert answer.status_code == 400
    assert "Ga terug, vernieuw de pagina en bewaar nog eens." in team.text


def test_too_much_at_once_is_refused_with_a_sentence(team):
    answer = team.post("/mijn-gegevens", {"first_name": "x" * (3 * 1024 * 1024)}, token=False)

    assert answer.status_code == 413
    assert "te groot" in team.text


@pytest.mark.one_database
@pytest.mark.parametrize("name", FORMS)
def test_a_form_filled_as_far_as_its_page_lets_one_type_is_not_too_much(team, placement, name):
    team.get(paths(placement)[name])
    form = team.page.select_one("main form[method=post]")
    typed = form.select("textarea[name], input[type=text][name], input[type=tel][name]")

    answer = team.send(form, **{one["name"]: "\U0001f9ff" * int(one.get("maxlength", 254)) for one in typed})

    assert answer.status_code == 200


@pytest.mark.one_database
@pytest.mark.parametrize("name", FORMS)
def test_a_form_with_missing_fields_breaks_nothing(team, placement, name):
    """Each field alone and each field missing, the boxes ticked or not: sent by scripts, not by browsers."""
    path = paths(placement)[name]
    team.get(path)
    form = team.page.select_one("main form[method=post]")
    names = {one["name"] for one in form.select("[name]") if one.get("type") != "hidden"}
    ticks = {one["name"]: one.get("value", "y") for one in form.select("[type=checkbox], [type=radio]")}
    for field in sorted(names):
        for left in (names - {field}, {field}):
            kept = {tick: value for tick, value in ticks.items() if tick not in left}
            if form is None:
                team.get(path)
                form = team.page.select_one("main form[method=post]")
            if form is None:
                return  # it accepted the input and is finished
            answer = team.send(form, **{one: [] for one in left}, **kept)
            assert answer.status_code == 200, f"{name}: {field}, {len(left)} left out"
            form = form if team.page.select_one(".error-summary, .field-error") else None


def test_text_that_a_browser_left_out_is_empty_text(team, placement):
    path = f"/gekoppelde-deelnemers/beoordelen/?id={placement.id}"
    team.get(path)
    day = make.COURSE.isoformat()
    answer = team.send(
        mentor="Eline",
        criterion="instructor",
        starts_on=day,
        ends_on=day,
        hours_done="20",
        result="positive",
        motivation=[],
        remarks=[],
    )
    assert answer.status_code == 200
    assert Placement.get_by_id(placement.id).state == "evaluated"


@pytest.mark.parametrize("name", ["site", "own data", "new participant"])
def test_forged_hidden_fields_break_nothing(team, placement, name):
    path = paths(placement)[name]
    for fields in (
        {"form_key": "a\x00b"},
        {"url": "\n\x149"},
        {"form_key": "x" * 9000, "version": "9" * 40},
        {"csrf_token": "\x00"},
    ):
        team.get(path)
        assert team.send(**fields).status_code == (400 if "csrf_token" in fields else 200), fields


def test_a_return_url_of_more_than_one_line_is_ignored(team, placement):
    team.get("/gekoppelde-deelnemers/")
    answer = team.post("/gekoppelde-deelnemers/action/", {"action": "evaluate", "url": "/x\r\nSet-Cookie: a=b"})
    assert (answer.status_code, answer.location) == (302, "/gekoppelde-deelnemers/")


@pytest.mark.parametrize("referrer", ["http://[", "//[", "\\", "a" * 5000])
def test_an_invalid_referrer_is_ignored(app, referrer):
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    answer = visitor.client.get("/accounts/new/", headers={"Referer": referrer})
    assert answer.status_code == 200


def test_a_part_of_a_form_without_a_name_is_refused_with_a_sentence(app):
    part = b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n"
    broken = part + part + b"--x--\r\n"
    answer = app.test_client().post("/aanmelden", data=broken, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 400
    assert "Er klopte iets niet" in answer.text


@pytest.mark.parametrize(
    "path", ["/aanmelden?next=//[", "/ben-jij-het/eid?next=http://[", "/accounts/new/?url=http://["]
)
def test_an_invalid_return_url_is_refused_with_a_sentence(app, path):
    answer = Visitor(app, make.user("team", password=make.PASSWORD)).get(path)
    assert answer.status_code == 400
    assert "Er klopte iets niet" in answer.text
