"""Access to the screens of the back office; `scope` decides which rows a user sees there."""

from urllib.parse import urlsplit

from flask import abort, current_app, redirect, request, url_for
from flask_admin import expose
from flask_admin.helpers import get_redirect_target
from flask_security import current_user
from werkzeug.exceptions import HTTPException

from identity import second_step
from models import TEAM


def came_from() -> str | None:
    """The URL to return to: the one that a form carries as `url`, otherwise the referring page. None without either; callers
    then return to the list."""
    carried = get_redirect_target()
    if carried and carried.isprintable() and _is_a_page(carried):
        return carried
    page = urlsplit(request.referrer or "")
    if page.netloc != request.host or page.path == request.path or not _is_a_page(page.path):
        return None
    return f"{page.path}?{page.query}" if page.query else page.path


def _is_a_page(url: str) -> bool:
    """Whether this is the URL of one of our pages, other than re-authentication."""
    try:
        adapter = current_app.create_url_adapter(request)
        if adapter is None:
            return False
        endpoint, _ = adapter.match(urlsplit(url).path or "/", method="GET")
    except HTTPException:  # not a page, or the confirmation of an action, which answers POST only
        return False
    return endpoint not in second_step.ASKING


class ForRoles:
    """A view for users with one of these roles; others get a 404, visitors the log-in page."""

    roles: tuple[str, ...] = (TEAM,)
    fresh_pages: tuple[str, ...] = ()
    """pages that require re-authentication when the log-in is not recent"""

    @property
    def by(self):
        return current_user._get_current_object()

    def is_accessible(self):
        return current_user.is_authenticated and bool(self.by.role_names & set(self.roles))

    def _handle_view(self, name, **kwargs):
        answer = super()._handle_view(name, **kwargs)  # type: ignore[misc]  # of the view that it is mixed into
        if answer is None and name in self.fresh_pages and not second_step.is_fresh():
            return second_step.reauthenticate()
        return answer

    def inaccessible_callback(self, name, **kwargs):
        if current_user.is_authenticated:
            abort(404)
        return redirect(url_for("security.login", next=request.full_path if request.method == "GET" else None))


class HiddenFromMenu(ForRoles):
    """Pages reached from a list or a task; their own root URL redirects to `home`."""

    home = "todo.index"

    @expose("/")
    def index(self):
        return redirect(url_for(self.home))

    def is_visible(self):
        return False
