"""Size limits of forms: the longest allowed input is accepted, more is refused with a sentence, nothing is truncated."""

import io
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from flask import g
from wtforms import BooleanField, DateField, IntegerField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import Length

from admin_kit.actions import MOST_IDS
from admin_views.bulk import OneForm, PasteForm, TogetherForm
from admin_views.placements import EvaluationForm
from admin_views.trajectories import MOST_AT_ONCE, FinalForm
from forms import LONGEST_TEXT, MOST_BYTES, MOST_FIELDS, KavoForm, Room
from identity.login import Verify
from models import TABLES, Placement
from tests import factories as make
from tests.visitor import Visitor
from workflow.stages import bulk

WIDE = "\U0001f9ff"  # four bytes, twelve in a form
WITHOUT_LIMIT = 254  # characters accepted by a short field without its own maximum
FORM = "application/x-www-form-urlencoded"
OWN_ROOM = {
    EvaluationForm: "placement.evaluate",
    FinalForm: "trajectory.final",
    PasteForm: "bulk.couple",
    OneForm: "bulk.evaluate",
}


@pytest.fixture
def team(app):
    return Visitor(app, make.user("team", password=make.PASSWORD))


def stand() -> dict:
    """The number of rows in each table, except what every visit writes."""
    return {model: model.select().count() for model in TABLES if model.__name__ not in ("Session", "History")}


def too_much(room) -> dict:
    """Oversized requests: (content type, body or fields)."""
    boundary = "------a"
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="x"{{}}\r\n\r\n{{}}\r\n'
    parts = f"multipart/form-data; boundary={boundary}"
    many = part.format("", "1") * (room.fields + 1)
    file = part.format('; filename="a.csv"', "a" * (room.text + room.file))
    return {
        "long": (FORM, "x=" + "a" * room.text),
        "many": (FORM, "&".join(["x="] * (room.fields + 1))),
        "long, in parts": (parts, part.format("", "a" * (room.text + room.file)) + f"--{boundary}--\r\n"),
        "many, in parts": (parts, many + f"--{boundary}--\r\n"),
        "a file": (parts, file + f"--{boundary}--\r\n"),
    }


def posts(app):
    """(URL, size limits) of every route that accepts a form."""
    addresses = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods:
            values = {name: 1 if name == "pk" else "x" for name in rule.arguments}
            yield addresses.build(rule.endpoint, values, method="POST"), room_of(app, rule.endpoint)


def room_of(app, endpoint) -> Room:
    return getattr(app.view_functions[endpoint], "room", Room())


@pytest.mark.one_database
@pytest.mark.parametrize("who", ["nobody", "team"])
def test_more_than_a_form_may_hold_is_refused_with_a_sentence_on_every_address(app, team, who):
    visitor = team if who == "team" else Visitor(app)
    visitor.get("/mijn-gegevens" if who == "team" else "/aanmelden", follow_redirects=True)
    token = visitor.page.find("input", {"name": "csrf_token"})["value"]
    before = stand()
    for path, own in posts(app):
        for shape, (kind, body) in too_much(own if who == "team" else Room()).items():
            if kind == FORM:
                body += f"&csrf_token={token}"
            answer = visitor.client.post(path, data=body, content_type=kind)
            assert answer.status_code == 413, (path, shape)
            assert "te groot" in answer.text, (path, shape)
            assert "niets bewaard" in answer.text, (path, shape)
    assert stand() == before


@pytest.mark.one_database
def test_a_form_of_exactly_the_limit_is_read_on_every_url(app, team):
    for path, room in posts(app):
        for body in ("x=" + "a" * (room.text - 2), "&".join(["x="] * room.fields)):
            assert team.client.post(path, data=body, content_type=FORM).status_code == 400, path  # it lacks a token


def longest(field) -> list[str]:
    """The longest input that a field accepts."""
    if isinstance(field, SelectMultipleField):
        return [str(value) for value, *_ in field.choices or ()]
    if isinstance(field, SelectField | RadioField):
        return [max((str(value or "") for value, *_ in field.choices or ()), key=len, default="")]
    if isinstance(field, DateField | IntegerField | BooleanField):
        return ["2026-11-30"]
    if field.type in ("HiddenField", "CSRFTokenField"):
        return ["x" * 200]
    if isinstance(field, StringField):
        return [
            WIDE * next((one.max for one in field.validators if isinstance(one, Length) and one.max > 0), WITHOUT_LIMIT)
        ]
    return [WIDE * WITHOUT_LIMIT]


