"""The register of personal data: every column that says something about a person, why we keep it, on which legal
ground, who sees it and for how long. A column that is named neither here, nor in TECHNICAL, nor on its table fails a
test, so none is added silently."""

from dataclasses import dataclass

from database import BaseModel
from models import (
    ADULT_YEARS,
    DRAFT_HOURS,
    KEPT_DAYS,
    SESSIONS_KEPT_DAYS,
    STAGE_HOURS,
    TABLES,
    Association,
    Attempt,
    Attest,
    Draft,
    Evaluation,
    Extension,
    FinalEvaluation,
    FormKey,
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
    StartView,
    Token,
    Trajectory,
    User,
    UserRole,
    UserSession,
)

TASK = "taak van algemeen belang (AVG, artikel 6.1.e): het decreet over het jeugdbeleid, erkenning van attesten"
SECURITY = "taak van algemeen belang, en de plicht om persoonsgegevens te beveiligen (AVG, artikel 32)"
DUTY = "plicht om beslissingen te kunnen verantwoorden (AVG, artikelen 5.2 en 6.1.c)"
NUMBER = f"{TASK}. Gebruik van het rijksregisternummer volgens de wet van 8 augustus 1983"
ASSUMED = "Grond en termijn zijn een voorstel: laat ze nakijken door de functionaris voor gegevensbescherming."

THEM = "wie het zelf is, en het team"
GUIDES = "het team, de vereniging van de cursus en de stageplaatsverantwoordelijke van de stage"


@dataclass(frozen=True)
class Entry:
    """One kind of data. `stored`: model → names of its columns; `rule`: the key of a rule of `retention`, or in words
    how long they are kept."""

    name: str
    whose: str
    why: str
    ground: str
    seen_by: str
    rule: str
    stored: dict[type[BaseModel], str]

    @property
    def columns(self) -> dict[type[BaseModel], list[str]]:
        return {model: names.split() for model, names in self.stored.items()}


def _declared() -> tuple[Entry, ...]:
    """The lines that tables declare beside their columns (`BaseModel.personal`)."""
    return tuple(
        Entry(one.name, one.whose, one.why, one.ground or TASK, one.seen_by, one.kept, {model: one.columns})
        for model in TABLES
        for one in model.personal
    )


