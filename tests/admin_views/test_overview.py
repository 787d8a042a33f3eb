"""'Overzicht': the statistics compared with plain Python over the same rows, their filters, chart, table and CSV; and the
statistics of the year beside 'Te behandelen'."""

from datetime import date, datetime, timedelta
from random import Random

import pytest

from models import TYPES, Clock, Placement, Trajectory
from tests import factories as make
from tests.visitor import Visitor
from times import local_date, utcnow
from workflow import statistics
from workflow.stages import finals, placements, trajectories

TODAY = local_date(make.NOW)


@pytest.fixture
def world():
    """Trajectories in every state, across several years and associations."""
    chance, team = Random(3), make.user("team")
    associations = [make.association() for _ in range(3)]
    sites = [make.site(head_animator=True, instructor=True) for _ in range(3)]
    for number in range(60):
        started = TODAY - timedelta(days=chance.randint(60, 1800))
        one = make.trajectory(
            association=chance.choice(associations),
            type=chance.choice(list(TYPES)),
            course_started_on=started,
            participant=make.participant(birth_date=date(2000, 1, 1)),
        )
        what = number % 6
        if what:
            placed = make.placement(trajectory=one, site=chance.choice(sites), hours=50)
            if what == 1:
                placements.cancel(placed, team, make.NOW, "Ziek.")
            elif what > 2:
                days = {"starts_on": max(started, TODAY - timedelta(days=40)), "ends_on": TODAY - timedelta(days=20)}
                make.evaluated(placed, by=team, **days)
        if what == 4:
            result = chance.choice(["passed", "failed"])
            finals.give(one, team, make.NOW, result, TODAY, "Nog niet.", exception="Te laat.")
        if what == 5:
            trajectories.stop(one, team, make.NOW, "Verhuisd.")
    return associations


def counted(rows):
    """The same statistics in plain Python."""

    def placed(one, *states):
        return any(placement.state in states for placement in one.placements)

    return {
        "started": len(rows),
        "coupled": sum(placed(one, "open", "evaluated") for one in rows),
        "evaluated": sum(placed(one, "evaluated") for one in rows),
        "passed": sum(one.outcome in ("passed", "attested") for one in rows),
        "failed": sum(one.outcome == "failed" for one in rows),
        "expired": sum(one.state == "open" and one.ends_on < TODAY for one in rows),
        "stopped": sum(one.state == "stopped" for one in rows),
    }


KEYS = {
    "jaar": lambda one: str(one.course_started_on.year),
    "type": lambda one: TYPES[one.type],
    "vereniging": lambda one: one.association.name,
}


@pytest.mark.parametrize("group", KEYS)
@pytest.mark.parametrize("narrowed", [{}, {"year": 2024}, {"kind": "animator"}, {"association": 1}])
def test_the_statistics_equal_a_count_in_plain_python(world, group, narrowed):
    rows = [
        one
        for one in Trajectory.select()
        if one.course_started_on.year == narrowed.get("year", one.course_started_on.year)
        and one.type == narrowed.get("kind", one.type)
        and one.association_id == narrowed.get("association", one.association_id)
    ]
    expected = {name: counted([one for one in rows if KEYS[group](one) == name]) for name in map(KEYS[group], rows)}

    found = {one.name: one.numbers for one in statistics.by(group, TODAY, **narrowed)}

    assert found == expected
    assert Placement.select().exists()


def test_no_year_is_left_out_of_the_axis():
    for year in (2022, 2025):
        make.trajectory(course_started_on=date(year, 7, 1), participant=make.participant(birth_date=date(2000, 1, 1)))
    found = statistics.by("jaar", TODAY)
    assert [(one.name, one.numbers["started"]) for one in found] == [("2022", 1), ("2023", 0), ("2024", 0), ("2025", 1)]
    assert found[1].dropped_out == 0


