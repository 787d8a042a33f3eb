"""`flask --app app new-table`: writes all that a table with a screen needs, for a developer to go on from."""

import importlib.util
import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from commands import documents
from commands.new_table.columns import Column, read_columns, read_table
from config import PROJECT
from migrations import steps

PAGES = """
from app import create_app
from commands import documents
with create_app().app_context():
    for name, text in documents.documents().items():
        with open(f"docs/{name}.md", "w", encoding="utf-8") as page:
            page.write(text)
"""
"""renews the pages that are made from the code, by the code as it is on disk now"""
NEXT = """
Now:
1. Read tables/{table}.py: the labels, and `personal`, the line of the privacy register. Who else sees the data, and how
   long are they kept? What is erased with a person, or shown to them, does not come by itself: workflow/privacy/.
2. Read admin_views/{table}.py: only the team sees this screen. Rights for another role: `roles` there, rows and acts in
   scope.py, a line in NOUNS of tests/admin_kit/test_rights.py.
3. flask --app app migrate
4. make check
"""


@click.command("new-table")
@click.argument("name")
@click.argument("fields", nargs=-1, required=True, metavar="FIELD:TYPE[?][:LABEL]…")
@click.option("--one", metavar="WORDS", help="One row in Dutch, such as ‘bezoek’ (default: the name in words).")
@click.option("--many", metavar="WORDS", help="Several rows in Dutch, such as ‘bezoeken’; also the name in the menu.")
@with_appcontext
def write_table(name: str, fields: tuple[str, ...], one: str | None, many: str | None) -> None:
    """Write a table NAME with its screen, step, rights, privacy line and test: for a developer. TYPE is Line, Text, Integer,
    Boolean, Date, Email, Phone, ForeignKey or the name of a table; `?` after it: may stay empty."""
    if current_app.config["KAVO"].production:
        raise click.ClickException("This changes the code: it is for a developer, not for production.")
    if not importlib.util.find_spec("ruff"):
        raise click.ClickException("This needs the tools of a developer. Run 'make test' once; it installs them.")
    table = read_table(name)
    one = _words("--one", one or table.replace("_", " "))
    many = _words("--many", many or _plural(one))
    url = f"/{_slug(many)}"
    _check_screen(table, url)
    written = _files(name, table, one, many, url, read_columns(table, many, fields))
    taken = [path for path in written if (PROJECT / path).exists() and path != "models.py"]
    if taken:
        raise click.ClickException(f"{taken[0]} is there already. Choose another name.")
    for path in _write(written):
        click.echo(f"wrote {path}")
    click.echo(NEXT.format(table=table).rstrip())


def _words(option: str, text: str) -> str:
    text = " ".join(text.split()).replace("'", "’")
    if not re.fullmatch(r"[^\W\d_][\w ’-]{0,39}", text) or "_" in text:
        raise click.ClickException(f"{option}: write one or a few words, such as ‘bezoek’.")
    return text[0].lower() + text[1:]


def _plural(word: str) -> str:
    """The plural of most Dutch words; who knows better says so with --many."""
    if re.search(r"(e|el|em|en|er|erd|aar|ie|[aiouy])$", word) and not word.endswith("ee"):
        return f"{word}’s" if re.search(r"[^e][aiouy]$", word) and not word.endswith("ie") else f"{word}s"
    return re.sub(r"([aeou])\1(?=[b-df-hj-np-tvxz]$)", r"\1", word) + "en"


