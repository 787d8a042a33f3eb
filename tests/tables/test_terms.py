"""A deadline, once given, stays: its days are stored on the row, so that a changed policy number changes no existing deadline,
and reminders are identified by their position in their series, so that none is repeated."""

from datetime import date, datetime, timedelta

import pytest

import audit
import migrations
import tables.handovers
import tables.sites
from models import Handover, LinkRequest, Mail, Proposal, Reminder, Site
from tests import factories as make
from times import years_after
from workflow import clock
from workflow.deadlines import applications, registrations, stages, trajectories
from workflow.deadlines import handovers as handover_deadlines
from workflow.sites import handovers, sites

DAY = date(2026, 7, 1)
"""the day of `make.NOW`"""


def at(day: date, hour=9) -> datetime:
    return datetime(day.year, day.month, day.day, hour)


def given():
    """A row of each kind with a deadline, all set on DAY."""
    jonas = make.user(password=make.PASSWORD)
    site = make.site(manager=jonas, state="submitted")
    asked = Proposal(
        site=make.site(manager=jonas),
        by=jonas,
        name="x",
        recognition="municipal",
        street="s 1",
        postcode="9000",
        municipality="Gent",
        created_at=make.NOW,
    )
    handover = Handover(
        site=make.site(manager=jonas), requester=make.user(), asked=jonas, email="a@b.be", created_at=make.NOW
    )
    link = LinkRequest(user=make.user(), created_at=make.NOW, issuer="i", subject="s")
    for row in (asked, handover, link):
        row.save()
    return [type(row).get_by_id(row.id) for row in (site, asked, handover, link)]


def test_a_term_that_was_given_stays_when_the_policy_changes(monkeypatch):
    old = given()
    for name in ("APPROVAL_DAYS", "HANDOVER_DAYS"):
        for module in (tables.sites, tables.handovers, handovers, sites):
            monkeypatch.setattr(module, name, 21, raising=False)
    new = given()
    for row in old:
        assert (row.due_on, row.day(at(DAY + timedelta(days=16)))) == (DAY + timedelta(days=14), 16)
        assert (
            "dag 16 van 14"
            in f"{row.status(DAY + timedelta(days=16)).words} {row.status(DAY + timedelta(days=16)).detail}"
        )
    for row in new[:3]:
        assert (row.due_on, row.term_days) == (DAY + timedelta(days=21), 21)
        assert row.status(DAY + timedelta(days=16)).detail == "dag 16 van 21"
    handovers.escalate(old[2], at(DAY + timedelta(days=15)), "Geen antwoord.")
    assert Handover.get_by_id(old[2].id).status(DAY + timedelta(days=16)).detail == "dag 1 van 21"
    sites.reject(old[0], kim := make.user("team"), at(DAY + timedelta(days=20)), "Daarom.")
    sites.reopen(Site.get_by_id(old[0].id), kim, at(DAY + timedelta(days=30)), "Toch.")
    assert Site.get_by_id(old[0].id).status(DAY + timedelta(days=31)).detail == "dag 1 van 21"


