"""One mail of each kind in the outbox, with links that work."""

from datetime import timedelta

import config
import mails
from mails import links
from models import Handover, LinkRequest, Mail, Proposal, User
from tests import factories as make
from workflow import refusals
from workflow.accounts import confirmation
from workflow.sites import handovers
from workflow.stages import attests, finals

KINDS = {path.stem for path in (config.PROJECT / "templates" / "mails").glob("*.txt")}


def write(now) -> dict[str, Mail]:
    """Kind → its mail, about rows of its own."""
    ends = now + timedelta(days=20)
    waiting = make.user(email="wacht@kavo.test", confirmed_at=None, password=make.PASSWORD)
    manager = make.user(email="beheer@kavo.test", password=make.PASSWORD)
    applied = make.site(waiting, state="submitted", reason="Nee.", due_on=now.date())
    rejected = make.site(make.user(email="afgewezen@kavo.test"), state="rejected", reason="Nee.", decided_at=now)
    approved = make.site(waiting, decided_at=now)
    _accounts(waiting, manager, now, ends)
    _applications(applied, rejected, approved, waiting, now, ends)
    _handovers(manager, now)
    _stages(manager, now)
    written = {}
    for mail in Mail.select().order_by(Mail.id):
        written.setdefault(mail.kind, mail)
    return written


def _accounts(waiting, manager, now, ends):
    newcomer = make.user(email=confirmation.nowhere(), confirmed_at=None, claimed_email=manager.email)
    invited = make.user("team", email="collega@kavo.test", confirmed_at=None)
    request = LinkRequest(user=manager, created_at=now, reason="Een andere persoon.")
    request.save()
    mails.choose_password(invited, links.issue(links.PASSWORD, now, ends, invited), ends, now)
    mails.reset_password(manager, links.issue(links.RESET, now, ends, manager), now)
    mails.password_changed(manager, now)
    mails.second_step_changed(manager, "een app erbij", now)
    mails.address_known(manager, "/aanmelden", now)
    confirmation.mail_link(waiting, now)
    mails.same_person(manager, links.issue(links.SAME_PERSON, now, ends, manager, newcomer), ends, now)
    mails.address_changed(manager, "vroeger@kavo.test", now)
    mails.log_in_with_eid(manager, now)
    mails.eid_linked(manager, now)
    mails.eid_not_linked(request, now)
    request.kind = "login"
    mails.eid_not_linked(request, now)
    mails.eid_renewed(manager, now)
    mails.turned_18(manager, now)


def _applications(applied, rejected, approved, waiting, now, ends):
    same = {name: getattr(approved, name) for name in ("recognition", "street", "postcode", "municipality")}
    proposal = Proposal(site=approved, by=waiting, created_at=now, due_on=now.date(), name="Nieuwe naam", **same)
    proposal.save()
    mails.registration_waits(applied, waiting, now)
    mails.application_received(applied, waiting, now)
    mails.site_approved(make.site(make.user()), make.user(), None, now, now)
    mails.site_approved(approved, waiting, links.issue(links.ACTIVATION, now, ends, waiting, approved), now, now)
    secret = links.issue(links.ACTIVATION, now, ends, waiting, approved, beside=True)
    mails.activation(approved, waiting, secret, ends, now)
    secret = links.issue(links.ACTIVATION, now, ends, waiting, approved, beside=True)
    mails.activation_reminder(approved, waiting, secret, ends, now)
    mails.site_rejected(rejected, rejected.manager(), now, now)
    mails.question(applied, waiting, "Wie erkent jullie?", now)
    mails.application_reopened(applied, waiting, "Toch.", now)
    mails.application_withdrawn(applied, waiting, False, now)
    mails.proposal_decided(proposal, now)
    mails.site_opened(approved, waiting, "Weer open.", now)
    mails.site_closed(approved, waiting, "Gestopt.", now)
    for kind in ("applications_due", "applications_overdue"):
        mails.team_reminder(kind, [applied], now)
    refused = refusals.Frequent("site.edit_view", "phone", "Vul dit in.", 3, now.date())
    mails.team_week("12-0123456789abcdef", [refused], now)


def _handovers(manager, now):
    asked = handovers.ask(make.site(manager), make.user(email="vraagt@kavo.test"), "vraagt@kavo.test", "", now)
    handovers.remind(asked, now)
    handovers.offer(make.site(manager), manager, "opvolger@kavo.test", now)
    asked = Handover.get_by_id(asked.id)
    asked.decided_at, asked.reason = now, "Nee."  # as a decision would say it; nothing is decided
    mails.handover_at_team(asked, "Er kwam geen antwoord binnen de termijn.", now)
    for write_one in (
        mails.handover_escalated,
        mails.handover_accepted,
        mails.handover_refused,
        mails.handover_withdrawn,
        mails.handover_ended,
    ):
        write_one(asked, now)


def _stages(manager, now):
    team = make.user("team")
    association = make.association(email="vereniging@kavo.test")
    trajectory = make.trajectory(association=association, participant=make.participant(email="lotte@kavo.test"))
    make.evaluated(make.placement(trajectory=trajectory, hours=50), now=now)
    finals.give(trajectory, team, now, result="passed", evaluated_on=now.date(), motivation="", exception="")
    attests.release(trajectory, team, now)
    mails.trajectory_reopened(trajectory, "Fout.", True, now)
    for kind in ("trajectory_first", "trajectory_second", "trajectory_ended"):
        mails.association_reminder(kind, association, ["Lotte, 20 uur"], now)
    told = ["Lotte, Speelplein"], ["Speelkaravaan vzw koppelde Lotte, 20 uur, bij Speelplein"]
    mails.digest_for_manager(User.get_by_id(manager.id), *told, [1], now)
    mails.digest_for_association(association, *told, [1], now)
