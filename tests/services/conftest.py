"""The results of long trials, reported to `make chaos`."""

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
