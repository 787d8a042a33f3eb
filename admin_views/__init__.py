"""The back office: one view per noun, and the menu that shows who may see what."""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass

from flask import Flask, request, url_for
from flask_admin import Admin
from flask_security import current_user

from admin_kit.base import AdminView
from admin_kit.cells import as_cell
from admin_views.applications import ApplicationView
from admin_views.associations import AssociationView
from admin_views.bulk import BulkView
from admin_views.clock import ClockView
from admin_views.handovers import HandoverView
from admin_views.importing import ImportView
from admin_views.link_requests import LinkRequestView
from admin_views.overview import OverviewView
from admin_views.participants import ParticipantView
from admin_views.people import RoleView, UserView
from admin_views.placements import PlacementView
from admin_views.privacy import InsightView, RetentionView, RightsView
from admin_views.records import HistoryView, LookupView, MailView
from admin_views.refusals import RefusalsView
from admin_views.saved_views import SavedViewView
from admin_views.site_changes import SiteChangeView
from admin_views.sites import SiteView
from admin_views.todo import Todo
from admin_views.trajectories import AttestView, ReadyView, TrajectoryView
from admin_views.undoing import UndoView
from admin_views.work import WorkView
from mails import delivery
from models import (
    TEAM,
    Association,
    Handover,
    History,
    Lookup,
    Mail,
    Participant,
    Placement,
    Role,
    Site,
    Trajectory,
    User,
)
from times import utcnow

MANAGE = "Beheer"
SHORT = 2  # entries of a menu that stands on one line with the login bar


def register(app: Flask) -> Admin:
    """Register the back office."""
    admin = Admin(
        app, name="Kadervormingstool", index_view=Todo(name="Te behandelen", endpoint="todo", url="/te-behandelen")
    )
    admin.add_view(WorkView(name="Te doen", endpoint="work", url="/te-doen"))
    admin.add_view(ApplicationView(name="Aanvragen", endpoint="application", url="/aanvragen"))
    admin.add_view(LinkRequestView(name="eID koppelen", endpoint="link_request", url="/eid-aanvragen"))
    admin.add_view(SiteChangeView(name="Stageplaats wijzigen of sluiten", endpoint="site_change", url="/stageplaats"))
    admin.add_view(BulkView(name="Samen koppelen en beoordelen", endpoint="bulk", url="/samen"))
    admin.add_view(UndoView(name="Koppelen en beoordelen ongedaan maken", endpoint="undoing", url="/ongedaan"))
    admin.add_view(ImportView(name="Importeren", endpoint="importing", url="/importeren"))
    admin.add_view(SavedViewView(name="Weergaven", endpoint="saved_view", url="/weergaven"))
    placements = PlacementView(Placement, "Gekoppelde deelnemers", endpoint="placement", url="/gekoppelde-deelnemers")
    admin.add_view(SiteView(Site, "Stageplaatsen", endpoint="site", url="/stageplaatsen", placements=placements))
    admin.add_view(placements)
    admin.add_view(HandoverView(Handover, "Overdrachten", endpoint="handover", url="/overdrachten"))
    admin.add_view(ParticipantView(Participant, "Deelnemers", endpoint="participant", url="/deelnemers"))
    admin.add_view(TrajectoryView(Trajectory, "Trajecten", category=MANAGE, endpoint="trajectory", url="/trajecten"))
    admin.add_view(
        ReadyView(
            Trajectory, "Klaar voor eindevaluatie", category=MANAGE, endpoint="ready", url="/klaar-voor-eindevaluatie"
        )
    )
    admin.add_view(AttestView(Trajectory, "Attesten", category=MANAGE, endpoint="attested", url="/attesten"))
    admin.add_view(OverviewView(name="Overzicht", category=MANAGE, endpoint="overview", url="/overzicht"))
    admin.add_view(
        AssociationView(Association, "Verenigingen", category=MANAGE, endpoint="association", url="/verenigingen")
    )
    admin.add_view(UserView(User, "Accounts", category=MANAGE, endpoint="user", url="/accounts"))
    admin.add_view(RoleView(Role, "Rollen", category=MANAGE, endpoint="role", url="/rollen"))
    admin.add_view(MailView(Mail, "Mails", category=MANAGE, endpoint="mail", url="/mails"))
    admin.add_view(HistoryView(History, "Geschiedenis", category=MANAGE, endpoint="history", url="/geschiedenis"))
    admin.add_view(LookupView(Lookup, "Opgezochte KAVO-ID’s", category=MANAGE, endpoint="lookup", url="/opzoekingen"))
    admin.add_view(ClockView(name="Herinneringen en termijnen", category=MANAGE, endpoint="clock", url="/klok"))
    admin.add_view(RefusalsView(name="Wat er misloopt", category=MANAGE, endpoint="refusals", url="/wat-er-misloopt"))
    admin.add_view(RetentionView(name="Bewaartermijnen", category=MANAGE, endpoint="retention", url="/bewaartermijnen"))
    admin.add_view(RightsView(name="Rechten", category=MANAGE, endpoint="rights", url="/rechten"))
    admin.add_view(InsightView(name="Inzage", endpoint="insight", url="/inzage"))
    for view in declared_views():
        add(admin, view)
    app.jinja_env.filters["as_cell"] = as_cell
    app.context_processor(lambda: {"frame": Frame.of(menu(admin))})
    return admin


