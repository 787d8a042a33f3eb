"""Subject access: everything that we keep about a person, for that person (GDPR, articles 15 and 20), readable and as
data.

`personal_data.REGISTER` names the columns; left out are secrets (a hash means nothing to the person and much to a
thief), the names of others, and what others entered: a former manager of a site reads nothing about the present
one."""

import re
from datetime import date, datetime

from peewee import ForeignKeyField, fn

import audit
import dutch
import mails
import scope
from database import as_tuples, is_phone, readings
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
from times import local_date
from workflow.privacy import personal_data

LEFT_OUT = personal_data.SECRET | {"sign_count", "extensions", "search", "payload", "code", "merged_into"}
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
"""columns that name a person, perhaps somebody else"""
CONTACT = "email", "phone"
OF_OTHERS = {
    Evaluation: (("mentor", "motivation", "remarks"), lambda row, person: isinstance(person, Participant)),
    Handover: (
        CONTACT,
        lambda row, person: row.requester_id == person.id and (not row.offered or row.email == person.email),
    ),
    LinkRequest: (
        ("issuer", "subject", "acr", "first_name", "last_name", "birth_date"),
        lambda row, person: row.state == "linked",
    ),
    Mail: (("body",), lambda row, person: row.kind not in mails.NAMING_PARTICIPANTS),
    Site: ((*CONTACT, "reason"), lambda row, person: _manages_since_declaring(row, person)),
}
"""table → columns that may be about somebody else, and when they are about this person: the texts of an evaluation
are about the participant; a handover shows the reader's own contact only (domain rule 7); only linking proves that an
eID is the owner's; the contact of a site belongs to the person who entered it"""
OLD_CONTACT = re.compile(r"((?:E-mailadres|Telefoonnummer)[^‘]*van )‘([^’]*)’")
"""in a sentence about a change: the former value, perhaps by somebody else"""
FOR_PROGRAMS = {"user", "verb", "object_type", "object_id", "site_id", "trajectory_id", "participant_id"}
"""columns that add nothing for a reader"""
WORDS = {
    "confirmed_at": "bevestigd op",
    "created_at": "gemaakt op",
    "seen_on": "laatst aangemeld op",
    "active": "mag aanmelden",
    "erased_at": "gewist op",
    "tf_primary_method": "tweede stap",
    "transports": "verbinding",
    "backup_state": "reservekopie",
    "device_type": "soort toestel",
    "lastuse_datetime": "laatst gebruikt op",
    "name": "naam",
    "usage": "gebruik",
    "issuer": "dienst",
    "subject": "nummer bij de dienst",
    "acr": "middel",
    "vo_id": "nummer bij de Vlaamse overheid",
    "vo_group": "doelgroep",
    "vo_organisation": "organisatie",
    "first_name": "voornaam",
    "last_name": "naam",
    "birth_date": "geboortedatum",
    "reason": "reden",
    "role": "rol",
    "association": "vereniging",
    "since": "sinds",
    "until": "tot",
    "site": "stageplaats",
    "device": "toestel",
    "ended_at": "beëindigd op",
    "seen_at": "laatst gebruikt op",
    "query": "adres",
    "participant": "deelnemer",
    "trajectory": "traject",
    "email": "e-mailadres",
    "phone": "telefoonnummer",
    "text": "tekst",
    "at": "op",
    "to_address": "aan",
    "body": "tekst",
    "error": "fout",
    "verb": "wat",
    "object_type": "over",
    "object_id": "nummer",
    "site_id": "stageplaats",
    "trajectory_id": "traject",
    "kavo_id": "KAVO-ID",
    "found": "gevonden",
    "purpose": "waarvoor",
    "file_name": "bestand",
    "cells": "regel",
    "before": "ervoor",
    "participant_id": "deelnemer",
    "issued_on": "uitgereikt op",
    "exception": "uitzondering",
    "reopen_reason": "reden van heropenen",
    "result": "resultaat",
    "declared_at": "verklaard op",
    "declared_by": "verklaard door",
    "by": "door",
    "decided_by": "beslist door",
    "reopened_by": "heropend door",
    "issued_by": "uitgereikt door",
    "other": "andere account",
    "days": "dagen",
    "sentence": "wat gebeurde er",
}
"""labels of columns that have none of their own"""
TITLES = {
    User: "Account",
    Passkey: "Passkeys",
    Identity: "eID",
    LinkRequest: "Vragen om een eID te koppelen",
    UserRole: "Rollen",
    Membership: "Verenigingen",
    SiteManager: "Stageplaatsen",
    UserSession: "Aanmeldingen",
    SavedView: "Eigen weergaven",
    Handover: "Overdrachten",
    SiteMessage: "Berichten",
    Proposal: "Gevraagde wijzigingen",
    Mail: "Mails",
    History: "Geschiedenis",
    Lookup: "Opgezochte KAVO-ID’s",
    ImportBatch: "Ingelezen bestanden",
    Participant: "Deelnemer",
    Trajectory: "Trajecten",
    Placement: "Stages",
    Evaluation: "Beoordelingen",
    FinalEvaluation: "Eindevaluaties",
    Extension: "Verlengingen",
    Attest: "Attesten",
    ImportRow: "Regels van ingelezen bestanden",
    Site: "Verklaringen",
}


