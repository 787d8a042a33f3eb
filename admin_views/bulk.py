"""Bulk actions: coupling a pasted column of KAVO-IDs to a site, and evaluating a list of placements on one page."""

from flask import abort, redirect, request, url_for
from flask_admin import BaseView, expose
from flask_wtf.file import FileField
from wtforms import IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import Length, Optional

import dutch
import scope
from admin_kit.access import HiddenFromMenu, came_from
from admin_kit.actions import too_many
from admin_views import couple_page, undoing
from admin_views.placements import FIELDS
from database import RuleError, whole_number
from database.texts import tidy_lines
from forms import LONGEST_TEXT, ChoiceField, DayField, KavoForm, Told, refusing, required, room, sometimes
from models import ASSOCIATION, CRITERIA, MANAGER, ON_BEHALF, RESULTS, TEAM, Site
from times import utcnow
from workflow.stages import bulk
from workflow.stages.evaluations import EvaluationInput

MOST_BYTES = 64 * 1024
MOST_PASTED = 20_000


class PasteForm(KavoForm):
    text = TextAreaField(
        "KAVO-ID’s",
        [sometimes, Length(max=MOST_PASTED)],
        description="Elk KAVO-ID op een eigen regel. Verschillen de uren, zet ze er dan achter: 125143-59;20.",
    )
    file = FileField(
        "CSV-bestand met KAVO-ID’s en uren", [sometimes], description="Alleen als je hierboven niets plakt."
    )
    hours = IntegerField(
        "Aantal uren", [sometimes, Optional()], description="Nodig als er op een regel geen aantal staat."
    )
    starts_on = DayField("Verwachte begindatum")
    ends_on = DayField("Verwachte einddatum")
    on_behalf = ChoiceField("Namens", [required()], choices=ON_BEHALF, blank=None)


class TogetherForm(KavoForm):
    """The fields that all placements of a list share."""

    mentor = StringField("Stagebegeleider", [required("Typ de naam van de stagebegeleider."), Length(max=200)])
    criterion = ChoiceField(
        "De stagebegeleider heeft", [required("Kies wat de stagebegeleider heeft.")], choices=CRITERIA
    )
    on_behalf = ChoiceField("Namens", [required()], choices=ON_BEHALF, blank=None)


LATER = "later"
NEEDED = {"starts_on": "Kies de eerste dag.", "ends_on": "Kies de laatste dag.", "hours_done": "Typ hoeveel uur."}


class OneForm(KavoForm):
    """The fields of each placement; required for those that are not postponed."""

    class Meta(KavoForm.Meta):
        csrf = False

    starts_on = DayField("Begindatum", [sometimes, Optional()])
    ends_on = DayField("Einddatum", [sometimes, Optional()])
    hours_done = IntegerField("Gepresteerde uren", [sometimes, Optional()])
    result = RadioField("Resultaat", choices=[*RESULTS.items(), (LATER, "Nu niet")], default=LATER)
    motivation = TextAreaField("Motivering", [sometimes, Length(max=LONGEST_TEXT)])

    @property
    def has_motivation(self) -> bool:
        """Whether there is anything to see in the folded part for it."""
        return bool(self.motivation.data or self.form_errors or self.motivation.errors)


