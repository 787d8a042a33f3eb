"""A mail scanner, a browser without a person: it opens every link in every mail, runs its scripts and presses each button."""

import re
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from database import database
from models import (
    Attest,
    Handover,
    Identity,
    LinkRequest,
    Mail,
    Participant,
    Placement,
    Site,
    SiteManager,
    Trajectory,
    User,
)
from tests import every_mail
from tests.machines import free_port
from times import utcnow

pytestmark = pytest.mark.browser

BUTTONS = "main button, main input[type=submit]"
MAY_CHANGE = {"confirmed_at", "version"}
"""columns of an account: the address is confirmed, or the registration completed"""


class Silent(WSGIRequestHandler):
    """Werkzeug's server logs whole paths; ours does not."""

    def log_request(self, *args):
        pass


@contextmanager
def served(app):
    """The application of this test, for a real browser; yields its address."""
    server = make_server("127.0.0.1", free_port(), app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


def rows(model, left_out=()):
    return {
        row.id: {name: value for name, value in row.__data__.items() if name not in left_out} for row in model.select()
    }


@pytest.fixture
def page(chromium):
    """A page in a separate browser, as a scanner has."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def test_a_scanner_that_presses_every_button_gives_no_site_away_and_joins_no_accounts(app, page):
    mails = every_mail.write(utcnow() - timedelta(minutes=5))
    tables = (Site, SiteManager, Handover, Identity, LinkRequest, Participant, Trajectory, Placement, Attest)
    before = {model: rows(model) for model in tables}
    people = rows(User, MAY_CHANGE)
    pressed = []
    database.close()
    with served(app) as address:
        for kind, mail in mails.items():
            for path in re.findall(r"^http://localhost:8000(\S+)$", mail.body, re.M):
                page.goto(address + path)
                for number in range(page.locator(BUTTONS).count()):
                    page.goto(address + path)
                    if number < page.locator(BUTTONS).count():
                        button = page.locator(BUTTONS).nth(number)
                        pressed.append((kind, button.inner_text()))
                        button.click()
                        page.wait_for_load_state()
    database.connect()

    assert {model: rows(model) for model in tables} == before
    assert rows(User, MAY_CHANGE) == people
    assert {
        ("handover_asked", "Goedkeuren"),
        ("handover_asked", "Afkeuren"),
        ("same_person", "Registratie voltooien"),
        ("confirm_address", "Registratie voltooien"),
    } <= set(pressed)
    assert User.get(User.email == "wacht@kavo.test").confirmed_at  # a scanner may complete a registration
    told = max(mail.id for mail in mails.values())
    assert not Mail.select().where(Mail.kind == "handover_taken", Mail.id > told).exists()
