"""Delivering the outbox over SMTP. There is one sender at a time; it holds a lock that dies with its process, so its holder may
treat half-sent mails as abandoned.

No mail is lost. A mail is sent twice only when a process died, or the connection broke, between the server's answer to DATA and
our commit; the copy has the same Message-ID. The states: `pending` waits for `next_at`, `claimed` is being sent, `data` may have
arrived, then `sent`, `failed` (refused, or tried too often) or `uncertain` (tried too often, and the last try may have
arrived)."""

import fcntl
import logging
import smtplib
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

import psycopg
from peewee import ModelSelect

import config
from database import writing
from models import NOT_ARRIVED, Mail
from times import utcnow

log = logging.getLogger("kavo.mail")

RETRY_AFTER = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440)]
"""how long a mail waits after its first, second … failed attempt; after the last it has failed for good"""
ANSWER_SECONDS = 30
MOST_BROKEN_CONNECTIONS = 3
LATE = timedelta(minutes=15)
LOCK = 4_915_028  # an arbitrary number: PostgreSQL's advisory lock for the sender


class Unreachable(Exception):
    """The mail server does not answer or refuses our log-in: nothing was sent, every mail waits."""


def deliver(settings: config.Settings, clock: Callable[[], datetime] = utcnow) -> Counter[str] | None:
    """Send every mail that is due; returns how many mails reached each state. None when another process is sending."""
    with _only_sender(settings.database_url) as still_ours:
        if still_ours is None:
            return None
        _take_up_orphans(clock())
        tally: Counter[str] = Counter()
        post = SmtpConnection(settings)
        try:
            while still_ours() and post.broken < MOST_BROKEN_CONNECTIONS:
                post.connect()
                mail = _claim(clock())
                if mail is None:
                    break
                tally[post.hand_over(mail, clock)] += 1
        except Unreachable as error:
            log.warning("the mail server cannot be reached: %s", error)
        finally:
            post.close()
    if tally:
        log.info("mails delivered", extra={"facts": dict(tally)})
    return tally


def release(now: datetime) -> int:
    """Let every waiting mail leave now, including those held back; returns how many."""
    return Mail.update(next_at=now).where(Mail.state == "pending").execute()


def anything_due(now: datetime) -> bool:
    """Whether there is anything to send at `now` (UTC)."""
    return Mail.select().where(Mail.state << ("claimed", "data")).exists() or _due(now).exists()


def _due(now: datetime) -> "ModelSelect[Mail]":
    return Mail.select().where(Mail.state == "pending", Mail.next_at <= now)


def trouble(now: datetime) -> int:
    """How many mails need attention: refused or uncertain and not dealt with yet, or waiting far too long."""
    stuck = (Mail.state == "pending") & (Mail.next_at < now - LATE)
    return Mail.select().where((Mail.state << NOT_ARRIVED) | stuck, Mail.handled_at.is_null()).count()


# ---- one sender at a time


