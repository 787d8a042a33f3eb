"""Searching rows by words: prefixes, accents, small typing errors; filters by related rows; moments by Belgian days."""

from datetime import datetime

import pytest

from database import searchable
from database.searching import corrections
from models import Participant, Placement, Site
from tests import factories as make
from tests.visitor import Visitor


@pytest.fixture
def team(app):
    return Visitor(app, make.user("team", password=make.PASSWORD))


def found(visitor, path, words):
    visitor.get(path, query_string={"q": words})
    return len(visitor.page.select("tbody tr"))


@pytest.mark.parametrize(
    "words, yes",
    [
        ("hondt", True),
        ("d'hondt", True),
        ("D’Hondt", True),
        ("dhondt", True),
        ("hon", True),
        ("ondt", False),
        ("an d'h", True),
        ("an hondt x", False),
        ("125143", True),
        ("125143-59", True),
        ("12514359", True),
        ("125143 59", True),
        ("25143", False),
        ('"', False),
        ("d'hondt OR x", False),
        ("hondt*", False),
        ("AND", False),
        ("an hondt NEAR", False),
        ("^an", False),
        ("\\", False),
        ("   ", True),
        ("an an an", True),
    ],
)
def test_a_word_is_found_by_its_beginning_and_wildcards_are_literal(team, words, yes):
    make.participant(first_name="An", last_name="D'Hondt", kavo_id="125143-59")

    assert (found(team, "/deelnemers/", words) == 1) is yes


def test_what_is_kept_to_be_found():
    assert searchable("D’Hondt  Zoë 125143-59") == "d'hondt zoe 125143-59 dhondt hondt 12514359 59"
    assert len(searchable("a b" * 300)) == 255


def test_a_changed_name_is_found_at_once_and_the_old_one_no_more(team):
    stage = make.placement(trajectory=make.trajectory(participant=make.participant(last_name="Oudenaam")))
    person = Participant.get()
    person.last_name = "Nieuwenaam"
    person.save()

    for path in ("/deelnemers/", "/trajecten/", "/gekoppelde-deelnemers/"):
        assert (found(team, path, "nieuwenaam"), found(team, path, "oudenaam")) == (1, 0)
    assert Placement.get_by_id(stage.id).search == person.search


def test_another_association_goes_with_the_stages_of_a_trajectory(team):
    stage = make.placement()
    trajectory = stage.trajectory
    trajectory.association = make.association(name="Kampvuur vzw")
    trajectory.save()

    team.get("/gekoppelde-deelnemers/?trajectory-association=kampvuur")
    assert len(team.page.select("tbody tr")) == 1


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("peetesr", "peeters"),
        ("petters", "peeters"),
        ("lotte peetrs", "lotte peeters"),
        ("vandnbroeck", ""),
        ("zz", ""),
        ("12514358", ""),
        ("qqqqqqq", ""),
    ],
)
def test_a_small_typing_error_in_a_name_gets_an_offer(team, typed, meant):
    make.participant(first_name="Lotte", last_name="Peeters", kavo_id="125143-59")

    team.get("/deelnemers/", query_string={"q": typed})

    assert "Niets gevonden" in team.text
    assert ("Bedoelde je" in team.text) is bool(meant)
    if meant:
        link = team.page.select_one(".big-empty a")
        assert link.get_text() == meant
        team.get(link["href"])
        assert len(team.page.select("tbody tr")) == 1


def test_an_offer_never_names_somebody_of_another_site(app):
    jonas = make.user(password=make.PASSWORD)
    make.site(manager=jonas)
    make.placement(trajectory=make.trajectory(participant=make.participant(last_name="Peeters")))
    visitor = Visitor(app, jonas)
    zwart = make.trajectory(participant=make.participant(last_name="Zwart"))
    make.placement(site=Site.select().order_by(Site.id).first(), trajectory=zwart)

    visitor.get("/gekoppelde-deelnemers/?q=peetesr")

    assert "Bedoelde je" not in visitor.text
    assert corrections(Placement, ["peetesr"]) == ["peeters"]


def test_a_day_in_a_filter_is_a_day_in_belgium(team):
    make.placement(created_at=datetime(2026, 7, 1, 21, 59))
    make.placement(created_at=datetime(2026, 7, 1, 22, 1))
    path = "/opzoekingen/"
    for moment in (datetime(2026, 7, 1, 21, 59), datetime(2026, 7, 1, 22, 1)):
        make.lookup(at=moment)

    for query, rows in (("at_van=2026-07-02", 1), ("at_tot=2026-07-01", 1), ("at_van=2026-07-01&at_tot=2026-07-02", 2)):
        team.get(f"{path}?{query}")
        assert len(team.page.select("tbody tr")) == rows, query


def test_suggestions_begin_with_the_name_and_are_few(team):
    for number in range(15):
        make.participant(first_name="Lotte", last_name=f"Aaa{number:02}")
    make.participant(first_name="Aaaron", last_name="Zwart", kavo_id="999999-99")

    names = team.get("/trajecten/ajax/lookup/?name=participant&query=aaa").json
    assert [one.split(" – ")[1] for one in names] == [f"Lotte Aaa{number:02}" for number in range(10)]
    assert team.get("/trajecten/ajax/lookup/?name=participant&query=aaaron").json == ["999999-99 – Aaaron Zwart"]
    assert team.get("/trajecten/ajax/lookup/?name=participant&query=").json == []
    for name in ("type", "search", "validate", "", "participant_id"):
        assert team.get(f"/trajecten/ajax/lookup/?name={name}&query=a").status_code == 404
