"""What rows are found by, brought in line with `database.searchable` after a step: SQL alone cannot make it."""

from database import Searched, database
from models import TABLES, Site

CHUNK = 5000


def renew():
    """Write `search` again where it differs from what Python makes of the row now; triggers take it along to the
    trajectories and placements of a participant."""
    for model in TABLES:
        if issubclass(model, Searched):
            _renew_table(model)
    for copy, parent in (("trajectory", "participant"), ("placement", "trajectory")):
        original = f"(SELECT search FROM {parent} WHERE {parent}.id = {copy}.{parent}_id)"
        database.execute_sql(f"UPDATE {copy} SET search = {original} WHERE search <> {original}")


def _renew_table(model):
    last = 0
    while rows := list(model.select().where(model.id > last).order_by(model.id).limit(CHUNK)):
        with database.atomic():
            for row in rows:
                _renew_row(model, row)
        last = rows[-1].id


def _renew_row(model, row):
    names = ("search", "place") if model is Site else ("search",)
    before = {name: getattr(row, name) for name in names}
    row.prepare()
    after = {name: getattr(row, name) for name in names}
    if after != before:
        model.update(**after).where(model.id == row.id).execute()
