"""Trajectories: one participant's way to one type of attest, with the final evaluation, and the lists of who is ready for it and
for the attest."""

from collections.abc import Callable
from typing import Any

from flask import Response, abort, redirect, request, url_for
from flask_admin import expose
from wtforms import IntegerField, RadioField, TextAreaField
from wtforms.validators import Length

import dutch
import scope
from admin_kit.actions import row_action, row_url, too_many
from admin_kit.base import AdminView
from admin_kit.cells import Button, Cell
from admin_kit.lists import BY_FAMILY_NAME, in_this_order
from admin_views import trajectory_page
from admin_views.placements import told
from database import RuleError, whole_number, writing
from forms import LONGEST_TEXT, DayField, KavoForm, ReasonField, refusing, required, room
from models import ASSOCIATION, COURSE_YEARS, FINAL_RESULTS, STAGE_HOURS, TEAM, TRAJECTORY, Participant, Trajectory
from times import utcnow
from workflow.stages import attests, certificates, finals, timeline, trajectories

MOST_AT_ONCE = 200
SORTED = ("attested", "failed", "passed", "expired", "open", "stopped")
"""statuses in the order of the stored columns: state, outcome, last day"""


class WhyForm(KavoForm):
    reason = TextAreaField("Reden", [required("Schrijf waarom."), Length(max=2000)])


class ExtendForm(WhyForm):
    until = DayField("Nieuwe einddatum", [required("Kies tot wanneer het traject mag duren.")])


class ExtendAllForm(WhyForm):
    """More time for everybody whose course began between two days."""

    first = DayField("Cursus begon vanaf", [required("Kies de eerste dag.")])
    last = DayField("Cursus begon tot en met", [required("Kies de laatste dag.")])
    days = IntegerField("Aantal dagen erbij", [required("Typ hoeveel dagen erbij komen.")])


class FinalForm(KavoForm):
    """'Eindevaluatie': contract."""

    result = RadioField("Resultaat", [required("Kies geslaagd of niet geslaagd.")], choices=list(FINAL_RESULTS.items()))
    evaluated_on = DayField("Datum evaluatie", [required("Kies de dag van de evaluatie.")])
    motivation = ReasonField("Motivering", [Length(max=LONGEST_TEXT)], "Alleen verplicht voor wie niet geslaagd is.")
    exception = ReasonField(
        "Reden van de uitzondering",
        description=f"Alleen nodig als de leeftijd of de termijn van {COURSE_YEARS} jaar het niet toelaat.",
    )

    @property
    def has_exception(self) -> bool:
        """Whether there is anything to see in the folded part for it."""
        return bool(self.exception.data)


