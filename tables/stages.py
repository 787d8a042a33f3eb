"""Trajectories of 50 hours, their extensions, and placements at a site, with the rules that each row obeys."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from peewee import (
    SQL,
    BooleanField,
    CharField,
    Check,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    ModelSelect,
    fn,
)

import dutch
from database import SEARCH_LENGTH, BaseModel, Lines, RuleError, Versioned, choices, empty_first, one_of
from tables import statuses
from tables.associations import Association
from tables.hours import Hours
from tables.participants import Participant
from tables.people import User
from tables.policy import declare
from tables.sites import TYPES, Site
from times import years_after

STAGE_HOURS = 50  # manual chapter 4
COURSE_YEARS = 3  # the whole trajectory, from the start of the course

declare(stage_hours=lambda: STAGE_HOURS, course_years=lambda: COURSE_YEARS)

NO_END = date.max
"""stands for an unknown end of an internship when sorting: after all others"""
RESULTS = {"positive": "Positief", "negative": "Negatief"}
ON_BEHALF = {"site": "de stageplaats", "association": "de vereniging"}


class Trajectory(Versioned):
    """A participant's way to a type of attest, at the association of the course."""

    named_by = Participant
    STATES = statuses.TRAJECTORY.words("open", "finished", "stopped")
    """the stored states; `status` tells the status on a day"""
    OUTCOMES = statuses.TRAJECTORY.words("failed", "passed", "attested")
    steps = {"open": {"finished", "stopped"}, "finished": {"finished", "open"}, "stopped": {"open"}}

    participant = ForeignKeyField(Participant, backref="trajectories", on_delete="RESTRICT", verbose_name="Deelnemer")
    participant_id: int
    association = ForeignKeyField(Association, backref="trajectories", on_delete="RESTRICT", verbose_name="Vereniging")
    association_id: int
    type = CharField(max_length=20, choices=choices(TYPES), verbose_name="Traject", constraints=[one_of("type", TYPES)])
    course_started_on = DateField(verbose_name="Start van de cursus")
    ends_on = DateField(verbose_name="Af te werken tegen")
    state = CharField(
        default="open",
        max_length=20,
        choices=choices(STATES),
        verbose_name="Status",
        constraints=[one_of("state", STATES)],
    )
    hours_used = IntegerField(
        default=0,
        verbose_name="Gekoppelde uren",
        constraints=[Check(f"hours_used BETWEEN 0 AND {STAGE_HOURS}")],
    )
    outcome = CharField(
        default="",
        max_length=20,
        choices=choices(OUTCOMES),
        verbose_name="Eindresultaat",
        constraints=[one_of("outcome", ("", *OUTCOMES))],
    )
    """the outcome of a finished trajectory; empty until then"""
    search = CharField(default="", max_length=SEARCH_LENGTH, index=True)
    """the participant's; a trigger in the database updates it"""
    placements: "ModelSelect[Placement]"
    final_evaluations: "ModelSelect[Any]"
    done: int
    """hours evaluated as positive, on rows for which a page looked these up together; see `hours`"""

    class Meta:
        indexes = (
            (("state", "search"), False),
            (("outcome", "search", "state"), False),
            (("type", "search", "state"), False),
            (("association", "search", "state"), False),
            (("course_started_on", "search", "state"), False),
            (("ends_on", "search", "state"), False),
            (("hours_used", "search", "state"), False),
            (("state", "outcome", "ends_on", "search"), False),
        )

    conflict_texts = {
        "trajectory_one_open trajectory.participant_id": "{row.participant} heeft al een traject dat loopt als {row.type_label}."
    }

    def prepare(self) -> None:
        if self.id is None:
            self.search = self.participant.search
        if self.course_started_on and (self.ends_on is None or "course_started_on" in self.dirty_field_names):
            self.ends_on = years_after(self.course_started_on, COURSE_YEARS) + timedelta(days=self.extended_days())

    def check(self) -> None:
        if {"participant", "course_started_on"} & set(self.dirty_field_names):
            self.participant.check_age_at(self.course_started_on)

    def extensions_of(self) -> "ModelSelect[Extension]":
        """The extensions that apply to this trajectory: its own, and those for all courses that started then."""
        started = self.course_started_on
        for_all = (Extension.courses_from <= started) & (Extension.courses_until >= started)
        return Extension.select().where((Extension.trajectory == self.id) | for_all)

    def extended_days(self) -> int:
        """The total of extensions of this trajectory, in days."""
        return sum(extension.days for extension in self.extensions_of())

    @property
    def type_label(self) -> str:
        return TYPES[self.type].lower()

    def __str__(self) -> str:
        return f"{self.participant}, traject {self.type_label}"

    @property
    def untouched(self) -> bool:
        """Whether nothing depends on it yet, so that its association may still correct it."""
        return self.state == "open" and self.hours_used == 0

    def is_open(self, today: date) -> bool:
        """Whether the participant may still be coupled: not finished, and within 3 years of the course start plus extension."""
        return statuses.TRAJECTORY.of(self, today).key == "open"

    def status(self, today: date, waiting: "list[Placement] | None" = None) -> statuses.Status:
        """The status of the trajectory on this day. `waiting`: its placements that are not evaluated yet, when a page looked
        these up for many at once."""
        status = statuses.TRAJECTORY.of(self, today)
        if status.key != "open":
            return status
        waiting = list(self.waiting()) if waiting is None else waiting
        if not waiting and self.hours_used < STAGE_HOURS:
            return statuses.with_turn(status, statuses.PARTICIPANT)
        return statuses.with_turn(status, statuses.SITE if waiting else statuses.ASSOCIATION)

    def hours_left(self, without: "Placement | None" = None) -> int:
        """Hours (0 to 50) that can still be coupled; `without`: a stored placement to leave out. Manual chapter 4. Call it on a
        locked row when a write depends on it."""
        return STAGE_HOURS - self.hours_used + (without.stored_counted() if without else 0)

    def held_elsewhere(self, placement: "Placement") -> str:
        """The sites with the other hours, which `placement` cannot have, as a sentence; empty when there are none."""
        others = Placement.select(Placement, Site).join(Site).where(Placement.trajectory == self, Placement.counted > 0)
        taken = [f"{other.counted} uur bij {other.site}" for other in others.where(Placement.id != placement.id)]
        return f" De andere uren: {dutch.listing(taken)}." if taken else ""

    def waiting(self) -> "ModelSelect[Placement]":
        """The placements that are not evaluated yet."""
        return self.placements.where(Placement.state == "open")

    def missing(self, waiting: "Iterable[Placement] | None" = None, positive: int | None = None) -> list[str]:
        """What this still lacks before the final evaluation, as sentences; empty when it can be given (domain rule 9). Call it on
        a locked row when a write depends on it. `waiting` (with their sites) and `positive`: the placements that wait and the
        positive hours, when a page looked these up for many at once."""
        if self.state == "finished":
            return ["De eindevaluatie is al gegeven."]
        if self.state == "stopped":
            return ["Het traject is stopgezet. Hervat het eerst."]
        if waiting is None:
            waiting = self.waiting().select(Placement, Site).join(Site).order_by(Placement.id)
        sentences = [
            f"De stage bij {placement.site} is nog niet beoordeeld ({placement.hours} uur)." for placement in waiting
        ]
        positive = self.hours_positive() if positive is None else positive
        if positive < STAGE_HOURS:
            sentences.append(
                f"Er zijn {positive} van {STAGE_HOURS} uur positief beoordeeld: nog {STAGE_HOURS - positive} uur."
            )
        return sentences

    @property
    def hours(self) -> Hours:
        """The hours as pages show them; the hours done are looked up unless a page did so for many at once."""
        done = self.__dict__.get("done")
        done = self.hours_positive() if done is None else done
        return Hours(done, self.hours_used - done, STAGE_HOURS)

    def hours_positive(self) -> int:
        """Hours (0 to 50) of internship that were evaluated as positive."""
        done = Placement.select(fn.COALESCE(fn.SUM(Placement.hours_done), 0))
        return done.where(Placement.trajectory == self, Placement.result == "positive").scalar()


