"""A small part of `make fuzz`, each time."""

import pytest

from database import connect_to, database, on_postgresql
from tests import fuzz


def test_no_request_is_answered_with_a_fault(db, tmp_path):
    if on_postgresql():
        pytest.skip("its world is a file of SQLite")
    database.close()
    world = fuzz.make_world(tmp_path)

    fuzzer = fuzz.run(tmp_path, world, 700, 1)

    connect_to(db).connect()
    assert fuzzer.wrong == {}
    assert fuzzer.sent >= 650
    assert fuzzer.statuses[200] + fuzzer.statuses[302] > 100, "the requests reach nothing"
