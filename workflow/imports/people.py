"""Changing the personal data of a participant."""

from datetime import datetime

import audit
from models import Participant, User


def change_person(person: Participant, changed: dict, by: User | None, now: datetime):
    """Change personal data, with its line in the history. Rights were checked before."""
    before = {name: getattr(person, name) for name in changed}
    for name, new in changed.items():
        setattr(person, name, new)
    person.save()
    audit.record(
        by, "row.changed", person, at=now, kind="deelnemer", name=person, changes=audit.changes(before, person)
    )
