"""Commands that start the web server, and all that a laptop needs with it; which release it is."""

import platform
import signal
import subprocess
import sys
from importlib import metadata

import click
from flask import current_app
from flask.cli import with_appcontext

import config
import migrations
from commands.database import add_roles, errors_as_sentences, make_folder
from database import database, refresh_statistics
from local import demo
from models import User
from operations import serving
from times import utcnow

STOP_SECONDS = 10
WORKER_OPTIONS = "--quiet", "--workers=2", "--max-delay=1", "--graceful-signal=TERM"


@click.command()
@with_appcontext
def serve():
    """Answer browsers on KAVO_HOST and KAVO_PORT until SIGTERM; running requests finish first. The worker is a
    separate process."""
    serving.serve(current_app.config["KAVO"])


@click.command()
@with_appcontext
def start():
    """Migrate, load the demo world into an empty database, start the web server, the worker and, without
    KAVO_SMTP_URL, a local mail catcher, without KAVO_EID_ISSUER a local eID provider; Ctrl-C ends them."""
    settings = current_app.config["KAVO"]
    ports = [settings.port + more for more in config.CATCHER_PORTS] if settings.catcher else []
    purposes = dict.fromkeys(ports, "the local mail catcher")
    if settings.local_eid:
        purposes[settings.port + config.EID_PORT] = "the local eID provider"
    serving.require_ports(settings.host, {settings.port: "the web server"})
    serving.require_ports("127.0.0.1", purposes)
    with errors_as_sentences():
        make_folder()
        _prepare(settings)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    helpers = []
    try:
        helpers.append(_spawn("huey.bin.huey_consumer", "worker.huey", *WORKER_OPTIONS))
        if settings.catcher:
            helpers.append(_spawn("local.catcher", *map(str, ports), str(config.PROJECT / "instance" / "mails")))
        if settings.local_eid:
            helpers.append(_spawn("local.provider"))
        _greet(settings)
        serving.serve(settings)
    finally:
        _stop(helpers)


@click.command()
def version():
    """Print the version of this release, and of what it runs on."""
    click.echo(f"Kadervormingstool {config.VERSION}")
    click.echo(f"Python {platform.python_version()}, Flask {metadata.version('flask')}")


def _prepare(settings):
    """Migrate, and load the demo world into an empty database."""
    with database.connection_context():
        migrations.migrate()
        add_roles()
        if not settings.production and not User.select().exists():
            click.echo("Loading the demo world ...")
            demo.load(utcnow())
        refresh_statistics()


def _spawn(module: str, *words: str) -> subprocess.Popen:
    """Start another process in its own session, so that a Ctrl-C reaches it only through us."""
    return subprocess.Popen([sys.executable, "-m", module, *words], start_new_session=True, cwd=config.PROJECT)  # noqa: S603


def _stop(helpers: list[subprocess.Popen]):
    """Stop the other processes, also on a second Ctrl-C."""
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
