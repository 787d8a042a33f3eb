"""Lists that somebody keeps to see again: under a name, shared with the own role or not, one of them to start the day with."""

from urllib.parse import parse_qsl, urlencode

import scope
from database import RuleError, locking, writing
from models import TEAM, SavedView, StartView, User

MOST_VIEWS = 50


def of(by: User, screen: str) -> list[SavedView]:
    """The views of one list that `by` kept or that were shared with a role of theirs, by name; each says whether it is `mine` and
    whether it `starts` their day."""
    mine_or_shared = (SavedView.user == by) | SavedView.shared_with.in_(list(by.role_names))
    starts = StartView.select(StartView.view).where(StartView.user == by)
    query = SavedView.select(SavedView, SavedView.id.in_(starts).alias("starts"))
    views = list(query.where(SavedView.screen == screen, mine_or_shared).order_by(SavedView.name, SavedView.id))
    for view in views:
        view.mine = view.user_id == by.id
    return views


def shares_with(by: User) -> str | None:
    """The role with which this person may share a view: the team with itself. Site managers do not know each other."""
    return TEAM if TEAM in by.role_names else None


def keep(by: User, screen: str, name: str, query: str, shared=False, start=False) -> SavedView:
    """Keep the list that `query` (the query of a URL) makes of a screen under a name. Raises RuleError when the name is taken or
    there are too many."""
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
    """Let the day of `by` begin with a view that is theirs or shared with them; None: as for everybody."""
    if view is not None:
        scope.require(by, "open", view)
    with writing():
        if view is not None and locking(SavedView.select().where(SavedView.id == view.id)).first() is None:
            raise scope.NotYours(f"open SavedView {view.id}")  # its owner removed it meanwhile
        StartView.delete().where(StartView.user == by).execute()
        if view is not None:
            StartView(user=by, view=view).save()


def forget(view: SavedView, by: User):
    """Remove a view of one's own; whoever began the day with it begins as everybody again."""
    scope.require(by, "forget", view)
    view.delete_instance()


def start_of(by: User) -> SavedView | None:
    """The view with which this person's day begins, while it may still be seen."""
    view = SavedView.select().join(StartView).where(StartView.user == by).first()
    return view if view and scope.may(by, "open", view) else None
