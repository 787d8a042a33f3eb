"""Reading a CSV file as Excel and LibreOffice save it: `;`, `,` or tab, with or without BOM, UTF-8 or Windows-1252;
line by line, in little memory. Other files are refused with a sentence that says what to do. Also: which text
a spreadsheet would take for a formula, when we read a file and when we write one."""

import csv
import hashlib
import unicodedata
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from database import RuleError, normalise
from database.texts import identifier, tidy

MOST_CELL = 500  # characters; no name or address is longer
MOST_LINE = 8000  # bytes
DELIMITERS = ";,\t"
BOM = b"\xef\xbb\xbf"
SAVE_AS = "Open het in Excel of LibreOffice en bewaar het als ‘CSV UTF-8’."
KINDS = (
    (b"PK\x03\x04", "Dit is een Excel-bestand of een ZIP, ook al eindigt de naam op .csv."),
    (b"\xd0\xcf\x11\xe0", "Dit is een oud Excel-bestand."),
    (b"%PDF", "Dit is een PDF."),
    (b"\xff\xfe", "Dit bestand heeft een tekenset (UTF-16) die we niet lezen."),
    (b"\xfe\xff", "Dit bestand heeft een tekenset (UTF-16) die we niet lezen."),
)
"""how files begin that are something else"""

csv.field_size_limit(MOST_CELL)


FORMULA_STARTS = frozenset(
    "=+-@\u2212"
)  # the last is a minus sign; others, such as full-width ones, are normalised to these
BREAKS = ("\t", "\r", "\n")
UNSEEN_KINDS = {"Cc", "Cf", "Mn", "Zl", "Zp", "Zs"}
UNSEEN = "\u115f\u1160\u2800\u3164\uffa0"  # invisible characters


def is_formula(text: str) -> bool:
    """Whether a spreadsheet might run this text when it stands in a cell: its first visible character begins a
    formula, in whatever width it is written, or the text begins with a break that moves the rest to another cell."""
    if text[:1].isalnum() and text[0] not in UNSEEN:
        return False
    seen = (char for char in text if unicodedata.category(char) not in UNSEEN_KINDS and char not in UNSEEN)
    return text.startswith(BREAKS) or unicodedata.normalize("NFKC", next(seen, "")) in FORMULA_STARTS


def harmless(text: str) -> str:
    """A text that is safe in a cell of a spreadsheet: with a ' before what looks like a
    formula."""
    return f"'{text}" if is_formula(text) else text


class Unreadable(RuleError):
    """The file as a whole cannot be read; nothing was taken from it."""

    def __init__(self, text):
        super().__init__(text, "file")


class Sheet:
    """A file with a header. `columns`: the names that it must have, in any order; `more`: names that it may have too.
    `digest` is known once it is opened. Raises Unreadable."""

    def __init__(self, stream: BinaryIO, columns: tuple[str, ...], more: tuple[str, ...] = ()):
        self.stream, self.columns = stream, columns
        self._refuse_other_kinds()
        self.encoding, self.digest = self._look_through()
        self.reader = self._open()
        self.places = self._places(self._next(1) or [], more)

    def _refuse_other_kinds(self):
        begin = self.stream.read(8)
        for start, words in KINDS:
            if begin.startswith(start):
                raise Unreadable(f"{words} {SAVE_AS}")

    def _look_through(self) -> tuple[str, str]:
        """(encoding, digest) of the file, after a first look at every line of it."""
        digest, in_utf8, in_windows = hashlib.sha256(), 0, 0
        for number, line in self._raw_lines():
            digest.update(line)
            line = line.removeprefix(BOM) if number == 1 else line
            if b"\0" in line:
                raise Unreadable(f"Dit is geen tekstbestand. {SAVE_AS}")
            if not line.isascii():
                utf8 = _fits(line, "utf-8")
                if not utf8 and not _fits(line, "cp1252"):
                    raise Unreadable(f"Regel {number} bevat tekens die we niet kennen. {SAVE_AS}")
                in_utf8, in_windows = (in_utf8 or number, in_windows) if utf8 else (in_utf8, in_windows or number)
        if in_utf8 and in_windows:
            raise Unreadable(
                f"Regel {in_utf8} en regel {in_windows} gebruiken een andere tekenset: accenten zouden fout gaan. {SAVE_AS}"
            )
        return "cp1252" if in_windows else "utf-8", digest.hexdigest()

    def _raw_lines(self) -> Iterator[tuple[int, bytes]]:
        self.stream.seek(0)
        number = 0
        while line := self.stream.readline(MOST_LINE + 1):
            number += 1
            if len(line) > MOST_LINE:
                raise Unreadable(f"Regel {number} is veel te lang. Is dit het juiste bestand? {SAVE_AS}")
            yield number, line

    def _texts(self) -> Iterator[str]:
        for number, line in self._raw_lines():
            yield (line.removeprefix(BOM) if number == 1 else line).decode(self.encoding)

    def _open(self):
        texts, self.skipped = self._texts(), 0
        first = next(texts, "")
        if first.lower().startswith("sep="):  # what Excel writes and reads
            first, self.skipped = next(texts, ""), 1
        delimiter = max(DELIMITERS, key=first.count)
        return csv.reader(chain([first], texts), delimiter=delimiter, strict=True)

    def _places(self, header: list[str], more) -> dict[str, int]:
        """Name of a column → its place in a line."""
        names = [normalise(identifier(cell)) for cell in header]
        while names and not names[-1]:
            names.pop()
        wanted = ";".join(self.columns)
        missing = [name for name in self.columns if name not in names]
        if missing:
            raise Unreadable(f"In de eerste regel ontbreekt: {', '.join(missing)}. De eerste regel moet zijn: {wanted}")
        unknown = [name or "(leeg)" for name in names if name not in (*self.columns, *more)]
        if unknown or len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            told = f"onbekend: {', '.join(unknown)[:200]}" if unknown else f"dubbel: {', '.join(twice)}"
            raise Unreadable(f"De eerste regel klopt niet ({told}). Ze moet zijn: {wanted}")
        self.width = len(names)
        return {name: names.index(name) for name in self.columns}

    def rows(self) -> Iterator[tuple[int, list[str], str]]:
        """(number of the line, its cells in the order of `columns`, what is wrong with its shape or '') of each line
        that is not empty. Raises Unreadable when the file breaks off inside quotes."""
        while (cells := self._next(number := self.reader.line_num + self.skipped + 1)) is not None:
            if any(cell.strip() for cell in cells):
                yield number, *self._ordered(cells)

    def _next(self, number: int) -> list[str] | None:
        try:
            return next(self.reader, None)
        except csv.Error as error:
            raise Unreadable(
                f"Vanaf regel {number} kunnen we het bestand niet lezen. Staat er een aanhalingsteken te veel, of een tekst van "
                f"meer dan {MOST_CELL} tekens?"
            ) from error

    def _ordered(self, cells) -> tuple[list[str], str]:
        while len(cells) > self.width and not cells[-1].strip():
            cells.pop()
        if len(cells) != self.width:
            words = f"Deze regel heeft {len(cells)} vakken, de eerste regel {self.width}."
            return ([*map(_plain, cells)] + [""] * len(self.columns))[: len(self.columns)], words
        return [_plain(cells[self.places[name]]) for name in self.columns], ""


def _fits(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _plain(cell: str) -> str:
    """A cell without what spreadsheets put around text: ="125143-59", or the ' before what looks like a formula."""
    text = tidy(cell)
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1]
    return text[1:] if text.startswith("'") and text[1:2] in ("=", "+", "-", "@") else text
