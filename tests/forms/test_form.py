"""Every field of every form: shown in its group, with a real label, and marked 'niet verplicht' exactly when it is optional."""

import itertools
import secrets
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask_security import login_user
from flask_security.forms import Form as SecurityForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, PasswordField
from wtforms.csrf.core import CSRFTokenField

from admin_kit.base import AdminView
from forms import KavoForm, ReasonField, is_optional, shape
from forms.detours import NEVER
from identity import login, second_step
from models import User
from tests import factories as make
from tests.public_pages.test_registration import FORM, born, typed
from tests.test_words import faults
from tests.visitor import Visitor
from times import local_date, utcnow
from workflow import limits

WITHOUT_HINT = {"OneForm", "DecideForm.ready"}
"""fields required in some cases only, which the page itself explains: 'Nu niet' at each stage, the empty choice"""
SAME_IN_BOTH = {"Animator", "Postcode"}
"""labels that equal the label WTForms would derive from the field's name"""


def below(kind):
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


def classes(app) -> list[type]:
    """Every form class that we show: ours, those that Flask-Admin generates from a table, and those of Flask-Security."""
    security = set()
    for module in (login, second_step):
        security |= {one for one in vars(module).values() if isinstance(one, type) and issubclass(one, SecurityForm)}
    security = {one for one in security if one.__module__ in (login.__name__, second_step.__name__)}
    assert security
    shown = {
        kind
        for view in app.extensions["admin"][0]._views
        if isinstance(view, AdminView) and (view.can_create or view.can_edit)
        for name, kind in vars(view).items()
        if name.endswith("_form_class")
    }
    generated = {
        one for one in below(KavoForm) if one.__module__.startswith("wtfpeewee.")
    }  # also by another test's application
    found = {*below(KavoForm), *security} - (generated - shown)
    return sorted(found, key=lambda one: (one.__module__, one.__qualname__))


@pytest.fixture
def forms(app):
    """(name, class, an empty unsubmitted form) of each class."""
    team = make.user("team", password=make.PASSWORD)
    with app.test_request_context("/"):
        login_user(team)
        yield [(kind.__name__, kind, _make(kind, None)) for kind in classes(app)]


def _make(kind, sent):
    more = {"user": make.user(password=make.PASSWORD)} if kind is login.Verify else {}
    return kind(sent, **more) if issubclass(kind, KavoForm) else kind(formdata=sent, **more)


def test_a_detour_keeps_everything_but_passwords_and_codes(forms):
    for name, _, form in forms:
        for field in form:
            secret = isinstance(field, PasswordField | CSRFTokenField) or field.name == "code"
            assert bool(NEVER.fullmatch(field.name)) == secret, f"{name}.{field.name}"


def fields(form):
    return [
        one for one in form if shape(one) != "hidden" and not isinstance(one, CSRFTokenField) and one.name != "submit"
    ]


def test_every_field_is_shown_according_to_its_kind_with_a_real_label(app, forms):
    macros = app.jinja_env.get_template("parts/fields.html").make_module()
    count = 0
    for name, _, form in forms:
        for field in fields(form):
            at = f"{name}.{field.short_name}"
            html = BeautifulSoup(str(macros.field(field)), "html.parser")
            label = str(field.label.text)
            automatic = field.short_name.replace("_", " ").title()
            assert label, at
            assert not faults(label), at
            assert label != automatic or label in SAME_IN_BOTH, f"{at} has no label of ours"
            _check(field, html, label, at)
            marks = html.select(".optional")
            assert len(marks) == is_optional(field), at
            assert all(one.find_parent("label") is None and one.find_parent("legend") is None for one in marks), at
            for control in html.select("[aria-describedby]"):
                assert all(html.find(id=one) for one in control["aria-describedby"].split()), at
            count += 1
    assert count > 150


