"""Importing participants from a file: what Excel and LibreOffice make, what is no such file, the verdict of each line, writing,
the same file twice, taking it back."""

import io
import json
import tracemalloc
from datetime import timedelta

import pytest

from database import RuleError, readings
from models import History, ImportBatch, ImportRow, Lookup, Participant, Trajectory
from operations import checks
from tests import factories as make
from tests.visitor import Visitor
from workflow.accounts import accounts
from workflow.imports import batches, sheets, undo
from workflow.imports.sheets import Unreadable
from workflow.stages import finals, placements, trajectories

HEADER = ";".join(batches.COLUMNS)
LOTTE = "300001-01;Lotte;Peeters;12/03/2009;lotte@kavo.test;Speelkaravaan vzw;animator;10/01/2026"


@pytest.fixture
def speelkaravaan():
    return make.association(name="Speelkaravaan vzw")


@pytest.fixture
def hilde(speelkaravaan):
    return make.user("association", association=speelkaravaan, password=make.PASSWORD)


def receive(lines, by, encoding="utf-8", header=HEADER):
    text = "\r\n".join([header, *lines, ""])
    return batches.receive(io.BytesIO(text.encode(encoding)), "lijst.csv", by, make.NOW)


def checked(lines, by, **more):
    batch = receive(lines, by, **more)
    while batches.advance(batch.id, make.NOW):
        pass
    return ImportBatch.get_by_id(batch.id)


def verdicts(batch):
    return [line.verdict for line in batch.lines.order_by(ImportRow.number)]


def imported(lines, by, **more):
    batch = checked(lines, by, **more)
    batches.confirm(batch, by, make.NOW)
    while batches.advance(batch.id, make.NOW):
        pass
    return ImportBatch.get_by_id(batch.id)


# ---- the file


def rows(data: bytes):
    return [cells for _, cells, _ in sheets.Sheet(io.BytesIO(data), ("a", "b")).rows()]


@pytest.mark.parametrize(
    "data",
    [
        b"a;b\r\nx;\xc3\xa9\r\n",
        b"a,b\nx,\xc3\xa9\n",
        b"a\tb\nx\t\xc3\xa9",
        b"\xef\xbb\xbfa;b\r\nx;\xc3\xa9\r\n",
        b"a;b\r\nx;\xe9\r\n",
        b"sep=;\r\na;b\r\nx;\xe9\r\n",
        b'"a";"b"\r\n"x";"\xe9"\r\n',
        b"b;a\n\xe9;x\n",
        b"a;b\r\n\r\n;;\r\nx;\xe9;;\r\n",
        "\u200ba;b\r\n\u202ax\u202c;\u200be\u0301\r\n".encode(),
        b'a;b\r\n="x";\xe9\r\n',
        b"A ; B\r\n x ;\xe9\r\n",
        b"a;b\rx;\xc3\xa9".replace(b"\r", b"\r\n"),
    ],
)
def test_a_file_is_read_however_a_spreadsheet_wrote_it(data):
    assert rows(data) == [["x", "é"]]


@pytest.mark.parametrize(
    "data, words",
    [
        (b"PK\x03\x04 rest", "Excel-bestand of een ZIP"),
        (b"\xd0\xcf\x11\xe0 rest", "oud Excel-bestand"),
        (b"%PDF-1.7", "PDF"),
        ("a;b\nx;é\n".encode("utf-16"), "UTF-16"),
        (b"a;b\nx;\x00\n", "geen tekstbestand"),
        (b"", "ontbreekt: a, b"),
        (b"x;y\n1;2\n", "ontbreekt: a, b"),
        (b"a;c\n1;2\n", "ontbreekt: b"),
        (b"a;b;c\n1;2;3\n", "onbekend: c"),
        (b"a;b;a\n1;2;3\n", "dubbel: a"),
        (b"a;b\nx;\xc3\xa9\ny;\xe9\n", "Regel 2 en regel 3"),
        (b"a;b\nx;\x81\n", "Regel 2 bevat tekens die we niet kennen"),
        (b"a;b\nx;" + b"y" * 10_000_000, "Regel 2 is veel te lang"),
        (b"a;b\nx;" + b"y" * 600 + b"\n", "tekst van meer dan 500 tekens"),
        (b'a;b\nx;"y\nz;1\n', "aanhalingsteken te veel"),
    ],
)
def test_what_is_no_such_file_is_refused_whole_and_says_what_to_do(data, words):
    with pytest.raises(Unreadable, match=words):
        rows(data)


