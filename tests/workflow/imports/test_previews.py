"""A preview says what happens: of any file and any pasted list; all or none is one decision; and no file tells who exists."""

import io
import os
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from database import RuleError, database, on_postgresql
from models import History, ImportBatch, ImportRow, Lookup, Mail, Participant, Placement, Reminder, Trajectory
from tests import factories as make
from tests.visitor import Visitor
from times import utcnow
from workflow.imports import batches
from workflow.imports.lines import LABELS
from workflow.stages import bulk

EXAMPLES = 1_000 if os.environ.get("KAVO_THOROUGH") else 25
by_chance = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HEADER = ";".join(batches.COLUMNS)
BORN = date(2009, 3, 12)


@pytest.fixture
def ours():
    return make.association(name="Speelkaravaan vzw")


@pytest.fixture
def hilde(ours):
    return make.user("association", association=ours, password=make.PASSWORD)


def person(kavo_id, first_name="Lotte", last_name="Peeters", **values):
    return make.participant(
        kavo_id=kavo_id, first_name=first_name, last_name=last_name, birth_date=BORN, **{"email": ""} | values
    )


@pytest.fixture
def world(ours):
    """Own and foreign people, one of both, one without a trajectory, one whose name our rules would refuse today."""
    theirs = make.association(name="Andere vzw")
    own, foreign, both, _, old = (person(f"30000{number}-0{number}") for number in range(1, 6))
    Participant.update(first_name="李").where(Participant.id == old.id).execute()
    for who, association, kind in (
        (own, ours, "animator"),
        (foreign, theirs, "animator"),
        (both, ours, "animator"),
        (both, theirs, "instructor"),
        (old, ours, "animator"),
    ):
        make.trajectory(participant=who, association=association, type=kind, course_started_on=date(2026, 1, 10))


@pytest.fixture
def small_steps(monkeypatch):
    monkeypatch.setattr(batches, "WRITTEN", 2)
    monkeypatch.setattr(batches, "STEP", 2)


@contextmanager
def tried():
    """What happens within one example, away again after it."""
    with database.atomic() as whole:
        yield
        whole.rollback()


def to_the_end(batch, now=make.NOW):
    while batches.advance(batch.id, now):
        pass
    return ImportBatch.get_by_id(batch.id)


def checked(lines, by, now=make.NOW):
    text = "\n".join([HEADER, *lines])
    return to_the_end(batches.receive(io.BytesIO(text.encode()), "lijst.csv", by, now), now)


def judged(batch):
    return [(line.verdict, line.text) for line in batch.lines.order_by(ImportRow.number)]


def stored():
    """What an import may change."""
    people = [
        (one.kavo_id, str(one), one.birth_date, one.email) for one in Participant.select().order_by(Participant.id)
    ]
    runs = list(Trajectory.select(Trajectory.participant, Trajectory.type).order_by(Trajectory.id).tuples())
    return people, runs, Mail.select().count(), Reminder.select().count()


# ---- files


spoiled = st.sampled_from(
    ["", "=1+1", "'=1", "李", "x" * 101, "x" * 300, "www.a.be", " ", "\u200b", "onzin", "-", "12/03/09"]
)
CELLS = {
    "kavo_id": ["300001-01", "300002-02", "300003-03", "300004-04", "300005-05", "310000-00", "31000000", "310001-01"],
    "voornaam": ["Lotte", "LOTTE", "Löttë", "An", "李"],
    "naam": ["Peeters", "Peters", "D'Hondt-Çelik"],
    "geboortedatum": ["12/03/2009", "2009-03-12", "13/03/2009", "31/02/2009", "1/1/1899", "12/03/2015", "12/03/2019"],
    "email": ["", "lotte@kavo.test", "LOTTE@kavo.test", "a@ergens", "geen", "a..b@kavo.test", "jan@müller.be"],
    "vereniging": ["Speelkaravaan vzw", "speelkaravaan VZW", "", "Andere vzw", "Niets vzw"],
    "type": ["animator", "Animator", "hoofdanimator", "instructeur", "koning"],
    "start_cursus": ["10/01/2026", "11/01/2026", "10/01/2030", "gisteren"],
}
line = st.builds(
    ";".join,
    st.tuples(
        *(
            st.one_of(st.just(values[0]), st.just(values[0]), st.sampled_from(values), *([spoiled] if odd else []))
            for values, odd in zip(CELLS.values(), (0, 1, 1, 0, 0, 1, 0, 0), strict=True)
        )
    ),
)
files = st.lists(
    st.one_of(line, line, line, st.just("300006-06;An"), st.just("a;b;c;d;e;f;g;h;i")), min_size=1, max_size=7
)


@by_chance
@given(lines=files, team=st.booleans())
def test_the_preview_of_a_file_is_what_happens(world, hilde, small_steps, lines, team):
    with tried():
        before = stored()
        batch = checked(lines, None if team else hilde)
        preview = judged(batch)
        good = [one for one, _ in preview if one in ImportRow.GOOD]
        assert stored() == before
        assert {one.verb for one in History.select()} <= {"import.received"}
        if not good:
            return
        with tried():
            whole(batch, hilde, before, [one for one, _ in preview])

        batches.confirm(batch, None, make.NOW)
        assert to_the_end(batch).state == "done"

        assert judged(batch) == preview
        assert batch.lines.where(ImportRow.done).count() == len(good)
        assert Participant.select().count() - len(before[0]) == good.count("new")
        assert good.count("new") <= Trajectory.select().count() - len(before[1]) <= len(good)


