"""The start page of managers and associations: what waits for them, each with a link."""

from dataclasses import dataclass

from flask import url_for
from flask_admin import BaseView, expose

import dutch
import scope
from admin_kit.access import ForRoles
from admin_kit.counting import COUNT_UP_TO
from admin_views import site_page, work_page
from models import ASSOCIATION, MANAGER, PLACEMENT, STAGE_HOURS, TRAJECTORY, Association, Placement, Trajectory
from times import local_date, utcnow
from workflow.deadlines.shared import days_of
from workflow.deadlines.trajectories import TRAJECTORY_REMINDERS
from workflow.stages import finals

SOON = TRAJECTORY_REMINDERS[-1]  # days


@dataclass
class Waiting:
    """A kind of work: how many, what in words, and where."""

    count: str
    title: str
    what: str
    url: str


class WorkView(ForRoles, BaseView):
    roles = (MANAGER, ASSOCIATION)

    @expose("/")
    def index(self):
        today, associations = local_date(utcnow()), None
        if ASSOCIATION in self.by.role_names:
            mine = Association.select().where(scope.own(self.by, Association)).order_by(Association.search)
            associations = list(mine)
        return self.render(
            "admin/work.html",
            cards=work_page.cards(self.by, today) if MANAGER in self.by.role_names else None,
            new_sites=site_page.new_sites(self.by),
            associations=associations,
            names=", ".join(map(str, associations or ())),
            tasks=[one for one in self._tasks(today) if one] if associations else [],
        )

    def _tasks(self, today):
        trajectories = Trajectory.select(Trajectory.id).where(scope.own(self.by, Trajectory))
        late = PLACEMENT.where(Placement, today, "over")
        soon = today + days_of(SOON)
        ending = TRAJECTORY.where(Trajectory, today, "open") & (Trajectory.ends_on <= soon)
        yield _task(
            trajectories.where(finals.ready(today)),
            "Klaar voor eindevaluatie",
            f"{STAGE_HOURS} uur positief beoordeeld. Geef de eindevaluatie, voor één deelnemer of voor een groep.",
            url_for("ready.index_view"),
        )
        yield _task(
            Placement.select(Placement.id).where(scope.own(self.by, Placement), late),
            "Stages te beoordelen",
            "De stage is voorbij. Jij of de stageplaats geeft de beoordeling.",
            url_for("placement.index_view", tab="open", sort="ends_on", ends_on_tot=today - days_of(1)),
        )
        yield _task(
            trajectories.where(ending),
            f"Trajecten die binnen {SOON} dagen aflopen",
            "Zoek mee een stageplaats, of vraag het team om een verlenging.",
            url_for("trajectory.index_view", tab="open", ends_on_van=today, ends_on_tot=soon),
        )


def _task(query, title, what, url) -> Waiting | None:
    """None when there is none. Counts stop at some point, as those of lists do."""
    count = query.limit(COUNT_UP_TO + 1).count()
    if not count:
        return None
    return Waiting(
        dutch.number(count) if count <= COUNT_UP_TO else f"meer dan {dutch.number(COUNT_UP_TO)}", title, what, url
    )
