"""Commands about the database: its tables, the demo world, checks, exports, backups, another machine."""

import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

import audit
import config
import dutch
import migrations
from admin_kit import exports
from database import UNAVAILABLE, database, writing
from local import crowd, demo
from migrations import compare
from models import ROLE_LABELS, TABLES, Role, User
from operations import backups, checks, moving
from times import at_hour, utcnow
from workflow import hash_chain
from workflow.privacy import personal_data

CHUNK = 500
SECRETS = personal_data.SECRET | {"salt", "body", "data"}
"""columns that are never exported: hashes, and texts with a link"""


@click.command()
@click.option(
    "--check", is_flag=True, help="Change nothing; exit 1 when the steps and the models describe other tables."
)
@click.option("--back", metavar="STEP", help="Undo steps until STEP (or 'zero') is the last one left.")
@with_appcontext
def migrate(check, back):
    """Bring the database to the present schema."""
    if check:
        found = compare.differences()
        click.echo("\n".join(found) or "The migrations and the models describe the same tables.")
        sys.exit(bool(found))
    make_folder()
    with database.connection_context():
        taken = migrations.back(back) if back else migrations.migrate()
        add_roles()
    click.echo("\n".join(taken) or "Nothing to do: the database is up to date.")


def make_folder():
    """The folder of a SQLite file, readable by its owner only."""
    url = current_app.config["KAVO"].database_url
    if url.startswith("sqlite:///") and (folder := os.path.dirname(url.removeprefix("sqlite:///"))):
        os.makedirs(folder, mode=0o700, exist_ok=True)


def add_roles():
    """Roles come with the code, not with the screen."""
    if database.table_exists("role"):
        for name in ROLE_LABELS:
            Role.get_or_create(name=name)


@click.command("demo")
@click.option(
    "--size", type=click.IntRange(1), help="Add made-up people until there are SIZE placements, for measuring."
)
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="As it would be loaded on this day (YYYY-MM-DD), at noon."
)
@with_appcontext
def load_demo(size, day):
    """Load the demo world into an empty database."""
    now = at_hour(day.date(), 12) if day else utcnow()
    if current_app.config["KAVO"].production:
        raise click.ClickException("The demo world is not for production.")
    with database.connection_context():
        if User.select().exists():
            raise click.ClickException("The database is not empty; the demo world is loaded into an empty one only.")
        with writing():
            demo.load(now)
            if size:
                crowd.load(size, now)
    click.echo("The demo world is loaded.")


@click.command()
@click.option(
    "--seal",
    "noted",
    multiple=True,
    metavar="SEAL",
    help="A seal that was noted elsewhere (a weekly mail, the name of a backup), such as 12-0123456789abcdef.",
)
@with_appcontext
def check_data(noted):
    """Check every invariant of the data; exit 1 with a line per breach. Notes say what would be refused today; they
    are no breaches."""
    with database.connection_context():
        breaches = 0
        try:
            changed = [text for text in map(hash_chain.differs, noted) if text]
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--seal") from error
        for breach in (*changed, *checks.breaches()):
            click.echo(breach)
            breaches += 1
        for note in checks.notes():
            click.echo(f"Note: {note}")
    click.echo(f"{breaches} breaches." if breaches else "All invariants hold.")
    sys.exit(bool(breaches))


@click.command()
@click.argument("table", type=click.Choice(sorted(model._meta.table_name for model in TABLES)))
@with_appcontext
def export(table):
    """Write a TABLE as CSV to standard output, without secrets; noted in the history."""
    model = next(model for model in TABLES if model._meta.table_name == table)
    fields = [field for field in model._meta.sorted_fields if field.column_name not in SECRETS]
    with database.connection_context():
        count = dutch.counted(model.select().count(), "rij", "rijen")
        audit.record(None, "list.exported", None, at=utcnow(), name=table, rows=count, filter="")
        made = exports.DutchCsv()
        cells = ([[made.cell(value) for value in row] for row in chunk] for chunk in _chunks(model, fields))
        for text in made.pieces([field.column_name for field in fields], cells):
            click.echo(text, nl=False)


