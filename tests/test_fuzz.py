"""A small part of `make fuzz`, in every run."""

import pytest

from database import connect_to, database
from tests import fuzz


@pytest.mark.one_database
def test_no_request_is_answered_with_a_fault(db, tmp_path):
    database.close()
    world = fuzz.make_world(tmp_path)

    fuzzer = fuzz.run(tmp_path, world, 450, 1)

    connect_to(db).connect()
    assert fuzzer.wrong == {}
    assert fuzzer.sent >= 420
    assert fuzzer.statuses[200] + fuzzer.statuses[302] > 60, "the requests reach nothing"
