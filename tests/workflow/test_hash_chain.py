"""The history can be proved: each blanked line refers to an erasure, the checkpoints are keyed, and the last one leaves the
machine."""

import re
from datetime import datetime, timedelta
from threading import Thread

import pytest

import audit
import config
from database import checkpoint_keys, database
from models import Checkpoint, Clock, History, Mail, Reminder
from operations import checks
from tests import factories as make
from tests.conftest import KEYS
from tests.operations.test_backups import command  # noqa: F401
from tests.public_pages.test_registration import register
from tests.workflow.privacy.test_privacy import DAY, guard_asleep
from times import utcnow
from workflow import clock, hash_chain, refusals
from workflow.accounts import registration
from workflow.privacy import erasure, retention

HOUR = timedelta(hours=1, minutes=1)
MONDAY = datetime(2026, 7, 6, 6, 30)  # 8:30 in Brussels


def found():
    return list(checks.breaches())


def seal_all(now):
    """Choose a range, and close it an hour later."""
    hash_chain.seal(now)
    hash_chain.seal(now + HOUR)


def by_hand(*changes):
    with guard_asleep():
        for change in changes:
            database.execute_sql(change)


@pytest.fixture
def erased(app, now):
    """Lines 1 and 2 about An, erased by line 3; line 4 about Bram; a checkpoint covers all."""
    an, bram, team = make.user(), make.user(), make.user("team")
    for _ in range(2):
        audit.record(an, "user.confirmed", an, at=now)
    erasure.erase_user(an, team, now, "gevraagd")
    audit.record(bram, "user.confirmed", bram, at=now)
    seal_all(now)
    assert [line.erased_by for line in History.select().order_by(History.id)] == [3, 3, None, None]
    assert hash_chain.last().until_id == 4
    assert found() == []


# ---- an attacker who can write to the database but has no key

EMPTY = "UPDATE history SET payload = NULL, salt = NULL{} WHERE id = 4"
ANOTHER = (
    "INSERT INTO history (id, at, actor_id, verb, object_type, object_id, payload, salt, digest, erases)"
    " SELECT 9, at, actor_id, verb, object_type, object_id, payload, salt, digest, {} FROM history WHERE id = 3"
)


@pytest.mark.parametrize(
    "changes, said",
    [
        ([EMPTY.format("")], "empty without an erasure"),
        ([EMPTY.format(", erased_by = 3")], "did not erase"),
        ([EMPTY.format(", erased_by = 2")], "did not erase"),
        ([EMPTY.format(", erased_by = 77")], "did not erase"),
        (
            [EMPTY.format(", erased_by = 3"), "UPDATE history SET erases = replace(erases, ':2:', ':3:')"],
            "did not erase",
        ),
        ([EMPTY.format(", erased_by = 9"), ANOTHER.format("erases")], "did not erase"),
        ([EMPTY.format(", erased_by = 9"), ANOTHER.format("NULL")], "did not erase"),
        ([EMPTY.format(", erased_by = 9"), ANOTHER.format("'0123456789abcdef:1:00'")], "cannot be judged"),
        (
            [
                EMPTY.format(", erased_by = 9"),
                "UPDATE history SET erased_by = 9 WHERE id < 3",
                ANOTHER.format("erases"),
            ],
            "did not erase",
        ),
        (["UPDATE history SET erased_by = NULL WHERE id = 1"], "did not erase"),
        (["UPDATE history SET erased_by = NULL WHERE id < 3"], "do not name it"),
        (["UPDATE history SET erased_by = 3 WHERE id = 4"], "does not fit its digest"),
        (["UPDATE history SET salt = NULL WHERE id = 4"], "does not fit its digest"),
        (["UPDATE history SET erases = NULL WHERE id = 3"], "did not erase"),
        (["DELETE FROM history WHERE id = 3"], "did not erase"),
        ([EMPTY.format(""), "UPDATE seal SET unnamed = replace(unnamed, ':0:', ':1:')"], "do not fit seal"),
        ([EMPTY.format(""), "UPDATE seal SET unnamed = NULL"], "do not fit seal"),
        (["UPDATE seal SET key_id = '0123456789abcdef'"], "cannot be judged"),
    ],
)
def test_a_line_that_is_emptied_by_hand_is_found_out(erased, changes, said):
    by_hand(*changes)
    assert any(said in one for one in found()), found()


def test_a_seal_without_a_key_is_refused_after_those_that_have_one(erased, now):
    audit.record(None, "import.dropped", None, at=now, name="x")
    seal_all(now + DAY)
    assert found() == []
    first, second = Checkpoint.select().where(Checkpoint.digest.is_null(False)).order_by(Checkpoint.until_id)
    by_hand("UPDATE history SET verb = 'import.confirmed' WHERE id = 5")
    digest, _ = hash_chain._digest(first.until_id, second.until_id, first.digest, None, None)
    Checkpoint.update(digest=digest, key_id=None).where(Checkpoint.id == second.id).execute()

    assert found() == [f"seal {second.id}: without a key, after seals that have one"]