class TrajectoryView(AdminView):
    roles = (TEAM, ASSOCIATION)
    kind, kinds = "traject", "trajecten"
    column_list: tuple[Any, ...] = (
        "participant",
        "type",
        "association",
        "course_started_on",
        "ends_on",
        "hours_used",
        "state",
    )
    search_words = "Zoek op naam of KAVO-ID"
    column_searchable_list = ("search",)
    column_filters: tuple[Any, ...] = ("type", "association", "course_started_on", "ends_on", "outcome")
    column_sortable_list: tuple[Any, ...] = (
        ("participant", "search"),
        "type",
        ("association", "association.search"),
        "course_started_on",
        "ends_on",
        "hours_used",
        ("state", ("state", "outcome", "ends_on")),
    )
    column_order_words = {
        "participant": BY_FAMILY_NAME,
        "state": in_this_order(TRAJECTORY.kinds[key].words for key in SORTED),
    }
    column_statuses = {"state": TRAJECTORY}
    column_default_sort = "participant"
    column_tabs: str | None = "state"
    column_spread = {
        "participant": ("participant.kavo_id", "participant.first_name", "participant.last_name"),
        "state": ("state", "outcome"),
    }
    column_formatters = {
        "participant": lambda view, context, row, name: Cell(str(row.participant), row.participant.kavo_id),
        "hours_used": lambda view, context, row, name: Cell(f"{row.hours_used} van {STAGE_HOURS} uur", hours=row.hours),
    }
    column_formatters_export: dict[str, Callable] = {}
    form_columns = ("participant", "association", "type", "course_started_on")
    form_ajax_refs = {"participant": {"fields": ("kavo_id",)}}
    form_args = {"participant": {"description": "Typ het KAVO-ID of de naam en kies uit de lijst."}}
    details_template = "admin/trajectory.html"
    action_order: tuple[str, ...] = ("final", "release", "stop", "resume", "extend", "reopen")
    can_add_words = "Traject toevoegen"
    empty_text = "Er zijn nog geen trajecten. Voeg deelnemers toe, of importeer ze uit een bestand."

    # ---- list

    def enrich(self, rows, names):
        """Hours that were done and who must act next, for all these rows in one query."""
        if {"hours_used", "state", "outcome"} & set(names):
            waiting = timeline.waiting_of(rows)
            for row in rows:
                row.open_placements = waiting[row.id]

    def status_of(self, row):
        return row.status(self.today, getattr(row, "open_placements", None))

    def row_links(self, row):
        links = [("Trajectgeschiedenis", row_url("trajectory.details_view", row.id))]
        if self.allowed("edit", True) and self.may_edit(row):
            links.append(("Gegevens wijzigen", row_url("trajectory.edit_view", row.id)))
        if row.state == "open":
            links.append(("Eindevaluatie", row_url("trajectory.final", row.id)))
        if row.outcome == "attested":
            links.append(("Attest downloaden", row_url("trajectory.attest", row.id, "pk")))
        return links

    def may_edit(self, row):
        return TEAM in self.by.role_names or row.untouched

    def details_extra(self, row):
        final = trajectory_page.final_facts(row, finals.current(row), attests.of(row))
        return told(row) | {"final_facts": final, "missing": row.missing() if row.state == "open" else []}

    def page_buttons(self, row):
        return trajectory_page.buttons(self, row, row.missing(), attests.of(row))

    def list_buttons(self):
        add = Button("Traject toevoegen", url_for("trajectory.create_view"), "btn-primary")
        extend = Button("Voor iedereen verlengen", url_for("trajectory.extend_all"))
        return [[add, extend] if self.allowed("extend", True) else [add]]

    def history(self, row):
        return timeline.lines(row, self.by)

    # ---- form

    def create_form(self, obj=None):
        participant = Participant.get_or_none(
            Participant.kavo_id == request.args.get("kavo", ""), scope.own(self.by, Participant)
        )
        form = super().create_form(obj)
        if participant and not form.is_typed:
            form.participant.data = participant
        return form

    def edit_form(self, obj=None):
        """For whom and what kind stays: a mistake there is a new trajectory. The association is the team's to change."""
        form = super().edit_form(obj)
        del form.participant, form.type
        if TEAM not in self.by.role_names:
            del form.association
        return form

    def save(self, form, row, created, now):
        if not created:
            return super().save(form, row, created, now)
        self.fill(row, form)
        trajectories.start(row, self.by, now)

    # ---- final evaluation

    @expose("/eindevaluatie/", methods=("GET", "POST"))
    @room(characters=LONGEST_TEXT)
    def final(self):
        """One or several: who is not ready stands there with what is missing; the others get the same outcome."""
        ids = request.values.getlist("id")
        if too_many(ids, MOST_AT_ONCE):
            return redirect(self.get_save_return_url())
        rows = self._for_final(ids)
        missing = timeline.missing_of(rows)
        form = FinalForm()
        if TEAM not in self.by.role_names:
            del form.exception
        chosen = [row for row in rows if not missing[row.id]]
        done: list[Any] = []
        refused: dict[int, str] = {}
        if chosen and form.validate_on_submit():
            asked = chosen
            if form.carry_out(lambda now: self._give(asked, form, now, done, refused), self.by, utcnow()):
                if not refused:
                    return redirect(self.get_save_return_url())
                chosen = [row for row in asked if row.id in refused]
                form.renew()
        waiting = [(row, missing[row.id]) for row in rows if missing[row.id]]
        return self.render(
            "admin/final.html",
            form=form,
            chosen=chosen,
            missing=waiting,
            refused=refused,
            several=len(rows) > 1,
            **_final_words(rows),
            return_url=self.get_save_return_url(),
        )

    def _for_final(self, ids) -> list[Trajectory]:
        """The trajectories with these ids, each of which one may evaluate; 404 otherwise."""
        numbers = {whole_number(pk) for pk in ids}
        mine = scope.own(self.by, Trajectory, "final")
        rows = list(
            self.joins.rows().where(Trajectory.id.in_([pk for pk in numbers if pk]), mine).order_by(Trajectory.search)
        )
        if not rows or len(rows) < len(numbers):
            abort(404)
        return rows

    def _give(self, rows, form, now, done, refused) -> str:
        """Each in a savepoint of its own: who is refused stays on the page with the reason."""
        exception = form.exception.data if "exception" in form else ""
        for row in sorted(rows, key=lambda row: row.id):
            try:
                with writing():
                    finals.give(
                        row,
                        self.by,
                        now,
                        form.result.data,
                        form.evaluated_on.data,
                        form.motivation.data or "",
                        exception or "",
                    )
            except RuleError as error:
                if len(rows) == 1:
                    raise
                refused[row.id] = str(error)
                refusing.note(str(error))
            else:
                done.append(row)
        word = FINAL_RESULTS[form.result.data].lower()
        if len(done) == 1:
            return f"De eindevaluatie van {done[0].participant} is bewaard: {word}."
        return f"{dutch.counted(len(done), 'eindevaluatie', 'eindevaluaties')} bewaard: {word}." if done else ""

    @row_action("final", "Eindevaluatie geven", in_menu=False, when=lambda row: row.state == "open", most=MOST_AT_ONCE)
    def action_final(self, ids):
        return redirect(url_for("trajectory.final", id=ids))

    @row_action(
        "reopen",
        "Heropenen",
        "De eindevaluatie telt dan niet meer, en een attest dat uitgereikt is, wordt ongeldig.",
        form=WhyForm,
        when=lambda row: row.state == "finished",
        danger=True,
        in_menu=False,
    )
    def action_reopen(self, ids, form):
        return self.apply(finals.reopen, ids, "heropend", reason=form.reason.data)

    # ---- attest

    @row_action(
        "release",
        "Attest uitreiken",
        "Het attest is dan geldig. Wie een e-mailadres heeft, krijgt een link.",
        when=lambda row: row.outcome == "passed",
        in_menu=False,
    )
    def action_release(self, ids):
        return self.apply(attests.release, ids, "klaar: het attest is uitgereikt")

    @expose("/<int:pk>/attest")
    def attest(self, pk):
        row = scope.find(self.by, Trajectory, pk, "attest") or abort(404)
        given = attests.of(row) or abort(404)
        name = certificates.file_name(given)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(certificates.pdf(given), mimetype="application/pdf", headers=headers)

    # ---- stopping, going on, more time

    @row_action(
        "stop",
        "Stopzetten",
        "Koppelen kan dan niet meer. Je kunt het traject later hervatten.",
        form=WhyForm,
        when=lambda row: row.state == "open",
        danger=True,
        in_menu=False,
    )
    def action_stop(self, ids, form):
        return self.apply(trajectories.stop, ids, "stopgezet", reason=form.reason.data)

    @row_action(
        "resume",
        "Hervatten",
        "Het traject loopt dan weer, met dezelfde einddatum.",
        form=WhyForm,
        when=lambda row: row.state == "stopped",
        in_menu=False,
    )
    def action_resume(self, ids, form):
        return self.apply(trajectories.resume, ids, "hervat", reason=form.reason.data)

    @row_action(
        "extend",
        "Verlengen",
        "De deelnemers mogen hun traject afwerken tot de dag die je kiest.",
        form=ExtendForm,
        when=lambda row: row.state == "open",
        in_menu=False,
    )
    def action_extend(self, ids, form):
        return self.apply(trajectories.extend, ids, "verlengd", until=form.until.data, reason=form.reason.data)

    @expose("/verlengen/", methods=("GET", "POST"))
    def extend_all(self):
        """Everybody whose course began between two days."""
        if not self.allowed("extend", True):
            abort(404)
        form = ExtendAllForm()

        def act(now):
            count = trajectories.extend_all(
                form.first.data, form.last.data, form.days.data, self.by, now, form.reason.data
            )
            return f"{dutch.counted(count, 'traject loopt', 'trajecten lopen')} nu {form.days.data} dagen langer."

        if form.validate_on_submit() and form.carry_out(act, self.by, utcnow()):
            return redirect(url_for(".index_view"))
        return self.render("admin/extend_all.html", form=form)


