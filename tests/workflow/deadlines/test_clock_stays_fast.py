"""The cost of a sweep does not grow with the tables: each query uses an index. Nothing here measures time."""

import logging
import re
from datetime import date

import pytest

from database import database, on_postgresql
from local import crowd, demo
from models import Clock
from tests.workflow.deadlines.test_clock import at, busy_world
from times import utcnow
from workflow import clock

LARGE = ("placement", "trajectory", "mail", "reminder", "evaluation", "participant", "site")


def plan(statement, values):
    """The steps of SQLite's plan for a statement."""
    if not statement.startswith(("SELECT", "UPDATE", "DELETE")):
        return []
    return [row[3] for row in database.execute_sql(f"EXPLAIN QUERY PLAN {statement}", values)]


def test_no_query_of_a_sweep_reads_a_whole_table(app, caplog):
    if on_postgresql():
        pytest.skip("PostgreSQL chooses by the size of its tables; SQLite's plan says what our indexes allow")
    with app.app_context():
        demo.load(utcnow())
        crowd.load(3000, utcnow())
    busy_world()
    Clock.update(cleaned_on=date(2026, 12, 20)).execute()  # once a night it reads everything
    with caplog.at_level(logging.DEBUG, "peewee"):
        done = clock.sweep(at(date(2026, 12, 20)))
    asked = dict(line.msg for line in caplog.records if line.name == "peewee")

    assert done
    for statement, values in asked.items():
        table = re.search(r'(?:FROM|UPDATE) "(\w+)"', statement)
        if table and table[1] in LARGE:
            steps = plan(statement, values)
            assert [step for step in steps if re.match(r"SCAN \w+( USING|$)", step)] == [], statement
            if '"t1"."id" IN (' in statement:  # the rows locked for a mail
                assert steps[0].startswith("SEARCH t1 USING INTEGER PRIMARY KEY"), steps
