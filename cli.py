"""What one types: `flask --app app …`. Each command reads its input, calls one function and prints what came of it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

import audit
import backups
import checks
import cli_privacy
import config
import crowd
import demo
import dutch
import migrations
import moving
import serving
from admin_kit import exports
from database import UNAVAILABLE, RuleError, database, refresh_statistics, writing
from mails import delivery, links
from migrations import compare
from models import ROLE_LABELS, TABLES, ImportRow, Role, User
from times import at_hour, from_local, utcnow
from workflow import clock, hash_chain
from workflow.accounts import accounts
from workflow.imports import batches
from workflow.privacy import register

CHUNK = 500
SECRETS = register.SECRET | {"salt", "body", "data"}
"""columns that no export holds: hashes, and texts that hold a link"""
STOP_SECONDS = 10
WORKER_OPTIONS = "--quiet", "--workers=2", "--max-delay=1", "--graceful-signal=TERM"


def register(app: Flask):
    """Put the commands on the app."""
    for command in (
        migrate,
        load_demo,
        add_team_member,
        check_data,
        *cli_privacy.COMMANDS,
        export,
        send_mails,
        run_clock,
        import_participants,
        backup,
        restore,
        move,
        serve,
        start,
    ):
        app.cli.add_command(command)


@click.command()
@click.option(
    "--check", is_flag=True, help="Change nothing; exit 1 when the steps and the models describe other tables."
)
@click.option("--back", metavar="STEP", help="Undo steps until STEP (or 'zero') is the last one left.")
@with_appcontext
def migrate(check, back):
    """Bring the database to the present tables."""
    if check:
        found = compare.differences()
        click.echo("\n".join(found) or "The migrations and the models describe the same tables.")
        sys.exit(bool(found))
    _make_folder()
    with database.connection_context():
        taken = migrations.back(back) if back else migrations.migrate()
        _add_roles()
    click.echo("\n".join(taken) or "Nothing to do: the database is up to date.")


def _make_folder():
    """The folder of a SQLite file, readable by its owner only."""
    url = current_app.config["KAVO"].database_url
    if url.startswith("sqlite:///") and (folder := os.path.dirname(url.removeprefix("sqlite:///"))):
        os.makedirs(folder, mode=0o700, exist_ok=True)


def _add_roles():
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
@click.argument("e_mail")
@with_appcontext
def add_team_member(e_mail):
    """Give E_MAIL an account of the team; prints a single-use link to choose a password."""
    with database.connection_context():
        try:
            secret = accounts.add_team_member(e_mail, utcnow())
        except RuleError as error:
            raise click.ClickException(str(error)) from error
    click.echo(links.mailed(secret))


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
    """Check every invariant of the data; exit 1 with a line per breach. Notes tell what would be refused today: no breach."""
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
    """All rows of a table as tuples, some hundreds at a time, in the order of the primary key."""
    pk, last = model._meta.primary_key, None
    while True:
        query = model.select(pk, *fields).order_by(pk).limit(CHUNK)
        rows = list((query.where(pk > last) if last is not None else query).tuples())
        if not rows:
            return
        last = rows[-1][0]
        yield [row[1:] for row in rows]


@click.command()
@with_appcontext
def send_mails():
    """Send every mail that waits now, also those that are held back or wait for a new try."""
    settings = current_app.config["KAVO"]
    with database.connection_context():
        waiting = delivery.release(utcnow())
        tally = delivery.deliver(settings)
    if tally is None:
        click.echo("Another process is sending; it takes these along.")
    else:
        click.echo(
            f"{waiting} waiting: " + (", ".join(f"{count} {state}" for state, count in tally.items()) or "0 sent")
        )
        if waiting and not tally:
            raise click.ClickException("The mail server of KAVO_SMTP_URL cannot be reached; the mails wait.")


@click.command("clock")
@click.option(
    "--at",
    metavar="ISO-TIME",
    help="Treat what is due up to this moment (no offset: Europe/Brussels); now when left out.",
)
@click.option("--dry-run", is_flag=True, help="Change nothing: say what would be treated.")
@with_appcontext
def run_clock(at, dry_run):
    """Treat everything that is due: reminders, terms that end, what is kept for a while only."""
    try:
        moment = from_local(at) if at else utcnow()
    except ValueError as error:
        raise click.ClickException("Use a moment such as 2026-12-01T08:00 or 2026-12-01T08:00+01:00.") from error
    if moment > utcnow() and current_app.config["KAVO"].production and not dry_run:
        raise click.ClickException("In production a later moment than now is for --dry-run only.")
    with database.connection_context():
        if dry_run:
            for point, found in clock.upcoming(moment):
                for due in found:
                    click.echo(f"{point.key}: {due.words}")
            return
        done = clock.sweep(moment)
    click.echo("\n".join(f"{key}: {count}" for key, count in done.items()) or "Nothing was due.")


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Change nothing: say what would become of each line.")
@with_appcontext
def import_participants(file, dry_run):
    """Import participants and trajectories from FILE (CSV): all lines that are good. Exit 1 when some were not."""
    now = utcnow()
    with database.connection_context():
        try:
            batch = batches.receive(file, os.path.basename(file.name), None, now, trial=dry_run)
        except RuleError as error:
            raise click.ClickException(str(error)) from error
        _advance(batch, "checked")
        for line in batch.lines.where(ImportRow.verdict == "bad").order_by(ImportRow.number).iterator():
            click.echo(f"line {line.number}: {line.text}")
        found = batches.counts(batch)
        if dry_run:
            click.echo(f"{batch.rows} lines: {batches.told(found)}. Nothing was changed.")
            batches.erase(batch)
        elif any(found.get(verdict) for verdict in ImportRow.GOOD):
            batches.confirm(batch, None, now)
            _advance(batch, "imported")
            found = batches.counts(batch)
            click.echo(f"{batch.rows} lines: {batches.told(found)}.")
        else:
            click.echo(f"{batch.rows} lines: {batches.told(found)}. There was nothing to import.")
            batches.forget(batch, now)
    sys.exit(bool(found.get("bad")))


def _advance(batch, word):
    """Take all steps of a phase, and say on standard error how far it is."""
    for position in batches.steps_of(batch, utcnow()):
        click.echo(f"\r{word} up to line {position} …", nl=False, err=True)
    click.echo(err=True)


@click.command()
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.option("--key", metavar="age1…", help="Encrypt for this public key (default: KAVO_BACKUP_KEY).")
@click.option(
    "--check/--no-check", default=True, help="Restore the copy to a database of its own and check it (default)."
)
@with_appcontext
def backup(target, key, check):
    """Write a backup of the database, also while it is in use, to TARGET: a new file, or a folder (default: instance/backups)."""
    settings, begun = current_app.config["KAVO"], time.monotonic()
    with _told():
        seal = backups.last_seal(settings.database_url)
    if target is None:
        target = config.PROJECT / "instance" / "backups"
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if target.is_dir():
        target /= backups.file_name(utcnow(), seal)
    with _told():
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
    """Put a backup in the place of the database. Stop the web servers and the worker first."""
    url = current_app.config["KAVO"].database_url
    _make_folder()
    with _told(), backups.unpacked(file, file, identity) as raw:
        backups.suits(url, raw)
        found = backups.examine(url, raw, backups.seal_in(file))
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
    """Copy the SQLite database to PostgreSQL, also while it is in use, and compare counts and sums."""
    source = current_app.config["KAVO"].database_url
    if not source.startswith("sqlite:") or not target.startswith(("postgresql:", "postgres:")):
        raise click.ClickException("This moves from SQLite (KAVO_DATABASE_URL) to postgresql://… only.")
    with _told():
        moving.move(source, target, again, click.echo)
        with backups.pointed_at(target):
            breaches = list(checks.breaches())
    if breaches:
        raise click.ClickException("\n".join(breaches))
    click.echo("All arrived, and all invariants hold. Now set KAVO_DATABASE_URL to the new address; keep both keys.")


@contextmanager
def _told():
    """What cannot be done, as a sentence instead of a trace."""
    try:
        yield
    except (backups.BackupError, moving.MoveError) as error:
        raise click.ClickException(str(error)) from error
    except UNAVAILABLE as error:
        raise click.ClickException(f"The database does not answer: {str(error).splitlines()[0]}") from error
    except OSError as error:  # a disk that is full, a folder that is not there
        raise click.ClickException(f"{error.strerror}: {error.filename or ''}".rstrip(": ")) from error


@click.command()
@with_appcontext
def serve():
    """Answer browsers on KAVO_HOST and KAVO_PORT until SIGTERM; what runs is finished first. The worker is started apart."""
    serving.serve(current_app.config["KAVO"])


@click.command()
@with_appcontext
def start():
    """Migrate, load the demo world into an empty database, start the web server, the worker and, without KAVO_SMTP_URL, a local
    mail catcher, without KAVO_EID_ISSUER a local eID provider; Ctrl-C ends them."""
    settings = current_app.config["KAVO"]
    ports = [settings.port + more for more in config.CATCHER_PORTS] if settings.catcher else []
    purposes = dict.fromkeys(ports, "the local mail catcher")
    if settings.local_eid:
        purposes[settings.port + config.EID_PORT] = "the local eID provider"
    serving.require_ports(settings.host, {settings.port: "the web server"})
    serving.require_ports("127.0.0.1", purposes)
    with _told():
        _make_folder()
        _prepare(settings)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    helpers = []
    try:
        helpers.append(_spawn("huey.bin.huey_consumer", "worker.huey", *WORKER_OPTIONS))
        if settings.catcher:
            helpers.append(_spawn("catcher", *map(str, ports), str(config.PROJECT / "instance" / "mails")))
        if settings.local_eid:
            helpers.append(_spawn("provider"))
        _greet(settings)
        serving.serve(settings)
    finally:
        _stop(helpers)


def _prepare(settings):
    """The newest schema, and something to look at."""
    with database.connection_context():
        migrations.migrate()
        _add_roles()
        if not settings.production and not User.select().exists():
            click.echo("Loading the demo world ...")
            demo.load(utcnow())
        refresh_statistics()


def _spawn(module: str, *words: str) -> subprocess.Popen:
    """Another process of ours, in a session of its own, so that a Ctrl-C reaches it once: through us."""
    return subprocess.Popen([sys.executable, "-m", module, *words], start_new_session=True, cwd=config.PROJECT)  # noqa: S603


def _stop(helpers: list[subprocess.Popen]):
    """End the other processes, also when somebody asks twice."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    for process in helpers:
        process.terminate()
    for process in helpers:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _greet(settings):
    click.echo(f"\nKadervormingstool: {settings.base_url}")
    if settings.catcher:
        click.echo(f"Mails are caught and shown on http://localhost:{settings.port + config.CATCHER_PORTS[1]}")
    if settings.local_eid:
        click.echo(f"eID logs in demo persons on {settings.eid_issuer}")
    if not settings.production:
        click.echo(f"Demo accounts, password {demo.PASSWORD}:")
        for email, who in demo.ACCOUNTS.items():
            click.echo(f"  {email:<24} {who}")
    click.echo("Ctrl-C ends it.\n")
