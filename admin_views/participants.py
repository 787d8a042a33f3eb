"""Participants, with their trajectories on the page of each."""

from flask import url_for
from wtforms.validators import Optional

import scope
from admin_kit.actions import row_action
from admin_kit.base import AdminView
from admin_kit.cells import Button
from admin_kit.lists import BY_FAMILY_NAME
from admin_views.privacy import EraseForm
from database import RuleError, as_tuples
from forms import ChoiceField, DayField, required, sometimes
from models import ASSOCIATION, TEAM, TYPES, Association, Participant, Trajectory
from times import utcnow
from workflow.imports import batches
from workflow.privacy import erasure

TRAJECTORY = ("association", "type", "course_started_on")
"""the fields of a first trajectory, in the form for a new participant"""

WITH_TRAJECTORY = "Nodig om meteen een traject toe te voegen."


class ParticipantView(AdminView):
    roles = (TEAM, ASSOCIATION)
    kind, kinds = "deelnemer", "deelnemers"
    reauthenticated_acts = ("erase",)
    column_list = ("name", "kavo_id", "birth_date", "email")
    column_labels = {"name": "Deelnemer"}
    search_words = "Zoek op naam of KAVO-ID"
    column_searchable_list = ("search",)
    column_filters = ("birth_date",)
    column_sortable_list = (("name", "search"), "kavo_id", "birth_date", "email")
    column_order_words = {"name": BY_FAMILY_NAME}
    column_default_sort = "name"
    column_formatters = {"name": lambda view, context, row, name: str(row)}
    column_spread = {"name": ("first_name", "last_name")}
    column_details_list = ("kavo_id", "first_name", "last_name", "birth_date", "email")
    form_columns = ("kavo_id", "first_name", "last_name", "birth_date", "email")
    form_args = {
        "kavo_id": {"description": "6 cijfers, een streepje en 2 cijfers. Bijvoorbeeld 125143-59."},
        "first_name": {"description": "Heeft iemand maar één naam? Typ die bij Naam."},
    }
    form_extra_fields = {
        "association": ChoiceField("Vereniging", [sometimes], coerce=int, description=WITH_TRAJECTORY),
        "type": ChoiceField("Traject", [sometimes], choices=TYPES, description=WITH_TRAJECTORY),
        "course_started_on": DayField("Start van de cursus", [sometimes, Optional()], description=WITH_TRAJECTORY),
    }
    details_template = "admin/participant.html"
    can_add_words = "Deelnemer toevoegen"
    empty_text = "Er zijn nog geen deelnemers. Voeg de eerste toe met het KAVO-ID, of importeer een bestand."

    def list_buttons(self):
        add = Button(self.can_add_words, url_for("participant.create_view"), "btn-primary")
        return [[add, Button("Importeren", url_for("importing.index"))]]

    def details_extra(self, row: Participant):
        running = Trajectory.select(Trajectory, Association).join(Association).where(Trajectory.participant == row)
        running = running.where(scope.own(self.by, Trajectory))
        return {"trajectories": running.order_by(Trajectory.course_started_on.desc(), Trajectory.id.desc())}

    def enrich(self, rows, names):
        """Whom one may change: those who have no trajectory at somebody else's association (rule 14)."""
        if TEAM in self.by.role_names:
            return
        others = Trajectory.select(Trajectory.participant).where(
            Trajectory.participant.in_([row.id for row in rows]),
            Trajectory.association.not_in(scope.association_ids(self.by)),
        )
        shared = {key for (key,) in as_tuples(others)}
        for row in rows:
            row.is_shared = row.id in shared

    def may_edit(self, row):
        return not getattr(row, "is_shared", False)

    @row_action(
        "erase",
        "Gegevens wissen",
        "Naam, geboortedatum, e-mailadres en KAVO-ID verdwijnen, ook uit e-mails, beoordelingen en geschiedenis. De uren en "
        "resultaten blijven, zonder naam. Je kunt dit niet ongedaan maken.",
        form=EraseForm,
        when=lambda row: row.erased_at is None,
        danger=True,
        in_menu=False,
        many=False,
    )
    def action_erase(self, ids, form):
        return self.apply(erasure.erase_participant, ids, "gewist", reason=form.reason.data)

    def page_links(self, row):
        if row.erased_at or not scope.allows(self.by, "insight", Participant):
            return []
        return [("Alles wat we bewaren", url_for("insight.show", kind="deelnemer", pk=row.id))]

    # ---- form

    def create_form(self, obj=None):
        """With the first trajectory; who works for one association need not choose it."""
        form = super().create_form(obj)
        mine = list(Association.select().where(scope.own(self.by, Association)).order_by(Association.search).limit(500))
        form.association.choices = [("", "Kies …"), *((one.id, one.name) for one in mine)]
        if len(mine) == 1 and not form.is_typed:
            form.association.data = mine[0].id
        if TEAM not in self.by.role_names:  # the team may leave the trajectory for later
            for name in TRAJECTORY:
                form[name].validators, form[name].flags.required, form[name].flags.sometimes = [required()], True, False
        return form

    def edit_form(self, obj=None):
        form = super().edit_form(obj)
        for name in TRAJECTORY:
            del form[name]
        return form

    def try_to_save(self, form, row, created):
        """What is refused to somebody who adds one by hand counts as a guess: it may tell who exists."""
        attempt = batches.claim_guess(self.by, utcnow()) if created else None
        if created and attempt is None:
            form.refuse(RuleError("We weigerden het laatste uur te veel deelnemers. Probeer het over een uur opnieuw."))
            return None
        done = super().try_to_save(form, row, created)
        if attempt and done:
            attempt.give_back()
        elif created:
            batches.refused_one(form.kavo_id.data, self.by, utcnow())
        return done

    def save(self, form, row, created, now):
        """A new one with a trajectory goes the way of an imported line; the team may leave the trajectory for later."""
        trajectory = [form[name].data for name in TRAJECTORY] if created else []
        if not created or (not any(trajectory) and TEAM in self.by.role_names):
            return super().save(form, row, created, now)
        if not all(trajectory):
            missing = next(name for name in TRAJECTORY if not form[name].data)
            raise RuleError("Vul vereniging, traject en start van de cursus in.", missing)
        person = {name: form[name].data for name in self.form_columns}
        association = Association.get_by_id(form.association.data)
        saved = batches.add_one(self.by, now, association, form.type.data, form.course_started_on.data, **person)
        row.__data__.update(saved.__data__)

    def get_save_return_url(self, model=None, is_created=False):
        if is_created:
            return url_for("participant.details_view", id=model.id)
        return super().get_save_return_url(model, is_created)
