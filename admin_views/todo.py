"""The start page of the team: what waits for a decision, oldest deadline first."""

from datetime import timedelta

from flask import abort, redirect, request, url_for
from flask_admin import AdminIndexView, expose
from flask_security import current_user

import dutch
from models import APPROVAL_DAYS, Site
from people import TEAM
from times import local_date, utcnow

MOST_SHOWN = 100


class Todo(AdminIndexView):
    def is_accessible(self):
        return current_user.is_authenticated and TEAM in current_user.role_names

    def inaccessible_callback(self, name, **kwargs):
        if current_user.is_authenticated:
            abort(404)
        return redirect(url_for("security.login", next=request.full_path))

    @expose("/")
    def index(self):
        today = local_date(utcnow())
        waiting = Site.select().where(Site.state == "submitted").order_by(Site.due_on, Site.id).limit(MOST_SHOWN)
        groups = {"Te laat": [], "Vandaag": [], "Deze week": [], "Later": []}
        for site in waiting:
            groups[_group(site.due_on, today)].append(
                {"site": site, "day": _day(site, today), "when": _when(site.due_on, today)}
            )
        filled = {title: tasks for title, tasks in groups.items() if tasks}
        return self.render("admin/todo.html", groups=filled, today=dutch.weekday(today))


def _group(due_on, today):
    if due_on < today:
        return "Te laat"
    if due_on == today:
        return "Vandaag"
    return "Deze week" if due_on <= today + timedelta(days=6 - today.weekday()) else "Later"


def _day(site, today) -> str:
    """'dag 9 van 14'; the day of submission is dag 0."""
    return f"dag {(today - local_date(site.submitted_at)).days} van {APPROVAL_DAYS}"


def _when(due_on, today) -> str:
    if due_on < today:
        return f"moest op {dutch.day(due_on)}"
    return f"vandaag, {dutch.day(due_on)}" if due_on == today else f"tegen {dutch.day(due_on)}"
