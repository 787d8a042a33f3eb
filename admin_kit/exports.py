"""Export of a list, streamed a few thousand rows at a time: CSV for a Dutch Excel, CSV for programs, XLSX.

The file is never whole in memory or on disk. An export that fails half-way never looks complete: the download is aborted, and a
truncated XLSX does not open."""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from xml.sax.saxutils import escape

from flask import Response, json
from peewee import CharField, TextField

import dutch
from database import is_phone, reading, readings
from models import ASSOCIATION, TEAM
from times import local, utcnow
from workflow.imports.sheets import harmless

ROWS_AT_ONCE = 2000
REMEMBERED = 20_000
MOST_ROWS = 2**20  # rows in one Excel sheet
BOM = "\ufeff"
NUMBERS = int, float, Decimal  # a leading minus does not make them a formula


# ---- formats


class DutchCsv:
    """For Excel in Belgium: semicolons, dd/mm/jjjj (with hh:mm), ja/nee; text that looks like a formula gets a '."""

    mimetype, extension, in_words = "text/csv", "csv", True
    delimiter, start = ";", BOM
    needs_quotes = re.compile('[;"\r\n]').search

    def title(self, name: str, label: str) -> str:
        return self.cell(label)

    def cell(self, value) -> str:
        if isinstance(value, datetime):
            here = local(value)
            return f"{dutch.day(here)} {here:%H:%M}"
        text = value if isinstance(value, str) else dutch.shown(value)
        return self.quoted(text if isinstance(value, NUMBERS) else harmless(text))

    def quoted(self, text: str) -> str:
        """A cell according to RFC 4180: quoted when it holds a delimiter, a quote or a line break."""
        if self.needs_quotes(text):
            return '"{}"'.format(text.replace('"', '""'))
        return text

    def pieces(self, titles, chunks):
        """Yield the text of the file: the titles, then `chunks` (an iterable of chunks of rows of cells)."""
        yield f"{self.start}{self.delimiter.join(titles)}\r\n"
        for rows in chunks:
            yield "\r\n".join([*map(self.delimiter.join, rows), ""])


class PlainCsv(DutchCsv):
    """For programs: commas, column names, codes, ISO dates and moments (UTC). Values are exported unaltered, even those that a
    spreadsheet would run as a formula. Only for the roles in `READ_BY_PROGRAMS`."""

    in_words = False
    delimiter, start = ",", ""
    needs_quotes = re.compile('[,"\r\n]').search

    def title(self, name, label):
        return name

    def cell(self, value):
        if isinstance(value, str):
            return self.quoted(value)
        if isinstance(value, bool):
            return str(value).lower()
        return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)


