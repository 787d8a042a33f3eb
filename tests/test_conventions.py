"""Conventions of the code: imports point one way, views are scoped, forms carry a token, the screen is Dutch."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest
from peewee import CharField, TextField

import models
from admin_kit.access import ForRoles
from database import Typed
from models import TABLES

PROJECT = Path(__file__).parents[1]
FLOORS = [
    {"config", "times"},
    {"dutch"},
    {"database"},
    {"tables"},
    {"models"},
    {"mails", "migrations", "scope", "audit"},
    {"workflow"},
    {"forms", "tasks"},
    {"identity"},
    {"operations", "local"},
    {"admin_kit"},
    {"admin_views", "public_pages", "commands"},
    {"app", "worker"},
]
"""the layers from the bottom up: a package imports from its own layer and those below"""
LEVEL = {name: number for number, names in enumerate(FLOORS) for name in names}
TEMPLATES = sorted(
    path for path in (PROJECT / "templates").rglob("*.html") if path.parent.name != "provider"
)  # the local eID provider is a separate application
NOBODY_TYPES = {
    "role": "name",
    "user": "search password fs_uniquifier tf_primary_method tf_totp_secret mf_recovery_codes fs_webauthn_user_handle",
    "passkey": "transports device_type extensions usage",
    "identity": "issuer subject number_hash key_id acr vo_id",
    "link_request": "kind differs issuer subject number_hash key_id acr state",
    "session": "key_hash device acr",
    "token": "key_hash purpose object_type object_id address stamp",
    "attempt": "kind key_hash",
    "draft": "key_hash form data",
    "saved_view": "screen query shared_with",
    "association": "search",
    "declaration": "text",
    "site": "search recognition place nis state",
    "site_period": "kind",
    "site_message": "kind",
    "proposal": "recognition nis state",
    "handover": "state",
    "participant": "search",
    "trajectory": "type state outcome search",
    "placement": "state result on_behalf search type",
    "evaluation": "criterion result on_behalf",
    "final_evaluation": "result on_behalf",
    "attest": "code",
    "mail": "search key kind to_address subject body message_id state error object_type object_id",
    "reminder": "object_type object_id kind",
    "retention": "key",
    "history": "verb object_type object_id payload salt digest erases",
    "seal": "digest key_id unnamed",
    "lookup": "search kavo_id purpose",
    "form_key": "key",
    "refusal": "form field rule",
    "import_batch": "digest state",
    "import_row": "cells kavo_id type verdict text before",
}
"""Text columns that no person fills in: codes, hashes, JSON, and values derived from other columns."""


def modules():
    """(package, path) of every module of the product."""
    for path in PROJECT.glob("*.py"):
        yield path.stem, path
    for folder in (name for name in LEVEL if (PROJECT / name).is_dir()):
        for path in sorted((PROJECT / folder).rglob("*.py")):
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


def test_the_root_holds_the_nine_files_to_read_first():
    at_root = {path.stem for path in PROJECT.glob("*.py")}
    assert at_root == {"app", "config", "models", "scope", "audit", "tasks", "worker", "dutch", "times"}


def test_the_tests_of_a_room_lie_in_a_folder_with_its_name():
    apart = {"browser", "fixtures", "oidc", "services", "validator", "vendor"}  # of the whole, or not ours
    folders = {path.parent.relative_to(PROJECT / "tests") for path in (PROJECT / "tests").rglob("test_*.py")}
    rooms = {folder for folder in folders if folder.parts and folder.parts[0] not in apart}
    assert all((PROJECT / folder).is_dir() or folder.name == "eid" for folder in rooms)


def test_every_module_imports_tables_through_models():
    for name, path in modules():
        if name not in ("tables", "models"):
            assert not re.search(r"^\s*(from|import) tables\b", path.read_text("utf-8"), re.M), path
    assert sorted(models.__all__) == sorted(
        name for name in dir(models) if not name.startswith("_") and name != "tables"
    )


def test_every_module_is_in_a_layer_and_says_what_belongs_in_it():
    for name, path in modules():
        assert name in LEVEL, f"{name}: put it in FLOORS"
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
        assert re.search(r"csrf_token|\b(hidden|token)\(", form)


MOST_TAGS, MOST_LOGIC_WORDS, LONGEST_PART = 10, 3, 150
"""logic tags per 100 lines of all templates; logic words on one line; lines of a file in templates/parts"""
TAG = re.compile(r"\{%-?\s*(?:if|elif|else|for|set|do|call|with|filter)\b")
LOGIC_WORD = re.compile(r"\b(?:if|elif|else|for|set|and|or|not|is|in)\b")


def template_lines() -> list[tuple[str, str]]:
    """(file, line) of every template, also those of mails."""
    paths = [path for kind in ("html", "txt") for path in sorted((PROJECT / "templates").rglob(f"*.{kind}"))]
    return [(path.name, line) for path in paths for line in path.read_text("utf-8").splitlines()]


def logic_words(line: str, pieces: str = r"\{[%{].*?[%}]\}") -> list[str]:
    """The keywords of logic on a line of a template; text between quotes does not count."""
    found = re.findall(pieces, line)
    return [word for piece in found for word in LOGIC_WORD.findall(re.sub(r"\"[^\"]*\"|'[^']*'", "", piece))]


def test_the_view_decides_and_the_template_prints():
    lines = template_lines()
    assert len(lines) > 3000, "is every template read?"
    tags = sum(len(TAG.findall(line)) for _, line in lines)
    assert 100 * tags / len(lines) <= MOST_TAGS, "let the view decide, and hand over words, facts or buttons"
    busy = [f"{name}: {line.strip()}" for name, line in lines if len(logic_words(line)) > MOST_LOGIC_WORDS]
    chosen = [f"{name}: {line.strip()}" for name, line in lines if "if" in logic_words(line, r"\{\{.*?\}\}")]
    assert busy + chosen == []


def test_every_part_of_a_page_says_what_belongs_in_it():
    parts = sorted((PROJECT / "templates" / "parts").glob("*.html"))
    assert len(parts) > 5
    for path in parts:
        first, *others = path.read_text("utf-8").splitlines()
        assert first.startswith("{# "), f"{path.name} has no first line that says what belongs in it"
        assert len(others) < LONGEST_PART, f"{path.name} is long: split it by subject"


def test_a_column_of_text_is_kept_tidy_unless_no_person_types_it():
    """A column that is not a `Line`, `Lines` or `LongText`, nor named above, bypasses `texts`."""
    plain = {
        (model._meta.table_name, field.column_name)
        for model in TABLES
        for field in model._meta.sorted_fields
        if isinstance(field, CharField | TextField) and not isinstance(field, Typed)
    }
    assert plain == {(table, name) for table, names in NOBODY_TYPES.items() for name in names.split()}


def test_only_one_module_hashes_or_compares_passwords():
    for _, path in modules():
        if path.name != "passwords.py":
            used = re.findall(
                r"\bhash_password\b|(?<!\.)(?<!def )\bverify(?:_and_update)?_password\b", path.read_text("utf-8")
            )
            assert not used, f"{path.name}: {used}; ask `passwords`"


def test_no_module_tidies_a_text_in_its_own_way():
    """A screen or verb that uses `.strip()` to test for input would accept an invisible character as a reason."""
    for folder, path in modules():
        if folder in ("workflow", "admin_kit", "admin_views", "public_pages"):
            assert not re.search(r"if not \w+(\.\w+)*\.strip\(\)", path.read_text("utf-8")), path


def test_no_file_names_a_machine():
    for _, path in modules():
        assert not re.search(r"/(home|root|work)/", path.read_text("utf-8")), path


def test_names_used_by_the_benchmarks_exist():
    """They run by hand only, so nothing else notices when one of our names disappears."""
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
