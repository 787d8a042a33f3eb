"""Gekoppelde deelnemers: all placements over the own sites; change, cancel, evaluate, and the history of a trajectory."""

from typing import Any

from flask import redirect, request, url_for
from flask_admin import expose
from wtforms import BooleanField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import Length

import dutch
import scope
from admin_kit.actions import row_action, row_url
from admin_kit.base import AdminView
from admin_kit.cells import Cell, Fact, facts, of_status
from admin_kit.joins import Key
from admin_kit.lists import BY_FAMILY_NAME
from admin_views import undoing
from database import Conflict, whole_number
from forms import LONGEST_TEXT, ChoiceField, DayField, KavoForm, required, room, sometimes
from models import (
    ASSOCIATION,
    CRITERIA,
    CRITERIA_BY_TYPE,
    MANAGER,
    NO_END,
    ON_BEHALF,
    PLACEMENT,
    RESULTS,
    TEAM,
    Placement,
)
from times import local_date, utcnow
from workflow.stages import bulk, evaluations, placements, timeline


class CancelForm(KavoForm):
    no_show = BooleanField("De deelnemer kwam niet opdagen")
    reason = TextAreaField(
        "Reden", [sometimes, Length(max=2000)], description="Niet nodig als de deelnemer niet kwam opdagen."
    )


class EvaluationForm(KavoForm):
    """'Traject opvolging': manual chapter 5."""

    mentor = StringField(
        "Stagebegeleider",
        [required("Typ de naam van de stagebegeleider."), Length(max=200)],
        render_kw={"autocomplete": "off"},
    )
    criterion = ChoiceField(
        "De stagebegeleider heeft", [required("Kies wat de stagebegeleider heeft.")], choices=CRITERIA
    )
    starts_on = DayField("Begindatum", [required("Kies de eerste dag van de stage.")])
    ends_on = DayField("Einddatum", [required("Kies de laatste dag van de stage.")])
    hours_done = IntegerField("Gepresteerde uren", [required("Typ hoeveel uur de stage duurde.")])
    result = RadioField("Resultaat", [required("Kies positief of negatief.")], choices=list(RESULTS.items()))
    motivation = TextAreaField(
        "Motivering",
        [sometimes, Length(max=LONGEST_TEXT)],
        description="Verplicht als het resultaat negatief is. De vereniging van de cursus leest dit ook.",
    )
    remarks = TextAreaField("Opmerkingen", [Length(max=LONGEST_TEXT)])
    on_behalf = ChoiceField("Namens", [required()], choices=ON_BEHALF, blank=None)


WAITS = Key("ends_on", Placement.ends_first(), lambda row: row.ends_on or NO_END)
"""a part of an order: what ended longest ago first"""
FIELDS = ("mentor", "criterion", "starts_on", "ends_on", "hours_done", "result", "motivation", "remarks")


