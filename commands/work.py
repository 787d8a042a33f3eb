"""Commands that do what a person or the clock does."""

import os
import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from database import RuleError, database
from mails import delivery, links
from models import ImportRow
from times import from_local, utcnow
from workflow import clock
from workflow.accounts import accounts
from workflow.imports import batches


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
    click.echo(links.link_url(secret))


@click.command()
@with_appcontext
def send_mails():
    """Send every waiting mail now, including those that are held back or wait for a retry."""
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
    """Treat everything that is due: reminders, ending terms, data past its retention period."""
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
    """Import participants and trajectories from FILE (CSV): all valid lines. Exit 1 when some were invalid."""
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
    """Run all steps of a phase, and print the progress on standard error."""
    for position in batches.steps_of(batch, utcnow()):
        click.echo(f"\r{word} up to line {position} …", nl=False, err=True)
    click.echo(err=True)
