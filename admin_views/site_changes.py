"""What managers do with their site besides its form: ask the team for a change, name a successor, and close it."""

from flask import abort, redirect, url_for
from flask_admin import BaseView, expose
from wtforms import RadioField, TextAreaField
from wtforms.validators import Length

import dutch
import scope
from admin_kit.access import HiddenFromMenu
from forms import EmailField, KavoForm, required, site_forms
from models import APPROVAL_DAYS, MANAGER, TEAM, Placement, Site
from times import local_date, utcnow
from workflow.sites import handovers, proposals, sites


class CloseForm(KavoForm):
    running = RadioField(
        "Wat gebeurt er met de stages die nog lopen?",
        choices=[
            ("keep", "Ze lopen door. Je kunt ze nog beoordelen."),
            ("cancel", "Ze worden geannuleerd. De uren van de deelnemers komen weer vrij."),
        ],
        default="keep",
    )
    reason = TextAreaField(
        "Waarom sluit je de stageplaats?", [required("Schrijf waarom de stageplaats sluit."), Length(max=2000)]
    )


class SuccessorForm(KavoForm):
    email = EmailField("E-mailadres van je opvolger", [required("Typ het e-mailadres."), Length(max=254)])


class SiteChangeView(HiddenFromMenu, BaseView):
    roles = (TEAM, MANAGER)
    home = "site.index_view"

    def _own(self, pk, act) -> Site:
        return scope.find(self.by, Site, pk, act) or abort(404)

    @expose("/<int:pk>/wijziging", methods=("GET", "POST"))
    def propose(self, pk):
        """Name, recognition or address; while a change waits, the page shows it and one may take it back."""
        site = self._own(pk, "propose")
        waiting = proposals.waiting(site)
        form = KavoForm() if waiting else site_forms.IdentityFields(obj=site)

        def act(now):
            if waiting:
                proposals.withdraw(waiting, self.by, now)
                return "Je wijziging is ingetrokken. Er verandert niets."
            proposals.propose(site, self.by, now, **{name: form[name].data for name in Site.IDENTITY})
            return f"Je wijziging is bij het team. Je krijgt binnen {dutch.span(APPROVAL_DAYS)} een e-mail."

        if form.validate_on_submit() and form.carry_out(act, self.by, utcnow()):
            return redirect(url_for("site.details_view", id=pk))
        if waiting is None:
            return self.render("admin/propose.html", site=site, form=form)
        status, due = waiting.status(local_date(utcnow())), dutch.day(waiting.due_on)
        late = status.key == "late"
        return self.render(
            "admin/propose_waiting.html",
            site=site,
            form=form,
            status=status,
            pairs=proposals.pairs(waiting),
            due_words=f"Je moest uiterlijk op {due} een e-mail krijgen."
            if late
            else f"Je krijgt uiterlijk op {due} een e-mail.",
        )

    @expose("/<int:pk>/sluiten", methods=("GET", "POST"))
    def close(self, pk):
        """Asks first what becomes of running stages."""
        site = self._own(pk, "close")
        form = CloseForm()
        running = site.placements.where(Placement.state == "open").count()
        if not running:
            del form.running

        def act(now):
            sites.close(site, self.by, now, form.reason.data, bool(running) and form.running.data == "cancel")
            return f"{site} is gesloten."

        if form.validate_on_submit() and form.carry_out(act, self.by, utcnow()):
            return redirect(url_for("site.details_view", id=pk))
        return self.render("admin/close_site.html", site=site, form=form, running=_running(running))

    @expose("/<int:pk>/opvolger", methods=("GET", "POST"))
    def successor(self, pk):
        """A manager names who takes over: that person accepts by a link, with no waiting time."""
        site = self._own(pk, "offer")
        form, made = SuccessorForm(), []

        def act(now):
            made.append(handovers.offer(site, self.by, form.email.data, now))
            return f"We stuurden een link naar {made[0].email}. Tot je opvolger aanvaardt, blijf jij verantwoordelijk."

        if form.validate_on_submit() and form.carry_out(act, self.by, utcnow()):
            return redirect(url_for("handover.index_view"))
        return self.render("admin/successor.html", site=site, form=form, moves=handovers.moves(site, utcnow()))


def _running(count: int) -> str:
    """How many stages run at a site, in a sentence."""
    if not count:
        return "Er lopen geen stages."
    return f"Er {'loopt' if count == 1 else 'lopen'} nog {dutch.counted(count, 'stage', 'stages')}."
