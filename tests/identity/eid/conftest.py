"""The application, which asks an OpenID Connect provider that does what a test wants."""

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
    """Gives the application, which asks this provider, with settings of its own. Its client is new for each test, for what the
    provider told is kept there and nowhere else."""

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
    """The application, which asks this provider."""
    return another_app()
