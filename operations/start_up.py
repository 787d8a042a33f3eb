"""Starting a process of ours: the web server, the worker and every command begin here, with the same settings in
force."""

import config
import mails
import tasks
from database import checkpoint_keys, connect_to, read_from
from mails import links
from operations import logs
from workflow import limits


def start_up(settings: config.Settings) -> None:
    """Called once per process, before any work: logs, databases, and everything in `apply`. Opens no connection yet.

    The models are pointed at the database once, not per thread: doing it again would break the tasks that run."""
    logs.set_up(settings)
    connect_to(settings.database_url)
    read_from(settings.replica_url)
    apply(settings)


def apply(settings: config.Settings) -> None:
    """Put these settings in force in the modules that need one while they work; a later call replaces them."""
    limits.set_up(settings.rate_limits, settings.lookup_key)
    links.set_up(settings)
    checkpoint_keys.set_up(settings)
    mails.set_up(settings)
    tasks.ring_the_worker(settings)
