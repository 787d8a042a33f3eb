"""The local mail catcher of `make run`: accepts every mail, forwards none, and shows them on its own page. It listens
to this machine only, and is never started in production. `python -m local.catcher PORT-FOR-MAILS PORT-FOR-THE-PAGE
FOLDER`"""

import email
import email.policy
import sys
from datetime import UTC
from itertools import count
from pathlib import Path

from aiosmtpd.controller import Controller
from flask import Flask, abort, render_template
from waitress import serve

import config
import dutch

SHOWN = 200
HERE = "127.0.0.1"
CONTENT_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


class Mailbox:
    """A folder with one file per received mail; the newest have the highest numbers."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.numbers = count(max((int(path.stem) for path in folder.glob("*.eml")), default=0) + 1)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the name that aiosmtpd calls
        (self.folder / f"{next(self.numbers)}.eml").write_bytes(envelope.content)
        return "250 caught"

    def newest(self) -> list[tuple[int, email.message.EmailMessage]]:
        """(number, mail) of the last received mails, the newest first."""
        numbers = sorted((int(path.stem) for path in self.folder.glob("*.eml")), reverse=True)
        return [(number, self.read(number)) for number in numbers[:SHOWN]]

    def read(self, number: int):
        """The mail with this number, or None."""
        path = self.folder / f"{number}.eml"
        return email.message_from_bytes(path.read_bytes(), policy=email.policy.default) if path.exists() else None


def sent_at(mail) -> str:
    """When a mail was sent, the Belgian way; '' when it does not say so."""
    date = mail["Date"].datetime if mail["Date"] else None
    return dutch.moment(date.astimezone(UTC).replace(tzinfo=None)) if date else ""


def make_page(box: Mailbox) -> Flask:
    """The page that shows the mails."""
    page = Flask("catcher", root_path=str(config.PROJECT))

    @page.get("/")
    def inbox():
        return render_template(
            "catcher/inbox.html", mails=[(number, mail, sent_at(mail)) for number, mail in box.newest()]
        )

    @page.get("/<int:number>")
    def mail(number):
        found = box.read(number) or abort(404)
        return render_template("catcher/mail.html", mail=found, at=sent_at(found), text=found.get_content())

    @page.after_request
    def protect(response):
        response.headers["Content-Security-Policy"] = CONTENT_POLICY
        return response

    return page


def main(mail_port: str, page_port: str, folder: str):
    box = Mailbox(Path(folder))
    Controller(box, hostname=HERE, port=int(mail_port)).start()
    serve(make_page(box), host=HERE, port=int(page_port), threads=2, ident=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
