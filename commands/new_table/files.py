"""The text of the files that a new table needs, from the templates of this folder."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from commands.new_table.columns import Column
from config import PROJECT
from migrations import steps


@dataclass(frozen=True)
class Table:
    """A table as asked for: `name` in the code, `stored` in the database, `one` and `many` in Dutch, `url` of its list."""

    name: str
    stored: str
    one: str
    many: str
    url: str
    columns: list[Column]


def texts(table: Table) -> dict[str, str]:
    """Path, from the root of the project → text of every file that the table needs; `models.py` with the table in it."""
    step = f"{max(int(name[:4]) for name in steps.available()) + 1:04}_{table.stored}"
    return {
        f"tables/{table.stored}.py": _render("model.py.jinja", table, **_of_model(table)),
        "models.py": _contents((PROJECT / "models.py").read_text(encoding="utf-8"), table),
        f"migrations/{step}.sql": _render("step.sql.jinja", table),
        f"admin_views/{table.stored}.py": _render("view.py.jinja", table, **_of_view(table.columns)),
        f"tests/admin_views/test_{table.stored}.py": _render("test.py.jinja", table, **_of_test(table.columns)),
    }


def _render(template: str, table: Table, **values: Any) -> str:
    made = Environment(  # noqa: S701 - it writes Python and SQL
        loader=FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    made.filters["capital"] = lambda text: text[0].upper() + text[1:]
    made.filters["py"] = lambda text: json.dumps(text, ensure_ascii=False)
    made.filters["names"] = lambda columns: json.dumps(" ".join(column.name for column in columns))
    made.filters["tuple"] = lambda names: f"({', '.join(map(json.dumps, names))}{',' * (len(names) == 1)})"
    return made.get_template(template).render(**vars(table), **values)


def _of_model(table: Table) -> dict[str, Any]:
    columns = table.columns
    ours = {column.kind.field for column in columns if column.kind.is_text} | {"Versioned"}
    personal = [column for column in columns if column.is_personal]
    readers = [column for column in columns if column.kind.reader]
    ours |= ({"Personal"} if personal else set()) | ({"readings"} if readers else set())
    text = _text_of_a_row(table)
    return {
        "peewee": sorted({column.kind.field for column in columns if not column.kind.is_text}),
        "database": sorted(ours),
        "imports": sorted({(one.target.__module__, one.target.__name__) for one in columns if one.target}),
        "dutch": "dutch." in text,
        "personal": personal,
        "technical": [column for column in columns if not column.is_personal],
        "readers": readers,
        "text": text,
    }


def _text_of_a_row(table: Table) -> str:
    """Python for the text of a row: its first line; else the row to which it refers and its date; else its number."""
    needed = [column for column in table.columns if not column.optional]
    lines = [f"self.{column.name}" for column in needed if column.kind.field == "Line"]
    if lines:
        return lines[0]
    parts = [f"{{self.{column.name}}}" for column in needed if column.target][:1]
    parts += [f"{{dutch.shown(self.{column.name})}}" for column in needed if column.kind.field == "DateField"][:1]
    return f'f"{", ".join(parts) or f"{table.one} {{self.id}}"}"'


def _of_view(columns: list[Column]) -> dict[str, Any]:
    listed = [column for column in columns if column.kind.field != "LongText"] or columns
    dates = [column.name for column in columns if column.kind.field == "DateField"]
    lines = [column for column in columns if column.kind.field == "Line"]
    return {
        "listed": [column.name for column in listed],
        "sortable": [(column.name, f"{column.name}.search" if column.has_words else "") for column in listed],
        "by_words": any(column.has_words for column in listed),
        "order": f'("{dates[0]}", True)' if dates else f'"{listed[0].name}"',
        "searched": [column.name for column in lines],
        "searched_words": " of ".join(column.label.lower() for column in lines[:2]),
        "filtered": [column.name for column in columns if column.kind.field in ("BooleanField", "DateField")],
        "looked_up": [column for column in columns if column.looked_up_by],
    }


def _of_test(columns: list[Column]) -> dict[str, Any]:
    changed = next((column for column in columns if not column.target), None)
    tried = [column for column in columns if not column.optional or column is changed]
    return {
        "dates": any(column.kind.field == "DateField" for column in tried),
        "targets": [column for column in columns if column.target and not column.optional],
        "changed": changed,
    }


def _contents(text: str, table: Table) -> str:
    """The contents page `text` with one table more: its import, its name in `__all__` (ruff sorts both) and in TABLES."""
    text = re.sub(r"(?=\n\n__all__ = \[\n)", f"\nfrom tables.{table.stored} import {table.name}", text, count=1)
    text = text.replace("__all__ = [\n", f'__all__ = [\n    "{table.name}",\n', 1)
    return re.sub(r"(\nTABLES[^\n]*= \[\n.*?)(?=\n\])", rf"\1\n    {table.name},", text, count=1, flags=re.S)
