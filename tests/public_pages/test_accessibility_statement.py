"""The accessibility statement: reviewed within the past year, and one click from every page."""

from datetime import timedelta

import pytest

import dutch
from public_pages.pages import STATEMENT_ON
from tests import factories as make
from tests.visitor import Visitor
from times import local_date, utcnow

MOST = timedelta(days=365)


def test_the_statement_was_read_again_within_a_year():
    """When this fails: read the page, correct what is no longer true, and set STATEMENT_ON to today."""
    assert timedelta(0) <= local_date(utcnow()) - STATEMENT_ON <= MOST


@pytest.mark.parametrize("role", [None, "manager", "association", "team"])
def test_it_is_one_click_from_every_page_and_tells_its_date(app, role):
    visitor = Visitor(app, make.user(role, password=make.PASSWORD) if role else None)
    for path in ("/", "/hulp", "/mijn-gegevens", "/bestaat-niet"):
        visitor.get(path, follow_redirects=True)
        assert visitor.page.select_one("footer a[href='/toegankelijkheid']"), path
    visitor.get("/toegankelijkheid")
    assert dutch.day(STATEMENT_ON) in visitor.text
    assert "Vlaamse Ombudsdienst" in visitor.text
