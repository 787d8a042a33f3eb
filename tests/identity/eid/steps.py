"""The steps of a person who logs in with eID, in a browser, at the provider of the tests."""

from datetime import date

from tests import factories as make
from tests.identity.eid.op import number
from tests.public_pages.test_registration import born, typed
from tests.visitor import Visitor
from workflow.accounts.eid_answers import EidPerson

BORN = date(1990, 3, 8)
ORDINARY = {"given_name": "Bram", "family_name": "Wouters", "rrn": number(BORN)}


def go(visitor, op, **changes):
    """Click 'Aanmelden met eID', be redirected to the provider, and return."""
    location = visitor.client.get("/aanmelden-met-eid").headers["Location"]
    return come_back(visitor, op, location, **changes)


def come_back(visitor, op, location, **changes):
    return visitor.get(op.answer(location, **changes), follow_redirects=True)


def bram(**changes):
    """The claims of a test's eID."""
    values = {
        "issuer": "https://op",
        "subject": "sub-bram",
        "number_hash": "h" * 64,
        "key_id": "k",
        "first_name": "Bram",
        "last_name": "Wouters",
        "birth_date": BORN,
        **changes,
    }
    return EidPerson(**values)


def send_site(visitor, **changes):
    values = {
        name: value
        for name, value in typed().items()
        if name not in ("first_name", "last_name", "birth_date", "password", "again")
    }
    return visitor.send(**{**values, "email": "bram@kavo.test", **changes})


def register(app, op, **changes):
    visitor = Visitor(app)
    go(visitor, op)
    visitor.get("/registreren/met-eid/nieuw")
    send_site(visitor, **changes)
    return visitor


def young(**values):
    """A user with a password and the name on the eID of these tests."""
    named = {"first_name": ORDINARY["given_name"], "last_name": ORDINARY["family_name"]}
    return make.user(**{"password": make.PASSWORD, "birth_date": date.fromisoformat(born(17)), **named, **values})


def link(app, op, user):
    visitor = Visitor(app, user)
    visitor.get("/eid-koppelen")
    form = visitor.page.select_one("main form[method=post]")
    data = {one["name"]: one["value"] for one in form.select("input")}
    location = visitor.client.post("/eid-koppelen", data=data).headers["Location"]
    come_back(visitor, op, location)
    return visitor