@dataclass(frozen=True)
class Frame:
    """What surrounds every page: the menu and the login bar, in their order, and where the name of the tool leads."""

    css: str
    home_url: str
    menu: list[dict]
    parts: tuple[str, ...]

    @classmethod
    def of(cls, entries: list[dict]) -> "Frame":
        home = url_for("pages.after_login" if current_user.is_authenticated else "pages.start")
        if len(entries) > SHORT:  # the menu has a line of its own, and comes after the login bar
            return cls("menubar long", home, entries, ("login_bar.html", "menu.html"))
        return cls("menubar", home, entries, ("menu.html", "login_bar.html") if entries else ("login_bar.html",))


def declared_views() -> list[type[AdminView]]:
    """The views of this folder that declare their place in the menu (`AdminView.screen`), in the order of their files."""
    modules = [importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]
    return [
        view
        for module in modules
        for _, view in inspect.getmembers(module, inspect.isclass)
        if view.__module__ == module.__name__ and issubclass(view, AdminView) and vars(view).get("screen")
    ]


def add(admin: Admin, view: type[AdminView]) -> None:
    """Put a view with a `screen` in the menu. Raises TypeError when the view itself does not name its roles, so that nobody gets
    to see a table by accident."""
    screen = view.screen
    if screen is None or "roles" not in vars(view):
        raise TypeError(
            f"{view.__name__} does not say where it stands or who sees it: give it a screen and roles, such as (TEAM,)"
        )
    admin.add_view(view(screen.model, screen.name, category=screen.category, endpoint=screen.endpoint, url=screen.url))


def menu(admin: Admin) -> list[dict]:
    """The menu entries that this user may see: label, url, current, and children for a group."""
    if not current_user or not current_user.is_authenticated:
        return []
    entries = []
    for item in admin.menu():
        if item.is_category():
            children = [_entry(child) for child in item.get_children() if child.is_accessible() and child.is_visible()]
            if TEAM not in current_user.role_names:  # those who see only a few get them in the bar itself
                entries += children
            elif children:
                entries.append(_group(item.name, children))
        elif item.is_accessible() and item.is_visible():
            entries.append(_entry(item))
    return entries


# workaround: address-of-the-menu
# Flask-Admin 2.2.1 keeps the address that the first request built, also for requests to another host or prefix.
def _entry(item) -> dict:
    """A menu entry."""
    view = item._view
    url, current = url_for(f"{view.endpoint}.{view._default_view}"), request.blueprint == view.endpoint
    return {"label": item.name, "url": url, "current": "page" if current else "", "endpoint": view.endpoint}


def _group(label: str, children: list[dict]) -> dict:
    """An entry for several; the red counter beside 'Mails', and beside the group that holds it, tells how many mails need
    attention."""
    mail = next((child for child in children if child["endpoint"] == "mail"), {})
    mail["trouble"] = trouble = delivery.trouble(utcnow()) if mail else 0
    current = "true" if any(child["current"] for child in children) else ""
    return {"label": label, "children": children, "current": current, "trouble": trouble}
