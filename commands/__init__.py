"""Every command that one types as `flask --app app …`. Each reads its input, calls one function and prints what came
of it."""

from flask import Flask

from commands import privacy
from commands.database import backup, check_data, export, load_demo, migrate, move, restore
from commands.documents import describe
from commands.new_table import write_table
from commands.servers import serve, start, version
from commands.work import add_team_member, import_participants, run_clock, send_mails


def register(app: Flask):
    """Put the commands on the app."""
    for command in (
        migrate,
        load_demo,
        add_team_member,
        check_data,
        *privacy.COMMANDS,
        describe,
        export,
        send_mails,
        run_clock,
        import_participants,
        backup,
        restore,
        move,
        serve,
        start,
        version,
        write_table,
    ):
        app.cli.add_command(command)
