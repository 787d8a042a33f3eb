"""Participants, with their trajectories on the page of each."""

from flask import url_for

from admin_views.base import AdminView
from models import Association, Participant, Trajectory


class ParticipantView(AdminView):
    kind, kinds = "deelnemer", "deelnemers"
    column_list = ("name", "kavo_id", "birth_date", "email")
    column_labels = {"name": "Deelnemer"}
    search_words = "Zoek op naam of KAVO-ID"
    column_searchable_list = ("search",)
    column_filters = ("birth_date",)
    column_sortable_list = (("name", "search"), "kavo_id", "birth_date", "email")
    column_default_sort = "name"
    column_formatters = {"name": lambda view, context, row, name: str(row)}
    column_spread = {"name": ("first_name", "last_name")}
    column_details_list = ("kavo_id", "first_name", "last_name", "birth_date", "email")
    form_columns = ("kavo_id", "first_name", "last_name", "birth_date", "email")
    form_args = {"kavo_id": {"description": "6 cijfers, een streepje en 2 cijfers. Bijvoorbeeld 125143-59."}}
    details_template = "admin/participant.html"
    can_add_words = "Deelnemer toevoegen"
    empty_text = "Er zijn nog geen deelnemers. Voeg de eerste toe met het KAVO-ID van de vereniging."

    def details_extra(self, row: Participant):
        running = Trajectory.select(Trajectory, Association).join(Association).where(Trajectory.participant == row)
        return {"trajectories": running.order_by(Trajectory.course_started_on.desc(), Trajectory.id.desc())}

    def get_save_return_url(self, model=None, is_created=False):
        if is_created:
            return url_for("participant.details_view", id=model.id)
        return super().get_save_return_url(model, is_created)
