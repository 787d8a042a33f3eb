"""'Wat er misloopt', for the team: which rule refuses most often, at which field of which page. Never what somebody
typed."""

import sys
from collections.abc import Iterable
from datetime import timedelta
from functools import cache

from flask import Response, current_app, request, url_for
from flask_admin import BaseView, expose

import audit
from admin_kit import exports
from admin_kit.access import ForRoles
from admin_kit.cells import line
from database import normalise
from database.texts import tidy
from dutch import counted, number
from forms import KavoForm
from times import local_date, utcnow
from workflow import refusals

PERIODS = {days: f"{days} dagen" for days in (7, 30, 90)} | {365: "een jaar"}
ORDINARY = 90
MOST = 200  # on the page; the file has them all
OTHERWISE = {
    "kavo": "KAVO-ID",
    "email": "E-mailadres",
    "new_password": "Nieuw wachtwoord",
    "new_password_confirm": "Nieuw wachtwoord herhalen",
}
"""fields without a label in our forms"""
TITLES = ("Pagina", "Veld", "Wat de tool zei", "Hoe vaak", "Laatst op")
DOES = {
    "create_view": "toevoegen",
    "edit_view": "wijzigen",
    "action_view": "actie in de lijst",
    "participants": "deelnemers",
    "evaluate": "beoordelen",
    "cancel": "annuleren",
    "final": "eindevaluatie",
    "extend_all": "verlengen",
}
PAGES = {
    "account.choose_password": "Wachtwoord kiezen",
    "account.own_data": "Mijn gegevens",
    "application.decide": "Aanvraag beslissen",
    **dict.fromkeys((f"application.{act}" for act in ("ask", "note", "address", "reopen")), "Aanvraag behandelen"),
    "application.proposal": "Wijziging van een stageplaats beslissen",
    "attest.check": "Attest nakijken",
    "eid.new_site": "Nieuwe stageplaats met eID",
    "eid.back": "Aanmelden met eID",
    "link_request.show": "eID koppelen",
    "bulk.couple": "Meerdere deelnemers tegelijk",
    "bulk.evaluate": "Samen beoordelen",
    "registration.answer": "Antwoorden op een vraag",
    "registration.complete": "Registratie voltooien",
    "registration.further_site": "Een nieuwe stageplaats aanmaken",
    "registration.submit_again": "Aanpassen en opnieuw indienen",
    "mailed_links.new_link": "Nieuwe link vragen",
    "registration.withdraw": "Aanvraag intrekken",
    "registration.young": "Registreren voor jongeren -18",
    "saved_view.keep": "Weergave bewaren",
    "second_step.app": "App met codes",
    "security.change_password": "Wachtwoord wijzigen",
    "security.forgot_password": "Wachtwoord vergeten?",
    "security.login": "Aanmelden zonder eID",
    "security.mf_recovery": "Noodcode",
    "security.reset_password": "Nieuw wachtwoord kiezen",
    "security.two_factor_token_validation": "Code van de app",
    "security.verify": "Ben jij het?",
    "site_change.close": "Stageplaats sluiten",
    "site_change.propose": "Naam of adres wijzigen",
    "site_change.successor": "Opvolger aanduiden",
    "take_over.answer": "Overdracht beantwoorden",
    "take_over.ask": "Beheer overnemen",
    "take_over.offer": "Opvolger worden",
    refusals.IMPORT: "Regel van een ingelezen bestand",
}
"""pages outside the lists → the team's name for them"""


NOT_FOUND = "Niets gevonden", "Zoek met minder woorden, of kijk verder terug."
NO_REFUSALS = (
    "Er liep niets mis",
    "De tool weigerde niets in deze periode. Wat ze weigert, komt hier, het vaakste bovenaan.",
)
"""title and text of the page without a line"""


class RefusalsView(ForRoles, BaseView):
    @expose("/")
    def index(self):
        days, words = self._asked()
        rows = self._rows(days, words)
        chosen = {"dagen": days, "q": words} if words else {"dagen": days}
        return self.render(
            "admin/refusals.html",
            rows=[
                line(page, field or "–", rule, number(count), last_on)
                for page, field, rule, count, last_on in rows[:MOST]
            ],
            all=len(rows),
            shown_words=f", hier de eerste {MOST}" if len(rows) > MOST else "",
            nothing=NOT_FOUND if words else NO_REFUSALS,
            days=days,
            words=words,
            periods=PERIODS,
            titles=TITLES,
            export_url=url_for(".export", **chosen),
        )

    def _asked(self) -> tuple[int, str]:
        days = request.args.get("dagen", "")
        chosen = int(days) if days in map(str, PERIODS) else ORDINARY
        return chosen, tidy(request.args.get("q", ""))[:100]

    def _rows(self, days: int, words: str) -> list[tuple]:
        """(page, field, sentence, count, last day), the most frequent first; containing all these words."""
        found = refusals.frequent(local_date(utcnow()) - timedelta(days=days))
        rows = [
            (self._page(one.form), field_label(one.form, one.field), one.rule, one.count, one.last_on) for one in found
        ]
        wanted = normalise(words).split()
        return [row for row in rows if all(word in normalise(" ".join(row[:3])) for word in wanted)]

    def _page(self, endpoint: str) -> str:
        """The team's name for the page of an endpoint; the endpoint itself when unknown."""
        if endpoint in PAGES:
            return PAGES[endpoint]
        screen, _, function = endpoint.partition(".")
        names = (view.name for view in self.admin._views if view.endpoint == screen and view.name)
        name = next(names, None)
        return f"{name}, {DOES[function]}" if name and function in DOES else name or endpoint

    @expose("/export/")
    def export(self):
        rows = self._rows(*self._asked())
        told = counted(len(rows), "rij", "rijen")
        audit.record(self.by, "list.exported", None, at=utcnow(), name=self.name, rows=told, filter="")
        made = exports.DutchCsv()
        cells = [[made.cell(value) for value in row] for row in rows]
        headers = {"Content-Disposition": f'attachment; filename="wat-er-misloopt-{utcnow():%Y-%m-%d}.csv"'}
        return Response("".join(made.pieces(TITLES, [cells])), mimetype=made.mimetype, headers=headers)


@cache
def field_label(endpoint: str, name: str) -> str:
    """The label of a field on the page of an endpoint: in a form of the module of that page, or in its table; else
    what a field of that name is called elsewhere, or the name itself."""
    page = current_app.view_functions.get(endpoint)
    view = getattr(page, "__self__", None)
    module = sys.modules.get(type(view).__module__ if view else getattr(page, "__module__", ""))
    here = (
        [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, KavoForm)] if module else []
    )
    known = (*map(_labels, here), _titles(getattr(view, "model", None)), OTHERWISE, *map(_labels, _forms(KavoForm)))
    return next((labels[name] for labels in known if name in labels), name)


def _labels(form: type) -> dict[str, str]:
    """Name → label of the fields that a form declares or inherits."""
    fields = {name: field for one in reversed(form.__mro__) for name, field in vars(one).items()}
    labels = {name: (*getattr(field, "args", ()), None)[0] for name, field in fields.items()}
    return {name: label for name, label in labels.items() if isinstance(label, str)}


def _titles(model) -> dict[str, str]:
    return (
        {name: field.verbose_name for name, field in model._meta.fields.items() if field.verbose_name} if model else {}
    )


def _forms(form: type) -> Iterable[type]:
    subclasses: list[type] = form.__subclasses__()
    for subclass in subclasses:
        yield subclass
        yield from _forms(subclass)
