"""Saved views of lists: under a name, perhaps shared with the user's role, one of them to start the day with."""

from urllib.parse import parse_qsl, urlencode

import scope
from database import RuleError, locking, writing
from models import TEAM, SavedView, StartView, User

MOST_VIEWS = 50


def of(by: User, screen: str) -> list[SavedView]:
    """The views of a list that `by` saved or that are shared with a role of theirs, by name; each says whether it is
    `mine` and whether it `starts` their day."""
    mine_or_shared = (SavedView.user == by) | SavedView.shared_with.in_(list(by.role_names))
    starts = StartView.select(StartView.view).where(StartView.user == by)
    query = SavedView.select(SavedView, SavedView.id.in_(starts).alias("starts"))
    views = list(query.where(SavedView.screen == screen, mine_or_shared).order_by(SavedView.name, SavedView.id))
    for view in views:
        view.mine = view.user_id == by.id
    return views


def shares_with(by: User) -> str | None:
    """The role that this user may share a view with: team members with the team. Site managers do not know each
    other."""
    return TEAM if TEAM in by.role_names else None


def keep(by: User, screen: str, name: str, query: str, shared=False, start=False) -> SavedView:
    """Keep the list that `query` (the query of a URL) makes of a screen under a name. Raises RuleError when the name
    is taken or there are too many."""
    with writing():
        User.hold(by.id)
        if SavedView.select().where(SavedView.user == by).count() >= MOST_VIEWS:
            raise RuleError(f"Je bewaarde al {MOST_VIEWS} weergaven. Verwijder er eerst een.")
        role = shares_with(by) if shared else None
        view = SavedView(user=by, screen=screen, name=name, query=urlencode(parse_qsl(query)), shared_with=role)
        view.save()
        if start:
            start_with(view, by)
    return view


def start_with(view: SavedView | None, by: User):
    """Let the day of `by` start with a view that is theirs or shared with them; None: the default."""
    if view is not None:
        scope.require(by, "open", view)
    with writing():
        if view is not None and locking(SavedView.select().where(SavedView.id == view.id)).first() is None:
            raise scope.NotYours(f"open SavedView {view.id}")  # its owner removed it meanwhile
        StartView.delete().where(StartView.user == by).execute()
        if view is not None:
            StartView(user=by, view=view).save()


def forget(view: SavedView, by: User):
    """Remove a view of theirs; those who started the day with it get the default again."""
    scope.require(by, "forget", view)
    view.delete_instance()


def start_of(by: User) -> SavedView | None:
    """The view that this user's day starts with, while they may still see it."""
    view = SavedView.select().join(StartView).where(StartView.user == by).first()
    return view if view and scope.may(by, "open", view) else None
