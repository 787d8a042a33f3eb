"""Low-code: the view of docs/new-table.md is a complete screen as it stands there, and so is what `flask new-table` writes."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from peewee import BooleanField, CharField, DateField

import admin_views
import audit
import migrations
import scope
from admin_kit.actions import row_action
from admin_kit.base import AdminView, Screen
from app import create_app
from commands import documents, new_table
from commands.new_table import files
from commands.new_table.reserved import SQL_WORDS
from database import Versioned, database, on_postgresql
from models import TABLES, TEAM, Attest, FinalEvaluation, History
from tests import factories as make
from tests.visitor import Visitor

PROJECT = Path(__file__).parents[2]
CODE = re.search(r"```python\n(.*?)```", (PROJECT / "docs" / "new-table.md").read_text("utf-8"), re.S)[1]


class Note(Versioned):
    steps = {"open": {"done"}}
    subject = CharField(max_length=100, verbose_name="Onderwerp")
    written_on = DateField(verbose_name="Geschreven op")
    urgent = BooleanField(default=False, verbose_name="Dringend")
    state = CharField(default="open", choices=[("open", "Open"), ("done", "Afgehandeld")], verbose_name="Stand")

    def __str__(self):
        return self.subject


def finish_note(note, by, now):
    scope.require(by, "finish", note)
    note.move("done")


@pytest.fixture
def team(settings, monkeypatch):
    """The team at an application that has this table too."""
    names = {"AdminView": AdminView, "Note": Note, "Screen": Screen, "TEAM": TEAM}
    names |= {"row_action": row_action, "finish_note": finish_note}
    exec(compile(CODE, "docs/new-table.md", "exec"), names)
    register = admin_views.register

    def with_notes(app):
        admin = register(app)
        admin_views.add(admin, names["NoteView"])
        return admin

    monkeypatch.setattr(admin_views, "register", with_notes)
    database.close()
    app = create_app(settings)
    database.connect()
    database.create_tables([Note])
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    visitor.app = app
    yield visitor
    database.drop_tables([Note])


def test_the_view_takes_at_most_15_lines():
    assert len([line for line in CODE.splitlines() if line.strip()]) <= 15


def test_the_list_searches_filters_sorts_and_has_tabs(team):
    Note(subject="Sleutel", written_on="2026-07-01", urgent=True).save()
    Note(subject="Rekening", written_on="2026-07-02").save()

    for query, subjects in {
        "": ["Rekening", "Sleutel"],
        "sort=subject": ["Rekening", "Sleutel"],
        "sort=written_on": ["Sleutel", "Rekening"],
        "q=sleu": ["Sleutel"],
        "urgent=0": ["Rekening"],
        "written_on_tot=2026-07-01": ["Sleutel"],
        "tab=done": [],
    }.items():
        team.get(f"/berichten/?{query}")
        assert [row.get_text() for row in team.page.select("tbody th[scope=row]")] == subjects, query
    assert "Berichten" in team.page.select_one("header nav").get_text()


def test_the_form_adds_and_changes_with_history(team):
    team.get("/berichten/new/")
    team.send(subject="Sleutel", written_on="01/07/2026")
    note = Note.get()
    team.get(f"/berichten/edit/?id={note.id}")
    team.send(subject="Sleutels")

    team.get(f"/berichten/details/?id={note.id}")
    assert "voegde bericht ‘Sleutel’ toe" in team.text
    assert "Onderwerp van ‘Sleutel’ naar ‘Sleutels’" in team.text
    assert all(audit.is_whole(line) for line in History.select())


def test_the_action_asks_first_and_the_export_follows_the_list(team):
    note = Note.create(subject="Sleutel", written_on="2026-07-01")

    team.post("/berichten/action/", {"action": "finish", "rowid": note.id})
    assert "Deze berichten zijn dan klaar." in team.text
    assert Note.get().state == "open"
    team.send()
    assert Note.get().state == "done"
    assert "Sleutel;01/07/2026;nee;Afgehandeld" in team.get("/berichten/export/csv/").text


def test_nobody_but_the_team_sees_it(team):
    note = Note.create(subject="Sleutel", written_on="2026-07-01")
    manager = Visitor(team.app, make.user(password=make.PASSWORD))

    for path in ("/berichten/", f"/berichten/details/?id={note.id}", "/berichten/export/csv/", "/berichten/new/"):
        assert manager.get(path).status_code == 404
    team.get("/berichten/")
    assert "Berichten" in team.page.select_one("header").get_text()
    manager.get("/stageplaatsen/")
    assert "Berichten" not in manager.page.select_one("header").get_text()


# ---- the command


FIELDS = (
    "naam:Line",
    "bijnaam:Line?",
    "mail:Email",
    "mail2:Email?:Tweede adres",
    "tel:Phone",
    "tel2:Phone?",
    "note:Text",
    "verslag:Text?:Wat we zagen",
    "aantal:Integer",
    "aantal2:Integer?",
    "gezien:Boolean",
    "klaar:Boolean?",
    "date:Date",
    "einde:Date?",
    "site:Site",
    "elders:Site?",
    "participant:Participant",
    "account:User?",
)
"""every type, needed and optional; a table twice, and tables that a form looks up"""
WRITTEN = {
    "tables/huis_bezoek.py",
    "models.py",
    f"migrations/{int(migrations.available()[-1][:4]) + 1:04}_huis_bezoek.sql",
    "admin_views/huis_bezoek.py",
    "tests/admin_views/test_huis_bezoek.py",
    "docs/commands.md",
    "docs/privacy.md",
    "docs/rights.md",
}
OWN_TEST = "tests/admin_views/test_huis_bezoek.py"
SAME_TABLES = "tests/migrations/test_migrations.py::test_the_migrations_and_the_models_describe_the_same_tables"
REGISTER = "tests/workflow/privacy/test_privacy.py::test_every_column_is_in_the_register_or_says_nothing_of_a_person"
STEPS = (SAME_TABLES, "tests/migrations/test_migrations.py::test_no_step_since_the_launch_breaks_the_release_before_it")
RULES = (
    "tests/test_conventions.py::test_imports_point_one_way",
    "tests/test_conventions.py::test_every_module_imports_tables_through_models",
    "tests/test_conventions.py::test_every_module_is_in_a_layer_and_says_what_belongs_in_it",
    "tests/test_conventions.py::test_every_view_goes_through_scope",
    "tests/test_conventions.py::test_a_column_of_text_is_kept_tidy_unless_no_person_types_it",
    REGISTER,
    "tests/workflow/privacy/test_privacy.py::test_every_entry_says_how_long",
    "tests/admin_kit/test_rights.py::test_every_route_is_classified",
    "tests/test_words.py::test_every_column_has_a_dutch_word",
    "tests/test_documentation.py::test_a_page_that_is_made_from_the_code_is_up_to_date",
)
NOT_COPIED = shutil.ignore_patterns(".*", "instance", "node_modules", "__pycache__", "test-results")


def contents(folder):
    """Path → content of every file that git would see."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if "cache" not in name and not name.startswith("instance")
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project in which the command wrote a table with every type of column; `run` runs Python there."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(PROJECT, folder, ignore=NOT_COPIED)
    before = contents(folder)

    def run(*arguments):
        return subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True)

    made = run("flask", "--app", "app", "new-table", "HuisBezoek", *FIELDS, "--one", "huisbezoek")
    after = contents(folder)
    changed = {name for name in after if after[name] != before.get(name)}
    return SimpleNamespace(
        folder=folder, run=run, said=f"{made.stdout}{made.stderr} [{made.returncode}]", changed=changed
    )


