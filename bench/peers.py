"""The data of the benchmark, the servers, and a client logged in at each."""

import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

PROJECT = Path(__file__).parents[1]
DATA = PROJECT / "bench" / "data"
PORTS = {"ours": 8201, "ours small": 8202, "Django admin": 8203, "Flask-Admin": 8204}
PEERS = ("Django admin", "Flask-Admin")
KEYS = {"KAVO_SECRET_KEY": "s" * 40, "KAVO_LOOKUP_KEY": "l" * 40}
PASSWORD = "Kadervorming1"
TIMEOUT = 900


def environment(database: Path) -> dict:
    urls = {"KAVO_DATABASE_URL": f"sqlite:///{database}", "KAVO_QUEUE_URL": f"sqlite:///{DATA / 'queue.db'}"}
    return {**os.environ, **urls, **KEYS, "KAVO_RATE_LIMITS": "off", "PYTHONWARNINGS": "ignore"}


def make_data(size: int) -> Path:
    """A database with this many placements, created once."""
    database = DATA / f"{size}.db"
    if not database.exists():
        DATA.mkdir(exist_ok=True)
        print(f"Making {size} placements …", flush=True)
        draft = database.with_suffix(".draft")
        for left in DATA.glob(f"{draft.name}*"):
            left.unlink()
        for words in (["migrate"], ["demo", "--size", str(size)]):
            subprocess.run(
                [sys.executable, "-m", "flask", "--app", "app", *words], env=environment(draft), cwd=PROJECT, check=True
            )
        with closing(sqlite3.connect(draft)) as file:
            file.execute("ANALYZE")  # whole tables, so that every peer gets SQLite's best query plans
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        draft.rename(database)
    return database


@contextmanager
def servers(databases: dict[str, Path]):
    """Every peer under waitress with eight threads, each in a separate process; yields name → process."""
    big = databases["ours"]
    (DATA / "django.db").unlink(missing_ok=True)
    words = {
        "ours": ["bench.ours", str(PORTS["ours"])],
        "ours small": ["bench.ours", str(PORTS["ours small"])],
        "Django admin": ["bench.django_admin", str(PORTS["Django admin"]), str(big), str(DATA / "django.db")],
        "Flask-Admin": ["bench.flask_admin_peer", str(PORTS["Flask-Admin"]), str(big)],
    }
    with (DATA / "servers.log").open("w") as log:
        running = {
            name: subprocess.Popen(
                [sys.executable, "-m", *line],
                env=environment(databases.get(name, big)),
                cwd=PROJECT,
                stdout=log,
                stderr=log,
            )
            for name, line in words.items()
        }
        try:
            yield running
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait(10)


class Client:
    """A browser on one server: a persistent connection and its cookies."""

    def __init__(self, name: str):
        self.port, self.cookies = PORTS[name], {}
        self._wait()
        getattr(self, {"Django admin": "_django", "Flask-Admin": "_flask_admin"}.get(name, "_ours"))()

    def _wait(self):
        for _ in range(300):
            try:
                self.connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
                self.connection.connect()
                return
            except OSError:
                time.sleep(0.2)
        raise SystemExit(f"nothing answers on port {self.port}; see {DATA / 'servers.log'}")

    def headers(self) -> dict:
        cookies = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
        return {"Cookie": cookies, "Host": f"localhost:{self.port}"}

    def ask(self, path: str, form: dict | None = None):
        """(status, body, milliseconds) of a GET, or of a POST of a form."""
        begin = time.perf_counter()
        try:
            answer = self._send(path, form)
        except HTTPException:  # the server closed a connection that was idle
            self.connection.close()
            answer = self._send(path, form)
        body = answer.read()
        spent = (time.perf_counter() - begin) * 1000
        for line in answer.headers.get_all("Set-Cookie") or ():
            key, _, value = line.partition(";")[0].partition("=")
            self.cookies[key] = value
        return answer.status, body, spent

    def _send(self, path, form):
        if form is None:
            self.connection.request("GET", path, headers=self.headers())
        else:
            kind = {
                "Content-Type": "application/x-www-form-urlencoded",
                "Referer": f"http://localhost:{self.port}{path}",
            }
            self.connection.request("POST", path, urlencode(form), self.headers() | kind)
        return self.connection.getresponse()

    def token(self, path, name):
        text = self.ask(path)[1].decode()
        return re.search(rf'name="{name}"[^>]*value="([^"]+)"', text)[1]

    def _ours(self):
        token = self.token("/aanmelden", "csrf_token")
        self.ask("/aanmelden", {"csrf_token": token, "email": "team@kavo.test", "password": PASSWORD})

    def _django(self):
        token = self.token("/admin/login/", "csrfmiddlewaretoken")
        form = {"csrfmiddlewaretoken": token, "username": "bench", "password": "bench", "next": "/admin/"}
        self.ask("/admin/login/", form)

    def _flask_admin(self):
        self.ask("/in")
