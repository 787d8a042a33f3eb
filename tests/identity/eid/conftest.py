"""The application with an OpenID Connect provider that behaves as a test wants."""

import pytest

import config
from identity import eid
from tests.conftest import KEYS
from tests.identity.eid.op import Op
from tests.identity.eid.steps import ORDINARY


@pytest.fixture(scope="session")
def provider():
    with Op() as made:
        yield made


@pytest.fixture
def op(provider):
    provider.claims, provider.fault, provider.asked = dict(ORDINARY), None, []
    return provider


@pytest.fixture
def another_app(db, tmp_path, op, application):
    """A function that returns the application for this provider, with its own settings. Its client is new for each test, since
    it alone keeps the answers of the provider."""

    def make(**settings):
        values = {
            "KAVO_DATABASE_URL": db,
            "KAVO_QUEUE_URL": f"sqlite:///{tmp_path / 'queue.db'}",
            **KEYS,
            **op.settings(),
        }
        chosen = config.load({**values, **settings})
        made = application(chosen)
        eid.set_up(made, chosen)
        return made

    return make


@pytest.fixture
def app(another_app):
    """The application for this provider."""
    return another_app()
