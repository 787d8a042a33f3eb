"""The pages of `docs/` that are generated from the running code, and the command that prints one.

A test compares each with its file and names the command that regenerates it."""

import inspect

import click
from flask import current_app
from flask.cli import with_appcontext

import config
from admin_kit import rights
from identity import second_step
from models import MAIL_KINDS, MAIL_STATES, TABLES, statuses
from workflow.privacy import personal_data, retention

NOT_OURS = {"roles", "routes", "run", "shell", "users"}
"""commands that come with Flask and Flask-Security"""
WHAT = {
    "pages.start": "The start page: what the tool is, the ways in, and contact.",
    "pages.faq": "Frequently asked questions.",
    "pages.accessibility": "The accessibility statement.",
    "pages.after_login": "On to the first page of one's role.",
    "registration.choice": "For whom each way of registering is.",
    "registration.young": "Register a site, under 18 with a password (manual 2.2).",
    "registration.thanks": "What happens next; the same for a known and an unknown address.",
    "registration.status": "The page of the applicant: who is next, and by when.",
    "registration.answer": "Answer a question of the team.",
    "eid.choice": "Logged in with eID, no account yet: a new site, or take one over.",
    "eid.manager": "Site manager with eID: a new site, or take one over.",
    "take_over.thanks": "What happens next with a handover.",
    "attest.show": "The attest of a participant, by the link in a mail.",
    "attest.file": "The attest as a PDF.",
    "account.evaluation": "One evaluation that one gave.",
    "account.insight_data": "All that we keep about oneself, as JSON.",
    "account.sign_out_everywhere": "End all own sessions.",
    "second_step.index": "The own second steps: app, passkeys, emergency codes.",
    "second_step.remove_app": "Remove the app as second step.",
    "second_step.remove_passkey": "Remove a passkey.",
    "security.forgot_password": "‘Wachtwoord vergeten?’: the same answer for every address; a link by mail.",
    "security.login": "Log in with e-mail address and password.",
    "security.logout": "Log out, and on to the eID provider when the log-in was with eID.",
    "security.change_password": "Change your password; other sessions end.",
    "security.mf_recovery": "Log in with an emergency code instead of the second step.",
    "security.mf_recovery_codes": "See or renew your recovery codes.",
    "security.reset_password": "A link mailed by a release before 0007_links: choose a new password.",
    "security.tf_select": "Which second step to take, for who has two.",
    "security.two_factor_token_validation": "The code of the app, after the password.",
    "security.verify": "Re-authenticate with the password, before a dangerous page.",
    "security.wan_register": "Add a passkey as second step.",
    "security.wan_register_response": "What the browser made of it.",
    "security.wan_signin": "A passkey as second step.",
    "security.wan_signin_response": "What the browser made of it.",
    "security.wan_verify": "Re-authenticate with a passkey.",
    "security.wan_verify_response": "What the browser made of it.",
}
"""routes whose code is not ours, or too short for a docstring → what they are for"""
OPERATED = {
    "/healthz": "Alive: `ok` and the version. For whoever restarts processes.",
    "/metrics": "Numbers for Prometheus (`KAVO_METRICS_TOKEN`).",
    "/readyz": "JSON of what the process leans on; 503 when it cannot serve.",
}
"""answered before the application, so not in its URL map"""


DOCUMENTS = "rights", "privacy", "commands", "mails", "statuses", "routes"


@click.command()
@click.argument("what", type=click.Choice(DOCUMENTS))
@with_appcontext
def describe(what):
    """Print docs/WHAT.md, generated from the running code."""
    click.echo(documents()[what], nl=False)


def documents() -> dict[str, str]:
    """Name → text of the documents that are generated from the code."""
    return {name: globals()[f"_{name}"]() for name in DOCUMENTS}


def _rights():
    lines = [
        "# Rechten per rol",
        "",
        "Gemaakt uit de code door `flask --app app describe rights`; het team ziet hetzelfde onder Beheer, Rechten.",
        "",
    ]
    for group, found in rights.matrix(current_app.extensions["admin"][0]):
        lines += [f"## {group}", "", *_table(["Functie", *rights.ROLES.values()])]
        lines += [_row([line.name, *line.rows.values()]) for line in found] + [""]
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


