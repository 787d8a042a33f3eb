"""One function per mail: each writes a row of the outbox, in the transaction of the change that causes it.

The text of a mail is templates/mails/NAME.txt: the first line is the subject, an action link stands alone on its line."""

import secrets
from datetime import datetime

from blinker import Signal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import config
import dutch
from people import User
from records import Mail

written = Signal()
"""Sent with the new Mail once its row is written; `tasks` listens, so that it leaves soon after the commit."""

_texts = Environment(  # noqa: S701 - plain text, not HTML
    loader=FileSystemLoader(config.PROJECT / "templates" / "mails"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_texts.globals.update(phone=config.TEAM_PHONE, address=config.TEAM_ADDRESS)
_texts.filters.update(day=dutch.day, moment=dutch.moment)
_home = {"base_url": "http://localhost:8000", "host": "localhost"}


def set_up(settings: config.Settings):
    """Called once by `create_app`: where links point to."""
    _home.update(base_url=settings.base_url, host=settings.hosts[0])


def link(path: str) -> str:
    """An address of ours in full, for use in a mail: link('/wachtwoord-kiezen/…')."""
    return _home["base_url"] + path


def _write(kind: str, to: str, now: datetime, **facts) -> Mail:
    subject, _, body = _texts.get_template(f"{kind}.txt").render(**facts).partition("\n")
    key = f"{kind}-{secrets.token_hex(12)}"
    mail = Mail.create(
        key=key, kind=kind, to_address=to, subject=subject.strip(), body=body.strip() + "\n",
        message_id=f"<{key}@{_home['host']}>", created_at=now, next_at=now,
    )  # fmt: skip
    written.send(mail)
    return mail


def choose_password(user: User, token: str, expires_at: datetime, now: datetime) -> Mail:
    """The team made an account: a single-use link to choose a password. Times in UTC."""
    return _write(
        "choose_password", user.email, now, user=user, link=link(f"/wachtwoord-kiezen/{token}"), expires_at=expires_at
    )


def reset_password(user: User, path: str, now: datetime) -> Mail:
    """'Wachtwoord vergeten?': a link to choose a new one; `path` is its page with us."""
    return _write("reset_password", user.email, now, user=user, link=link(path))


def password_changed(user: User, now: datetime) -> Mail:
    """The password was changed: tell the owner, who may not have done it."""
    return _write("password_changed", user.email, now, user=user, at=now)
