"""Subject access returns the requester's data as entered: nothing about their successors, and no contact details of others."""

import io
from datetime import timedelta

import pytest

import mails
from models import Handover, ImportRow, LinkRequest, Mail, Site, User
from tests import factories as make
from workflow import rows
from workflow.accounts import identities
from workflow.imports import batches
from workflow.privacy import subject_access
from workflow.sites import handovers, sites
from workflow.stages import attests, finals

LATER = make.NOW + timedelta(hours=1)


def of(person, by=None) -> dict:
    """The result of subject access, for the row as stored."""
    fresh = type(person).get_by_id(person.id)
    return subject_access.give(fresh, by or fresh, LATER)


@pytest.fixture
def giver(app):
    return make.user(email="gever@kavo.test", phone="0470 11 11 11")


@pytest.fixture
def site(giver):
    contact = {"email": "gever@kavo.test", "phone": "0470 11 11 11"}
    return make.site(manager=giver, declared_by=giver, declared_at=make.NOW, **contact)


def handed_over(site, giver):
    """A successor takes the site over, and then enters other contact details."""
    taker = make.user(email="nemer@kavo.test", phone="0470 22 22 22", first_name="Nele")
    handovers.accept(handovers.ask(site, taker, taker.email, taker.phone, make.NOW), giver, make.NOW)
    row = Site.get_by_id(site.id)
    before = {"email": row.email, "phone": row.phone}
    row.email, row.phone = "nieuw@kavo.test", "0470 33 33 33"
    rows.change(row, before, taker, make.NOW, "stageplaats")
    return taker


def test_the_manager_of_a_site_reads_the_contact_that_was_entered(site, giver):
    assert of(giver)["site"][0]["email"] == "gever@kavo.test"


def test_a_former_manager_reads_nothing_about_the_present_one(site, giver):
    taker = handed_over(site, giver)
    text = str(of(giver))
    assert "verklaard" in str(subject_access.readable(of(giver))).lower()
    for word in ("nemer@kavo.test", "0470 22 22 22", "nieuw@kavo.test", "0470 33 33 33"):
        assert word in str(of(taker)), word
        assert word not in text, word


def test_a_new_manager_does_not_read_what_the_former_one_typed(site, giver):
    before = str(of(giver))
    text = str(of(handed_over(site, giver)))
    assert "van ‘…’ naar ‘nieuw@kavo.test’" in text
    for word in ("gever@kavo.test", "0470 11 11 11"):
        assert word in before
        assert word not in text


def test_a_site_that_came_back_does_not_show_the_contact_of_the_manager_in_between(site, giver):
    assert "nieuw@kavo.test" in str(of(handed_over(site, giver)))
    sites.give_to(Site.get_by_id(site.id), giver, make.user("team"), LATER)
    assert "nieuw@kavo.test" not in str(of(giver))


def test_an_offer_that_was_passed_on_does_not_show_whose_address_it_had(site, giver):
    offer = handovers.offer(site, giver, "ander@kavo.test", make.NOW)
    finder = make.user(email="vinder@kavo.test")
    handovers.accept(offer, finder, make.NOW, by_link=True)
    assert Handover.get().requester == finder
    assert (Handover.get().email, len(of(finder)["handover"])) == ("ander@kavo.test", 1)
    assert "ander@kavo.test" not in str(of(finder))


def test_the_mails_to_an_address_of_somebody_else_before_are_not_shown(app):
    first = make.user(email="gedeeld@kavo.test")
    mails.password_changed(first, make.NOW)
    User.update(email="weg@kavo.test").where(User.id == first.id).execute()
    second = make.user(email="gedeeld@kavo.test", created_at=LATER)
    mails.second_step_changed(second, "codes", LATER)
    assert [mail["subject"] for mail in of(second)["mail"]] == [Mail.get(Mail.kind == "second_step_changed").subject]


def test_a_changed_address_shows_no_earlier_mails(app):
    mails.password_changed(make.user(email="gedeeld@kavo.test"), make.NOW)
    User.update(email="weg@kavo.test").execute()
    changed = make.user(email="oud@kavo.test", created_at=make.NOW - timedelta(days=9))
    before, changed.email = {"email": "oud@kavo.test"}, "gedeeld@kavo.test"
    rows.change(changed, before, make.user("team"), LATER, "account")
    assert Mail.select().where(Mail.to_address == changed.email, Mail.kind == "password_changed").exists()
    assert of(changed)["user"][0]["email"] == changed.email
    assert "mail" not in of(changed)


