"""Exports of a list: their content in each format, and that an export that fails half-way never looks complete."""

import csv
import http.client
import io
import re
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

import config
from admin_kit import exports
from database import database
from models import TABLES, History, User
from tests import factories as make
from tests.machines import Web, environment
from tests.visitor import Visitor
from workflow.imports import batches
from workflow.imports.sheets import is_formula
from workflow.sites import handovers

PATH = "/gekoppelde-deelnemers/export/{}/?alles=1"


@pytest.fixture
def team(app):
    return Visitor(app, make.user("team", password=make.PASSWORD))


@pytest.fixture
def stage():
    person = make.participant(first_name="=1+1", last_name='De "Smet"; Özdemir', kavo_id="125143-59")
    return make.placement(
        trajectory=make.trajectory(participant=person, association=make.association(name="Speelkaravaan, vzw")),
        site=make.site(name="Zandbak"),
        hours=12,
        starts_on=date(2026, 7, 5),
        ends_on=date(2026, 7, 19),
        created_at=datetime(2026, 6, 30, 22, 30),
        reason="Regel 1\nregel 2",
    )


def read(text, delimiter):
    titles, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [dict(zip(titles, line, strict=True)) for line in lines]


def test_for_excel_in_belgium(team, stage):
    answer = team.get(PATH.format("csv"))
    text = answer.data.decode("utf-8")
    (row,) = read(text.removeprefix("\ufeff"), ";")

    assert text.startswith("\ufeff")
    assert row["Voornaam"] == "'=1+1"
    assert row["Naam"] == 'De "Smet"; Özdemir'
    assert (row["Verwachte begindatum"], row["Gekoppeld op"]) == ("05/07/2026", "01/07/2026 00:30")
    assert (row["Traject"], row["Status"], row["Resultaat"], row["Uren"]) == ("Animator", "Te beoordelen", "", "12")
    assert row["Reden"] == "Regel 1\nregel 2"
    assert "attachment" in answer.headers["Content-Disposition"]


def test_for_a_program(team, stage):
    (row,) = read(team.get(PATH.format("programma")).data.decode("utf-8"), ",")

    assert row["trajectory.participant.first_name"] == "=1+1"
    assert (row["starts_on"], row["created_at"]) == ("2026-07-05", "2026-06-30T22:30:00")
    assert (row["type"], row["trajectory.association"]) == ("animator", "Speelkaravaan, vzw")


def test_for_excel_with_real_days_and_numbers(team, stage):
    answer = team.get(PATH.format("xlsx"))
    titles, line = openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows()
    row = {title.value: cell for title, cell in zip(titles, line, strict=True)}

    assert zipfile.ZipFile(io.BytesIO(answer.data)).testzip() is None
    assert row["Voornaam"].value == "=1+1"
    assert row["Voornaam"].data_type == "s"  # text, not a formula
    assert row["Verwachte begindatum"].value == datetime(2026, 7, 5)
    assert row["Verwachte begindatum"].number_format == "dd/mm/yyyy"
    assert row["Gekoppeld op"].value == datetime(2026, 7, 1, 0, 30)
    assert row["Uren"].value == 12


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(monkeypatch):
    monkeypatch.setattr(exports, "MOST_ROWS", 5)
    made = exports.Xlsx()
    for rows, sheets in ((0, 1), (4, 1), (5, 2), (8, 2), (9, 3)):
        cells = [[[made.cell(number)] for number in range(rows)]]
        book = openpyxl.load_workbook(io.BytesIO(b"".join(made.pieces([made.cell("Nummer")], cells))))

        assert len(book.worksheets) == sheets
        found = [[cell.value for (cell,) in sheet.iter_rows()] for sheet in book.worksheets]
        assert [values[0] for values in found] == ["Nummer"] * sheets
        assert [value for values in found for value in values[1:]] == list(range(rows))