@contextmanager
def _only_sender(database_url: str) -> Iterator[Callable[[], bool] | None]:
    """Yields a function that tells whether we still hold the lock; None when another process holds it."""
    if database_url.startswith("sqlite:"):
        with open(database_url.removeprefix("sqlite:///") + ".sender", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield lambda: True
        return
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        yield (lambda: bool(connection.execute("SELECT 1"))) if row and row[0] else None


def _take_up_orphans(now: datetime) -> None:
    """Requeue mails that a sender left half-sent when it died, with the same Message-ID. Only for the holder of the lock."""
    requeued = Mail.update(state="pending", next_at=now).where(Mail.state << ("claimed", "data")).execute()
    if requeued:
        log.warning("mails of a sender that died are taken up again", extra={"facts": {"mails": requeued}})


def _claim(now: datetime) -> Mail | None:
    """The mail that has waited longest, marked as being sent; None when no mail is due."""
    while mail := _due(now).order_by(Mail.next_at, Mail.id).first():
        if _step(mail, "pending", "claimed", attempts=mail.attempts + 1):
            return mail
    return None


def _step(mail: Mail, before: str, after: str, **values: Any) -> bool:
    """Commit a new state, if the mail still has the old state."""
    with writing():
        done = Mail.update(state=after, **values).where(Mail.id == mail.id, Mail.state == before).execute()
    if done:
        mail.state, mail.attempts = after, values.get("attempts", mail.attempts)
    return bool(done)


# ---- the conversation with the server


def message(mail: Mail, sender: str) -> EmailMessage:
    """A row of the outbox as an e-mail in plain text, marked as automatic."""
    email = EmailMessage(policy=SMTP)
    email["From"] = sender
    email["To"] = mail.to_address
    email["Subject"] = mail.subject
    email["Date"] = format_datetime(mail.created_at.replace(tzinfo=UTC))
    email["Message-ID"] = mail.message_id
    email["Content-Language"] = "nl"
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(mail.body)
    return email


class SmtpConnection:
    """A connection to the mail server of KAVO_SMTP_URL, kept open for several mails."""

    def __init__(self, settings: config.Settings):
        self.settings = settings
        self.smtp: smtplib.SMTP | None = None
        self.broken = 0
        """how many connections broke in a row"""

    def connect(self) -> None:
        """Connect unless already connected: with verified TLS, and logged in as the URL asks. Raises Unreachable."""
        if self.smtp is not None:
            return
        server = self.settings.mail_server
        try:
            context = ssl.create_default_context()
            name = self.settings.hosts[0]
            if server.tls == "smtps":
                smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                    server.host, server.port, local_hostname=name, timeout=ANSWER_SECONDS, context=context
                )
            else:
                smtp = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=ANSWER_SECONDS)
            self.smtp = smtp
            if server.tls == "starttls":
                smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
            if server.user:
                smtp.login(server.user, server.password)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Unreachable(type(error).__name__) from error

    def close(self) -> None:
        """End the connection, politely if the server still listens."""
        smtp, self.smtp = self.smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (OSError, smtplib.SMTPException):
                smtp.close()

    def hand_over(self, mail: Mail, clock: Callable[[], datetime]) -> str:
        """Send one claimed mail and commit the outcome; returns its new state. Only a permanent error about this recipient or
        text (5xx after RCPT or DATA) is a refusal. Raises Unreachable when not connected."""
        smtp = self.smtp
        if smtp is None:
            raise Unreachable("not connected")
        try:
            content = message(mail, self.settings.mail_from).as_bytes()
            mail.to_address.encode("ascii")
        except (ValueError, UnicodeError, IndexError):
            return self._refused(mail, "Dit adres of onderwerp kan niet in een e-mail staan.")
        try:
            answer, about_sender = smtp.mail(self.settings.mail_from), True
            if answer[0] < 400:
                answer, about_sender = smtp.rcpt(mail.to_address), False
            if answer[0] < 400:
                _step(mail, "claimed", "data")
                answer = smtp.data(content)
        except (OSError, smtplib.SMTPException) as error:
            self.broken += 1
            smtp.close()
            self.smtp = None
            return self._later(mail, f"De verbinding brak ({type(error).__name__}).", clock())
        self.broken = 0
        code, text = answer[0], answer[1].decode("utf-8", "replace")[:300]
        if code < 400:
            _step(mail, mail.state, "sent", sent_at=clock(), error="")
            return "sent"
        self._reset(smtp)
        for_good = code >= 500 and not about_sender
        if not for_good:
            return self._later(mail, f"{code} {text}", clock())
        return self._refused(mail, f"{code} {text}", mailbox=mail.state == "claimed")

    def _reset(self, smtp: smtplib.SMTP) -> None:
        """Get ready for the next mail; when the server hangs up now, `connect` reconnects."""
        try:
            smtp.rset()
        except (OSError, smtplib.SMTPException):
            self.smtp = None

    def _refused(self, mail: Mail, reason: str, mailbox: bool = False) -> str:
        """`mailbox`: the server refused the recipient, not the text."""
        _step(mail, mail.state, "failed", error=reason, refused_mailbox=mailbox)
        return "failed"

    def _later(self, mail: Mail, reason: str, now: datetime) -> str:
        """Try again after a while; after too many tries the mail has failed, or is uncertain when the last may have arrived."""
        if mail.attempts > len(RETRY_AFTER):
            ended = "uncertain" if mail.state == "data" else "failed"
            _step(mail, mail.state, ended, error=reason)
            return ended
        _step(mail, mail.state, "pending", error=reason, next_at=now + RETRY_AFTER[mail.attempts - 1])
        return "pending"
