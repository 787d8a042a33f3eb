"""Changes of a site that need a decision: proposals of its manager, and handovers."""

from datetime import date, datetime
from typing import Any

from peewee import BooleanField, CharField, Check, DateField, DateTimeField, ForeignKeyField, IntegerField

import dutch
from database import BaseModel, Line, Lines, Versioned, choices, one_of, readings
from tables import statuses
from tables.people import User
from tables.policy import declare
from tables.sites import APPROVAL_DAYS, RECOGNITIONS, Site, read_address
from times import days_after, local_date

HANDOVER_DAYS = 14  # manual 2.3.2
declare(handover_days=lambda: HANDOVER_DAYS)


class Proposal(BaseModel):
    """A change of name, recognition or address that a manager asks the team to approve."""

    STATES = statuses.PROPOSAL.words("open", "accepted", "refused", "withdrawn")
    steps = {"open": {"accepted", "refused", "withdrawn"}}

    site = ForeignKeyField(Site, backref="proposals", on_delete="RESTRICT")
    site_id: int
    by = ForeignKeyField(User, backref="proposals", on_delete="RESTRICT")
    by_id: int
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
    """the length of this term, in days"""
    decided_at = DateTimeField(null=True)
    decided_by = ForeignKeyField(User, null=True, backref="proposals_decided", on_delete="RESTRICT")
    decided_by_id: int | None
    reason = Lines(default="", max_length=2000)

    class Meta:
        indexes = ((("state", "due_on"), False),)

    conflict_texts = {
        "proposal_one_open proposal.site_id": "Er ligt al een wijziging van {row.site} bij het team. Trek die eerst in."
    }

    def prepare(self) -> None:
        read_address(self)
        if self.due_on is None:
            self.due_on = days_after(self.created_at, self.term_days)

    def check(self) -> None:
        readings.refuse_address(self.name, "name")

    def __str__(self) -> str:
        return f"de wijziging van {self.site}"

    def step_refused(self, by: Any = None) -> str:
        stored = Proposal.get_by_id(self.id)
        decider = f" door {stored.decided_by}" if stored.decided_by else ""
        return f"Deze wijziging is intussen al behandeld{decider}: {Proposal.STATES[stored.state].lower()}."

    def status(self, today: date) -> statuses.Status:
        """The status of the change on this day."""
        return statuses.PROPOSAL.of(self, today)

    def day(self, now: datetime) -> int:
        """The day number in the term, as for a new site."""
        return statuses.day_of(self.term_days, self.due_on, local_date(now))


Proposal.add_index(Proposal.site, unique=True, where=(Proposal.state == "open"), name="proposal_one_open")


class Handover(Versioned):
    """A request to take over a site from its manager, or (`offered`) the manager's offer to the owner of an address."""

    STATES = statuses.HANDOVER.words("open", "escalated", "accepted", "refused", "withdrawn")
    steps = {
        "open": {"accepted", "refused", "escalated", "withdrawn"},
        "escalated": {"accepted", "refused", "withdrawn"},
    }
    UNDECIDED = ("open", "escalated")
    GIVER = "wie de stageplaats beheert"
    """what the manager is called as long as the requester may not know the name"""

    site = ForeignKeyField(Site, backref="handovers", on_delete="RESTRICT", verbose_name="Stageplaats")
    site_id: int
    requester = ForeignKeyField(
        User, null=True, backref="handovers_asked", on_delete="RESTRICT", verbose_name="Neemt over"
    )
    """the user who takes over; None while an offer waits for a successor"""
    requester_id: int | None
    asked = ForeignKeyField(
        User, null=True, backref="handovers_to_answer", on_delete="RESTRICT", verbose_name="Geeft door"
    )
    """the manager at the time of the request or offer; None: the site had none"""
    asked_id: int | None
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
    """the length of the term to answer, in days"""
    team_due_on = DateField(null=True, verbose_name="Team beslist tegen")
    """once the team must decide: the last day to do so"""
    team_days = IntegerField(default=lambda: HANDOVER_DAYS)
    """once the team must decide: the length of its term, in days"""
    decided_at = DateTimeField(null=True, verbose_name="Beslist op")
    decided_by = ForeignKeyField(User, null=True, backref="handovers_decided", on_delete="RESTRICT")
    decided_by_id: int | None

    class Meta:
        constraints = [
            Check("offered OR requester_id IS NOT NULL"),
            Check("state <> 'accepted' OR requester_id IS NOT NULL"),
        ]
        indexes = ((("state", "due_on"), False),)

    conflict_texts = {
        "handover_one_unanswered handover.site_id": "Er loopt al een overdracht van {row.site}. Wacht tot daarover beslist is, "
        "of bel het team Kadervorming."
    }

    def prepare(self) -> None:
        if self.due_on is None:
            self.due_on = days_after(self.created_at, self.term_days)

    readers = {"email": readings.email, "phone": readings.phone}

    def __str__(self) -> str:
        return f"de overdracht van {self.site}"

    @property
    def undecided(self) -> bool:
        return self.state in self.UNDECIDED

    def step_refused(self, by: Any = None) -> str:
        """The manager is named once the handover is accepted (domain rule 7), staff of the team never: a page without login may
        show this."""
        stored = Handover.get_by_id(self.id)
        when = f" op {dutch.moment(stored.decided_at)}" if stored.decided_at else ""
        giver = stored.asked if stored.offered or stored.state == "accepted" else self.GIVER
        names = {None: "", stored.asked_id: f" door {giver}", stored.requester_id: f" door {stored.requester}"}
        decider = names.get(stored.decided_by_id, " door het team") if stored.decided_by_id else ""
        return f"Deze overdracht is al behandeld{decider}{when}: {Handover.STATES[stored.state].lower()}."

    def status(self, today: date) -> statuses.Status:
        """The status of the handover on this day; an offer waits for the successor."""
        status = statuses.HANDOVER.of(self, today)
        offered = self.offered and self.state == "open"
        return statuses.with_turn(status, statuses.SUCCESSOR) if offered else status

    @property
    def last_due_on(self) -> date:
        """The last day of the present term: the team's once it must decide, otherwise the manager's."""
        return self.team_due_on or self.due_on

    def day(self, now: datetime) -> int:
        """The day number in the present term: the team's once it must decide, otherwise the manager's."""
        days = self.team_days if self.team_due_on else self.term_days
        return statuses.day_of(days, self.last_due_on, local_date(now))


Handover.add_index(
    Handover.site, unique=True, where=(Handover.state << Handover.UNDECIDED), name="handover_one_unanswered"
)
