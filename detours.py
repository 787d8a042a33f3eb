"""What somebody sent to a page before being led elsewhere, such as to show who it is: nothing that was typed is lost by that. A
page with a form is filled with it again; what has no page of its own can be sent once more."""

import re
from datetime import datetime
from urllib.parse import urlsplit

from flask import current_app, g, request, session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from times import utcnow
from workflow import registration

KEPT = "detour"
"""in the session: the secret of the draft"""
NEVER = re.compile(r"(?:.*-)?(?:csrf_token|(?:new_)?password(?:_confirm)?|again|code)")
"""names of fields that are not kept"""


def keep_for(path: str, by: int, now: datetime, done: str = "csrf_token"):
    """Keep what the user with this id just sent for the forms of the page at `path`; not the fields that begin with `done`."""
    sent = [pair for pair in _sent() if not pair[0].startswith(done)]
    session[KEPT] = registration.keep_draft(KEPT, {"by": by, "path": path, "sent": sent, "back": path}, now)


def _sent():
    return [pair for pair in request.form.items(multi=True) if not NEVER.fullmatch(pair[0])]


def keep(by: int, now: datetime) -> str:
    """Keep what the user with this id just sent. Returns the page whose form shows it again; "" when it has none."""
    sent = _sent()
    came = urlsplit(request.referrer or "/")
    kept = {"by": by, "path": _here(), "sent": sent, "back": f"{came.path}?{came.query}".rstrip("?")}
    session[KEPT] = registration.keep_draft(KEPT, kept, now)
    try:
        current_app.create_url_adapter(request).match(request.path, method="GET")
    except HTTPException:
        return ""
    return kept["path"]


def kept(by: int, now: datetime) -> dict | None:
    """What the user with this id sent: `path` and `sent` (name, value), and the page `back` on which it was typed."""
    found = registration.draft(session.get(KEPT), KEPT, now)
    return found if found and found["by"] == by else None


def sent_to_here(by: int | None) -> MultiDict | None:
    """What this user sent to the page that is opened now; then it is there no more."""
    if "detour" not in g:
        found = kept(by, utcnow()) if by and KEPT in session and request.method == "GET" else None
        g.detour = MultiDict(found["sent"]) if found and found["path"] == _here() else None
        if g.detour is not None:
            registration.drop_draft(session.pop(KEPT))
    return g.detour


def _here() -> str:
    return request.full_path.rstrip("?")
