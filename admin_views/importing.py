"""Importing participants from a file: choose it, review the verdict of each line, confirm, download the result,
undo."""

from flask import Response, abort, flash, redirect, request, stream_with_context, url_for
from flask_admin import BaseView, expose
from flask_wtf.file import FileField, FileRequired
from wtforms import RadioField

import dutch
import scope
from admin_kit import exports
from admin_kit.access import HiddenFromMenu
from admin_kit.cells import Cell, line
from admin_views import import_page
from database import whole_number
from forms import KavoForm, room
from models import ASSOCIATION, TEAM, ImportBatch, ImportRow, User
from times import utcnow
from workflow.imports import batches, undo

LINES_SHOWN = 50
MOST_BYTES = 30 * 1024 * 1024  # 200,000 lines and more
MARKS = {"new": "good", "trajectory": "good", "changed": "wait", "known": "", "bad": "bad"}


EARLIER = ("Bestand", "Wanneer", "Door", "Regels", "Status")
"""columns of the files that were offered before"""


class UploadForm(KavoForm):
    file = FileField("CSV-bestand", [FileRequired("Kies het bestand dat je wilt importeren.")])


class ConfirmForm(KavoForm):
    which = RadioField(
        "Wat wil je importeren?",
        choices=[("good", "Alle goede regels"), ("all", "Alleen als alle regels goed zijn, anders niets")],
        default="good",
    )


class ImportView(HiddenFromMenu, BaseView):
    roles = (TEAM, ASSOCIATION)
    home = "participant.index_view"

    @expose("/", methods=("GET", "POST"))
    @room(file=MOST_BYTES)
    def index(self):
        form = UploadForm()
        if form.validate_on_submit():
            made = []

            def act(now):
                file = form.file.data
                made.append(batches.receive(file.stream, file.filename or "bestand.csv", self.by, now))

            if form.carry_out(act, self.by, utcnow()):
                if made:
                    batches.work_at_once(made[0], utcnow())
                return redirect(url_for(".show", pk=made[0].id) if made else url_for(".index"))
        return self.render(
            "admin/import.html",
            form=form,
            columns=";".join(batches.COLUMNS),
            titles=EARLIER,
            earlier=[_earlier_line(one) for one in self._earlier()],
        )

    def _earlier(self):
        query = ImportBatch.select(ImportBatch, User).left_outer_join(User)
        return query.where(scope.own(self.by, ImportBatch)).order_by(ImportBatch.id.desc()).limit(20)

    def _batch(self, pk, act="view") -> ImportBatch:
        return scope.find(self.by, ImportBatch, pk, act) or abort(404)

    @expose("/<int:pk>/")
    def show(self, pk):
        """The progress; then the lines with their verdicts, all of them or those with one verdict."""
        batch = self._batch(pk)
        after = whole_number(request.args.get("na")) or 0
        verdict = request.args.get("oordeel", "")
        lines = batch.lines.where(ImportRow.number > after).order_by(ImportRow.number)
        if verdict in ImportRow.VERDICTS:
            lines = lines.where(ImportRow.verdict == verdict)
        shown = [] if batch.at_work else list(lines.limit(LINES_SHOWN + 1))
        before = batches.seen_before(batch) if batch.state == "checked" else None
        return self.render(
            "admin/import_busy.html" if batch.at_work else "admin/import_batch.html",
            batch=batch,
            form=ConfirmForm(),
            verdict=verdict,
            lines=[(line, line.texts) for line in shown[:LINES_SHOWN]],
            marks=MARKS,
            more=shown[LINES_SHOWN - 1].number if len(shown) > LINES_SHOWN else None,
            words=ImportRow.VERDICTS,
            held=batches.held(batch, utcnow()),
            **import_page.values(batch, batches.counts(batch), verdict, before),
        )

    @expose("/<int:pk>/confirm", methods=("POST",))
    def confirm(self, pk):
        batch, form = self._batch(pk, "confirm"), ConfirmForm()

        def act(now):
            batches.confirm(batch, self.by, now, all_or_none=form.which.data == "all")
            return "Het importeren is begonnen."

        if self._carry_out(form, act):
            batches.work_at_once(batch, utcnow())
        return redirect(url_for(".show", pk=pk))

    @expose("/<int:pk>/drop", methods=("POST",))
    def drop(self, pk):
        batch = self._batch(pk, "drop")

        def act(now):
            batches.drop(batch, self.by, now)
            return f"{batch} is niet geïmporteerd. Er is niets veranderd."

        self._carry_out(KavoForm(), act)
        return redirect(url_for(".index"))

    @expose("/<int:pk>/undo", methods=("POST",))
    def undo(self, pk):
        batch = self._batch(pk, "undo")

        def act(now):
            undo.undo(batch, self.by, now)
            return f"Het importeren van {batch} is ongedaan gemaakt."

        self._carry_out(KavoForm(), act)
        return redirect(url_for(".show", pk=pk))

    def _carry_out(self, form, act) -> bool:
        """Whether the act was done; otherwise a message says why not."""
        done = form.carry_out(act, self.by, utcnow())
        if not done:
            flash(" ".join(map(str, form.form_errors)), "warn")
        return done

    @expose("/<int:pk>/resultaat.csv")
    def result(self, pk):
        """The file with the outcome of each line: correct what failed, and import it again."""
        batch = self._batch(pk)
        made = exports.DutchCsv()
        rows = _result_rows(batch, made)
        pieces = exports.to_the_end(made.pieces([*batches.COLUMNS, *batches.RESULTS], rows), rows)
        headers = {"Content-Disposition": f'attachment; filename="import-{batch.id}-resultaat.csv"'}
        return Response(stream_with_context(pieces), mimetype=made.mimetype, headers=headers)


def _earlier_line(batch: ImportBatch) -> list[Cell]:
    """A file that was offered before: when, by whom, and what became of it."""
    name = Cell(str(batch), url=url_for(".show", pk=batch.id))
    return line(
        name, batch.created_at, batch.by or "de server", dutch.number(batch.rows), ImportBatch.STATES[batch.state]
    )


def _result_rows(batch, made):
    """Chunks of rows of cells: the texts of the file, then the verdict and why."""
    last = 0
    while chunk := list(batch.lines.where(ImportRow.number > last).order_by(ImportRow.number).limit(batches.STEP)):
        last = chunk[-1].number
        yield [
            [made.cell(text) for text in (*line.texts, ImportRow.VERDICTS.get(line.verdict, ""), line.text)]
            for line in chunk
        ]
