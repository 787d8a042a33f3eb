"""Imported files: a batch, and the outcome for each of its lines."""

import json
from typing import Any

from peewee import BooleanField, CharField, DateTimeField, ForeignKeyField, IntegerField, ModelSelect, TextField

from database import BaseModel, Line, choices, one_of
from tables.associations import Association
from tables.people import User
from tables.sites import TYPES

KEPT_DAYS = 90  # how long the lines of a file are kept; an import can be undone as long


class ImportBatch(BaseModel):
    """A received file with participants: every line is checked, then a user confirms, then the good lines are written. `position`
    is the last line that the present phase has processed, from which it resumes."""

    STATES = {
        "checking": "Wordt nagekeken",
        "checked": "Nagekeken",
        "importing": "Wordt geïmporteerd",
        "done": "Geïmporteerd",
        "dropped": "Niet geïmporteerd",
        "undone": "Ongedaan gemaakt",
    }
    AT_WORK = ("checking", "importing")
    ALL_OR_NONE = -1
    """the position of a file whose lines are written all or none, in one transaction"""
    steps = {
        "checking": {"checked", "dropped"},
        "checked": {"importing", "dropped"},
        "importing": {"done", "checked"},  # back when all or none was requested and not all could be written
        "done": {"undone"},
    }

    by = ForeignKeyField(User, null=True, backref="imports", on_delete="RESTRICT", verbose_name="Door")
    """None: imported with a command on the server"""
    by_id: int | None
    association = ForeignKeyField(Association, null=True, on_delete="RESTRICT", verbose_name="Vereniging")
    """the association of all lines when `by` works for one; it fills in lines that leave it empty"""
    association_id: int | None
    file_name = Line(max_length=200, verbose_name="Bestand")
    digest = CharField(max_length=64, index=True)
    state = CharField(
        default="checking",
        max_length=20,
        choices=choices(STATES),
        verbose_name="Status",
        constraints=[one_of("state", STATES)],
    )
    rows = IntegerField(default=0, verbose_name="Regels")
    position = IntegerField(default=0)
    created_at = DateTimeField(index=True, verbose_name="Ontvangen op")
    finished_at = DateTimeField(null=True, verbose_name="Geïmporteerd op")
    lines: "ModelSelect[ImportRow]"

    def __str__(self) -> str:
        return self.file_name

    @property
    def at_work(self) -> bool:
        return self.state in self.AT_WORK

    @property
    def all_or_none(self) -> bool:
        return self.state == "importing" and self.position == self.ALL_OR_NONE

    def step_refused(self, by: Any = None) -> str:
        stored = ImportBatch.get_by_id(self.id)
        return f"Dit is intussen al gebeurd. De status van {self} is nu: {ImportBatch.STATES[stored.state].lower()}."


class ImportRow(BaseModel):
    """A line of an imported file: its cells, our verdict, and the result."""

    VERDICTS = {
        "new": "Nieuwe deelnemer met traject",
        "trajectory": "Nieuw traject",
        "changed": "Gegevens wijzigen",
        "known": "Staat er al",
        "bad": "Kan niet",
    }
    GOOD = ("new", "trajectory", "changed")

    batch = ForeignKeyField(ImportBatch, backref="lines", on_delete="CASCADE")
    number = IntegerField()
    """the number of the line in the file; the header is line 1"""
    cells = TextField()
    """the texts of the line in the order of imports.COLUMNS, as JSON"""
    kavo_id = CharField(default="", max_length=9)
    type = CharField(default="", max_length=20, constraints=[one_of("type", ("", *TYPES))])
    verdict = CharField(default="", max_length=20, constraints=[one_of("verdict", ("", *VERDICTS))])
    text = CharField(default="", max_length=500)
    done = BooleanField(default=False)
    participant_id = IntegerField(null=True)
    trajectory_id = IntegerField(null=True)
    """the row that this line created"""
    before = TextField(null=True)
    """the old values that it changed of a participant, as JSON"""

    @property
    def texts(self) -> list[str]:
        """Its cells, in the order of COLUMNS; none once they were erased."""
        return json.loads(self.cells)

    class Meta:
        indexes = (
            (("batch", "number"), True),
            (("batch", "verdict", "number"), False),
            (("batch", "kavo_id"), False),
        )
