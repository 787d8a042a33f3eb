"""Pages without the back office: start, help, choosing a first password, and 'Mijn gegevens'."""

from flask import Flask

from public.account import account
from public.pages import pages


def register(app: Flask):
    """Put these pages on the app."""
    app.register_blueprint(pages)
    app.register_blueprint(account)
