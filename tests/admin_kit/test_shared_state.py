"""State shared by all threads (views, their forms, settings, modules) never changes: no request leaves anything in it."""

import ast
import inspect
import sys
import textwrap
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests import factories as make
from tests.admin_kit.test_rights import ARGUMENTS
from tests.visitor import Visitor
from workflow import letters
from workflow.sites import handovers

PROJECT = Path(__file__).parents[2]
SET_UP = {"init_actions", "__init__", "_refresh_cache"}
"""the methods of a view in which it is made; Flask-Admin calls them when it is registered"""
COUNTED = {"_unbound_fields", "_wtforms_meta", "__dict__", "__weakref__"}
"""what WTForms caches on a form class at first use, the same for everybody"""
PLAIN = str, int, float, bytes, bool, type(None)
ENDING = "security.logout", "eid.stop", "account.sign_out_everywhere", "account.sign_out_there", "eid.again", "static"
LEAVING = "afmelden", "overal-afmelden"
MISSING = "987654"


def ours(thing) -> bool:
    """Whether a class, or the class of an object, is defined in this repository."""
    module = sys.modules.get(getattr(thing if isinstance(thing, type) else type(thing), "__module__", ""))
    file = getattr(module, "__file__", None)
    return bool(file) and Path(file).is_relative_to(PROJECT) and ".venv" not in Path(file).parts


