"""Monitoring: /healthz, /readyz and /metrics, and a log line per request.

The three endpoints are answered in front of the application: they need no known host name and no log-in, and hold no personal
data."""

import hmac
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import peewee
from flask import Flask, g, request
from flask import Response as FlaskResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from werkzeug.wrappers import Request, Response

import config
import migrations
import tasks
from database import UNAVAILABLE, database
from models import Handover, ImportBatch, Mail, Proposal, Site
from operations.serving import ConcurrencyLimit
from times import local_date, utcnow
from workflow import clock

log = logging.getLogger("kavo.request")

NEEDED = ("database", "migrations")
AWAY = (peewee.PeeweeException, *UNAVAILABLE)
METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10, 60)  # seconds


# ---- liveness and readiness


def readiness(now: datetime) -> dict[str, str]:
    """Each dependency of the web server → 'ok', or what is wrong, in English. Without database and migrations it cannot serve;
    without queue or clock pages work, but mails and deadlines wait."""
    states = {}
    try:
        with database.connection_context():
            states["migrations"] = _steps_left() or "ok"
            states["database"] = "ok"
            if states["migrations"] == "ok":
                states["clock"] = _clock_trouble(now) or "ok"
    except AWAY as error:
        states["database"] = type(error).__name__
    states["queue"] = tasks.queue_trouble() or "ok"
    return states


def _steps_left() -> str:
    applied = set(migrations.applied())
    left = [name for name in migrations.available() if name not in applied]
    return f"not taken: {', '.join(left)}" if left else ""


def _clock_trouble(now: datetime) -> str:
    lag = clock.lag(now)
    if lag is None:
        return "has not run yet"
    return f"ran {lag.total_seconds():.0f} s ago" if lag > clock.SILENT_AFTER else ""


def _ready() -> Response:
    states = readiness(utcnow())
    if any(states.get(name) != "ok" for name in NEEDED):
        state, status = "not ready", 503
    else:
        state, status = "ready" if set(states.values()) == {"ok"} else "degraded", 200
    return Response(json.dumps({"state": state, **states}), status, mimetype="application/json")


# ---- metrics


class Rows(Collector):
    """Gauges counted at each scrape: what waits in the database, and how late it is."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = utcnow()
        up = GaugeMetricFamily("kavo_database_up", "1 when the database answers")
        try:
            with database.connection_context():
                yield from self._counted(now)
            up.add_metric([], 1)
        except AWAY:
            up.add_metric([], 0)
        yield up

    def _counted(self, now: datetime) -> Iterator[GaugeMetricFamily]:
        mails = GaugeMetricFamily("kavo_mails", "Mails of the outbox that were not sent, by state", labels=["state"])
        unsent = ("pending", "claimed", "data", "failed", "uncertain")
        query = (
            Mail.select(Mail.state, peewee.fn.COUNT(Mail.id))
            .where(Mail.state << unsent, Mail.handled_at.is_null())
            .group_by(Mail.state)
        )
        counts: dict[str, int] = dict(query.tuples().iterator())
        for state in unsent:
            mails.add_metric([state], counts.get(state, 0))
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


def _overdue(today: date) -> GaugeMetricFamily:
    """Applications and handovers past the day on which the team must decide, by kind."""
    overdue = GaugeMetricFamily("kavo_decisions_overdue", "Decisions past their day, by kind", labels=["kind"])
    late: dict[str, peewee.ModelSelect[Any]] = {
        "site": Site.select().where(Site.state == "submitted", Site.paused_at.is_null(), Site.due_on < today),
        "proposal": Proposal.select().where(Proposal.state == "open", Proposal.due_on < today),
        "handover": Handover.select().where(Handover.state == "escalated", Handover.team_due_on < today),
    }
    for kind, query in late.items():
        overdue.add_metric([kind], query.count())
    return overdue


# ---- the three endpoints, in front of the application


class Probes:
    """Answers /healthz, /readyz and /metrics; passes every other request on to the application."""

    def __init__(self, application: WSGIApplication, settings: config.Settings, registry: CollectorRegistry) -> None:
        self.application, self.settings, self.registry = application, settings, registry
        self.pages: dict[str, Callable[[WSGIEnvironment], Response]] = {
            "/healthz": lambda _: Response(f"ok {config.VERSION}\n"),
            "/readyz": lambda _: _ready(),
            "/metrics": self._metrics,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        page = self.pages.get(environ.get("PATH_INFO", ""))
        if page is None:
            return self.application(environ, start_response)
        response = page(environ)
        response.headers["Cache-Control"] = "no-store"
        return response(environ, start_response)

    def _metrics(self, environ: WSGIEnvironment) -> Response:
        """Requires KAVO_METRICS_TOKEN as bearer token; without that setting, served in development only."""
        token, authorization = self.settings.metrics_token, Request(environ).authorization
        bearer = authorization.token if authorization is not None and authorization.type == "bearer" else None
        if token and not hmac.compare_digest((bearer or "").encode(), token.encode()):
            return Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        if not token and self.settings.production:
            return Response(status=404)
        return Response(generate_latest(self.registry), content_type=CONTENT_TYPE_LATEST)


# ---- each request


def set_up(app: Flask, settings: config.Settings, gate: ConcurrencyLimit, application: WSGIApplication) -> Probes:
    """Count and log each request of this app; returns the three endpoints in front of `application`, its outermost layer."""
    registry = CollectorRegistry()
    registry.register(Rows())
    refused = Gauge("kavo_refused_busy", "Requests that were told to come back since the start", registry=registry)
    refused.set_function(lambda: gate.refused)
    requests = Counter("kavo_requests", "Requests", ["endpoint", "method", "status"], registry=registry)
    durations = Histogram("kavo_request_seconds", "How long a request took", registry=registry, buckets=BUCKETS)

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    @app.after_request
    def end(response: FlaskResponse) -> FlaskResponse:
        if request.endpoint == "static":
            return response
        seconds = time.perf_counter() - g.get("begun", time.perf_counter())
        method = request.method if request.method in METHODS else "other"  # a visitor can invent any number of methods
        requests.labels(request.endpoint or "none", method, response.status_code).inc()
        durations.observe(seconds)
        log.info("answered", extra={"facts": {"status": response.status_code, "ms": round(seconds * 1000)}})
        response.headers["X-Request-Id"] = g.get("reference", "")
        if settings.trusted_proxies:  # for the proxy's log, since a path may hold the secret of a link
            response.headers["X-Route"] = request.url_rule.rule if request.url_rule else "-"
        return response

    return Probes(application, settings, registry)
