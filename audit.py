"""The history: one append-only table, written in the same transaction as the change and shown as Dutch sentences."""

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import dutch
from database import BaseModel, checkpoint_keys, in_chunks, is_phone, locking, readings
from models import Handover, History, Placement, Site, Trajectory, User

SENTENCES = {
    "site.submitted": "{who} diende een aanvraag in voor {site} en aanvaardde de verklaring (versie {version}).",
    "site.submitted_again": "{who} diende de aanvraag voor {site} opnieuw in. Gewijzigd: {changes}.",
    "site.approved": "{who} keurde de stageplaats {site} goed.{checked}",
    "site.rejected": "{who} keurde de stageplaats {site} niet goed. Reden: {reason}{checked}",
    "site.undone": "{who} maakte de beslissing over {site} ongedaan, voor de e-mail vertrok.",
    "site.reopened": "{who} heropende {site}. Reden: {reason}",
    "site.asked": "{who} stelde een vraag over {site}. De termijn staat stil tot het antwoord.",
    "site.answered": "{who} antwoordde op de vraag over {site}. De termijn loopt weer, tot {due}.",
    "site.resumed": "{who} wacht niet langer op een antwoord over {site}. De termijn loopt weer, tot {due}.",
    "site.withdrawn": "{who} trok de aanvraag voor {site} in.",
    "site.closed": "{who} sloot de stageplaats {site}. Reden: {reason} {running}",
    "site.manager": "{who} maakte {manager} stageplaatsverantwoordelijke van {site}.",
    "site.without_manager": "{who} haalde {manager} weg als stageplaatsverantwoordelijke van {site}.",
    "proposal.made": "{who} vroeg een wijziging van {site}: {changes}.",
    "proposal.accepted": "{who} keurde de wijziging van {site} goed: {changes}.",
    "proposal.refused": "{who} keurde de wijziging van {site} niet goed. Reden: {reason}",
    "proposal.withdrawn": "{who} trok de wijziging van {site} in.",
    "handover.asked": "{who} vroeg om het beheer van {site} over te nemen.",
    "handover.offered": "{who} bood het beheer van {site} aan een opvolger aan.",
    "handover.accepted": "{who} keurde de overdracht van {site} goed: {taker} is nu stageplaatsverantwoordelijke ({moves}).",
    "handover.refused": "{who} keurde de overdracht van {site} niet goed. Reden: {reason}",
    "handover.withdrawn": "{who} trok de overdracht van {site} in.",
    "handover.escalated": "Het team beslist over de overdracht van {site}. Reden: {reason}",
    "handover.ended": "De overdracht van {site} stopte. Reden: {reason}",
    "trajectory.stopped": "{who} zette het traject {type} van {participant} stop. Reden: {reason}",
    "trajectory.resumed": "{who} hervatte het traject {type} van {participant}. Reden: {reason}",
    "trajectory.extended": "{who} verlengde het traject {type} van {participant} tot {until}. Reden: {reason}",
    "trajectory.extended_all": "{who} verlengde alle trajecten met {days} dagen. De cursus begon van {first} tot en met "
    "{last}. Reden: {reason}",
    "trajectory.started": "{association} startte het traject {type} van {participant} op {start}.",
    "placement.coupled": "{who} koppelde {participant} aan {site} voor {hours} uur{on_behalf}.",
    "placement.changed": "{who} wijzigde de koppeling van {participant} aan {site}: {changes}.",
    "placement.cancelled": "{who} annuleerde de koppeling van {participant} aan {site} ({hours} uur). Reden: {reason}",
    "placement.evaluated": "{who} beoordeelde de stage van {participant} bij {site} {result}: {hours_done} uur{on_behalf}.",
    "placement.corrected": "{who} verbeterde de beoordeling van {participant} bij {site}. "
    "Nu {result}, {hours_done} uur{on_behalf} (versie {number}).",
    "placement.undone": "{who} maakte {what} van {participant} bij {site} ongedaan.",
    "final.given": "{who} gaf de eindevaluatie van {participant} ({type}): {result} op {day}{on_behalf}.{exception}",
    "final.reopened": "{who} heropende het traject {type} van {participant}. Reden: {reason}{revoked}",
    "attest.released": "{who} reikte het attest {type} uit aan {participant}.",
    "import.received": "{who} bood het bestand ‘{name}’ aan: {rows}.",
    "import.confirmed": "{who} importeerde het bestand ‘{name}’.",
    "import.dropped": "{who} zag af van het importeren van ‘{name}’.",
    "import.done": "Het bestand ‘{name}’ is geïmporteerd: {counts}.",
    "import.undone": "{who} maakte het importeren van ‘{name}’ ongedaan: {counts}.",
    "participant.erased": "{who} wiste de gegevens van een deelnemer. Reden: {reason}",
    "user.completed": "{who} voltooide de registratie.",
    "user.address": "{who} verbeterde het e-mailadres van de aanvrager van {old} naar {new}.",
    "user.registered": "{who} registreerde zich met eID.",
    "user.confirmed": "{who} bevestigde het e-mailadres.",
    "user.eid": "{who} koppelde de eID aan het account. Aanmelden met een wachtwoord kan niet meer.",
    "user.eid_asked": "{who} wil een eID koppelen die niet bij het account past. Het team kijkt het na.",
    "user.eid_changed": "Op de eID van {name} staat iets nieuws, dat we overnamen: {changes}.",
    "user.eid_disagrees": "Iemand meldde zich aan met een eID die niet klopt met het account van {name}. Het team kijkt het na.",
    "user.eid_linked": "{who} koppelde de eID aan het account van {name}.",
    "user.eid_refused": "{who} koppelde de eID niet aan het account van {name}. Reden: {reason}",
    "user.merged": "{who} voegde het account {old} samen met dat van {name}.",
    "user.invited": "{who} stuurde {name} een link om een wachtwoord te kiezen.",
    "user.password": "{who} koos een nieuw wachtwoord.",
    "user.erased": "{who} wiste de gegevens van een account. Reden: {reason}",
    "user.second_step": "{who} wijzigde de tweede stap bij het aanmelden: {what}.",
    "user.second_step_wiped": "{who} wiste de tweede stap van {name}.",
    "user.signed_out": "{who} meldde zich overal af.",
    "user.roles": "{who} wijzigde de rollen van {name}: {changes}.",
    "mail.again": "{who} verstuurde de e-mail ‘{name}’ opnieuw.",
    "mail.set_aside": "{who} zette de e-mail ‘{name}’ opzij: dat ze niet aankwam, is in orde gebracht.",
    "row.added": "{who} voegde {kind} ‘{name}’ toe.",
    "row.changed": "{who} wijzigde {kind} ‘{name}’: {changes}.",
    "row.deleted": "{who} verwijderde {kind} ‘{name}’.",
    "list.exported": "{who} exporteerde ‘{name}’: {rows}{filter}.",
    "history.erased": "{who} wiste de namen in {lines} van de geschiedenis: de bewaartermijn is voorbij.",
    "retention.changed": "{who} wijzigde de bewaartermijn van ‘{name}’: {changes}.",
    "clock.since": "{who} koos dat de klok niets herinnert van voor {day}.",
}
"""Verb → sentence, by noun; the payload fills the names in braces."""

