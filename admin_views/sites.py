"""Sites: the list for everybody, the own ones, and 'Deelnemers': finding by KAVO-ID and coupling."""

from flask import abort, flash, redirect, request, url_for
from flask_admin import expose
from peewee import fn
from wtforms import StringField

import audit
import dutch
import scope
from admin_kit.actions import row_action, row_url
from admin_kit.base import AdminView
from admin_kit.cells import Cell
from admin_kit.filters import AnyOfFilter
from admin_kit.list_screen import ListScreen
from admin_kit.lists import in_this_order
from admin_views import site_page, undoing
from database import RuleError, as_tuples
from database.texts import tidy
from forms import refusing, site_forms
from models import (
    APPLICATION,
    ASSOCIATION,
    MANAGER,
    PLACEMENT,
    STAGE_HOURS,
    TEAM,
    TYPES,
    Handover,
    Placement,
    Site,
    SiteManager,
    SitePeriod,
    User,
)
from times import local_date, utcnow
from workflow.sites import sites
from workflow.stages import placements

UNDECIDED = "nog niet beslist"
"""applications in treatment, too late, or that wait for the applicant: a list orders them as one"""


class SiteView(AdminView):
    roles = (TEAM, MANAGER, ASSOCIATION)
    kind, kinds = "stageplaats", "stageplaatsen"
    list_template = "admin/sites.html"
    details_template = "admin/site.html"
    column_list = ("name", "municipality", "stages", "state", "placed")
    public_columns = ("name", "municipality", "stages")
    column_labels = {
        "name": "Naam",
        "stages": "Stages",
        "periods": "Periodes",
        "placed": "Deelnemers",
        "manager": "Stageplaatsverantwoordelijke",
    }
    search_words = "Zoek op naam of gemeente"
    column_searchable_list = ("search",)
    column_filters = (
        "recognition",
        AnyOfFilter("stages", "Stage", (Site.animator, Site.head_animator, Site.instructor)),
    )
    column_sortable_list = (
        ("name", "search"),
        ("municipality", "place"),
        ("stages", ("animator", "head_animator", "instructor")),
        "state",
        "placed",
    )
    column_order_words = {
        "stages": ("van instructeur naar animator", "van animator naar instructeur"),
        "state": in_this_order(UNDECIDED if key == "submitted" else Site.STATES[key] for key in sorted(Site.STATES)),
    }
    column_statuses = {"state": APPLICATION}
    column_default_sort = "name"
    column_tabs = "state"
    column_details_list = (
        "name",
        "recognition",
        "street",
        "postcode",
        "municipality",
        "email",
        "phone",
        "stages",
        "manager",
        "state",
        "submitted_at",
        "due_on",
        "decided_at",
        "reason",
    )
    column_formatters = {
        "stages": lambda view, context, site, name: Cell(_types(site), _periods(site)),
        "periods": lambda view, context, site, name: _periods(site),
        "placed": lambda view, context, site, name: _placed(site),
        "manager": lambda view, context, site, name: str(site.manager() or "zonder beheerder"),
    }
    column_formatters_export = {
        "stages": lambda view, context, site, name: _types(site),
        "periods": column_formatters["periods"],
    }
    column_spread = {"stages": ("stages", "periods")}
    form_columns = (
        "name",
        "recognition",
        "street",
        "postcode",
        "municipality",
        "email",
        "phone",
        "animator",
        "head_animator",
        "instructor",
    )
    form_overrides = {"postcode": site_forms.PostcodeField, "municipality": site_forms.PlaceField}
    form_args = {"postcode": {"render_kw": {"class": "short", "inputmode": "numeric"}}}
    form_extra_fields = {
        "periods": site_forms.PeriodList("Periodes"),
        "own_from": site_forms.own_from(),
        "own_to": site_forms.own_to(),
        "manager": StringField(
            "Stageplaatsverantwoordelijke",
            description="Het e-mailadres van een account. Nog niemand? Laat dit leeg.",
        ),
    }
    form_groups = (
        ("Welke stages bied je aan?", ("animator", "head_animator", "instructor")),
        ("Een eigen periode toevoegen", ("own_from", "own_to")),
    )
    fixed_for_managers = ("name", "recognition", "street", "postcode", "municipality", "manager")
    """a change of these is the team's: domain rule 5"""
    can_add_words = "Een nieuwe stageplaats aanmaken"
    empty_text = "Je hebt nog geen stageplaats. Maak er een aan, dan kijkt het team Kadervorming ze na."

    def __init__(self, *args, placements, **kwargs):
        super().__init__(*args, **kwargs)
        self.placements = placements

    # ---- list

    @property
    def narrowed(self) -> bool:
        """Whether the list holds own sites only: for the team always, for a manager by 'Enkel eigen stageplaatsen'."""
        return bool(request.args.get("eigen"))

    def reach(self):
        return scope.own if self.narrowed or TEAM in self.by.role_names else scope.listed

    def listing(self, where=(), path=None, keep=("eigen",), columns=None):
        if self.narrowed and TEAM in self.by.role_names:
            mine = SiteManager.select(SiteManager.site).where(SiteManager.user == self.by, SiteManager.current())
            where = (*where, Site.id.in_(mine))
        return super().listing(where, path, keep, columns)

    def acting(self):
        return scope.own(self.by, Site) | scope.own(self.by, Site, "couple")

    @property
    def tab_choices(self):
        return super().tab_choices if self.reach() is scope.own else []

    def list_buttons(self):
        return [*super().list_buttons(), *site_page.new_sites(self.by)]

    def page_buttons(self, row):
        return site_page.page_buttons(self, row)

    def details_extra(self, row):
        return {"ways": site_page.of_applicant(row, self.by)}

    def list_extra(self):
        scopes = site_page.scopes(self.by, self.narrowed)
        return {"notices": site_page.notices(*self._waiting()), "scopes": scopes}

    def _waiting(self) -> tuple[int, int]:
        """How many placements wait for an evaluation by this manager, and how many handovers for an answer."""
        if MANAGER not in self.by.role_names:
            return 0, 0
        asked = Handover.select(fn.COUNT(Handover.id)).where(
            Handover.asked == self.by, Handover.state << Handover.UNDECIDED, ~Handover.offered
        )
        mine = Placement.select(fn.COUNT(Placement.id), asked).where(scope.own(self.by, Placement), _to_evaluate())
        ((waiting, handovers),) = as_tuples(mine)
        return waiting, handovers

    def enrich(self, rows, names):
        """Periods of all these sites and how many participants wait for an evaluation, in one query each."""
        ids = [row.id for row in rows]
        periods: dict[int, list[SitePeriod]] = {pk: [] for pk in ids}
        waiting: dict[int, int] = {}
        if {"stages", "periods"} & set(names):
            for period in SitePeriod.select().where(SitePeriod.site.in_(ids)).order_by(SitePeriod.id):
                periods[period.site_id].append(period)
        if "placed" in names:
            late = Placement.select(Placement.site, fn.COUNT(Placement.id)).where(
                Placement.site.in_(ids), _to_evaluate()
            )
            waiting = dict(as_tuples(late.group_by(Placement.site)))
        mine = self._own_among(ids)
        for row in rows:
            row.period_list, row.waiting, row.is_own = periods[row.id], waiting.get(row.id, 0), row.id in mine

    def _own_among(self, ids) -> set[int]:
        """Which of these sites one may act on as its manager or as the team; for an association one couples at others too."""
        if ASSOCIATION not in self.by.role_names or TEAM in self.by.role_names:
            return set(ids)
        mine = Site.select(Site.id).where(Site.id.in_(ids), scope.own(self.by, Site))
        return {key for (key,) in as_tuples(mine)}

    def row_links(self, row):
        people = (
            [("Deelnemers", row_url("site.participants", row.id, "pk"))] if row.state in ("approved", "closed") else []
        )
        if not row.is_own:
            return people
        links = [*people, *super().row_links(row)]
        if row.state == "submitted" and TEAM in self.by.role_names:
            links.insert(0, ("Behandelen", row_url("application.show", row.id, "pk")))
        if row.state == "approved":
            if TEAM not in self.by.role_names:
                links.append(("Naam of adres wijzigen", row_url("site_change.propose", row.id, "pk")))
            links.append(("Opvolger aanduiden", row_url("site_change.successor", row.id, "pk")))
            links.append(("Stageplaats sluiten", row_url("site_change.close", row.id, "pk")))
        return links

    def history_lines(self, row):
        """A manager does not read of decisions that were undone before anybody was told, nor the address of who applied."""
        lines = super().history_lines(row)
        if TEAM in self.by.role_names:
            return lines
        return [line for line in audit.without_undone(lines) if line.verb != "user.address"]

    # ---- form

    def edit_form(self, obj=None):
        form = super().edit_form(obj)
        if TEAM not in self.by.role_names:
            for name in self.fixed_for_managers:
                del form[name]
        form.periods.show(obj, fill=not form.is_typed)
        if not form.is_typed and "manager" in form:
            form.manager.data = obj.manager().email if obj.manager() else ""
        return form

    def save(self, form, row, created, now):
        if created:
            row.submitted_at = now
        super().save(form, row, created, now)
        if created:
            sites.approve(row, self.by, now, tell=False)

    def save_rest(self, form, row, now):
        changed = sites.set_periods(row, site_forms.chosen_periods(form))
        if "manager" in form:
            sites.give_to(row, self._person(form.manager.data), self.by, now)
        return changed

    @staticmethod
    def _person(email):
        if not email:
            return None
        user = User.of_address(email)
        if user is None:
            raise RuleError(f"Er is geen account met e-mailadres {email}. Maak eerst een account aan.", "manager")
        return user

    @row_action("approve", "Goedkeuren", when=lambda site: site.state == "submitted")
    def action_approve(self, ids):
        return self.apply(sites.approve, ids, "goedgekeurd")

    # ---- Deelnemers

    @expose("/<int:pk>/deelnemers/", methods=("GET", "POST"))
    def participants(self, pk):
        """Manual chapter 4: KAVO-ID → name and hours left → Aantal uren → Deelnemer toevoegen."""
        site = scope.find(self.by, Site, pk, "couple") or abort(404)
        adds = site_page.adds()
        form = site_page.CoupleForm() if adds else site_page.CoupleForm(formdata=None)
        found, search_problem = self._look_up(site, form, adds) if request.method == "POST" else (None, None)
        if found and adds and self._is_shown(found, form) and form.validate() and self._couple(site, found, form):
            return redirect(url_for("site.participants", pk=site.id))
        listing = self.placements.listing(
            where=(Placement.site == site,), columns=("participant", "type", "hours", "state")
        )
        own = scope.may(self.by, "view", site)
        screen = ListScreen(listing, "Zoek in deze lijst", _export_of(site), search_only=True)
        return self.render(
            "admin/site_participants.html",
            site=site,
            form=form,
            found=found and site_page.FoundPanel.of(found, site, self.by),
            search_problem=search_problem,
            search_attributes=site_page.told_of("kavo", search_problem),
            kavo=found.participant.kavo_id if found else tidy(request.form.get("kavo", ""))[:50],
            screen=screen,
            nobody=f"Er is nog niemand{'' if own else ' van je vereniging'} gekoppeld.",
            trail=site_page.trail(site, own),
        )

    @expose("/<int:pk>/deelnemers/export/")
    def export_participants(self, pk):
        site = scope.find(self.by, Site, pk, "couple")
        if site is None or not self.placements.allowed("export", True):
            abort(404)
        return self.placements.export_of(self.placements.listing(where=(Placement.site == site,)), "csv")

    def _look_up(self, site, form, adds):
        """(found participant or None, why not), for the KAVO-ID that was posted. POST, so that it is in no URL or log."""
        if not tidy(request.form.get("kavo", "")):
            return None, "Typ het KAVO-ID van de stagiair."
        try:
            found = placements.look_up(request.form["kavo"], site, self.by, utcnow())
        except RuleError as error:
            refusing.note(str(error), "kavo")
            return None, str(error)
        form.kavo.data = found.participant.kavo_id
        form.trajectory.choices = [(str(one.id), f"{TYPES[one.type]}, {one.association}") for one in found.trajectories]
        if not adds:
            form.trajectory.data = str(found.trajectories[0].id)
            form.hours.data = placements.suggested_hours(found.trajectories[0], site)
        if TEAM not in self.by.role_names:
            del form.on_behalf
        return found, None

    @staticmethod
    def _is_shown(found, form) -> bool:
        """Whether the page showed this participant; a KAVO-ID that was typed over is somebody else's."""
        shown = request.form.get("shown", found.participant.kavo_id)
        if shown != found.participant.kavo_id:
            form.refuse(
                RuleError(
                    f"Je zag de gegevens van {shown}, maar in het veld staat {found.participant.kavo_id}. "
                    f"Dat is {found.participant}. Kijk na wie je wilt toevoegen.",
                    "kavo",
                )
            )
        return shown == found.participant.kavo_id

    def _couple(self, site, found, form) -> bool:
        """Couple what the form asks; False when a rule refused (the form then says why)."""
        trajectory = next(one for one in found.trajectories if str(one.id) == form.trajectory.data)
        cautions = []

        def act(now):
            placement = placements.couple(
                trajectory,
                site,
                form.hours.data,
                self.by,
                now,
                starts_on=form.starts_on.data,
                ends_on=form.ends_on.data,
                on_behalf=form.on_behalf.data if "on_behalf" in form else None,
            )
            cautions.extend(placements.cautions(placement, now))
            left = placement.trajectory.hours_left() - placement.counted
            text = f"{found.participant} is toegevoegd voor {placement.hours} uur. Nog {left} van {STAGE_HOURS} uur."
            return undoing.told(text, self.by, now)

        done = form.carry_out(act, self.by, utcnow())
        for caution in cautions if done else ():
            flash(caution, "note")
        return done


def _export_of(site):
    return lambda listing: url_for("site.export_participants", pk=site.id, **listing.requested.query)


def _to_evaluate():
    """The condition for placements of which the status says that their stage is to be evaluated."""
    return PLACEMENT.where(Placement, local_date(utcnow()), "over")


def _types(site) -> str:
    return ", ".join(TYPES[kind] for kind in site.types())


def _periods(site) -> str:
    return ", ".join(str(period) for period in site.period_list)


def _placed(site) -> Cell:
    waiting = f"{dutch.number(site.waiting)} te beoordelen" if site.waiting else ""
    return Cell(dutch.number(site.placed) if site.placed else "Geen", waiting)
