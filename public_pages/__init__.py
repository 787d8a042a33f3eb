"""Pages without the back office: start, help, registering, eID, taking a site over, and the user's account."""

from flask import Flask

from public_pages.account import account
from public_pages.attest import pages as with_attest
from public_pages.eid import pages as with_eid
from public_pages.eid import pending
from public_pages.mailed_links import pages as mailed_links
from public_pages.pages import pages
from public_pages.registration import pages as registration
from public_pages.second_step import pages as second_step
from public_pages.take_over import pages as taking_over


def register(app: Flask):
    """Register these pages."""
    for blueprint in (pages, account, registration, with_eid, taking_over, with_attest, second_step, mailed_links):
        app.register_blueprint(blueprint)
    app.context_processor(lambda: {"eid_person": pending})
