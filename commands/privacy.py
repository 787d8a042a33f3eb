"""Commands for security and privacy: checkpoints of the history, erasing, a lost second step."""

import sys
from collections.abc import Callable
from typing import Any

import click
from flask.cli import with_appcontext

from database import RuleError, database
from models import Participant, User
from times import utcnow
from workflow import hash_chain
from workflow.accounts import second_steps
from workflow.privacy import erasure


@click.command()
@click.argument("e_mail")
@with_appcontext
def wipe_second_step(e_mail):
    """Let E_MAIL log in with the password alone and set up a new second step, after losing app and codes."""
    with database.connection_context():
        user = User.get_or_none(User.email == e_mail.strip().lower())
        if user is None:
            raise click.ClickException(f"There is no account with the address {e_mail}.")
        try:
            second_steps.wipe(user, None, utcnow())
        except RuleError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{e_mail} logs in with the password, and is asked to set up a second step.")


@click.command()
@with_appcontext
def check_history():
    """Check the history against its checkpoints; exit 1 with a line per breach. Keep the printed seal elsewhere:
    `check-data --seal` says later whether the history still matches it."""
    with database.connection_context():
        found = [*hash_chain.breaches(), *hash_chain.unproved_erasures(), *hash_chain.unknown_keys()]
        newest = hash_chain.last()
    click.echo("\n".join(found) or "The history fits its seals.")
    if newest:
        click.echo(
            f"Sealed up to line {newest.until_id} on {newest.sealed_at:%Y-%m-%d %H:%M} UTC: {hash_chain.name(newest)}"
        )
    sys.exit(bool(found))


@click.command()
@click.argument("kind", type=click.Choice(["participant", "user"]))
@click.argument("number", type=int)
@with_appcontext
def erase(kind, number):
    """Erase the person in row NUMBER again, after restoring a backup from before the erasure (the log names the
    rows)."""
    verbs: dict[str, tuple[Any, Callable[..., None]]] = {
        "participant": (Participant, erasure.erase_participant),
        "user": (User, erasure.erase_user),
    }
    model, act = verbs[kind]
    with database.connection_context():
        row = model.get_or_none(model.id == number)
        if row is None:
            raise click.ClickException(f"There is no {kind} {number}.")
        act(row, None, utcnow(), "opnieuw, na het terugzetten van een reservekopie")
    click.echo(f"{kind} {number} is erased.")


COMMANDS = wipe_second_step, check_history, erase
