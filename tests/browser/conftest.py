"""The real server with a fresh demo world for each test, and Debian's Chromium in front of it."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect, sync_playwright

import config
from tests.machines import free_port
from tests.post import Post
from times import utcnow

PROJECT = Path(__file__).parents[2]
AXE = (PROJECT / "tests" / "vendor" / "axe.min.js").read_text(encoding="utf-8")
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--lang=nl-BE",
]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
START_SECONDS = 60
expect.set_options(timeout=15_000)  # other tests keep the machine busy
WIDTHS = [1280, 660, 360, 320] if os.environ.get("KAVO_THOROUGH") else [1280, 320]
"""pixels at which every page is checked: a desktop, and a desktop at 400 % (narrower than any phone); thorough runs add widths
between them"""


def flask(folder, *words, **more):
    environ = {
        **os.environ,
        "KAVO_DATABASE_URL": f"sqlite:///{folder}/kavo.db",
        "KAVO_QUEUE_URL": f"sqlite:///{folder}/queue.db",
        "KAVO_SECRET_KEY": "s" * 40,
        "KAVO_LOOKUP_KEY": "l" * 40,
        **more,
    }
    return [sys.executable, "-m", "flask", "--app", "app", *words], environ


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A folder with a database of the demo world, to copy."""
    folder = tmp_path_factory.mktemp("world")
    for word in ("migrate", "demo"):
        command, environ = flask(folder, word)
        subprocess.run(command, env=environ, cwd=PROJECT, check=True, capture_output=True)
    return folder


@contextmanager
def running(world, folder, post, port, **settings):
    """The application on a copy of the demo world in this folder, started as `make run` does; yields its address."""
    shutil.copy(world / "kavo.db", folder / "kavo.db")
    command, environ = flask(folder, "start", KAVO_PORT=str(port), KAVO_SMTP_URL=post.url, **settings)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environ, cwd=PROJECT, stdout=log, stderr=log)
    address = f"http://localhost:{port}"
    try:
        _wait_for(address, folder / "log")
        if not settings:
            _wait_for(f"http://localhost:{port + config.EID_PORT}/sleutels", folder / "log")
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="session")
def usual(world, tmp_path_factory):
    """The application with default settings; started once, since starting takes longer than most tests."""
    folder = tmp_path_factory.mktemp("usual")
    with (
        Post() as post,
        running(world, folder, post, free_port()) as address,
        closing(sqlite3.connect(":memory:")) as kept,
    ):
        with closing(sqlite3.connect(folder / "kavo.db", timeout=30)) as live:
            wait_for_mails(live)
            live.backup(kept)
        made = SimpleNamespace(address=address, folder=folder, post=post, kept=kept, secrets=set())
        yield made
        note_secrets(made)
    assert [secret for secret in made.secrets if secret in (folder / "log").read_text()] == []


def put_back(usual):
    """Restore the demo world in the database of the running application, once the mails of the previous test have left."""
    with closing(sqlite3.connect(usual.folder / "kavo.db", timeout=30)) as live:
        wait_for_mails(live)
        usual.kept.backup(live)
        live.execute("UPDATE clock SET ran_at = ?", [str(utcnow())])
        live.commit()
    note_secrets(usual)
    usual.post.mails.clear()


def note_secrets(usual):
    """Record the secrets of mailed links: no log line may hold one."""
    for mail in usual.post.mails:
        usual.secrets.update(re.findall(r"/l/(\w{22})", mail.get_content()))


def wait_for_mails(live):
    """Wait a few seconds at most until the outbox is empty."""
    waits = "SELECT 1 FROM mail WHERE state NOT IN ('sent', 'failed', 'uncertain') AND next_at <= ? LIMIT 1"
    for _ in range(100):
        if not live.execute(waits, [str(utcnow())]).fetchone():
            break
        time.sleep(0.1)


@pytest.fixture
def provider_settings():
    """The settings of the eID provider; none: the local provider, and an application shared with other tests."""
    return {}


@pytest.fixture
def post(request, provider_settings):
    """The mail server that the application sends to."""
    if not provider_settings:
        yield request.getfixturevalue("usual").post
        return
    with Post() as made:
        yield made


@pytest.fixture
def port():
    """The address of an application with its own settings."""
    return free_port()


@pytest.fixture
def server(request, world, tmp_path, post, port, provider_settings):
    """The address of the application, with a fresh demo world."""
    if provider_settings:
        with running(world, tmp_path, post, port, **provider_settings) as address:
            yield address
            assert '"level": "error"' not in (tmp_path / "log").read_text()
        return
    usual = request.getfixturevalue("usual")
    log = usual.folder / "log"
    put_back(usual)
    begin = log.stat().st_size
    yield usual.address
    assert b'"level": "error"' not in log.read_bytes()[begin:]


