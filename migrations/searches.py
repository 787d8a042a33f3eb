"""Renewing the search texts of rows after a migration, with `database.searchable`: SQL alone cannot make them."""

from typing import Any

from database import Searched, database, let_others_write
from models import TABLES, Site

CHUNK = 1000  # rows in one transaction


def renew() -> None:
    """Rewrite `search` where it differs from its present value in Python; triggers copy it to the trajectories and placements of
    a participant."""
    for model in TABLES:
        if issubclass(model, Searched):
            _renew_table(model)
    for copy, parent in (("trajectory", "participant"), ("placement", "trajectory")):
        _renew_copies(copy, parent)


def _renew_copies(copy: str, parent: str) -> None:
    original = f"(SELECT search FROM {parent} WHERE {parent}.id = {copy}.{parent}_id)"
    ((last,),) = database.execute_sql(f"SELECT COALESCE(MAX(id), 0) FROM {copy}")
    for start in range(0, last, CHUNK):
        chunk = f"id > {start} AND id <= {start + CHUNK} AND search <> {original}"
        if database.execute_sql(f"UPDATE {copy} SET search = {original} WHERE {chunk}").rowcount:
            let_others_write()


def _renew_table(model: Any) -> None:
    last = 0
    while rows := list(model.select().where(model.id > last).order_by(model.id).limit(CHUNK)):
        with database.atomic():
            written = sum(_renew_row(model, row) for row in rows)
        if written:
            let_others_write()
        last = rows[-1].id


def _renew_row(model: Any, row: Searched) -> int:
    names = ("search", "place") if model is Site else ("search",)
    before = {name: getattr(row, name) for name in names}
    row.prepare()
    after = {name: getattr(row, name) for name in names}
    return model.update(**after).where(model.id == row.id).execute() if after != before else 0
