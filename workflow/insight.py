"""Everything that we keep about one person, to give to that person (GDPR, articles 15 and 20): readable, and as data.

Which columns those are, `privacy.REGISTER` says; left out are secrets (a hash tells the person nothing, a thief
much) and the names of others."""

import re
from datetime import date, datetime

from peewee import ForeignKeyField

import audit
import dutch
import privacy
import scope
from models import (
    Attest,
    Evaluation,
    Extension,
    FinalEvaluation,
    Handover,
    History,
    Identity,
    ImportBatch,
    ImportRow,
    LinkRequest,
    Lookup,
    Mail,
    Membership,
    Participant,
    Passkey,
    Placement,
    Proposal,
    SavedView,
    Site,
    SiteManager,
    SiteMessage,
    Trajectory,
    User,
    UserRole,
    UserSession,
)

LEFT_OUT = privacy.SECRET | {"sign_count", "extensions", "search", "payload", "code", "merged_into"}
OTHERS = {
    "by",
    "actor",
    "coupled_by",
    "decided_by",
    "reopened_by",
    "issued_by",
    "declared_by",
    "asked",
    "requester",
    "other",
    "user",
}
"""columns that name somebody, perhaps somebody else"""
CONTACT = "email", "phone"
ABOUT_OTHERS = "mentor", "motivation", "remarks"
"""columns of an evaluation that tell of the participant and not of who gave it"""
FOR_PROGRAMS = {"user", "verb", "object_type", "object_id", "site_id", "trajectory_id", "participant_id"}
"""columns that tell a reader nothing beside the others"""
WORDS = {
    "confirmed_at": "bevestigd op", "created_at": "gemaakt op", "seen_on": "laatst aangemeld op", "active": "mag aanmelden",
    "erased_at": "gewist op", "tf_primary_method": "tweede stap", "transports": "verbinding", "backup_state": "reservekopie",
    "device_type": "soort toestel", "lastuse_datetime": "laatst gebruikt op", "name": "naam", "usage": "gebruik",
    "issuer": "dienst", "subject": "nummer bij de dienst", "acr": "middel", "vo_id": "nummer bij de Vlaamse overheid",
    "vo_group": "doelgroep", "vo_organisation": "organisatie", "first_name": "voornaam", "last_name": "naam",
    "birth_date": "geboortedatum", "reason": "reden", "role": "rol", "association": "vereniging", "since": "sinds",
    "until": "tot",
    "site": "stageplaats", "device": "toestel", "ended_at": "beëindigd op", "seen_at": "laatst gebruikt op", "query": "adres",
    "participant": "deelnemer", "trajectory": "traject", "email": "e-mailadres", "phone": "telefoonnummer", "text": "tekst",
    "at": "op",
    "to_address": "aan", "body": "tekst", "error": "fout", "verb": "wat", "object_type": "over",
    "object_id": "nummer", "site_id": "stageplaats", "trajectory_id": "traject", "kavo_id": "KAVO-ID", "found": "gevonden",
    "purpose": "waarvoor", "file_name": "bestand", "cells": "regel", "before": "ervoor", "participant_id": "deelnemer",
    "issued_on": "uitgereikt op", "exception": "uitzondering", "reopen_reason": "reden van heropenen", "result": "resultaat",
    "declared_at": "verklaard op", "days": "dagen", "sentence": "wat gebeurde er",
}  # fmt: skip
"""labels of columns that have none of their own"""
TITLES = {
    User: "Account", Passkey: "Passkeys", Identity: "eID", LinkRequest: "Vragen om een eID te koppelen", UserRole: "Rollen",
    Membership: "Verenigingen", SiteManager: "Stageplaatsen", UserSession: "Aanmeldingen", SavedView: "Eigen weergaven",
    Handover: "Overdrachten", SiteMessage: "Berichten", Proposal: "Gevraagde wijzigingen", Mail: "Mails",
    History: "Geschiedenis", Lookup: "Opzoekingen", ImportBatch: "Ingelezen bestanden", Participant: "Deelnemer",
    Trajectory: "Trajecten", Placement: "Stages", Evaluation: "Beoordelingen", FinalEvaluation: "Eindevaluaties",
    Extension: "Verlengingen", Attest: "Attesten", ImportRow: "Regels van ingelezen bestanden", Site: "Verklaringen",
}  # fmt: skip


