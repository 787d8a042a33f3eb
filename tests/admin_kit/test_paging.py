"""Paging through a list while others change it: forward, back, to the end, and capped counts."""

from datetime import date, timedelta
from random import Random

import pytest

from admin_kit import counting
from models import Participant, Placement
from tests import factories as make
from tests.visitor import Visitor
from workflow.stages import placements

LIST = "/gekoppelde-deelnemers/"


@pytest.fixture
def team(app):
    return Visitor(app, make.user("team", password=make.PASSWORD))


@pytest.fixture
def stages():
    """90 placements of 90 people at one site."""
    site, by, association = make.site(), make.user("team"), make.association()
    return [
        make.placement(
            trajectory=make.trajectory(association=association), site=site, coupled_by=by, hours=5 + number % 7
        )
        for number in range(90)
    ]


def shown(visitor):
    return [row.select_one("th small").get_text() for row in visitor.page.select("tbody tr")]


def follow(visitor, word):
    """Follow a paging link, if the page has it."""
    link = next((one for one in visitor.page.select(".paging a") if one.get_text() == word), None)
    if link:
        visitor.get(link["href"])
    return link is not None


def leaf(visitor, path, between=lambda number: None, word="Volgende"):
    """The KAVO-IDs on each page, paging forward from this path; `between(page number)` runs between two pages."""
    visitor.get(path)
    pages = [shown(visitor)]
    between(0)
    while follow(visitor, word):
        pages.append(shown(visitor))
        between(len(pages) - 1)
        assert len(pages) < 20
    return pages


@pytest.mark.parametrize("sort", ["participant", "-participant", "hours", "-hours", "site", "state", "created_at"])
def test_paging_forward_and_back_shows_the_list_once_and_in_order(team, stages, sort):
    path = f"{LIST}?sort={sort}"
    pages = leaf(team, path)
    assert [len(page) for page in pages] == [25, 25, 25, 15]
    assert len({one for page in pages for one in page}) == 90

    back = [shown(team)]
    while follow(team, "Vorige"):
        back.append(shown(team))
    assert back[::-1] == pages
    for number, page in enumerate(pages, start=1):
        team.get(f"{path}&page={number}")
        assert shown(team) == page
    team.get(f"{path}&eind=1")
    assert shown(team) == [one for page in pages for one in page][-25:]


@pytest.mark.parametrize("seed", range(8))
def test_no_row_is_missed_while_rows_come_go_and_change(team, stages, seed):
    """A row that keeps its place in the order is shown, whatever others change: also when the last rows of a page leave it."""
    chance = Random(seed)
    sort, tab = chance.choice((("participant", "open"), ("-participant", "open"), ("hours", "open"), ("-ends_on", "")))
    moved, by = set(), make.user("team")

    def work(number):
        last = Participant.select().where(Participant.kavo_id.in_(shown(team)[-2:]))
        for person in [*last, *chance.sample(list(Participant.select()), 4)]:
            what = chance.choice(("cancel", "rename", "add", "hours"))
            mine = Placement.select().join_from(Placement, make.Trajectory).where(make.Trajectory.participant == person)
            for stage in mine.where(Placement.state == "open"):
                if what == "cancel":
                    placements.cancel(stage, by, make.NOW, "Ziek.")
                elif what == "hours":
                    placements.change(stage, by, make.NOW, chance.randint(1, 12), date(2026, 7, 1), date(2026, 7, 20))
                moved.add(person.kavo_id)
            if what == "rename":
                person = Participant.get_by_id(person.id)
                person.last_name = chance.choice(("Aerts", "Zwart", "Peeters"))
                person.save()
                moved.add(person.kavo_id)
            if what == "add":
                make.placement(site=stages[0].site, coupled_by=by)

    pages = leaf(team, f"{LIST}?sort={sort}&tab={tab}", work)

    seen = {one for page in pages for one in page}
    assert {stage.trajectory.participant.kavo_id for stage in stages} - moved <= seen
    assert len(pages) >= 3


def test_a_forged_page_position_shows_the_first_page(team, stages):
    team.get(LIST)
    first = shown(team)
    for text in ("1-abc", "x", "9" * 40, "1", "-", "1-é", f"{stages[0].id}-{'0' * 12}"):
        for name in ("na", "voor"):
            assert team.get(f"{LIST}?{name}={text}").status_code == 200
            assert shown(team) == first


def test_a_place_tells_no_name(team, stages):
    team.get(f"{LIST}?sort=participant")
    link = next(one["href"] for one in team.page.select(".paging a") if one.get_text() == "Volgende")

    assert "Lotte Peeters" in team.page.select("tbody tr")[-1].get_text(), "the name at which the next page begins"
    assert "na=" in link
    assert "peeters" not in link
    assert "lotte" not in link


def test_a_long_list_is_counted_up_to_a_limit_and_on_request_to_the_end(team, stages, monkeypatch):
    monkeypatch.setattr(counting, "COUNT_UP_TO", 40)
    for stage in stages[:10]:
        placements.cancel(stage, stage.coupled_by, make.NOW, "Ziek.")

    team.get(LIST)
    assert "meer dan 40 koppelingen" in team.text
    assert [one.get_text() for one in team.page.select(".tabs a")] == ["Alles 40+", "Bezig 40+", "Klaar 10"]
    assert follow(team, "Laatste")
    assert len(shown(team)) == 25
    assert "De laatste van meer dan 40 koppelingen" in team.text
    team.get(f"{LIST}?tab=done")
    assert "10 koppelingen" in team.text

    team.get(f"{LIST}?tel=1")
    assert [one.get_text() for one in team.page.select(".tabs a")] == ["Alles 90", "Bezig 80", "Klaar 10"]
    assert "1 tot 25 van 90 koppelingen" in team.text


def test_only_the_last_page_says_that_it_is(team, stages):
    team.get(f"{LIST}?eind=1")
    assert "De laatste van 90 koppelingen" in team.text
    follow(team, "Vorige")
    assert "De laatste" not in team.text


def test_a_short_list_shows_no_filters_but_a_short_last_page_does(team, stages):
    for _ in range(12):
        make.placement(site=stages[0].site, coupled_by=stages[0].coupled_by)
    team.get(f"{LIST}?page=5")
    assert len(shown(team)) == 2
    assert team.page.select_one(".more-filters")

    team.get("/stageplaatsen/")
    assert len(team.page.select("tbody tr")) == 1
    assert not team.page.select("#f-recognition")


def test_a_page_has_as_many_rows_as_chosen(team, stages):
    for size, rows in ((25, 25), (50, 50), (100, 90), (7, 25), (10**9, 25)):
        team.get(f"{LIST}?rijen={size}")
        assert len(shown(team)) == rows


def test_the_list_and_its_export_show_the_chosen_columns(team, stages):
    stages[0].starts_on = date(2026, 7, 1) + timedelta(days=3)
    stages[0].save()
    query = "kolom=participant&kolom=starts_on&kolom=geheim&kolom=coupled_by&sort=-starts_on"

    team.get(f"{LIST}?{query}")
    assert [one.get_text() for one in team.page.select("thead th")] == [
        "Kiezen",
        "Deelnemer",
        "Verwachte begindatum",
        "Acties",
    ]
    assert team.page.select_one("tbody td:not(.tick)").get_text() == "04/07/2026"
    titles = team.get(f"{LIST}export/csv/?{query}").text.splitlines()[0]
    assert titles.removeprefix("\ufeff") == "KAVO-ID;Voornaam;Naam;Verwachte begindatum"
