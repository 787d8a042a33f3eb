"""Sites, where internships take place, with their managers, periods and messages."""

from datetime import date, datetime, timedelta
from typing import Any, cast

from peewee import (
    BooleanField,
    CharField,
    Check,
    DateField,
    DateTimeField,
    Expression,
    ForeignKeyField,
    IntegerField,
    ModelSelect,
    TextField,
)

import dutch
from database import BaseModel, Line, Lines, LongText, Named, RuleError, choices, normalise, one_of, postcodes, readings
from tables import statuses
from tables.people import User
from tables.policy import declare
from times import days_after, local_date

APPROVAL_DAYS = 14  # manual 2.2: "binnen de twee weken"
declare(approval_days=lambda: APPROVAL_DAYS)

TYPES = {"animator": "Animator", "head_animator": "Hoofdanimator", "instructor": "Instructeur"}

RECOGNITIONS = {
    "flemish": "Erkend door de Vlaamse overheid",
    "municipal": "Erkend door een gemeente of de VGC",
    "municipality": "Gemeentelijk initiatief (speelplein, jeugddienst)",
    "branch": "Lokale afdeling van een erkende vereniging",
}

PERIODS = {
    "spring": "Krokusvakantie",
    "easter": "Paasvakantie",
    "summer": "Zomervakantie",
    "autumn": "Herfstvakantie",
    "christmas": "Kerstvakantie",
    "year": "Tijdens het jaar",
    "own": "Eigen periode",
}


def read_address(row: Any) -> None:
    """Read the typed postcode of a row, and fill in its place and the NIS code of the municipality. Raises RuleError for a new
    postcode that is not valid; an unchanged one is left alone."""
    postcode, place = postcodes.read(row.postcode)
    if "postcode" in row.dirty_field_names:
        postcodes.check(postcode)
    municipality = row.municipality or place
    values = {"postcode": postcode, "municipality": municipality, "nis": postcodes.nis(postcode, municipality)}
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


class Declaration(BaseModel):
    """A version of the declaration by which a manager confirms that the mentors meet the criteria."""

    version = IntegerField(unique=True)
    text = TextField()
    valid_from = DateField()


class Site(Named):
    """A recognised youth-work initiative that offers internships."""

    STATES = statuses.APPLICATION.words("submitted", "approved", "rejected", "withdrawn", "closed")
    """the stored states; `status` tells the status on a day"""
    steps = {
        "submitted": {"approved", "rejected", "withdrawn"},
        "approved": {"closed", "submitted"},
        "rejected": {"submitted"},
        "closed": {"approved"},
    }
    IDENTITY = ("name", "recognition", "street", "postcode", "municipality")
    """the fields whose changes the team must approve (domain rule 5)"""

    name = Line(max_length=200, verbose_name="Naam van de stageplaats", required="Typ de naam van de stageplaats.")
    recognition = CharField(
        max_length=20,
        choices=choices(RECOGNITIONS),
        verbose_name="Soort erkenning",
        constraints=[one_of("recognition", RECOGNITIONS)],
    )
    street = Line(max_length=200, verbose_name="Straat en nummer", required="Typ de straat en het nummer.")
    postcode = Line(max_length=4, index=True, verbose_name="Postcode")
    municipality = Line(max_length=100, index=True, verbose_name="Gemeente", required="Typ de gemeente.")
    place = CharField(default="", max_length=100)
    """the municipality, for sorting"""
    nis = CharField(null=True, max_length=5, verbose_name="NIS-code")
    """the code of the municipality since the last merger (Statbel); None: unknown"""
    email = Line(default="", max_length=254, verbose_name="E-mailadres van de stageplaats")
    phone = Line(default="", max_length=30, verbose_name="Telefoonnummer van de stageplaats")
    animator = BooleanField(default=False, verbose_name="Animator")
    head_animator = BooleanField(default=False, verbose_name="Hoofdanimator")
    instructor = BooleanField(default=False, verbose_name="Instructeur")
    state = CharField(
        default="submitted",
        max_length=20,
        choices=choices(STATES),
        verbose_name="Status",
        constraints=[one_of("state", STATES)],
    )
    submitted_at = DateTimeField(verbose_name="Ingediend op")
    due_on = cast("DateField[date]", DateField(null=True, index=True, verbose_name="Beslissen tegen"))
    """the last day to decide; `prepare` fills it in"""
    term_days = IntegerField(default=lambda: APPROVAL_DAYS)
    """the length of this term in days, not counting those on which we wait for the applicant"""
    paused_at = DateTimeField(null=True, verbose_name="Wacht op de aanvrager sinds")
    decided_at = DateTimeField(null=True, verbose_name="Beslist op")
    decided_by = ForeignKeyField(
        User, null=True, backref="decisions", on_delete="RESTRICT", verbose_name="Beslist door"
    )
    decided_by_id: int | None
    reason = Lines(default="", max_length=2000, verbose_name="Reden")
    declaration = ForeignKeyField(Declaration, null=True, on_delete="RESTRICT", verbose_name="Verklaring")
    declared_by = ForeignKeyField(User, null=True, backref="declarations", on_delete="RESTRICT")
    declared_by_id: int | None
    declared_at = DateTimeField(null=True, verbose_name="Verklaard op")
    placed = IntegerField(default=0, verbose_name="Deelnemers")
    """the number of placements that are not cancelled: maintained by triggers in the database, never written here"""
    periods: "ModelSelect[SitePeriod]"
    messages: "ModelSelect[SiteMessage]"
    placements: "ModelSelect[Any]"

    class Meta:
        indexes = (
            (("state", "search"), False),
            (("place", "search"), False),
            (("placed", "search"), False),
            (("animator", "head_animator", "instructor", "search"), False),
            *(
                ((name, "state", "search"), False)
                for name in ("recognition", "animator", "head_animator", "instructor")
            ),
        )
        constraints = [Check("animator OR head_animator OR instructor")]

    readers = {"email": readings.email, "phone": readings.phone}

    def prepare(self) -> None:
        read_address(self)
        super().prepare()
        self.place = normalise(self.municipality)
        if self.due_on is None and self.submitted_at is not None:
            self.due_on = days_after(self.submitted_at, self.term_days)

    def check(self) -> None:
        if not self.types():
            raise RuleError("Kies minstens één stage die je aanbiedt.", "animator")
        readings.refuse_address(self.name, "name")

    def search_text(self) -> str:
        return f"{self.name} {self.municipality} {self.postcode}"

    def __str__(self) -> str:
        return self.name

    def types(self) -> list[str]:
        """The types of internship offered here, in the order of TYPES."""
        return [key for key in TYPES if getattr(self, key)]

    def offers(self, kind: str) -> bool:
        """Whether this type of internship is offered here."""
        return kind in self.types()

    def manager(self) -> User | None:
        """The user who manages this site now; None: 'zonder beheerder'."""
        return self.managers().first()

    def managers(self) -> "ModelSelect[User]":
        """The users who manage this site now."""
        return User.select().join(SiteManager).where(SiteManager.site == self, SiteManager.current())

    def status(self, today: date) -> statuses.Status:
        """The status of the site, or of the application for it, on this day."""
        return statuses.APPLICATION.of(self, today)

    def is_overdue(self, now: datetime) -> bool:
        """Whether the term to decide has passed; the last day itself is still on time, and days in a pause do not count."""
        return self.status(local_date(now)).key == "late"

    def day(self, now: datetime) -> int:
        """The day number in the term: 0 on the day of submission, `term_days` on the last day; it stops during a pause."""
        return statuses.day_of(self.term_days, self.due_on, local_date(self.paused_at or now))

    def due_after_pause(self, now: datetime) -> date:
        """The last day to decide if the pause ends at `now`: each whole day of waiting for the applicant is added."""
        waited = (local_date(now) - local_date(self.paused_at)).days if self.paused_at else 0
        return self.due_on + timedelta(days=waited)

    def step_refused(self, by: Any = None) -> str:
        """Colleagues read who decided; an applicant, on a page without login, reads that it was the team."""
        stored = Site.get_by_id(self.id)
        decider = f" door {stored.decided_by if by else 'het team'}" if stored.decided_by else ""
        when = f" op {dutch.moment(stored.decided_at)}" if stored.decided_at else ""
        return f"{self} is intussen al behandeld{decider}{when}. De status is nu: {Site.STATES[stored.state].lower()}."


