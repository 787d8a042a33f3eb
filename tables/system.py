"""Records of the tool itself: mails, history, lookups, forms already submitted."""

from datetime import datetime

from peewee import BooleanField, CharField, Check, DateField, DateTimeField, ForeignKeyField, IntegerField, TextField

from database import BaseModel, RuleError, Searched, choices, one_of, ordered, readings
from tables.people import User

MAIL_STATES = {
    "pending": "Wacht op verzending",
    "claimed": "Wordt verstuurd",
    "data": "Wordt verstuurd",
    "sent": "Verstuurd",
    "failed": "Mislukt",
    "uncertain": "Onzeker",
}
MAIL_KINDS = {
    "activation": "Nieuwe link om de registratie te voltooien",
    "activation_reminder": "Herinnering om de registratie te voltooien",
    "address_changed": "Het e-mailadres is gewijzigd",
    "address_known": "Registratie met een bekend e-mailadres",
    "application_received": "Bevestiging van een aanvraag",
    "application_reopened": "Een aanvraag wordt opnieuw bekeken",
    "application_withdrawn": "Een aanvraag is ingetrokken",
    "applications_due": "Aan het team: aanvragen bijna te laat",
    "applications_overdue": "Aan het team: aanvragen te laat",
    "attest_released": "Een attest is uitgereikt",
    "choose_password": "Link om een wachtwoord te kiezen",
    "confirm_address": "Link om het e-mailadres te bevestigen",
    "digest_association": "Weekbericht aan een vereniging",
    "digest_site": "Weekbericht aan een stageplaatsverantwoordelijke",
    "eid_linked": "De eID is gekoppeld",
    "eid_not_linked": "De eID is niet gekoppeld",
    "eid_not_renewed": "De gegevens van de eID zijn niet overgenomen",
    "eid_renewed": "De gegevens van de eID zijn overgenomen",
    "handover_asked": "Vraag om een overdracht",
    "handover_at_team": "Aan het team: een overdracht wacht op beslissing",
    "handover_ended": "Een overdracht is gestopt",
    "handover_escalated": "Het team beslist over een overdracht",
    "handover_given": "Het beheer is doorgegeven",
    "handover_offered": "Voorstel aan een opvolger",
    "handover_received": "Bevestiging van een vraag om overname",
    "handover_refused": "Een overdracht is niet goedgekeurd",
    "handover_reminder": "Herinnering aan een overdracht",
    "handover_taken": "Het beheer is overgenomen",
    "handover_withdrawn": "Een overdracht is ingetrokken",
    "log_in_with_eid": "Uitleg: aanmelden met eID",
    "password_changed": "Het wachtwoord is gewijzigd",
    "proposal_decided": "Beslissing over een wijziging",
    "question": "Vraag over een aanvraag",
    "registration_waits": "Uitleg: de registratie is niet voltooid",
    "reset_password": "Link om een nieuw wachtwoord te kiezen",
    "same_person": "Vraag of twee accounts van dezelfde persoon zijn",
    "second_step_changed": "De tweede stap is gewijzigd",
    "site_approved": "Een stageplaats is goedgekeurd",
    "site_approved_activate": "Goedgekeurd, met link om de registratie te voltooien",
    "site_closed": "Een stageplaats is gesloten",
    "site_opened": "Een stageplaats is weer open",
    "site_rejected": "Een stageplaats is niet goedgekeurd",
    "team_week": "Weekbericht aan het team",
    "trajectory_first": "Trajecten eindigen: eerste herinnering",
    "trajectory_second": "Trajecten eindigen: laatste herinnering",
    "trajectory_ended": "Trajecten zijn verlopen",
    "trajectory_reopened": "Een traject is heropend",
    "turned_18": "Vanaf nu aanmelden met eID",
}
"""name of a template in templates/mails → how the team sees this kind of mail"""
FORMER_MAIL_KINDS = {
    "evaluate_association": "Aan de vereniging: stages niet beoordeeld",
    "evaluate_reminder": "Herinnering om stages te beoordelen",
    "news_association": "Nieuws voor een vereniging",
    "news_site": "Nieuws voor een stageplaats",
}
"""kinds that are not written any more, for the rows that are kept"""


NOT_ARRIVED = ("failed", "uncertain")
"""final states of a mail that may not have arrived"""


class AlreadyDone(RuleError):
    """The same form was submitted and processed before."""


class Mail(Searched):
    """The outbox: a mail is first written as a row, together with the change that causes it, and delivered from `next_at` (UTC)
    on.

    `object_type`, `object_id`: the row that it is about; `handled_at`: when somebody dealt with a failed mail."""

    key = CharField(unique=True, max_length=120)
    kind = CharField(max_length=60, choices=choices(MAIL_KINDS | FORMER_MAIL_KINDS), verbose_name="Soort")
    to_address = CharField(max_length=254, verbose_name="Aan")
    subject = CharField(max_length=200, verbose_name="Onderwerp")
    body = TextField(verbose_name="Tekst")
    message_id = CharField(unique=True, max_length=255)
    state = CharField(
        default="pending",
        max_length=20,
        choices=choices(MAIL_STATES),
        constraints=[one_of("state", MAIL_STATES)],
        verbose_name="Status",
    )
    attempts = IntegerField(default=0, verbose_name="Pogingen")
    error = CharField(default="", max_length=500, verbose_name="Fout")
    created_at = DateTimeField(index=True, verbose_name="Gemaakt op")
    next_at = DateTimeField(null=True, verbose_name="Vertrekt vanaf")
    sent_at = DateTimeField(null=True, verbose_name="Verstuurd op")
    object_type = CharField(null=True, max_length=40)
    object_id = CharField(null=True, max_length=40)
    handled_at = DateTimeField(null=True)
    refused_mailbox = BooleanField(default=False)
    """whether the server permanently refused this mailbox (5xx after RCPT)"""

    class Meta:
        indexes = (
            (("state", "next_at"), False),
            (("object_type", "object_id"), False),
            (("state", "created_at"), False),
            (("to_address",), False),
            (("subject",), False),
        )

    def search_text(self) -> str:
        return f"{self.to_address} {self.subject}"

    def __str__(self) -> str:
        return self.subject