def _of_user(user: User):
    """Model → which rows are about this account."""
    same = (Handover.requester == user) | (Handover.asked == user)
    accounts = [user.id, *(key for (key,) in as_tuples(User.select(User.id).where(User.merged_into == user.id)))]
    about = (History.object_type == "user") & History.object_id.in_([str(key) for key in accounts])
    asked = (LinkRequest.kind << ("link", "merge")) | (
        LinkRequest.state == "linked"
    )  # otherwise it may be somebody else's
    return {
        User: User.id == user.id,
        UserRole: UserRole.user == user,
        Membership: Membership.user == user,
        SiteManager: SiteManager.user == user,
        Identity: Identity.user == user,
        Passkey: Passkey.user == user,
        LinkRequest: (LinkRequest.user == user) & asked,
        UserSession: UserSession.user == user,
        SavedView: SavedView.user == user,
        Site: Site.declared_by == user,
        Handover: same,
        SiteMessage: (SiteMessage.by == user) & (SiteMessage.kind != "note"),
        Proposal: Proposal.by == user,
        Evaluation: Evaluation.by == user,
        ImportBatch: ImportBatch.by == user,
        Lookup: Lookup.user == user,
        Mail: _mails_of(user),
        History: History.actor.in_(accounts) | about,
    }


def _mails_of(user: User):
    """The condition for this person's mails. An address may also be an association's or a participant's, may have
    been another's before, and until it is confirmed be anybody's: then only mails about the account and its sites
    count."""
    own = (Mail.object_type == "user") & (Mail.object_id == str(user.id))
    managed = as_tuples(SiteManager.select(SiteManager.site, SiteManager.since).where(SiteManager.user == user))
    for site, since in managed:
        own |= (Mail.object_type == "site") & (Mail.object_id == str(site)) & (Mail.created_at >= since)
    if user.confirmed_at:
        others = Mail.object_type.in_(["association", "attest", "trajectory"]) & Mail.object_type.is_null(False)
        own |= ~others & (Mail.created_at >= _had_address_since(user))
    return (Mail.to_address == user.email) & own


def _had_address_since(user: User) -> datetime:
    """The moment (UTC) since when the present address is certainly this person's."""
    told = Mail.select(fn.MAX(Mail.created_at)).where(
        Mail.kind == "address_changed", Mail.object_type == "user", Mail.object_id == str(user.id)
    )
    about = (History.verb == "row.changed") & (History.object_type == "user") & (History.object_id == str(user.id))
    changed = History.select(fn.MAX(History.at)).where(
        about | (History.verb == "user.address"), History.payload.contains(user.email)
    )
    return max(filter(None, (user.created_at, told.scalar(), changed.scalar())))


def _manages_since_declaring(site: Site, person) -> bool:
    """Whether this person made the declaration and has managed the site ever since."""
    now = SiteManager.get_or_none(SiteManager.site == site, SiteManager.user == person, SiteManager.current())
    return now is not None and site.declared_at is not None and now.since <= site.declared_at


def _of_participant(participant: Participant):
    """Model → which rows are about this participant."""
    runs = Trajectory.select(Trajectory.id).where(Trajectory.participant == participant)
    stages = Placement.select(Placement.id).where(Placement.trajectory.in_(runs))
    finals = FinalEvaluation.select(FinalEvaluation.id).where(FinalEvaluation.trajectory.in_(runs))
    given = as_tuples(Attest.select(Attest.id).where(Attest.final_evaluation.in_(finals)))
    attests = [str(key) for (key,) in given]
    about = (History.object_type == "participant") & (History.object_id == str(participant.id))
    return {
        Participant: Participant.id == participant.id,
        Trajectory: Trajectory.participant == participant,
        Extension: Extension.trajectory.in_(runs),
        Placement: Placement.trajectory.in_(runs),
        Evaluation: Evaluation.placement.in_(stages),
        FinalEvaluation: FinalEvaluation.trajectory.in_(runs),
        Attest: Attest.final_evaluation.in_(finals),
        Lookup: Lookup.kavo_id == participant.kavo_id,
        ImportRow: (ImportRow.kavo_id == participant.kavo_id) & (ImportRow.verdict.not_in(["", "bad"])),
        Mail: (Mail.to_address == participant.email) & (Mail.object_type == "attest") & Mail.object_id.in_(attests),
        History: History.trajectory_id.in_(runs) | about,
    }