@pytest.mark.parametrize("made", [exports.DutchCsv(), exports.PlainCsv()])
def test_a_cell_comes_back_as_it_was(made):
    values = ["", "a", "a;b", "a,b", 'a"b', "a\nb", "a\r\nb", " a ", "Ö"]
    text = "".join(made.pieces(["kop"] * len(values), [[[made.cell(value) for value in values]]]))
    back = list(csv.reader(io.StringIO(text.removeprefix(exports.BOM), newline=""), delimiter=made.delimiter))

    assert back[1] == values


RISKY = [
    "=1",
    "+1",
    "-1",
    "@a",
    "\t1",
    "\r1",
    "\n=1",
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    "\u202e=1",
    "\x00=1",
    "\u3000＝1",
    "＝1",
    "＋1",
    "－1",
    "＠a",
    "﹢1",
    "﹣1",
    "﹫a",
    "⁼1",
    "⁺1",
    "−1",
    "\u2800=1",
    "\u3164=1",
    "\u0301=1",
    "=",
    " @",
]


@pytest.mark.parametrize("value", RISKY)
def test_what_looks_like_a_formula_is_text(value):
    (row,) = csv.reader(io.StringIO(exports.DutchCsv().cell(value), newline=""), delimiter=";")
    assert row == [f"'{value}"]


@pytest.mark.parametrize(
    "value", ["", " ", "a=1", "Ö", "1-2", "(1)", "'t Plein", "\u200bab", "-5", -5, 2.5, None, True, date(2026, 7, 5)]
)
def test_a_value_that_is_not_a_formula_stays_as_it_is(value):
    assert exports.DutchCsv().cell(value).startswith("'") is (value in ("'t Plein", "-5"))


def cells_of(text):
    """All cells, including the titles."""
    return [
        cell
        for line in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";")
        for cell in line
    ]


@pytest.fixture
def doors(app, team):
    """Name → the text, for every CSV file that we write; each column that can hold text holds a formula."""
    site = make.site(
        name="＝SOM(1)", street="@x", email="", phone="+32 9 311 11 11", reason=" =r", municipality="－dorp"
    )
    run = make.trajectory(
        participant=make.participant(first_name="=1+1", last_name="-x"), association=make.association(name="＋1 vzw")
    )
    make.evaluated(
        make.placement(trajectory=run, site=site, reason="@r"), mentor="=m", motivation="\u200b=m", remarks="\t=m"
    )
    make.mail(subject="＠onderwerp", body="=b")
    other = make.user(first_name="=voornaam", last_name="+naam", phone="+32 470 11 11 11")
    handovers.ask(site, other, other.email, "+32 470 11 11 11", make.NOW)
    line = "kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus\n125143-59;=a;＝b;x;@c;+d;－e;\u200b=f\n"
    batch = batches.receive(io.BytesIO(line.encode()), "=bestand.csv", User.get_by_id(other.id - 1), make.NOW)
    batches.work(make.NOW)
    paths = {
        f"{view.endpoint} {query}": f"{view.url}/export/csv/{query}"
        for view in app.extensions["admin"][0]._views
        if hasattr(view, "listing")
        for query in ("", "?alles=1")
    }
    paths |= {
        "participants of a site": f"/stageplaatsen/{site.id}/deelnemers/export/",
        "figures": "/overzicht/export/?per=vereniging",
        "result of an import": f"/importeren/{batch.id}/resultaat.csv",
    }
    found = {name: team.get(path).data.decode("utf-8") for name, path in paths.items()}
    runner = app.test_cli_runner()
    found |= {
        f"flask export {one._meta.table_name}": runner.invoke(args=["export", one._meta.table_name]).output
        for one in TABLES
    }
    database.connect(reuse_if_open=True)
    return found


def test_no_csv_file_of_ours_holds_a_formula(doors):
    guarded = set()
    for name, text in doors.items():
        cells = cells_of(text)
        assert cells, name
        assert not [cell for cell in cells if is_formula(cell) and not cell.lstrip("-").isdigit()], name
        guarded |= {name for cell in cells if cell.startswith("'")}
    assert {
        "figures",
        "result of an import",
        "participants of a site",
        "site ?alles=1",
        "flask export user",
        "mail ",
    } <= guarded