def test_the_page_shows_them_and_the_file_holds_them(app, world):
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    visitor.get("/overzicht/?per=type")
    assert "Animator" in visitor.text
    assert len(visitor.page.select("svg.chart rect")) == 2 * len(TYPES)
    lines = visitor.get("/overzicht/export/?per=type").text.splitlines()

    assert lines[0] == "\ufeffTraject;Gestart;Gekoppeld;Beoordeeld;Geslaagd;Niet geslaagd;Termijn voorbij;Stopgezet"
    assert sum(int(line.split(";")[1]) for line in lines[1:]) == 60


@pytest.mark.parametrize(
    "query", ["per=x", "jaar=x", "jaar=9", "jaar=99999", "type=x", "vereniging=x", "vereniging=99999999"]
)
def test_the_page_takes_any_argument(app, world, query):
    assert Visitor(app, make.user("team", password=make.PASSWORD)).get(f"/overzicht/?{query}").status_code == 200


def test_an_empty_table_says_so(app):
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    visitor.get("/overzicht/")
    assert "Nog geen cijfers" in visitor.text


def decided(came, days, state="approved"):
    """An application sent at a moment (naive UTC) and decided a number of days later."""
    return make.site(
        state=state, submitted_at=came, decided_at=came + timedelta(days=days) if days is not None else None
    )


def test_the_figures_of_the_year_are_about_its_applications():
    now = datetime(2026, 3, 4, 9)  # a Wednesday
    decided(datetime(2025, 12, 31, 22, 59), 1)  # a minute before midnight in Brussels
    decided(datetime(2025, 12, 31, 23, 0), 14)  # the first of 2026: decided on the last day
    decided(datetime(2026, 1, 12), 15, "rejected")
    decided(datetime(2026, 2, 2), 3, "withdrawn")  # not decided
    decided(datetime(2026, 2, 9), 2, "closed")
    decided(datetime(2026, 2, 16), 0)  # created by the team
    decided(datetime(2026, 3, 1, 22, 59), None, "submitted")  # Sunday
    decided(datetime(2026, 3, 1, 23, 0), None, "submitted")  # Monday
    paused = decided(datetime(2026, 1, 5), 20)
    type(paused).update(due_on=date(2026, 1, 25)).where(
        type(paused).id == paused.id
    ).execute()  # it waited for the applicant

    found = statistics.applications(now)

    assert (found.year, found.received) == (2026, 7)
    assert found.in_time == 75  # 3 of 4
    assert found.usual_days == 14
    assert found.weeks == [
        (date(2026, 1, 12), 1),
        (date(2026, 1, 19), 0),
        (date(2026, 1, 26), 0),
        (date(2026, 2, 2), 1),
        (date(2026, 2, 9), 1),
        (date(2026, 2, 16), 0),
        (date(2026, 2, 23), 1),
        (date(2026, 3, 2), 1),
    ]


def test_in_january_the_weeks_go_back_into_the_year_before():
    decided(datetime(2025, 12, 17), 3)
    found = statistics.applications(datetime(2026, 1, 7))
    assert (found.received, found.in_time, found.usual_days) == (0, None, None)
    assert dict(found.weeks)[date(2025, 12, 15)] == 1


def test_the_figures_stand_beside_what_waits(app):
    now = utcnow()
    decided(now, None, "submitted")
    team = Visitor(app, make.user("team", password=make.PASSWORD))
    team.get("/te-behandelen/")
    beside = team.page.select_one("aside").get_text(" ", strip=True)
    assert f"Cijfers van {local_date(now).year} aanvragen dit jaar 1" in beside
    assert [bar["height"] for bar in team.page.select("svg.chart rect")][-1] == "121"
    assert team.page.select(".sum tbody td")[-1].text == "1"
    assert "Alles werkt" not in beside, "the clock never ran"
    Clock.update(ran_at=now).execute()
    team.get("/te-behandelen/")
    assert "Alles werkt" in team.page.select_one("aside").text