def give(person: User | Participant, by: User, now: datetime) -> dict:
    """{table: [{column: value}]} of everything that we keep about a person, for JSON; recorded in the history.
    Everyone may ask for their own."""
    own = isinstance(person, User) and person.id == by.id
    if not own:
        scope.require(by, "insight", person)
    which = _of_user(person) if isinstance(person, User) else _of_participant(person)
    found = {
        model._meta.table_name: _rows(model, condition, person, local_date(now)) for model, condition in which.items()
    }
    found = {table: rows for table, rows in found.items() if rows}
    kind = "een account" if isinstance(person, User) else "een deelnemer"
    total = sum(map(len, found.values()))
    audit.record(
        by,
        "list.exported",
        person,
        at=now,
        name=f"alles over {kind}",
        rows=dutch.counted(total, "rij", "rijen"),
        filter="",
    )
    return found


def _rows(model, condition, person, today) -> list[dict]:
    columns = [
        name for entry in personal_data.REGISTER for name in entry.columns.get(model, ()) if name not in LEFT_OUT
    ]
    rows = model.select().where(condition).order_by(model._meta.primary_key)
    return [_row(row, columns, person, today) for row in rows]


def _row(row, columns, person, today) -> dict:
    values = {}
    of_others, is_own = OF_OTHERS.get(type(row), ((), None))
    left_out = () if is_own is None or is_own(row, person) else of_others
    for name in columns:
        if name in left_out:
            continue
        field = row._meta.fields[name]
        value = row.__data__.get(name)
        if name in OTHERS:
            value = "jijzelf" if isinstance(person, User) and value == person.id else None
        elif isinstance(field, ForeignKeyField):
            value = str(getattr(row, name)) if value is not None else None
        elif name == "state" and hasattr(row, "status"):
            value = row.status(today).words
        elif field.choices:
            value = dict(field.choices).get(value, value)
        if is_phone(field):
            value = readings.shown_phone(value)
        if isinstance(row, Mail) and name == "body":
            value = re.sub(r"https?://\S+", "[link]", value)
        if value not in (None, ""):
            values[name] = value.isoformat() if isinstance(value, date) else value
    if isinstance(row, History):
        values["sentence"] = _sentence(row, person)
    return values


def _sentence(line: History, person) -> str:
    """A line of history for this person; anything beyond a name about somebody else stays out."""
    if isinstance(person, Participant):
        return audit.sentence(line)
    of_participant = line.trajectory_id is not None or line.object_type == "participant"
    own = line.object_type == "user" and line.object_id == str(person.id)
    if of_participant or line.verb == "user.address" or (line.object_type == "user" and not own):
        return audit.bare(line.verb)
    known = {person.email, person.claimed_email, person.phone, readings.shown_phone(person.phone), "leeg"}
    return OLD_CONTACT.sub(
        lambda found: found[0] if own or found[2] in known else f"{found[1]}‘…’", audit.sentence(line)
    )


def readable(found: dict) -> list[tuple[str, list[list[tuple[str, str]]]]]:
    """(title, rows of (label, value)) for each table in the result of `give`."""
    models = {model._meta.table_name: model for model in TITLES}
    return [(TITLES[models[table]], [_labelled(models[table], row) for row in rows]) for table, rows in found.items()]


def label_of(model, name: str) -> str:
    """The Dutch label of a column in subject access."""
    field = model._meta.fields.get(name)
    return field.verbose_name if field and field.verbose_name else WORDS[name]


def _labelled(model, row):
    shown = []
    for name, value in row.items():
        if name in FOR_PROGRAMS:
            continue
        field = model._meta.fields.get(name)
        label = label_of(model, name)
        if field and not isinstance(value, bool) and field.field_type in ("DATE", "DATETIME"):
            value = datetime.fromisoformat(value) if field.field_type == "DATETIME" else date.fromisoformat(value)
        shown.append((label[0].upper() + label[1:], dutch.shown(value)))
    return shown
