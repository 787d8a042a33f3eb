"""The commands: the demo world, the checks, the first member of the team, an export."""

import csv
import io
from datetime import date, datetime

import pytest

from database import database
from local import demo
from models import History, ImportBatch, Participant, Placement, Site, Token, Trajectory, User
from operations import checks
from tests import factories as make
from times import utcnow


@pytest.fixture
def run(app):
    """Run a command; the test's connection is closed in the meantime, as in a separate process."""

    def type_it(*words):
        database.close()
        result = app.test_cli_runner().invoke(args=words)
        database.connect(reuse_if_open=True)
        return result

    return type_it


def test_the_demo_world_holds_the_people_of_the_contract(run):
    assert run("demo").exit_code == 0

    assert {user.email for user in User.select().where(User.password.is_null(False))} == set(demo.ACCOUNTS)
    jonas = User.get(User.email == "jonas@kavo.test")
    assert jonas.age(utcnow().date()) == 16
    assert Site.get(Site.name == "Speelplein De Zandbak", Site.municipality == "Gent").manager() == jonas
    left = {
        one.participant.kavo_id: (str(one.participant), one.hours_left())
        for one in Trajectory.select()
        .join(Participant)
        .where(Trajectory.state == "open", Trajectory.type == "animator")
    }
    assert left["125143-59"] == ("Lotte Peeters", 50)
    assert left["100000-22"] == ("Mohamed El Amrani", 50)
    assert left["123456-76"] == ("Emma Claes", 30)


@pytest.mark.parametrize("model", [Site, Trajectory, Placement])
def test_the_demo_world_has_every_state_and_breaks_no_rule(run, model):
    run("demo")

    assert {row.state for row in model.select()} == set(model.STATES)
    assert list(checks.breaches()) == []


def test_the_demo_world_can_be_loaded_as_on_another_day(run):
    assert run("demo", "--day", "2025-03-10").exit_code == 0

    assert max(line.at for line in History.select()) <= datetime(2025, 3, 10, 11)
    assert User.get(User.email == "jonas@kavo.test").age(date(2025, 3, 10)) == 16


def test_the_demo_world_goes_into_an_empty_database_only(run):
    make.user()

    result = run("demo")

    assert result.exit_code == 1
    assert "not empty" in result.output
    assert User.select().count() == 1


def test_check_data_is_silent_about_good_data_and_names_each_breach(run):
    placement = make.evaluated(make.placement())
    assert run("check-data").exit_code == 0

    Placement.update(hours_done=19, counted=19).where(Placement.id == placement.id).execute()
    Participant.update(search="iets anders").execute()
    result = run("check-data")

    assert result.exit_code == 1
    assert f"placement {placement.id}: positive, 19 hours; its evaluation says positive, 20" in result.output
    assert "search does not follow from its name" in result.output


def test_a_first_member_of_the_team_gets_a_link_that_works_once(run, app):
    link = run("add-team-member", "Eerste@kavo.test").output.strip()
    path = link.removeprefix(app.config["KAVO"].base_url)

    assert app.test_client().get(path, follow_redirects=True).status_code == 200
    assert User.get(User.email == "eerste@kavo.test").role_names == {"team"}
    assert link.rpartition("/")[2] not in {token.key_hash for token in Token.select()}


def test_an_export_holds_every_row_no_secret_and_is_noted(run):
    make.user(password=make.PASSWORD, first_name="=1+1")

    result = run("export", "user")

    titles, *lines = csv.reader(io.StringIO(result.output.lstrip("\ufeff")), delimiter=";")
    assert len(lines) == User.select().count() == 1
    assert "password" not in titles
    assert "fs_uniquifier" not in titles
    assert make.PASSWORD not in result.output
    assert dict(zip(titles, lines[0], strict=True))["first_name"] == "'=1+1"
    assert History.select().where(History.verb == "list.exported").count() == 1


FILE = """kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus
300001-01;Lotte;Peeters;12/03/2009;;Speelkaravaan vzw;animator;10/01/2026
300002-02;An;Maes;12/03/2009;;Onbekend vzw;animator;10/01/2026
"""


@pytest.fixture
def file(tmp_path):
    make.association(name="Speelkaravaan vzw")
    path = tmp_path / "lijst.csv"
    path.write_text(FILE)
    return path


def test_a_dry_run_of_an_import_tells_and_changes_nothing(run, file):
    result = run("import-participants", str(file), "--dry-run")

    assert result.exit_code == 1
    assert "line 3: We kennen geen vereniging ‘Onbekend vzw’." in result.output
    assert "2 lines: 1 × nieuwe deelnemer met traject, 1 × kan niet. Nothing was changed." in result.output
    for model in (Participant, ImportBatch, History):
        assert not model.select().exists()


def test_an_import_writes_the_good_lines_and_the_second_time_nothing(run, file):
    assert run("import-participants", str(file)).exit_code == 1
    assert [one.kavo_id for one in Participant.select()] == ["300001-01"]
    file.write_text(FILE[: FILE.index("300002")])

    again = run("import-participants", str(file))

    assert again.exit_code == 0
    assert "There was nothing to import." in again.output
    assert Trajectory.select().count() == 1


def test_a_file_of_another_kind_is_refused_with_a_sentence(run, file):
    file.write_bytes(b"PK\x03\x04")
    result = run("import-participants", str(file))

    assert result.exit_code == 1
    assert "Dit is een Excel-bestand of een ZIP" in result.output
