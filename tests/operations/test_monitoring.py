"""Monitoring: health, readiness, metrics, logs, and errors sent to a Sentry-compatible service."""

import gzip
import json
import logging
import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sentry_sdk

import config
import mails
import migrations
from database import connect_to, database
from models import Clock
from operations import logs
from tests import factories as make
from tests.visitor import Visitor
from times import utcnow
from workflow import clock


def told(client) -> dict:
    return client.get("/readyz").json


def number(client, name) -> float:
    text = client.get("/metrics").text
    return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)[1])


def test_the_process_answers_for_every_host_and_without_a_database(app):
    database.close()
    connect_to("postgresql://nobody@127.0.0.1:1/none")
    client = app.test_client()

    assert client.get("/healthz", headers={"Host": "10.0.0.7:8000"}).text == f"ok {config.VERSION}\n"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"state": "not ready", "database": "OperationalError", "queue": "ok"}


def test_it_is_ready_when_all_its_dependencies_work(client):
    clock.sweep(utcnow())
    assert told(client) == {"state": "ready", "database": "ok", "migrations": "ok", "clock": "ok", "queue": "ok"}


def test_a_silent_clock_is_reported_and_pages_keep_working(client):
    assert told(client)["clock"] == "has not run yet"
    Clock.update(ran_at=utcnow() - clock.SILENT_AFTER - timedelta(seconds=5)).execute()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["state"]) == (200, "degraded")
    assert re.fullmatch(r"ran 90\d s ago", answer.json["clock"])
    assert number(client, "kavo_clock_lag_seconds") >= 900


def test_without_the_last_step_of_the_schema_it_is_not_ready(client):
    migrations.back(migrations.available()[-2])
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["migrations"] == f"not taken: {migrations.available()[-1]}"


def test_a_missing_queue_is_reported(settings, tmp_path):
    from app import create_app

    gone = type(settings)(**{**settings.__dict__, "queue_url": "redis://127.0.0.1:1/0"})
    assert told(create_app(gone).test_client())["queue"] == "ConnectionError"


def test_metrics_count_what_waits_and_what_is_late(client, now):
    mails.password_changed(make.user(), utcnow() - timedelta(hours=1))
    make.site(state="submitted", submitted_at=utcnow() - timedelta(days=15))
    make.site(state="submitted", submitted_at=utcnow() - timedelta(days=13))
    client.get("/aanmelden")

    assert number(client, 'kavo_mails{state="pending"}') == 1
    assert 3600 <= number(client, "kavo_mail_delay_seconds") < 3660
    assert number(client, 'kavo_decisions_overdue{kind="site"}') == 1
    assert number(client, 'kavo_decisions_overdue{kind="handover"}') == 0
    assert number(client, "kavo_database_up") == 1
    assert number(client, "kavo_refused_busy") == 0
    assert number(client, 'kavo_requests_total{endpoint="security.login",method="GET",status="200"}') >= 1


@pytest.mark.parametrize(
    "token, sent, status",
    [
        ("t" * 40, {}, 401),
        ("t" * 40, {"Authorization": "Bearer nee"}, 401),
        ("t" * 40, {"Authorization": "Basic dDp0"}, 401),
        ("t" * 40, {"Authorization": "Bearer é"}, 401),
        ("t" * 40, {"Authorization": "Bearer " + "t" * 40}, 200),
        ("", {}, 200),
    ],
)
def test_metrics_require_the_token(settings, token, sent, status):
    from app import create_app

    guarded = type(settings)(**{**settings.__dict__, "metrics_token": token})
    assert create_app(guarded).test_client().get("/metrics", headers=sent).status_code == status


def test_without_a_token_production_shows_no_numbers(settings):
    from app import create_app

    public = type(settings)(**{**settings.__dict__, "environment": "production", "base_url": "https://kavo.test"})
    assert create_app(public).test_client().get("/metrics").status_code == 404


# ---- logs and errors


def test_a_request_is_one_line_with_the_reference_of_its_answer_and_without_what_was_asked(app, caplog):
    logging.getLogger("kavo.request").setLevel(logging.INFO)
    formatter = logs.JsonLines()
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(json.loads(formatter.format(record)))
    logging.getLogger("kavo.request").addHandler(handler)
    try:
        answer = Visitor(app, make.user("team", password=make.PASSWORD)).get("/deelnemers/?search=Peeters")
    finally:
        logging.getLogger("kavo.request").removeHandler(handler)

    line = lines[-1]
    assert line["reference"] == answer.headers["X-Request-Id"]
    assert (line["status"], line["endpoint"], line["method"]) == (200, "participant.index_view", "GET")
    assert line["ms"] >= 0
    assert "Peeters" not in json.dumps(lines)


def test_a_traceback_shows_where_but_not_which_row_a_database_refused():
    text = 'duplicate key "user_email"\nDETAIL: Key (email)=(lotte@kavo.test) already exists.'
    try:
        try:
            raise ValueError(text)
        except ValueError as error:
            raise RuntimeError("could not save") from error
    except RuntimeError as error:
        trace = logs._trace(error)
    assert 'duplicate key "user_email"' in trace
    assert "RuntimeError: could not save" in trace
    assert "lotte" not in trace


@pytest.fixture
def collector():
    """A Sentry-compatible service on this machine: its DSN, and the events that it received."""
    events = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            events.append(gzip.decompress(body).decode() if body[:2] == b"\x1f\x8b" else body.decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://key@127.0.0.1:{server.server_port}/1", events
    server.shutdown()
    server.server_close()


def test_an_error_reaches_the_service_with_its_reference_and_without_persons(settings, collector, monkeypatch):
    from app import create_app

    dsn, events = collector
    app = create_app(type(settings)(**{**settings.__dict__, "sentry_dsn": dsn}))
    try:
        user = make.user("team", password=make.PASSWORD)
        visitor = Visitor(app, user)
        monkeypatch.setitem(app.view_functions, "participant.index_view", _broken)
        answer = visitor.get("/deelnemers/?search=Peeters")
        assert answer.status_code == 500
        sentry_sdk.flush(5)
    finally:
        sentry_sdk.init()

    event = "".join(events)
    assert answer.headers["X-Request-Id"] in event
    assert "KeyError" in event
    assert "_broken" in event
    for secret in ("Peeters", "125143-59", user.email, str(user.fs_uniquifier)):
        assert secret not in event


def _broken(**values):
    raise KeyError("Lotte Peeters 125143-59")


@pytest.mark.parametrize("logged_in", [False, True])
def test_when_the_database_is_away_the_page_says_so_and_when_to_come_back(app, logged_in):
    visitor = Visitor(app, make.user("team", password=make.PASSWORD) if logged_in else None)
    database.close()
    connect_to("postgresql://nobody@127.0.0.1:1/none")
    pages = [visitor.get(path) for path in ("/stageplaatsen/", "/bestaat-niet", "/")]
    for answer in (*pages, visitor.client.post("/aanmelden", data={"email": "x"})):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "30"
        assert "er is niets half bewaard" in answer.text
        assert answer.headers["X-Request-Id"] in answer.text
