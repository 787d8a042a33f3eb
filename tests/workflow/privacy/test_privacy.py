"""Personal data: a register that covers every column, subject access, erasure, retention periods, checkpoints of the history."""

import io
from contextlib import contextmanager
from datetime import timedelta

import pytest

import audit
from database import RuleError, database, on_postgresql, readings, searching
from models import (
    TABLES,
    Checkpoint,
    Clock,
    Evaluation,
    Handover,
    History,
    ImportBatch,
    Lookup,
    Mail,
    Participant,
    Placement,
    Retention,
    Site,
    SiteManager,
    Trajectory,
    User,
)
from operations import checks
from scope import NotYours
from tests import factories as make
from tests.visitor import Visitor
from workflow import clock, hash_chain
from workflow.accounts import identities
from workflow.imports import batches
from workflow.privacy import erasure, personal_data, retention, subject_access
from workflow.sites import handovers
from workflow.stages import attests, finals, placements

DAY = timedelta(days=1)


def places_of(*words) -> list[str]:
    """Every row of the database that holds one of these words, with its table; after the nightly tasks."""
    searching.forget_words()
    tables = [name for name in database.get_tables() if not name.startswith("sqlite_")]
    rows = [f"{name}: {row}" for name in tables for row in database.execute_sql(f'SELECT * FROM "{name}"').fetchall()]
    return [row for row in rows if any(word.casefold() in row.casefold() for word in words)]


# ---- the register


def test_every_column_is_in_the_register_or_says_nothing_of_a_person():
    for model in TABLES:
        if model._meta.table_name in personal_data.WITHOUT_PERSONS:
            continue
        named = [name for entry in personal_data.REGISTER for name in entry.columns.get(model, ())]
        named += personal_data.TECHNICAL.get(model, ())
        assert len(named) == len(set(named)), model
        assert set(named) == set(model._meta.fields) - personal_data.EVERYWHERE, model


def test_every_entry_says_how_long():
    kept = personal_data.kept(retention.days())
    assert all(kept[entry.name] for entry in personal_data.REGISTER)
    assert {rule.key for rule in retention.RULES} <= {entry.rule for entry in personal_data.REGISTER}


# ---- one person, everywhere


@pytest.fixture
def people(app):
    """Zorbina, a participant with a failed trajectory, and Quirijn, a former manager; both occur in many tables."""
    association = make.association()
    staff = make.user("association", association=association)
    quirijn = make.user(
        first_name="Quirijn",
        last_name="Xantippe",
        email="quirijn@kavo.test",
        phone="0470 77 66 55",
        password=make.PASSWORD,
    )
    site = make.site(manager=quirijn, email="quirijn@kavo.test")
    line = (
        b"kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus\n"
        b"777777-12;Zorbina;Yperzeel;12/03/2007;zorbina@kavo.test;;animator;10/01/2026\n"
    )
    batch = batches.receive(io.BytesIO(line), "lijst.csv", staff, make.NOW)
    batches.work(make.NOW)
    batches.confirm(ImportBatch.get_by_id(batch.id), staff, make.NOW)
    batches.work(make.NOW)
    zorbina = Participant.get(Participant.kavo_id == "777777-12")
    trajectory = zorbina.trajectories.get()
    Lookup.create(user=quirijn, kavo_id=zorbina.kavo_id, found=True, purpose="koppelen", at=make.NOW, search="x")
    stage = placements.couple(trajectory, site, 50, quirijn, make.NOW)
    make.evaluated(
        stage, quirijn, mentor="Quirijn Xantippe", motivation="Zorbina deed het goed", remarks="Zorbina had een bril"
    )
    handovers.ask(site, make.user(first_name="Opvolger"), "opvolger@kavo.test", "0470 11 11 11", make.NOW)
    return {
        "zorbina": zorbina,
        "quirijn": quirijn,
        "site": site,
        "staff": staff,
        "trajectory": trajectory,
        "team": make.user("team"),
    }


def fail(people):
    finals.give(
        Trajectory.get_by_id(people["trajectory"].id),
        people["staff"],
        make.NOW,
        result="failed",
        evaluated_on=make.NOW.date(),
        motivation="Zorbina was er niet bij",
    )


ZORBINA = ("Zorbina", "Yperzeel", "zorbina@kavo.test", "777777-12", "2007-03-12", "12/03/2007")
QUIRIJN = ("Quirijn", "Xantippe", "quirijn@kavo.test", "0470 77 66 55")


