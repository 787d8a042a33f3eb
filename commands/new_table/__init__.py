"""`flask --app app new-table`: writes all that a table with a screen needs, as plain files that a developer then changes."""

import importlib.util
import re
import subprocess
import sys
import unicodedata

import click
from flask import current_app
from flask.cli import with_appcontext

from commands import documents
from commands.new_table import files
from commands.new_table.columns import read_columns, read_table
from config import PROJECT

PAGES = """
from pathlib import Path
from app import create_app
from commands import documents
with create_app().app_context():
    for name, text in documents.documents().items():
        Path(f"docs/{name}.md").write_text(text, encoding="utf-8")
"""
"""renews the pages that are made from the code, by the code as it is on disk now"""
NEXT = """
Now:
1. Read tables/{table}.py: the labels, and `personal`, the line of the privacy register. Who else sees the data, and for
   how long? To erase them with a person, or to show them to that person, add code in workflow/privacy/.
2. Read admin_views/{table}.py: only the team sees this screen. For another role: `roles` there, its rows and acts in
   scope.py, and a line in NOUNS of tests/admin_kit/test_rights.py.
3. flask --app app migrate
4. make check
"""


@click.command("new-table")
@click.argument("name")
@click.argument("fields", nargs=-1, metavar="FIELD:TYPE[?][:LABEL]…")
@click.option("--one", metavar="WORDS", help="One row in Dutch, such as ‘bezoek’ (default: NAME in words).")
@click.option("--many", metavar="WORDS", help="Several rows in Dutch, such as ‘bezoeken’; also the name in the menu.")
@with_appcontext
def write_table(name: str, fields: tuple[str, ...], one: str | None, many: str | None) -> None:
    """Write the model, schema step, screen and test of a new table NAME, for a developer. TYPE is Line, Text, Integer, Boolean,
    Date, Email, Phone, or a table such as Site; with `?` behind it the column may stay empty."""
    if current_app.config["KAVO"].production:
        raise click.ClickException("This changes the code: it is for a developer, not for production.")
    if not importlib.util.find_spec("ruff"):
        raise click.ClickException("This needs the tools of a developer. Run 'make test' once; it installs them.")
    stored = read_table(name)
    one = _words("--one", one or stored.replace("_", " "))
    many = _words("--many", many or _plural(one))
    url = f"/{_slug(many)}"
    _check_screen(stored, url)
    written = files.texts(files.Table(name, stored, one, many, url, read_columns(stored, many, fields)))
    taken = [path for path in written if (PROJECT / path).exists() and path != "models.py"]
    if taken:
        raise click.ClickException(f"{taken[0]} exists. Choose another name.")
    for path in _write(written):
        click.echo(f"wrote {path}")
    click.echo(NEXT.format(table=stored).rstrip())


def _words(option: str, text: str) -> str:
    """The words of an option, with a small first letter. Raises ClickException when they could not stand in the code or a URL."""
    text = " ".join(text.split()).replace("'", "’")
    if not re.fullmatch(r"[^\W\d_][\w ’-]{0,39}", text) or "_" in text:
        raise click.ClickException(f"{option}: write one or a few words, such as ‘bezoek’.")
    return text[0].lower() + text[1:]


def _plural(word: str) -> str:
    """The plural that most Dutch words of this ending have; `--many` replaces a wrong guess."""
    if re.search(r"[^e][aiouy]$", word):
        return f"{word}’s"
    if re.search(r"([^e]e|el|em|en|er|erd|aar|[aiouy])$", word):
        return f"{word}s"
    return re.sub(r"([aeou])\1(?=[b-df-hj-np-tvxz]$)", r"\1", word) + "en"


def _slug(words: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _check_screen(stored: str, url: str) -> None:
    """Raise ClickException when another screen or page has this name or address."""
    addresses = {rule.rule.split("/")[1] for rule in current_app.url_map.iter_rules()}
    if url.strip("/") in addresses or len(url) < 2:
        raise click.ClickException(f"The address {url}/ is taken. Choose other words with --many.")
    if stored in current_app.blueprints:
        raise click.ClickException(f"A screen is called '{stored}' already. Choose another name.")


def _write(written: dict[str, str]) -> list[str]:
    """Write these files (path → text), have ruff lay them out, and renew the pages that are made from the code. Returns the paths
    of what changed. When anything fails, every file is as it was; raises ClickException when ruff or the application refuses."""
    paths = [*written, *(f"docs/{name}.md" for name in documents.DOCUMENTS)]
    kept = {path: (PROJECT / path).read_bytes() if (PROJECT / path).exists() else None for path in paths}
    python = [path for path in written if path.endswith(".py")]
    try:
        for path, text in written.items():
            (PROJECT / path).write_text(text, encoding="utf-8")
        _run("-m", "ruff", "check", "--fix-only", "--quiet", *python)
        _run("-m", "ruff", "format", *python)
        _run("-m", "ruff", "check", *python)
        _run("-c", PAGES)
    except BaseException:
        _put_back(kept)
        raise
    return [path for path, content in kept.items() if (PROJECT / path).read_bytes() != content]


def _put_back(kept: dict[str, bytes | None]) -> None:
    """Give every file its former content; None: it did not exist."""
    for path, content in kept.items():
        if content is None:
            (PROJECT / path).unlink(missing_ok=True)
        else:
            (PROJECT / path).write_bytes(content)


def _run(*arguments: str) -> None:
    """Run Python on the project as it is on disk. Raises ClickException with the output when it fails."""
    done = subprocess.run([sys.executable, *arguments], cwd=PROJECT, capture_output=True, text=True)  # noqa: S603 - our own
    if done.returncode:
        output = f"{done.stdout}{done.stderr}".rstrip()
        raise click.ClickException(f"The files were taken away again, since this failed: {output}")
