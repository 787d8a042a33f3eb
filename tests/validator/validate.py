"""Runs the W3C's validator on every page of all roles. `make html` calls it; `tests/test_html.py` checks in every run for the
errors that we once made."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.pages import every_page, write

JAR = Path(__file__).parent / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
pytestmark = pytest.mark.one_database


def test_the_validator_finds_nothing(app, tmp_path):
    pages = write(every_page(app), tmp_path)
    run = subprocess.run(["java", "-jar", JAR, "--format", "json", *pages], capture_output=True, text=True)
    wrong = {}
    for one in json.loads(run.stderr)["messages"]:
        where = pages[Path(one["url"].removeprefix("file:"))]
        wrong.setdefault(one["message"], f"{where}, line {one.get('lastLine')}: {one.get('extract', '')}")
    print(f"{len(pages)} kinds of page, {len(wrong)} kinds of error")
    assert wrong == {}
