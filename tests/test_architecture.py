"""docs/architecture.md: the diagram matches the imports, and every function in the walkthroughs exists."""

import ast
import re

import pytest

from tests.architecture import BLOCK, COMMAND, PAGE, PROJECT, direct, imports, picture, reachable

TEXT = PAGE.read_text("utf-8")
STEP = re.compile(r"`([\w/]+\.py)`\s+`([\w.]+)`")
WALKS = [walk for walk in re.split(r"^## ", TEXT, flags=re.M) if walk.startswith("Walk")]


def names(path):
    """The functions and classes of a file, and methods as Class.method."""
    tree = ast.parse((PROJECT / path).read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{child.name}" for child in node.body if isinstance(child, ast.FunctionDef))


def test_the_picture_is_drawn_from_the_imports():
    assert BLOCK.findall(TEXT) == [picture()], f"docs/architecture.md is stale: run {COMMAND}"


def test_the_picture_keeps_every_reachable_package():
    rooms = imports()
    for room in rooms:
        assert reachable(room, direct(rooms)) == reachable(room, rooms)


@pytest.mark.parametrize("path, name", sorted(set(STEP.findall(TEXT))))
def test_every_function_on_a_walk_exists(path, name):
    assert name in names(path), f"docs/architecture.md: {path} has no {name}"


def test_there_are_three_walks_of_five_to_eight_steps_that_each_name_a_function():
    assert len(WALKS) == 3
    for walk in WALKS:
        steps = re.findall(r"^\d+\. .*$", walk, re.M)
        assert 5 <= len(steps) <= 8
        assert all(STEP.search(step) for step in steps), walk