REGISTER = (
    Entry(
        "Naam en contact van een account",
        "stageplaatsverantwoordelijken, medewerkers van verenigingen, het team",
        "Om te weten wie een stageplaats beheert en om die te kunnen bereiken.",
        TASK,
        f"{THEM}; na een overdracht de andere partij",
        "account",
        {
            User: (
                "email first_name last_name phone search claimed_email confirmed_at "
                "created_at seen_on active merged_into erased_at"
            )
        },
    ),
    Entry(
        "Geboortedatum van een account",
        "stageplaatsverantwoordelijken",
        f"Wie {ADULT_YEARS} of ouder is, meldt zich aan met eID.",
        TASK,
        THEM,
        "account",
        {User: "birth_date password_exception"},
    ),
    Entry(
        "Wachtwoord en tweede stap",
        "wie zich met een wachtwoord aanmeldt",
        "Om zeker te zijn wie zich aanmeldt. Van het wachtwoord bewaren we een hash, van een app een versleutelde sleutel.",
        SECURITY,
        "niemand",
        "account",
        {
            User: (
                "password fs_uniquifier tf_primary_method tf_totp_secret tf_counter "
                "mf_recovery_codes fs_webauthn_user_handle"
            ),
            Passkey: (
                "user credential_id public_key sign_count transports backup_state device_type "
                "extensions lastuse_datetime name usage"
            ),
        },
    ),
    Entry(
        "eID",
        "wie zich met eID aanmeldt",
        "Om iemand te herkennen. Het rijksregisternummer zelf bewaren we niet: alleen een hash met een sleutel.",
        NUMBER,
        "het team ziet dat er een eID is, en bij een vraag om te koppelen de naam en geboortedatum",
        "account",
        {
            Identity: ("user issuer subject number_hash key_id acr vo_id vo_group vo_organisation created_at"),
            LinkRequest: (
                "user other issuer subject number_hash key_id acr first_name last_name birth_date reason decided_by"
            ),
        },
    ),
    Entry(
        "Rollen",
        "iedereen met een account",
        "Om te bepalen wie wat mag.",
        TASK,
        THEM,
        "account",
        {
            UserRole: "user role",
            Membership: "user association since until",
            SiteManager: "site user since until",
        },
    ),
    Entry(
        "Aanmeldingen en links",
        "iedereen met een account",
        "Om een aanmelding te kunnen beëindigen, en misbruik tegen te gaan.",
        SECURITY,
        "wie het zelf is",
        f"een dag (mislukte pogingen, als hash) tot {SESSIONS_KEPT_DAYS} dagen na het einde (aanmeldingen, links)",
        {
            UserSession: "user key_hash device acr created_at seen_at ended_at",
            Token: ("key_hash user purpose object_type object_id address stamp created_at expires_at used_at"),
            Attempt: "kind key_hash at",
            FormKey: "key user at",
        },
    ),
    Entry(
        "Wat iemand typte voor de eID",
        "wie zich registreert",
        "Om na het aanmelden verder te gaan.",
        TASK,
        "wie het zelf is",
        f"{DRAFT_HOURS} uur",
        {Draft: "key_hash form data created_at expires_at"},
    ),
    Entry(
        "Eigen weergaven",
        "wie in de tool werkt",
        "Om een lijst terug te vinden.",
        TASK,
        "wie het zelf is, en wie dezelfde rol heeft als de weergave gedeeld is",
        "account",
        {SavedView: "user name query", StartView: "user"},
    ),
    Entry(
        "Naam, geboortedatum en contact van een deelnemer",
        "deelnemers, ook minderjarigen",
        "Om de stage te volgen, de leeftijd voor een attest na te kijken en het attest te kunnen geven.",
        TASK,
        GUIDES,
        "participant",
        {
            Participant: "kavo_id first_name last_name birth_date email search erased_at",
            Trajectory: "search",
            Placement: "search",
        },
    ),
    Entry(
        "Traject en stage",
        "deelnemers, ook minderjarigen",
        f"Om de {STAGE_HOURS} uur stage te tellen en het traject op te volgen.",
        TASK,
        GUIDES,
        "zonder naam blijvend, voor statistiek",
        {
            Trajectory: "participant type course_started_on ends_on state hours_used outcome",
            Placement: ("trajectory hours hours_done state result starts_on ends_on no_show coupled_by"),
        },
    ),
    Entry(
        "Beoordeling van een stage",
        "deelnemers, ook minderjarigen, en hun stagebegeleider",
        "Om te weten of de stage geslaagd is, en waarom niet.",
        TASK,
        GUIDES,
        "texts",
        {
            Evaluation: "mentor criterion result motivation remarks hours_done starts_on ends_on by",
            FinalEvaluation: "result motivation exception reopen_reason by reopened_by",
            Placement: "reason",
            Extension: "reason by",
        },
    ),
    Entry(
        "Attest",
        "deelnemers",
        "Om een attest te geven en te kunnen bewijzen.",
        TASK,
        "het team en de vereniging; wie de code heeft, ziet soort, dag en eerste letters van de naam",
        "attest",
        {Attest: "code issued_on issued_by"},
    ),
    Entry(
        "Contact en berichten van een stageplaats",
        "stageplaatsverantwoordelijken",
        "Om de aanvraag te behandelen.",
        TASK,
        "de stageplaatsverantwoordelijke en het team",
        "site",
        {
            Site: "email phone reason declared_by declared_at decided_by",
            SiteMessage: "text by at",
            Proposal: "by reason decided_by",
        },
    ),
    Entry(
        "Overdracht",
        "wie een stageplaats overneemt of doorgeeft",
        "Om het beheer door te geven.",
        TASK,
        "beide partijen zien elkaars contact pas na het aanvaarden; het team",
        "handover",
        {Handover: "requester asked email phone reason decided_by"},
    ),
    Entry(
        "Mails",
        "wie een e-mail kreeg",
        "Om na te gaan of iemand een e-mail kreeg, en om hem opnieuw te sturen.",
        TASK,
        "het team, zonder de links erin",
        "mail",
        {Mail: "to_address subject body search error"},
    ),
    Entry(
        "Geschiedenis",
        "iedereen die iets deed of over wie iets gebeurde",
        "Om te kunnen verantwoorden wie wat deed.",
        DUTY,
        "het team; van eigen rijen ook de anderen",
        "history",
        {History: "at actor verb object_type object_id site_id trajectory_id payload"},
    ),
    Entry(
        "Opzoekingen met een KAVO-ID",
        "wie opzocht, en de deelnemer",
        "Een KAVO-ID geeft een naam prijs: zo is na te gaan wie dat deed en waarvoor.",
        SECURITY,
        "het team",
        "lookup",
        {Lookup: "user kavo_id found purpose at search"},
    ),
    Entry(
        "Ingelezen bestanden",
        "deelnemers in een bestand van een vereniging",
        "Om te tonen wat ermee gebeurde en het terug te kunnen draaien.",
        TASK,
        "de vereniging en het team",
        f"{KEPT_DAYS} dagen",
        {ImportBatch: "by file_name", ImportRow: "cells kavo_id text before participant_id"},
    ),
    *_declared(),
)

