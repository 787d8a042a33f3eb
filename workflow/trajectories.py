"""Starting a trajectory: one participant's way to one type of attest."""

from datetime import datetime

import audit
import scope
from database import writing
from models import Trajectory, User


def start(trajectory: Trajectory, by: User, now: datetime):
    """Save a new trajectory. Raises RuleError when the participant already has an open one of this type."""
    if not scope.allows(by, "add", Trajectory):
        raise scope.NotYours("add Trajectory")
    with writing():
        trajectory.save(force_insert=True)
        audit.record(
            by, "trajectory.started", trajectory, at=now, association=trajectory.association, type=trajectory.type_label,
            participant=trajectory.participant, start=trajectory.course_started_on,
        )  # fmt: skip
