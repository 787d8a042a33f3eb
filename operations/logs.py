"""Logs: one JSON object per line on standard error, with the reference of the request; no personal data. What breaks
goes to a Sentry-compatible service too, where one is named."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import sentry_sdk
from flask import g, has_request_context, request
from sentry_sdk.integrations.logging import LoggingIntegration

import config


class JsonLines(logging.Formatter):
    """A log record as one line of JSON. Path without query: what people search for stays out."""

    def format(self, record):
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if has_request_context():
            line |= {"reference": g.get("reference"), "method": request.method, "endpoint": request.endpoint}
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = _trace(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def _trace(error: BaseException) -> str:
    """Where an error came from. Of its text the first line alone: in the next ones a database shows the row that it
    refused."""
    whole: Any = traceback.TracebackException.from_exception(error)
    part = whole
    while part is not None:
        part._str = part._str.partition("\n")[0]
        part = part.__cause__ or part.__context__
    return "".join(whole.format())


def set_up(settings: config.Settings):
    """Send all logs through the formatter above. Requests are logged in production only: on a laptop they would be
    noise."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("huey").setLevel(logging.WARNING)
    logging.getLogger("kavo.request").setLevel(logging.INFO if settings.production else logging.WARNING)
    if settings.sentry_dsn:
        _report_errors(settings)


def _report_errors(settings):
    sentry_sdk.init(
        settings.sentry_dsn,
        environment=settings.environment,
        default_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        server_name="",
        before_send=_without_persons,
    )


def _without_persons(event, hint):
    """Where and of what kind an error is leaves this machine; its text may hold what somebody typed, and stays in our
    own log."""
    for one in event.get("exception", {}).get("values", ()):
        one["value"] = ""
    for name in ("request", "user", "extra", "breadcrumbs"):
        event.pop(name, None)
    if has_request_context():
        event.setdefault("tags", {})["reference"] = g.get("reference", "")
    return event