Mail.add_index(ordered(Mail.sent_at), name="mail_sent_at")


class Reminder(BaseModel):
    """A reminder about an object for a due date, so that it is never sent twice."""

    object_type = CharField(max_length=40)
    object_id = CharField(max_length=40)
    kind = CharField(max_length=40)
    due_on = DateField()
    at = DateTimeField()

    class Meta:
        indexes = ((("object_type", "object_id", "kind", "due_on"), True),)


class Clock(BaseModel):
    """The single row about the clock: when it ran; `since`: there are no reminders of what fell due before that day."""

    since = DateField()
    ran_at = DateTimeField(null=True)
    took_ms = IntegerField(default=0)
    treated = IntegerField(default=0)
    treated_at = DateTimeField(null=True)
    cleaned_on = DateField(null=True)
    """the last day on which expired data was erased"""


class Retention(BaseModel):
    """A retention period in days that the team changed from the default in the code: see `workflow.privacy.retention`."""

    key = CharField(unique=True, max_length=40)
    days = IntegerField(constraints=[Check("days > 0")])


class Seal(BaseModel):
    """A checkpoint on a range of the history, chained to that of the range before: a line that is changed, inserted or removed
    later no longer matches. `until_id` is chosen first and sealed an hour later, when all pending transactions have ended."""

    until_id = IntegerField(unique=True)
    began_at = DateTimeField()
    lines = IntegerField(null=True)
    digest = CharField(null=True, max_length=64)
    sealed_at = DateTimeField(null=True)
    key_id = CharField(null=True, max_length=16)
    """the id of the key of the digest; the first releases used none"""
    unnamed = CharField(null=True, max_length=100)
    """on the first checkpoint with a key: the lines that were erased before without naming their erasure"""

    class Meta:
        table_name = "seal"


class History(BaseModel):
    """Who did what, and when: append-only (the database refuses changes). The payload and its salt can be erased together; the
    digest stays as proof.

    An erased line names the line that erased it (`erased_by`, an id), which holds a keyed digest of all the lines that it erased
    (`erases`): nobody can empty a line by hand and point at an erasure. See `audit.erase`."""

    at = DateTimeField(index=True, verbose_name="Wanneer")
    actor = ForeignKeyField(User, null=True, backref="acts", on_delete="RESTRICT", verbose_name="Wie")
    actor_id: int | None
    verb = CharField(max_length=60, verbose_name="Wat")
    object_type = CharField(max_length=40)
    object_id = CharField(max_length=40)
    site_id = IntegerField(null=True)
    trajectory_id = IntegerField(null=True)
    payload = TextField(null=True)
    salt = CharField(null=True, max_length=32)
    digest = CharField(max_length=64)
    erased_by = IntegerField(null=True)
    erases = CharField(null=True, max_length=100)

    class Meta:
        indexes = (
            (("object_type", "object_id"), False),
            (("site_id", "trajectory_id"), False),
            (("trajectory_id", "at"), False),
            (("verb", "at"), False),
        )


class Lookup(Searched):
    """A search for a person by KAVO-ID: by whom, for what purpose, found or not."""

    user = ForeignKeyField(User, backref="lookups", on_delete="RESTRICT", verbose_name="Wie")
    user_id: int
    kavo_id = CharField(max_length=9, verbose_name="KAVO-ID")
    found = BooleanField(verbose_name="Gevonden")
    purpose = CharField(max_length=200, verbose_name="Waarvoor")
    at = DateTimeField(verbose_name="Wanneer")

    class Meta:
        indexes = (
            (("user", "found", "at"), False),
            (("at",), False),
            (("found", "at"), False),
            (("kavo_id", "at"), False),
            (("purpose", "at"), False),
        )

    reads = {"kavo_id": readings.kavo_id}

    def search_text(self) -> str:
        return self.kavo_id


class Refusal(BaseModel):
    """How often a form or an import refused input by a rule on a day (in Brussels); never what was typed.

    `form`: the endpoint of the page; `field`: the name of the field, '' for the whole form; `rule`: the sentence as in the code,
    see `sentences`."""

    day = DateField()
    form = CharField(max_length=80)
    field = CharField(default="", max_length=80)
    rule = CharField(max_length=200)
    count = IntegerField(constraints=[Check("count > 0")])

    class Meta:
        indexes = ((("day", "form", "field", "rule"), True),)


class FormKey(BaseModel):
    """A form that was received: submitting it again changes nothing."""

    key = CharField(primary_key=True, max_length=64)
    user = ForeignKeyField(User, null=True, on_delete="CASCADE")
    user_id: int | None
    at = DateTimeField(index=True)

    @classmethod
    def claim(cls, key: str | None, by: User | None, now: datetime) -> None:
        """Record that this form is processed, inside the transaction that processes it. Raises AlreadyDone when it was processed
        before. A form without a key (not from our pages) is processed each time."""
        if key and not cls.insert(key=key[:64], user=by, at=now).on_conflict_ignore().as_rowcount().execute():
            raise AlreadyDone("Dat was al bewaard. We deden niets dubbel.")