Trajectory.add_index(
    Trajectory.participant, Trajectory.type, unique=True, where=(Trajectory.state == "open"), name="trajectory_one_open"
)


class Extension(BaseModel):
    """More time to finish: for a trajectory, or for all those whose course started between two dates."""

    trajectory = ForeignKeyField(Trajectory, null=True, backref="extensions", on_delete="RESTRICT")
    trajectory_id: int | None
    courses_from = DateField(null=True)
    courses_until = DateField(null=True)
    days = IntegerField(constraints=[Check("days > 0")])
    reason = Lines(max_length=2000, required="Schrijf waarom.")
    by = ForeignKeyField(User, on_delete="RESTRICT")
    by_id: int
    at = DateTimeField()

    class Meta:
        constraints = [
            Check("trajectory_id IS NOT NULL OR (courses_from IS NOT NULL AND courses_until >= courses_from)")
        ]


class Placement(Versioned):
    """A trajectory coupled to a site for some of its hours. `counted`: its share of the 50 hours; triggers in the database add
    these up in `trajectory.hours_used`."""

    named_by = Participant
    STATES = {"open": statuses.PLACEMENT.gathered["open"], "evaluated": "Beoordeeld", "cancelled": "Geannuleerd"}
    """the stored states; `status` tells the status on a day"""
    steps = {"open": {"evaluated", "cancelled"}, "evaluated": {"evaluated", "open"}, "cancelled": {"open"}}
    """to 'open' only by undoing, within minutes"""

    trajectory = ForeignKeyField(
        Trajectory, backref="placements", on_delete="RESTRICT", index=False, verbose_name="Traject"
    )
    trajectory_id: int
    site = ForeignKeyField(Site, backref="placements", on_delete="RESTRICT", verbose_name="Stageplaats")
    site_id: int
    hours = IntegerField(verbose_name="Aantal uren", constraints=[Check("hours >= 1")])
    hours_done = IntegerField(null=True, verbose_name="Gepresteerde uren", constraints=[Check("hours_done >= 0")])
    state = CharField(
        default="open",
        max_length=20,
        choices=choices(STATES),
        verbose_name="Status",
        constraints=[one_of("state", STATES)],
    )
    result = CharField(
        null=True,
        max_length=20,
        choices=choices(RESULTS),
        verbose_name="Resultaat",
        constraints=[one_of("result", RESULTS)],
    )
    counted = IntegerField(verbose_name="Telt mee voor")
    starts_on = DateField(null=True, verbose_name="Verwachte begindatum")
    ends_on = DateField(null=True, verbose_name="Verwachte einddatum")
    no_show = BooleanField(default=False, verbose_name="Niet komen opdagen")
    reason = Lines(default="", max_length=2000, verbose_name="Reden")
    on_behalf = CharField(null=True, max_length=20, choices=choices(ON_BEHALF), verbose_name="Namens")
    coupled_by = ForeignKeyField(User, backref="couplings", on_delete="RESTRICT", verbose_name="Gekoppeld door")
    coupled_by_id: int
    created_at = DateTimeField(index=True, verbose_name="Gekoppeld op")
    search = CharField(default="", max_length=SEARCH_LENGTH, index=True)
    """the participant's; a trigger in the database updates it"""
    type = CharField(max_length=20, choices=choices(TYPES), verbose_name="Traject", constraints=[one_of("type", TYPES)])
    """the trajectory's, which never changes"""
    association_id = IntegerField(default=0)
    """the trajectory's association; a trigger in the database updates it"""
    finished = BooleanField(default=False, verbose_name="Klaar")
    """whether the site is done with it: evaluated or cancelled; lists show unfinished placements first"""
    evaluations: "ModelSelect[Any]"

    class Meta:
        indexes = (
            (("trajectory", "state"), False),
            *(
                ((*names, "finished", "search"), False)
                for names in ((), ("type",), ("hours",), ("site",), ("association_id",))
            ),
        )
        constraints = [
            Check("(state = 'evaluated') = (result IS NOT NULL)"),
            Check("(state = 'evaluated') = (hours_done IS NOT NULL)"),
            Check("result IS NULL OR result <> 'positive' OR hours_done >= 1"),
            Check("state <> 'cancelled' OR reason <> ''"),
            Check("starts_on <= ends_on"),
            Check(
                "counted = CASE WHEN state = 'open' THEN hours"
                " WHEN state = 'evaluated' AND result = 'positive' THEN hours_done ELSE 0 END"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trajectory.participant} bij {self.site}"

    def status(self, today: date) -> statuses.Status:
        """The status of the placement on this day."""
        return statuses.PLACEMENT.of(self, today)

    def lock_rule(self) -> None:
        self.trajectory = Trajectory.locked(self.trajectory_id)

    def prepare(self) -> None:
        if self.id is None:
            parent = self.trajectory
            self.search, self.type, self.association_id = parent.search, parent.type, parent.association_id
        self.counted = self.counting()
        self.finished = self.state != "open"

    def counting(self) -> int:
        """Its share of the 50 hours: the planned hours when open, the hours done when positive, otherwise 0."""
        if self.state == "open":
            return self.hours
        return (self.hours_done or 0) if self.state == "evaluated" and self.result == "positive" else 0

    def stored_counted(self) -> int:
        """The share that the database counts now for this placement (0 for a new one)."""
        if self.id is None:
            return 0
        return Placement.select(Placement.counted).where(Placement.id == self.id).scalar()

    def check(self) -> None:
        if self.hours < 1:
            raise RuleError("Koppel voor minstens 1 uur.", "hours")
        if self.starts_on and self.ends_on and self.starts_on > self.ends_on:
            raise RuleError("De verwachte einddatum ligt voor de verwachte begindatum.", "ends_on")
        left = self.trajectory.hours_left(without=self)
        if self.counted > left:
            raise RuleError(self.too_many(left), "hours" if self.state == "open" else "hours_done")

    @classmethod
    def ends_first(cls) -> Any:
        """What to order by so that the internship that ended longest ago comes first, and one without an end last."""
        return fn.COALESCE(cls.ends_on, SQL(repr(str(NO_END))))

    def too_many(self, left: int) -> str:
        """The refusal when this placement would take more than the `left` hours that remain."""
        participant, is_open = self.trajectory.participant, self.state == "open"
        if left <= 0:
            problem = f"De {STAGE_HOURS} uur van {participant} zijn al helemaal gekoppeld. Er kan niets meer bij."
        elif is_open:
            problem = f"{participant} kan nog {left} uur stage lopen, geen {self.counted}. Kies hoogstens {left} uur."
        else:
            problem = (
                f"{participant} kan hier nog hoogstens {left} uur krijgen. Noteer {left}; de rest hoort in Opmerkingen."
            )
        return problem if is_open else problem + self.trajectory.held_elsewhere(self)


for column in (Placement.starts_on, Placement.ends_on):
    Placement.add_index(empty_first(column), Placement.finished, Placement.search, name=f"placement_{column.name}")
Placement.add_index(Placement.ends_on, where=(Placement.state == "open"), name="placement_open_ends_on")
Placement.add_index(Placement.finished, Placement.ends_first(), Placement.search, name="placement_waiting")
Placement.add_index(
    Placement.created_at,
    where=(Placement.state == "open") & Placement.ends_on.is_null(),
    name="placement_open_created_at",
)
