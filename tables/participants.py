"""Participants of internships."""

from datetime import date
from typing import Any

from peewee import Check, DateField, DateTimeField, ModelSelect

import dutch
from database import Line, Named, RuleError, check_name, readings
from tables.policy import declare
from times import years_after

COURSE_LEAST_AGE = 14  # years, at the start of the course
LEAST_AGES = {"animator": 16, "head_animator": 17, "instructor": 18}
"""years, on the day the attest is issued: domain rule 13"""
declare(least_ages=lambda: LEAST_AGES)


class Participant(Named):
    """A young person who does internships, identified by the KAVO-ID that the association assigned (we never create one)."""

    kavo_id = Line(unique=True, max_length=9, verbose_name="KAVO-ID", constraints=[Check("length(kavo_id) = 9")])
    first_name = Line(default="", max_length=100, verbose_name="Voornaam")
    last_name = Line(max_length=100, verbose_name="Naam")
    birth_date = DateField(verbose_name="Geboortedatum")
    email = Line(default="", max_length=254, verbose_name="E-mailadres")
    erased_at = DateTimeField(null=True)
    """since when this row contains no personal data; its KAVO-ID is then a placeholder"""
    trajectories: "ModelSelect[Any]"

    class Meta:
        indexes = ((("birth_date", "search"), False), (("email", "search"), False))

    conflict_texts = {"kavo_id": "Er is al een deelnemer met KAVO-ID {row.kavo_id}. Zoek die deelnemer op."}

    readers = {
        "kavo_id": readings.kavo_id,
        "first_name": readings.name,
        "last_name": readings.name,
        "birth_date": readings.birth_date,
        "email": readings.email,
    }

    def check(self) -> None:
        check_name(self)
        if "birth_date" in self.dirty_field_names and self.id:
            for trajectory in self.trajectories:
                self.check_age_at(trajectory.course_started_on)

    def search_text(self) -> str:
        return f"{self.last_name} {self.first_name} {self.kavo_id}"

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def call_name(self) -> str:
        """The first name, or the only name."""
        return self.first_name or self.last_name

    @property
    def initials(self) -> str:
        """L. P.: enough to compare with a paper attest; empty once the name is erased."""
        names = [] if self.erased_at else [self.first_name, self.last_name]
        return " ".join(f"{name[0].upper()}." for name in names if name)

    def check_age_at(self, started: date) -> None:
        """Raise RuleError when this person is too young for a course that starts on this day."""
        if years_after(self.birth_date, COURSE_LEAST_AGE) > started:
            raise RuleError(
                f"{self} is nog geen {COURSE_LEAST_AGE} jaar bij de start van de cursus op {dutch.day(started)}. Kijk beide "
                "datums na.",
                "birth_date",
            )

    def old_enough_on(self, kind: str) -> date:
        """The first day on which an attest of this type may be issued to this person; born on 29 February: 1 March."""
        return years_after(self.birth_date, LEAST_AGES[kind])
