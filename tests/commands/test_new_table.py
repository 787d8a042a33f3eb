"""Low-code: the view in docs/new-table.md, taken literally, is a complete screen."""

import re
from pathlib import Path

import pytest
from peewee import BooleanField, CharField, DateField

import admin_views
import audit
import scope
from admin_kit.actions import row_action
from admin_kit.base import AdminView
from app import create_app
from database import Versioned, database
from models import History
from tests import factories as make
from tests.visitor import Visitor

CODE = re.search(
    r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "new-table.md").read_text("utf-8"), re.S
)[1]


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
    """The team at an application that also has this table."""
    names = {"AdminView": AdminView, "row_action": row_action, "finish_note": finish_note}
    exec(compile(CODE, "docs/new-table.md", "exec"), names)
    register = admin_views.register

    def with_notes(app):
        admin = register(app)
        admin.add_view(names["NoteView"](Note, "Berichten", category="Beheer", endpoint="note", url="/berichten"))
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
    assert "Deze berichten verdwijnen uit de open lijst." in team.text
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
