"""The clock: each deadline is handled once and on time, whatever happens to the worker; in days and hours of Brussels."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from database import RuleError
from models import Clock, Extension, Handover, History, Mail, Reminder, Site, SiteManager, Token, Trajectory, User
from operations import checks
from tests import factories as make
from tests.visitor import Visitor
from times import at_hour, end_of_day, from_local, utcnow, years_after
from workflow import clock, deadlines
from workflow.accounts import registration
from workflow.sites import handovers, sites
from workflow.stages import evaluations, placements

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def sent(kind):
    return Mail.select().where(Mail.kind == kind).count()


def at(day, hour=8):
    return at_hour(day, hour)


def told(start, hours, count, expected, first=0):
    """Sweep at `hours` on every day of `expected` and the days beside it, and once on every other day; `expected`: (day, hour) →
    the number that `count()` must give right after it."""
    seen, near = {}, {day + more for day, _ in expected for more in (-1, 0, 1)}
    for number in range(first, max(expected)[0] + 1):
        for hour in hours if number in near else hours[-1:]:
            clock.sweep(at(start + number * DAY, hour))
            if (number, hour) in expected:
                seen[number, hour] = count()
    assert seen == expected


def asked(now, **values):
    bram = make.user(first_name="Bram")
    return handovers.ask(make.site(make.user(**values)), bram, bram.email, "0470 12 34 56", now)


# ---- handovers


def test_the_manager_is_reminded_on_day_7_and_13_at_8_in_the_morning():
    asked(datetime(2026, 6, 1, 15, 0))
    told(
        date(2026, 6, 1),
        (0, 7, 8, 23),
        lambda: sent("handover_reminder"),
        {
            (7, 7): 0,
            (7, 8): 1,
            (12, 23): 1,
            (13, 7): 1,
            (13, 8): 2,
            (14, 23): 2,
            (15, 0): 2,
            (20, 8): 2,
        },
    )


@pytest.mark.parametrize(
    "moment, state",
    [
        (datetime(2026, 6, 15, 21, 59, 59), "open"),
        (datetime(2026, 6, 15, 22, 0), "escalated"),
    ],
)
def test_the_term_ends_with_the_last_second_of_day_14_in_brussels(moment, state):
    handover = asked(datetime(2026, 6, 1, 21, 59))  # 23:59 in Brussels: still day 0
    clock.sweep(moment)

    assert Handover.get_by_id(handover.id).state == state
    assert sent("handover_escalated") == (state == "escalated")


@pytest.mark.parametrize("day, last", [(date(2026, 3, 20), date(2026, 4, 3)), (date(2026, 10, 20), date(2026, 11, 3))])
def test_14_days_are_calendar_days_over_both_changes_of_the_clock(day, last):
    handover = asked(at(day, 12))
    assert handover.due_on == last
    for number in range(15):
        clock.sweep(at(day + number * DAY, 8))
    assert sent("handover_reminder") == 2
    assert Handover.get_by_id(handover.id).state == "open"
    clock.sweep(end_of_day(last) - SECOND)
    assert Handover.get_by_id(handover.id).state == "open"

    clock.sweep(end_of_day(last))

    assert Handover.get_by_id(handover.id).state == "escalated"
    assert (end_of_day(last) - at(last - DAY)).total_seconds() == 40 * 3600  # the last reminder came long before


@pytest.mark.parametrize(
    "late, reminders",
    [
        (timedelta(0), 1),
        (timedelta(hours=15, minutes=59), 1),
        (timedelta(hours=16), 1),
        (timedelta(hours=16, seconds=1), 0),
    ],
)
def test_a_sweep_that_is_late_never_reminds_within_a_day_of_the_end(late, reminders):
    asked(datetime(2026, 6, 1, 10, 0))
    clock.sweep(at(date(2026, 6, 14)) + late)

    assert sent("handover_reminder") == reminders


def test_after_a_long_silence_one_reminder_is_enough():
    asked(datetime(2026, 6, 1, 10, 0))
    clock.sweep(at(date(2026, 6, 14), 9))
    clock.sweep(at(date(2026, 6, 14), 10))

    assert sent("handover_reminder") == 1
    assert Reminder.get().kind == "handover_second"


@pytest.mark.parametrize("act", ["accept", "refuse", "withdraw"])
def test_those_who_acted_are_not_reminded_and_nothing_escalates(act):
    handover = asked(datetime(2026, 6, 1, 10, 0))
    acts = {
        "accept": lambda now: handovers.accept(handover, handover.asked, now),
        "refuse": lambda now: handovers.refuse(handover, handover.asked, now, "Nee."),
        "withdraw": lambda now: handovers.withdraw(handover, handover.requester, now),
    }
    acts[act](datetime(2026, 6, 5, 10, 0))
    for number in range(40):
        clock.sweep(at(date(2026, 6, 1) + number * DAY, 9))

    assert sent("handover_reminder") == sent("handover_escalated") == 0


# ---- applications


def test_the_team_is_reminded_at_day_10_and_told_when_overdue():
    make.site(make.user(), state="submitted", submitted_at=datetime(2026, 6, 1, 10, 0))
    told(
        date(2026, 6, 1),
        (7, 8, 23),
        lambda: (sent("applications_due"), sent("applications_overdue")),
        {
            (10, 7): (0, 0),
            (10, 8): (1, 0),
            (14, 23): (1, 0),
            (15, 7): (1, 0),
            (15, 8): (1, 1),
            (20, 8): (1, 1),
        },
    )


def test_several_applications_make_one_mail():
    for _ in range(3):
        make.site(make.user(), state="submitted", submitted_at=datetime(2026, 6, 1, 10, 0))
    clock.sweep(at(date(2026, 6, 11), 9))

    mail = Mail.get()
    assert (mail.kind, mail.to_address) == ("applications_due", "team@kavo.test")
    assert mail.subject == "Bijna te laat: 3 aanvragen"
    assert mail.body.count("Speelplein") == 3


def test_while_the_applicant_must_act_nobody_reminds_the_team_and_a_new_term_starts_over():
    site, team = make.site(make.user(), state="submitted", submitted_at=datetime(2026, 6, 1, 10, 0)), make.user("team")
    sites.ask(site, team, datetime(2026, 6, 5, 10, 0), "Klopt het adres?")
    clock.sweep(at(date(2026, 6, 20)))
    assert sent("applications_due") == sent("applications_overdue") == 0
    registration.answer(Site.get_by_id(site.id), "Ja.", site.manager(), datetime(2026, 6, 25, 10, 0))
    assert Site.get_by_id(site.id).due_on == date(2026, 7, 5)

    clock.sweep(at(date(2026, 6, 30), 7))
    assert sent("applications_due") == 0
    clock.sweep(at(date(2026, 7, 1)))
    assert sent("applications_due") == 1


# ---- completing a registration


def test_an_incomplete_registration_is_reminded_on_day_7_and_25():
    start = date(2026, 6, 1)
    user = make.user(password=make.PASSWORD, confirmed_at=None)
    site = make.site(user, state="submitted", submitted_at=at(start))
    sites.approve(site, make.user("team"), at(start, 12))
    told(
        start,
        (7, 8, 23),
        lambda: sent("activation_reminder"),
        {
            (7, 7): 0,
            (7, 8): 1,
            (24, 23): 1,
            (25, 8): 2,
            (29, 8): 2,
            (33, 8): 2,
        },
    )


def test_the_link_of_a_reminder_completes_the_registration_until_the_same_moment(app):
    user = make.user(password=make.PASSWORD, confirmed_at=None)
    site = make.site(user, state="submitted", submitted_at=utcnow() - 8 * DAY)
    sites.approve(site, make.user("team"), utcnow() - 8 * DAY)
    ends = {token.expires_at for token in Token.select()}
    clock.sweep(utcnow())
    visitor = Visitor(app)
    visitor.get(
        next(line for line in Mail.get(Mail.kind == "activation_reminder").body.splitlines() if "http" in line)[21:]
    )
    visitor.send()

    assert {token.expires_at for token in Token.select()} == ends
    assert User.get_by_id(user.id).confirmed_at is not None
    clock.sweep(utcnow() + 20 * DAY)
    assert sent("activation_reminder") == 1


@pytest.mark.parametrize("day, forgotten", [(90, False), (91, True)])
def test_after_day_90_an_account_that_never_asked_for_a_site_is_erased(day, forgotten):
    user = make.user(password=make.PASSWORD, confirmed_at=None, created_at=datetime(2026, 6, 1, 10, 0))
    clock.sweep(at(date(2026, 6, 1) + day * DAY, 12))

    assert (User.get_by_id(user.id).first_name == "Gewist") == forgotten
    assert registration.unfinished(datetime(2027, 6, 1)) == ([] if forgotten else [user])


# ---- stages without an evaluation


START = date(2026, 6, 1)


def stage(**values):
    an = make.user(first_name="An")
    return make.placement(**{"site": make.site(an), "ends_on": START, "created_at": at(START - 60 * DAY), **values})


def test_the_manager_is_reminded_14_and_42_days_after_the_stage_and_then_the_association_is_told():
    stage(trajectory=make.trajectory(association=make.association(email="vorming@kavo.test")))
    told(
        START,
        (7, 8, 23),
        lambda: (sent("evaluate_reminder"), sent("evaluate_association")),
        {
            (14, 7): (0, 0),
            (14, 8): (1, 0),
            (41, 23): (1, 0),
            (42, 8): (2, 0),
            (56, 7): (2, 0),
            (56, 8): (2, 1),
            (70, 8): (2, 1),
        },
        first=10,
    )


def test_without_an_expected_end_the_first_reminder_comes_60_days_after_coupling():
    stage(ends_on=None, created_at=at(START, 23) + timedelta(minutes=59))
    told(
        START,
        (7, 8),
        lambda: sent("evaluate_reminder"),
        {
            (59, 8): 0,
            (60, 7): 0,
            (60, 8): 1,
            (88, 7): 1,
            (88, 8): 2,
        },
        first=50,
    )


def test_one_mail_tells_a_manager_of_all_stages_by_first_name():
    first = stage()
    make.placement(site=first.site, ends_on=START)
    clock.sweep(at(START + 14 * DAY))

    mail = Mail.get()
    assert mail.subject == "Te beoordelen: 2 stages"
    who = first.trajectory.participant
    assert f"{who.first_name} ({who.kavo_id}), {first.site}" in mail.body
    assert who.last_name not in mail.body


@pytest.mark.parametrize("act", ["evaluate", "cancel", "finish", "no manager", "move the end"])
def test_those_who_are_done_are_not_reminded(act):
    one, team, before = stage(), make.user("team"), at(START + DAY)
    if act == "evaluate":
        given = evaluations.EvaluationInput(
            mentor="Eline",
            criterion="instructor",
            starts_on=START,
            ends_on=START,
            hours_done=20,
            result="positive",
        )
        evaluations.evaluate(one, given, team, before)
    elif act == "cancel":
        placements.cancel(one, team, before, "Ziek.")
    elif act == "finish":
        Trajectory.get().move("stopped")
    elif act == "no manager":
        SiteManager.update(until=before).execute()
    else:
        placements.change(one, team, before, 20, ends_on=START + 10 * DAY)
    clock.sweep(at(START + 14 * DAY))

    assert sent("evaluate_reminder") == 0


# ---- trajectories and people


@pytest.mark.parametrize(
    "before, kind",
    [
        (181, None),
        (180, "trajectory_first"),
        (61, "trajectory_first"),
        (60, "trajectory_second"),
        (1, "trajectory_second"),
        (0, None),
        (-1, "trajectory_ended"),
        (-60, "trajectory_ended"),
        (-61, None),
    ],
)
def test_the_association_hears_before_a_trajectory_ends_and_when_it_has(before, kind):
    trajectory = make.trajectory(association=make.association(email="vorming@kavo.test"))
    clock.sweep(at(trajectory.ends_on - before * DAY))

    assert [mail.kind for mail in Mail.select()] == ([kind] if kind else [])


def test_an_extension_starts_a_new_series_and_is_named_when_it_ends():
    trajectory = make.trajectory(association=make.association(email="vorming@kavo.test"))
    clock.sweep(at(trajectory.ends_on - 50 * DAY))
    Extension.create(trajectory=trajectory, days=100, reason="Ziek", by=make.user("team"), at=make.NOW)
    longer = trajectory.ends_on + 100 * DAY
    Trajectory.update(ends_on=longer).execute()

    clock.sweep(at(longer - 60 * DAY))
    clock.sweep(at(longer + DAY))

    assert [mail.kind for mail in Mail.select().order_by(Mail.id)] == [
        "trajectory_second",
        "trajectory_second",
        "trajectory_ended",
    ]
    assert "(na verlenging)" in Mail.select().order_by(Mail.id.desc()).get().body


@pytest.mark.parametrize(
    "birth, day, mails",
    [
        (date(2008, 6, 10), date(2026, 6, 9), 0),
        (date(2008, 6, 10), date(2026, 6, 10), 1),
        (date(2008, 6, 10), date(2026, 7, 10), 1),
        (date(2008, 6, 10), date(2026, 7, 11), 0),
        (date(2008, 2, 29), date(2026, 2, 28), 0),
        (date(2008, 2, 29), date(2026, 3, 1), 1),
    ],
)
def test_a_manager_who_turned_18_is_told_once(birth, day, mails):
    make.user(password=make.PASSWORD, birth_date=birth)
    clock.sweep(at(day))
    clock.sweep(at(day, 9))

    assert sent("turned_18") == mails
    assert years_after(birth, 18).year == 2026


@pytest.mark.parametrize(
    "values, role",
    [
        ({"password": None}, "manager"),
        ({"password_exception": "Geen eID"}, "manager"),
        ({}, "team"),
        ({"active": False}, "manager"),
        ({"confirmed_at": None}, "manager"),
    ],
)
def test_nobody_else_is_told_to_link_an_eid(values, role):
    make.user(role, **{"password": make.PASSWORD, "birth_date": date(2008, 6, 10), **values})
    clock.sweep(at(date(2026, 6, 12)))

    assert sent("turned_18") == 0


# ---- the sweep itself


def busy_world():
    start = datetime(2026, 6, 1, 10, 0)
    asked(start)
    make.site(make.user(), state="submitted", submitted_at=start)
    stage(
        ends_on=date(2026, 5, 20), trajectory=make.trajectory(association=make.association(email="vorming@kavo.test"))
    )
    make.user(password=make.PASSWORD, birth_date=date(2008, 6, 10))


def test_a_sweep_that_runs_twice_does_everything_once():
    busy_world()
    moment = at(date(2026, 6, 20))
    first = clock.sweep(moment)
    again = clock.sweep(moment)

    assert first == {"applications_overdue": 1, "handover_end": 1, "evaluate_first": 1, "turned_18": 1}
    assert again == {}
    assert list(checks.breaches()) == []


def test_looking_ahead_changes_nothing_and_tells_what_a_sweep_does():
    busy_world()
    moment = at(date(2026, 6, 20))
    before = Mail.select().count(), Handover.get().state
    ahead = {point.key: len(dues) for point, dues in clock.upcoming(moment) if dues}

    assert (Mail.select().count(), Handover.get().state) == before
    assert clock.sweep(moment) == ahead


def test_a_failure_in_one_deadline_holds_up_no_other(monkeypatch, caplog):
    busy_world()
    broken = deadlines.CATALOGUE[1]
    monkeypatch.setattr(
        clock,
        "CATALOGUE",
        (deadlines.DeadlineRule(**{**vars(broken), "due": lambda now, since: 1 / 0}), *deadlines.CATALOGUE[2:]),
    )
    done = clock.sweep(at(date(2026, 6, 20)))

    assert done["handover_end"] == 1
    assert "the clock failed at applications_overdue" in caplog.text


def test_deadlines_before_the_first_day_end_without_reminders():
    busy_world()
    Clock.update(since=date(2026, 6, 20)).execute()
    clock.sweep(at(date(2026, 6, 20)))

    assert [mail.kind for mail in Mail.select().where(Mail.created_at > datetime(2026, 6, 10))] == [
        "handover_escalated"
    ]


def test_every_turning_point_says_why_how_often_and_when_it_stops():
    keys = [point.key for point in deadlines.CATALOGUE]
    assert len(set(keys)) == len(keys)
    for point in deadlines.CATALOGUE:
        assert point.name
        assert point.reason
        assert point.limit
        assert point.stops


@pytest.mark.parametrize("minutes, silent", [(0, False), (14, False), (16, True)])
def test_after_15_minutes_of_silence_the_team_sees_red(app, minutes, silent):
    clock.sweep(utcnow() - timedelta(minutes=minutes))
    team = Visitor(app, make.user("team", password=make.PASSWORD))
    for path in ("/te-behandelen/", "/klok/"):
        team.get(path)
        assert ("De klok staat stil" in team.text) == silent


def test_the_team_sees_and_sets_from_when_the_clock_reminds(app):
    busy_world()
    team = Visitor(app, make.user("team", password=make.PASSWORD))
    team.get("/klok/?tot=2026-06-20")
    assert "Overdracht: termijn voorbij" in team.text
    team.get("/klok/?tot=niets")
    team.send(since="")
    assert "Kies een dag." in team.text
    team.send(since="2026-06-20")

    assert Clock.get().since == date(2026, 6, 20)
    assert "20/06/2026" in team.text
    assert History.select().where(History.verb == "clock.since").exists()


def test_a_manager_may_not_set_the_clock(now):
    from scope import NotYours

    with pytest.raises(NotYours):
        clock.start_from(date(2026, 6, 20), make.user(), now)


# ---- the command


def run(app, *words):
    return app.test_cli_runner().invoke(args=["clock", *words])


def test_the_command_treats_what_is_due_at_a_moment_of_brussels(app):
    handover = asked(datetime(2026, 6, 1, 10, 0))

    dry = run(app, "--at", "2026-06-16T00:00", "--dry-run")
    assert "handover_end: Speelplein" in dry.output
    assert Handover.get_by_id(handover.id).state == "open"
    assert run(app, "--at", "2026-06-15T23:59:59").output == "Nothing was due.\n"
    assert "handover_end: 1" in run(app, "--at", "2026-06-15T22:00:00+00:00").output
    assert run(app, "--at", "2026-06-16").output == "Nothing was due.\n"


def test_in_production_a_later_moment_is_for_looking_only(app, settings):
    app.config["KAVO"] = replace(settings, environment="production")

    assert "for --dry-run only" in run(app, "--at", "2999-01-01").output
    assert run(app, "--at", "2999-01-01", "--dry-run").exit_code == 0
    assert run(app, "--at", "2026-06-01").exit_code == 0


@pytest.mark.parametrize("text", ["x", "2026-13-01", ""])
def test_the_command_says_what_a_moment_looks_like(app, text):
    answer = run(app, "--at", text or " ")

    assert answer.exit_code == 1
    assert "2026-12-01T08:00" in answer.output


def test_a_moment_without_an_offset_is_one_of_brussels():
    assert from_local("2026-07-01T10:00") == datetime(2026, 7, 1, 8, 0)
    assert from_local("2026-12-01T10:00") == datetime(2026, 12, 1, 9, 0)
    assert from_local("2026-12-01T10:00+00:00") == datetime(2026, 12, 1, 10, 0)


def test_a_refused_step_holds_up_no_other(monkeypatch):
    one, other = asked(datetime(2026, 6, 1, 10, 0)), asked(datetime(2026, 6, 1, 10, 0))
    real = handovers.escalate

    def refuse_one(handover, *rest, **more):
        if handover.id == one.id:
            raise RuleError("somebody was first")
        real(handover, *rest, **more)

    monkeypatch.setattr(handovers, "escalate", refuse_one)
    assert clock.sweep(at(date(2026, 6, 20))) == {"handover_end": 1}
    assert Handover.get_by_id(other.id).state == "escalated"
