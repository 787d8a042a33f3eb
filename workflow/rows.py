"""Adding and changing a row by its form: the ordinary case of every table, with its history."""

from datetime import datetime

import audit
import scope
from database import RuleError, writing


def add(row, by, now: datetime, kind: str, also=None):
    """Save a new row. `kind` is its name on the screen; `also(row)` runs in the same transaction. Raises RuleError."""
    if not scope.allows(by, "add", type(row)):
        raise scope.NotYours(f"add {type(row).__name__}")
    with writing():
        row.save(force_insert=True)
        if also:
            also(row)
        audit.record(by, "row.added", row, at=now, kind=kind, name=row)


def change(row, before: dict, by, now: datetime, kind: str, also=None):
    """Save a changed row; `before` holds the old value of each field of the form. Raises RuleError, Conflict."""
    scope.require(by, "edit", row)
    with writing():
        row.save()
        words = [word for word in (audit.changes(before, row), also(row) if also else "") if word]
        if words:
            audit.record(by, "row.changed", row, at=now, kind=kind, name=row, changes=", ".join(words))


def delete(row, by, now: datetime, kind: str):
    """Delete a row that nothing refers to. Raises RuleError when something does."""
    scope.require(by, "delete", row)
    if row.pk is None:
        raise RuleError("Deze rij bestaat niet.")
    with writing():
        audit.record(by, "row.deleted", row, at=now, kind=kind, name=row)
        row.delete_instance()