class PlacementView(AdminView):
    roles = (TEAM, MANAGER, ASSOCIATION)
    kind, kinds = "koppeling", "koppelingen"
    can_create = False
    column_list = ("participant", "type", "site", "hours", "state")
    column_optional = ("trajectory.association", "starts_on", "ends_on", "created_at")
    column_related = ("trajectory.participant", "trajectory.association")
    column_labels = {
        "participant": "Deelnemer",
        "trajectory.participant.kavo_id": "KAVO-ID",
        "site": "Stageplaats",
        "hours": "Uren",
        "site.name": "Stageplaats",
        "trajectory.association": "Vereniging",
    }
    search_words = "Zoek op naam of KAVO-ID"
    column_searchable_list = ("search",)
    column_filters = ("type", "site", "trajectory.association", "ends_on")
    column_copies = {"trajectory.association": "association_id"}
    column_sortable_list = (
        ("participant", "search"),
        "type",
        ("site", "site.search"),
        "hours",
        ("state", ("finished", WAITS, "search")),
        ("trajectory.association", "trajectory.association.search"),
        "starts_on",
        "ends_on",
        "created_at",
    )
    column_default_sort = "state"
    column_order_rest = ("finished", "search")
    column_order_words = {
        "participant": BY_FAMILY_NAME,
        "state": (
            "eerst wat het langst op een beoordeling wacht, wat klaar is achteraan",
            "eerst wat klaar is, wat het langst wacht achteraan",
        ),
    }
    column_tabs = "finished"
    tab_words = {"open": (PLACEMENT.gathered["open"], [False]), "done": (PLACEMENT.gathered["done"], [True])}
    column_statuses = {"state": PLACEMENT}
    column_formatters = {
        "participant": lambda view, context, row, name: Cell(
            str(row.trajectory.participant), row.trajectory.participant.kavo_id
        ),
        "hours": lambda view, context, row, name: _hours(row),
    }
    column_spread = {
        "participant": (
            "trajectory.participant.kavo_id",
            "trajectory.participant.first_name",
            "trajectory.participant.last_name",
        ),
        "hours": ("hours", "hours_done"),
    }
    column_export_list = (
        *column_spread["participant"],
        "type",
        "trajectory.association",
        "site",
        "hours",
        "hours_done",
        "state",
        "result",
        "starts_on",
        "ends_on",
        "created_at",
        "on_behalf",
        "reason",
    )
    column_details_list = (
        "participant",
        "type",
        "trajectory.association",
        "site",
        "hours",
        "hours_done",
        "state",
        "result",
        "starts_on",
        "ends_on",
        "on_behalf",
        "coupled_by",
        "created_at",
        "reason",
    )
    form_columns = ("hours", "starts_on", "ends_on")
    list_template = "admin/placements.html"
    empty_text = "Hier komen de deelnemers van al je stageplaatsen of van je vereniging samen."

    # ---- list

    def row_links(self, row):
        links = []
        if row.state != "cancelled" and scope.allows(self.by, "evaluate", Placement):
            links.append(("Beoordelen", row_url("placement.evaluate", row.id)))
        links.append(("Trajectgeschiedenis", row_url("placement.trajectory_history", row.id)))
        if row.state == "open":
            if scope.allows(self.by, "change", Placement):
                links.append(("Wijzigen", row_url("placement.edit_view", row.id)))
            if scope.allows(self.by, "cancel", Placement):
                links.append(("Annuleren", row_url("placement.cancel", row.id)))
        return links

    def likely_link(self, row):
        if row.status(self.today).key != "over" or not scope.allows(self.by, "evaluate", Placement):
            return None
        return "Beoordelen", row_url("placement.evaluate", row.id)

    def row_posts(self, rows):
        return undoing.row_posts(rows, self.by)

    def may_edit(self, row):
        return row.state == "open"

    def save(self, form, row, created, now):
        placements.change(
            row, self.by, now, form.hours.data, form.starts_on.data, form.ends_on.data, version=row.version
        )

    # ---- cancel, evaluate, history

    @expose("/annuleren/", methods=("GET", "POST"))
    def cancel(self):
        row, form = self.get_one(request.args.get("id"), "cancel"), CancelForm()

        def act(now):
            placements.cancel(row, self.by, now, form.reason.data, form.no_show.data)
            return undoing.told(f"De koppeling van {row} is geannuleerd. De uren zijn weer vrij.", self.by, now)

        if form.validate_on_submit() and form.carry_out(act, self.by, utcnow()):
            return redirect(self.get_save_return_url())
        return self.render("admin/cancel.html", row=row, form=form, return_url=self.get_save_return_url())

    @expose("/beoordelen/", methods=("GET", "POST"))
    @room(characters=2 * LONGEST_TEXT)
    def evaluate(self):
        row = self.get_one(request.args.get("id"), "evaluate")
        newest = evaluations.newest(row)
        form = self._evaluation_form(row, newest)
        if form.validate_on_submit():
            try:
                if form.carry_out(lambda now: self._evaluate(row, form, now), self.by, utcnow()):
                    return redirect(self.get_save_return_url())
            except Conflict as error:
                form.refuse(error)
                row = self.get_one(row.id)
                newest = evaluations.newest(row)
        return self.render(
            "admin/evaluation.html",
            row=row,
            form=form,
            newest=newest,
            heading="Beoordeling verbeteren" if newest else "Beoordeling van de stage",
            trail=_trail(row, scope.may(self.by, "view", row.site)),
            facts=_facts(row),
            versions=[_version(one, row) for one in evaluations.versions(row)],
            history=timeline.lines(row.trajectory, self.by),
            hours=row.trajectory.hours,
            most=row.trajectory.hours_left(without=row),
            status=row.status(local_date(utcnow())),
            return_url=self.get_save_return_url(),
        )

    def _evaluation_form(self, row, newest):
        form = EvaluationForm(obj=newest)
        form.criterion.choices = [
            ("", "Kies …"),
            *((key, CRITERIA[key]) for key in CRITERIA_BY_TYPE[row.trajectory.type]),
        ]
        if TEAM not in self.by.role_names:
            del form.on_behalf
        if newest is None and not form.is_typed:
            form.starts_on.data, form.ends_on.data, form.hours_done.data = row.starts_on, row.ends_on, row.hours
        return form

    def _evaluate(self, row, form, now):
        evaluations.evaluate(
            row,
            evaluations.EvaluationInput(**{name: form[name].data for name in FIELDS}),
            self.by,
            now,
            on_behalf=form.on_behalf.data if "on_behalf" in form else None,
            version=whole_number(request.form.get("version")),
        )
        return undoing.told(f"De beoordeling van {row} is bewaard.", self.by, now)

    @expose("/trajectgeschiedenis/")
    def trajectory_history(self):
        row = self.get_one(request.args.get("id"))
        return self.render(
            "admin/trajectory_history.html",
            return_url=self.get_save_return_url(),
            history=timeline.lines(row.trajectory, self.by),
            **told(row.trajectory),
        )

    # ---- many at once

    @row_action(
        "evaluate",
        "Samen beoordelen",
        in_menu=False,
        when=lambda row: row.state == "open",
        most=bulk.MOST_EVALUATED,
    )
    def action_evaluate(self, ids):
        return redirect(url_for("bulk.evaluate", id=ids))


