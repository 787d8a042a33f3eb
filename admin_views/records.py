"""Read-only screens of the tool's own records: mails, history, lookups."""

import re

import audit
import dutch
from admin_kit.actions import row_action
from admin_kit.base import AdminView
from admin_kit.cells import Cell
from admin_kit.lists import BY_FAMILY_NAME, in_this_order
from models import MAIL_STATES, NOT_ARRIVED
from workflow import letters

MARKS = {"pending": "busy", "claimed": "busy", "data": "busy", "sent": "good", "failed": "bad", "uncertain": "wait"}


class MailView(AdminView):
    kind, kinds = "e-mail", "e-mails"
    can_create = can_edit = show_history = False
    column_list = ("created_at", "to_address", "subject", "state", "sent_at")
    column_details_list = (*column_list, "next_at", "kind", "attempts", "error", "body")
    search_words = "Zoek op adres of onderwerp"
    column_searchable_list = ("search",)
    column_filters = ("state", "created_at")
    column_sortable_list = ("created_at", "to_address", "subject", ("state", ("state", "created_at")), "sent_at")
    column_order_words = {"state": in_this_order(MAIL_STATES[key] for key in sorted(MAIL_STATES))}
    column_default_sort = ("created_at", True)
    column_order_rest = ()
    column_tabs = "state"
    tab_words = {
        "waiting": ("Wacht", ["pending", "claimed", "data"]),
        "sent": ("Verstuurd", ["sent"]),
        "failed": ("Mislukt", list(NOT_ARRIVED)),
    }
    column_formatters = {
        "state": lambda view, context, mail, name: _state(mail),
        "body": lambda view, context, mail, name: re.sub(
            r"https?://\S+", "[link: alleen voor de ontvanger]", mail.body
        ),
    }

    @row_action("send_again", "Opnieuw versturen", when=lambda mail: mail.state not in ("claimed", "data"))
    def action_send_again(self, ids):
        return self.apply(letters.send_again, ids, "onderweg")

    @row_action("set_aside", "Is in orde", when=lambda mail: mail.state in NOT_ARRIVED and not mail.handled_at)
    def action_set_aside(self, ids):
        return self.apply(letters.set_aside, ids, "in orde: ze telt niet meer mee")

    empty_text = "Er zijn nog geen e-mails. Elke e-mail die de tool schrijft, staat hier met wat ermee gebeurde."


def _state(mail) -> Cell:
    """The state in words, with the reason for waiting or failing."""
    held = mail.state == "pending" and mail.attempts == 0 and (mail.next_at or mail.created_at) > mail.created_at
    why = f"vertrekt op {dutch.moment(mail.next_at)}" if held else mail.error
    return Cell(MAIL_STATES[mail.state], "in orde gebracht" if mail.handled_at else why, state=MARKS[mail.state])


class HistoryView(AdminView):
    kind, kinds = "regel", "regels"
    can_create = can_edit = can_view_details = False
    column_list = ("at", "sentence")
    column_labels = {"sentence": "Wat gebeurde er"}
    column_sortable_list = ("at", ("sentence", ("verb", "at")))
    column_order_words = {"sentence": ("per soort gebeurtenis", "per soort gebeurtenis, omgekeerd")}
    column_default_sort = ("at", True)
    column_filters = ("at", "actor")
    column_tabs = "verb"
    tab_words = {
        "exports": ("Exporteren en inkijken", ["list.exported"]),
        "rest": ("De rest", sorted(set(audit.SENTENCES) - {"list.exported"})),
    }
    column_formatters = {"sentence": lambda view, context, line, name: audit.sentence(line)}
    column_computed = {"sentence": (("verb", "payload"), audit.worded)}
    empty_text = "Er gebeurde nog niets. Elke wijziging komt hier als een zin."


class LookupView(AdminView):
    kind, kinds = "opzoeking", "opzoekingen"
    can_create = can_edit = can_view_details = False
    column_list = ("at", "user", "kavo_id", "found", "purpose")
    column_filters = ("at", "found", "user")
    search_words = "Zoek op KAVO-ID"
    column_searchable_list = ("search",)
    column_sortable_list = ("at", ("user", "user.search"), "kavo_id", "found", "purpose")
    column_order_words = {"user": BY_FAMILY_NAME}
    column_order_rest = ("at",)
    column_default_sort = ("at", True)
    empty_text = "Nog niemand zocht een deelnemer op met een KAVO-ID."