def weight(*forms) -> tuple[int, int]:
    """(fields, bytes) of these forms, filled to their limits."""
    sent = [(field.name, value) for form in forms for field in form for value in longest(field)]
    return len(sent), len(urlencode(sent))


def all_forms(kind=KavoForm):
    for one in kind.__subclasses__():
        yield one
        yield from all_forms(one)


@pytest.mark.one_database
def test_every_form_filled_to_its_limits_fits(app):
    with app.test_request_context():
        g._login_user = make.user("team", password=make.PASSWORD)
        for kind in all_forms():
            if kind.__module__.startswith("tests") or issubclass(kind, Verify):
                continue
            room = room_of(app, OWN_ROOM[kind]) if kind in OWN_ROOM else Room()
            fields, size = weight(kind())
            assert fields <= room.fields, kind
            assert size <= room.text, kind
        room = room_of(app, "bulk.evaluate")
        ones = [OneForm(prefix=f"s{'9' * 10}-") for _ in range(bulk.MOST_EVALUATED)]
        fields, size = weight(TogetherForm(), *ones)
        assert fields + bulk.MOST_EVALUATED <= room.fields
        assert size + bulk.MOST_EVALUATED * len("&id=9999999999") <= room.text


def test_a_hundred_long_motivations_are_kept_as_they_were_typed(app):
    jonas = make.user(password=make.PASSWORD)
    site, day = make.site(manager=jonas), make.COURSE.isoformat()
    stages = [make.placement(site=site, hours=20) for _ in range(bulk.MOST_EVALUATED)]
    visitor = Visitor(app, jonas)
    visitor.get("/samen/beoordelen", query_string={"id": [one.id for one in stages]})
    text = "5" + "€" * (LONGEST_TEXT - 1)
    typed = {"mentor": "Eline", "criterion": "instructor"}
    for one in stages:
        typed |= {f"s{one.id}-result": "negative", f"s{one.id}-motivation": text, f"s{one.id}-hours_done": "20"}
        typed |= {f"s{one.id}-starts_on": day, f"s{one.id}-ends_on": day}

    visitor.send(**typed)

    assert Placement.select().where(Placement.state == "evaluated").count() == len(stages)
    assert stages[-1].evaluations.get().motivation == text


@pytest.mark.parametrize(
    "path, name, most, more",
    [
        ("/gekoppelde-deelnemers/action/", "rowid", bulk.MOST_EVALUATED, {"action": "evaluate"}),
        ("/trajecten/action/", "rowid", MOST_AT_ONCE, {"action": "final"}),
        ("/trajecten/action/", "rowid", MOST_IDS, {"action": "release"}),
        ("/samen/beoordelen", "id", bulk.MOST_EVALUATED, {}),
        ("/trajecten/eindevaluatie/", "id", MOST_AT_ONCE, {}),
    ],
)
def test_selecting_too_many_rows_is_explained_and_changes_nothing(team, path, name, most, more):
    answer = team.post(path, {name: [str(number) for number in range(1, most + 2)], **more})

    assert answer.status_code == 302
    team.get("/mijn-gegevens")
    assert f"Kies er hoogstens {most:,} tegelijk.".replace(",", ".") in team.page.get_text(" ")


@pytest.mark.parametrize(
    "size, said", [(70 * 1024, "te groot voor een lijst"), (600 * 1024, "Een bestand mag hoogstens 128 kB zijn")]
)
def test_a_file_that_is_too_large_is_refused_with_a_sentence(app, size, said):
    jonas = make.user(password=make.PASSWORD)
    visitor = Visitor(app, jonas)
    visitor.get(f"/samen/{make.site(manager=jonas).id}/koppelen")
    token = visitor.page.find("input", {"name": "csrf_token"})["value"]
    data = {"csrf_token": token, "file": (io.BytesIO(b"1" * size), "a.csv")}

    answer = visitor.client.post(visitor.path, data=data, content_type="multipart/form-data")

    assert said in BeautifulSoup(answer.data, "html.parser").get_text(" ")


def test_visitors_who_are_not_logged_in_have_the_usual_room_everywhere(app):
    body = "x=" + "a" * MOST_BYTES
    for path in ("/samen/beoordelen", "/importeren/"):
        assert Visitor(app).client.post(path, data=body, content_type=FORM).status_code == 413
    assert MOST_FIELDS == 500
