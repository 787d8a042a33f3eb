"""Changes of name, recognition or address: a manager proposes them, the team decides."""

from datetime import datetime

import audit
import mails
import scope
from database import RuleError, writing
from database.texts import required_text
from models import Proposal, Site, User


def propose(site: Site, by: User, now: datetime, **values) -> Proposal:
    """Ask the team to change name, recognition or address (`values`: each of Site.IDENTITY). Domain rule 5.

    Raises RuleError when nothing differs, when another change is waiting, or when the site is not approved."""
    scope.require(by, "propose", site)
    with writing():
        fresh = Site.locked(site.id)
        if fresh.state != "approved":
            raise RuleError(f"{fresh} is niet goedgekeurd. Bel het team als er iets moet wijzigen.")
        before = {name: getattr(fresh, name) for name in Site.IDENTITY}
        if before == values:
            raise RuleError("Je wijzigde niets. Pas eerst aan wat anders moet.")
        proposal = Proposal(site=fresh, by=by, created_at=now, **values)
        proposal.save()
        audit.record(by, "proposal.made", fresh, at=now, site=fresh, changes=differences(proposal))
    return proposal


def differences(proposal: Proposal) -> str:
    """What the proposal would change, in words."""
    site = Site(**{name: getattr(proposal, name) for name in Site.IDENTITY})
    return audit.changes({name: getattr(proposal.site, name) for name in Site.IDENTITY}, site)


def pairs(proposal: Proposal) -> list[tuple[str, str, str]]:
    """(label, present value, proposed value) of each field that would change."""
    found = []
    for name in Site.IDENTITY:
        field = Site._meta.fields[name]
        words = dict(field.choices or ())
        now, asked = getattr(proposal.site, name), getattr(proposal, name)
        if now != asked:
            found.append((field.verbose_name, words.get(now, now), words.get(asked, asked)))
    return found


def accept(proposal: Proposal, by: User, now: datetime):
    """Make the change. Raises RuleError when it was decided already."""
    scope.require(by, "decide", proposal)
    with writing():
        site = Site.locked(proposal.site_id)
        changed = differences(proposal)
        proposal.move("accepted", decided_at=now, decided_by=by)
        for name in Site.IDENTITY:
            setattr(site, name, getattr(proposal, name))
        site.save()
        proposal.site = site
        audit.record(by, "proposal.accepted", site, at=now, site=site, changes=changed or "niets")
        mails.proposal_decided(proposal, now)


def refuse(proposal: Proposal, by: User, now: datetime, reason: str):
    """Refuse the change, with a reason that the manager reads. Raises RuleError without one."""
    scope.require(by, "decide", proposal)
    reason = required_text(
        reason, "Schrijf waarom je afkeurt. De stageplaatsverantwoordelijke leest deze tekst.", "reason"
    )
    with writing():
        proposal.move("refused", decided_at=now, decided_by=by, reason=reason)
        audit.record(by, "proposal.refused", proposal.site, at=now, site=proposal.site, reason=proposal.reason)
        mails.proposal_decided(proposal, now)


def withdraw(proposal: Proposal, by: User, now: datetime):
    """The manager withdraws the change. Raises RuleError when it was decided already."""
    scope.require(by, "propose", proposal.site)
    with writing():
        proposal.move("withdrawn", decided_at=now)
        audit.record(by, "proposal.withdrawn", proposal.site, at=now, site=proposal.site)


def waiting(site: Site) -> Proposal | None:
    """The change that waits for the team, if there is one."""
    return Proposal.get_or_none(Proposal.site == site, Proposal.state == "open")
