"""When a mailbox refuses our mail, the handover goes to the team at once; other delivery problems do not cause this."""

from dataclasses import replace

import pytest

import config
from mails import delivery
from models import Handover, Mail
from tests import factories as make
from tests.post import Post
from times import utcnow
from workflow import clock
from workflow.sites import handovers


@pytest.fixture
def handover():
    """A request to the manager whose mailbox is the one that the server refuses, if it refuses any."""
    giver, taker = make.user(email="weigert@kavo.test"), make.user()
    return handovers.ask(make.site(giver), taker, taker.email, "0470 22 22 22", utcnow())


@pytest.mark.parametrize(
    "fault, state", [("550", "escalated"), ("554", "open"), ("451", "open"), ("cut", "open"), (None, "open")]
)
def test_only_a_mailbox_that_refuses_for_good_sends_it_to_the_team_at_once(settings, handover, fault, state):
    with Post() as post:
        post.fault = fault
        server = config.MailServer("127.0.0.1", post.port, "")
        delivery.deliver(replace(settings, mail_server=server))
    clock.sweep(utcnow())

    assert Handover.get_by_id(handover.id).state == state


def test_a_refused_receipt_of_the_requester_changes_nothing(handover):
    Mail.update(state="failed", refused_mailbox=True).where(Mail.to_address == handover.requester.email).execute()
    clock.sweep(utcnow())

    assert Handover.get_by_id(handover.id).state == "open"
    assert handover.site.manager() == handover.asked
