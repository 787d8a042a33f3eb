"""Verifies what README.md promises a newcomer: in a clean folder, with the system's Python, an empty home and no cache,
`make run` serves its first page, a user logs in, Ctrl-C ends everything, and a test runs. Run by `.ci/run`; needs no package.
For other Pythons: `python3 tests/fresh_machine.py FOLDER_WITH_PYTHON3 ...`"""

import contextlib
import http.cookiejar
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SYSTEM = "/usr/bin:/bin"
KEPT = re.compile(r"PIP_(INDEX_URL|EXTRA_INDEX_URL|CERT|TRUSTED_HOST|CONFIG_FILE|DEFAULT_TIMEOUT)|\w+_proxy", re.I)
"""environment variables without which a package index may be unreachable"""
OFFSETS = 0, 25, 26, 27  # config.py: the web server, the mail catcher, the eID provider
MOST_SECONDS = 400
TEST = "tests/test_config.py"


class Stranger:
    """A copy of the project in a separate folder, and the processes in it."""

    def __init__(self, folder: Path, python: str):
        self.project, self.log = folder / "project", folder / "log"
        self.port = free_port()
        self.environ = {key: value for key, value in os.environ.items() if KEPT.fullmatch(key)}
        self.environ.update(HOME=str(folder / "home"), PATH=f"{python}:{SYSTEM}" if python else SYSTEM)
        (folder / "home").mkdir()
        self.project.mkdir()
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=PROJECT, check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x"], cwd=self.project, check=True, input=archive)

    def begin(self, *words, **settings) -> subprocess.Popen:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                words,
                cwd=self.project,
                env={**self.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def do(self, *words):
        if self.begin(*words).wait(MOST_SECONDS):
            raise SystemExit(f"`{' '.join(words)}` failed.")

    def left(self) -> list[int]:
        """The processes that work in the folder."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "cwd").resolve().is_relative_to(self.project):
                    found.append(int(entry.name))
        return found

    def end(self):
        for _ in range(20):
            for process in self.left():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if not self.left():
                return
            time.sleep(0.1)

    def run(self):
        made = self.begin("make", "run", KAVO_PORT=str(self.port))
        text = self.first_page(made)
        if "Aanmelden met eID" not in text:
            raise SystemExit("The first page is not the expected one.")
        self.log_in()
        os.killpg(made.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
        made.wait(20)
        if left := self.left():
            raise SystemExit(f"{len(left)} processes were left after Ctrl-C.")

    def first_page(self, made) -> str:
        end = time.monotonic() + MOST_SECONDS
        while made.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"http://localhost:{self.port}/", timeout=60).read().decode()
            time.sleep(0.3)
        raise SystemExit("`make run` served no page.")

    def log_in(self):
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        address = f"http://localhost:{self.port}/aanmelden"
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.open(address, timeout=60).read().decode())
        form = {"csrf_token": token[1], "email": "jonas@kavo.test", "password": "Kadervorming1"}
        request = urllib.request.Request(address, urllib.parse.urlencode(form).encode(), {"Referer": address})
        if "Afmelden" not in browser.open(request, timeout=60).read().decode():
            raise SystemExit("A demo account cannot log in.")


def free_port() -> int:
    """The first of several consecutive free ports, below the range of ephemeral ports."""
    while True:
        port = random.randrange(15_000, 30_000)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for more in OFFSETS:
                held.enter_context(socket.socket()).bind(("127.0.0.1", port + more))
            return port


def prove(python: str):
    """Check one clean folder with the python3 of this folder ('' for the system's); raises SystemExit on a broken promise."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="fresh-"))
    stranger = None
    try:
        stranger = Stranger(folder, python)
        stranger.run()
        print(f"  first page, log-in and end: {time.monotonic() - began:.0f} s", flush=True)
        stranger.do("make", ".venv/.dev")
        stranger.do(".venv/bin/python", "-m", "pytest", "-q", TEST)
        print(f"  with a test: {time.monotonic() - began:.0f} s", flush=True)
    except BaseException:
        if stranger and stranger.log.exists():
            print(stranger.log.read_text("utf-8", "replace")[-6000:], flush=True)
        raise
    finally:
        if stranger:
            stranger.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # so that the processes it started are ended
        signal.signal(number, lambda *_: sys.exit("Broken off."))
    for folder in sys.argv[1:] or [""]:
        print(f"A fresh machine with {folder or '/usr/bin'}/python3:", flush=True)
        prove(folder)