def test_the_command_says_what_it_wrote_and_what_comes_next(project):
    assert project.changed == WRITTEN, project.said
    assert {line.removeprefix("wrote ") for line in project.said.splitlines() if line.startswith("wrote ")} == WRITTEN
    assert "flask --app app migrate" in project.said


@pytest.mark.one_database
def test_what_it_wrote_passes_the_checks_of_code(project):
    python = sorted(name for name in WRITTEN if name.endswith(".py"))
    for arguments in (
        ("ruff", "check", *python),
        ("ruff", "format", "--check", *python),
        ("mypy", "--follow-imports=silent", "-m", "tables.huis_bezoek", "-m", "admin_views.huis_bezoek"),
    ):
        done = project.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_it_wrote_passes_its_test_and_the_rules(project, request):
    """The rules that no database changes are tried on SQLite only."""
    database = request.config.getoption("--database")
    tried = (OWN_TEST, *STEPS, *(RULES if database == "sqlite" else ()))
    done = project.run("pytest", "-q", "-p", "no:cacheprovider", "--database", database, *tried)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


@pytest.mark.one_database
def test_a_table_without_its_privacy_line_or_a_column_in_its_step_is_noticed(project):
    (step,) = (project.folder / "migrations").glob("*_huis_bezoek.sql")
    lacking = {
        project.folder / "tables/huis_bezoek.py": r"    technical = .*\n",
        step: r'    "einde" DATE,\n',
    }
    kept = {path: path.read_text("utf-8") for path in lacking}
    try:
        for path, line in lacking.items():
            text, found = re.subn(line, "", kept[path])
            assert found == 1
            path.write_text(text, "utf-8")
        said = project.run("pytest", "-q", "-p", "no:cacheprovider", REGISTER, SAME_TABLES).stdout
    finally:
        for path, text in kept.items():
            path.write_text(text, "utf-8")
    assert f"FAILED {REGISTER}" in said
    assert f"FAILED {SAME_TABLES}" in said
    assert "einde" in said


@pytest.mark.one_database
def test_a_view_that_does_not_name_its_roles_stops_the_start(app):
    class Silent(AdminView):
        screen = Screen(Note, "Berichten", "/berichten")

    with pytest.raises(TypeError, match="Silent does not say where it stands or who sees it"):
        admin_views.add(app.extensions["admin"][0], Silent)


