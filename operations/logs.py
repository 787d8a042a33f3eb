"""Logs: one JSON object per line on standard error, with the reference of the request and no personal data. Errors also go to a
Sentry-compatible service where KAVO_SENTRY_DSN names one."""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime

import sentry_sdk
from flask import g, has_request_context, request
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.types import Event, Hint

import config


class JsonLines(logging.Formatter):
    """A log record as one line of JSON. The endpoint stands for the path, so that no search term or secret gets in."""

    def format(self, record: logging.LogRecord) -> str:
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
    """The traceback with only the first line of each error's text: on later lines a database shows the row that it refused."""
    trace = traceback.TracebackException.from_exception(error)
    for part in _causes(trace):
        # workaround: rest-of-an-error
        # Python 3.11 has no public name for the text of an error in a traceback.
        part._str = part._str.partition("\n")[0]  # type: ignore[attr-defined]
    return "".join(trace.format())


def _causes(trace: traceback.TracebackException | None) -> Iterator[traceback.TracebackException]:
    """A traceback and those it came from, the latest first."""
    while trace is not None:
        yield trace
        trace = trace.__cause__ or trace.__context__


def set_up(settings: config.Settings) -> None:
    """Send all logs through the formatter above. Requests are logged in production only; in development they are noise."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("huey").setLevel(logging.WARNING)
    logging.getLogger("kavo.request").setLevel(logging.INFO if settings.production else logging.WARNING)
    if settings.sentry_dsn:
        _report_errors(settings)


def _report_errors(settings: config.Settings) -> None:
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


def _without_persons(event: Event, hint: Hint) -> Event:
    """Only the place and type of an error leave this machine; its text may hold user input and stays in our own log."""
    for exception in event.get("exception", {}).get("values", ()):
        exception["value"] = ""
    event.pop("request", None)
    event.pop("user", None)
    event.pop("extra", None)
    event.pop("breadcrumbs", None)
    if has_request_context():
        event.setdefault("tags", {})["reference"] = g.get("reference", "")
    return event