def test_a_participant_is_erased_everywhere_and_hours_and_proof_stay(people):
    fail(people)
    make.mail(subject="Over Zorbina Yperzeel", body="Zorbina Yperzeel (777777-12)", to_address="vereniging@kavo.test")
    assert all(places_of(word) for word in ZORBINA[:4])
    digests = list(History.select(History.id, History.digest).tuples())

    erasure.erase_participant(people["zorbina"], people["team"], make.NOW, "op vraag van de persoon zelf")

    assert places_of(*ZORBINA) == []
    assert list(checks.breaches()) == []
    assert digests == list(History.select(History.id, History.digest).limit(len(digests)).order_by(History.id).tuples())
    stage = Placement.get()
    assert (stage.hours_done, stage.result, stage.counted) == (50, "positive", 50)
    assert str(Participant.get()) == "Gewiste deelnemer"
    told = [audit.sentence(line) for line in History.select().where(History.trajectory_id == people["trajectory"].id)]
    assert all("gewist" in text for text in told)
    assert any(text.startswith("… koppelde … aan …") for text in told)


def test_an_account_is_erased_everywhere_and_what_it_did_stays(people):
    site, quirijn = people["site"], people["quirijn"]
    handovers.accept(Handover.get(), quirijn, make.NOW)
    assert all(places_of(word) for word in QUIRIJN[:3])

    erasure.erase_user(User.get_by_id(quirijn.id), people["team"], make.NOW, "op vraag van de persoon zelf")

    assert places_of(*QUIRIJN, "+32470776655") == []
    assert list(checks.breaches()) == []
    assert SiteManager.select().where(SiteManager.site == site).count() == 2
    assert str(site.manager()).startswith("Opvolger")
    assert Placement.get().coupled_by_id == quirijn.id
    assert Evaluation.get().remarks == "Zorbina had een bril"


def test_two_joined_accounts_are_erased_together(people):
    handovers.accept(Handover.get(), people["quirijn"], make.NOW)
    other = make.user(first_name="Quirijn", last_name="Xantippe", email="q.xantippe@kavo.test")
    identities.merge(people["quirijn"], other, people["team"], make.NOW)
    erasure.erase_user(User.get_by_id(other.id), people["team"], make.NOW, "op vraag van de persoon zelf")
    assert places_of(*QUIRIJN, "+32470776655", "q.xantippe") == []


def test_data_that_the_law_requires_is_not_erased(people):
    with pytest.raises(RuleError, match="traject dat loopt"):
        erasure.erase_participant(people["zorbina"], people["team"], make.NOW, "gevraagd")
    finals.give(
        Trajectory.get_by_id(people["trajectory"].id),
        people["staff"],
        make.NOW,
        result="passed",
        evaluated_on=make.NOW.date(),
    )
    attests.release(Trajectory.get_by_id(people["trajectory"].id), people["team"], make.NOW)
    with pytest.raises(RuleError, match="heeft een attest"):
        erasure.erase_participant(people["zorbina"], people["team"], make.NOW, "gevraagd")
    with pytest.raises(RuleError, match="Draag dat eerst over"):
        erasure.erase_user(people["quirijn"], people["team"], make.NOW, "gevraagd")
    with pytest.raises(RuleError, match="hoort bij het team"):
        erasure.erase_user(people["team"], people["team"], make.NOW, "gevraagd")
    with pytest.raises(RuleError, match="werkt voor"):
        erasure.erase_user(people["staff"], people["team"], make.NOW, "gevraagd")
    with pytest.raises(RuleError, match="Schrijf waarom"):
        erasure.erase_user(people["quirijn"], people["team"], make.NOW, " ")
    assert Participant.get().first_name == "Zorbina"


@pytest.mark.parametrize("who", ["quirijn", "staff"])
def test_only_the_team_erases_and_asks_what_is_kept_of_others(app, people, who):
    with pytest.raises(NotYours):
        erasure.erase_participant(people["zorbina"], people[who], make.NOW, "gevraagd")
    with pytest.raises(NotYours):
        erasure.erase_user(people["team"], people[who], make.NOW, "gevraagd")
    with pytest.raises(NotYours):
        subject_access.give(people["zorbina"], people[who], make.NOW)
    with pytest.raises(NotYours):
        subject_access.give(people["team"], people[who], make.NOW)


