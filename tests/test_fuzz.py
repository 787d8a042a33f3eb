"""A small part of `make fuzz`, each time."""

from database import connect_to, database
from tests import fuzz


def test_no_request_is_answered_with_a_fault(db, tmp_path):
    database.close()
    world = fuzz.make_world(tmp_path)

    fuzzer = fuzz.run(tmp_path, world, 1500, 1)

    connect_to(db).connect()
    assert fuzzer.wrong == {}
    assert fuzzer.sent >= 1400
    assert fuzzer.statuses[200] + fuzzer.statuses[302] > 200, "the requests reach nothing"