UNDOES = {
    "site.undone": ("site.approved", "site.rejected"),
    "placement.undone": ("placement.coupled", "placement.evaluated", "placement.corrected", "placement.cancelled"),
}
"""verb that says that something was undone → the verbs of what can be"""
GOES_ALONG = ("placement.changed",)
"""undone together with the act before it"""

ERASED = "(gegevens gewist)"
OPTIONAL = {"on_behalf", "exception", "revoked", "checked", "running", "filter"}
"""facts that are often empty, at the end of a sentence"""


class _Erased(dict[str, Any]):
    """The facts of a line whose payload was erased: an ellipsis for each."""

    def __missing__(self, name: str) -> str:
        return "" if name in OPTIONAL else "…"


def record(by: User | None, verb: str, row: BaseModel | None, at: datetime, **facts: Any) -> History:
    """Write one line of history about `row`, for an act of `by` (None: the tool itself) at `at` (UTC).

    `facts` fill the sentence. They are stored as a payload that can be erased, with a salted digest that stays."""
    return History.create(**_columns(by, verb, row, at, facts))


def erase(ids: set[int], by: User | None, verb: str, row: BaseModel | None, at: datetime, **facts: Any) -> History:
    """Erase the payloads of the lines with these ids, and write a line (see `record`) that says so and proves which lines they
    were. Inside a transaction. The facts of the new line must not name the person who is erased."""
    locked = [key for chunk in in_chunks(sorted(ids)) for key in _lock_with_payload(chunk)]
    columns = _columns(by, verb, row, at, facts)
    line = History.create(**columns, erases=checkpoint_keys.mark(columns["digest"], locked))
    for chunk in in_chunks(locked):
        History.update(payload=None, salt=None, erased_by=line.id).where(History.id.in_(chunk)).execute()
    return line


def _lock_with_payload(ids: list[int]) -> list[int]:
    """The ids of those lines that have a payload, locked so that nobody else erases them meanwhile."""
    query = History.select(History.id).where(History.id.in_(ids), History.payload.is_null(False)).order_by(History.id)
    return [key for (key,) in locking(query).tuples().iterator()]


