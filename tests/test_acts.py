"""Acts that otherwise only browser tests reach: what each changes, and the events that it writes (`docs/events.md`)."""

import io

import pytest

from database import RuleError
from models import Association, Handover, History, ImportBatch, ImportRow, Mail, Passkey, Site
from scope import NotYours
from tests import factories as make
from tests.identity.eid.steps import bram
from tests.identity.test_second_step import passkey
from workflow import rows
from workflow.accounts import joining, second_steps
from workflow.imports import batches
from workflow.sites import handovers, sites

CONTACT = {"email": "bram@kavo.test", "phone": "0470 22 22 22"}
FILE = b"kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus\n125143-59;Lotte;Peeters;;;;animator;10/01/2026\n"


def verbs() -> list[str]:
    return [line.verb for line in History.select().order_by(History.id)]


def test_the_mail_of_a_decision_leaves_at_once_when_the_team_wants_so(now):
    team, site = make.user("team"), make.site(make.user(), state="submitted")
    sites.approve(site, team, now)
    assert Mail.get().next_at > now
    sites.mail_now(Site.get(), team, now)
    assert Mail.get().next_at == now
    Mail.update(state="sent").execute()
    with pytest.raises(RuleError, match="al vertrokken"):
        sites.mail_now(Site.get(), team, now)


def test_a_file_that_is_dropped_leaves_no_lines(now):
    staff = make.user("association", association=make.association())
    batch = batches.receive(io.BytesIO(FILE), "lijst.csv", staff, now)
    batches.work_at_once(batch, now)
    assert not batches.anything_waits()
    assert ImportRow.select().count() == 1
    batches.drop(ImportBatch.get(), staff, now)
    assert (ImportBatch.get().state, ImportRow.select().count()) == ("dropped", 0)
    assert verbs() == ["import.received", "import.dropped"]


def test_the_team_deletes_a_row_on_which_nothing_hangs_and_a_manager_does_not(now):
    association, team = make.association(), make.user("team")
    with pytest.raises(NotYours):
        rows.delete(association, make.user(), now, "vereniging")
    rows.delete(association, team, now, "vereniging")
    assert (Association.select().count(), verbs()) == (0, ["row.deleted"])


def test_somebody_with_eid_asks_for_a_site_with_a_new_account(now):
    site = make.site(make.user(password=make.PASSWORD))
    user, handover = joining.taking_over(bram(), CONTACT, site, now)
    assert (handover.state, handover.requester, str(user)) == ("open", user, "Bram Wouters")
    assert verbs() == ["user.registered", "handover.asked"]


def test_somebody_with_eid_takes_up_an_offer_with_a_new_account(now):
    manager = make.user()
    site = make.site(manager)
    offer = handovers.offer(site, manager, CONTACT["email"], now)
    user = joining.taking_up(bram(), CONTACT, offer, now)
    assert (Handover.get().state, site.manager()) == ("accepted", user)
    assert {"user.registered", "handover.accepted", "site.manager"} <= set(verbs())


def test_a_passkey_can_be_removed_unless_it_is_the_last_required_second_step(app, now):
    team, manager = make.user("team"), make.user()
    last, own = passkey(team, "Telefoon"), passkey(manager, "Telefoon")
    with app.app_context(), pytest.raises(RuleError):
        second_steps.remove_passkey(last, team, now)
    second_steps.remove_passkey(own, manager, now)
    assert [one.user for one in Passkey.select()] == [team]
    assert (verbs(), Mail.get().kind) == (["user.second_step"], "second_step_changed")