def test_after_a_change_of_the_policy_no_reminder_is_repeated(monkeypatch):
    association, jonas = make.association(email="v@kavo.test"), make.user(password=make.PASSWORD)
    site = make.site(manager=jonas)
    make.site(manager=jonas, state="submitted", submitted_at=at(DAY - timedelta(days=11)))
    for days in (20, 50):
        make.placement(
            site=site, trajectory=make.trajectory(association=association), ends_on=DAY - timedelta(days=days)
        )
    for left in (170, 50):
        started = years_after(DAY, -3) + timedelta(days=left)
        make.trajectory(association=association, course_started_on=started)
    Handover(
        site=site, requester=make.user(), asked=jonas, email="a@b.be", created_at=at(DAY - timedelta(days=8))
    ).save()
    clock.sweep(at(DAY))
    said = {(one.object_type, one.object_id, one.kind) for one in Reminder.select()}
    assert {kind for _, _, kind in said} == {
        "applications_due",
        "evaluate_first",
        "evaluate_second",
        "trajectory_first",
        "trajectory_second",
        "handover_first",
    }
    sent = Mail.select().count()

    for module, name, value in (
        (tables.sites, "APPROVAL_DAYS", 21),
        (tables.handovers, "HANDOVER_DAYS", 21),
        (applications, "APPLICATION_DAY", 11),
        (stages, "EVALUATE_AFTER", (10, 45)),
        (trajectories, "TRAJECTORY_REMINDERS", (200, 90)),
        (handover_deadlines, "HANDOVER_REMINDERS", (6, 12)),
        (registrations, "ACTIVATION_REMINDERS", (5, 20)),
    ):
        monkeypatch.setattr(module, name, value)
    points = [
        point
        for module in (applications, stages, trajectories, handover_deadlines)
        for point in _current_rules(module, monkeypatch)
    ]
    for point in points:
        point.treat(point.due(at(DAY), date(2020, 1, 1)), at(DAY, 10))
    assert {(one.object_type, one.object_id, one.kind) for one in Reminder.select()} == said
    assert Mail.select().count() == sent


def _current_rules(module, monkeypatch):
    """The deadline rules of a module with the current numbers."""
    series = {
        stages: ("evaluate", lambda: stages.EVALUATE_AFTER, lambda: stages.ASSOCIATION_AFTER),
        trajectories: ("trajectory", lambda: trajectories.TRAJECTORY_REMINDERS, lambda: 0),
        handover_deadlines: ("handover", lambda: handover_deadlines.HANDOVER_REMINDERS, lambda: 0),
    }.get(module)
    if series is None:
        return module.POINTS
    about, days, end = series
    due_and_treat = [module._reminder(*one) for one in module.series(about, days(), end())]
    return [type(module.POINTS[0])("", "", "", "", "", due, treat) for due, treat in due_and_treat]


def test_no_kind_of_a_reminder_holds_a_number():
    assert all(not any(char.isdigit() for char in point.key.replace("turned_18", "")) for point in clock.CATALOGUE)


@pytest.mark.parametrize(
    "came, due, days",
    [
        (datetime(2026, 7, 1, 8), date(2026, 7, 15), 14),
        (datetime(2026, 7, 1, 22, 30), date(2026, 7, 16), 14),
        (datetime(2026, 12, 1, 23, 30), date(2026, 12, 16), 14),
        (datetime(2026, 12, 1, 22, 30), date(2026, 12, 15), 14),
        (datetime(2026, 3, 29, 0, 30), date(2026, 4, 12), 14),
        (datetime(2026, 7, 1, 8), date(2026, 7, 22), 21),
    ],
)
def test_old_rows_get_the_days_that_their_dates_tell(came, due, days):
    """Also when they began around midnight in Brussels, in winter and in summer. A paused deadline got the usual days."""
    jonas, kim = make.user(), make.user("team")
    made = make.site(submitted_at=came, due_on=due, state="submitted")
    paused = make.site(manager=jonas, submitted_at=came, due_on=due + timedelta(days=5), state="submitted")
    audit.record(kim, "site.asked", paused, at=came, site=paused)
    handover = Handover(
        site=made, requester=jonas, email="a@b.be", created_at=came, due_on=due, state="escalated", team_due_on=due
    )
    handover.save()
    audit.record(None, "handover.escalated", handover, at=came, site=made, reason="Geen antwoord.")
    for kind in ("evaluate_14", "handover_13"):
        Reminder.create(object_type="x", object_id="1", kind=kind, due_on=due, at=came)
    migrations.back("0011_searches")
    migrations.migrate()
    handover = Handover.get()
    assert (Site.get_by_id(made.id).term_days, handover.term_days, handover.team_days) == (days, days, days)
    assert Site.get_by_id(paused.id).term_days == 14
    kinds = {one.kind for one in Reminder.select()}
    assert kinds == {"evaluate_14", "evaluate_first", "handover_13", "handover_second"}, (
        "the release before still knows its own"
    )
