"""The start page and the help pages."""

from datetime import date

from flask import Blueprint, redirect, render_template, session, url_for
from flask_security import auth_required, current_user

from admin_kit.screens import start_url
from forms import site_forms
from models import ASSOCIATION, MANAGER, TEAM
from public_pages.eid import OFFER
from workflow.privacy import personal_data, retention

pages = Blueprint("pages", __name__)

STATEMENT_ON = date(2026, 11, 26)
"""when the accessibility statement was last verified; a test demands it every year"""
FIRST_PAGE = {TEAM: "todo.index", MANAGER: "work.index", ASSOCIATION: "work.index"}
"""The first page after logging in, by role; the first match counts."""


@pages.get("/")
def start():
    return render_template("public/start.html")


@pages.get("/hulp")
def help_page():
    """One page for all: the part for the reader's role comes first."""
    roles = current_user.role_names if current_user.is_authenticated else set()
    return render_template("public/help.html", roles=roles)


@pages.get("/veelgestelde-vragen")
def faq():
    return render_template("public/faq.html", recognised=site_forms.RECOGNISED)


@pages.get("/toegankelijkheid")
def accessibility():
    return render_template("public/accessibility.html", checked_on=STATEMENT_ON)


@pages.get("/privacy")
def privacy_page():
    """What we keep about people and why: the register of processing, for everybody."""
    return render_template(
        "public/privacy.html",
        register=personal_data.REGISTER,
        kept=personal_data.kept(retention.days()),
        is_team=current_user.is_authenticated and TEAM in current_user.role_names,
    )


@pages.get("/na-aanmelden")
@auth_required()
def after_login():
    if OFFER in session:  # came here to take up an offer
        return redirect(url_for("take_over.offer", secret=session.pop(OFFER)))
    chosen = start_url(current_user._get_current_object())
    if chosen:
        return redirect(chosen)
    roles = current_user.role_names
    endpoint = next((page for role, page in FIRST_PAGE.items() if role in roles), "account.own_data")
    return redirect(url_for(endpoint))
