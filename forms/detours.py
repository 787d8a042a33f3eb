"""Input kept while a user is redirected elsewhere, such as to re-authentication, so that nothing typed is lost. A page with
a form is filled in again; a POST without a page of its own can be sent again."""

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
    """Keep what the user with id `by` just sent, for the forms of the page at `path`; skip the fields that begin with `done`."""
    _keep(by, path, path, now, lambda name: not name.startswith(done))


def _keep(by, path, back, now, wanted=lambda name: True):
    pairs = request.form.items(multi=True)
    sent = [(name, value) for name, value in pairs if wanted(name) and not NEVER.fullmatch(name)]
    session[KEPT] = registration.keep_draft(KEPT, {"by": by, "path": path, "sent": sent, "back": back}, now)


def keep(by: int, now: datetime) -> str:
    """Keep what the user with id `by` just sent. Returns the path of the page whose form shows it again; "" when none does."""
    referrer = urlsplit(request.referrer or "/")
    _keep(by, _here(), f"{referrer.path}?{referrer.query}".rstrip("?"), now)
    try:
        adapter = current_app.create_url_adapter(request)
        if adapter is not None:
            adapter.match(request.path, method="GET")
    except HTTPException:
        return ""
    return _here()


def kept(by: int, now: datetime) -> dict | None:
    """What the user with id `by` sent: `path`, `sent` (pairs of name and value) and `back`, the page on which it was typed;
    None when nothing of theirs is kept."""
    draft = registration.draft(session.get(KEPT), KEPT, now)
    return draft if draft and draft["by"] == by else None


def sent_to_here(by: int | None) -> MultiDict | None:
    """What the user with id `by` had sent to the page being opened, None without any; it is returned for one request only."""
    if "detour" not in g:
        draft = kept(by, utcnow()) if by and KEPT in session and request.method == "GET" else None
        g.detour = MultiDict(draft["sent"]) if draft and draft["path"] == _here() else None
        if g.detour is not None:
            registration.drop_draft(session.pop(KEPT))
    return g.detour


def _here() -> str:
    return request.full_path.rstrip("?")