def whole(batch, hilde, before, verdicts):
    """All or none of a file whose preview is known."""
    if "bad" in verdicts:
        with pytest.raises(RuleError, match="Er is niets geïmporteerd"):
            batches.confirm(batch, None, make.NOW, all_or_none=True)
        assert stored() == before
    else:
        batches.confirm(batch, None, make.NOW, all_or_none=True)
        assert to_the_end(batch).state == "done"
        assert batch.lines.where(ImportRow.done).count() == sum(one in ImportRow.GOOD for one in verdicts)


def test_lines_far_apart_see_each_other(hilde, monkeypatch):
    monkeypatch.setattr(batches, "WRITTEN", 2)
    cells = "310000-00;Lotte;Peeters;12/03/2009;;;{};10/01/2026"
    others = [f"32000{number}-00;An;Maes;12/03/2009;;;animator;10/01/2026" for number in range(5)]
    batch = checked([cells.format("animator"), *others, cells.format("hoofdanimator"), cells.format("animator")], hilde)

    assert [one for one, _ in judged(batch)] == ["new"] * 6 + ["trajectory", "bad"]


def test_everything_wrong_with_a_line_is_reported_at_once_with_its_cell(app, hilde):
    batch = checked(["1;李;;31/02/2009;bea@ergens;Niets vzw;animator;ooit"], hilde)

    ((_, text),) = judged(batch)
    labels = (
        "KAVO-ID ‘1’:",
        "Voornaam ‘李’:",
        "Geboortedatum ‘31/02/2009’:",
        "E-mailadres ‘bea@ergens’:",
        "vereniging ‘Niets vzw’.",
        "Start cursus ‘ooit’:",
    )
    assert sorted(labels, key=text.find) == list(labels)
    assert all(label in text for label in labels)
    assert text in Visitor(app, hilde).get(f"/importeren/{batch.id}/resultaat.csv").text


def test_the_longest_refusal_still_names_every_cell(hilde):
    ((_, text),) = judged(checked([";".join(["=" + "x" * 300] * len(LABELS))], hilde))

    assert all(f"{label}:" in text for label in LABELS.values())


# ---- all or none


LINES = [f"31000{number}-00;Kind;Maes;12/03/2009;;;animator;10/01/2026" for number in range(4)]


def test_all_or_none_is_none_when_a_line_cannot_be_by_then(app, hilde, small_steps):
    batch, before = checked(LINES, hilde), stored()
    batches.confirm(batch, hilde, make.NOW, all_or_none=True)
    make.trajectory(participant=person("310003-00"), type="instructor")
    Participant.update(last_name="Claes").execute()
    before = stored()
    to_the_end(batch)

    assert stored() == before
    assert ImportBatch.get().state == "checked"
    assert [one for one, _ in judged(batch)] == ["new", "new", "new", "bad"]
    assert not batch.lines.where(ImportRow.done).exists()
    assert "Er is niets geïmporteerd" in Visitor(app, hilde).get(f"/importeren/{batch.id}/").text
    with pytest.raises(RuleError, match="1 regel kan niet"):
        batches.confirm(batch, hilde, make.NOW, all_or_none=True)
    batches.confirm(batch, hilde, make.NOW)
    to_the_end(batch)
    assert Participant.select().count() == 4


def test_an_interrupted_all_or_nothing_import_starts_over(hilde, small_steps):
    batch = checked(LINES, hilde)
    batches.confirm(batch, hilde, make.NOW, all_or_none=True)
    with database.atomic() as broken_off:
        batches.advance(batch.id, make.NOW)
        assert Participant.select().count() == 4
        broken_off.rollback()
    assert not Participant.select().exists()

    batches.work(make.NOW)
    assert ImportBatch.get().state == "done"
    assert Participant.select().count() == Trajectory.select().count() == 4


def test_all_or_none_is_chosen_on_the_page(app, hilde):
    visitor = Visitor(app, hilde)
    batch = checked(LINES, hilde)
    visitor.get(f"/importeren/{batch.id}/")
    visitor.send(which="all")
    assert ImportBatch.get().state == "done"
    assert Participant.select().count() == 4


def test_all_or_none_of_very_many_lines_would_keep_others_waiting_on_sqlite(hilde, monkeypatch):
    monkeypatch.setattr(batches, "WHOLE", 3)
    batch = checked(LINES, hilde)
    if on_postgresql():
        batches.confirm(batch, hilde, make.NOW, all_or_none=True)
    else:
        with pytest.raises(RuleError, match="tot 3 regels"):
            batches.confirm(batch, hilde, make.NOW, all_or_none=True)


# ---- nobody learns who exists


