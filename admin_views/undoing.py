"""'Ongedaan maken': the button in a message and on a row, for one act or for all that was done in one go."""

from datetime import datetime

from flask import abort, flash, redirect, url_for
from flask_admin import BaseView, expose

import dutch
import scope
from admin_kit.access import HiddenFromMenu, came_from
from admin_kit.actions import MOST_IDS, Outcome, row_url
from admin_kit.cells import outcome
from database import RuleError
from forms import Told, refusing, room
from models import ASSOCIATION, MANAGER, TEAM, History, Placement, User
from times import utcnow
from workflow.stages import undo

LABEL = "Ongedaan maken"


def told(text: str, by: User, now: datetime) -> Told:
    """What `by` did at `now` in a sentence, with the button that undoes all of it."""
    act = undo.newest_of(by, now)
    return Told(text, url_for("undoing.together", pk=act.id) if act else "")


def row_posts(placements: list[Placement], by: User) -> dict[int, list[tuple[str, str]]]:
    """For the menus of these placements: id → the button that undoes the last act on it."""
    acts = undo.undoable(placements, by, utcnow())
    return {pk: [(LABEL, row_url("undoing.one", act.id, "pk"))] for pk, act in acts.items()}


class UndoView(HiddenFromMenu, BaseView):
    roles = (TEAM, MANAGER, ASSOCIATION)
    home = "placement.index_view"

    @expose("/<int:pk>", methods=("POST",))
    @room(fields=MOST_IDS)  # from a list, which sends what is ticked along
    def one(self, pk):
        return self._undo([self._act(pk)])

    @expose("/<int:pk>/samen", methods=("POST",))
    def together(self, pk):
        return self._undo(undo.together(self._act(pk)))

    def _act(self, pk) -> History:
        return scope.find(self.by, History, pk, "undo") or abort(404)

    def _undo(self, acts: list[History]):
        """Undo each in its own transaction: a message, or when some were refused of several, a page with a line for each."""
        back = came_from() or url_for(self.home)
        outcomes = [self._one(act) for act in acts]
        done = sum(one.done for one in outcomes)
        if len(outcomes) == 1:
            flash(outcomes[0].text, "good" if done else "warn")
            return redirect(back)
        if done == len(outcomes):
            flash(f"Dat is ongedaan gemaakt voor {dutch.counted(done, 'deelnemer', 'deelnemers')}.", "good")
            return redirect(back)
        rows = [(one.name, outcome(one.done, one.text)) for one in outcomes]
        return self.render("admin/result.html", outcomes=rows, done=done, back=back)

    def _one(self, act: History) -> Outcome:
        try:
            done, text = True, undo.undo(act, self.by, utcnow())
        except RuleError as error:
            done, text = False, str(error)
            refusing.note(text)
        return Outcome(undo.subject(act), done, text)