def _check(field, html, label, at):
    assert not html.select("ul"), f"{at} is a bulleted list"
    kind = shape(field)
    if kind == "group":
        assert html.select_one("fieldset > legend").get_text(strip=True) == label, at
        assert all(one.find_parent("label") for one in html.select("input")), at
        assert not html.find("label", attrs={"for": field.id}), at
    elif kind == "tick":
        assert [one.get_text(strip=True) for one in html.select("label")] == [label], at
        assert html.select_one("label input[type=checkbox]"), at
    else:
        assert [(one["for"], one.get_text(strip=True)) for one in html.select("label")] == [(field.id, label)], at
        assert html.find(id=field.id).name in ("input", "select", "textarea"), at


def test_optional_fields_are_those_without_required_validators(forms):
    """Empty input: no error for a field marked 'niet verplicht', an error for a field that is always required."""
    for name, kind, _ in forms:
        form = _make(kind, MultiDict([("x", "x")]))
        for field in fields(form):
            if shape(field) == "group" or getattr(field, "is_chosen", False) or isinstance(field, BooleanField):
                continue
            field.validate(form)
            at = f"{name}.{field.short_name}"
            if is_optional(field):
                assert not field.errors, (at, field.errors)
            elif not field.flags.sometimes:
                assert field.errors, f"{at} is told to be needed, and is not"
            field.errors = []


def test_a_field_that_is_sometimes_required_says_when(forms):
    for name, _, form in forms:
        for field in fields(form):
            at = f"{name}.{field.short_name}"
            assert not (field.flags.sometimes and field.flags.required), at
            if field.flags.sometimes and not {name, at} & WITHOUT_HINT:
                assert field.description, at
            assert not isinstance(field, ReasonField) or field.flags.sometimes, at


# ---- the rules behind the form agree


class Door:
    """A page with a form: its visitor, its URL, and a function that returns fresh input for all its fields."""

    def __init__(self, visitor, path, data):
        self.visitor, self.path, self.data = visitor, path, data

    def optional(self) -> set[str]:
        """The names of the fields marked 'niet verplicht'."""
        self.visitor.get(self.path())
        marks = self.visitor.page.select("main form[method=post] .optional")
        return {one.find_parent(class_="field").select_one("input, select, textarea")["name"] for one in marks}

    def send(self, without: set[str]) -> bool:
        path = self.path()
        self.visitor.get(path)
        form = self.visitor.page.select_one("main form[method=post] [name=form_key]").find_parent("form")
        hidden = {one["name"]: one["value"] for one in form.select("input[type=hidden][name]")}
        sent = {name: value for name, value in self.data().items() if name not in without}
        answer = self.visitor.client.post(
            form.get("action") or path, data={**hidden, **sent, "form_key": secrets.token_hex(8)}
        )
        self.visitor._keep(answer)
        return answer.status_code == 302