def test_the_team_erases_on_the_screen_after_a_question(app, people):
    fail(people)
    team = make.user("team", password=make.PASSWORD)
    visitor = Visitor(app, team)
    visitor.get("/deelnemers/?q=Zorbina")
    assert "Yperzeel" in visitor.text
    visitor.get(f"/deelnemers/details/?id={people['zorbina'].id}")
    visitor.post("/deelnemers/action/", {"one": f"erase:{people['zorbina'].id}"})
    assert "Je kunt dit niet ongedaan maken" in visitor.text
    visitor.send(reason="op vraag van de persoon zelf")
    assert Participant.get().erased_at
    visitor.get("/deelnemers/?q=Zorbina")
    assert "Yperzeel" not in visitor.text
    visitor.get(f"/deelnemers/details/?id={people['zorbina'].id}")
    assert "Gewiste deelnemer" in visitor.text


# ---- subject access


def test_insight_holds_all_of_oneself_and_no_secret(people):
    quirijn = User.get_by_id(people["quirijn"].id)
    found = subject_access.give(quirijn, quirijn, make.NOW)
    text = str(found)
    assert {"user", "site_manager", "evaluation", "lookup", "history", "handover"} <= set(found)
    assert all(word in text for word in QUIRIJN)
    assert "argon2" in quirijn.password
    asked = Handover.get()
    assert (asked.site_id, readings.shown_phone(asked.phone)) == (people["site"].id, "0470 11 11 11")
    for secret in ("argon2", quirijn.fs_uniquifier, "0470 11 11 11"):
        assert secret not in text, secret
    noted = History.select().where(History.verb == "list.exported").get()
    assert "alles over een account" in audit.sentence(noted)


def test_insight_of_a_manager_names_no_participant(people):
    """The author of an evaluation may have left that site: the remarks about a participant are not theirs to take along."""
    quirijn = User.get_by_id(people["quirijn"].id)
    found = subject_access.give(quirijn, quirijn, make.NOW)
    assert found["evaluation"][0]["result"] == "Positief"
    assert "… koppelde … aan … voor … uur." in str(found)
    own = str(subject_access.give(people["zorbina"], people["team"], make.NOW))
    for words in ("Zorbina", "Yperzeel", "bril"):
        assert words in own
        assert words not in str(found)


def test_insight_holds_all_of_a_participant(app, people):
    found = subject_access.give(people["zorbina"], people["team"], make.NOW)
    assert {"participant", "trajectory", "placement", "evaluation", "lookup", "history", "import_row"} <= set(found)
    assert "Zorbina had een bril" in str(found)
    parts = dict(subject_access.readable(found))
    assert ("Geboortedatum", "12/03/2007") in parts["Deelnemer"][0]
    assert all(label and "_" not in label for rows in parts.values() for row in rows for label, _ in row)


def test_everybody_reads_and_saves_their_own_data(app, people):
    visitor = Visitor(app, people["quirijn"])
    visitor.get("/mijn-gegevens/alles")
    assert "Quirijn" in visitor.text
    assert "Passkeys" not in visitor.text
    answer = visitor.get("/mijn-gegevens/alles.json")
    assert answer.json["user"][0]["email"] == "quirijn@kavo.test"
    assert answer.headers["Content-Disposition"].startswith("attachment")


# ---- retention


def ended(days, **values):
    """A participant without attest whose trajectory ended that many days ago."""
    trajectory = make.trajectory(**values)
    Trajectory.update(ends_on=make.NOW.date() - days * DAY).where(Trajectory.id == trajectory.id).execute()
    return trajectory.participant


@pytest.mark.parametrize("days, erased", [(3 * 365, False), (3 * 365 + 1, True)])
def test_a_participant_without_an_attest_is_erased_after_the_term(app, days, erased):
    participant = ended(days)
    retention.clean_up(make.NOW)
    assert bool(Participant.get_by_id(participant.id).erased_at) is erased


def test_a_participant_with_a_more_recent_trajectory_is_kept(app):
    participant = ended(3 * 365 + 1)
    make.trajectory(participant=participant, type="head_animator")
    retention.clean_up(make.NOW)
    assert Participant.get_by_id(participant.id).erased_at is None


def test_texts_go_before_people_do(people):
    fail(people)
    Trajectory.update(ends_on=make.NOW.date() - (5 * 365 + 1) * DAY).execute()
    broken = list(checks.breaches())
    Retention.create(key="participant", days=20 * 365)
    retention.clean_up(make.NOW)
    assert (Evaluation.get().mentor, Evaluation.get().remarks) == (erasure.GONE, "")
    assert Participant.get().first_name == "Zorbina"
    assert retention.clean_up(make.NOW) == 0
    Evaluation.update(remarks="nog iets").execute()
    assert retention.clean_up(make.NOW) == 1, "also when the name of the mentor went before"
    assert list(checks.breaches()) == broken, "that the term does not fit is our own doing"