def _chunks(model, fields):
    """All rows of a table as tuples, CHUNK at a time, ordered by primary key."""
    pk, last = model._meta.primary_key, None
    while True:
        query = model.select(pk, *fields).order_by(pk).limit(CHUNK)
        rows = list((query.where(pk > last) if last is not None else query).tuples())
        if not rows:
            return
        last = rows[-1][0]
        yield [row[1:] for row in rows]


@click.command()
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.option("--key", metavar="age1…", help="Encrypt for this public key (default: KAVO_BACKUP_KEY).")
@click.option(
    "--check/--no-check", default=True, help="Restore the copy to a database of its own and check it (default)."
)
@with_appcontext
def backup(target, key, check):
    """Write a backup of the database, even while it is in use, to TARGET: a new file, or a folder (default:
    instance/backups)."""
    settings, begun = current_app.config["KAVO"], time.monotonic()
    with errors_as_sentences():
        seal = backups.last_checkpoint(settings.database_url)
    if target is None:
        target = config.PROJECT / "instance" / "backups"
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if target.is_dir():
        target /= backups.file_name(utcnow(), seal)
    with errors_as_sentences():
        found = backups.backup(settings.database_url, target, key or settings.backup_key, check)
    proof = f"restored as a trial: {found.rows} rows, all invariants hold" if found else "not tried"
    click.echo(f"{target}: {target.stat().st_size} bytes in {time.monotonic() - begun:.1f} s; {proof}.")
    if seal:
        click.echo(f"Last seal on the history: {seal}")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--identity", type=click.Path(exists=True, path_type=Path), help="The file with the private key (age).")
@click.option("--check", is_flag=True, help="Change nothing: restore to a database of its own and say what it holds.")
@click.option("--overwrite", is_flag=True, help="Replace the data that is there; they are kept in a file beside FILE.")
@with_appcontext
def restore(file, identity, check, overwrite):
    """Replace the database by a backup. Stop the web servers and the worker first."""
    url = current_app.config["KAVO"].database_url
    make_folder()
    with errors_as_sentences(), backups.unpacked(file, file, identity) as raw:
        backups.suits(url, raw)
        found = backups.examine(url, raw, backups.checkpoint_in(file))
        click.echo(f"{file}: {found.rows} rows, schema {found.step}.")
        for note in found.notes:
            click.echo(note)
        if found.breaches:
            raise click.ClickException("\n".join(found.breaches))
        if check:
            return
        if backups.holds_people(url) and not overwrite:
            raise click.ClickException("The database holds data. Use --overwrite to replace them by this backup.")
        kept = backups.restore(url, raw, utcnow())
    click.echo("Restored; everybody has to log in again." + (f" What was there is kept in {kept}." if kept else ""))


@click.command()
@click.option("--to", "target", required=True, metavar="URL", help="postgresql://user@host/database, which exists.")
@click.option("--again", is_flag=True, help="Throw away what an earlier move left there.")
@with_appcontext
def move(target, again):
    """Copy the SQLite database to PostgreSQL, even while it is in use, and compare counts and sums."""
    source = current_app.config["KAVO"].database_url
    if not source.startswith("sqlite:") or not target.startswith(("postgresql:", "postgres:")):
        raise click.ClickException("This moves from SQLite (KAVO_DATABASE_URL) to postgresql://… only.")
    with errors_as_sentences():
        moving.move(source, target, again, click.echo)
        with backups.pointed_at(target):
            breaches = list(checks.breaches())
    if breaches:
        raise click.ClickException("\n".join(breaches))
    click.echo("All arrived, and all invariants hold. Now set KAVO_DATABASE_URL to the new address; keep both keys.")


@contextmanager
def errors_as_sentences():
    """Show failures as a sentence instead of a traceback."""
    try:
        yield
    except (backups.BackupError, moving.MoveError) as error:
        raise click.ClickException(str(error)) from error
    except UNAVAILABLE as error:
        raise click.ClickException(f"The database does not answer: {str(error).splitlines()[0]}") from error
    except OSError as error:  # a full disk, a missing folder
        raise click.ClickException(f"{error.strerror}: {error.filename or ''}".rstrip(": ")) from error
