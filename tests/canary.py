"""Detects what must never be in a log, a mail, a URL or an export: a national number, a password, a token or a hash. It listens
to every test of the suite (see `conftest`)."""

import logging
import re

from flask import request, request_finished
from stdnum.be import bis, nn

from database import database
from models import Mail
from operations.logs import JsonLines
from tests import factories as make

ELEVEN = re.compile(r"(?<!\d)\d{11}(?!\d)|(?<!\d)\d\d[. ]\d\d[. ]\d\d[- ]\d{3}[. ]\d\d(?!\d)")
HASH = re.compile(r"\$argon2|\bscrypt:|(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
TOKEN = re.compile(
    r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)(?:[\w-]{43}|[A-Za-z0-9]{22})(?![\w-])"
)  # of sessions and drafts: secrets.token_urlsafe(32); of links
LOGGERS = "kavo", "werkzeug", "flask", "flask_security", "huey", "authlib", "sentry_sdk"
KEYS = ("s" * 40, "l" * 40)


def secrets_in(text: str, tokens: bool = True) -> list[str]:
    """The secrets in a text; `tokens`: include single-use links."""
    found = [number[0] for number in ELEVEN.finditer(text) if nn.is_valid(number[0]) or bis.is_valid(number[0])]
    found += HASH.findall(text)
    found += [word for word in (make.WORD, *KEYS) if word in text]
    return found + (TOKEN.findall(text) if tokens else [])


class Canary(logging.Handler):
    """Listens to one test."""

    def __init__(self):
        super().__init__()
        self.setFormatter(JsonLines())
        self.found, self.heard = [], 0

    def __enter__(self):
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self)
        request_finished.connect(self.answered)
        return self

    def __exit__(self, *trouble):
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(self)
        request_finished.disconnect(self.answered)

    def note(self, where: str, text: str, tokens: bool = True):
        self.heard += 1
        self.found += [(where, secret, text[:300]) for secret in secrets_in(text, tokens)]

    def emit(self, record):
        self.note("log", self.format(record))

    def answered(self, sender, response, **extra):
        self.note("address", request.path + " " + request.query_string.decode("latin-1"), tokens=False)
        if "Location" in response.headers:
            self.note("address", response.headers["Location"], tokens=False)
        if (
            response.headers.get("Content-Disposition", "").startswith("attachment")
            and response.mimetype != "application/pdf"
        ):
            response.response = self._listening(response.response)

    def _listening(self, pieces):
        for piece in pieces:
            self.note("export", piece if isinstance(piece, str) else piece.decode("utf-8", "replace"))
            yield piece

    def read_mails(self):
        """The mails that the test wrote; single-use links are allowed there."""
        if database.is_closed() or not database.table_exists("mail"):
            return
        for subject, body in Mail.select(Mail.subject, Mail.body).tuples():
            self.note("mail", subject, tokens=True)
            self.note("mail", body, tokens=False)