class SiteManager(BaseModel):
    """A manager of a site, since when and until when (None: still). For now one at a time."""

    site = ForeignKeyField(Site, backref="site_managers", on_delete="RESTRICT")
    site_id: int
    user = ForeignKeyField(User, backref="managed", on_delete="RESTRICT")
    user_id: int
    since = DateTimeField()
    until = DateTimeField(null=True)

    @classmethod
    def current(cls) -> Expression:
        """The condition for those who manage a site now."""
        return cls.until.is_null()

    def lock_rule(self) -> None:
        Site.locked(self.site_id)

    def check(self) -> None:
        others = SiteManager.select().where(SiteManager.site == self.site_id, SiteManager.current())
        if self.until is None and others.where(SiteManager.id != (self.id or 0)).exists():
            raise RuleError(f"{self.site} heeft al een stageplaatsverantwoordelijke.")


SiteManager.add_index(
    SiteManager.site, SiteManager.user, unique=True, where=SiteManager.current(), name="site_manager_one_current"
)
SiteManager.add_index(SiteManager.user, SiteManager.until, SiteManager.site)


class SitePeriod(BaseModel):
    """A period in which internships are offered: a school holiday, during the year, or dates of the site."""

    site = ForeignKeyField(Site, backref="periods", on_delete="CASCADE")
    site_id: int
    kind = CharField(max_length=20, choices=choices(PERIODS), constraints=[one_of("kind", PERIODS)])
    starts_on = DateField(null=True)
    ends_on = DateField(null=True)

    class Meta:
        constraints = [
            Check("(kind = 'own') = (starts_on IS NOT NULL AND ends_on IS NOT NULL)"),
            Check("starts_on <= ends_on"),
        ]

    def __str__(self) -> str:
        if self.kind == "own":
            return f"{dutch.day(self.starts_on)} tot {dutch.day(self.ends_on)}"
        return PERIODS[self.kind]


class SiteMessage(BaseModel):
    """A question or answer about an application, or a note of the team, which the applicant never sees."""

    KINDS = {"question": "Vraag van het team", "answer": "Antwoord", "note": "Notitie van het team"}

    site = ForeignKeyField(Site, backref="messages", on_delete="RESTRICT")
    site_id: int
    kind = CharField(max_length=20, choices=choices(KINDS), constraints=[one_of("kind", KINDS)])
    text = LongText(required="Schrijf eerst wat je wilt zeggen.")
    by = ForeignKeyField(User, on_delete="RESTRICT")
    by_id: int
    at = DateTimeField()