class Xlsx:
    """For Excel, with real dates and numbers; text is text, so no formula runs."""

    mimetype = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    extension, in_words = "xlsx", True

    def title(self, name, label):
        return self.cell(label)

    def cell(self, value) -> str:
        if value is None or value == "":
            return "<c/>"
        if isinstance(value, bool):
            value = dutch.shown(value)
        if isinstance(value, int):
            return f"<c><v>{value}</v></c>"
        if isinstance(value, datetime):
            here = local(value).replace(tzinfo=None) - datetime(1899, 12, 30)
            return f'<c s="2"><v>{here.days + here.seconds / 86400:.10f}</v></c>'
        if isinstance(value, date):
            return f'<c s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
        text = escape("".join(char for char in str(value) if char >= " " or char in "\t\n"))
        return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'

    def pieces(self, titles, chunks):
        """Yield the bytes of the file; rows beyond the capacity of a sheet continue in the next sheet."""
        drain, rows, sheets, more = _Drain(), chain.from_iterable(chunks), 0, True
        with zipfile.ZipFile(drain, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            while more:
                sheets += 1
                with archive.open(f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True) as sheet:
                    sheet.write(SHEET_START.encode() + _lines([titles]))
                    yield drain.taken()
                    left = MOST_ROWS - 1
                    while chunk := list(islice(rows, min(ROWS_AT_ONCE, left))):
                        left -= len(chunk)
                        sheet.write(_lines(chunk))
                        yield drain.taken()
                    sheet.write(b"</sheetData></worksheet>")
                following = next(rows, None)
                more, rows = following is not None, chain([following], rows)
            for name, text in _parts(sheets).items():
                archive.writestr(name, text)
        yield drain.taken()


def _lines(rows) -> bytes:
    return "".join(f"<row>{''.join(cells)}</row>" for cells in rows).encode()


class _Drain(io.RawIOBase):
    """A write-only buffer that `taken()` empties. It cannot seek, so `zipfile` writes to it strictly forward."""

    def __init__(self):
        self.kept = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.kept += data
        return len(data)

    def taken(self) -> bytes:
        data, self.kept = bytes(self.kept), bytearray()
        return data


FORMATS = {"csv": DutchCsv, "programma": PlainCsv, "xlsx": Xlsx}
"""name in the URL → format"""
READ_BY_PROGRAMS = {TEAM, ASSOCIATION}
"""roles whose own programs read our lists"""


def formats(roles: set[str]) -> dict[str, type]:
    """Name in the URL → class, of the formats that a user with these roles may download."""
    return {name: kind for name, kind in FORMATS.items() if kind is not PlainCsv or roles & READ_BY_PROGRAMS}


_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET_START = (
    f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2"'
    ' state="frozen"/></sheetView></sheetViews><sheetData>'
)
STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>'
    '<numFmt numFmtId="165" formatCode="dd/mm/yyyy hh:mm"/></numFmts>'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf/><xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
"""style 1: a day; style 2: a moment"""


def _parts(sheets: int) -> dict[str, str]:
    """Path → text of the parts of an XLSX file besides its `sheets` worksheets."""
    numbers = range(1, sheets + 1)
    types = [
        ("workbook", "sheet.main"),
        ("styles", "styles"),
        *((f"worksheets/sheet{number}", "worksheet") for number in numbers),
    ]
    overrides = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{_TYPES}.{kind}+xml"/>' for part, kind in types
    )
    listed = "".join(f'<sheet name="Lijst {number}" sheetId="{number}" r:id="rId{number}"/>' for number in numbers)
    links = [
        *((f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml") for number in numbers),
        ("rIdS", "styles", "styles.xml"),
    ]
    return {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels"'
        f' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>',
        "_rels/.rels": _relationships([("rId1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relationships(links),
        "xl/styles.xml": STYLES,
    }


def _relationships(links) -> str:
    inside = "".join(
        f'<Relationship Id="{id}" Type="{_LINKS}/{kind}" Target="{target}"/>' for id, kind, target in links
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{inside}</Relationships>'


def to_the_end(pieces, chunks):
    """Yield the pieces of a file, and close the query behind `chunks` before the request ends, even when it is aborted."""
    try:
        yield from pieces
    finally:
        chunks.close()


# ---- from stored columns to cells


@dataclass
class Source:
    """A column of an export: the (dotted) names of the stored columns that it needs, their fields, and the function of their
    values. With `function` None the cell is the value itself, or the label of a choice."""

    needs: tuple[str, ...]
    fields: list
    function: Callable | None


class _Cells(dict):
    """Stored value → cell: a bounded cache, since days, choices and sites recur often."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def __missing__(self, raw):
        if len(self) >= REMEMBERED:
            self.clear()  # in the order of a list, recent values are the ones most likely to recur
        cell = self[raw] = self.make(raw)
        return cell


def from_columns(query, sources: list[Source], made):
    """Yield chunks of rows of cells in the order of the list, from one query, read as the export proceeds; `made`: the format."""
    names = list(dict.fromkeys(name for source in sources for name in source.needs))
    makers = [_maker(source, made).__getitem__ for source in sources]
    places = [[names.index(name) for name in source.needs] for source in sources]
    for rows in _raw_chunks(query.selection(*names)):
        stored = list(zip(*rows, strict=True))
        columns = [stored[first] if not more else _together(stored, first, *more) for first, *more in places]
        yield zip(*map(map, makers, columns), strict=True)


def _together(stored, *places):
    return zip(*(stored[place] for place in places), strict=True)


def _maker(source: Source, made) -> _Cells:
    converters = [field.python_value for field in source.fields]
    if source.function:
        return _Cells(lambda raws: made.cell(source.function(*map(_call, converters, raws))))
    field, convert = source.fields[0], converters[0]
    if field.choices and made.in_words:
        labels = dict(field.choices)
        return _Cells(lambda raw: made.cell(labels.get(raw, raw)))
    if is_phone(field) and made.in_words:
        return _Cells(lambda raw: made.cell(readings.shown_phone(raw)))
    return _Cells(made.cell if isinstance(field, CharField | TextField) else lambda raw: made.cell(convert(raw)))


def _call(function, value):
    return function(value)


def _raw_chunks(query):
    """Yield a query's rows in chunks, as the driver returns them. A single statement sees one snapshot of the database;
    PostgreSQL keeps the remaining rows on the server."""
    sql, values = query.sql()
    with reading() as cursor:
        cursor.execute(sql, values)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows


def personal_data_file(found: dict) -> Response:
    """A person's data as a JSON download (subject access)."""
    headers = {"Content-Disposition": f'attachment; filename="gegevens-{utcnow():%Y-%m-%d}.json"'}
    return Response(json.dumps(found, indent=2, ensure_ascii=False), mimetype="application/json", headers=headers)
