"""The web server: Granian with our limits, and the limit on concurrent requests in front of the application."""

import errno
import importlib
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

import config
from database import database

THREADS = 64  # a slow client keeps one busy while it sends a form or downloads a file
AT_WORK = 56  # concurrent requests; the remaining threads tell the rest to come back later
CONNECTIONS = 12_000
STOP_SECONDS = 30  # how long running requests may take to finish at a stop
RETRY_SECONDS = 30
BUSY = (config.PROJECT / "templates" / "errors" / "busy.html").read_bytes()


def require_ports(host: str, ports: dict[int, str]) -> None:
    """Raise SettingsError when this machine cannot listen on one of these ports (number → purpose)."""
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


def serve(settings: config.Settings) -> None:
    """Serve on KAVO_HOST:KAVO_PORT, from a child process, until SIGTERM or SIGINT; running requests are finished first.
    Raises SettingsError when it cannot listen there."""
    require_ports(settings.host, {settings.port: "the web server"})
    if hasattr(database.obj, "close_all"):
        database.close_all()  # the child must not share a connection with this process
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


# workaround: second-signal
# Granian 2.8.9 waits for ever after a second signal to stop, though not every time.
def _load(target: str) -> WSGIApplication:
    """The application, in the child process. It stops when its parent sends SIGTERM and ignores Ctrl-C, which a terminal sends
    to both: a second signal makes Granian hang."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the handler inherited from the parent, until Granian sets its own
    module, _, factory = target.partition(":")
    return getattr(importlib.import_module(module), factory)()


class ConcurrencyLimit:
    """Limits concurrent requests; those above the limit are told at once to come back later, so that nobody waits in vain.
    `refused`: how many were."""

    def __init__(self, application: WSGIApplication, most: int = AT_WORK) -> None:
        self.application, self.free, self.refused = application, threading.Semaphore(most), 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
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
            return ReleasingResponse(self.application(environ, start_response), self.free.release)
        except BaseException:
            self.free.release()
            raise


class ReleasingResponse:
    """The body of a response; when it is closed or garbage-collected, the next request may come in."""

    def __init__(self, pieces: Iterable[bytes], leave: Callable[[], None]) -> None:
        self.pieces, self.leave, self.closed = pieces, leave, False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        try:
            if hasattr(self.pieces, "close"):
                self.pieces.close()
        finally:
            self.leave()

    def __del__(self) -> None:
        self.close()