def _columns(by: User | None, verb: str, row: BaseModel | None, at: datetime, facts: dict[str, Any]) -> dict[str, Any]:
    facts["who"] = str(by) if by else "De tool"
    payload = json.dumps(facts, ensure_ascii=False, sort_keys=True, default=_as_text)
    SENTENCES[verb].format_map(facts)  # a missing fact fails here, in a test, instead of years later on a page
    salt = secrets.token_hex(8)
    site_id, trajectory_id = _belongs_to(row)
    return {
        "at": at,
        "actor": by,
        "verb": verb,
        "object_type": row._meta.table_name if row is not None else "",
        "object_id": str(row.pk) if row is not None else "",
        "site_id": site_id,
        "trajectory_id": trajectory_id,
        "payload": payload,
        "salt": salt,
        "digest": digest(salt, payload),
    }


def digest(salt: str, payload: str) -> str:
    """The proof that stays when a payload is erased."""
    return hashlib.sha256((salt + payload).encode()).hexdigest()


def _as_text(value: object) -> str:
    return dutch.shown(value) if isinstance(value, date) else str(value)


def _belongs_to(row: BaseModel | None) -> tuple[int | None, int | None]:
    """The ids of the site and the trajectory that a row is about."""
    if isinstance(row, Site):
        return row.id, None
    if isinstance(row, Trajectory):
        return None, row.id
    if isinstance(row, Placement):
        return row.site_id, row.trajectory_id
    if isinstance(row, Handover):
        return row.site_id, None
    return None, None


def sentence(line: History) -> str:
    """A line of history as it is shown."""
    return worded(line.verb, line.payload)


def worded(verb: str, payload: str | None) -> str:
    """The sentence of a line of history, from its stored values."""
    if payload is None:
        return f"{bare(verb)} {ERASED}"
    return SENTENCES[verb].format_map(json.loads(payload))


def bare(verb: str) -> str:
    """The sentence without its facts: '… koppelde … aan … voor … uur.'"""
    return SENTENCES[verb].format_map(_Erased())


def about(row: BaseModel, most: int) -> list[History]:
    """The last lines about this row, at most this many, newest first."""
    same = (History.object_type == row._meta.table_name) & (History.object_id == str(row.pk))
    return list(History.select().where(same).order_by(History.id.desc()).limit(most))


def as_timeline(lines: Iterable[History]) -> list[tuple[datetime, str, bool]]:
    """(moment in UTC, sentence, done by the tool itself) of each line."""
    return [(line.at, sentence(line), line.actor_id is None) for line in lines]


def standing(model: type[BaseModel], ids: Iterable[int], since: datetime | None = None) -> list[History]:
    """The lines about these rows of a table, from `since` (UTC) on, newest first, without what was undone."""
    about_them = [History.object_type == model._meta.table_name, History.object_id << [str(pk) for pk in ids]]
    recent = [History.at >= since] if since else []
    return without_undone(list(History.select().where(*about_them, *recent).order_by(History.id.desc())))


def without_undone(lines: list[History]) -> list[History]:
    """Lines (newest first) without the acts that were undone, and without the lines that say so. An act may be undone, done
    again and undone again: each line that says so takes along the newest act on its row that is left."""
    undoable = {verb for verbs in UNDOES.values() for verb in verbs}
    kept, taken_back = [], Counter[tuple[str, str]]()
    for line in lines:
        row = (line.object_type, line.object_id)
        if line.verb in UNDOES:
            taken_back[row] += 1
        elif taken_back[row] and line.verb in undoable:
            taken_back[row] -= 1
        elif not (taken_back[row] and line.verb in GOES_ALONG):
            kept.append(line)
    return kept


def changes(before: dict[str, Any], row: BaseModel) -> str:
    """The differences between old values and a row, in words: 'Aantal uren van 20 naar 30, Gemeente van Gent naar Aalst'.
    `before`: field name → old value."""
    texts = []
    for name, old in before.items():
        field, new = row._meta.fields[name], getattr(row, name)
        if old != new:
            kinds = dict(field.choices or ())
            shown = readings.shown_phone if is_phone(field) else dutch.shown
            was, now = shown(kinds.get(old, old)), shown(kinds.get(new, new))
            texts.append(f"{field.verbose_name or name} van ‘{was or 'leeg'}’ naar ‘{now or 'leeg'}’")
    return dutch.listing(texts)


def is_whole(line: History) -> bool:
    """Whether the payload still matches its digest. Of an erased payload, `workflow.hash_chain` checks what erased it."""
    if line.payload is None:
        return line.salt is None
    return line.erased_by is None and line.salt is not None and digest(line.salt, line.payload) == line.digest
