"""Commands about security and privacy: the seals on the history, erasing, a lost second step, generated documents."""

import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from admin_kit import rights
from database import RuleError, database
from models import Participant, User
from times import utcnow
from workflow import hash_chain
from workflow.accounts import second_steps
from workflow.privacy import erasure, personal_data, retention

AFTER_RESTORE = "opnieuw, na het terugzetten van een reservekopie"


@click.command()
@click.argument("e_mail")
@with_appcontext
def wipe_second_step(e_mail: str) -> None:
    """Let E_MAIL log in with the password alone once more, and set up another second step: for who lost app and codes."""
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
def check_history() -> None:
    """Check the history against its seals; exit 1 with a line per breach. Keep the printed seal elsewhere: `check-data --seal`
    tells later whether it still is what it was."""
    with database.connection_context():
        breaches = [*hash_chain.breaches(), *hash_chain.unproved_erasures(), *hash_chain.unknown_keys()]
        newest = hash_chain.last()
    click.echo("\n".join(breaches) or "The history fits its seals.")
    if newest:
        click.echo(
            f"Sealed up to line {newest.until_id} on {newest.sealed_at:%Y-%m-%d %H:%M} UTC: {hash_chain.name(newest)}"
        )
    sys.exit(bool(breaches))


@click.command()
@click.argument("kind", type=click.Choice(["participant", "user"]))
@click.argument("number", type=int)
@with_appcontext
def erase(kind: str, number: int) -> None:
    """Erase the person in row NUMBER once more: after a restore of a backup from before the erasure (the log names the rows)."""
    with database.connection_context():
        if kind == "participant" and (participant := Participant.get_or_none(Participant.id == number)):
            erasure.erase_participant(participant, None, utcnow(), AFTER_RESTORE)
        elif kind == "user" and (user := User.get_or_none(User.id == number)):
            erasure.erase_user(user, None, utcnow(), AFTER_RESTORE)
        else:
            raise click.ClickException(f"There is no {kind} {number}.")
    click.echo(f"{kind} {number} is erased.")


@click.command()
@click.argument("what", type=click.Choice(["rights", "privacy"]))
@with_appcontext
def describe(what: str) -> None:
    """Print docs/rights.md or docs/privacy.md, as the running code says."""
    click.echo(documents()[what], nl=False)


COMMANDS = wipe_second_step, check_history, erase, describe


def documents() -> dict[str, str]:
    """Name → text of the documents generated from the code."""
    return {"rights": _rights(), "privacy": _privacy()}


def _rights():
    lines = [
        "# Rechten per rol",
        "",
        "Gemaakt uit de code door `flask --app app describe rights`; het team ziet hetzelfde onder Beheer, Rechten.",
        "",
    ]
    for group, functions in rights.matrix(current_app.extensions["admin"][0]):
        lines += [f"## {group}", "", *_table(["Functie", *rights.ROLES.values()])]
        lines += [_row([function.name, *function.rows.values()]) for function in functions] + [""]
    return "\n".join(lines).replace("\u00ad", "").rstrip() + "\n"


def _privacy():
    kept = personal_data.kept({rule.key: rule.days for rule in retention.RULES})
    lines = [
        "# Register van persoonsgegevens",
        "",
        "Gemaakt uit de code door `flask --app app describe privacy`; iedereen ziet hetzelfde op de pagina Privacy.",
        "",
        personal_data.ASSUMED,
        "",
        *_table(["Gegevens", "Van wie", "Waarom", "Grond", "Wie ziet het", "Hoelang", "Kolommen"]),
    ]
    for entry in personal_data.REGISTER:
        columns = [f"{model._meta.table_name}: {', '.join(names)}" for model, names in entry.columns.items()]
        lines.append(
            _row(
                [entry.name, entry.whose, entry.why, entry.ground, entry.seen_by, kept[entry.name], "; ".join(columns)]
            )
        )
    lines += ["", "## Bewaartermijnen", "", *_table(["Wat", "Hoelang", "Waarom zolang"])]
    lines += [_row([f"{rule.name}: {rule.what}", f"{rule.days} dagen", rule.ground]) for rule in retention.RULES]
    return "\n".join(lines) + "\n"


def _table(titles):
    return [_row(titles), _row(["---"] * len(titles))]


def _row(cells):
    return f"| {' | '.join(cells)} |"