def test_a_file_that_breaks_off_inside_quotes_leaves_nothing_behind(hilde):
    with pytest.raises(Unreadable, match="aanhalingsteken"):
        receive([LOTTE, '300002-02;"An'], hilde)
    assert not ImportBatch.select().exists()
    assert not ImportRow.select().exists()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("12/03/2009", "2009-03-12"),
        ("1-3-2009", "2009-03-01"),
        ("12.03.2009", "2009-03-12"),
        ("2009-03-12", "2009-03-12"),
        ("12/03/09", None),
        ("12/03/9999", None),
        ("12/03/1899", None),
        ("31/02/2009", None),
        ("39884", None),
        ("03/13/2009", None),
        ("", None),
        ("١٢/٠٣/٢٠٠٩", "2009-03-12"),
    ],
)
def test_a_day_is_written_the_belgian_way(text, expected):
    found = readings.day_or_none(text)
    assert (found and found.isoformat()) == expected


# ---- the verdict


GOOD = LOTTE.split(";")


def line(**changes):
    cells = dict(zip(batches.COLUMNS, GOOD, strict=True)) | changes
    return ";".join(cells[name] for name in batches.COLUMNS)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"kavo_id": "12345"}, "KAVO-ID"),
        ({"voornaam": "", "naam": ""}, "ontbreekt"),
        ({"naam": "=1+1"}, "formule"),
        ({"naam": "@x"}, "formule"),
        ({"naam": "李"}, "Latijnse letters"),
        ({"naam": "x" * 101}, "hoogstens 100 tekens"),
        ({"geboortedatum": "12/03/09"}, "4 cijfers"),
        ({"email": "geen adres"}, "e-mailadres"),
        ({"type": "hulpanimator"}, "animator, hoofdanimator of instructeur"),
        ({"start_cursus": "ooit"}, "Start cursus ‘ooit’"),
        ({"vereniging": "Andere vzw"}, "Je werkt niet voor Andere vzw"),
        ({"vereniging": "Niets vzw"}, "We kennen geen vereniging"),
        ({"start_cursus": "10/01/2028"}, "meer dan een jaar"),
        ({"geboortedatum": "12/03/2019"}, "geen 16 voor het einde"),
    ],
)
def test_a_line_that_cannot_be_says_why(hilde, changes, words):
    make.association(name="Andere vzw")
    batch = checked([line(**changes)], hilde)

    (only,) = batch.lines
    assert only.verdict == "bad"
    assert words in only.text


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kavo_id": "30000101"},
        {"kavo_id": '="300001-01"'},
        {"email": ""},
        {"vereniging": ""},
        {"vereniging": "SPEELKARAVAAN VZW"},
        {"type": "Hoofdanimator"},
        {"geboortedatum": "2009-03-12"},
        {"voornaam": "Zoë", "naam": "D'Hondt-Çelik"},
    ],
)
def test_a_line_that_fits_is_new(hilde, changes):
    assert verdicts(checked([line(**changes)], hilde)) == ["new"]


def test_a_line_of_another_shape_is_bad_and_the_others_are_not(hilde):
    assert verdicts(checked([LOTTE, "300002-02;An;Maes"], hilde)) == ["new", "bad"]