def _of_user(user: User):
    """Model → which rows are about this account."""
    same = (Handover.requester == user) | (Handover.asked == user)
    about = (History.object_type == "user") & (History.object_id == str(user.id))
    asked = (LinkRequest.kind << ("link", "merge")) | (LinkRequest.state == "linked")  # else it may be of somebody else
    return {
        User: User.id == user.id, UserRole: UserRole.user == user, Membership: Membership.user == user,
        SiteManager: SiteManager.user == user, Identity: Identity.user == user, Passkey: Passkey.user == user,
        LinkRequest: (LinkRequest.user == user) & asked, UserSession: UserSession.user == user, SavedView: SavedView.user == user,
        Site: Site.declared_by == user, Handover: same, SiteMessage: (SiteMessage.by == user) & (SiteMessage.kind != "note"),
        Proposal: Proposal.by == user, Evaluation: Evaluation.by == user, ImportBatch: ImportBatch.by == user,
        Lookup: Lookup.user == user, Mail: Mail.to_address == user.email, History: (History.actor == user) | about,
    }  # fmt: skip


def _of_participant(participant: Participant):
    """Model → which rows are about this participant."""
    runs = Trajectory.select(Trajectory.id).where(Trajectory.participant == participant)
    stages = Placement.select(Placement.id).where(Placement.trajectory.in_(runs))
    finals = FinalEvaluation.select(FinalEvaluation.id).where(FinalEvaluation.trajectory.in_(runs))
    about = (History.object_type == "participant") & (History.object_id == str(participant.id))
    return {
        Participant: Participant.id == participant.id, Trajectory: Trajectory.participant == participant,
        Extension: Extension.trajectory.in_(runs), Placement: Placement.trajectory.in_(runs),
        Evaluation: Evaluation.placement.in_(stages), FinalEvaluation: FinalEvaluation.trajectory.in_(runs),
        Attest: Attest.final_evaluation.in_(finals), Lookup: Lookup.kavo_id == participant.kavo_id,
        ImportRow: ImportRow.kavo_id == participant.kavo_id,
        Mail: (Mail.to_address == participant.email) & (Mail.to_address != ""), History: History.trajectory_id.in_(runs) | about,
    }  # fmt: skip


def give(person: User | Participant, by: User, now: datetime) -> dict:
    """{table: [{column: value}]} of all that we keep about a person, for JSON; noted in the history. One may ask one's own."""
    own = isinstance(person, User) and person.id == by.id
    if not own:
        scope.require(by, "insight", person)
    which = _of_user(person) if isinstance(person, User) else _of_participant(person)
    found = {model._meta.table_name: _rows(model, condition, person) for model, condition in which.items()}
    found = {table: rows for table, rows in found.items() if rows}
    kind = "een account" if isinstance(person, User) else "een deelnemer"
    total = sum(map(len, found.values()))
    audit.record(by, "list.exported", person, at=now, name=f"alles over {kind}", rows=dutch.counted(total, "rij", "rijen"),
                 filter="")  # fmt: skip
    return found


def _rows(model, condition, person) -> list[dict]:
    columns = [name for entry in privacy.REGISTER for name in entry.columns.get(model, ()) if name not in LEFT_OUT]
    rows = model.select().where(condition).order_by(model._meta.primary_key)
    return [_row(row, columns, person) for row in rows]


def _row(row, columns, person) -> dict:
    values = {}
    for name in columns:
        if isinstance(row, Handover) and name in CONTACT and row.requester_id != person.id:
            continue  # of the other side (domain rule 7)
        if isinstance(row, Evaluation) and name in ABOUT_OTHERS and isinstance(person, User):
            continue
        field = row._meta.fields[name]
        value = row.__data__.get(name)
        if name in OTHERS:
            value = "jijzelf" if isinstance(person, User) and value == person.id else None
        elif isinstance(field, ForeignKeyField):
            value = str(getattr(row, name)) if value is not None else None
        elif field.choices:
            value = dict(field.choices).get(value, value)
        if isinstance(row, Mail) and name == "body":
            value = re.sub(r"https?://\S+", "[link]", value)
        if value not in (None, ""):
            values[name] = value.isoformat() if isinstance(value, date) else value
    if isinstance(row, History):
        of_participant = row.trajectory_id is not None or row.object_type == "participant"
        values["sentence"] = (
            audit.bare(row.verb) if of_participant and isinstance(person, User) else audit.sentence(row)
        )
    return values


def readable(found: dict) -> list[tuple[str, list[list[tuple[str, str]]]]]:
    """(title, rows of (label, value)) for each table of what `give` gave."""
    models = {model._meta.table_name: model for model in TITLES}
    return [(TITLES[models[table]], [_labelled(models[table], row) for row in rows]) for table, rows in found.items()]


def _labelled(model, row):
    shown = []
    for name, value in row.items():
        if name in FOR_PROGRAMS:
            continue
        field = model._meta.fields.get(name)
        label = (field.verbose_name if field and field.verbose_name else WORDS.get(name)) or name.replace("_", " ")
        if field and not isinstance(value, bool) and field.field_type in ("DATE", "DATETIME"):
            value = datetime.fromisoformat(value) if field.field_type == "DATETIME" else date.fromisoformat(value)
        shown.append((label[0].upper() + label[1:], dutch.shown(value)))
    return shown