@pytest.mark.parametrize("confirmed_at", [None, make.NOW])
def test_typing_the_address_of_an_association_shows_none_of_its_mails(app, confirmed_at):
    association = make.association(email="info@kavo.test")
    mails.digest_for_association(association, [], ["Lotte Peeters"], [], make.NOW)
    typed = make.user(email="info@kavo.test", confirmed_at=confirmed_at, created_at=make.NOW)
    assert Mail.get().to_address == of(typed)["user"][0]["email"]
    assert "mail" not in of(typed)


def test_mails_that_name_participants_are_there_without_their_text(app, giver):
    mails.digest_for_manager(giver, ["Lotte Peeters (125143-59)"], [], [1], make.NOW)
    mails.digest_for_manager(giver, [], ["Lotte Peeters (125143-59)"], [], make.NOW)
    assert all("Lotte" in mail.body for mail in Mail.select())
    assert len(of(giver)["mail"]) == 2
    assert "Lotte" not in str(of(giver))


@pytest.mark.parametrize("state, shown", [("open", False), ("refused", False), ("linked", True)])
def test_an_eid_shows_its_holder_once_it_is_linked(app, giver, state, shown):
    asked = {"first_name": "Vreemd", "last_name": "Persoon", "birth_date": make.COURSE, "issuer": "i", "subject": "s"}
    LinkRequest.create(user=giver, created_at=make.NOW, state=state, **asked)
    assert ("Vreemd" in str(of(giver))) is shown


def test_team_members_read_no_contact_of_the_accounts_they_changed(app, giver):
    team = make.user("team")
    before, giver.phone = {"phone": giver.phone}, "0470 44 44 44"
    rows.change(giver, before, team, make.NOW, "account")
    text = str(of(team))
    assert "wijzigde" in text
    assert "0470 11 11 11" not in text
    assert "0470 44 44 44" not in text
    assert "0470 44 44 44" in str(of(giver))


def test_the_acts_of_a_merged_account_move_along(app, giver):
    old = make.user(first_name="Oud")
    site = make.site(manager=old, declared_by=old, declared_at=make.NOW)
    rows.change(site, {}, old, make.NOW, "stageplaats", also=lambda row: "iets")
    identities.merge(old, giver, giver, make.NOW)
    assert "wijzigde" in str(of(giver)["history"])


def test_a_participant_reads_no_mail_of_others_at_the_same_address(app):
    team = make.user("team")
    released = []
    for name in ("Lotte", "Mats"):
        person = make.participant(first_name=name, email="ouders@kavo.test", birth_date=make.COURSE.replace(year=2005))
        run = make.trajectory(participant=person)
        make.evaluated(make.placement(trajectory=run, hours=50), team)
        released.append(run)
    for run in released:
        finals.give(type(run).get_by_id(run.id), team, make.NOW, "passed", make.NOW.date())
        attests.release(type(run).get_by_id(run.id), team, make.NOW)
    assert Mail.select().where(Mail.to_address == "ouders@kavo.test").count() == 2
    found = of(released[0].participant, team)
    assert len(found["mail"]) == 1
    assert "Mats" in str(of(released[1].participant, team))
    assert "Mats" not in str(found)


def test_a_wrong_line_of_a_file_is_not_about_the_holder_of_that_number(app):
    team, person = make.user("team"), make.participant(kavo_id="777777-12", first_name="Lotte")
    head = "kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus"
    line = "777777-12;Ander;Mens;12/03/2007;ander@kavo.test;;animator;10/01/2026"
    batch = batches.receive(io.BytesIO(f"{head}\n{line}\n".encode()), "x.csv", team, make.NOW)
    batches.work(make.NOW)
    bad = ImportRow.get(ImportRow.batch == batch)
    assert (bad.verdict, "ander@kavo.test" in bad.cells) == ("bad", True)
    assert "ander@kavo.test" not in str(of(person, team))