def test_a_noted_seal_reveals_that_the_others_were_rewritten(erased, now):
    """All checkpoints deleted: the machine then creates new ones, so only the checkpoint that left it reveals this."""
    noted = hash_chain.name(hash_chain.last())
    assert hash_chain.differs(noted) == ""
    by_hand("DELETE FROM history WHERE id = 4", "DELETE FROM seal")
    assert "is not there" in hash_chain.differs(noted)
    seal_all(now + DAY)
    assert found() == []
    assert hash_chain.differs(noted)


def test_the_database_itself_lets_no_erasure_change(erased):
    for change in ("erased_by = 4 WHERE id = 1", "erases = NULL, payload = NULL, salt = NULL WHERE id = 3"):
        with pytest.raises(Exception, match="append-only"), database.atomic():
            database.execute_sql(f"UPDATE history SET {change}")


# ---- from earlier releases


def test_seals_without_a_key_stay_good_and_so_do_lines_that_were_emptied_then(app, now):
    for number in range(3):
        audit.record(None, "import.dropped", None, at=now + number * DAY, name="x")
    History.update(payload=None, salt=None).where(History.id == 1).execute()
    digest, lines = hash_chain._digest(0, 2, hash_chain.START, None, None)
    Checkpoint.create(until_id=2, began_at=now, lines=lines, digest=digest, sealed_at=now)
    assert found() == []  # not judged until there is a keyed checkpoint
    seal_all(now + DAY)

    assert [one.key_id for one in Checkpoint.select().order_by(Checkpoint.until_id)][:2] == [
        None,
        checkpoint_keys.present(),
    ]
    assert found() == []
    History.update(payload=None, salt=None).where(History.id == 2).execute()
    assert found() == [f"history: 2 lines are empty without an erasure, 1 when seal {hash_chain.last().id} was made"]
    by_hand("UPDATE history SET verb = 'import.confirmed' WHERE id = 2")
    assert any("do not fit seal" in one for one in found())


# ---- every kind of erasure


def participant_on_request(now):
    trajectory = make.trajectory(state="stopped")
    audit.record(None, "trajectory.resumed", trajectory, at=now, type="animator", participant="Lotte", reason="x")
    erasure.erase_participant(trajectory.participant, make.user("team"), now, "gevraagd")


def account_by_the_clock(now):
    user = make.user(role=None, created_at=now - 4 * 365 * DAY)
    audit.record(user, "user.confirmed", user, at=now)
    retention.clean_up(now)


def account_that_was_never_completed(now):
    site = register(now)
    assert registration.forget(site.manager(), now)


def application_that_was_withdrawn(now):
    site = register(now)
    registration.withdraw(site, site.manager(), now)


def old_lines(now):
    for number in range(3):
        audit.record(None, "import.dropped", None, at=now - 11 * 365 * DAY, name=f"{number}.csv")
    retention.clean_up(now)
    line = History.get(History.verb == "history.erased")
    assert (
        audit.sentence(line) == "De tool wiste de namen in 3 regels van de geschiedenis: de bewaartermijn is voorbij."
    )


@pytest.mark.parametrize(
    "erase",
    [
        participant_on_request,
        account_by_the_clock,
        account_that_was_never_completed,
        application_that_was_withdrawn,
        old_lines,
    ],
)
def test_every_erasure_is_in_the_history(app, now, erase):
    erase(now)
    seal_all(now + DAY)

    emptied = History.select().where(History.payload.is_null())
    assert emptied.exists()
    assert all(line.erased_by for line in emptied)
    assert found() == []