def test_the_preview_names_what_the_next_clean_up_erases(app, people):
    ended(3 * 365 + 1)
    make.mail(created_at=make.NOW - 366 * DAY, state="sent")
    make.mail(created_at=make.NOW - 364 * DAY, state="sent")
    Lookup.delete().execute()
    make.lookup(user=people["quirijn"], at=make.NOW - 366 * DAY)
    foreseen = {rule.key: query.count() for rule, _, query in retention.upcoming(make.NOW) if query.count()}
    assert foreseen == {"participant": 1, "mail": 1, "lookup": 1}
    assert retention.clean_up(make.NOW) == 3
    assert retention.clean_up(make.NOW) == 0
    assert Mail.select().where(Mail.body == "").count() == 1
    assert not Lookup.select().exists()


def test_an_account_that_nobody_uses_is_forgotten_but_not_one_with_work(app):
    long_ago = make.NOW - (3 * 365 + 1) * DAY
    make.user(created_at=long_ago, email="eid-7@kavo.invalid", first_name="Zonder", last_name="Adres")
    unused, manager, staff, team, seen = (
        make.user(created_at=long_ago),
        make.user(created_at=long_ago),
        make.user("association", association=make.association(), created_at=long_ago),
        make.user("team", created_at=long_ago),
        make.user(created_at=long_ago, seen_on=make.NOW.date()),
    )
    make.site(manager=manager)
    retention.clean_up(make.NOW)
    gone = {user.id for user in User.select().where(User.erased_at.is_null(False))}
    assert gone == {unused.id, unused.id - 1}, (manager.id, staff.id, team.id, seen.id)
    assert not User.select().where(User.first_name == "Zonder").exists()


def test_a_closed_site_loses_its_contact(app):
    site = make.site(email="plein@kavo.test", phone="09 311 11 11", state="closed", decided_at=make.NOW - 731 * DAY)
    kept = make.site(email="plein2@kavo.test", state="approved", decided_at=make.NOW - 731 * DAY)
    retention.clean_up(make.NOW)
    assert (Site.get_by_id(site.id).email, Site.get_by_id(site.id).phone) == ("", "")
    assert Site.get_by_id(kept.id).email == "plein2@kavo.test"


def test_the_clock_cleans_once_a_night(app):
    Clock.update(cleaned_on=None).execute()
    participant = ended(3 * 365 + 1)
    night = make.NOW.replace(hour=0)  # 2 o'clock in Brussels
    clock.sweep(night)
    assert Participant.get_by_id(participant.id).erased_at is None
    clock.sweep(night + timedelta(hours=1))
    assert Participant.get_by_id(participant.id).erased_at
    assert Clock.get().cleaned_on == make.NOW.date()
    other = ended(3 * 365 + 1)
    clock.sweep(night + timedelta(hours=2))
    assert Participant.get_by_id(other.id).erased_at is None
    clock.sweep(night + timedelta(days=1, hours=1))
    assert Participant.get_by_id(other.id).erased_at


def test_much_to_erase_takes_several_sweeps(app, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(5):
        ended(3 * 365 + 1)
    assert [retention.clean_up(make.NOW) for _ in range(4)] == [2, 2, 1, 0]


def test_the_team_sets_the_days_and_sees_what_that_erases(app):
    ended(400)
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    visitor.get("/bewaartermijnen/")
    visitor.send(participant="29")
    assert "Kies 30 tot 36500 dagen" in visitor.text
    visitor.send(participant="365")
    assert retention.days()["participant"] == 365
    row = visitor.page.select_one("#participant").find_parent("tr")
    assert row.select_one("summary").text == "1"
    assert "van 1095 naar 365 dagen" in audit.sentence(History.get(History.verb == "retention.changed"))
    with pytest.raises(NotYours):
        retention.set_days(retention.days(), make.user(), make.NOW)


def test_the_page_of_very_many_lines_says_that_there_are_more(app, monkeypatch):
    for name, number in (("MOST_COUNTED", 3), ("MOST_NAMED", 2)):
        monkeypatch.setattr(f"admin_views.privacy.{name}", number)
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    for begin, end in (("Niets", ""), ("1", ""), ("2", ""), ("3", "en nog 1"), ("meer dan 3", "en nog veel meer")):
        visitor.get("/bewaartermijnen/")
        told = visitor.page.select_one("#participant").find_parent("tr").select("td")[-1].get_text(" ", strip=True)
        assert (told.startswith(begin), told.endswith(end)) == (True, True), told
        ended(3 * 365 + 1)


def test_the_filter_before_a_rule_leaves_nothing_out(app):
    people = [ended(days) for days in (10, 3 * 365 + 1, 4 * 365, 60 * 365)]
    make.trajectory(participant=people[2], type="instructor")
    for rule in (one for one in retention.RULES if one.narrow):
        for before in (make.NOW.date() - days * DAY for days in (0, 3 * 365, 50 * 365)):
            assert set(rule.found(before).where(rule.narrow(before))) == set(rule.found(before)), rule.key


# ---- checkpoints


@contextmanager
def guard_asleep():
    """Lift the protection of the history, as anyone with the password of the database could."""
    if on_postgresql():
        database.execute_sql("ALTER TABLE history DISABLE TRIGGER history_guard")
        yield
        database.execute_sql("ALTER TABLE history ENABLE TRIGGER history_guard")
        return
    kept = database.execute_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'history'"
    ).fetchall()
    for name, _ in kept:
        database.execute_sql(f"DROP TRIGGER {name}")
    yield
    for _, sql in kept:
        database.execute_sql(sql)


