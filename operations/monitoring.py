"""What those who run the tool look at: /healthz, /readyz and /metrics, and a line in the log per request.

The three addresses are answered before the application: they ask for no host name or log-in, and hold no personal
data."""

import hmac
import json
import logging
import time
from datetime import datetime

import peewee
from flask import Flask, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from werkzeug.wrappers import Request, Response

import config
import migrations
import tasks
from database import UNAVAILABLE, database
from models import Handover, ImportBatch, Mail, Proposal, Site
from operations.serving import Gate
from times import local_date, utcnow
from workflow import clock

log = logging.getLogger("kavo.request")

NEEDED = ("database", "migrations")
AWAY = (peewee.PeeweeException, *UNAVAILABLE)
METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10, 60)  # seconds


# ---- is it alive, can it serve


def _alive() -> Response:
    return Response(f"ok {config.VERSION}\n")


def readiness(now: datetime) -> dict[str, str]:
    """What the web server leans on → 'ok', or what is wrong, in English. Without database and migrations it cannot
    serve; without queue or clock pages work, but mails and terms wait."""
    found = {}
    try:
        with database.connection_context():
            found["migrations"] = _steps_left() or "ok"
            found["database"] = "ok"
            if found["migrations"] == "ok":
                found["clock"] = _clock_trouble(now) or "ok"
    except AWAY as error:
        found["database"] = type(error).__name__
    found["queue"] = tasks.queue_trouble() or "ok"
    return found


def _steps_left() -> str:
    taken = set(migrations.applied())
    left = [name for name in migrations.available() if name not in taken]
    return f"not taken: {', '.join(left)}" if left else ""


def _clock_trouble(now) -> str:
    lag = clock.lag(now)
    if lag is None:
        return "has not run yet"
    return f"ran {lag.total_seconds():.0f} s ago" if lag > clock.SILENT_AFTER else ""


def _ready() -> Response:
    found = readiness(utcnow())
    if any(found.get(name) != "ok" for name in NEEDED):
        state, status = "not ready", 503
    else:
        state, status = "ready" if set(found.values()) == {"ok"} else "degraded", 200
    return Response(json.dumps({"state": state, **found}), status, mimetype="application/json")


# ---- numbers


class Rows:
    """Gauges that are counted when somebody asks: what waits in the database, and how late it is."""

    def collect(self):
        now = utcnow()
        up = GaugeMetricFamily("kavo_database_up", "1 when the database answers")
        try:
            with database.connection_context():
                yield from self._counted(now)
            up.add_metric([], 1)
        except AWAY:
            up.add_metric([], 0)
        yield up

    def _counted(self, now):
        mails = GaugeMetricFamily("kavo_mails", "Mails of the outbox that were not sent, by state", labels=["state"])
        unsent = ("pending", "claimed", "data", "failed", "uncertain")
        counted = dict(
            Mail.select(Mail.state, peewee.fn.COUNT(Mail.id))
            .where(Mail.state << unsent, Mail.handled_at.is_null())
            .group_by(Mail.state)
            .tuples()
        )
        for state in unsent:
            mails.add_metric([state], counted.get(state, 0))
        yield mails
        oldest = Mail.select(peewee.fn.MIN(Mail.next_at)).where(Mail.state == "pending").scalar()
        waits = max((now - oldest).total_seconds(), 0) if oldest else 0
        yield GaugeMetricFamily("kavo_mail_delay_seconds", "How long the oldest mail is due", value=waits)
        yield _overdue(local_date(now))
        files = ImportBatch.select().where(ImportBatch.state << ImportBatch.AT_WORK).count()
        yield GaugeMetricFamily("kavo_imports_waiting", "Files that the worker has to treat", value=files)
        lag = clock.lag(now)
        seconds = float("inf") if lag is None else lag.total_seconds()
        yield GaugeMetricFamily("kavo_clock_lag_seconds", "How long ago the clock ran", value=seconds)


def _overdue(today) -> GaugeMetricFamily:
    """Applications and handovers that should have been decided, by kind."""
    overdue = GaugeMetricFamily("kavo_decisions_overdue", "Decisions past their day, by kind", labels=["kind"])
    late = {
        "site": Site.select().where(Site.state == "submitted", Site.paused_at.is_null(), Site.due_on < today),
        "proposal": Proposal.select().where(Proposal.state == "open", Proposal.due_on < today),
        "handover": Handover.select().where(Handover.state == "escalated", Handover.team_due_on < today),
    }
    for kind, query in late.items():
        overdue.add_metric([kind], query.count())
    return overdue


# ---- the three addresses, in front of the application


class Probes:
    """Answers /healthz, /readyz and /metrics; all else goes on to the application."""

    def __init__(self, application, settings: config.Settings, registry: CollectorRegistry):
        self.application, self.settings, self.registry = application, settings, registry
        self.pages = {"/healthz": lambda _: _alive(), "/readyz": lambda _: _ready(), "/metrics": self._metrics}

    def __call__(self, environ, start_response):
        page = self.pages.get(environ.get("PATH_INFO"))
        if page is None:
            return self.application(environ, start_response)
        answer = page(environ)
        answer.headers["Cache-Control"] = "no-store"
        return answer(environ, start_response)

    def _metrics(self, environ):
        """Only for who knows KAVO_METRICS_TOKEN; without that setting only on a laptop."""
        token, given = self.settings.metrics_token, Request(environ).authorization
        asked = given.token if given is not None and given.type == "bearer" else None
        if token and not hmac.compare_digest((asked or "").encode(), token.encode()):
            return Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        if not token and self.settings.production:
            return Response(status=404)
        return Response(generate_latest(self.registry), content_type=CONTENT_TYPE_LATEST)


# ---- each request


def set_up(app: Flask, settings: config.Settings, gate: Gate):
    """Count and log each request of this application, and put the three addresses in front of it."""
    registry = CollectorRegistry()
    registry.register(Rows())
    refused = Gauge("kavo_refused_busy", "Requests that were told to come back since the start", registry=registry)
    refused.set_function(lambda: gate.refused)
    asked = Counter("kavo_requests", "Requests", ["endpoint", "method", "status"], registry=registry)
    took = Histogram("kavo_request_seconds", "How long a request took", registry=registry, buckets=BUCKETS)

    @app.before_request
    def begin():
        g.begun = time.perf_counter()

    @app.after_request
    def end(response):
        if request.endpoint == "static":
            return response
        seconds = time.perf_counter() - g.get("begun", time.perf_counter())
        method = request.method if request.method in METHODS else "other"  # a visitor can invent them
        asked.labels(request.endpoint or "none", method, response.status_code).inc()
        took.observe(seconds)
        log.info("answered", extra={"facts": {"status": response.status_code, "ms": round(seconds * 1000)}})
        response.headers["X-Request-Id"] = g.get("reference", "")
        if settings.trusted_proxies:  # for the log of the proxy: a path may hold the secret of a link
            response.headers["X-Route"] = request.url_rule.rule if request.url_rule else "-"
        return response

    app.wsgi_app = Probes(app.wsgi_app, settings, registry)
