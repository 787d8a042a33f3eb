"""Where a stage is done: associations, sites with their managers, periods and messages, changes that a manager proposes, and
handovers. `models` names these tables with all others; import them from there."""

from datetime import date, timedelta

from peewee import BooleanField, CharField, Check, DateField, DateTimeField, ForeignKeyField, IntegerField, TextField

import dutch
import statuses
from database import BaseModel, Line, Lines, LongText, Named, RuleError, Versioned, normalise, postcodes, readings
from people import User
from policy import tell
from records import choices, one_of
from times import days_after, local_date

APPROVAL_DAYS = 14  # manual 2.2: "binnen de twee weken"
HANDOVER_DAYS = 14  # manual 2.3.2
tell(approval_days=lambda: APPROVAL_DAYS, handover_days=lambda: HANDOVER_DAYS)

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


def read_address(row):
    """Read the postcode of a row as it was typed, and keep beside its place the NIS code of the municipality. Raises RuleError
    for a new postcode that is none; what stands there from before is left alone."""
    postcode, place = postcodes.read(row.postcode)
    if "postcode" in row.dirty_field_names:
        postcodes.check(postcode)
    municipality = row.municipality or place
    values = {"postcode": postcode, "municipality": municipality, "nis": postcodes.nis(postcode, municipality)}
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


class Association(Named):
    name = Line(unique=True, max_length=200, verbose_name="Naam", required="Typ de naam van de vereniging.")
    email = Line(default="", max_length=254, verbose_name="E-mailadres")
    phone = Line(default="", max_length=30, verbose_name="Telefoonnummer")
    active = BooleanField(default=True, verbose_name="Geeft cursussen")

    clashes = {"name": "Er is al een vereniging met de naam {row.name}."}

    reads = {"email": readings.email, "phone": readings.phone}

    def search_text(self):
        return f"{self.name} {readings.phone_digits(self.phone)}"

    def __str__(self):
        return self.name


class Membership(BaseModel):
    """Somebody works for an association; one person may work for several."""

    user = ForeignKeyField(User, backref="memberships", on_delete="RESTRICT")
    association = ForeignKeyField(Association, backref="memberships", on_delete="RESTRICT")
    since = DateTimeField()
    until = DateTimeField(null=True)


Membership.add_index(
    Membership.user,
    Membership.association,
    unique=True,
    where=Membership.until.is_null(),
    name="membership_one_current",
)


class Declaration(BaseModel):
    """A version of the text in which a manager declares that the mentors meet the criteria."""

    version = IntegerField(unique=True)
    text = TextField()
    valid_from = DateField()


