"""The results of long trials, reported to `make chaos`."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def room():
    """A folder that other users may enter: PostgreSQL does not run as root, and pytest makes its own folder private at the start
    of each run."""
    folder = Path(tempfile.mkdtemp(prefix="kavo-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def report(request, capsys):
    """A function that prints the figures of a trial, and keeps them for the table of `make chaos`."""

    def say(**figures):
        name = request.node.originalname.removeprefix("test_").replace("_", " ")
        database = request.config.getoption("--database")
        with capsys.disabled():
            print(f"\n{name} ({database}): " + ", ".join(f"{word} {value}" for word, value in figures.items()))
        if path := os.environ.get("KAVO_CHAOS_REPORT"):
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"name": name, "database": database, **figures}) + "\n")

    return say
