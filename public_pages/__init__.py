"""Pages without the back office: start, help, choosing a first password, and 'Mijn gegevens'."""

from flask import Flask

from public_pages.account import account
from public_pages.pages import pages


def register(app: Flask):
    """Put these pages on the app."""
    app.register_blueprint(pages)
    app.register_blueprint(account)
