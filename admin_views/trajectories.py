"""Trajectories: one participant's way to one type of attest."""

from flask import request

from admin_views.actions import row_url
from admin_views.base import AdminView
from admin_views.cells import Cell
from models import STAGE_HOURS, Participant, Trajectory
from workflow import trajectories

MARKS = {"open": "busy", "finished": "good", "stopped": ""}


class TrajectoryView(AdminView):
    kind, kinds = "traject", "trajecten"
    column_list = ("participant", "type", "association", "course_started_on", "ends_on", "hours_used", "state")
    search_words = "Zoek op naam of KAVO-ID"
    column_searchable_list = ("search",)
    column_filters = ("type", "association", "course_started_on", "ends_on")
    column_sortable_list = (
        ("participant", "search"),
        "type",
        ("association", "association.search"),
        "course_started_on",
        "ends_on",
        "hours_used",
        "state",
    )
    column_default_sort = "participant"
    column_tabs = "state"
    column_spread = {"participant": ("participant.kavo_id", "participant.first_name", "participant.last_name")}
    column_formatters = {
        "participant": lambda view, context, row, name: Cell(str(row.participant), row.participant.kavo_id),
        "hours_used": lambda view, context, row, name: f"{row.hours_used} van {STAGE_HOURS} uur",
        "state": lambda view, context, row, name: Cell(Trajectory.STATES[row.state], state=MARKS[row.state]),
    }
    column_formatters_export = {}
    form_columns = ("participant", "association", "type", "course_started_on")
    form_ajax_refs = {"participant": {"fields": ("kavo_id",)}}
    form_args = {"participant": {"description": "Typ het KAVO-ID of de naam en kies uit de lijst."}}
    can_add_words = "Traject toevoegen"
    empty_text = (
        "Er zijn nog geen trajecten. Voeg er een toe: voor wie, bij welke vereniging en wanneer de cursus begon."
    )

    def create_form(self, obj=None):
        participant = Participant.get_or_none(Participant.kavo_id == request.args.get("kavo", ""))
        return super().create_form(Trajectory(participant=participant) if participant else None)

    def edit_form(self, obj=None):
        """For whom and what kind stays: a mistake there is a new trajectory."""
        form = super().edit_form(obj)
        del form.participant, form.type
        return form

    def save(self, form, row, created, now):
        if not created:
            return super().save(form, row, created, now)
        self.fill(row, form)
        trajectories.start(row, self.by, now)

    def row_links(self, row):
        history = ("Trajectgeschiedenis", row_url("trajectory.details_view", row.id) + "#geschiedenis")
        return [*super().row_links(row), history]
