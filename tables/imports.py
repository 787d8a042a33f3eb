"""Imported files: a batch, and what became of each of its lines. `models` names these tables with all others."""

from peewee import BooleanField, CharField, DateTimeField, ForeignKeyField, IntegerField, ModelSelect, TextField

from database import BaseModel, Line, choices, one_of
from tables.associations import Association
from tables.people import User
from tables.sites import TYPES

KEPT_DAYS = 90  # how long the lines of a file are kept, and an import can be undone


class ImportBatch(BaseModel):
    """A file with participants that was received: first every line is checked, then somebody confirms, then the good lines are
    written. `position` is the last line that the present phase treated, so that whoever goes on knows where."""

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
    """the position of a file whose lines are all written in one transaction, or none"""
    steps = {
        "checking": {"checked", "dropped"},
        "checked": {"importing", "dropped"},
        "importing": {"done", "checked"},  # back when all or none was asked, and not all could be
        "done": {"undone"},
    }

    by = ForeignKeyField(User, null=True, backref="imports", on_delete="RESTRICT", verbose_name="Door")
    """None: typed on the server's command line"""
    by_id: int | None
    association = ForeignKeyField(Association, null=True, on_delete="RESTRICT", verbose_name="Vereniging")
    """the association of all lines when `by` works for one; it stands for what a line leaves empty"""
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

    def __str__(self):
        return self.file_name

    @property
    def at_work(self) -> bool:
        return self.state in self.AT_WORK

    @property
    def all_or_none(self) -> bool:
        return self.state == "importing" and self.position == self.ALL_OR_NONE

    def step_refused(self, by=None):
        stored = ImportBatch.get_by_id(self.id)
        return f"Dit is intussen al gebeurd. De status van {self} is nu: {ImportBatch.STATES[stored.state].lower()}."


class ImportRow(BaseModel):
    """A line of an imported file: what stands in it, what we think of it, and what was made of it."""

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
    """of the line in the file; the header is line 1"""
    cells = TextField()
    """the texts of the line in the order of imports.COLUMNS, as JSON"""
    kavo_id = CharField(default="", max_length=9)
    type = CharField(default="", max_length=20, constraints=[one_of("type", ("", *TYPES))])
    verdict = CharField(default="", max_length=20, constraints=[one_of("verdict", ("", *VERDICTS))])
    text = CharField(default="", max_length=500)
    done = BooleanField(default=False)
    participant_id = IntegerField(null=True)
    trajectory_id = IntegerField(null=True)
    """what this line made anew"""
    before = TextField(null=True)
    """what it changed of a participant: the old values, as JSON"""

    class Meta:
        indexes = (
            (("batch", "number"), True),
            (("batch", "verdict", "number"), False),
            (("batch", "kavo_id"), False),
        )