def _wait_for(address, log):
    for _ in range(START_SECONDS * 10):
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(log.read_text())


@pytest.fixture(scope="session")
def chromium():
    if not Path(CHROMIUM).exists():
        pytest.fail("no browser: /usr/bin/chromium is absent") if os.environ.get("CI") == "true" else pytest.skip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def person(chromium, server):
    """A function that opens a browser: given a width in pixels and whether JavaScript runs."""
    opened, wrong = [], []

    def make(width=1280, script=True):
        context = chromium.new_context(
            base_url=server, viewport={"width": width, "height": 800}, java_script_enabled=script, locale="nl-BE"
        )
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if "Content Security" in line.text else None)
        return Person(page, script)

    yield make
    for context in opened:
        context.close()
    assert wrong == []


class Person:
    """A person at a browser: logs in, follows the words on the screen, and checks the accessibility of every page."""

    def __init__(self, page, script):
        self.page, self.script = page, script

    def log_in(self, email, password="Kadervorming1"):
        self.page.goto("/")
        self.page.get_by_role("navigation").get_by_role("link", name="Aanmelden zonder eID").click()
        self.page.get_by_label("E-mailadres").fill(email)
        self.page.get_by_label("Wachtwoord", exact=True).fill(password)
        self.button("Aanmelden")

    def log_in_with_eid(self, name):
        self.page.goto("/")
        self.page.get_by_role("navigation").get_by_role("link", name="Aanmelden met eID").click()
        self.be(name)

    def be(self, name):
        """Choose a person at the local eID provider."""
        self._press(self.page.get_by_role("button", name=name, exact=True).first)

    def link(self, words):
        self._press(self._shown("link", words).first)

    def button(self, words):
        self._press(self._shown("button", words))

    def _shown(self, role, words):
        """What is called so; on a narrow screen it may be in the menu of the bar, which is opened then."""
        found = self.page.get_by_role(role, name=words, exact=True)
        if not found.count():
            self.open_menu()
        return found

    def open_menu(self) -> bool:
        """Open the menu of the bar, on a narrow screen; returns whether that took a click."""
        menu = self.page.locator(".site-menu:not([open]) > summary")
        closed = menu.count() > 0 and menu.is_visible()
        if closed:
            menu.click()
        return closed

    def _press(self, what):
        """Click, and wait until the resulting page has loaded: a click by itself waits for the first byte only."""
        what.click()
        self.page.wait_for_load_state()

    def act(self, row, words):
        """Open 'Acties' of the row with this text and choose an entry."""
        menu = self.page.get_by_role("row").filter(has_text=row).first
        menu.locator("summary", has_text="Acties").click()
        self._press(menu.locator(".row-menu").get_by_role("link", name=words, exact=True))

    def log_out(self):
        self.button("Afmelden")

    def fill(self, **fields):
        """Fill in fields by their exact label; `_` stands for a space."""
        for label, text in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)

    def go_to(self, name):
        """Press Tab until the element with this accessible name has the focus; its focus must be visible."""
        find = """() => { const at = document.activeElement, of = at.getRootNode();
            const label = at.labels && at.labels.length ? at.labels[0].textContent : at.textContent;
            const box = at.getBoundingClientRect(), style = getComputedStyle(at);
            const ring = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
            return [label.trim(), box.width > 0 && box.bottom > 0, ring] }"""
        seen = []
        for _ in range(120):
            self.page.keyboard.press("Tab")
            label, visible, ringed = self.page.evaluate(find)
            seen.append(label)
            if label == name:
                assert visible, f"{name} has the focus but cannot be seen"
                assert ringed, f"{name} has the focus but no ring"
                return
        raise AssertionError(f"Tab never comes to {name!r}, only to {seen}")

    def look(self):
        """Check that axe finds no violation (where JavaScript runs), nothing scrolls sideways, and there is one h1, a title and a
        language."""
        page = self.page
        page.wait_for_load_state()
        wide, there = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= there, f"{page.url} scrolls sideways: {wide} in {there}"
        assert page.locator("h1").count() == 1
        assert page.title().endswith("Kadervormingstool")
        if self.script:
            page.evaluate(AXE)
            found = page.evaluate(
                "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"
                ".then(r => r.violations)",
                TAGS,
            )
            assert [(page.url, one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == []
