"""The application with an OpenID Connect provider that behaves as a test wants."""

import pytest

import config
from app import create_app
from database import database
from tests.conftest import KEYS, with_quick_passwords
from tests.identity.eid.op import Op
from tests.identity.eid.steps import ORDINARY


@pytest.fixture(scope="module")
def provider():
    with Op() as made:
        yield made


@pytest.fixture
def op(provider):
    provider.claims, provider.fault, provider.asked = dict(ORDINARY), None, []
    return provider


@pytest.fixture
def another_app(db, tmp_path, op):
    """A function that creates the application for this provider, with its own settings."""

    def make(**settings):
        database.close()
        values = {
            "KAVO_DATABASE_URL": db,
            "KAVO_QUEUE_URL": f"sqlite:///{tmp_path / 'queue.db'}",
            **KEYS,
            **op.settings(),
        }
        made = with_quick_passwords(create_app(config.load({**values, **settings})))
        database.connect()
        return made

    return make


@pytest.fixture
def app(another_app):
    """The application for this provider."""
    return another_app()