def test_a_person_who_occurs_twice_in_a_file_is_reported(hilde):
    batch = checked(
        [LOTTE, LOTTE, line(type="hoofdanimator"), line(type="instructeur", geboortedatum="13/03/2009")], hilde
    )

    assert verdicts(batch) == ["new", "bad", "trajectory", "bad"]
    texts = [one.text for one in batch.lines.order_by(ImportRow.number)]
    assert "regel 2" in texts[1]
    assert "Regel 2" in texts[3]


def test_a_known_person_gets_a_second_trajectory_at_another_association(hilde):
    person = make.participant(kavo_id="300001-01", first_name="Lotte", last_name="Peeters", email="lotte@kavo.test")
    make.trajectory(participant=person, type="head_animator")

    imported([LOTTE], hilde)

    assert {one.type for one in person.trajectories} == {"animator", "head_animator"}


@pytest.mark.parametrize("changes", [{"naam": "Peters"}, {"geboortedatum": "13/03/2009"}, {"email": "ander@kavo.test"}])
def test_participants_of_others_cannot_be_guessed(hilde, changes):
    make.trajectory(
        participant=make.participant(kavo_id="300001-01", first_name="Lotte", last_name="Peeters"), type="instructor"
    )

    (only,) = checked([line(**changes)], hilde).lines

    assert only.verdict == "bad"
    assert only.text == "KAVO-ID 300001-01 past niet bij de andere gegevens. Kijk ze na, of bel het team Kadervorming."


def test_a_lookup_by_kavo_id_is_recorded(hilde):
    person = make.participant(kavo_id="300001-01", first_name="Lotte", last_name="Peeters", email="lotte@kavo.test")
    make.trajectory(participant=person, type="instructor")
    imported([LOTTE], hilde)

    assert [(one.kavo_id, one.purpose, one.user_id) for one in Lookup.select()] == [
        ("300001-01", "importeren", hilde.id)
    ]
    imported([line(type="hoofdanimator")], hilde)
    assert Lookup.select().count() == 1


@pytest.mark.parametrize("changes", [{"naam": "Peters"}, {"geboortedatum": "13/03/2009"}, {"email": "ander@kavo.test"}])
def test_personal_data_changes_by_the_team_or_the_only_association(hilde, speelkaravaan, changes):
    person = make.participant(kavo_id="300001-01", first_name="Lotte", last_name="Peeters", email="lotte@kavo.test")
    own = make.trajectory(participant=person, association=speelkaravaan)
    assert verdicts(checked([line(**changes)], hilde)) == ["changed"]

    make.trajectory(participant=person, type="instructor")
    assert verdicts(checked([line(**changes)], hilde)) == ["bad"]
    assert verdicts(checked([line(**changes)], make.user("team"))) == ["changed"]
    assert own.participant.last_name == "Peeters"


def test_a_mistyped_kavo_id_does_not_rename_somebody(speelkaravaan):
    make.participant(kavo_id="300001-01", first_name="Noor", last_name="Jacobs")
    batch = checked([line(geboortedatum="01/01/2010")], make.user("team"))

    (only,) = batch.lines
    assert (only.verdict, "past niet bij de andere gegevens" in only.text) == ("bad", True)
    assert "Noor" not in only.text


def test_one_open_trajectory_per_type(hilde, speelkaravaan):
    person = make.participant(kavo_id="300001-01", first_name="Lotte", last_name="Peeters", email="lotte@kavo.test")
    make.trajectory(participant=person, association=speelkaravaan)
    assert verdicts(checked([line(start_cursus="11/01/2026"), LOTTE], hilde)) == [
        "bad",
        "bad",
    ]  # one of them stands twice
    assert verdicts(checked([LOTTE], hilde)) == ["known"]


