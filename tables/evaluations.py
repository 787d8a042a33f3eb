"""Evaluations of an internship, final evaluations of a trajectory, and attests, with the rules that each row obeys."""

from datetime import date

from peewee import CharField, Check, DateField, DateTimeField, ForeignKeyField, IntegerField, fn

import dutch
from database import BaseModel, Line, Lines, LongText, RuleError, choices, one_of
from database.texts import has_text
from tables.participants import LEAST_AGES, Participant
from tables.people import User
from tables.sites import TYPES
from tables.stages import ON_BEHALF, RESULTS, Placement, Trajectory
from times import local_date

MOST_HOURS_DONE = 500  # an internship may have lasted longer than planned; more than this is a typo

CRITERIA = {
    "instructor": "een attest van instructeur",
    "head_animator": "een attest van hoofdanimator",
    "diploma": "een diploma hoger onderwijs met minstens 60 uur pedagogie",
    "professional": "pedagogische bekwaamheid als beroepskracht bij een jeugddienst of in het jeugdwerk",
    "training": "een opleiding om stagiairs in het jeugdwerk te begeleiden",
}
CRITERIA_BY_TYPE = {
    "animator": tuple(CRITERIA),
    "head_animator": tuple(CRITERIA),
    "instructor": tuple(key for key in CRITERIA if key != "head_animator"),
}
FINAL_RESULTS = {"passed": "Geslaagd", "failed": "Niet geslaagd"}


class Evaluation(BaseModel):
    """A version of the evaluation of a placement ('Traject opvolging'); each correction adds a version."""

    placement = ForeignKeyField(Placement, backref="evaluations", on_delete="RESTRICT")
    placement_id: int
    number = IntegerField(constraints=[Check("number >= 1")])
    mentor = Line(max_length=200, verbose_name="Stagebegeleider", required="Typ de naam van de stagebegeleider.")
    criterion = CharField(
        max_length=20,
        choices=choices(CRITERIA),
        verbose_name="De stagebegeleider heeft",
        constraints=[one_of("criterion", CRITERIA)],
    )
    starts_on = DateField(verbose_name="Begindatum")
    ends_on = DateField(verbose_name="Einddatum")
    hours_done = IntegerField(verbose_name="Gepresteerde uren", constraints=[Check("hours_done >= 0")])
    result = CharField(
        max_length=20, choices=choices(RESULTS), verbose_name="Resultaat", constraints=[one_of("result", RESULTS)]
    )
    motivation = LongText(default="", verbose_name="Motivering")
    remarks = LongText(default="", verbose_name="Opmerkingen")
    on_behalf = CharField(null=True, max_length=20, choices=choices(ON_BEHALF), verbose_name="Namens")
    by = ForeignKeyField(User, backref="evaluations", on_delete="RESTRICT")
    by_id: int
    at = DateTimeField()

    class Meta:
        indexes = ((("placement", "number"), True),)
        constraints = [
            Check("starts_on <= ends_on"),
            Check("result <> 'negative' OR motivation <> ''"),
            Check("result <> 'positive' OR hours_done >= 1"),
        ]

    def check(self) -> None:
        """Domain rules 9 and 11."""
        kind = self.placement.trajectory.type
        if self.criterion not in CRITERIA_BY_TYPE[kind]:
            raise RuleError(
                f"Wie een stage van {TYPES[kind].lower()} begeleidt, kan dat niet met {CRITERIA[self.criterion]}.",
                "criterion",
            )
        if self.starts_on > self.ends_on:
            raise RuleError("De einddatum ligt voor de begindatum. Kijk beide na.", "ends_on")
        if self.starts_on < self.placement.trajectory.course_started_on:
            started = dutch.day(self.placement.trajectory.course_started_on)
            raise RuleError(f"De stage kan niet beginnen voor de cursus: die startte op {started}.", "starts_on")
        if self.ends_on > local_date(self.at):
            raise RuleError("De stage is nog niet voorbij. Beoordeel op of na de einddatum.", "ends_on")
        if self.result == "negative" and not has_text(self.motivation):
            raise RuleError("Schrijf een motivering: die is verplicht als het resultaat negatief is.", "motivation")
        if self.result == "positive" and self.hours_done < 1:
            raise RuleError("Voor een positief resultaat is minstens 1 gepresteerd uur nodig.", "hours_done")
        if not 0 <= self.hours_done <= MOST_HOURS_DONE:
            raise RuleError(f"Typ 0 tot {MOST_HOURS_DONE} uren.", "hours_done")

    @classmethod
    def last_day(cls, trajectory: Trajectory) -> date | None:
        """The last day of the evaluated internships of a trajectory, by the newest version of each evaluation."""
        newest = cls.alias()
        number = newest.select(fn.MAX(newest.number)).where(newest.placement == cls.placement)
        stages = cls.select(fn.MAX(cls.ends_on)).join(Placement)
        return stages.where(Placement.trajectory == trajectory.id, cls.number == number).scalar()