def _final_words(rows) -> dict[str, str]:
    """The headings of the final evaluation, for one person or for several."""
    if len(rows) > 1:
        return {"kicker": "", "heading": "Voor wie", "missing_heading": "Nog niet klaar"}
    return {
        "kicker": str(rows[0]),
        "heading": "Deelnemer",
        "missing_heading": "De eindevaluatie kan nog niet",
    }


class _Part(TrajectoryView):
    """A list of some trajectories, on which one acts as on all of them."""

    can_create = can_edit = can_view_details = False

    def list_buttons(self):
        return []

    def listing(self, where=(), path=None, keep=(), columns=None):
        return super().listing((*where, self.part()), path, keep, columns)


class ReadyView(_Part):
    """'Klaar voor eindevaluatie'."""

    column_list = ("participant", "type", "association", "course_started_on", "ends_on", "state")
    column_filters = ("type", "association")
    column_tabs = None
    action_order = ("final",)
    empty_text = (
        f"Er wacht niemand op een eindevaluatie. Wie {STAGE_HOURS} uur positief beoordeeld is, komt hier vanzelf."
    )

    def part(self):
        return finals.ready(self.today)


class AttestView(_Part):
    """'Attesten': who passed, and whose attest was released."""

    column_list = ("participant", "type", "association", "ends_on", "outcome")
    column_filters = ("type", "association")
    column_sortable_list = (*TrajectoryView.column_sortable_list, "outcome")
    column_labels = {"outcome": "Status"}
    column_tabs = "outcome"
    tab_words = {key: (TRAJECTORY.kinds[key].words, [key]) for key in ("passed", "attested")}
    column_statuses = {"outcome": TRAJECTORY}
    action_order = ("release", "reopen")
    empty_text = "Er is nog niemand geslaagd voor een eindevaluatie."

    def is_visible(self):
        """In the menu of the team, which has it to do; an association has the same rows under 'Trajecten'."""
        return TEAM in self.by.role_names

    def part(self):
        return TRAJECTORY.where(Trajectory, self.today, "passed", "attested")