def test_two_people_with_shared_lines_are_erased_at_once(app, now):
    team = make.user("team")
    people = [make.user(first_name="Noor", last_name="Jacobs") for _ in range(4)]
    for person in people:
        for _ in range(20):
            audit.record(people[0], "user.eid_linked", person, at=now, name=person)
    database.close()

    def erase(person):
        with database.connection_context():
            erasure.erase_user(person, team, now, "gevraagd")

    threads = [Thread(target=erase, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.connect()

    assert History.select().where(History.erased_by.is_null(False)).count() == 80
    assert found() == []


# ---- keys


def keys(**changes):
    checkpoint_keys.set_up(config.load({**KEYS, **changes}))


def test_a_replaced_key_still_proves_what_it_made_and_an_absent_one_is_told(erased, now):
    keys(KAVO_LOOKUP_KEY="m" * 40, KAVO_OLD_LOOKUP_KEYS=KEYS["KAVO_LOOKUP_KEY"])
    audit.record(None, "import.dropped", None, at=now, name="x")
    seal_all(now + DAY)
    assert len({one.key_id for one in Checkpoint.select().where(Checkpoint.digest.is_null(False))}) == 2
    assert found() == []

    keys(KAVO_LOOKUP_KEY="m" * 40)
    (told,) = found()
    assert "2 seals and erasures cannot be judged" in told


def test_the_secret_key_may_change_at_once(erased):
    keys(KAVO_SECRET_KEY="n" * 40)
    assert found() == []


# ---- the checkpoint leaves the machine


def test_check_data_compares_a_seal_that_was_noted(app, erased):
    noted, runner = hash_chain.name(hash_chain.last()), app.test_cli_runner()
    database.close()
    assert re.fullmatch(r"1-[0-9a-f]{16}", noted)
    for seal, code, said in (
        (noted, 0, "All invariants hold"),
        ("7" + noted, 1, "is not there"),
        (f"{noted[:-1]}{'0' if noted[-1] != '0' else '1'}", 1, "was noted elsewhere as"),
        ("rommel", 2, "A seal is noted as"),
    ):
        answer = runner.invoke(args=["check-data", "--seal", seal])
        assert (answer.exit_code, said in answer.output) == (code, True), answer.output
    assert noted in runner.invoke(args=["check-history"]).output
    database.connect(reuse_if_open=True)


def test_a_backup_bears_the_last_seal_in_its_name_and_must_hold_it(command, erased, tmp_path):  # noqa: F811
    code, said = command("backup", tmp_path)
    assert code == 0, said
    (file,) = tmp_path.glob("kavo-*.backup")
    noted = hash_chain.name(hash_chain.last())
    assert file.name.endswith(f"-seal{noted}.backup")
    assert noted in said
    assert command("restore", "--check", file)[0] == 0

    other = file.rename(tmp_path / file.name.replace("seal1-", "seal2-"))
    code, said = command("restore", "--check", other)
    assert (code, "is not there" in said) == (1, True), said


def test_a_backup_is_restored_without_the_key_and_says_what_it_cannot_judge(command, erased, tmp_path, monkeypatch):  # noqa: F811
    assert command("backup", tmp_path / "one")[0] == 0
    monkeypatch.setitem(KEYS, "KAVO_LOOKUP_KEY", "m" * 40)
    code, said = command("restore", "--check", tmp_path / "one")
    assert (code, "cannot be judged" in said) == (0, True), said


@pytest.fixture
def sealed(app):
    audit.record(None, "import.dropped", None, at=MONDAY - DAY, name="x")
    seal_all(MONDAY - DAY)


def letters():
    return [mail.body for mail in Mail.select().where(Mail.kind == "team_week").order_by(Mail.id)]


@pytest.mark.parametrize(
    "moment, mails",
    [
        (MONDAY - timedelta(minutes=31), 0),
        (MONDAY - timedelta(minutes=30), 1),
        (MONDAY + 3 * DAY, 1),
        (MONDAY + 7 * DAY, 1),
    ],
)
def test_the_team_gets_the_last_seal_on_monday_at_8_or_as_soon_as_the_clock_runs(sealed, moment, mails):
    Clock.update(since=(MONDAY - DAY).date()).execute()
    clock.sweep(moment)
    assert len(letters()) == mails


def test_once_a_week_whatever_happens_to_the_clock(sealed):
    for moment in (MONDAY, MONDAY, MONDAY + DAY, MONDAY + 6 * DAY):
        clock.sweep(moment)
    assert len(letters()) == 1
    clock.sweep(MONDAY + 7 * DAY)
    assert len(letters()) == 2
    assert Reminder.select().where(Reminder.kind == "team_week").count() == 2


def test_two_clocks_at_once_write_one_mail(sealed):
    database.close()

    def sweep():
        with database.connection_context():
            clock.sweep(MONDAY)

    threads = [Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.connect()
    assert len(letters()) == 1


def test_the_weekly_mail_holds_the_seal_and_what_was_refused_most(sealed, app):
    refusals.count({("site.edit_view", "phone", "Vul dit in."): 12}, MONDAY - DAY)
    refusals.count({("site.edit_view", "phone", "Te lang geleden."): 12}, MONDAY - 9 * DAY)
    clock.sweep(MONDAY)

    (body,) = letters()
    noted = hash_chain.name(hash_chain.last())
    assert noted in body.splitlines()
    assert "- 12 keer: Vul dit in." in body
    assert "Te lang geleden." not in body
    (link,) = [line for line in body.splitlines() if "http" in line]
    assert link.endswith("/wat-er-misloopt/")
    assert Mail.get(Mail.kind == "team_week").to_address == "team@kavo.test"


def test_without_a_seal_there_is_nothing_to_keep(app):
    clock.sweep(utcnow())
    assert letters() == []