class FinalEvaluation(BaseModel):
    """The outcome of a whole trajectory, given by the association or the team. A reopened one stays as a row but no longer
    counts."""

    trajectory = ForeignKeyField(Trajectory, backref="final_evaluations", on_delete="RESTRICT")
    trajectory_id: int
    result = CharField(max_length=20, choices=choices(FINAL_RESULTS), constraints=[one_of("result", FINAL_RESULTS)])
    evaluated_on = DateField(verbose_name="Datum evaluatie")
    motivation = LongText(default="", verbose_name="Motivering")
    on_behalf = CharField(null=True, max_length=20, choices=choices(ON_BEHALF), verbose_name="Namens")
    exception = Lines(default="", max_length=2000, verbose_name="Reden van de uitzondering")
    """why the team gave it although the age or the term did not allow it"""
    by = ForeignKeyField(User, backref="final_evaluations", on_delete="RESTRICT")
    by_id: int
    at = DateTimeField()
    reopened_at = DateTimeField(null=True)
    reopened_by = ForeignKeyField(User, null=True, backref="reopenings", on_delete="RESTRICT")
    reopen_reason = Lines(default="", max_length=2000)

    class Meta:
        constraints = [Check("result <> 'failed' OR motivation <> ''")]

    def check(self) -> None:
        """Domain rule 9, and rule 13 for those who pass; the verb locks the trajectory."""
        trajectory, participant = self.trajectory, self.trajectory.participant
        if missing := trajectory.missing():
            raise RuleError(f"{participant} kan nog geen eindevaluatie krijgen. {' '.join(missing)}")
        if self.result == "failed" and not has_text(self.motivation):
            raise RuleError("Schrijf een motivering: die is verplicht voor wie niet geslaagd is.", "motivation")
        if self.evaluated_on > local_date(self.at):
            raise RuleError("De datum evaluatie ligt nog niet achter ons. Kies vandaag of vroeger.", "evaluated_on")
        last = Evaluation.last_day(trajectory)
        if last and self.evaluated_on < last:
            raise RuleError(
                f"De laatste stage van {participant} liep tot {dutch.day(last)}. Kies die dag of later.", "evaluated_on"
            )
        if not has_text(self.exception) and (refusal := self.needs_exception()):
            raise RuleError(refusal, "evaluated_on")

    def needs_exception(self) -> str:
        """Why only the team can give this, as a sentence; empty when everybody may. Domain rule 13."""
        trajectory, participant = self.trajectory, self.trajectory.participant
        if self.evaluated_on > trajectory.ends_on:
            return (
                f"Het traject van {participant} moest afgewerkt zijn tegen {dutch.day(trajectory.ends_on)}. Vraag het team "
                "Kadervorming om een verlenging of een uitzondering."
            )
        from_day = participant.old_enough_on(trajectory.type)
        if self.result == "passed" and self.evaluated_on < from_day:
            least = LEAST_AGES[trajectory.type]
            return (
                f"{participant} wordt pas {least} op {dutch.day(from_day)}: vanaf dan kan een attest van "
                f"{trajectory.type_label}. Wacht tot dan, of vraag het team Kadervorming om een uitzondering."
            )
        return ""


FinalEvaluation.add_index(
    FinalEvaluation.trajectory,
    unique=True,
    where=FinalEvaluation.reopened_at.is_null(),
    name="final_evaluation_one_current",
)


class Attest(BaseModel):
    """The certificate that the government issues after a passed final evaluation."""

    final_evaluation = ForeignKeyField(FinalEvaluation, unique=True, backref="attests", on_delete="RESTRICT")
    code = CharField(unique=True, max_length=40)
    issued_on = DateField()
    issued_by = ForeignKeyField(User, on_delete="RESTRICT")
    revoked_at = DateTimeField(null=True)

    @property
    def trajectory(self) -> Trajectory:
        return self.final_evaluation.trajectory

    @property
    def participant(self) -> Participant:
        return self.trajectory.participant

    @property
    def is_valid(self) -> bool:
        return self.revoked_at is None