class Site(Named):
    """A recognised youth-work initiative where a stage can be done."""

    STATES = statuses.APPLICATION.words("submitted", "approved", "rejected", "withdrawn", "closed")
    """what is stored; what a site is at on a day says `status`"""
    steps = {
        "submitted": {"approved", "rejected", "withdrawn"},
        "approved": {"closed", "submitted"},
        "rejected": {"submitted"},
        "closed": {"approved"},
    }
    IDENTITY = ("name", "recognition", "street", "postcode", "municipality")
    """the fields of which a change is decided by the team (domain rule 5)"""

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
    """the municipality as it is ordered"""
    nis = CharField(null=True, max_length=5, verbose_name="NIS-code")
    """of the municipality as it is since the last merger (Statbel); None: not known"""
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
    due_on = DateField(null=True, index=True, verbose_name="Beslissen tegen")
    term_days = IntegerField(default=lambda: APPROVAL_DAYS)
    """how many days this term was given, of those on which nobody waits for the applicant"""
    paused_at = DateTimeField(null=True, verbose_name="Wacht op de aanvrager sinds")
    decided_at = DateTimeField(null=True, verbose_name="Beslist op")
    decided_by = ForeignKeyField(
        User, null=True, backref="decisions", on_delete="RESTRICT", verbose_name="Beslist door"
    )
    reason = Lines(default="", max_length=2000, verbose_name="Reden")
    declaration = ForeignKeyField(Declaration, null=True, on_delete="RESTRICT", verbose_name="Verklaring")
    declared_by = ForeignKeyField(User, null=True, backref="declarations", on_delete="RESTRICT")
    declared_at = DateTimeField(null=True, verbose_name="Verklaard op")
    placed = IntegerField(default=0, verbose_name="Deelnemers")
    """placements that are not cancelled: kept by triggers in the database, never written by us"""

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

    reads = {"email": readings.email, "phone": readings.phone}

    def prepare(self):
        read_address(self)
        super().prepare()
        self.place = normalise(self.municipality)
        if self.due_on is None and self.submitted_at is not None:
            self.due_on = days_after(self.submitted_at, self.term_days)

    def check(self):
        if not self.types():
            raise RuleError("Kies minstens één stage die je aanbiedt.", "animator")
        readings.refuse_address(self.name, "name")

    def search_text(self):
        return f"{self.name} {self.municipality} {self.postcode}"

    def __str__(self):
        return self.name

    def types(self) -> list[str]:
        """The types of stage offered here, in the fixed order."""
        return [key for key in TYPES if getattr(self, key)]

    def offers(self, kind: str) -> bool:
        """Whether a stage of this type can be done here."""
        return kind in self.types()

    def manager(self) -> User | None:
        """Who manages this site now; None: 'zonder beheerder'."""
        return self.managers().first()

    def managers(self):
        """The users who manage this site now."""
        return User.select().join(SiteManager).where(SiteManager.site == self, SiteManager.until.is_null())

    def status(self, today: date) -> statuses.Status:
        """What the site, or the application for it, is at on this day."""
        return statuses.APPLICATION.of(self, today)

    def is_overdue(self, now) -> bool:
        """Whether the term to decide has passed; the last day itself is still in time, and while it is paused no day counts."""
        return self.status(local_date(now)).key == "late"

    def day(self, now) -> int:
        """Which day of the term it is: 0 on the day of submission, `term_days` on the last; it stands still while paused."""
        return statuses.day_of(self.term_days, self.due_on, local_date(self.paused_at or now))

    def due_after_pause(self, now) -> date:
        """The last day to decide if the clock goes on at `now`: each whole day of waiting for the applicant is added."""
        waited = (local_date(now) - local_date(self.paused_at)).days if self.paused_at else 0
        return self.due_on + timedelta(days=waited)

    def step_refused(self, by=None):
        """Who decided is named to a colleague; an applicant reads on a page without login that it was the team."""
        stored = Site.get_by_id(self.id)
        who = f" door {stored.decided_by if by else 'het team'}" if stored.decided_by else ""
        when = f" op {dutch.moment(stored.decided_at)}" if stored.decided_at else ""
        return f"{self} is intussen al behandeld{who}{when}. De status is nu: {Site.STATES[stored.state].lower()}."


class SiteManager(BaseModel):
    """Who manages a site, since when and until when (None: still). For now one at a time."""

    site = ForeignKeyField(Site, backref="site_managers", on_delete="RESTRICT")
    user = ForeignKeyField(User, backref="managed", on_delete="RESTRICT")
    since = DateTimeField()
    until = DateTimeField(null=True)

    def lock_rule(self):
        Site.locked(self.site_id)

    def check(self):
        others = SiteManager.select().where(SiteManager.site == self.site_id, SiteManager.until.is_null())
        if self.until is None and others.where(SiteManager.id != (self.id or 0)).exists():
            raise RuleError(f"{self.site} heeft al een stageplaatsverantwoordelijke.")


SiteManager.add_index(
    SiteManager.site, SiteManager.user, unique=True, where=SiteManager.until.is_null(), name="site_manager_one_current"
)
SiteManager.add_index(SiteManager.user, SiteManager.until, SiteManager.site)


class SitePeriod(BaseModel):
    """When a stage can be done: a school holiday, during the year, or own dates."""

    site = ForeignKeyField(Site, backref="periods", on_delete="CASCADE")
    kind = CharField(max_length=20, choices=choices(PERIODS), constraints=[one_of("kind", PERIODS)])
    starts_on = DateField(null=True)
    ends_on = DateField(null=True)

    class Meta:
        constraints = [
            Check("(kind = 'own') = (starts_on IS NOT NULL AND ends_on IS NOT NULL)"),
            Check("starts_on <= ends_on"),
        ]

    def __str__(self):
        if self.kind == "own":
            return f"{dutch.day(self.starts_on)} tot {dutch.day(self.ends_on)}"
        return PERIODS[self.kind]


