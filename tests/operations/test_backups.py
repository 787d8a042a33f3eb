"""Backups, restoring and the move to PostgreSQL: consistent under load, proved by restoring, and data is never overwritten
unasked."""

import gzip
import os
import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pyrage
import pytest

import migrations
from database import connect_to, database, on_postgresql
from models import History, Participant, Placement, Trajectory, User, UserSession
from operations import backups, checks, moving
from tests import factories as make
from tests import forked
from tests.conftest import POSTGRES_URL, PostgresCopies
from tests.machines import environment
from tests.run import postgresql_answers
from workflow.accounts import accounts
from workflow.stages import placements


@pytest.fixture
def command(db, tmp_path, copies):
    """A function that runs `flask --app app …` on the database of this test; returns its exit code and its output."""
    copies.let_go()

    def run(*words):
        database.close()
        database.close_idle()
        done = forked.command(words, environment(db, f"sqlite:///{tmp_path}/queue.db"))
        database.connect(reuse_if_open=True)
        return done

    return run


@pytest.fixture
def coupled(now):
    """A placement of 20 hours, with its history."""
    by = make.user("team")
    return placements.couple(make.trajectory(), make.site(), 20, by, now)


def test_a_backup_brings_back_what_was_there_and_ends_sessions(command, coupled, tmp_path, now):
    accounts.open_session(make.user(), "", now)
    code, said = command("backup", tmp_path)
    assert code == 0, said
    assert "all invariants hold" in said
    (file,) = tmp_path.glob("kavo-*.backup")
    assert file.stat().st_mode & 0o777 == 0o600
    make.participant(kavo_id="125143-59")

    code, said = command("restore", file)
    assert (code, "Use --overwrite" in said) == (1, True)
    assert Participant.select().where(Participant.kavo_id == "125143-59").exists()

    code, said = command("restore", file, "--overwrite")
    assert code == 0, said
    assert not Participant.select().where(Participant.kavo_id == "125143-59").exists()
    assert Placement.get().hours == 20
    assert UserSession.select().count() == 0
    assert list(checks.breaches()) == []

    (kept,) = tmp_path.glob("before-restore-*.backup")
    kept = kept.rename(tmp_path / "kept.backup")  # the next one may come within the same second, and so have its name
    code, said = command("restore", kept, "--overwrite")
    assert code == 0, said
    assert Participant.select().where(Participant.kavo_id == "125143-59").exists()


def test_a_backup_is_restored_into_an_empty_database_without_asking(command, coupled, db, tmp_path):
    command("backup", tmp_path / "one")
    if on_postgresql():
        database.execute_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public;")
    else:
        database.close()
        database.close_all()
        file = Path(db.removeprefix("sqlite:///"))
        for left in file.parent.glob(f"{file.name}*"):
            left.unlink()
    code, said = command("restore", tmp_path / "one")
    assert code == 0, said
    assert Placement.get().hours == 20


def test_a_backup_never_replaces_another(command, tmp_path):
    (tmp_path / "one").write_text("older")
    code, said = command("backup", tmp_path / "one")
    assert (code, "exists already" in said) == (1, True)
    assert (tmp_path / "one").read_text() == "older"
    code, said = command("backup", tmp_path / "nowhere" / "one")
    assert (code, "No such file or directory" in said, "Traceback" in said) == (1, True, False)


def test_an_encrypted_backup_opens_only_with_its_own_key(command, coupled, tmp_path):
    ours, other = (pyrage.x25519.Identity.generate() for _ in range(2))
    for name, key in (("ours", ours), ("other", other)):
        (tmp_path / name).write_text(f"# a comment\n{key}\n")
    assert command("backup", tmp_path / "one", "--key", ours.to_public())[0] == 0
    assert Participant.get().last_name.encode() not in (tmp_path / "one").read_bytes()

    assert "is encrypted" in command("restore", "--check", tmp_path / "one")[1]
    assert "does not open" in command("restore", "--check", tmp_path / "one", "--identity", tmp_path / "other")[1]
    code, said = command("restore", "--check", tmp_path / "one", "--identity", tmp_path / "ours")
    assert (code, "rows, schema" in said) == (0, True)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "is no backup of"),
        (b"just a text", "is no backup of"),
        (b"age-encryption.org/v1\nrubbish", "is encrypted"),
        (gzip.compress(b"SQLite format 3\x00" + b"x" * 100, mtime=0)[:-9], "damaged"),
    ],
)
def test_a_file_other_than_a_backup_is_refused_and_nothing_changes(command, tmp_path, content, said):
    (tmp_path / "one").write_bytes(content)
    code, answer = command("restore", tmp_path / "one", "--overwrite")
    assert code == 1
    assert said in answer


def test_a_backup_of_an_earlier_release_comes_to_the_present_tables(command, coupled, tmp_path):
    migrations.back(migrations.available()[-2])
    assert command("backup", tmp_path / "one")[0] == 0
    code, said = command("restore", tmp_path / "one", "--overwrite")
    assert (code, migrations.available()[-2] in said) == (0, True), said
    assert migrations.applied() == migrations.available()
    assert Placement.get().hours == 20


