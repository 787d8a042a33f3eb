"""The promises to each role (`docs/rules/`): a test proves every sentence. Those without a test elsewhere are proved here."""

import ast
import re

import pytest

import config
from models import RECOGNITIONS
from tests import factories as make
from tests.visitor import Visitor

PAGES = config.PROJECT / "docs" / "rules"
RULES = {
    "team": {1, 4, 5, 7, 8, 13, 15},
    "site_manager": {1, 2, 5, 6, 7, 8, 9, 10, 11, 15},
    "association": {2, 8, 9, 14, 15},
    "visitor": {3, 4, 7, 12},
    "participant": {8, 13, 14},
}
"""role → the domain rules on its page; together all of them"""
SENTENCE = re.compile(r"^- (?P<words>.+?) \(rules? (?P<rules>[\d and]+)\)\. (?P<tests>`.+`)$")
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def sentences(role: str) -> list[re.Match]:
    lines = [line for line in (PAGES / f"{role}.md").read_text("utf-8").splitlines() if line.startswith("- ")]
    assert [line for line in lines if not SENTENCE.match(line)] == [], "- Sentence (rule 1). `tests/test_x.py::test_y`"
    return [SENTENCE.match(line) for line in lines]


def test_there_is_a_page_for_each_role_and_a_sentence_for_each_rule():
    assert {path.stem for path in PAGES.glob("*.md")} == set(RULES)
    assert set().union(*RULES.values()) == set(range(1, 16))


@pytest.mark.parametrize("role", RULES)
def test_the_page_of_a_role_speaks_of_its_rules(role):
    assert {int(number) for one in sentences(role) for number in re.findall(r"\d+", one["rules"])} == RULES[role]


@pytest.mark.parametrize("role", RULES)
def test_every_sentence_names_tests_that_exist(role):
    for one in sentences(role):
        named = REFERENCE.findall(one["tests"])
        assert named, one["words"]
        for file, name in named:
            tree = ast.parse((config.PROJECT / file).read_text("utf-8"))
            there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert name in there, f"{file} has no {name}: {one['words']}"


# ---- proofs


def test_gekoppelde_deelnemers_shows_all_own_sites_running_stages_first(app):
    manager = make.user(password=make.PASSWORD)
    names = "Ada", "Bas", "Cas"
    stages = [
        make.placement(
            site=make.site(manager=manager, name=f"Plein {name}"),
            trajectory=make.trajectory(participant=make.participant(first_name=name, last_name="Peeters")),
        )
        for name in names
    ]
    make.evaluated(stages[0])
    make.placement(trajectory=make.trajectory(participant=make.participant(first_name="Vreemd", last_name="Peeters")))
    visitor = Visitor(app, manager)

    def found(search):
        visitor.get(f"/gekoppelde-deelnemers/?q={search}")
        rows = [row.get_text() for row in visitor.page.select("tbody tr")]
        return [name for row in rows for name in (*names, "Vreemd") if name in row]

    assert found("") == found("peeters") == ["Bas", "Cas", "Ada"]
    assert found(stages[0].trajectory.participant.kavo_id) == ["Ada"]


def test_the_form_asks_in_which_of_four_ways_a_site_is_recognised(app):
    visitor = Visitor(app)
    visitor.get("/registreren/jongeren")

    fields = visitor.page.select("[name=recognition]")
    values = [
        one["value"] for field in fields for one in ([field] if field.name == "input" else field.select("option"))
    ]
    assert [value for value in values if value] == list(RECOGNITIONS)
    assert len(RECOGNITIONS) == 4
    assert all(words in visitor.page.get_text() for words in RECOGNITIONS.values())
