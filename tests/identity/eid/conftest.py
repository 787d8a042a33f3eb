"""The application, which asks an OpenID Connect provider that does what a test wants."""

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
    """Makes the application, which asks this provider, with settings of its own."""

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
    """The application, which asks this provider."""
    return another_app()