def test_a_participant_who_passed_does_not_start_again(hilde, speelkaravaan):
    person = make.participant(kavo_id="300001-01", first_name="Lotte", last_name="Peeters", email="lotte@kavo.test")
    trajectory = make.trajectory(participant=person, association=speelkaravaan)
    make.evaluated(make.placement(trajectory=trajectory, hours=50))
    finals.give(trajectory, hilde, make.NOW, "passed", make.NOW.date())

    assert verdicts(checked([line(start_cursus="11/01/2026")], hilde)) == ["bad"]
    again = Trajectory(participant=person, association=speelkaravaan, type="animator", course_started_on=make.COURSE)
    with pytest.raises(RuleError, match="al geslaagd"):
        trajectories.start(again, hilde, make.NOW)


# ---- writing


def test_an_import_writes_all_good_lines_with_their_history(hilde, speelkaravaan):
    batch = imported([LOTTE, "300002-02;An;Maes;1/1/2010;;;animator;10/01/2026", line(kavo_id="x")], hilde)

    assert batch.state == "done"
    lotte = Participant.get(Participant.kavo_id == "300001-01")
    assert (str(lotte), str(lotte.birth_date), lotte.email) == ("Lotte Peeters", "2009-03-12", "lotte@kavo.test")
    assert [(one.association, str(one.ends_on)) for one in lotte.trajectories] == [(speelkaravaan, "2029-01-10")]
    assert Participant.select().count() == Trajectory.select().count() == 2
    assert {"row.added", "trajectory.started", "import.done"} <= {line.verb for line in History.select()}
    assert {line.actor_id for line in History.select()} == {hilde.id}
    assert list(checks.breaches()) == []


def test_the_same_file_twice_changes_nothing(hilde):
    imported([LOTTE], hilde)
    before = [list(model.select().order_by(model.id).dicts()) for model in (Participant, Trajectory)]

    again = checked([LOTTE], hilde)

    assert verdicts(again) == ["known"]
    assert batches.seen_before(again)
    with pytest.raises(RuleError, match="niets te importeren"):
        batches.confirm(again, hilde, make.NOW)
    assert [list(model.select().order_by(model.id).dicts()) for model in (Participant, Trajectory)] == before


def test_all_or_none_is_none_when_one_line_cannot(hilde):
    batch = checked([LOTTE, line(kavo_id="x")], hilde)

    with pytest.raises(RuleError, match="1 regel kan niet"):
        batches.confirm(batch, hilde, make.NOW, all_or_none=True)
    assert not Participant.select().exists()
    assert ImportBatch.get().state == "checked"


def test_what_changed_since_the_check_is_looked_at_again(hilde, speelkaravaan):
    batch = checked([LOTTE, line(kavo_id="300002-02")], hilde)
    person = make.participant(kavo_id="300001-01", first_name="Lotte", last_name="Peeters", email="lotte@kavo.test")
    make.trajectory(participant=person)

    batches.confirm(batch, hilde, make.NOW)
    batches.work(make.NOW)

    assert verdicts(batch) == ["bad", "new"]
    assert Participant.select().count() == 2


def test_a_former_member_of_staff_writes_nothing(hilde):
    batch = checked([LOTTE, line(kavo_id="300002-02", vereniging="")], hilde)
    batches.confirm(batch, hilde, make.NOW)
    hilde.memberships.get().delete_instance()

    batches.work(make.NOW)

    assert not Participant.select().exists()
    assert verdicts(batch) == ["bad", "bad"]


def test_work_that_broke_off_goes_on_where_it_was(hilde, monkeypatch):
    monkeypatch.setattr(batches, "STEP", 3)
    monkeypatch.setattr(batches, "WRITTEN", 3)
    many = [line(kavo_id=f"30{number:04}-00", voornaam=f"Kind{number}") for number in range(10)]
    batch = receive(many, hilde)
    assert batches.advance(batch.id, make.NOW)
    assert ImportBatch.get().position == 4
    batches.work(make.NOW)
    batches.confirm(batch, hilde, make.NOW)
    assert batches.advance(batch.id, make.NOW)
    assert Participant.select().count() == 3

    batches.work(make.NOW)
    batches.work(make.NOW)

    assert Participant.select().count() == Trajectory.select().count() == 10
    assert ImportBatch.get().state == "done"


