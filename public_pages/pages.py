"""The start page and the help pages."""

from flask import Blueprint, redirect, render_template, url_for
from flask_security import auth_required, current_user

from people import ASSOCIATION, MANAGER, TEAM

pages = Blueprint("pages", __name__)

FIRST_PAGE = {TEAM: "todo.index", MANAGER: "site.index_view", ASSOCIATION: "pages.association"}
"""Where one arrives after logging in, by role; the first that fits."""


@pages.get("/")
def start():
    return render_template("public/start.html")


@pages.get("/hulp")
def help_page():
    return render_template("public/help.html")


@pages.get("/na-aanmelden")
@auth_required()
def after_login():
    roles = current_user.role_names
    endpoint = next((page for role, page in FIRST_PAGE.items() if role in roles), "account.own_data")
    arguments = {"eigen": 1} if endpoint == "site.index_view" else {}
    return redirect(url_for(endpoint, **arguments))


@pages.get("/vereniging")
@auth_required()
def association():
    return render_template("public/association.html")