def _slug(words: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _check_screen(table: str, url: str) -> None:
    """Raise ClickException when another screen or page has this name or address."""
    addresses = {rule.rule.split("/")[1] for rule in current_app.url_map.iter_rules()}
    if url.strip("/") in addresses or len(url) < 2:
        raise click.ClickException(f"The address {url}/ is taken. Choose other words with --many.")
    if table in current_app.blueprints:
        raise click.ClickException(f"A screen is called '{table}' already. Choose another name.")


def _files(name: str, table: str, one: str, many: str, url: str, columns: list[Column]) -> dict[str, str]:
    """Path → text of every file that a table needs."""
    values = {"name": name, "table": table, "one": one, "many": many, "url": url, "columns": columns}
    make = _templates()
    step = f"{max(int(name[:4]) for name in steps.available()) + 1:04}_{table}"
    return {
        f"tables/{table}.py": make.get_template("model.py.jinja").render(**values, **_of_model(one, columns)),
        "models.py": _contents((PROJECT / "models.py").read_text(encoding="utf-8"), table, name),
        f"migrations/{step}.sql": make.get_template("step.sql.jinja").render(**values),
        f"admin_views/{table}.py": make.get_template("view.py.jinja").render(**values, **_of_view(columns)),
        f"tests/admin_views/test_{table}.py": make.get_template("test.py.jinja").render(**values, **_of_test(columns)),
    }


def _templates() -> Environment:
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
    return made


def _of_model(one: str, columns: list[Column]) -> dict[str, Any]:
    peewee = {column.kind.field for column in columns if not column.kind.is_text}
    ours = {column.kind.field for column in columns if column.kind.is_text} | {"Versioned"}
    personal, reads = [one for one in columns if one.is_personal], [one for one in columns if one.kind.reader]
    ours |= ({"Personal"} if personal else set()) | ({"readings"} if reads else set())
    text = _text_of_a_row(one, columns)
    return {
        "peewee": ", ".join(sorted(peewee)),
        "database": ", ".join(sorted(ours)),
        "imports": sorted({(one.target.__module__, one.target.__name__) for one in columns if one.target}),
        "dutch": "dutch." in text,
        "personal": personal,
        "technical": [one for one in columns if not one.is_personal],
        "reads": reads,
        "text": text,
    }


def _text_of_a_row(one: str, columns: list[Column]) -> str:
    """Python for how a row is called: by its first line of text; else by what it refers to and its date; else by its number."""
    needed = [column for column in columns if not column.optional]
    lines = [f"str(self.{column.name})" for column in needed if column.kind.field == "Line"]
    if lines:
        return lines[0].removeprefix("str(").removesuffix(")")
    parts = [f"{{self.{column.name}}}" for column in needed if column.target][:1]
    parts += [f"{{dutch.shown(self.{column.name})}}" for column in needed if column.kind.field == "DateField"][:1]
    return f'f"{", ".join(parts) or f"{one} {{self.id}}"}"'


def _of_view(columns: list[Column]) -> dict[str, Any]:
    listed = [one for one in columns if one.kind.field != "LongText"] or columns
    sortable = [(one.name, f"{one.name}.search" if one.has_words else "") for one in listed]
    dates = [one.name for one in columns if one.kind.field == "DateField"]
    searched = [one for one in columns if one.kind.field == "Line"]
    filtered = ("BooleanField", "DateField")
    return {
        "listed": [one.name for one in listed],
        "searched": [one.name for one in searched],
        "searched_words": " of ".join(one.label.lower() for one in searched[:2]),
        "filtered": [one.name for one in columns if one.kind.field in filtered],
        "by_words": any(order for _, order in sortable),
        "sortable": sortable,
        "order": f'("{dates[0]}", True)' if dates else f'"{listed[0].name}"',
        "looked_up": [one for one in columns if one.looked_up_by],
    }


def _of_test(columns: list[Column]) -> dict[str, Any]:
    return {
        "dates": any(one.kind.field == "DateField" for one in columns),
        "targets": [one for one in columns if one.target],
        "rows": sorted({one.target.__name__ for one in columns if one.target}),
        "changed": next((one for one in columns if not one.target), None),
    }


def _contents(text: str, table: str, name: str) -> str:
    """The contents page with one table more: its import, its name in `__all__` (ruff sorts both) and in TABLES."""
    text = re.sub(r"(?=\n\n__all__ = \[\n)", f"\nfrom tables.{table} import {name}", text, count=1)
    text = text.replace("__all__ = [\n", f'__all__ = [\n    "{name}",\n', 1)
    return re.sub(r"(\nTABLES[^\n]*= \[\n.*?)(?=\n\])", rf"\1\n    {name},", text, count=1, flags=re.S)


def _write(written: dict[str, str]) -> list[str]:
    """Write the files, lay them out and renew the pages that are made from the code; all of it or nothing. Returns what
    changed."""
    paths = [*written, *(f"docs/{name}.md" for name in documents.DOCUMENTS)]
    kept = {path: (PROJECT / path).read_bytes() if (PROJECT / path).exists() else None for path in paths}
    python = [path for path in written if path.endswith(".py")]
    try:
        for path, text in written.items():
            (PROJECT / path).write_text(text, encoding="utf-8")
        _run("-m", "ruff", "format", *python)
        _run("-m", "ruff", "check", "--fix", *python)
        _run("-m", "ruff", "format", *python)
        _run("-c", PAGES)
    except BaseException:
        for path, content in kept.items():
            if content is None:
                (PROJECT / path).unlink(missing_ok=True)
            else:
                (PROJECT / path).write_bytes(content)
        raise
    return [path for path, content in kept.items() if (PROJECT / path).read_bytes() != content]


def _run(*arguments: str) -> None:
    """Run Python on the project as it is now on disk. Raises ClickException with what it said when it fails."""
    done = subprocess.run([sys.executable, *arguments], cwd=PROJECT, capture_output=True, text=True)  # noqa: S603 - our own
    if done.returncode:
        raise click.ClickException(
            f"Nothing was written, since that would not run: {done.stdout}{done.stderr}".rstrip()
        )