def test_memory_does_not_grow_with_the_file(hilde, monkeypatch):
    monkeypatch.setattr(batches, "STEP", 50)

    def peak(count):
        many = [line(kavo_id=f"{500_000 + number}-00") for number in range(count)]
        file = io.BytesIO("\n".join([HEADER, *many]).encode())
        tracemalloc.start()
        batch = batches.receive(file, "lijst.csv", hilde, make.NOW)
        while batches.advance(batch.id, make.NOW):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)  # what is loaded once
    assert peak(600) < 1.5 * peak(100)


def test_a_results_file_of_ours_may_be_imported_again(app, hilde):
    visitor = Visitor(app, hilde)
    batch = checked([LOTTE, line(kavo_id="x", naam="=cmd")], hilde)
    answer = visitor.get(f"/importeren/{batch.id}/resultaat.csv")

    data = answer.data.replace(b";x;", b";300002-02;")
    again = batches.receive(io.BytesIO(data), "beter.csv", hilde, make.NOW)

    assert answer.text.splitlines()[0] == "\ufeff" + ";".join([*batches.COLUMNS, *batches.RESULTS])
    assert ";'=cmd;" in answer.text
    assert again.rows == 2
    assert json.loads(again.lines.order_by(ImportRow.number.desc()).first().cells)[2] == "=cmd"


# ---- taking it back


def test_an_import_is_taken_back_while_nothing_hangs_on_it(hilde, speelkaravaan):
    known = make.participant(kavo_id="300003-03", first_name="Lotte", last_name="Peeters", email="oud@kavo.test")
    make.trajectory(participant=known, association=speelkaravaan)
    batch = imported([LOTTE, line(kavo_id="300002-02"), line(kavo_id="300003-03", email="nieuw@kavo.test")], hilde)
    assert Participant.get_by_id(known.id).email == "nieuw@kavo.test"

    undo.undo(batch, hilde, make.NOW)

    assert [one.email for one in Participant.select()] == ["oud@kavo.test"]
    assert Trajectory.select().count() == 1
    assert ImportBatch.get().state == "undone"
    assert list(checks.breaches()) == []
    with pytest.raises(RuleError):
        undo.undo(batch, hilde, make.NOW)


def test_an_import_on_which_a_stage_hangs_is_not_taken_back(hilde):
    batch = imported([LOTTE, line(kavo_id="300002-02")], hilde)
    placements.couple(Trajectory.get(), make.site(), 20, make.user("team"), make.NOW)

    with pytest.raises(RuleError, match="Lotte Peeters hebben intussen een koppeling"):
        undo.undo(batch, hilde, make.NOW)
    assert Participant.select().count() == 2


def test_the_lines_of_a_file_are_kept_for_90_days(hilde):
    imported([LOTTE], hilde)
    accounts.forget(make.NOW + timedelta(days=90))
    assert ImportRow.select().exists()

    accounts.forget(make.NOW + timedelta(days=90, seconds=1))

    assert not ImportRow.select().exists()
    assert Participant.select().exists()


# ---- by hand


def test_a_participant_added_by_hand_follows_the_same_rules(app, hilde, speelkaravaan):
    visitor = Visitor(app, hilde)
    typed = {
        "kavo_id": "300001-01",
        "first_name": "Lotte",
        "last_name": "Peeters",
        "birth_date": "2009-03-12",
        "type": "animator",
        "course_started_on": "2026-01-10",
    }
    visitor.get("/deelnemers/new/")
    visitor.send(**typed)
    assert "Lotte Peeters is toegevoegd." in visitor.text
    assert Trajectory.get().association == speelkaravaan

    visitor.get("/deelnemers/new/")
    visitor.send(**typed)
    assert "Deze deelnemer staat er al met dit traject." in visitor.text
    assert Trajectory.select().count() == 1
