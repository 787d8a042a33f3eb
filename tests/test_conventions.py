"""What keeps the house in order: imports point one way, views are scoped, forms carry a token, the screen is Dutch."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from admin_views.roles import ForRoles
from tests import factories as make
from tests.visitor import Visitor

PROJECT = Path(__file__).parents[1]
LAYERS = [
    {"times", "config", "install", "texts"},
    {"dutch", "readings", "sentences", "proof"},
    {"database"},
    {"searching", "sheets"},
    {"people"},
    {"records"},
    {"places"},
    {"batches", "participants"},
    {"models"},
    {"scope", "audit", "links", "limits", "migrations"},
    {"mails", "certificates", "privacy", "rights"},
    {"workflow", "checks", "delivery"},
    {"refusing"},
    {"forms", "logs", "eid", "serving"},
    {"second_step"},
    {"login"},
    {"site_forms"},
    {"admin_views", "public_pages", "tasks", "demo"},
    {"crowd", "watching", "backups"},
    {"moving"},
    {"cli_privacy"},
    {"cli"},
    {"app", "worker", "catcher", "provider"},
]
LEVEL = {name: number for number, names in enumerate(LAYERS) for name in names}
TEMPLATES = sorted(
    path for path in (PROJECT / "templates").rglob("*.html") if path.parent.name != "provider"
)  # the made-up eID is another application
ENGLISH = re.compile(
    r"\b(the|and|with|your|please|save|delete|edit|create|list|search|error|required|invalid|choose|password|login|view|"
    r"details|submit|cancel|actions|export|filter by|none|true|false|null|undefined)\b",
    re.I,
)
DUTCH_TOO = {"filter", "list"}


def modules():
    for path in PROJECT.glob("*.py"):
        yield path.stem, path
    for folder in ("admin_views", "public_pages", "workflow", "migrations"):
        for path in (PROJECT / folder).rglob("*.py"):
            yield folder, path


def test_imports_point_one_way():
    for name, path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for imported in (one.partition(".")[0] for one in names):
                if imported in LEVEL and imported != name:
                    assert LEVEL[imported] <= LEVEL[name], f"{path.name} imports {imported}"
                    assert imported not in ("app", "worker", "tests"), path.name


def test_every_module_is_in_a_layer_and_says_what_belongs_in_it():
    for name, path in modules():
        assert name in LEVEL, f"{name}: put it in LAYERS"
        tree = ast.parse(path.read_text("utf-8"))
        assert ast.get_docstring(tree) or not tree.body, f"{path.name} has no first line that says what belongs in it"


def test_every_view_goes_through_scope(app):
    for view in app.extensions["admin"][0]._views:
        assert isinstance(view, ForRoles), view


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_template_compiles_and_fits_the_content_policy(app, path):
    text = path.read_text("utf-8")
    app.jinja_env.get_template(str(path.relative_to(PROJECT / "templates")))
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text)
    for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", text, re.S):
        assert "csrf_token" in form or "m.hidden(" in form


def test_no_file_names_a_machine():
    for _, path in modules():
        assert not re.search(r"/(home|root|work)/", path.read_text("utf-8")), path


@pytest.mark.one_database
@pytest.mark.parametrize("role", ["team", "manager", "association"])
def test_no_english_is_left_on_any_page(app, role):
    visitor = Visitor(app, make.user(role, password=make.PASSWORD))
    make.placement(site=make.site())
    for rule in app.url_map.iter_rules():
        if (
            "GET" in rule.methods
            and not rule.arguments
            and not rule.endpoint.endswith(("static", "ajax_lookup", "postcodes", ".export", "insight_data"))
        ):
            visitor.get(rule.rule, query_string={"id": 1}, follow_redirects=True)
            words = {word.lower() for word in ENGLISH.findall(visitor.page.get_text(" "))} - DUTCH_TOO
            assert not words, f"{rule.rule}: {words}"
            assert visitor.page.html["lang"] == "nl"


def test_what_the_benchmarks_take_from_us_is_there():
    """They run by hand only, so nobody else notices when a name of ours goes away."""
    ours = {name for name, _ in modules()}
    for path in (PROJECT / "bench").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in ours | {"tests"}:
                module = importlib.import_module(node.module)
                for name in node.names:
                    there = hasattr(module, name.name)
                    if hasattr(module, "__path__"):
                        there = there or importlib.util.find_spec(f"{node.module}.{name.name}")
                    assert there, f"{path.name}: {node.module} has no {name.name}"