def _commands() -> str:
    lines = [
        *_head("Commands", "commands"),
        "Each is typed as `flask --app app COMMAND`, with the settings of [settings.md](settings.md).",
    ]
    for name, command in sorted(current_app.cli.commands.items()):
        if name in NOT_OURS:
            continue
        context = click.Context(command, info_name=name)
        usage = " ".join([name, *command.collect_usage_pieces(context)])
        lines += ["", f"## {name}", "", f"`{usage}`", "", _one_line(inspect.cleandoc(command.help or ""))]
        options = [param for param in command.params if isinstance(param, click.Option)]
        for option in options:
            if option is options[0]:
                lines.append("")
            lines.append(f"- `{_as_typed(option, context)}`: {_one_line(option.help or '')}")
    return "\n".join(lines) + "\n"


def _as_typed(option: click.Option, context) -> str:
    words = ", ".join(option.opts)
    return words if option.is_flag else f"{words} {option.make_metavar(context)}"


def _mails() -> str:
    lines = [
        *_head("Mails", "mails"),
        "The text is `templates/mails/NAME.txt`, the first line its subject. [events.md](events.md): which act writes it.",
        "",
        *_table(["Name", "On the screen", "Subject"]),
    ]
    for path in sorted((config.PROJECT / "templates" / "mails").glob("*.txt")):
        subject = path.read_text(encoding="utf-8").partition("\n")[0]
        lines.append(_row([f"`{path.stem}`", MAIL_KINDS[path.stem], f"`{subject}`".replace("|", "\\|")]))
    return "\n".join(lines) + "\n"


def _statuses() -> str:
    lines = [
        *_head("Statuses", "statuses"),
        "A **state** is stored on its row and changes only by these steps. A **status** is what people read: it follows "
        "from the state, the dates and the day.",
        "",
        "## States",
        "",
        *_table(["Table", "State", "On the screen", "May become"]),
    ]
    for model in sorted(TABLES, key=lambda model: model.__name__):
        for state, words in getattr(model, "STATES", {}).items():
            then = ", ".join(f"`{one}`" for one in sorted(model.steps.get(state, ())))
            lines.append(_row([model.__name__, f"`{state}`", words, then or "–"]))
    lines += [_row(["Mail", f"`{state}`", words, "by the sender of mails"]) for state, words in MAIL_STATES.items()]
    lines += ["", "## Statuses", "", *_table(["Of", "Status", "On the screen", "Whose turn", "Tone"])]
    for name, group in vars(statuses).items():
        if isinstance(group, statuses.Statuses):
            for kind in group.kinds.values():
                cells = [name.capitalize(), f"`{kind.key}`", kind.words, kind.turn or "–", kind.tone or "neutral"]
                lines.append(_row(cells))
    return "\n".join(lines) + "\n"


def _routes() -> str:
    back_office = {view.endpoint for view in current_app.extensions["admin"][0]._views} - {"pages", "account", "attest"}
    lines = [
        *_head("Routes outside the back office", "routes"),
        "Pages for visitors, for logging in and for oneself. The screens of the back office are in [rights.md](rights.md).",
        "",
        *_table(["Address", "Methods", "What"]),
    ]
    found = dict(OPERATED)
    methods = dict.fromkeys(OPERATED, "GET")
    for rule in current_app.url_map.iter_rules():
        noun = rule.endpoint.partition(".")[0]
        if noun in back_office or rule.endpoint.endswith("static") or rule.endpoint in second_step.NOT_OURS:
            continue
        found[rule.rule] = WHAT.get(rule.endpoint) or _sentence(current_app.view_functions[rule.endpoint].__doc__ or "")
        methods[rule.rule] = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
    lines += [_row([f"`{address}`", methods[address], what]) for address, what in sorted(found.items())]
    return "\n".join(lines) + "\n"


def _head(title: str, name: str) -> list[str]:
    return [f"# {title}", "", f"Made from the code by `flask --app app describe {name} > docs/{name}.md`.", ""]


def _sentence(text: str) -> str:
    """The first sentence of a docstring."""
    first, dot, _ = _one_line(inspect.cleandoc(text)).partition(". ")
    return first + dot.strip()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _table(titles):
    return [_row(titles), _row(["---"] * len(titles))]


def _row(cells):
    return f"| {' | '.join(cells)} |"