def test_a_backup_of_a_later_release_is_refused(command, coupled, tmp_path):
    database.execute_sql("INSERT INTO migration (name) VALUES ('9999_later')")
    assert command("backup", tmp_path / "one", "--no-check")[0] == 0
    code, said = command("restore", tmp_path / "one", "--overwrite")
    assert (code, "of a later release (9999_later)" in said) == (1, True), said


def test_a_trigger_that_sleeps_is_a_breach():
    if not on_postgresql():
        pytest.skip("of PostgreSQL")
    with database.atomic() as transaction:
        database.execute_sql("ALTER TABLE placement DISABLE TRIGGER placement_hours_insert")
        assert list(checks.breaches()) == ["placement: the trigger placement_hours_insert sleeps"]
        transaction.rollback()


def test_a_copy_that_breaks_a_rule_is_reported_and_not_kept(db, tmp_path):
    make.user(email="lore@kavo.test")
    trajectory = make.trajectory()
    database.execute_sql(f"UPDATE trajectory SET search = 'zzz' WHERE id = {trajectory.id}")
    with pytest.raises(backups.BackupError, match=f"trajectory {trajectory.id}"):
        backups.backup(db, tmp_path / "one")
    assert list(tmp_path.glob("*one*")) == []


def test_a_restore_is_refused_while_connections_are_open(command, coupled, db, tmp_path):
    command("backup", tmp_path / "one")
    with closing(_connection(db)) as other:
        other.execute("SELECT count(*) FROM placement").fetchone()  # PostgreSQL: in an open transaction
        code, said = command("restore", tmp_path / "one", "--overwrite")
    assert code == 1
    assert "in use. Stop the web servers" in said
    assert Placement.get().hours == 20


def _connection(url):
    return sqlite3.connect(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else psycopg.connect(url)


def test_a_backup_under_load_is_one_state_of_the_database(command, tmp_path):
    """Somebody couples and cancels all the while; the hours, sums and history in the copy are consistent."""
    by, site = make.user("team"), make.site()
    trajectories = [make.trajectory() for _ in range(5)]
    ended, done = threading.Event(), []

    def work():
        with database.connection_context():
            while not ended.is_set():
                for one in trajectories:
                    made = placements.couple(Trajectory.get_by_id(one.id), site, 30, by, make.NOW)
                    placements.cancel(made, by, make.NOW, "Ziek.")
                    done.append(made.id)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        answers = [command("backup", tmp_path / str(number)) for number in range(3)]
    finally:
        ended.set()
        worker.join()
    for code, said in answers:
        assert (code, "all invariants hold" in said) == (0, True), said
    first, *_, last = (int(re.search(r"(\d+) rows", said)[1]) for _, said in answers)
    assert first < last
    assert len(done) > 10


# ---- moving to PostgreSQL


@pytest.fixture
def target():
    """An empty PostgreSQL database."""
    if on_postgresql() or not postgresql_answers():
        pytest.skip("from SQLite, to a PostgreSQL that answers")
    made = PostgresCopies.__new__(PostgresCopies)
    name = f"kavo_move_{os.getpid()}"
    made._server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    yield f"{POSTGRES_URL.rpartition('/')[0]}/{name}"
    made._server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_everything_in_sqlite_moves_to_postgresql_and_works_there(command, coupled, target, now):
    command("demo")
    placements.cancel(coupled, make.user("team"), now, "Ziek.")
    before = {model: model.select().count() for model in (User, Placement, History)}
    code, said = command("move", "--to", target)
    assert code == 0, said

    with backups.pointed_at(target):
        assert {model: model.select().count() for model in before} == before
        assert Placement.get_by_id(coupled.id).state == "cancelled"
        placements.couple(
            Trajectory.get_by_id(coupled.trajectory_id), coupled.site, 50, User.get(), now
        )  # sequences go on
        assert list(checks.breaches()) == []

    code, said = command("move", "--to", target)
    assert (code, "Use --again" in said) == (1, True)
    assert command("move", "--to", target, "--again")[0] == 0
    with backups.pointed_at(target):
        assert Placement.select().count() == before[Placement]


def test_a_move_that_does_not_arrive_whole_is_refused_and_leaves_nothing(db, coupled, target, monkeypatch):
    monkeypatch.setattr(moving, "_rows", _without_one(moving._rows))
    with pytest.raises(moving.MoveError, match="the number of rows is 0 instead of 1"):
        moving.move(db, target, False, lambda text: None)
    with backups.pointed_at(target):
        assert User.select().count() == 0


def _without_one(rows):
    def fewer(old, model, listed):
        return iter(list(rows(old, model, listed))[: -1 if model is Placement else None])

    return fewer


def test_a_change_during_the_move_is_reported(db, coupled, target, monkeypatch):
    said = []

    def interfere(text):
        if text.startswith("placement:"):
            with sqlite3.connect(db.removeprefix("sqlite:///")) as other:
                other.execute("UPDATE participant SET email = 'x@kavo.test'")
        said.append(text)

    database.close()
    moving.move(db, target, False, interfere)
    assert said[-1].startswith("The source was changed while it was copied.")
    connect_to(db).connect(reuse_if_open=True)
