"""One function per mail: each writes a row of the outbox, in the transaction of the change that causes it.

The text of a mail is templates/mails/NAME.txt: the first line is the subject, an action link stands alone on its line."""

import re
import secrets
from datetime import datetime

from blinker import Signal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import config
import dutch
import links
from models import (
    APPLICATION,
    HANDOVER,
    NOWHERE,
    TRAJECTORY,
    Attest,
    Handover,
    LinkRequest,
    Mail,
    Proposal,
    Site,
    Trajectory,
    User,
    policy,
)
from times import local_date

written = Signal()
"""Sent with the new Mail once its row is written; `tasks` listens, so that it leaves soon after the commit."""

_texts = Environment(  # noqa: S701 - plain text, not HTML
    loader=FileSystemLoader(config.PROJECT / "templates" / "mails"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_texts.globals.update(phone=config.TEAM_PHONE, address=config.TEAM_ADDRESS, policy=policy)
_texts.filters.update(day=dutch.day, moment=dutch.moment, span=dutch.span, status=lambda row, today: row.status(today))
_home = {"team": "team@kavo.test"}


def set_up(settings: config.Settings):
    """Called once per process: where the team reads its mails."""
    _home.update(team=settings.team_mail)


def _text(kind: str, facts: dict) -> tuple[str, str]:
    """(subject, body) of a mail."""
    subject, _, body = _texts.get_template(f"{kind}.txt").render(**facts).partition("\n")
    return subject.strip(), re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"


def _write(kind: str, to: str, now: datetime, about=None, leaves_at: datetime | None = None, **facts) -> Mail | None:
    """Put a mail in the outbox; `about` is the row that it is about, `leaves_at` (UTC) the moment until which it is held. None
    when there is no address to which it could go."""
    if not to or to.endswith(f"@{NOWHERE}"):
        return None
    subject, body = _text(kind, facts)
    return _post(
        now, leaves_at or now, kind=kind, to_address=to, subject=subject[:200], body=body,
        object_type=about._meta.table_name if about else None, object_id=str(about.pk) if about else None,
    )  # fmt: skip


def send_again(mail: Mail, now: datetime) -> Mail:
    """A copy of a mail that was sent, as a new one."""
    same = ("kind", "to_address", "subject", "body", "object_type", "object_id")
    return _post(now, now, **{name: getattr(mail, name) for name in same})


def _post(now, leaves_at, **columns) -> Mail:
    """A row of the outbox under a Message-ID of its own, announced to who delivers."""
    key = f"{columns['kind']}-{secrets.token_hex(12)}"
    mail = Mail.create(key=key, message_id=f"<{key}@{links.host()}>", created_at=now, next_at=leaves_at, **columns)
    written.send(mail)
    return mail


def about(row):
    """The condition for mails about this row."""
    return (Mail.object_type == row._meta.table_name) & (Mail.object_id == str(row.pk))


def sent_since(kind: str, to: str, since: datetime) -> bool:
    """Whether a mail of this kind was written to this address after `since` (UTC): nobody's mailbox is filled by asking again."""
    return Mail.select().where(Mail.kind == kind, Mail.to_address == to, Mail.created_at > since).exists()


def unsend(row, *kinds: str) -> int:
    """Mails of these kinds (none given: of any) about a row that have not left yet do not leave any more; returns how many."""
    waiting = about(row) & (Mail.state == "pending")
    return Mail.delete().where(waiting & (Mail.kind << kinds) if kinds else waiting).execute()


def give_up(address: str, now: datetime, *rows):
    """Mails about these rows to an address that turned out wrong: what waits does not leave any more, and what became of the
    others is nobody's trouble, also of those that are on their way."""
    for row in rows:
        there = about(row) & (Mail.to_address == address)
        Mail.delete().where(there & (Mail.state == "pending")).execute()
        Mail.update(handled_at=now).where(there & (Mail.state != "sent")).execute()


# ---- accounts


def choose_password(user: User, token: str, expires_at: datetime, now: datetime) -> Mail:
    """The team made an account: a single-use link to choose a password. Times in UTC."""
    return _write(
        "choose_password",
        user.email,
        now,
        user=user,
        link=links.mailed(token),
        expires_at=expires_at,
    )


def reset_password(user: User, token: str, now: datetime) -> Mail:
    """'Wachtwoord vergeten?': a link to choose a new one."""
    return _write("reset_password", user.email, now, user=user, link=links.mailed(token))


def password_changed(user: User, now: datetime) -> Mail:
    """The password was changed: tell the owner, who may not have done it."""
    return _write("password_changed", user.email, now, user=user, at=now)


def second_step_changed(user: User, what: str, now: datetime) -> Mail | None:
    """Something changed in how one logs in: tell the owner, who may not have done it."""
    return _write("second_step_changed", user.email, now, user=user, what=what, at=now)


def address_known(user: User, path: str, now: datetime) -> Mail:
    """Somebody registered with an address that has an account: tell its owner, and nobody else. `path`: where to go on."""
    return _write("address_known", user.email, now, user=user, link=links.full(path))


def registration_waits(site: Site, user: User, now: datetime) -> Mail:
    """'Wachtwoord vergeten?' by somebody whose site is not approved yet: the link leads to the status page."""
    link = links.full(links.application(site, now))
    return _write("registration_waits", user.email, now, site, user=user, site=site, link=link)


# ---- an application and what follows

APPROVED, APPROVED_ACTIVATE, REJECTED = "site_approved", "site_approved_activate", "site_rejected"
DECISIONS = (APPROVED, APPROVED_ACTIVATE, REJECTED)
"""kinds of mail that tell a decision about a site"""


def application_received(site: Site, user: User, now: datetime) -> Mail:
    """The receipt of an application, with the link to its status page."""
    return _write(
        "application_received",
        user.email,
        now,
        site,
        user=user,
        site=site,
        link=links.full(links.application(site, now)),
    )


def site_approved(site: Site, user: User, token: str | None, now: datetime, leaves_at: datetime) -> Mail:
    """A site is approved; with a `token` the mail holds the link that completes the registration."""
    path = links.path(token) if token else "/stageplaatsen/?eigen=1"
    kind = APPROVED_ACTIVATE if token else APPROVED
    facts = {"user": user, "site": site, "status": site.status(local_date(now)), "link": links.full(path)}
    return _write(kind, user.email, now, site, leaves_at, **facts)


def site_rejected(site: Site, user: User, now: datetime, leaves_at: datetime) -> Mail:
    """A site is rejected, for the reason on its row; the link leads to 'Aanpassen en opnieuw indienen'."""
    path = links.full(links.application(site, now, "/aanpassen"))
    status = site.status(local_date(now))
    return _write(
        REJECTED, user.email, now, site, leaves_at, user=user, site=site, status=status, reason=site.reason, link=path
    )


def decision_previews(site: Site, user: User) -> dict[str, tuple[str, str]]:
    """(subject, text) of the mails that 'Goedkeuren' and 'Afkeuren' would send."""
    activate = user.password is not None and user.confirmed_at is None
    facts = {"user": user, "site": site, "reason": "[jouw reden]", "link": "[link]"}
    return {
        "approve": _text(
            APPROVED_ACTIVATE if activate else APPROVED, facts | {"status": APPLICATION.kinds["approved"]}
        ),
        "reject": _text(REJECTED, facts | {"status": APPLICATION.kinds["rejected"]}),
    }


def question(site: Site, user: User, text: str, now: datetime) -> Mail:
    """The team asks the applicant something; the link leads to the page on which to answer."""
    path = links.full(links.application(site, now))
    return _write("question", user.email, now, site, user=user, site=site, text=text, link=path)


def application_reopened(site: Site, user: User, reason: str, now: datetime) -> Mail:
    """The team looks at a decided application again."""
    path = links.full(links.application(site, now))
    return _write("application_reopened", user.email, now, site, user=user, site=site, reason=reason, link=path)


def application_withdrawn(site: Site, user: User, erased: bool, now: datetime) -> Mail:
    """An application was withdrawn; `erased`: the account went with it."""
    link = links.full("/registreren")
    return _write("application_withdrawn", user.email, now, site, user=user, site=site, erased=erased, link=link)


def activation(site: Site, user: User, token: str, expires_at: datetime, now: datetime) -> Mail:
    """A new link to complete the registration, since the first one was too old or went to a wrong address."""
    path = links.mailed(token)
    return _write("activation", user.email, now, site, user=user, site=site, link=path, expires_at=expires_at)


def proposal_decided(proposal: Proposal, now: datetime) -> Mail:
    """The team decided about a change of name, recognition or address."""
    path = links.full(f"/stageplaatsen/details/?id={proposal.site_id}")
    facts = {"proposal": proposal, "status": proposal.status(local_date(now)), "user": proposal.by, "link": path}
    return _write("proposal_decided", proposal.by.email, now, proposal.site, **facts)


def site_opened(site: Site, user: User, reason: str, now: datetime) -> Mail:
    """The team opened a closed site again: tell its manager."""
    path = links.full(f"/stageplaatsen/details/?id={site.id}")
    return _write("site_opened", user.email, now, site, user=user, site=site, reason=reason, link=path)


def site_closed(site: Site, user: User, reason: str, now: datetime) -> Mail:
    """The team closed a site: tell its manager."""
    path = links.full(f"/stageplaatsen/details/?id={site.id}")
    return _write("site_closed", user.email, now, site, user=user, site=site, reason=reason, link=path)


# ---- eID and addresses


def confirm_address(
    user: User, address: str, token: str, expires_at: datetime, now: datetime, site: Site | None = None
) -> Mail:
    """A link by which somebody shows that this address is the own one; `site`: what was asked for and waits for it."""
    path = links.mailed(token)
    return _write("confirm_address", address, now, user, user=user, site=site, link=path, expires_at=expires_at)


def same_person(owner: User, token: str, expires_at: datetime, now: datetime) -> Mail:
    """Somebody with eID gave the address of an account: if it was its owner, the two become one."""
    path = links.mailed(token)
    return _write("same_person", owner.email, now, owner, user=owner, link=path, expires_at=expires_at)


def address_changed(user: User, old: str, now: datetime) -> Mail:
    """Somebody has another address from now on: tell the old one, whose owner may not have done it."""
    return _write("address_changed", old, now, user, user=user, at=now, link=links.full("/hulp"))


def log_in_with_eid(user: User, now: datetime) -> Mail:
    """'Wachtwoord vergeten?' by somebody who logs in with eID: there is no password to choose."""
    return _write("log_in_with_eid", user.email, now, user=user, link=links.full("/aanmelden-met-eid"))


def eid_linked(user: User, now: datetime) -> Mail:
    """From now on this person logs in with eID."""
    return _write("eid_linked", user.email, now, user, user=user, link=links.full("/aanmelden-met-eid"))


def eid_renewed(user: User, now: datetime) -> Mail:
    """The team looked at an eID on which something had changed: its owner can log in with it again."""
    return _write("eid_renewed", user.email, now, user, user=user, link=links.full("/aanmelden-met-eid"))


def eid_not_linked(request: LinkRequest, now: datetime) -> Mail:
    """The team did not link an eID to this account, for the reason on the row. Who came with it may be somebody else."""
    kind = "eid_not_renewed" if request.kind in ("login", "two") else "eid_not_linked"
    return _write(
        kind, request.user.email, now, request.user,
        user=request.user, reason=request.reason, link=links.full("/hulp"),
    )  # fmt: skip


# ---- handovers

ASKING = ("handover_asked", "handover_reminder", "handover_offered")
"""kinds of mail that ask for a decision about a handover: senseless once it is there"""


def _handover(kind: str, to: User | str | None, handover: Handover, now: datetime, path: str, **facts) -> Mail | None:
    """A mail about a handover to one of its sides, or to an address."""
    if to is None:
        return None
    address, user = (to.email, to) if isinstance(to, User) else (to, None)
    known = {"user": user, "handover": handover, "status": handover.status(local_date(now)), "site": handover.site}
    facts = known | {"link": links.full(path)} | facts
    return _write(kind, address, now, handover, **facts)


def handover_asked(handover: Handover, token: str, moves: str, now: datetime) -> Mail:
    """Somebody wants to take the site over: the manager answers by a link, without login. `moves`: what goes along, in words."""
    return _handover("handover_asked", handover.asked, handover, now, links.path(token), moves=moves)


def handover_reminder(handover: Handover, token: str, now: datetime) -> Mail:
    """The manager did not answer yet."""
    return _handover("handover_reminder", handover.asked, handover, now, links.path(token))


def handover_received(handover: Handover, now: datetime) -> Mail:
    """The receipt for who asked."""
    return _handover("handover_received", handover.requester, handover, now, "/overdrachten/")


def handover_escalated(handover: Handover, now: datetime) -> Mail:
    """It lies with the team now: tell who asked."""
    return _handover("handover_escalated", handover.requester, handover, now, "/overdrachten/")


def handover_accepted(handover: Handover, now: datetime):
    """The site changed hands: tell both sides."""
    _handover("handover_taken", handover.requester, handover, now, "/stageplaatsen/?eigen=1")
    _handover("handover_given", handover.asked, handover, now, "/overdrachten/")


def handover_refused(handover: Handover, now: datetime):
    """The site stays where it is: tell the side that did not decide; both when the team did."""
    for user in (handover.requester, handover.asked):
        if user and user.id != handover.decided_by_id:
            _handover("handover_refused", user, handover, now, "/overdrachten/")


def handover_previews(handover: Handover, now: datetime) -> dict[str, tuple[str, str]]:
    """Title → (subject, text) of the mails that a decision of the team would send."""
    facts = {"site": handover.site, "link": "[link]"}
    given = {"asked": handover.asked, "requester": handover.requester, "decided_at": now}
    taker, giver = {"user": handover.requester}, {"user": handover.asked}
    status = HANDOVER.kinds["refused"]
    refused = {**facts, **taker, "status": status, "handover": {**given, "reason": "[jouw reden]"}}
    previews = {"De e-mail bij goedkeuren": _text("handover_taken", {**facts, **taker, "handover": given})}
    if handover.asked:
        previews["De e-mail bij goedkeuren aan wie doorgeeft"] = _text(
            "handover_given", {**facts, **giver, "handover": {**given, "reason": "[jouw reden]"}}
        )
    return {**previews, "De e-mail bij afkeuren": _text("handover_refused", refused)}


def handover_withdrawn(handover: Handover, now: datetime) -> Mail:
    """No answer is needed any more."""
    to = handover.email if handover.offered else handover.asked
    return _handover("handover_withdrawn", to, handover, now, "/")


def handover_ended(handover: Handover, now: datetime) -> Mail:
    """It ended without a decision, for the reason on the row: tell who asked or offered."""
    side = handover.asked if handover.offered else handover.requester
    return _handover("handover_ended", side, handover, now, "/overdrachten/")


def handover_offered(handover: Handover, token: str, moves: str, now: datetime) -> Mail:
    """A manager names a successor."""
    return _handover("handover_offered", handover.email, handover, now, links.path(token), moves=moves)


# ---- attests


def attest_released(attest: Attest, now: datetime) -> Mail | None:
    """The attest is there: a link by which the participant takes it, without login. None when no address is known."""
    return _write(
        "attest_released",
        attest.participant.email,
        now,
        attest,
        attest=attest,
        link=links.full(links.attest(attest, now)),
    )


def trajectory_reopened(trajectory: Trajectory, reason: str, revoked: bool, now: datetime) -> Mail | None:
    """The team took a final evaluation back: tell the association."""
    association, who = trajectory.association, trajectory.participant
    path = links.full(f"/trajecten/details/?id={trajectory.id}")
    return _write(
        "trajectory_reopened", association.email, now, trajectory, association=association, reason=reason, link=path,
        name=f"{who.call_name} ({who.kavo_id})", revoked=revoked,
    )  # fmt: skip


# ---- what the clock writes


def team_reminder(kind: str, sites: list[Site], now: datetime) -> Mail:
    """Applications that wait for the team: `kind` applications_due or applications_overdue."""
    link = links.full("/te-behandelen/")
    return _write(kind, _home["team"], now, sites=sites, today=local_date(now), link=link)


def team_week(seal: str, refused: list, now: datetime) -> Mail:
    """Once a week, for the team to keep: the last seal on the history; and what was refused most often (`refusals.Frequent`)."""
    return _write("team_week", _home["team"], now, seal=seal, refused=refused, link=links.full("/wat-er-misloopt/"))


def activation_reminder(site: Site | None, user: User, token: str, expires_at: datetime, now: datetime) -> Mail:
    """The registration is not completed yet."""
    path = links.mailed(token)
    return _write("activation_reminder", user.email, now, user, user=user, site=site, link=path, expires_at=expires_at)


NAMING_PARTICIPANTS = ("evaluate_reminder", "news_site")
"""kinds of mail to an account that name participants"""


def evaluate_reminder(user: User, lines: list[str], again: bool, now: datetime) -> Mail:
    """Stages that should be over wait for an evaluation by their site's manager; `lines`: one in words each."""
    link = links.full("/gekoppelde-deelnemers/")
    return _write("evaluate_reminder", user.email, now, user, user=user, lines=lines, again=again, link=link)


def association_reminder(kind: str, association, lines: list[str], now: datetime) -> Mail:
    """What an association should know of its participants: `kind` evaluate_association, trajectory_first, trajectory_second,
    trajectory_ended or news_association."""
    expired = TRAJECTORY.kinds["expired"]
    tab = expired.key if kind == "trajectory_ended" else "open"
    path = f"/trajecten/?tab={tab}&sort=ends_on" if kind.startswith("trajectory") else "/gekoppelde-deelnemers/"
    facts = {"association": association, "lines": lines, "expired": expired.words, "link": links.full(path)}
    return _write(kind, association.email, now, association, **facts)


def news_for_manager(user: User, lines: list[str], now: datetime) -> Mail:
    """What others did with the participants at somebody's sites; `lines`: one in words each."""
    link = links.full("/gekoppelde-deelnemers/")
    return _write("news_site", user.email, now, user, user=user, lines=lines, link=link)


def turned_18(user: User, now: datetime) -> Mail:
    """From now on this person logs in with eID."""
    return _write("turned_18", user.email, now, user, user=user, link=links.full("/aanmelden"))