class SiteMessage(BaseModel):
    """What was asked and answered about an application, and the notes of the team, which the applicant never sees."""

    KINDS = {"question": "Vraag van het team", "answer": "Antwoord", "note": "Notitie van het team"}

    site = ForeignKeyField(Site, backref="messages", on_delete="RESTRICT")
    kind = CharField(max_length=20, choices=choices(KINDS), constraints=[one_of("kind", KINDS)])
    text = LongText(required="Schrijf eerst wat je wilt zeggen.")
    by = ForeignKeyField(User, on_delete="RESTRICT")
    at = DateTimeField()


class Proposal(BaseModel):
    """A change of name, recognition or address that a manager asks of the team."""

    STATES = statuses.PROPOSAL.words("open", "accepted", "refused", "withdrawn")
    steps = {"open": {"accepted", "refused", "withdrawn"}}

    site = ForeignKeyField(Site, backref="proposals", on_delete="RESTRICT")
    by = ForeignKeyField(User, backref="proposals", on_delete="RESTRICT")
    name = Line(max_length=200, verbose_name="Naam van de stageplaats", required="Typ de naam van de stageplaats.")
    recognition = CharField(
        max_length=20,
        choices=choices(RECOGNITIONS),
        verbose_name="Soort erkenning",
        constraints=[one_of("recognition", RECOGNITIONS)],
    )
    street = Line(max_length=200, verbose_name="Straat en nummer", required="Typ de straat en het nummer.")
    postcode = Line(max_length=4, verbose_name="Postcode")
    municipality = Line(max_length=100, verbose_name="Gemeente", required="Typ de gemeente.")
    nis = CharField(null=True, max_length=5, verbose_name="NIS-code")
    state = CharField(default="open", max_length=20, choices=choices(STATES), constraints=[one_of("state", STATES)])
    created_at = DateTimeField()
    due_on = DateField()
    term_days = IntegerField(default=lambda: APPROVAL_DAYS)
    """how many days this term was given"""
    decided_at = DateTimeField(null=True)
    decided_by = ForeignKeyField(User, null=True, backref="proposals_decided", on_delete="RESTRICT")
    reason = Lines(default="", max_length=2000)

    class Meta:
        indexes = ((("state", "due_on"), False),)

    clashes = {
        "proposal_one_open proposal.site_id": "Er ligt al een wijziging van {row.site} bij het team. Trek die eerst in."
    }

    def prepare(self):
        read_address(self)
        if self.due_on is None:
            self.due_on = days_after(self.created_at, self.term_days)

    def check(self):
        readings.refuse_address(self.name, "name")

    def __str__(self):
        return f"de wijziging van {self.site}"

    def step_refused(self, by=None):
        stored = Proposal.get_by_id(self.id)
        who = f" door {stored.decided_by}" if stored.decided_by else ""
        return f"Deze wijziging is intussen al behandeld{who}: {Proposal.STATES[stored.state].lower()}."

    def status(self, today: date) -> statuses.Status:
        """What the change is at on this day."""
        return statuses.PROPOSAL.of(self, today)

    def day(self, now) -> int:
        """Which day of the term it is, as for a new site."""
        return statuses.day_of(self.term_days, self.due_on, local_date(now))


Proposal.add_index(Proposal.site, unique=True, where=(Proposal.state == "open"), name="proposal_one_open")


