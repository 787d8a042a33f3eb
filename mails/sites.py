"""Mails about a site: its application, its changes, its closing."""

from datetime import datetime

from mails import links
from mails.outbox import HOME, render, write
from models import APPLICATION, Mail, Proposal, Site, User
from times import local_date

APPROVED, APPROVED_ACTIVATE, REJECTED = "site_approved", "site_approved_activate", "site_rejected"
DECISIONS = (APPROVED, APPROVED_ACTIVATE, REJECTED)
"""kinds of mail with a decision about a site"""


def application_received(site: Site, user: User, now: datetime) -> Mail | None:
    """The receipt of an application, with the link to its status page."""
    return write(
        "application_received",
        user.email,
        now,
        site,
        user=user,
        site=site,
        link=links.absolute_url(links.application(site, now)),
    )


def site_approved(site: Site, user: User, token: str | None, now: datetime, leaves_at: datetime) -> Mail | None:
    """A site was approved; with a `token` the mail holds the link to complete the registration."""
    path = links.path(token) if token else "/stageplaatsen/?eigen=1"
    kind = APPROVED_ACTIVATE if token else APPROVED
    facts = {"user": user, "site": site, "status": site.status(local_date(now)), "link": links.absolute_url(path)}
    return write(kind, user.email, now, site, leaves_at, **facts)


def site_rejected(site: Site, user: User, now: datetime, leaves_at: datetime) -> Mail | None:
    """A site was rejected, for the reason on its row; the link leads to 'Aanpassen en opnieuw indienen'."""
    path = links.absolute_url(links.application(site, now, "/aanpassen"))
    status = site.status(local_date(now))
    return write(
        REJECTED, user.email, now, site, leaves_at, user=user, site=site, status=status, reason=site.reason, link=path
    )


def decision_previews(site: Site, user: User) -> dict[str, tuple[str, str]]:
    """(subject, text) of the mails that 'Goedkeuren' and 'Afkeuren' would send."""
    activate = user.password is not None and user.confirmed_at is None
    facts = {"user": user, "site": site, "reason": "[jouw reden]", "link": "[link]"}
    return {
        "approve": render(
            APPROVED_ACTIVATE if activate else APPROVED, facts | {"status": APPLICATION.kinds["approved"]}
        ),
        "reject": render(REJECTED, facts | {"status": APPLICATION.kinds["rejected"]}),
    }


def question(site: Site, user: User, text: str, now: datetime) -> Mail | None:
    """The team asks the applicant something; the link leads to the page with the answer form."""
    path = links.absolute_url(links.application(site, now))
    return write("question", user.email, now, site, user=user, site=site, text=text, link=path)


def application_reopened(site: Site, user: User, reason: str, now: datetime) -> Mail | None:
    """The team looks at a decided application again."""
    path = links.absolute_url(links.application(site, now))
    return write("application_reopened", user.email, now, site, user=user, site=site, reason=reason, link=path)


def application_withdrawn(site: Site, user: User, erased: bool, now: datetime) -> Mail | None:
    """An application was withdrawn; `erased`: the account went with it."""
    link = links.absolute_url("/registreren")
    gone = " Je account en je gegevens zijn gewist." if erased else ""
    return write("application_withdrawn", user.email, now, site, user=user, site=site, erased=gone, link=link)


def proposal_decided(proposal: Proposal, now: datetime) -> Mail | None:
    """The team decided about a change of name, recognition or address."""
    path = links.absolute_url(f"/stageplaatsen/details/?id={proposal.site_id}")
    status = proposal.status(local_date(now))
    return write(
        "proposal_decided",
        proposal.by.email,
        now,
        proposal.site,
        proposal=proposal,
        decision=_decision(proposal),
        status=status,
        user=proposal.by,
        link=path,
    )


def _decision(proposal: Proposal) -> str:
    """What was decided about a change, and why."""
    if proposal.state == "accepted":
        return (
            f"De wijziging van naam, soort erkenning of adres die je vroeg voor {proposal.site} is in orde. Ze staat nu bij je "
            "stageplaats."
        )
    refused = f"We keurden de wijziging die je vroeg voor {proposal.site} niet goed. De reden:"
    return f"{refused}\n\n{proposal.reason}"


def site_opened(site: Site, user: User, reason: str, now: datetime) -> Mail | None:
    """The team reopened a closed site: tell its manager."""
    path = links.absolute_url(f"/stageplaatsen/details/?id={site.id}")
    return write("site_opened", user.email, now, site, user=user, site=site, reason=reason, link=path)


def site_closed(site: Site, user: User, reason: str, now: datetime) -> Mail | None:
    """The team closed a site: tell its manager."""
    path = links.absolute_url(f"/stageplaatsen/details/?id={site.id}")
    return write("site_closed", user.email, now, site, user=user, site=site, reason=reason, link=path)


def team_reminder(kind: str, sites: list[Site], now: datetime) -> Mail | None:
    """Applications that wait for the team: `kind` applications_due or applications_overdue."""
    link = links.absolute_url("/te-behandelen/")
    return write(kind, HOME["team"], now, sites=sites, today=local_date(now), link=link)
