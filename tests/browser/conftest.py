"""The real server with the demo world, each test its own, and Debian's Chromium in front of it."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

import config
from tests.machines import free_port
from tests.post import Post

PROJECT = Path(__file__).parents[2]
AXE = (PROJECT / "tests" / "vendor" / "axe.min.js").read_text(encoding="utf-8")
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--lang=nl-BE",
]  # fmt: skip
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
START_SECONDS = 30
WIDTHS = [1280, 660, 360, 320] if os.environ.get("KAVO_THOROUGH") else [1280, 320]
"""at which every page is looked at: a desk, and a desk at 400 % (narrower than any phone); thoroughly also what lies between"""


def flask(folder, *words, **more):
    environ = {
        **os.environ, "KAVO_DATABASE_URL": f"sqlite:///{folder}/kavo.db", "KAVO_QUEUE_URL": f"sqlite:///{folder}/queue.db",
        "KAVO_SECRET_KEY": "s" * 40, "KAVO_LOOKUP_KEY": "l" * 40, **more,
    }  # fmt: skip
    return [sys.executable, "-m", "flask", "--app", "app", *words], environ


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A folder with a database that holds the demo world, to copy."""
    folder = tmp_path_factory.mktemp("world")
    for word in ("migrate", "demo"):
        command, environ = flask(folder, word)
        subprocess.run(command, env=environ, cwd=PROJECT, check=True, capture_output=True)
    return folder


@pytest.fixture
def post():
    """The mail server to which the application sends."""
    with Post() as made:
        yield made


@pytest.fixture
def port():
    """Where the application answers."""
    return free_port()


@pytest.fixture
def provider_settings():
    """The settings of the eID provider; none: the local one."""
    return {}


@pytest.fixture
def server(world, tmp_path, post, port, provider_settings):
    """The address of the application on a copy of the demo world, started as `make run` starts it, with a mail server."""
    shutil.copy(world / "kavo.db", tmp_path / "kavo.db")
    command, environ = flask(tmp_path, "start", KAVO_PORT=str(port), KAVO_SMTP_URL=post.url, **provider_settings)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=environ, cwd=PROJECT, stdout=log, stderr=log)
    address = f"http://localhost:{port}"
    try:
        _wait_for(address, tmp_path / "log")
        if not provider_settings:
            _wait_for(f"http://localhost:{port + config.EID_PORT}/sleutels", tmp_path / "log")
        yield address
        assert '"level": "error"' not in (tmp_path / "log").read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


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
    """Somebody at a browser: call it with a width in pixels and whether JavaScript runs."""
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
    """What one does at every page: log in, follow the words on the screen, and look whether the page is fit for everybody."""

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
        """At the local eID provider: choose who one is."""
        self._press(self.page.get_by_role("button", name=name, exact=True).first)

    def link(self, words):
        self._press(self.page.get_by_role("link", name=words, exact=True).first)

    def button(self, words):
        self._press(self.page.get_by_role("button", name=words, exact=True))

    def _press(self, what):
        """Click, and wait until the page that comes of it is whole: a click itself waits for its first byte only."""
        what.click()
        self.page.wait_for_load_state()

    def act(self, row, words):
        """Open 'Acties' of the row with this text and choose."""
        menu = self.page.get_by_role("row").filter(has_text=row).first
        menu.locator("summary", has_text="Acties").click()
        self._press(menu.get_by_role("link", name=words, exact=True))

    def log_out(self):
        self.button("Afmelden")

    def fill(self, **fields):
        """Type in fields by their exact label; `_` stands for a space."""
        for label, text in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)

    def go_to(self, name):
        """Press Tab until the focus is on what has this accessible name; it must be visible there."""
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
        """No violation of axe (where JavaScript runs), no sideways scroll, one h1, a title and a language."""
        page = self.page
        page.wait_for_load_state()
        wide, there = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= there, f"{page.url} scrolls sideways: {wide} in {there}"
        assert page.locator("h1").count() == 1
        assert page.title().endswith("Kadervormingstool")
        if self.script:
            page.evaluate(AXE)
            found = page.evaluate(
                "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}}).then(r => r.violations)", TAGS
            )
            assert [(page.url, one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == []
