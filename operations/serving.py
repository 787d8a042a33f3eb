"""The web server: Granian with our numbers, and the gate in front of the application."""

import errno
import importlib
import signal
import socket
import threading

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

import config
from database import database

THREADS = 64  # a slow client keeps one busy while it sends a form or takes a file
AT_WORK = 56  # requests at once; what comes on top is told to come back by the threads that are left
CONNECTIONS = 12_000
STOP_SECONDS = 30  # how long requests that run may take at a stop
RETRY_SECONDS = 30
BUSY = (config.PROJECT / "templates" / "errors" / "busy.html").read_bytes()


def require_ports(host: str, ports: dict[int, str]):
    """Raises SettingsError when this machine cannot listen on one of these ports; `ports`: what each is for."""
    for port, purpose in ports.items():
        try:
            family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            raise config.SettingsError(f"Port {port} of {host}, for {purpose}: {_refused(error)}") from error


def _refused(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program has it, perhaps this tool itself. End that one, or choose others with KAVO_PORT=8100."
    if error.errno == errno.EACCES:
        return "only root may listen there. Choose 1024 or higher with KAVO_PORT."
    return f"{error.strerror}. Is KAVO_HOST an address of this machine?"


def serve(settings: config.Settings):
    """Answer on KAVO_HOST:KAVO_PORT, from a process of its own, until SIGTERM or SIGINT; what runs is finished first.
    Raises SettingsError when it cannot listen there."""
    require_ports(settings.host, {settings.port: "the web server"})
    if hasattr(database.obj, "close_all"):
        database.close_all()  # that process must not share a connection with this one
    Granian(
        "app:create_app",
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        http=HTTPModes.http1,
        websockets=False,
        blocking_threads=THREADS,
        backlog=4096,
        backpressure=CONNECTIONS,
        workers_kill_timeout=STOP_SECONDS,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
    ).serve(target_loader=_load)


def _load(target: str):
    """The application, in the process that answers. It ends when its parent says so (SIGTERM) and hears no Ctrl-C,
    which a terminal sends to both: on the second signal Granian hangs."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until Granian listens to it: so far it is the parent's
    module, _, factory = target.partition(":")
    return getattr(importlib.import_module(module), factory)()


class Gate:
    """Lets so many requests in at once; to who comes on top it says at once to come back, so that nobody waits in vain.
    `refused`: to how many it did."""

    def __init__(self, application, most: int = AT_WORK):
        self.application, self.free, self.refused = application, threading.Semaphore(most), 0

    def __call__(self, environ, start_response):
        if not self.free.acquire(blocking=False):
            self.refused += 1
            headers = [
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Length", str(len(BUSY))),
                ("Retry-After", str(RETRY_SECONDS)),
                ("Cache-Control", "no-store"),
            ]
            start_response("503 Service Unavailable", headers)
            return [BUSY]
        try:
            return Answer(self.application(environ, start_response), self.free.release)
        except BaseException:
            self.free.release()
            raise


class Answer:
    """The pieces of an answer; when it is closed, or forgotten, the next request may come in."""

    def __init__(self, pieces, leave):
        self.pieces, self.leave, self.closed = pieces, leave, False

    def __iter__(self):
        return iter(self.pieces)

    def close(self):
        if self.closed:
            return
        self.closed = True
        try:
            if hasattr(self.pieces, "close"):
                self.pieces.close()
        finally:
            self.leave()

    def __del__(self):
        self.close()
