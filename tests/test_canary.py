"""The canary itself: what it detects, and what it lets pass."""

import logging

import pytest
from flask import Response

from tests import factories as make
from tests.canary import secrets_in
from workflow.accounts import accounts


@pytest.mark.parametrize(
    "text",
    [
        "85073003328",
        "85.07.30-033.28",
        make.WORD,
        make.PASSWORD,
        "s" * 40,
        accounts.hashed("x"),
        "aB3" + "xY_-" * 10,
        "/l/" + "aB3" * 7 + "x",
    ],
)
def test_it_hears_each_secret(text):
    assert secrets_in(f"… {text} …")


@pytest.mark.parametrize(
    "text", ["12345678901", "125143-59", "0470 12 34 56", "2026-11-26T22:00:00", "a" * 43, "f" * 63, "a" * 22]
)
def test_it_lets_harmless_text_pass(text):
    assert not secrets_in(f"… {text} …")


def test_it_listens_to_logs_addresses_and_exports(app, canary, monkeypatch):
    told = Response("85073003328", headers={"Content-Disposition": "attachment"})
    monkeypatch.setitem(app.view_functions, "pages.start", lambda: told)
    app.test_client().get("/?x=" + make.WORD).get_data()
    logging.getLogger("kavo.test").warning("number %s", "85073003328")
    heard = {where for where, _, _ in canary.found}
    canary.found.clear()
    assert heard == {"log", "address", "export"}