def told(trajectory) -> dict:
    """What every page about a trajectory shows: who must act, and the sum of its hours."""
    waiting, today = timeline.waiting_of([trajectory])[trajectory.id], local_date(utcnow())
    return {
        "trajectory": trajectory,
        "story_facts": facts(
            ("Traject", trajectory.type_label.capitalize()),
            ("Vereniging", trajectory.association),
            ("KAVO-ID", trajectory.participant.kavo_id, "num"),
            ("Start van de cursus", trajectory.course_started_on),
            ("Af te werken tegen", trajectory.ends_on),
            ("Status", of_status(trajectory.status(today, waiting))),
        ),
        "turn": timeline.whose_turn(trajectory, waiting, today),
        "sums": placements.sum_of_hours(trajectory),
        "left": trajectory.hours_left(),
        "hours": trajectory.hours,
    }


def _hours(row) -> Cell:
    """The hours that were planned, by which the list is ordered, and those that were done when they are others."""
    other = row.state == "evaluated" and row.hours_done != row.hours
    return Cell(f"{row.hours} uur", f"{row.hours_done} uur gedaan" if other else "")


def _trail(row, own: bool) -> list[tuple[str, str]]:
    """Where the evaluation of a stage stands: for who has the site, below it."""
    if not own:
        return [("Gekoppelde deelnemers", url_for("placement.index_view"))]
    return [
        ("Stageplaatsen", url_for("site.index_view", eigen=1)),
        (row.site.name, url_for("site.details_view", id=row.site_id)),
        ("Deelnemers", url_for("site.participants", pk=row.site_id)),
    ]


def _facts(row) -> list[Fact]:
    """Whose stage it is."""
    who, trajectory = row.trajectory.participant, row.trajectory
    return facts(
        ("Deelnemer", who),
        ("KAVO-ID", who.kavo_id, "num"),
        ("Traject", trajectory.type_label.capitalize()),
        ("Vereniging", trajectory.association),
        ("Hier gekoppeld voor", f"{row.hours} uur"),
    )


def _version(one, row) -> dict[str, Any]:
    """A version of the evaluation, as its line in the table shows it."""
    sides = {"association": row.trajectory.association, "site": "de stageplaats"}
    behalf = f"namens {sides[one.on_behalf]}" if one.on_behalf else ""
    return {
        "name": Cell(f"Versie {one.number}", dutch.moment(one.at)),
        "result": RESULTS[one.result],
        "hours": one.hours_done,
        "motivation": one.motivation or "–",
        "by": Cell(str(one.by), behalf),
    }