def strangers(number):
    """Lines with the KAVO-IDs of other people, and wrong names."""
    for one in range(number):
        make.trajectory(participant=person(f"4000{one:02}-00"))
    return [f"4000{one:02}-00;Kind;Maes;12/03/2009;;;animator;10/01/2026" for one in range(number)]


def test_guessing_too_often_means_waiting_an_hour(app, hilde):
    now = utcnow()
    batch = checked([*strangers(22), *LINES], hilde, now)

    assert batch.state == "checking"
    assert [one for one, _ in judged(batch)] == ["bad"] * 20 + [""] * 6
    assert Lookup.select().where(Lookup.user == hilde, Lookup.purpose == "importeren").count() == 20
    other, visitor = checked(LINES, hilde, now), Visitor(app, hilde)
    assert other.position == 0
    assert "Dit bestand wacht" in visitor.get(f"/importeren/{other.id}/").text
    visitor.send()
    assert ImportBatch.get_by_id(other.id).state == "dropped"
    later = now + timedelta(hours=1, seconds=1)
    assert to_the_end(batch, later).state == "checked"
    assert [one for one, _ in judged(batch)] == ["bad"] * 22 + ["new"] * 4


def test_the_team_and_the_command_line_may_err_as_often_as_they_do():
    lines = [line.replace(";;;", ";;Speelkaravaan vzw;") for line in strangers(22)]
    make.association(name="Speelkaravaan vzw")
    for by in (None, make.user("team")):
        assert checked(lines, by).state == "checked"
    assert not Lookup.select().exists()


def test_guessing_by_hand_means_waiting_too(app, hilde, monkeypatch):
    monkeypatch.setattr(batches, "GUESSES_PER_HOUR", 2)
    make.trajectory(participant=person("300002-02"))
    visitor = Visitor(app, hilde)
    typed = {
        "first_name": "An",
        "last_name": "Maes",
        "birth_date": "2009-03-12",
        "type": "animator",
        "course_started_on": "2026-01-10",
    }
    for kavo_id in ("310000-00", "300002-02", "300002-02", "310001-00"):
        visitor.get("/deelnemers/new/")
        visitor.send(kavo_id=kavo_id, **typed)

    assert "Probeer het over een uur opnieuw." in visitor.text
    assert [one.kavo_id for one in Participant.select().order_by(Participant.id)] == ["300002-02", "310000-00"]
    assert [one.kavo_id for one in Lookup.select().where(Lookup.user == hilde)] == ["300002-02"]


def test_a_stranger_is_not_found_by_half_of_the_data(hilde):
    make.trajectory(participant=person("300002-02"))
    cells = "{};;;12/03/2009;a@ergens;;animator;10/01/2026"
    known, unknown = (
        text for _, text in judged(checked([cells.format("300002-02"), cells.format("300009-09")], hilde))
    )

    assert known.replace("300002-02", "300009-09") == unknown
    assert not Lookup.select().exists()


# ---- pasted lists


pasted = st.lists(
    st.builds(
        lambda kavo, hours: kavo + hours,
        st.sampled_from([*(f"30000{number}-0{number}" for number in range(1, 7)), "999999-99", "onzin", ""]),
        st.sampled_from(["", "", ";20", ";30", ";50", ";0", ";51", ";999", ";x", "\t10"]),
    ),
    min_size=1,
    max_size=7,
)


@pytest.fixture
def site():
    return make.site(manager=make.user(password=make.PASSWORD), name="Speelplein De Zandbak")


@by_chance
@given(
    lines=pasted,
    hours=st.sampled_from([None, 0, 20, 50]),
    days=st.sampled_from(
        [(None, None), (date(2026, 7, 1), date(2026, 7, 9)), (date(2026, 7, 9), date(2026, 7, 1))]
    ).map(lambda pair: {"starts_on": pair[0], "ends_on": pair[1]}),
    by=st.sampled_from(["association", "manager", "team"]),
    second=st.booleans(),
)
def test_the_preview_of_a_pasted_list_is_what_happens(world, hilde, site, lines, hours, days, by, second):
    with tried():
        both = Participant.get(Participant.kavo_id == "300003-03")
        coupled = both.trajectories.where(Trajectory.type == "instructor").get()
        make.placement(trajectory=coupled, hours=30)
        who = {"association": hilde, "manager": site.site_managers.get().user}.get(by) or make.user("team")
        chosen = {"300003-03": coupled.id} if second else {}
        try:
            preview = bulk.read("\n".join(lines), hours)
        except RuleError:
            return
        before = Placement.select().count(), History.select().count(), Mail.select().count()
        bulk.preview(preview, chosen, site, who, make.NOW, **days)
        assert (Placement.select().count(), History.select().count(), Mail.select().count()) == before

        found = [one for one in preview if one.participant]
        again = bulk.read("\n".join(f"{one.kavo_id};{one.hours or ''}" for one in found) or "0", None)
        bulk.look_up(again, site, who, make.NOW)
        bulk.couple(again, chosen, site, who, make.NOW, **days)

        if found:
            assert [bool(one.done) for one in again] == [one.good for one in found]
            assert Placement.select().count() - before[0] == sum(one.good for one in preview)
