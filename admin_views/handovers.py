"""Overdrachten: what one asked, what one has to answer, and for the team what nobody answered."""

import json

from flask import abort, redirect, request, url_for
from flask_admin import expose
from peewee import fn

import audit
import mails
import scope
from admin_kit.actions import row_url
from admin_kit.base import AdminView
from admin_kit.cells import Button, Cell
from admin_kit.joins import Key, StatusKey
from admin_kit.lists import BY_AGE, BY_FAMILY_NAME
from admin_views import handover_page
from database import readings
from forms import KavoForm, ReasonField
from models import HANDOVER, MANAGER, TEAM, Handover
from times import local_date, utcnow
from workflow.sites import handovers

MOST_LINES = 50
LAST_DUE = Key("last_due_on", fn.COALESCE(Handover.team_due_on, Handover.due_on), lambda row: row.last_due_on)


class DecideForm(KavoForm):
    reason = ReasonField(description="Alleen nodig als je afkeurt. De aanvrager leest deze tekst.")


class HandoverView(AdminView):
    roles = (TEAM, MANAGER)
    kind, kinds = "overdracht", "overdrachten"
    can_create = can_edit = can_view_details = False
    column_list = ("site", "requester", "state", "created_at", "last_due_on")
    column_labels = {"site": "Stageplaats", "requester": "Neemt over", "last_due_on": "Beslissen tegen"}
    column_sortable_list = (
        ("site", "site.search"),
        ("requester", "requester.search"),
        ("state", (StatusKey("state", Handover, HANDOVER),)),
        "created_at",
        ("last_due_on", (LAST_DUE,)),
    )
    column_order_words = {"requester": BY_FAMILY_NAME, "last_due_on": BY_AGE}
    column_statuses = {"state": HANDOVER}
    column_default_sort = ("created_at", True)
    column_order_rest = ()
    column_filters = ("created_at",)
    column_tabs = "state"
    column_formatters = {
        "site": lambda view, context, handover, name: Cell(str(handover.site), handover.site.municipality),
        "requester": lambda view, context, handover, name: _taker(handover, view.by),
    }
    column_formatters_export = {"requester": lambda view, context, handover, name: _taker(handover, view.by)}
    empty_text = (
        "Hier staat wie het beheer van een stageplaats overneemt, en wat daarover beslist is. Nu is er geen overdracht."
    )

    def list_buttons(self):
        if TEAM in self.by.role_names:
            return []
        return [[Button("Beheer overnemen", url_for("take_over.choose"), "btn-primary")]]

    def row_links(self, row):
        return [("Bekijken", row_url("handover.show", row.id, "pk"))]

    @expose("/<int:pk>/", methods=("GET", "POST"))
    def show(self, pk):
        """Who asks, what moves along, and whoever may decide: Goedkeuren, Afkeuren with a reason, Intrekken."""
        handover = scope.find(self.by, Handover, pk) or abort(404)
        form = DecideForm()
        if form.is_submitted() and form.validate():

            def act(now):
                return handovers.decide(handover, request.form.get("decision"), self.by, now, form.reason.data or "")

            if form.carry_out(act, self.by, utcnow()):
                return redirect(url_for(".show", pk=pk))
            handover = Handover.get_by_id(pk)
        now, team = utcnow(), TEAM in self.by.role_names
        may = {act: handover.undecided and scope.may(self.by, act, handover) for act in ("answer", "withdraw")}
        status, with_team = handover.status(local_date(now)), team and handover.state == "escalated"
        return self.render(
            "admin/handover.html",
            handover=handover,
            form=form,
            trail=handover_page.trail(handover, team),
            status=status,
            standing=handover_page.standing(handover, status),
            lead=handover_page.lead(handover, may["answer"], team),
            contacts=_contacts(handover, self.by),
            facts=handover_page.known_facts(handover, handovers.moves(handover.site, now)),
            previews=mails.handover_previews(handover, now) if team and handover.requester else {},
            answer_words=handover_page.answer_words(handover) if _answers(may, team, handover) else "",
            withdraw_words=handover_page.withdraw_words(handover) if may["withdraw"] else "",
            history=_history(handover, self.by),
            no_answer=handovers.NO_ANSWER if with_team else "",
        )


def _answers(may: dict[str, bool], team: bool, handover) -> bool:
    """Whether the person at the screen is asked for an answer: to an offer only the successor gives it."""
    return may["answer"] and not (team and handover.offered)


def _history(handover, by) -> list[tuple]:
    """(moment in UTC, sentence, by the tool) of a handover, newest first. Who asks reads no name of who gives before it was
    accepted."""
    lines = audit.about(handover, MOST_LINES)
    if TEAM not in by.role_names and by.id == handover.requester_id and handover.state != "accepted":
        for line in lines:
            if line.actor_id == handover.asked_id and line.payload and not handover.offered:
                line.payload = json.dumps(json.loads(line.payload) | {"who": handover.GIVER.capitalize()})
    return audit.as_timeline(lines)


def _taker(handover, by) -> str:
    """Who takes over; of an offer that waits the address, for who wrote it."""
    if handover.requester_id:
        return str(handover.requester)
    return handover.email if by.id == handover.asked_id or TEAM in by.role_names else "jij"


def _contacts(handover, by) -> list[tuple[str, str, list[str]]]:
    """(side, person, e-mail address and telephone number) of both sides. The one who gives is named to who takes only after it
    was accepted, and then both see how to reach the other."""
    team, done = TEAM in by.role_names, handover.state == "accepted"
    giver, taker = handover.asked, handover.requester
    rows = []
    if taker or by.id == handover.asked_id or team:
        reach = team or done or (taker and by.id == taker.id)
        email = handover.email if reach or not taker else ""
        rows.append(("Neemt over", str(taker or ""), _reach(email, handover.phone if reach else "")))
    if giver and (team or done or by.id == giver.id or handover.offered):
        reach = team or done or by.id == giver.id
        rows.append(("Geeft door", str(giver), _reach(giver.email, giver.phone) if reach else []))
    return rows


def _reach(email: str, phone: str | None) -> list[str]:
    """How one reaches somebody, as far as it is told."""
    return [one for one in (email, readings.shown_phone(phone)) if one]