@pytest.fixture
def doors(app, settings):
    limits.set_up(False, settings.lookup_key)
    association = make.association()
    team = Visitor(app, make.user("team", password=make.PASSWORD))
    staff = Visitor(app, make.user("association", association=association, password=make.PASSWORD))
    jonas = make.user(password=make.PASSWORD, phone="0470 12 34 56")
    manager, site, numbers = Visitor(app, jonas), make.site(jonas), itertools.count(1)
    today = local_date(utcnow())

    def address():
        return f"iemand{next(numbers)}@example.com"

    def person():
        return {
            "kavo_id": f"{300000 + next(numbers)}-11",
            "first_name": "Anna",
            "last_name": "Nijs",
            "birth_date": "2009-03-12",
            "email": address(),
        }

    def account():
        return {
            "email": address(),
            "first_name": "Anna",
            "last_name": "Nijs",
            "phone": "0470 12 34 56",
            "active": "y",
            "birth_date": "1990-03-12",
            "role_names": ["association"],
            "association_ids": [association.id],
        }

    first = {"association": association.id, "type": "animator", "course_started_on": f"{today - timedelta(days=30)}"}
    place = {
        "name": "Speelplein Nieuw",
        "recognition": "municipal",
        "street": "Tuinstraat 8",
        "postcode": "2800",
        "municipality": "Mechelen",
        "animator": "y",
        "periods": ["summer"],
        "email": "plein@example.com",
        "phone": "0470 12 34 57",
    }
    stage = {
        "mentor": "Eline",
        "criterion": "instructor",
        "starts_on": "2026-06-01",
        "ends_on": "2026-06-20",
        "hours_done": "20",
        "result": "positive",
        "motivation": "Vlot.",
        "remarks": "Goed.",
    }

    def waiting():
        return f"/gekoppelde-deelnemers/beoordelen/?id={make.placement(site=site).id}"

    def ready():
        run = make.trajectory(association=association)
        make.evaluated(make.placement(trajectory=run, site=site, hours=50))
        return f"/klaar-voor-eindevaluatie/eindevaluatie/?id={run.id}"

    def cancel():
        return f"/gekoppelde-deelnemers/annuleren/?id={make.placement(site=site).id}"

    return {
        "registration": Door(
            Visitor(app),
            lambda: FORM,
            lambda: typed(email=address(), site_email=address(), site_phone="0470 12 34 57", birth_date=born(16)),
        ),
        "participant by the team": Door(team, lambda: "/deelnemers/new/", lambda: person() | first),
        "participant by an association": Door(staff, lambda: "/deelnemers/new/", lambda: person() | first),
        "participant changed": Door(team, lambda: f"/deelnemers/edit/?id={make.participant().id}", person),
        "association": Door(
            team,
            lambda: "/verenigingen/new/",
            lambda: {"name": f"Kring {next(numbers)}", "email": address(), "phone": "0470 12 34 56"},
        ),
        "account": Door(team, lambda: "/accounts/new/", account),
        "account changed": Door(
            team, lambda: f"/accounts/edit/?id={make.user('association', association).id}", account
        ),
        "site by the team": Door(team, lambda: "/stageplaatsen/new/", lambda: place | {"manager": jonas.email}),
        "site changed": Door(manager, lambda: f"/stageplaatsen/edit/?id={site.id}", lambda: place),
        "own data": Door(
            manager,
            lambda: "/mijn-gegevens",
            lambda: {
                "first_name": "Jonas",
                "last_name": "Maes",
                "email": User.get_by_id(jonas.id).email,
                "phone": "0470 12 34 56",
            },
        ),
        "trajectory": Door(
            team, lambda: "/trajecten/new/", lambda: first | {"participant": make.participant().kavo_id}
        ),
        "evaluation": Door(manager, waiting, lambda: dict(stage)),
        "final evaluation": Door(
            staff, ready, lambda: {"result": "passed", "evaluated_on": f"{today}", "motivation": "Goed."}
        ),
        "cancelling": Door(manager, cancel, lambda: {"reason": "Ziek."}),
    }


def test_optional_fields_may_be_left_out(doors):
    """Each alone, and all at once."""
    told = set()
    for name, door in doors.items():
        optional = door.optional()
        told |= optional
        for left_out in [set(), optional, *({one} for one in optional)]:
            assert door.send(left_out), (name, left_out, door.visitor.text[:400])
    assert told >= {"email", "phone", "remarks", "site_email"}


def test_fields_that_belong_together_stand_in_one_group(app):
    """For the pages that show all fields of a table in order."""
    team = Visitor(app, make.user("team", password=make.PASSWORD))
    for view in (
        view for view in app.extensions["admin"][0]._views if isinstance(view, AdminView) and view.form_groups
    ):
        team.get(f"{view.url}/new/")
        for legend, names in view.form_groups:
            found = {team.page.find(attrs={"name": name}).find_parent("fieldset") for name in names}
            assert [one.legend.get_text() for one in found] == [legend]
            assert all(
                team.page.find(attrs={"name": name}).find_parent("label")
                or team.page.find("label", attrs={"for": name})
                for name in names
            )
    team.send(name="")
    summary = team.page.select(".error-summary a")
    assert summary
    assert all(team.page.find(id=one["href"][1:]) for one in summary)
