"""'Overzicht': figures over trajectories for the team, as table, chart and CSV."""

from typing import Any

from flask import Response, request, url_for
from flask_admin import BaseView, expose

import audit
import dutch
from admin_kit import charts, exports
from admin_kit.access import ForRoles
from admin_kit.cells import line
from database import whole_number
from models import TYPES, Association
from times import local_date, utcnow
from workflow import statistics

BARS = 12  # in the chart; the table has all


class OverviewView(ForRoles, BaseView):
    @expose("/")
    def index(self):
        chosen, rows = self._asked()
        measures, bars = statistics.MEASURES, _bars(rows)
        return self.render(
            "admin/overview.html",
            rows=[line(row.name, *(dutch.number(row.numbers[key]) for key in measures)) for row in rows],
            totals=[sum(row.numbers[key] for row in rows) for key in measures],
            titles=[statistics.GROUPS[chosen["per"]], *measures.values()],
            number_columns={number: "num" for number, _ in enumerate(measures, 1)},
            chosen=chosen,
            groups=statistics.GROUPS,
            types=TYPES,
            years=statistics.years(),
            associations=[(one.id, one.name) for one in Association.select().order_by(Association.search)],
            bars=bars,
            bars_words=" ".join(map(_bar_words, bars)),
            export_url=url_for(".export", **{key: value for key, value in chosen.items() if value}),
        )

    def _asked(self):
        """What the address asks for, and its figures."""
        group = request.args.get("per", "")
        chosen: dict[str, Any] = {
            "per": group if group in statistics.GROUPS else "jaar",
            "jaar": whole_number(request.args.get("jaar")),
            "type": request.args.get("type", "") if request.args.get("type") in TYPES else "",
            "vereniging": whole_number(request.args.get("vereniging")),
        }
        if not 1900 <= (chosen["jaar"] or 2000) <= 2100:
            chosen["jaar"] = None
        rows = statistics.by(chosen["per"], local_date(utcnow()), chosen["jaar"], chosen["type"], chosen["vereniging"])
        return chosen, rows

    @expose("/export/")
    def export(self):
        chosen, rows = self._asked()
        audit.record(
            self.by, "list.exported", None, at=utcnow(), name="Overzicht", rows=f"{len(rows)} rijen", filter=""
        )
        made = exports.DutchCsv()
        cells = [[made.cell(row.name), *(made.cell(row.numbers[name]) for name in statistics.MEASURES)] for row in rows]
        titles = [
            made.title("", statistics.GROUPS[chosen["per"]]),
            *(made.title("", word) for word in statistics.MEASURES.values()),
        ]
        headers = {"Content-Disposition": f'attachment; filename="overzicht-{utcnow():%Y-%m-%d}.csv"'}
        return Response("".join(made.pieces(titles, [cells])), mimetype=made.mimetype, headers=headers)


def _bars(rows) -> list[dict]:
    """What the chart draws of the first groups: for each how many started, and within it who dropped out."""
    shown = rows[-BARS:] if len(rows) > BARS and rows[0].name.isdigit() else rows[:BARS]
    return charts.bars([(row.name, row.numbers["started"]) for row in shown], [row.dropped_out for row in shown])


def _bar_words(bar: dict) -> str:
    started, dropped = dutch.number(bar["count"]), dutch.number(bar["part"])
    return f"{bar['name']}: {started} gestart, {dropped} termijn voorbij of stopgezet."
