"""The parts of production as processes that can be killed and restarted: web server, worker, PostgreSQL, Redis."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psycopg
import redis

import config
from tests.conftest import KEYS

PROJECT = Path(__file__).parents[1]
POSTGRES_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
START_SECONDS = 60


def free_port() -> int:
    """A free port whose neighbours used by `flask start` are free too, below the range of ephemeral ports."""
    while True:
        port = random.randrange(15_000, 30_000)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for more in (0, *config.CATCHER_PORTS, config.EID_PORT):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port + more))
            return port


def environment(database_url, queue_url, **more) -> dict[str, str]:
    """The settings of a web server or a worker, as environment variables."""
    return {**os.environ, **KEYS, "KAVO_DATABASE_URL": database_url, "KAVO_QUEUE_URL": queue_url, **more}


class Machine:
    """A process with its children. `log`: the file with its output."""

    command: list
    environ: dict | None = None

    def __init__(self, folder: Path):
        self.folder, self.log, self.process = folder, folder / f"{type(self).__name__.lower()}.log", None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=PROJECT, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        self.wait()
        return self

    def answers(self) -> bool:
        return True

    def wait(self):
        """Wait until it answers."""
        end = time.monotonic() + START_SECONDS
        while not self.answers() or not self.runs():  # another process may answer in its place
            if not self.runs() or time.monotonic() > end:
                raise AssertionError(f"{type(self).__name__} does not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9 of the process and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self, seconds=40) -> int:
        """Ask it to stop; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def __enter__(self):
        return self if self.runs() else self.start()

    def __exit__(self, *error):
        self.kill()


class Web(Machine):
    """The production web server on a separate port."""

    def __init__(self, folder, environ, port=None):
        super().__init__(folder)
        self.port = port or free_port()
        self.environ = {**environ, "KAVO_PORT": str(self.port)}
        self.command = [sys.executable, "-m", "flask", "--app", "app", "serve"]

    @property
    def address(self):
        return f"http://localhost:{self.port}"

    def answers(self):
        try:
            return urllib.request.urlopen(f"{self.address}/healthz", timeout=5).status == 200
        except OSError:
            return False


class Worker(Machine):
    """The worker with the clock."""

    def __init__(self, folder, environ):
        super().__init__(folder)
        self.environ = environ
        self.command = [
            sys.executable,
            "-m",
            "huey.bin.huey_consumer",
            "worker.huey",
            "--quiet",
            "--workers=2",
            "--max-delay=1",
        ]


class Postgres(Machine):
    """A separate PostgreSQL server with its files in `folder`. PostgreSQL refuses to run as root."""

    def __init__(self, folder, *options):
        super().__init__(folder)
        self.port, self.data = free_port(), folder / "data"
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/kavo"
        self.command = self.as_postgres(
            "postgres", "-D", self.data, "-p", self.port, "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off", *options
        )

    def as_postgres(self, program, *words) -> list[str]:
        change = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        return [*change, str(POSTGRES_PROGRAMS[-1] / program), *map(str, words)]

    def make(self):
        """Initialise its files, with an empty database `kavo`."""
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        words = ("-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        subprocess.run(self.as_postgres("initdb", *words), check=True, capture_output=True, cwd="/")
        self.start()
        with psycopg.connect(self.url.replace("/kavo", "/postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE kavo")
        return self

    def follow(self, other):
        """Become a replica of another server."""
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        words = (
            "-D",
            self.data,
            "-R",
            "-h",
            "127.0.0.1",
            "-p",
            other.port,
            "-U",
            "postgres",
            "--no-sync",
            "--checkpoint=fast",
        )
        subprocess.run(self.as_postgres("pg_basebackup", *words), check=True, capture_output=True, cwd="/")
        return self.start()

    def start(self):
        """Start it, also just after a kill, when orphaned processes still hold its shared memory."""
        for _ in range(20):
            try:
                return super().start()
            except AssertionError:
                time.sleep(0.3)
        return super().start()

    def answers(self):
        try:
            psycopg.connect(self.url.replace("/kavo", "/postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self):
        """kill -9 of the main process: the others notice and end."""
        self.process.kill()
        self.process.wait(30)


class Redis(Machine):
    """A separate Redis server without persistence."""

    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(folder),
        ]

    def answers(self):
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=5) as client:
                return client.ping()
        except redis.RedisError:
            return False
