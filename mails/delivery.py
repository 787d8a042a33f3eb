"""Delivering the outbox over SMTP. One sender at a time, known by a lock that dies with its process, so that whoever holds it
may treat a half-sent mail as left behind.

No mail is lost. A mail may be doubled only when something died between the server's answer to DATA and our commit, or when
the connection was cut there; the copy bears the same Message-ID. The states: `pending` waits for `next_at`, `claimed` is being
handed over, `data` may have arrived, then `sent`, `failed` (refused, or tried too often) or `uncertain` (tried too often, and
the last time it may have arrived)."""

import fcntl
import logging
import smtplib
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import psycopg

import config
from database import writing
from models import NOT_ARRIVED, Mail
from times import utcnow

log = logging.getLogger("kavo.mail")

RETRY_AFTER = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440)]
"""how long a mail waits after its first, second … try that came to nothing; after the last it has failed"""
ANSWER_SECONDS = 30
MOST_BROKEN_CONNECTIONS = 3
LATE = timedelta(minutes=15)
LOCK = 4_915_028  # any number: PostgreSQL's advisory lock for whoever sends


class Unreachable(Exception):
    """The mail server does not answer, or does not let us in: nothing was sent, every mail waits."""


def deliver(settings: config.Settings, clock: Callable[[], datetime] = utcnow) -> Counter | None:
    """Send every mail that is due; returns how many came to which state. None when another process is sending."""
    with _only_sender(settings.database_url) as still_ours:
        if still_ours is None:
            return None
        _take_up_orphans(clock())
        tally, post = Counter(), Post(settings)
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
    """Let every mail that waits leave now, also one that is held back; returns how many."""
    return Mail.update(next_at=now).where(Mail.state == "pending").execute()


def anything_due(now: datetime) -> bool:
    """Whether a sender would have something to do at `now` (UTC)."""
    return Mail.select().where(Mail.state << ("claimed", "data")).exists() or _due(now).exists()


def _due(now):
    return Mail.select().where(Mail.state == "pending", Mail.next_at <= now)


def trouble(now: datetime) -> int:
    """How many mails need a person: refused or uncertain and nobody did something about it, or waiting far too long."""
    stuck = (Mail.state == "pending") & (Mail.next_at < now - LATE)
    return Mail.select().where((Mail.state << NOT_ARRIVED) | stuck, Mail.handled_at.is_null()).count()


# ---- one sender at a time


@contextmanager
def _only_sender(database_url: str):
    """Yields a function that says whether the lock is still ours; None when another process holds it."""
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
        ours = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()[0]
        yield (lambda: bool(connection.execute("SELECT 1"))) if ours else None


def _take_up_orphans(now):
    """What a sender that died left half-done goes again, with the same Message-ID. Only for who holds the lock."""
    left = Mail.update(state="pending", next_at=now).where(Mail.state << ("claimed", "data")).execute()
    if left:
        log.warning("mails of a sender that died are taken up again", extra={"facts": {"mails": left}})


def _claim(now) -> Mail | None:
    """The mail that waits longest, marked as being sent; None when none is due."""
    while mail := _due(now).order_by(Mail.next_at, Mail.id).first():
        if _step(mail, "pending", "claimed", attempts=mail.attempts + 1):
            return mail
    return None


def _step(mail, before, after, **values) -> bool:
    """Commit a new state, if the mail still has the old one."""
    with writing():
        done = Mail.update(state=after, **values).where(Mail.id == mail.id, Mail.state == before).execute()
    if done:
        mail.state, mail.attempts = after, values.get("attempts", mail.attempts)
    return bool(done)


# ---- the conversation with the server


def message(mail: Mail, sender: str) -> EmailMessage:
    """A row of the outbox as the mail that leaves: plain text, and marked as written by a machine."""
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = mail.to_address
    made["Subject"] = mail.subject
    made["Date"] = format_datetime(mail.created_at.replace(tzinfo=UTC))
    made["Message-ID"] = mail.message_id
    made["Content-Language"] = "nl"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.body)
    return made


class Post:
    """A connection to the mail server of KAVO_SMTP_URL, kept open for several mails."""

    def __init__(self, settings: config.Settings):
        self.settings, self.smtp, self.broken = settings, None, 0

    def connect(self):
        """Be connected, with verified TLS and logged in as the URL asks. Raises Unreachable."""
        if self.smtp is not None:
            return
        server = self.settings.mail_server
        try:
            context = ssl.create_default_context()
            options = {"timeout": ANSWER_SECONDS, "local_hostname": self.settings.hosts[0]}
            if server.tls == "smtps":
                self.smtp = smtplib.SMTP_SSL(server.host, server.port, context=context, **options)
            else:
                self.smtp = smtplib.SMTP(server.host, server.port, **options)
            if server.tls == "starttls":
                self.smtp.starttls(context=context)
            self.smtp.ehlo_or_helo_if_needed()
            if server.user:
                self.smtp.login(server.user, server.password)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Unreachable(type(error).__name__) from error

    def close(self):
        """Say goodbye if somebody still listens."""
        smtp, self.smtp = self.smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (OSError, smtplib.SMTPException):
                smtp.close()

    def hand_over(self, mail: Mail, clock) -> str:
        """Send one claimed mail and commit what became of it; returns its new state. Only what the server says for good about
        this addressee or this text (5xx after RCPT or DATA) is a refusal."""
        try:
            content = message(mail, self.settings.mail_from).as_bytes()
            mail.to_address.encode("ascii")
        except (ValueError, UnicodeError, IndexError):
            return self._refused(mail, "Dit adres of onderwerp kan niet in een e-mail staan.")
        try:
            answer, about_sender = self.smtp.mail(self.settings.mail_from), True
            if answer[0] < 400:
                answer, about_sender = self.smtp.rcpt(mail.to_address), False
            if answer[0] < 400:
                _step(mail, "claimed", "data")
                answer = self.smtp.data(content)
        except (OSError, smtplib.SMTPException) as error:
            self.broken += 1
            self.smtp.close()
            self.smtp = None
            return self._later(mail, f"De verbinding brak ({type(error).__name__}).", clock())
        self.broken = 0
        code, text = answer[0], answer[1].decode("utf-8", "replace")[:300]
        if code < 400:
            _step(mail, mail.state, "sent", sent_at=clock(), error="")
            return "sent"
        self._reset()
        for_good = code >= 500 and not about_sender
        if not for_good:
            return self._later(mail, f"{code} {text}", clock())
        return self._refused(mail, f"{code} {text}", mailbox=mail.state == "claimed")

    def _reset(self):
        """Ready for the next mail; a server that hangs up now is connected to anew."""
        try:
            self.smtp.rset()
        except (OSError, smtplib.SMTPException):
            self.smtp = None

    def _refused(self, mail, why, mailbox=False):
        """`mailbox`: it was the addressee that the server refused, not the text."""
        _step(mail, mail.state, "failed", error=why, refused_mailbox=mailbox)
        return "failed"

    def _later(self, mail, why, now):
        """Try again after a while; too often is failed, or uncertain when it may have arrived the last time."""
        if mail.attempts > len(RETRY_AFTER):
            ended = "uncertain" if mail.state == "data" else "failed"
            _step(mail, mail.state, ended, error=why)
            return ended
        _step(mail, mail.state, "pending", error=why, next_at=now + RETRY_AFTER[mail.attempts - 1])
        return "pending"
