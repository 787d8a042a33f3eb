"""What the page of an imported file tells, in words: how far it is, its lines by their verdict, what one may still do."""

from flask import request

import dutch
from admin_kit.list_page import Tab
from models import ImportBatch, ImportRow, policy

HEADINGS = {
    "checking": "We kijken elke regel na",
    "checked": "Wat er zou gebeuren",
}
TONES = {"checked": "wait", "done": "good"}
GOOD = ("new", "trajectory", "changed")
"""verdicts of lines that change something"""


def values(batch: ImportBatch, counts: dict[str, int], verdict: str, before: ImportBatch | None) -> dict:
    """What the template of the page prints."""
    busy = batch.at_work
    position = max(batch.position, 0) if batch.position < batch.rows else batch.rows
    return {
        "tone": TONES.get(batch.state, "busy" if busy else ""),
        "heading": HEADINGS.get(batch.state, "De goede regels worden bewaard" if busy else "Wat er gebeurde"),
        "position": position,
        "notices": list(_notices(batch, before)),
        "tabs": list(_tabs(batch, counts, verdict)) if counts else [],
        "no_lines": _no_lines(batch),
        "good": sum(counts.get(name, 0) for name in GOOD),
        "nothing_good": _nothing_good(counts),
        "can_undo": batch.state == "done" and counts,
    }


def _notices(batch: ImportBatch, before: ImportBatch | None):
    if batch.state == "checked" and batch.finished_at:
        yield "Er is niets geïmporteerd: intussen kan niet elke regel meer. Kijk hieronder welke regels niet kunnen."
    if before:
        yield f"Precies dit bestand werd al geïmporteerd op {dutch.moment(before.finished_at)}."


def _tabs(batch: ImportBatch, counts: dict[str, int], verdict: str):
    yield Tab("Alle", dutch.number(batch.rows), request.path, "" if verdict else "page")
    for key, count in counts.items():
        current = "page" if verdict == key else ""
        yield Tab(ImportRow.VERDICTS[key], dutch.number(count), f"{request.path}?oordeel={key}", current)


def _no_lines(batch: ImportBatch) -> str:
    """Why there are no lines to show."""
    if batch.state == "dropped":
        return "Dit bestand is niet geïmporteerd. De regels zijn gewist."
    return f"De regels van dit bestand zijn gewist: we houden ze {policy.import_days} dagen bij."


def _nothing_good(counts: dict[str, int]) -> str:
    """Why there is nothing to import."""
    why = "verbeter eerst de regels die niet kunnen" if counts.get("bad") else "alles staat er al"
    return f"Er is niets te importeren: {why}."