@pytest.mark.one_database
def test_a_written_test_can_make_a_row_of_every_table_but_two(db):
    with_a_past = {Attest, FinalEvaluation}  # docs/new-table.md says so
    for model in set(TABLES) - with_a_past:
        if "id" in model._meta.fields:
            assert make.row(model).id, model


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder where the command writes, with what it changes but without an application."""
    monkeypatch.setattr(new_table, "PROJECT", tmp_path)
    monkeypatch.setattr(files, "PROJECT", tmp_path)
    for name in ("tables", "migrations", "admin_views", "tests/admin_views", "docs"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("models.py", *(f"docs/{name}.md" for name in documents.DOCUMENTS)):
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


@pytest.mark.one_database
@pytest.mark.parametrize(
    "arguments, said",
    [
        (("Site", "name:Line"), "'Site' is taken"),
        (("Session", "name:Line"), "'Session' is taken"),
        (("site-visit", "name:Line"), "is no name for a table"),
        (("visit", "name:Line"), "is no name for a table"),
        (("Site_Visit", "name:Line"), "is no name for a table"),
        (("Import", "name:Line"), "a word of Python"),
        (("Order", "name:Line"), "a word of SQL"),
        (("Exception", "name:Line"), "something else in the code"),
        (("Screen", "name:Line"), "something else in the code"),
        (("MigrationNote", "name:Line"), "reserved or too long"),
        (("V" + "isit" * 10, "name:Line"), "reserved or too long"),
        (("Handover2", "name:Line", "--many", "stageplaatsen"), "The address /stageplaatsen/ is taken"),
        (("Todo", "name:Line"), "A screen is called 'todo' already"),
        (("Work2", "name:Line", "--many", "a<b"), "--many: write one or a few words"),
        (("Visit",), "A table needs a column"),
        (("Visit", "name:Word"), "'Word' of 'name' is no type or table"),
        (("Visit", "at:DateTime"), "'DateTime' of 'at' is no type or table"),
        (("Visit", "name"), "'' of 'name' is no type or table"),
        (("Visit", "site:Visit"), "'Visit' of 'site' is no type or table"),
        (("Visit", "form:FormKey"), "cannot refer to FormKey"),
        (("Visit", "site_id:Site"), "name it after what it refers to"),
        (("Visit", "class:Line"), "'class' is a word of Python"),
        (("Visit", "limit:Integer"), "'limit' is a word of SQL"),
        (("Visit", "Name:Line"), "'Name' is no name for a column"),
        (("Visit", "save:Line"), "something called 'save' already"),
        (("Visit", "id:Integer"), "something called 'id' already"),
        (("Visit", "data:Line"), "something called 'data' already"),
        (("Visit", "name:Line", "name:Text"), "is there twice"),
        (("Visit", "site:Site", "site_id:Integer"), "is there twice"),
        (("Visit", 'name:Line:a"b'), "one short line"),
        (("Visit", "key_words:Line"), "reserved or too long"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_written(app, elsewhere, arguments, said):
    before = contents(elsewhere)
    result = app.test_cli_runner().invoke(args=["new-table", *arguments])

    assert result.exit_code == 1
    assert said in result.output
    assert re.fullmatch(r"Error: .+\.\n", result.output)
    assert contents(elsewhere) == before


@pytest.mark.one_database
def test_a_file_that_exists_is_not_overwritten(app, elsewhere):
    (elsewhere / "tables" / "visit.py").write_text("mine")
    result = app.test_cli_runner().invoke(args=["new-table", "Visit", "name:Line"])

    assert result.exit_code == 1
    assert "tables/visit.py exists" in result.output
    assert (elsewhere / "tables" / "visit.py").read_text() == "mine"


@pytest.mark.one_database
def test_when_it_fails_halfway_every_file_is_as_it_was(app, elsewhere):
    before = contents(elsewhere)
    result = app.test_cli_runner().invoke(args=["new-table", "Visit", "name:Line"])

    assert result.exit_code == 1
    assert "No module named 'app'" in result.output  # so all files had been written and laid out by then
    assert "The files were taken away again" in result.output
    assert contents(elsewhere) == before


@pytest.mark.one_database
def test_it_is_not_for_production(app, elsewhere):
    before = contents(elsewhere)
    app.config["KAVO"] = replace(app.config["KAVO"], environment="production")
    result = app.test_cli_runner().invoke(args=["new-table", "Visit", "name:Line"])

    assert result.exit_code == 1
    assert "not for production" in result.output
    assert contents(elsewhere) == before


def test_every_word_that_postgresql_reserves_is_refused(db):
    if not on_postgresql():
        pytest.skip("SQLite does not list its words")
    reserved = database.execute_sql("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")
    assert {word for (word,) in reserved} <= SQL_WORDS


@pytest.mark.one_database
@pytest.mark.parametrize(
    "one, many",
    [
        ("bezoek", "bezoeken"),
        ("taak", "taken"),
        ("attest", "attesten"),
        ("lijstje", "lijstjes"),
        ("foto", "foto’s"),
        ("begeleider", "begeleiders"),
    ],
)
def test_a_plural_is_guessed(one, many):
    assert new_table._plural(one) == many
