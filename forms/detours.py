"""What somebody sent to a page before being led elsewhere, such as to show who it is: nothing that was typed is lost
by that. A page with a form is filled with it again; what has no page of its own can be sent once more."""

import re
from datetime import datetime
from urllib.parse import urlsplit

from flask import current_app, g, request, session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from times import utcnow
from workflow.accounts import registration

KEPT = "detour"
"""in the session: the secret of the draft"""
NEVER = re.compile(r"(?:.*-)?(?:csrf_token|(?:new_)?password(?:_confirm)?|again|code)")
"""names of fields that are not kept"""


def keep_for(path: str, by: int, now: datetime, done: str = "csrf_token"):
    """Keep what the user with this id just sent for the forms of the page at `path`; not the fields that begin with
    `done`."""
    _keep(by, path, path, now, lambda name: not name.startswith(done))


def _keep(by, path, back, now, wanted=lambda name: True):
    pairs = request.form.items(multi=True)
    sent = [(name, value) for name, value in pairs if wanted(name) and not NEVER.fullmatch(name)]
    session[KEPT] = registration.keep_draft(KEPT, {"by": by, "path": path, "sent": sent, "back": back}, now)


def keep(by: int, now: datetime) -> str:
    """Keep what the user with this id just sent. Returns the page whose form shows it again; "" when it has none."""
    came = urlsplit(request.referrer or "/")
    _keep(by, _here(), f"{came.path}?{came.query}".rstrip("?"), now)
    try:
        adapter = current_app.create_url_adapter(request)
        if adapter is not None:
            adapter.match(request.path, method="GET")
    except HTTPException:
        return ""
    return _here()


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
