"""What the page of one trajectory shows besides its story: what one may do, and how it ended."""

from flask import url_for
from markupsafe import Markup, escape

import dutch
from admin_kit.cells import Button, Cell, Fact, facts
from database.texts import OneLine
from models import FINAL_RESULTS


def buttons(view, row, missing, attest) -> list[Button]:
    """What the person at the screen may do with it: evaluate first, unless something is missing for that."""
    kind = "btn-secondary" if missing else "btn-primary"
    found = [Button("Eindevaluatie", url_for("trajectory.final", id=row.id), kind)] if row.state == "open" else []
    if attest:
        found.append(Button("Attest downloaden", url_for("trajectory.attest", pk=row.id), "btn-primary"))
    return [*found, *view.edit_buttons(row), *_acts(view, row)]


def _acts(view, row) -> list[Button]:
    """The other acts; to release the attest is what waits most."""
    kinds = {"release": "btn-primary"}
    return [
        view.act_button(row, action, kinds.get(action.name, "btn-secondary"))
        for action in view.row_actions(row)
        if action.name != "final"
    ]


def final_facts(row, final, attest) -> list[Fact]:
    """How it was evaluated in the end; nothing when it was not."""
    if final is None:
        return []
    issued = Markup("Uitgereikt op {}, code {}")
    return facts(
        ("Resultaat", FINAL_RESULTS[final.result]),
        ("Datum evaluatie", final.evaluated_on),
        ("Door", f"{final.by}, namens {row.association}"),
        ("Motivering", final.motivation, "lines"),
        ("Uitzondering", final.exception, "lines"),
        ("Attest", Cell(issued.format(dutch.day(attest.issued_on), escape(OneLine(attest.code)))) if attest else ""),
    )
