"""What the team does with a mail: send it again, or mark its failure as handled."""

from datetime import datetime

import audit
import mails
import scope
from database import RuleError, writing
from models import NOT_ARRIVED, Mail


def send_again(mail: Mail, by, now: datetime):
    """'Opnieuw versturen': a waiting mail leaves now; a failed or uncertain one is tried again under its own
    Message-ID; of a sent one a copy leaves. Raises RuleError while it is being sent."""
    scope.require(by, "send_again", mail)
    with writing():
        again = Mail.state << ("pending", *NOT_ARRIVED)
        changed = Mail.update(state="pending", attempts=0, error="", next_at=now, handled_at=None)
        if changed.where(Mail.id == mail.id, again).execute():
            mails.written.send(mail, at_once=True)
        elif Mail.get_by_id(mail.id).state == "sent":
            mails.send_again(mail, now)
        else:
            raise RuleError("Deze e-mail wordt net verstuurd.")
        audit.record(by, "mail.again", mail, at=now, name=mail)


def set_aside(mail: Mail, by, now: datetime):
    """Mark a mail that did not arrive as handled: it no longer counts as a problem."""
    scope.require(by, "set_aside", mail)
    with writing():
        if Mail.update(handled_at=now).where(Mail.id == mail.id, Mail.state << NOT_ARRIVED).execute():
            audit.record(by, "mail.set_aside", mail, at=now, name=mail)
