"""Privacy, for the team: how long we keep what and the clean-up of tonight, the rights per role, all we keep of one person."""

from flask import abort, redirect, url_for
from flask_admin import BaseView, expose
from wtforms import IntegerField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

import dutch
import scope
from admin_kit import rights
from admin_kit.access import ForRoles, HiddenFromMenu
from admin_kit.cells import Named, line
from admin_kit.exports import personal_data_file
from forms import KavoForm, required
from models import Participant, User
from times import utcnow
from workflow.privacy import retention, subject_access

MOST_NAMED, MOST_COUNTED = 20, 1000  # of each rule on the page: looking for all of a million takes seconds
KINDS = {"account": User, "deelnemer": Participant}


class EraseForm(KavoForm):
    reason = TextAreaField(
        "Reden",
        [required("Schrijf waarom."), Length(max=500)],
        description="Bijvoorbeeld: op vraag van de persoon zelf. Noem de naam niet: die willen we net wissen.",
    )


def _days_field(rule):
    bounds = NumberRange(
        retention.LEAST_DAYS, retention.MOST_DAYS, f"Kies {retention.LEAST_DAYS} tot {retention.MOST_DAYS} dagen."
    )
    return IntegerField(
        rule.name, [InputRequired("Typ een aantal dagen."), bounds], render_kw={"min": retention.LEAST_DAYS}
    )


class DaysForm(KavoForm):
    """A number of days for each rule."""


for _rule in retention.RULES:
    setattr(DaysForm, _rule.key, _days_field(_rule))


class RetentionView(ForRoles, BaseView):
    """How long we keep what, and what the next clean-up would erase."""

    fresh_pages = ("index",)

    @expose("/", methods=("GET", "POST"))
    def index(self):
        form = DaysForm(data=retention.days())
        chosen = {rule.key: form[rule.key].data for rule in retention.RULES}
        if form.validate_on_submit() and form.carry_out(
            lambda now: retention.set_days(chosen, self.by, now) or "De bewaartermijnen zijn bewaard.",
            self.by,
            utcnow(),
        ):
            return redirect(url_for(".index"))
        rules = [
            (rule, form[rule.key], _years(days), _some(query)) for rule, days, query in retention.upcoming(utcnow())
        ]
        return self.render("admin/retention.html", form=form, rules=rules, hour=retention.HOUR)


def _some(query) -> Named:
    """How many rows there are, counted up to one more than MOST_COUNTED, and the first as text."""
    count = query.limit(MOST_COUNTED + 1).count()
    names = [str(row) for row in query.limit(MOST_NAMED)] if count else []
    if count > MOST_COUNTED:
        return Named(f"meer dan {dutch.number(MOST_COUNTED)}", names, "veel meer")
    rest = dutch.number(count - len(names)) if count > len(names) else ""
    return Named(dutch.number(count) if count else "", names, rest)


def _years(days: int) -> str:
    """How long that is in years; empty for less than one."""
    return f"{days / 365:.1f} jaar".replace(".0", "").replace(".", ",") if days >= 365 else ""


class RightsView(ForRoles, BaseView):
    """Who may do what: from the code that decides it."""

    @expose("/")
    def index(self):
        groups = [
            (group, [line(one.name, *(one.rows[role] for role in rights.ROLES)) for one in lines])
            for group, lines in rights.matrix(self.admin)
        ]
        return self.render("admin/rights.html", titles=["Functie", *rights.ROLES.values()], groups=groups)


class InsightView(HiddenFromMenu, BaseView):
    """All that we keep about one person, to give to that person: readable, and as data."""

    fresh_pages = ("show", "data")

    @expose("/<kind>/<int:pk>/")
    def show(self, kind, pk):
        person, found = self._found(kind, pk)
        return self.render(
            "insight.html",
            who=str(person),
            parts=subject_access.readable(found),
            download=url_for(".data", kind=kind, pk=pk),
        )

    @expose("/<kind>/<int:pk>/gegevens.json")
    def data(self, kind, pk):
        return personal_data_file(self._found(kind, pk)[1])

    def _found(self, kind, pk):
        person = scope.find(self.by, KINDS[kind], pk, "insight") if kind in KINDS else None
        return (person, subject_access.give(person, self.by, utcnow())) if person else abort(404)
