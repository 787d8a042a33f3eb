"""Writing mails to the outbox, in the transaction of the change that causes them, and withdrawing those not sent yet.

The text is templates/mails/NAME.txt: the first line is the subject, and an action link has a line of its own."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from blinker import Signal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from peewee import Expression

import config
import dutch
from mails import links
from models import Mail, is_placeholder, policy

written = Signal()
"""Signal sent with each new Mail; `tasks` listens, so that the mail leaves soon after the commit."""

_texts = Environment(  # noqa: S701 - plain text, not HTML
    loader=FileSystemLoader(config.PROJECT / "templates" / "mails"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_texts.globals.update(phone=config.TEAM_PHONE, address=config.TEAM_ADDRESS, policy=policy)
_texts.filters.update(
    day=dutch.day,
    moment=dutch.moment,
    span=dutch.span,
    form_of=dutch.form_of,
    status=lambda row, today: row.status(today),
)
HOME = {"team": "team@kavo.test"}
"""the address of the team, from the settings"""


def set_up(settings: config.Settings) -> None:
    """Called once per process: set the address of the team."""
    HOME.update(team=settings.team_mail)


def render(kind: str, facts: dict[str, Any]) -> tuple[str, str]:
    """(subject, body) of a mail."""
    subject, _, body = _texts.get_template(f"{kind}.txt").render(**facts).partition("\n")
    return subject.strip(), re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"


def write(
    kind: str, to: str, now: datetime, about: Any = None, leaves_at: datetime | None = None, **facts: Any
) -> Mail | None:
    """Put a mail in the outbox; `about`: the row that it concerns; `leaves_at` (UTC): until when it is held back. None when
    `to` is empty or a stand-in for an address."""
    if not to or is_placeholder(to):
        return None
    subject, body = render(kind, facts)
    return _post(
        now,
        leaves_at or now,
        kind=kind,
        to_address=to,
        subject=subject[:200],
        body=body,
        object_type=about._meta.table_name if about else None,
        object_id=str(about.pk) if about else None,
    )


def send_again(mail: Mail, now: datetime) -> Mail:
    """Send a copy of a mail, as a new mail."""
    copied = ("kind", "to_address", "subject", "body", "object_type", "object_id")
    return _post(now, now, **{name: getattr(mail, name) for name in copied})


def _post(now: datetime, leaves_at: datetime, **columns: Any) -> Mail:
    """Write a row of the outbox with its own Message-ID, and announce it for delivery."""
    key = f"{columns['kind']}-{secrets.token_hex(12)}"
    mail = Mail.create(key=key, message_id=f"<{key}@{links.host()}>", created_at=now, next_at=leaves_at, **columns)
    written.send(mail)
    return mail


def about(row: Any) -> Expression:
    """The condition for mails about this row."""
    return (Mail.object_type == row._meta.table_name) & (Mail.object_id == str(row.pk))


NOT_TWICE_WITHIN = timedelta(minutes=1)
"""for a mail that a button sends again: a double click sends one"""


def sent_since(kind: str, to: str, since: datetime) -> bool:
    """Whether a mail of this kind was written to this address after `since` (UTC): repeated requests must not flood a mailbox."""
    return Mail.select().where(Mail.kind == kind, Mail.to_address == to, Mail.created_at > since).exists()


def unsend(row: Any, *kinds: str) -> int:
    """Withdraw the mails of these kinds (none given: of any kind) about a row that have not left yet; returns how many."""
    waiting = about(row) & (Mail.state == "pending")
    return Mail.delete().where(waiting & (Mail.kind << kinds) if kinds else waiting).execute()


def give_up(address: str, now: datetime, *rows: Any) -> None:
    """Withdraw mails about these rows to an address that turned out to be wrong; those already sent, or being sent, need nobody's
    attention any more."""
    for row in rows:
        mails = about(row) & (Mail.to_address == address)
        Mail.delete().where(mails & (Mail.state == "pending")).execute()
        Mail.update(handled_at=now).where(mails & (Mail.state != "sent")).execute()