def test_nothing_else_writes_a_csv_file():
    for path in config.PROJECT.glob("**/*.py"):
        place = path.relative_to(config.PROJECT).parts
        if place[0] not in (".venv", "tests", "bench") and path.name != "exports.py":
            assert not re.search(r"csv\.(writer|DictWriter)|text/csv", path.read_text("utf-8")), path


@pytest.mark.parametrize("role, offered", [("team", True), ("association", True), ("manager", False)])
def test_only_roles_with_programs_get_the_file_for_programs(app, role, offered):
    someone = make.user(role, association=make.association() if role == "association" else None, password=make.PASSWORD)
    visitor = Visitor(app, someone)
    make.site()
    visitor.get("/stageplaatsen/")
    assert ("CSV voor een programma" in visitor.text) is offered
    assert ("Open dit bestand niet in Excel" in visitor.text) is offered
    assert "Exporteren (CSV)" in visitor.text
    for view in app.extensions["admin"][0]._views:
        if hasattr(view, "listing") and visitor.get(f"{view.url}/export/csv/").status_code == 200:
            status = visitor.get(f"{view.url}/export/programma/").status_code
            assert status == (200 if offered else 404), view.url


def test_unknown_forms_are_not_found(team, stage):
    for kind in ("json", "tsv", "", "csv%00"):
        assert team.get(f"/gekoppelde-deelnemers/export/{kind}/").status_code == 404


def titles(kind, answer):
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data), read_only=True).active
        return [cell.value for cell in next(sheet.iter_rows())]
    text = answer.data.decode("utf-8").removeprefix("\ufeff")
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=";" if kind == "csv" else ","))


def test_every_list_exports_in_every_form_with_all_its_columns(app, team, stage):
    for view in app.extensions["admin"][0]._views:
        if hasattr(view, "listing"):
            shown = [part for name in view.list_names for part in view.column_spread.get(name, (name,))]
            for query in ("", "?alles=1"):
                names = titles("programma", team.get(f"{view.url}/export/programma/{query}"))
                assert set(names) >= set(shown) if query else names == shown, view
                for kind, made in exports.FORMATS.items():
                    answer = team.get(f"{view.url}/export/{kind}/{query}")
                    assert answer.status_code == 200, view
                    assert answer.mimetype == made.mimetype
                    assert len(titles(kind, answer)) == len(names), view
                    assert all(titles(kind, answer)), view


@pytest.fixture
def server(db, tmp_path):
    """The production web server on the same database; yields its port."""
    with Web(tmp_path, environment(db, f"sqlite:///{tmp_path}/queue.db")) as web:
        yield web.port


@pytest.mark.parametrize("kind", list(exports.FORMATS))
def test_a_file_that_stops_half_way_ends_as_a_failed_download(team, server, kind):
    """The 9,000th line of history has an act without a sentence, so the export fails after thousands of lines."""
    make.placement()
    line = {"at": make.NOW, "verb": "user.password", "object_type": "", "object_id": "", "payload": '{"who": "Kim"}'}
    rows = [{**line, "digest": "d"} for _ in range(9_000)]
    rows[-1]["verb"] = "zzz.unknown"
    for start in range(0, len(rows), 1000):
        History.insert_many(rows[start : start + 1000]).execute()
    cookie = team.client.get_cookie("kavo")

    connection = http.client.HTTPConnection("127.0.0.1", server, timeout=30)
    path = f"/geschiedenis/export/{kind}/?sort=sentence"
    connection.request("GET", path, headers={"Cookie": f"kavo={cookie.value}", "Host": f"localhost:{server}"})
    answer = connection.getresponse()
    assert answer.status == 200
    with pytest.raises((http.client.IncompleteRead, ConnectionError)) as broken:
        answer.read()

    got = getattr(broken.value, "partial", b"")
    assert len(got) > (50 if kind == "xlsx" else 100_000)  # identical lines compress well
    if kind == "xlsx":
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(io.BytesIO(got))
