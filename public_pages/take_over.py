"""'Beheer overnemen': choosing a site and asking for it, answering by a mailed link without login, and accepting an
offer."""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_security import current_user

from database.searching import Search
from database.texts import tidy
from forms import DecisionForm, ReasonField, site_forms
from mails import links
from models import MANAGER, Site, User
from public_pages import eid
from public_pages.mailed_links import opened
from public_pages.registration import fill_from_draft, keep, with_password
from times import days_after, utcnow
from workflow.accounts import confirmation, joining
from workflow.sites import handovers

pages = Blueprint("take_over", __name__)

MOST_SHOWN = 25


class Contact(site_forms.ContactFields):
    """Somebody who has an account."""


class Successor(site_forms.EidFields, DecisionForm):
    """Somebody with eID who takes up an offer, and has no account yet."""


class Answer(DecisionForm):
    reason = ReasonField(description="Alleen nodig als je afkeurt. De aanvrager leest deze tekst.")


# ---- choosing a site


def _manager() -> User | None:
    """The logged-in site manager; other roles get a 404."""
    if not current_user.is_authenticated:
        return None
    user = current_user._get_current_object()
    return user if MANAGER in user.role_names else abort(404)


@pages.get("/overnemen/")
def choose():
    """Approved sites by name or place: nothing personal."""
    by, words = _manager(), tidy(request.args.get("q", ""))[:100]
    search = Search(Site, words)
    query = Site.select().where(Site.state == "approved")
    if words:
        query = query.where(search.condition() if search else Site.id.is_null())
    sites = list(query.order_by(Site.search, Site.id).limit(MOST_SHOWN + 1))
    return render_template(
        "public/take_over_choose.html",
        sites=sites[:MOST_SHOWN],
        more=len(sites) > MOST_SHOWN,
        q=words,
        person=eid.pending(),
        is_young=not by and not eid.pending(),
        trail=_trail(by, eid.pending()),
    )


def _trail(by, person) -> list[tuple[str, str]]:
    """From where one came to choose a site."""
    if by:
        return [("Overdrachten", url_for("handover.index_view"))]
    if person:
        return [("Stageplaatsverantwoordelijke", url_for("eid.manager"))]
    return [("Startpagina", url_for("pages.start")), ("Registreren", url_for("registration.choice"))]


@pages.route("/overnemen/<int:pk>", methods=["GET", "POST"])
def ask(pk):
    """Manual 2.3.2: e-mail address and telephone number, 'Bevestigen'; under 18 without eID also the applicant's
    details."""
    site = Site.get_or_none(Site.id == pk, Site.state == "approved") or abort(404)
    by, person = _manager(), eid.pending()
    if by:
        return _ask_as_manager(site, by)
    return _ask_with_eid(site, person) if person else _ask_young(site)


def _form_page(site, form, template="public/take_over_ask.html", **values):
    until = days_after(utcnow(), handovers.HANDOVER_DAYS)
    return render_template(template, site=site, form=form, until=until, **values)


def _ask_as_manager(site, by):
    form = Contact(obj=by)

    def act(now):
        return confirmation.told(handovers.ask(site, by, form.email.data, form.phone.data, now))

    if form.validate_on_submit() and form.carry_out(act, by, utcnow()):
        return redirect(url_for("handover.index_view"))
    return _form_page(site, form)


def _ask_with_eid(site, person):
    form, made = eid.form_for(person, site_forms.EidFields), []

    def act(now):
        user, handover = joining.taking_over(person, form.contact(), site, now)
        made.append(user)
        return f"{confirmation.told(handover)} Klik ook op de link in de e-mail: zo bevestig je je e-mailadres."

    if form.validate_on_submit() and form.carry_out(act, None, utcnow()):
        return eid.welcome(made, person, url_for("handover.index_view"))
    return _form_page(site, form, person=person)


def _ask_young(site):
    form = site_forms.PersonFields()
    fill_from_draft(form)
    if form.is_submitted():
        valid = form.validate()
        if form.is_adult() and not form.birth_date.errors:
            session[eid.TAKE_OVER] = site.id
            keep(form)
            return redirect(url_for("registration.sent_to_eid"))
        if valid and with_password(form, lambda hashed, at: joining.young_taking_over(form.person(), site, hashed, at)):
            session["asked"] = [form.email.data, str(site)]
            return redirect(url_for("take_over.thanks"))
    return _form_page(site, form, "public/take_over_ask_young.html")


@pages.get("/overnemen/bedankt")
def thanks():
    if "asked" not in session:
        return redirect(url_for("take_over.choose"))
    email, site = session["asked"]
    return render_template("public/take_over_thanks.html", email=email, site=site)


# ---- answering without login


@pages.route("/overdracht/<secret>", methods=["GET", "POST"])
def answer(secret):
    """GET shows, POST decides: a mail scanner that follows the link changes nothing."""
    token, now, form = opened(secret, links.HANDOVER), utcnow(), Answer()
    handover, by = links.about(token), token.owner
    if form.validate_on_submit():

        def act(at):
            return handovers.decide(handover, request.form.get("decision"), by, at, form.reason.data or "")

        if form.carry_out(act, None, now):
            return redirect(url_for("take_over.answer", secret=secret))
        opened(secret)  # somebody else may have been first
    return render_template(
        "public/handover_answer.html", handover=handover, form=form, by=by, moves=handovers.moves(handover.site, now)
    )


# ---- taking up an offer


@pages.route("/opvolgen/<secret>", methods=["GET", "POST"])
def offer(secret):
    """A manager named a successor: with an account they accept, without one they create it first."""
    handover, by, person, now = links.about(opened(secret, links.OFFER)), _manager(), eid.pending(), utcnow()
    if by is None:
        session[eid.OFFER] = secret
    form: Any = DecisionForm() if by else eid.form_for(person, Successor) if person else None
    made = []

    def act(at):
        if by:
            handovers.accept(handover, by, at, by_link=True)
        elif person:
            made.append(joining.taking_up(person, form.contact(), handover, at))
        return f"Jij beheert nu {handover.site}."

    if form and form.validate_on_submit() and form.carry_out(act, by, now):
        session.pop(eid.OFFER, None)
        following = url_for("site.index_view", eigen=1)
        return eid.welcome(made, person, following) if person and not by else redirect(following)
    moves = handovers.moves(handover.site, now)
    page = "offer" if by else "offer_new" if person else "offer_closed"
    return render_template(f"public/{page}.html", handover=handover, form=form, person=person, moves=moves)
