"""What we change in Flask-Security while it runs, since it has no setting for it. Each change is in docs/workarounds.md."""

from collections.abc import Callable, Iterable
from typing import Any

import flask_security.babel
from flask import Flask, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import Security

import dutch
from workflow import limits

DURATIONS = {
    "year": ("jaar", "jaar"),
    "month": ("maand", "maanden"),
    "day": ("dag", "dagen"),
    "hour": ("uur", "uur"),
    "minute": ("minuut", "minuten"),
    "second": ("seconde", "seconden"),
}
"""unit of time, as Flask-Security names it → one, several"""
LINK_ROUNDS = 1000


def put_on(app: Flask, security: Security) -> None:
    """Change `security`, which is on `app` already: its pages are replaced in `app.view_functions`. The words for durations
    change for the whole process."""
    # workaround: dutch-durations
    # Babel 2.18.0 does not find the Dutch for days and hours, which is there in its short form alone; Flask-Security then writes
    # English.
    flask_security.babel.format_td_parts = duration_in_dutch

    # workaround: quick-link-hash
    # Flask-Security 5.9.2 makes the hash inside a link as slow as that of a password (250 ms), and only takes settings for the
    # latter. What it hashes is an unguessable part of the link, so a slow hash adds nothing.
    security.hashing_context.update(sha256_crypt__rounds=LINK_ROUNDS)

    # workaround: user-of-static-files
    # Flask-Security 5.9.2 makes its Principal without `skip_static`, which then queries the user for every static file.
    security.principal.skip_static = True

    # workaround: even-answers
    # Flask-Security 5.9.2 says the same of a known and an unknown address, but does not take the same time.
    forgot = app.view_functions["security.forgot_password"]
    app.view_functions["security.forgot_password"] = lambda: _evenly(forgot)

    # workaround: page-of-reset-links
    # Flask-Security 5.9.2 has one setting for the page that asks for a link and the page behind it; we have our own links.
    app.view_functions["security.reset_password"] = _old_reset_link


def duration_in_dutch(parts: Iterable[tuple[int, str]]) -> str:
    """[(2, 'hour'), (5, 'minute')] as '2 uur en 5 minuten'. Raises KeyError for a unit that is not in DURATIONS."""
    return dutch.listing(f"{count} {DURATIONS[unit][count != 1]}" for count, unit in parts)


def _evenly(view: Callable[[], Any]) -> Any:
    if request.method != "POST":
        return view()
    with limits.constant_time():
        return view()


def _old_reset_link(token: str) -> ResponseReturnValue:
    """A link of Flask-Security, mailed by the release before 0007_links: it identifies the account, but not the
    address."""
    flash("Deze link werkt niet meer. Vraag hier een nieuwe.", "note")
    return redirect(url_for("security.forgot_password"))
