"""Runs the suite once per available database, then reports what was covered and what was not. `make test` calls it."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import redis

from tests import events

CHROMIUM = Path("/usr/bin/chromium")
OIDC = Path(__file__).parent / "oidc"
LEAST_NODE = 20
THOROUGH = bool(os.environ.get("KAVO_THOROUGH"))
BROWSER = "browser" if THOROUGH else "browser and not long"
ON_SQLITE = "not browser" if THOROUGH else "not browser and not long"
ON_POSTGRESQL = "not browser" if THOROUGH else f"{ON_SQLITE} and not one_database"
POSTGRES_URL = os.environ.get("KAVO_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""in the environment of the tests: they start hundreds of processes, and where the machine says not to keep what was compiled (as
images of containers do) each would compile our modules again. Python compares date and size, so none runs an older module"""
SHARED = "--dist", "worksteal"
"""a process that is done takes tests over from one that is not, so that none is idle while another still has the long ones"""
REDIS_URL = os.environ.get("KAVO_TEST_REDIS_URL", "redis://127.0.0.1:6379/9")


def browser_works():
    """True when Chromium starts and reports its version."""
    if not CHROMIUM.exists():
        return False
    return subprocess.run([CHROMIUM, "--version"], capture_output=True, timeout=60).returncode == 0


def postgresql_answers():
    """True when we can log in to the PostgreSQL of KAVO_TEST_POSTGRES_URL."""
    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=5).close()
    except psycopg.Error:
        return False
    return True


def redis_answers():
    """True when the Redis of KAVO_TEST_REDIS_URL answers a ping."""
    try:
        with redis.Redis.from_url(REDIS_URL, socket_connect_timeout=5, socket_timeout=5) as client:
            return client.ping()
    except redis.RedisError:
        return False


def provider_installed():
    """True when the independent OpenID Connect provider is installed, with a Node that runs it."""
    node = shutil.which("node")
    if node is None or not (OIDC / "node_modules" / "oidc-provider").exists():
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60).stdout
    return int(version.lstrip("v").partition(".")[0]) >= LEAST_NODE


def started(database, *words, **environ):
    """A run of pytest in progress, and the file with its output."""
    kept = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed once it was shown
    command = [sys.executable, "-m", "pytest", "--database", database, *words]
    environ = {**os.environ, **COMPILED, **environ}
    return subprocess.Popen(command, stdout=kept, stderr=subprocess.STDOUT, env=environ), kept


def passed(title, run):
    """Wait for a run and print its output; returns whether all tests passed."""
    process, kept = run
    code = process.wait()
    kept.seek(0)
    print(f"\n=== Tests on {title} ===\n{kept.read()}", flush=True)
    kept.close()
    return code == 0


def compare_events(all_passed):
    """Print the events in docs/events.md that no test saw; a failed run saw fewer."""
    found = events.not_heard(events.heard(events.HEARD), events.PAGE.read_text("utf-8")) if all_passed else []
    print("\n".join(["docs/events.md promises more than the tests show:", *found] if found else []), flush=True)


def run_all(browser, postgresql):
    """Run what can run here, the browser tests beside the first database so that no core is idle. Returns name → whether all
    passed."""
    print("The tests run; what they say is shown when a part is done.", flush=True)
    outcome = {}
    screens = started("sqlite", "-m", BROWSER) if browser else None
    events.clear()
    listening = {events.FOLDER: str(events.HEARD)}
    outcome["SQLite"] = passed("SQLite", started("sqlite", "-m", ON_SQLITE, "-n", "2", *SHARED, **listening))
    compare_events(outcome["SQLite"])
    if postgresql:
        outcome["PostgreSQL"] = passed("PostgreSQL", started("postgresql", "-m", ON_POSTGRESQL, "-n", "3", *SHARED))
    if browser:
        outcome["a browser"] = passed("SQLite with a browser", screens)
    return outcome


def main():
    """Run everything that can run here; returns exit code 1 when a test failed, or when CI lacks a part."""
    browser, postgresql = browser_works(), postgresql_answers()
    there = {
        "SQLite": True,
        f"a browser ({CHROMIUM})": browser,
        "PostgreSQL (KAVO_TEST_POSTGRES_URL)": postgresql,
        "Redis (KAVO_TEST_REDIS_URL)": redis_answers(),
        f"an independent eID provider (node {LEAST_NODE}, npm)": provider_installed(),
    }
    missing = [name for name, is_there in there.items() if not is_there]

    outcome = run_all(browser, postgresql)
    print()
    for name, all_passed in outcome.items():
        print(f"Tests on {name}: {'passed' if all_passed else 'FAILED'}")
    print("Covered: " + ", ".join(name for name in there if name not in missing))
    print("Not covered: " + (", ".join(missing) or "nothing, all was here"))
    incomplete = bool(missing) and os.environ.get("CI") == "true"
    if incomplete:
        print("With CI=true that counts as a failure.")
    return 0 if all(outcome.values()) and not incomplete else 1


if __name__ == "__main__":
    sys.exit(main())
