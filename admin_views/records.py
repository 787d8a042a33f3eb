"""Read-only screens of what the tool keeps about its own work: mails, history, lookups."""

import re

import audit
from admin_views.base import AdminView
from admin_views.cells import Cell
from records import MAIL_STATES

MARKS = {"pending": "busy", "claimed": "busy", "data": "busy", "sent": "good", "failed": "bad", "uncertain": "wait"}


class MailView(AdminView):
    kind, kinds = "mail", "mails"
    can_create = can_edit = show_history = False
    column_list = ("created_at", "to_address", "subject", "state", "sent_at")
    column_details_list = (*column_list, "kind", "attempts", "error", "body")
    column_labels = {"body": "Tekst"}
    search_words = "Zoek op adres of onderwerp"
    column_searchable_list = ("to_address", "subject")
    column_filters = ("state", "created_at")
    column_default_sort = ("created_at", True)
    column_tabs = "state"
    tab_words = {
        "waiting": ("Wacht", ["pending", "claimed", "data"]),
        "sent": ("Verstuurd", ["sent"]),
        "failed": ("Mislukt", ["failed", "uncertain"]),
    }
    column_formatters = {
        "state": lambda view, context, mail, name: Cell(MAIL_STATES[mail.state], state=MARKS[mail.state]),
        "body": lambda view, context, mail, name: re.sub(
            r"https?://\S+", "[link: alleen voor de ontvanger]", mail.body
        ),
    }
    empty_text = "Er zijn nog geen mails. Elke mail die de tool schrijft, staat hier met wat ermee gebeurde."


class HistoryView(AdminView):
    kind, kinds = "regel", "regels"
    can_create = can_edit = can_view_details = False
    column_list = ("at", "sentence", "actor")
    column_labels = {"sentence": "Wat gebeurde er"}
    column_sortable_list = ("at",)
    column_default_sort = ("at", True)
    column_filters = ("at", "actor")
    column_formatters = {"sentence": lambda view, context, line, name: audit.sentence(line)}
    column_formatters_export = column_formatters
    empty_text = "Er gebeurde nog niets. Elke wijziging komt hier als een zin."


class LookupView(AdminView):
    kind, kinds = "opzoeking", "opzoekingen"
    can_create = can_edit = can_view_details = False
    column_list = ("at", "user", "kavo_id", "found", "purpose")
    column_filters = ("at", "found", "user")
    search_words = "Zoek op KAVO-ID"
    column_searchable_list = ("kavo_id",)
    column_default_sort = ("at", True)
    empty_text = "Nog niemand zocht een deelnemer op met een KAVO-ID."
