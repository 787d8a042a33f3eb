"""Logs: one JSON object per line on standard error, with the reference of the request; no personal data."""

import json
import logging
import sys
from datetime import UTC, datetime

from flask import g, has_request_context, request


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
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up(level=logging.INFO):
    """Send all logs through the formatter above."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("huey").setLevel(logging.WARNING)
