"""Pages without the back office: start, help, registering, choosing a first password, and 'Mijn gegevens'."""

from flask import Flask

from public_pages.account import account
from public_pages.pages import pages
from public_pages.registration import pages as registration


def register(app: Flask):
    """Put these pages on the app."""
    app.register_blueprint(pages)
    app.register_blueprint(account)
    app.register_blueprint(registration)
