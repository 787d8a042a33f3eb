"""Klok: when the clock ran, what it does and why, and what it would do next. For the team."""

from datetime import timedelta

from flask import redirect, request, url_for
from flask_admin import BaseView, expose
from wtforms.validators import InputRequired

import dutch
from admin_kit.access import ForRoles
from admin_kit.cells import Cell, Fact, Named, facts
from database import readings
from forms import DayField, KavoForm
from times import end_of_day, local_date, utcnow
from workflow import clock

MOST_NAMED = 20
FARTHEST = timedelta(days=366)


class SinceForm(KavoForm):
    since = DayField("Herinner vanaf", [InputRequired("Kies een dag.")])


class ClockView(ForRoles, BaseView):
    @expose("/", methods=("GET", "POST"))
    def index(self):
        """GET: `tot` in the address is the last day to look ahead to. POST sets 'vanaf'."""
        now, state = utcnow(), clock.state(utcnow())
        form = SinceForm(obj=state)
        if form.validate_on_submit() and form.carry_out(
            lambda at: clock.start_from(form.since.data, self.by, at) or "Bewaard. De klok begint vanaf die dag.",
            self.by,
            now,
        ):
            return redirect(url_for(".index"))
        today = local_date(now)
        until = readings.day_or_none(request.args.get("tot")) or today + timedelta(days=1)
        until = min(max(until, today), today + FARTHEST)
        return self.render(
            "admin/clock.html",
            silent=clock.is_silent(state, now),
            since=f" sinds {dutch.moment(state.ran_at)}" if state.ran_at else "",
            facts=_facts(state),
            points=[(point, _named(dues)) for point, dues in clock.upcoming(end_of_day(until))],
            until=until,
            form=form,
        )


def _named(dues) -> Named:
    """What is due, the first of it by name."""
    rest = len(dues) - MOST_NAMED
    names = [due.words for due in dues[:MOST_NAMED]]
    return Named(dutch.number(len(dues)) if dues else "", names, dutch.number(rest) if rest > 0 else "")


def _facts(state) -> list[Fact]:
    """When the clock ran, and what it did."""
    treated = f"{dutch.counted(state.treated, 'zaak', 'zaken')} behandeld" if state.ran_at else ""
    return facts(
        ("Laatste keer gelopen", Cell(dutch.moment(state.ran_at) or "Nog niet", treated)),
        ("Laatst iets behandeld", dutch.moment(state.treated_at) or "Nog niet"),
        ("Herinnert vanaf", Cell(dutch.day(state.since), "voor oudere zaken stuurden we geen e-mail")),
    )
