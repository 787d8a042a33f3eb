"""Which lists somebody may open, and with which one the day begins."""

from flask import current_app, url_for

from workflow import saved_views


def screens(by) -> set[str]:
    """The endpoints of the lists that this person may open."""
    views = current_app.extensions["admin"][0]._views
    return {view.endpoint for view in views if hasattr(view, "listing") and view.is_accessible()}


def start_url(by) -> str | None:
    """Where the day of this person begins by their own choice; None when they chose nothing that they may still see."""
    view = saved_views.start_of(by)
    if view is None or view.screen not in screens(by):
        return None
    return f"{url_for(f'{view.screen}.index_view')}?{view.query}"