TECHNICAL = {
    Association: ("name", "email", "phone", "active", "search"),  # of an organisation, not of a person
    LinkRequest: ("kind", "differs", "state", "created_at", "due_on", "term_days", "decided_at"),
    SavedView: ("screen", "shared_with"),
    StartView: ("view",),
    Site: (
        "name",
        "recognition",
        "street",
        "postcode",
        "municipality",
        "nis",
        "place",
        "animator",
        "head_animator",
        "instructor",
        "state",
        "submitted_at",
        "due_on",
        "term_days",
        "paused_at",
        "decided_at",
        "declaration",
        "placed",
        "search",
    ),
    SiteMessage: ("site", "kind"),
    Proposal: (
        "site",
        "name",
        "recognition",
        "street",
        "postcode",
        "municipality",
        "nis",
        "state",
        "created_at",
        "due_on",
        "term_days",
        "decided_at",
    ),
    Handover: (
        "site",
        "offered",
        "state",
        "created_at",
        "due_on",
        "term_days",
        "team_due_on",
        "team_days",
        "decided_at",
    ),
    Trajectory: ("association",),
    Extension: ("trajectory", "courses_from", "courses_until", "days", "at"),
    Placement: ("site", "counted", "on_behalf", "created_at", "type", "association_id", "finished"),
    Evaluation: ("placement", "number", "on_behalf", "at"),
    FinalEvaluation: ("trajectory", "evaluated_on", "on_behalf", "at", "reopened_at"),
    Attest: ("final_evaluation", "revoked_at"),
    Mail: (
        "key",
        "kind",
        "message_id",
        "state",
        "attempts",
        "created_at",
        "next_at",
        "sent_at",
        "object_type",
        "object_id",
        "handled_at",
        "refused_mailbox",
    ),
    History: ("salt", "digest", "erased_by", "erases"),
    ImportBatch: ("association", "digest", "state", "rows", "position", "created_at", "finished_at"),
    ImportRow: ("batch", "number", "type", "verdict", "done", "trajectory_id"),
    **{model: tuple(model.technical.split()) for model in TABLES if model.technical},
}
"""columns outside the register that say nothing about a person by themselves; newer tables declare theirs as `technical`"""
WITHOUT_PERSONS = {"role", "declaration", "site_period", "reminder", "clock", "retention", "seal", "refusal"}
"""tables without personal data"""
EVERYWHERE = {"id", "version"}
SECRET = {
    "password",
    "fs_uniquifier",
    "key_hash",
    "number_hash",
    "key_id",
    "tf_totp_secret",
    "tf_counter",
    "mf_recovery_codes",
    "fs_webauthn_user_handle",
    "credential_id",
    "public_key",
    "stamp",
}
"""columns that mean nothing to a person and much to a thief: in no export and in no subject access"""


def kept(days: dict[str, int]) -> dict[str, str]:
    """Name of each entry → how long it is kept, in words; `days`: key of a rule of retention → days."""
    return {entry.name: _words(days[entry.rule]) if entry.rule in days else entry.rule for entry in REGISTER}


def _words(days: int) -> str:
    years, rest = divmod(days, 365)
    return f"{years} jaar" if years and not rest else f"{days} dagen"