def frozen(value, inside=()):
    """The content of an object, to compare later: by value for plain values, containers and our objects, else by identity."""
    if isinstance(value, PLAIN):
        return value
    if id(value) in inside:
        return "…"
    inside = (*inside, id(value))
    if isinstance(value, dict):
        return id(value), {str(key): frozen(one, inside) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return type(value), [
            frozen(one, inside) for one in (sorted(value, key=str) if isinstance(value, set) else value)
        ]
    if (
        isinstance(value, type)
        and ours(value)
        and value.__module__.partition(".")[0] in ("admin_views", "public_pages", "forms")
    ):
        return id(value), {name: frozen(one, inside) for name, one in vars(value).items() if name not in COUNTED}
    if ours(value) and not isinstance(value, type) and hasattr(value, "__dict__"):
        return id(value), {name: frozen(one, inside) for name, one in vars(value).items()}
    return id(value)


def shared(app) -> dict:
    """Name → shared object: views with their classes and forms, the menu, the settings, the modules of the screens."""
    admin = app.extensions["admin"][0]
    found = {"menu": frozen([vars(item) for item in admin.menu()])}
    found |= {f"config.{name}": frozen(value) for name, value in app.config.items()}
    for view in admin._views:
        found |= {f"{view.endpoint}.{name}": frozen(value) for name, value in vars(view).items()}
        for kind in (one for one in type(view).__mro__ if ours(one)):
            found |= {
                f"{kind.__name__}.{name}": frozen(value) for name, value in vars(kind).items() if name not in COUNTED
            }
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in (
            "admin_views",
            "public_pages",
            "forms",
            "site_forms",
            "scope",
            "mails",
            "links",
            "second_step",
        ):
            found |= {f"{name}.{key}": frozen(value) for key, value in vars(module).items() if not key.startswith("__")}
    return found


@pytest.fixture
def before(app):
    """The shared state before the first request."""
    return shared(app)


@pytest.fixture
def people(app, before):
    """A visitor and a user of each role with data to see; row 1 of most tables is theirs."""
    other = make.user()
    manager = make.user(password=make.PASSWORD)
    association = make.association()
    site = make.site(manager=manager)
    make.placement(site=site, trajectory=make.trajectory(association=association))
    handovers.ask(site, other, "nieuw@kavo.test", "0470 11 11 11", make.NOW)
    make.mail(state="failed")
    staff = make.user("association", association=association, password=make.PASSWORD)
    team = make.user("team", password=make.PASSWORD)
    return [Visitor(app), *(Visitor(app, one) for one in (manager, staff, team))]


def routes(app):
    """(rule, path) of each route; a route about a row is given twice, for row 1 and for a missing row."""
    for rule in app.url_map.iter_rules():
        for number in ("1", MISSING) if rule.endpoint not in ENDING else ():
            yield rule, rule.build({**ARGUMENTS, "pk": number}, append_unknown=False)[1] + f"?id={number}&q=wie"


def act(app, visitor):
    """Each action of each list, on row 1 and on a missing row, with and without confirmation."""
    for view in app.extensions["admin"][0]._views:
        for name in getattr(view, "actions", {}):
            for sure in ({}, {"sure": "1", "reason": "Daarom", "until": "2030-01-01"}):
                yield visitor.post(f"{view.url}/action/", {"action": name, "rowid": ["1", MISSING], **sure}).status_code


@pytest.mark.one_database
def test_no_request_changes_what_all_threads_share(app, before, people):
    answers = Counter()
    for visitor in people:
        for rule, path in routes(app):
            if "GET" in rule.methods:
                visitor.get(path)
                form = visitor.page.select_one("main form[method=post]")
                if form and not form.get("action", "").endswith(LEAVING):
                    visitor.send(form)
            else:
                visitor.post(path, {"id": "1", "rowid": "1"})
            answers[visitor.answer.status_code] += 1
        answers.update(act(app, visitor))
        assert visitor.get("/mijn-gegevens").status_code == (302 if visitor is people[0] else 200), (
            "logged out half-way"
        )
    after = shared(app)
    assert {name for name in before | after if before.get(name) != after.get(name)} == set()
    assert answers[200] > 150, answers
    assert len(before) > 1000


def written(function) -> list[str]:
    """The attributes of `self` (or of its class) that a function assigns."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    found = []
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
        targets = [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr) else targets
        for target in targets:
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            found += [ast.unparse(one) for one in parts if ast.unparse(one).startswith(("self.", "type(self)", "cls."))]
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr" and ast.unparse(node.args[0]) == "self":
            found.append(ast.unparse(node))
    return found


def test_no_method_of_a_view_keeps_anything_on_it(app):
    for kind in {one for view in app.extensions["admin"][0]._views for one in type(view).__mro__ if ours(one)}:
        for name, value in vars(kind).items():
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if inspect.isfunction(function) and ours(kind) and name not in SET_UP:
                assert not written(function), f"{kind.__name__}.{name}"


def test_no_screen_or_page_has_a_global_that_requests_write():
    for folder in ("admin_kit", "admin_views", "public_pages"):
        for path in (PROJECT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text("utf-8"))
            assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global)], path.name


def test_it_sees_what_a_method_writes():
    class Wrong:
        def page(self, row):
            self.row, here = row, 1
            self.other = here
            self.kept["x"] += here
            type(self).last = row

    assert len(written(Wrong.page)) == 4


def test_each_person_reads_the_outcome_of_their_chosen_rows(app, monkeypatch):
    """A second person acts on the same list while the first waits for a response; two of the first person's rows are gone."""
    first, second = (Visitor(app, make.user("team", password=make.PASSWORD)) for _ in range(2))
    mails = [make.mail(state="failed") for _ in range(3)]
    set_aside, answers = letters.set_aside, []

    def act_too():
        second.post("/mails/action/", {"action": "set_aside", "rowid": [mails[1].id, mails[2].id]})
        second.get("/mails/")
        answers.append(second.text)

    def slowly(row, *values):
        set_aside(row, *values)
        if row == mails[0]:
            meanwhile = threading.Thread(target=act_too)
            meanwhile.start()
            meanwhile.join()

    monkeypatch.setattr(letters, "set_aside", slowly)
    first.post("/mails/action/", {"action": "set_aside", "rowid": [mails[0].id, MISSING, "654321"]})

    assert first.text.count("niet gevonden") == 2
    assert "2 e-mails in orde" in answers[0]
    assert "niet gevonden" not in answers[0]