class BulkView(HiddenFromMenu, BaseView):
    roles = (TEAM, MANAGER, ASSOCIATION)
    home = "placement.index_view"

    # ---- coupling

    @expose("/<int:pk>/koppelen", methods=("GET", "POST"))
    @room(fields=3 * bulk.MOST_LINES, characters=MOST_PASTED, file=2 * MOST_BYTES)
    def couple(self, pk):
        """Paste, review the preview, confirm, and read the outcome of each line."""
        site = scope.find(self.by, Site, pk, "couple") or abort(404)
        form, lines, done = PasteForm(), [], False
        if TEAM not in self.by.role_names:
            del form.on_behalf
        if form.validate_on_submit():
            try:
                lines = bulk.read(_pasted(form), form.hours.data)
            except RuleError as error:
                form.refuse(error)
            else:
                done = "sure" in request.form and form.carry_out(self._couple(lines, site, form), self.by, utcnow())
                if not done:
                    bulk.preview(lines, _chosen(), site, self.by, utcnow(), **self._shared(form))
        for line in lines:
            if line.problem and (line.trajectories or not done):  # the rest was reported before confirming
                refusing.note(line.problem, "text")
        if done:
            count = sum(bool(line.done) for line in lines)
            return self.render("admin/couple_result.html", site=site, outcomes=couple_page.outcomes(lines), done=count)
        return self.render(
            "admin/couple_check.html" if lines else "admin/couple_many.html",
            site=site,
            form=form,
            told=couple_page.told(lines),
            kept=couple_page.kept(form),
            lines=couple_page.found(lines, _chosen()),
        )

    def _couple(self, lines, site, form):
        def act(now):
            bulk.look_up(lines, site, self.by, now)
            bulk.couple(lines, _chosen(), site, self.by, now, **self._shared(form))
            count = sum(bool(line.done) for line in lines)
            text = f"{dutch.counted(count, 'deelnemer', 'deelnemers')} toegevoegd aan {site}."
            return undoing.told(text, self.by, now) if count else ""

        return act

    @staticmethod
    def _shared(form) -> dict:
        """What applies to every line: expected dates, and on whose behalf."""
        on_behalf = form.on_behalf.data if "on_behalf" in form else None
        return {"starts_on": form.starts_on.data, "ends_on": form.ends_on.data, "on_behalf": on_behalf}

    # ---- evaluating

    @expose("/beoordelen", methods=("GET", "POST"))
    @room(fields=7 * bulk.MOST_EVALUATED, characters=(LONGEST_TEXT + 50) * bulk.MOST_EVALUATED)
    def evaluate(self):
        """One form for what the placements share, and some fields for each; those postponed stay open."""
        ids = list(dict.fromkeys(request.values.getlist("id")))
        if too_many(ids, bulk.MOST_EVALUATED):
            return redirect(self._back())
        rows = bulk.to_evaluate([pk for pk in map(whole_number, ids) if pk], self.by)
        skipped = len(ids) - len(rows)
        form = TogetherForm()
        if TEAM not in self.by.role_names:
            del form.on_behalf
        ones, fills = {row.id: _one(row) for row in rows}, "alle" in request.form
        if fills:
            _all_positive(ones.values())
        if rows and form.is_submitted() and not fills and self._valid(form, ones):
            refused: dict[int, str] = {}
            asked = rows
            if form.carry_out(lambda now: self._evaluate(asked, ones, form, now, refused), self.by, utcnow()):
                if not refused:
                    return redirect(self._back())
                rows = [row for row in asked if row.id in refused]
                form.renew()
        return self.render(
            "admin/evaluate_many.html",
            form=form,
            rows=rows,
            ones=ones,
            back=self._back(),
            skipped=_skipped(skipped),
            may_fill=not form.errors and any(one.result.data == LATER for one in ones.values()),
            parts={str(row.trajectory.participant): ones[row.id] for row in rows},
        )

    def _back(self):
        return came_from() or url_for("placement.index_view")

    def _valid(self, form, ones) -> bool:
        """Whether everything filled in is valid: dates, hours and result of each placement that is not postponed."""
        now = {key: one for key, one in ones.items() if one.result.data != LATER}
        fine = form.validate()
        if not now:
            next(iter(ones.values())).result.errors = ["Kies bij minstens één deelnemer Positief of Negatief."]
            return False
        for one in now.values():
            refusing.note_form(one)
            if not one.validate():
                fine = False
            for name, text in NEEDED.items():
                if one[name].data is None and not one[name].errors:
                    one[name].errors, fine = [text], False
        return fine

    def _evaluate(self, rows, ones, form, now, refused) -> Told | str:
        """Evaluate each in its own savepoint, in the order of their trajectories; `refused` gets the refusals."""
        shared = {"mentor": form.mentor.data, "criterion": form.criterion.data}
        behalf = form.on_behalf.data if "on_behalf" in form else None
        count = 0
        for row in sorted(rows, key=lambda row: row.trajectory_id):
            one = ones[row.id]
            if one.result.data == LATER:
                continue
            values = {name: one[name].data for name in FIELDS if name in one} | shared
            problem = bulk.evaluate(row, EvaluationInput(**values), self.by, now, on_behalf=behalf)
            count += not problem
            if problem:
                refused[row.id] = problem
                one.form_errors.append(problem)
        text = f"{dutch.counted(count, 'stage', 'stages')} beoordeeld."
        return undoing.told(text, self.by, now) if count else ""


def _pasted(form) -> str:
    """The pasted text or the file; once confirmed: the ticked lines, with the hours beside them."""
    if "sure" in request.form:
        return "\n".join(f"{kavo};{request.form.get(f'uren-{kavo}', '')}" for kavo in request.form.getlist("kavo"))
    data = form.file.data.read(MOST_BYTES + 1) if form.file.data else b""
    if len(data) > MOST_BYTES:
        raise RuleError("Dit bestand is te groot voor een lijst met KAVO-ID’s.", "file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    return tidy_lines(f"{form.text.data or ''}\n{text}")


def _chosen() -> dict[str, int]:
    """KAVO-ID → id of the trajectory, for those with several."""
    return {
        name.removeprefix("traject-"): number
        for name, value in request.form.items()
        if name.startswith("traject-") and (number := whole_number(value))
    }


def _one(row) -> OneForm:
    """The fields of one placement, filled in as expected."""
    form = OneForm(prefix=f"s{row.id}-")
    if not form.is_typed:
        form.starts_on.data, form.ends_on.data, form.hours_done.data = row.starts_on, row.ends_on, row.hours
    return form


def _all_positive(forms):
    """Give everybody without a result a positive one; all else that was typed stays."""
    for form in forms:
        if form.result.data == LATER:
            form.result.data = "positive"


def _skipped(count: int) -> str:
    """How many of those that were chosen are not on the page, and why; empty when all of them are."""
    words = dutch.counted(count, "stage uit je keuze staat", "stages uit je keuze staan")
    return f"{words} hier niet: al beoordeeld of geannuleerd." if count else ""
