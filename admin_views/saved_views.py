"""Saving the list on the screen as a view, starting the day with it, removing it; the lists themselves show the saved
views."""

from flask import abort, flash, redirect, url_for
from flask_admin import BaseView, expose
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import Length

import scope
from admin_kit.access import HiddenFromMenu, came_from
from admin_kit.screens import screens
from forms import KavoForm, required
from models import ASSOCIATION, MANAGER, TEAM, SavedView
from times import utcnow
from workflow import saved_views


class KeepForm(KavoForm):
    screen = HiddenField()
    query = HiddenField(validators=[Length(max=2000)])
    name = StringField("Naam van de weergave", [required("Typ een naam voor deze weergave."), Length(max=60)])
    shared = BooleanField("Delen met je collega’s")
    start = BooleanField("Maak dit mijn startpagina")


class SavedViewView(HiddenFromMenu, BaseView):
    roles = (TEAM, MANAGER, ASSOCIATION)

    @expose("/bewaren", methods=("POST",))
    def keep(self):
        form = KeepForm()
        if form.screen.data not in screens(self.by):
            abort(404)

        def act(now):
            query = form.query.data
            view = saved_views.keep(self.by, form.screen.data, form.name.data, query, form.shared.data, form.start.data)
            return f"De weergave ‘{view.name}’ is bewaard. Je vindt ze bij ‘Weergaven’ boven deze lijst."

        if not (form.validate() and form.carry_out(act, self.by, utcnow())):
            for text in (*form.form_errors, *(text for field in form for text in field.errors)):
                flash(text, "warn")
        return redirect(came_from() or url_for(f"{form.screen.data}.index_view"))

    @expose("/<int:pk>/start", methods=("POST",))
    def start(self, pk):
        view = self._view(pk)
        saved_views.start_with(view, self.by)
        return self._back(view, f"Je begint voortaan met ‘{view.name}’.")

    @expose("/<int:pk>/stop", methods=("POST",))
    def stop(self, pk):
        view = self._view(pk)
        saved_views.start_with(None, self.by)
        return self._back(view, "Je begint weer met de gewone startpagina.")

    @expose("/<int:pk>/weg", methods=("POST",))
    def forget(self, pk):
        view = self._view(pk)
        saved_views.forget(view, self.by)
        return self._back(view, f"De weergave ‘{view.name}’ is weg.")

    def _view(self, pk) -> SavedView:
        view = SavedView.get_or_none(SavedView.id == pk)
        if view is None or not scope.may(self.by, "open", view):
            abort(404)
        return view

    @staticmethod
    def _back(view: SavedView, message: str):
        flash(message, "good")
        return redirect(came_from() or url_for(f"{view.screen}.index_view"))
