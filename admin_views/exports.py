"""A list as a CSV file: for a Dutch Excel, safe from formulas, streamed a few hundred rows at a time."""

import csv
import io
from datetime import date, datetime

import dutch
from times import local

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
BOM = "\ufeff"


def cell(value) -> str:
    """A value as Excel in Belgium reads it: dd/mm/jjjj (with hh:mm), ja/nee; text that looks like a formula gets a '."""
    if isinstance(value, datetime):
        here = local(value)
        return f"{dutch.day(here)} {here:%H:%M}"
    if value is None or isinstance(value, bool | date):
        return dutch.shown(value)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_STARTS) else text


def lines(titles, rows):
    """CSV text, piece by piece: the titles, then `rows` (an iterable of chunks of rows of values)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")

    def taken():
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    writer.writerow(titles)
    yield BOM + taken()
    for chunk in rows:
        writer.writerows([cell(value) for value in row] for row in chunk)
        yield taken()
