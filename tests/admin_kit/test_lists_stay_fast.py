"""Lists stay fast whatever their size: few queries, an index for each order, a light page. Nothing here measures time."""

import logging

import pytest
from flask import g
from werkzeug.datastructures import MultiDict

from admin_kit.list_page import ListPage
from database import database, on_postgresql
from local import crowd, demo
from models import User
from tests import factories as make
from tests.visitor import Visitor

FRAME = 3  # session, person and roles
MOST = 6
LARGE = ("placement", "trajectory", "participant", "site", "history", "mail", "lookup")
PATHS = (
    "/overdrachten/",
    "/stageplaatsen/",
    "/stageplaatsen/?eigen=1",
    "/stageplaatsen/?q=speelplein&sort=placed&stages=animator",
    "/gekoppelde-deelnemers/",
    "/gekoppelde-deelnemers/?q=lotte&sort=site",
    "/gekoppelde-deelnemers/?type=animator&tab=open&rijen=100",
    "/gekoppelde-deelnemers/?eind=1",
    "/gekoppelde-deelnemers/?trajectory-association=vereniging",
    "/deelnemers/",
    "/deelnemers/?q=lotte",
    "/trajecten/",
    "/trajecten/?sort=association",
    "/verenigingen/",
    "/accounts/",
    "/mails/",
    "/geschiedenis/",
    "/opzoekingen/",
)


@pytest.fixture
def kim(app):
    return make.user("team", password=make.PASSWORD)


@pytest.fixture
def view(app):
    return lambda endpoint: next(one for one in app.extensions["admin"][0]._views if one.endpoint == endpoint)


def asked(visitor, path, caplog):
    """The number of SQL statements that a page takes."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "peewee"):
        assert visitor.get(path).status_code == 200
    return len([line for line in caplog.records if line.name == "peewee"])


@pytest.mark.parametrize("role", ["team", "manager"])
def test_a_list_asks_few_questions_on_every_page(app, kim, role, caplog):
    person = kim if role == "team" else make.user(password=make.PASSWORD)
    site, association = make.site(manager=None if role == "team" else person), make.association()
    for _ in range(60):
        make.placement(site=site, coupled_by=kim, trajectory=make.trajectory(association=association))
    visitor = Visitor(app, person)
    for path in PATHS if role == "team" else PATHS[:9]:
        most = MOST + ("trajectory-association" in path)  # it looks up the matching associations
        most += role == "manager"  # whether the whole list is short
        most += "/gekoppelde-deelnemers/" in path  # what can be undone
        assert asked(visitor, path, caplog) <= FRAME + most, path
        while link := next(
            (one["href"] for one in visitor.page.select(".paging a") if one.get_text() == "Volgende"), None
        ):
            assert asked(visitor, link, caplog) <= FRAME + most, link


def test_every_order_of_a_large_table_follows_an_index(app, view, now):
    """Otherwise the database sorts a million rows for a page of 25. It may sort rows that are equal in the first column."""
    if on_postgresql():
        pytest.skip("PostgreSQL plans by statistics; its indexes are the same")
    with app.app_context():
        demo.load(now)
        crowd.load(3000, now)
    kim = User.get(User.email == "team@kavo.test")
    for endpoint in LARGE:
        shown = [("kolom", name) for name in (*view(endpoint).list_names, *view(endpoint).column_optional)]
        for order in (down + name for name in view(endpoint).sort_keys for down in ("", "-")):
            with app.test_request_context("/"):
                g._login_user = kim
                query = (
                    ListPage.of(view(endpoint), kim, MultiDict([("sort", order), *shown]), "/")
                    .query.ordered_ids()
                    .limit(26)
                )
                sql, values = query.sql()
                plan = [row[-1] for row in database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert "USE TEMP B-TREE FOR ORDER BY" not in plan, (endpoint, order, plan)


def test_every_column_that_a_list_can_show_orders_it(app):
    for view in app.extensions["admin"][0]._views:
        if hasattr(view, "listing"):
            assert not {*view.list_names, *view.column_optional, *(view.public_columns or ())} - set(view.sort_keys), (
                view
            )


def test_a_page_of_100_rows_with_7_columns_and_3_actions_is_light(app, kim):
    association = make.association(name="Vorming Springplank vzw")
    for number in range(100):
        person = make.participant(first_name="Marie-Louise", last_name=f"Vandenbroucke{number}")
        make.trajectory(participant=person, association=association)
    visitor = Visitor(app, kim)

    page = visitor.get("/trajecten/?rijen=100")

    assert len(visitor.page.select("thead th[data-sort]")) == 7
    assert len(visitor.page.select("tbody tr")) == 100
    assert len(visitor.page.select("tbody tr:first-child .row-menu li")) == 3
    assert len(page.data) <= 76 * 1024  # each row with a checkbox and whose turn it is
