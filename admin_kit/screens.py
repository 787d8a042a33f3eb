"""The lists that a user may open, and the one chosen as start page."""

from flask import current_app, url_for

from workflow import saved_views


def screens(by) -> set[str]:
    """The endpoints of the lists that this user may open."""
    views = current_app.extensions["admin"][0]._views
    return {view.endpoint for view in views if hasattr(view, "listing") and view.is_accessible()}


def start_url(by) -> str | None:
    """The URL of this user's start page; None when they chose none, or may no longer see it."""
    view = saved_views.start_of(by)
    if view is None or view.screen not in screens(by):
        return None
    return f"{url_for(f'{view.screen}.index_view')}?{view.query}"
