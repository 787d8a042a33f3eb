"""Every command of `flask --app app …`. Each reads its input, calls one function and prints the result."""

from flask import Flask

from commands import privacy
from commands.database import backup, check_data, export, load_demo, migrate, move, restore
from commands.servers import serve, start
from commands.work import add_team_member, import_participants, run_clock, send_mails


def register(app: Flask) -> None:
    """Add the commands to the app."""
    for command in (
        migrate,
        load_demo,
        add_team_member,
        check_data,
        *privacy.COMMANDS,
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