class Handover(Versioned):
    """A request to take a site over from its manager; or (`offered`) the offer of a manager to whoever has this address."""

    STATES = statuses.HANDOVER.words("open", "escalated", "accepted", "refused", "withdrawn")
    steps = {
        "open": {"accepted", "refused", "escalated", "withdrawn"},
        "escalated": {"accepted", "refused", "withdrawn"},
    }
    UNDECIDED = ("open", "escalated")
    GIVER = "wie de stageplaats beheert"
    """how who gives is called while the other side may not know the name"""

    site = ForeignKeyField(Site, backref="handovers", on_delete="RESTRICT", verbose_name="Stageplaats")
    requester = ForeignKeyField(
        User, null=True, backref="handovers_asked", on_delete="RESTRICT", verbose_name="Neemt over"
    )
    """who takes over; None while an offer waits for its successor"""
    asked = ForeignKeyField(
        User, null=True, backref="handovers_to_answer", on_delete="RESTRICT", verbose_name="Geeft door"
    )
    """the manager when it was asked or offered; None: the site had none"""
    offered = BooleanField(default=False)
    email = Line(max_length=254, verbose_name="E-mailadres")
    phone = Line(default="", max_length=30, verbose_name="Telefoonnummer")
    state = CharField(
        default="open",
        max_length=20,
        choices=choices(STATES),
        verbose_name="Status",
        constraints=[one_of("state", STATES)],
    )
    reason = Lines(default="", max_length=2000, verbose_name="Reden")
    created_at = DateTimeField(index=True, verbose_name="Gevraagd op")
    due_on = DateField(index=True, verbose_name="Antwoord tegen")
    """the last day to answer, `term_days` after the request"""
    term_days = IntegerField(default=lambda: HANDOVER_DAYS)
    """how many days to answer were given"""
    team_due_on = DateField(null=True, verbose_name="Team beslist tegen")
    """once it lies with the team: the last day to decide"""
    team_days = IntegerField(default=lambda: HANDOVER_DAYS)
    """once it lies with the team: how many days it was given"""
    decided_at = DateTimeField(null=True, verbose_name="Beslist op")
    decided_by = ForeignKeyField(User, null=True, backref="handovers_decided", on_delete="RESTRICT")

    class Meta:
        constraints = [
            Check("offered OR requester_id IS NOT NULL"),
            Check("state <> 'accepted' OR requester_id IS NOT NULL"),
        ]
        indexes = ((("state", "due_on"), False),)

    clashes = {
        "handover_one_unanswered handover.site_id": "Er loopt al een overdracht van {row.site}. Wacht tot daarover beslist is, "
        "of bel het team Kadervorming."
    }

    def prepare(self):
        if self.due_on is None:
            self.due_on = days_after(self.created_at, self.term_days)

    reads = {"email": readings.email, "phone": readings.phone}

    def __str__(self):
        return f"de overdracht van {self.site}"

    @property
    def undecided(self) -> bool:
        return self.state in self.UNDECIDED

    def step_refused(self, by=None):
        """Who gives is named once it was accepted (domain rule 7), and who works for the team never: a page without login may
        tell this."""
        stored = Handover.get_by_id(self.id)
        when = f" op {dutch.moment(stored.decided_at)}" if stored.decided_at else ""
        giver = stored.asked if stored.offered or stored.state == "accepted" else self.GIVER
        who = {None: "", stored.asked_id: f" door {giver}", stored.requester_id: f" door {stored.requester}"}
        by = who.get(stored.decided_by_id, " door het team") if stored.decided_by_id else ""
        return f"Deze overdracht is al behandeld{by}{when}: {Handover.STATES[stored.state].lower()}."

    def status(self, today: date) -> statuses.Status:
        """What the handover is at on this day; an offer waits for the successor."""
        status = statuses.HANDOVER.of(self, today)
        offered = self.offered and self.state == "open"
        return statuses.with_turn(status, statuses.SUCCESSOR) if offered else status

    @property
    def last_due_on(self) -> date:
        """The last day of the present term: of the manager, or once it lies with the team of the team."""
        return self.team_due_on or self.due_on

    def day(self, now) -> int:
        """Which day of the present term it is: of the manager, or once escalated of the team."""
        days = self.team_days if self.team_due_on else self.term_days
        return statuses.day_of(days, self.last_due_on, local_date(now))


Handover.add_index(
    Handover.site, unique=True, where=(Handover.state << ("open", "escalated")), name="handover_one_unanswered"
)
