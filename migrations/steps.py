"""The SQL of a step, for one database and one direction.

A step is one file `NNNN_name.sql` for both databases. Where they name a type differently it holds a word of WORDS, such as
`{{id}}`. A heading begins a part: `--- up` (what stands before the first heading), `--- down`, or for one database only
`--- up sqlite`, `--- down postgresql`; the parts of a direction follow each other as they stand there. Without a part for `down`
it is derived, when `up` only creates tables and indexes and adds columns.

Steps before 0013 are folders, with a file for each database and direction."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
WORDS = {
    "sqlite": {"id": "INTEGER", "bool": "INTEGER", "timestamp": "DATETIME", "bytes": "BLOB", "sorted": ""},
    "postgresql": {
        "id": "SERIAL",
        "bool": "BOOLEAN",
        "timestamp": "TIMESTAMP",
        "bytes": "BYTEA",
        "sorted": ' COLLATE "C"',
    },
}
"""database → word → its SQL. `sorted` stands right behind a type of text: in the order of its bytes, as SQLite has it anyway"""
HEADING = re.compile(r"^--- *(.*)$", re.M)
UNDONE = (
    (re.compile(r'CREATE TABLE "(\w+)"'), 'DROP TABLE "{}";'),
    (re.compile(r'CREATE (?:UNIQUE )?INDEX "(\w+)"'), 'DROP INDEX "{}";'),
    (re.compile(r'ALTER TABLE "(\w+)" ADD COLUMN "(\w+)"(?!.*\bADD\b)', re.S), 'ALTER TABLE "{}" DROP COLUMN "{}";'),
)
"""how a statement begins → what takes it back"""


class StepError(ValueError):
    """A step that cannot be read; the message says how to write it."""


def available() -> list[str]:
    """Names of all steps, in order."""
    folders = [path.parent.name for path in FOLDER.glob("[0-9]*/up.sqlite.sql")]
    return sorted([*folders, *(path.stem for path in FOLDER.glob("[0-9]*.sql"))])


def sql(name: str, direction: str, engine: str) -> str:
    """The script of a step: `direction` is up or down, `engine` sqlite or postgresql. Raises StepError."""
    if (FOLDER / name).is_dir():
        return (FOLDER / name / f"{direction}.{engine}.sql").read_text(encoding="utf-8")
    parts = _parts(name, (FOLDER / f"{name}.sql").read_text(encoding="utf-8"))
    scripts = {
        to: "".join(text for one, only, text in parts if one == to and only in ("", engine)) for to in ("up", "down")
    }
    if direction == "down" and not any(one == "down" for one, _, _ in parts):
        scripts["down"] = _down(name, scripts["up"])
    return _in_words_of(name, engine, scripts[direction])


def _parts(name: str, text: str) -> list[tuple[str, str, str]]:
    """(direction, the only database or '', SQL) of each part of a file."""
    pieces = HEADING.split(f"--- up\n{text}")
    parts = []
    for heading, script in zip(pieces[1::2], pieces[2::2], strict=True):
        direction, _, only = heading.strip().partition(" ")
        if direction not in ("up", "down") or only not in ("", *WORDS):
            raise StepError(f"{name}: '--- {heading}' is no heading; write '--- up', '--- down' or '--- up sqlite'.")
        parts.append((direction, only, script))
    return parts


def _in_words_of(name: str, engine: str, script: str) -> str:
    words = WORDS[engine]
    unknown = sorted(set(re.findall(r"{{(.*?)}}", script)) - set(words))
    if unknown:
        raise StepError(f"{name}: unknown word {unknown[0]!r}; known are {', '.join(words)}.")
    for word, text in words.items():
        script = re.sub(r" ?{{sorted}}" if word == "sorted" else f"{{{{{word}}}}}", text, script)
    return script


def _down(name: str, up: str) -> str:
    """What takes these statements back, the last one first. Raises StepError when one of them tells too little for that."""
    undone = []
    for statement in re.sub(r"--.*", "", up).split(";"):
        if statement := statement.strip():
            found = ((pattern.match(statement), words) for pattern, words in UNDONE)
            lines = [words.format(*match.groups()) for match, words in found if match]
            if not lines:
                raise StepError(f"{name}: what undoes '{statement[:40]}' cannot be derived; write a part '--- down'.")
            undone += lines
    return "\n".join(undone[::-1])