@pytest.fixture
def sealed(app):
    """Three lines; a checkpoint covers the first two."""
    user = make.user()
    for number in range(2):
        audit.record(user, "user.confirmed", user, at=make.NOW + number * DAY)
    hash_chain.seal(make.NOW)
    audit.record(user, "user.password", user, at=make.NOW)
    hash_chain.seal(make.NOW + timedelta(minutes=61))
    assert hash_chain.last().lines == 2
    assert list(hash_chain.breaches()) == []
    return user


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE history SET verb = 'user.eid' WHERE id = 1",
        "UPDATE history SET actor_id = NULL WHERE id = 2",
        "DELETE FROM history WHERE id = 1",
        "UPDATE history SET digest = '00' WHERE id = 2",
        "UPDATE history SET at = '2020-01-01 00:00:00' WHERE id = 1",
        "INSERT INTO history (id, at, verb, object_type, object_id, digest) VALUES (0, '2020-01-01', 'user.eid', '', '', '')",
    ],
)
def test_a_change_to_a_sealed_line_is_detected(sealed, change):
    with guard_asleep():
        database.execute_sql(change)
    found = list(hash_chain.breaches())
    assert len(found) == (0 if "INSERT" in change else 1)


def test_a_line_put_in_between_is_found_out(sealed):
    hash_chain.seal(make.NOW + timedelta(hours=2))
    hash_chain.seal(make.NOW + timedelta(hours=4))
    with guard_asleep():
        database.execute_sql("DELETE FROM history WHERE id = 2")
    assert len(list(hash_chain.breaches())) == 1


def test_erasing_leaves_the_chain_whole(sealed):
    erasure.erase_user(sealed, make.user("team"), make.NOW, "gevraagd")
    assert History.select().where(History.payload.is_null()).count() == 3
    assert list(hash_chain.breaches()) == []
    assert list(checks.breaches()) == []


def test_a_line_written_during_a_seal_waits_for_the_next_seal(sealed):
    assert Checkpoint.get(Checkpoint.digest.is_null()).until_id == 3
    hash_chain.seal(make.NOW + timedelta(minutes=62))
    assert hash_chain.last().until_id == 2
    hash_chain.seal(make.NOW + timedelta(minutes=123))
    assert hash_chain.last().until_id == 3
    assert [hash_chain.seal(make.NOW + timedelta(minutes=200 + number)) for number in range(3)] == [0, 0, 0]


def test_the_command_tells_whether_the_history_fits_its_seals(app, sealed):
    runner = app.test_cli_runner()
    database.close()
    answer = runner.invoke(args=["check-history"])
    assert answer.exit_code == 0
    assert "Sealed up to line 2" in answer.output
    with database.connection_context(), guard_asleep():
        database.execute_sql("DELETE FROM history WHERE id = 1")
    answer = runner.invoke(args=["check-history"])
    assert answer.exit_code == 1
    assert "do not fit seal" in answer.output
    database.connect(reuse_if_open=True)


def test_the_rights_are_shown_to_the_team(app):
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    visitor.get("/rechten/")
    row = next(row for row in visitor.page.select("tr") if "Goedkeuren" in row.text)
    assert [cell.text for cell in row.select("td")] == ["–", "–", "–", "alle"]
