"""One function per mail: each writes a row of the outbox, in the transaction of the change that causes it.

The text of a mail is templates/mails/NAME.txt: the first line is the subject, an action link stands alone on its line."""

import secrets
from datetime import datetime

from blinker import Signal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import config
import dutch
import links
from people import User
from places import APPROVAL_DAYS, Proposal, Site
from records import Mail

written = Signal()
"""Sent with the new Mail once its row is written; `tasks` listens, so that it leaves soon after the commit."""

_texts = Environment(  # noqa: S701 - plain text, not HTML
    loader=FileSystemLoader(config.PROJECT / "templates" / "mails"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_texts.globals.update(phone=config.TEAM_PHONE, address=config.TEAM_ADDRESS, approval_days=APPROVAL_DAYS)
_texts.filters.update(day=dutch.day, moment=dutch.moment)


def _text(kind: str, facts: dict) -> tuple[str, str]:
    """(subject, body) of a mail."""
    subject, _, body = _texts.get_template(f"{kind}.txt").render(**facts).partition("\n")
    return subject.strip(), body.strip() + "\n"


def _write(kind: str, to: str, now: datetime, about=None, leaves_at: datetime | None = None, **facts) -> Mail:
    """Put a mail in the outbox; `about` is the row that it is about, `leaves_at` (UTC) the moment until which it is held."""
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


# ---- accounts


def choose_password(user: User, token: str, expires_at: datetime, now: datetime) -> Mail:
    """The team made an account: a single-use link to choose a password. Times in UTC."""
    return _write(
        "choose_password",
        user.email,
        now,
        user=user,
        link=links.full(f"/wachtwoord-kiezen/{token}"),
        expires_at=expires_at,
    )


def reset_password(user: User, path: str, now: datetime) -> Mail:
    """'Wachtwoord vergeten?': a link to choose a new one; `path` is its page with us."""
    return _write("reset_password", user.email, now, user=user, link=links.full(path))


def password_changed(user: User, now: datetime) -> Mail:
    """The password was changed: tell the owner, who may not have done it."""
    return _write("password_changed", user.email, now, user=user, at=now)


def address_known(user: User, path: str, now: datetime) -> Mail:
    """Somebody registered with an address that has an account: tell its owner, and nobody else. `path`: where to go on."""
    return _write("address_known", user.email, now, user=user, link=links.full(path))


# ---- an application and what follows

APPROVED, APPROVED_ACTIVATE, REJECTED = "site_approved", "site_approved_activate", "site_rejected"
DECISIONS = (APPROVED, APPROVED_ACTIVATE, REJECTED)
"""kinds of mail that tell a decision about a site"""


def application_received(site: Site, user: User, now: datetime) -> Mail:
    """The receipt of an application, with the link to its status page."""
    return _write(
        "application_received", user.email, now, site, user=user, site=site, link=links.full(links.application(site))
    )


def site_approved(site: Site, user: User, token: str | None, now: datetime, leaves_at: datetime) -> Mail:
    """A site is approved; with a `token` the mail holds the link that completes the registration."""
    path = f"/registratie-voltooien/{token}" if token else "/stageplaatsen/?eigen=1"
    kind = APPROVED_ACTIVATE if token else APPROVED
    return _write(kind, user.email, now, site, leaves_at, user=user, site=site, link=links.full(path))


def site_rejected(site: Site, user: User, now: datetime, leaves_at: datetime) -> Mail:
    """A site is rejected, for the reason on its row; the link leads to 'Aanpassen en opnieuw indienen'."""
    path = links.full(links.application(site, "/aanpassen"))
    return _write(REJECTED, user.email, now, site, leaves_at, user=user, site=site, reason=site.reason, link=path)


def decision_previews(site: Site, user: User) -> dict[str, tuple[str, str]]:
    """(subject, text) of the mails that 'Goedkeuren' and 'Afkeuren' would send."""
    activate = user.password is not None and user.confirmed_at is None
    facts = {"user": user, "site": site, "reason": "[jouw reden]"}
    return {
        "approve": _text(APPROVED_ACTIVATE if activate else APPROVED, {**facts, "link": "[link]"}),
        "reject": _text(REJECTED, {**facts, "link": "[link]"}),
    }


def question(site: Site, user: User, text: str, now: datetime) -> Mail:
    """The team asks the applicant something; the link leads to the page on which to answer."""
    path = links.full(links.application(site))
    return _write("question", user.email, now, site, user=user, site=site, text=text, link=path)


def application_reopened(site: Site, user: User, reason: str, now: datetime) -> Mail:
    """The team looks at a decided application again."""
    path = links.full(links.application(site))
    return _write("application_reopened", user.email, now, site, user=user, site=site, reason=reason, link=path)


def application_withdrawn(site: Site, user: User, erased: bool, now: datetime) -> Mail:
    """An application was withdrawn; `erased`: the account went with it."""
    link = links.full("/registreren")
    return _write("application_withdrawn", user.email, now, site, user=user, site=site, erased=erased, link=link)


def activation(site: Site, user: User, token: str, expires_at: datetime, now: datetime) -> Mail:
    """A new link to complete the registration, since the first one was too old or went to a wrong address."""
    path = links.full(f"/registratie-voltooien/{token}")
    return _write("activation", user.email, now, site, user=user, site=site, link=path, expires_at=expires_at)


def proposal_decided(proposal: Proposal, now: datetime) -> Mail:
    """The team decided about a change of name, recognition or address."""
    path = links.full(f"/stageplaatsen/details/?id={proposal.site_id}")
    return _write(
        "proposal_decided", proposal.by.email, now, proposal.site, proposal=proposal, user=proposal.by, link=path
    )


def site_opened(site: Site, user: User, reason: str, now: datetime) -> Mail:
    """The team opened a closed site again: tell its manager."""
    path = links.full(f"/stageplaatsen/details/?id={site.id}")
    return _write("site_opened", user.email, now, site, user=user, site=site, reason=reason, link=path)


def site_closed(site: Site, user: User, reason: str, now: datetime) -> Mail:
    """The team closed a site: tell its manager."""
    path = links.full(f"/stageplaatsen/details/?id={site.id}")
    return _write("site_closed", user.email, now, site, user=user, site=site, reason=reason, link=path)
