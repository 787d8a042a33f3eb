"""Writing a mail: a row of the outbox, in the transaction of the change that causes it; and what becomes of those that wait.

The text is templates/mails/NAME.txt: the first line is the subject, an action link stands alone on its line."""

import re
import secrets
from datetime import datetime
from typing import Any

from blinker import Signal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import config
import dutch
from mails import links
from models import NOWHERE, Mail, policy

written = Signal()
"""Sent with the new Mail once its row is written; `tasks` listens, so that it leaves soon after the commit."""

_texts = Environment(  # noqa: S701 - plain text, not HTML
    loader=FileSystemLoader(config.PROJECT / "templates" / "mails"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_texts.globals.update(phone=config.TEAM_PHONE, address=config.TEAM_ADDRESS, policy=policy)
_texts.filters.update(day=dutch.day, moment=dutch.moment, span=dutch.span, status=lambda row, today: row.status(today))
HOME = {"team": "team@kavo.test"}


def set_up(settings: config.Settings):
    """Called once per process: where the team reads its mails."""
    HOME.update(team=settings.team_mail)


def render(kind: str, facts: dict) -> tuple[str, str]:
    """(subject, body) of a mail."""
    subject, _, body = _texts.get_template(f"{kind}.txt").render(**facts).partition("\n")
    return subject.strip(), re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"


def write(kind: str, to: str, now: datetime, about=None, leaves_at: datetime | None = None, **facts) -> Mail | None:
    """Put a mail in the outbox; `about` is the row that it is about, `leaves_at` (UTC) the moment until which it is held. None
    when there is no address to which it could go."""
    if not to or to.endswith(f"@{NOWHERE}"):
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
    """A copy of a mail that was sent, as a new one."""
    same = ("kind", "to_address", "subject", "body", "object_type", "object_id")
    return _post(now, now, **{name: getattr(mail, name) for name in same})


def _post(now: datetime, leaves_at: datetime, **columns: Any) -> Mail:
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
