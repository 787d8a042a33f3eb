"""Registering without login: the choice, the form for under 18, and what an applicant does by mailed link."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, abort, jsonify, redirect, render_template, request, session, url_for
from flask_security import auth_required, current_user
from peewee import fn
from wtforms import BooleanField, TextAreaField
from wtforms.validators import Length

import config
import dutch
import scope
from database.postcodes import places
from forms import DECIDES, DecisionForm, KavoForm, required, site_forms
from mails import links
from models import APPROVAL_DAYS, MANAGER, Site, SiteManager, SiteMessage, User, passwords
from public_pages import application_page
from public_pages.mailed_links import opened
from times import days_after, local_date, utcnow
from workflow import limits
from workflow.accounts import activation, confirmation, registration
from workflow.sites import declarations

pages = Blueprint("registration", __name__)

DRAFT = "registration"
DRAFT_KEPT, DRAFTS_PER_ADDRESS = "draft", 50  # an hour
REGISTRATIONS_PER_ADDRESS = 5  # an hour: contract, KAVO_RATE_LIMITS
TOO_MANY = (
    f"Vanaf dit netwerk waren er het laatste uur al {REGISTRATIONS_PER_ADDRESS} registraties. Wat je typte staat hieronder nog. "
    f"Probeer het over een uur opnieuw, of stuur een e-mail naar {config.TEAM_ADDRESS}."
)


class Registration(site_forms.PersonFields, site_forms.SiteFields):
    """'Registreren voor jongeren -18'."""


class SiteAgain(site_forms.SiteFields):
    """'Aanpassen en opnieuw indienen'. The tick is required only when nothing was changed."""

    myself = BooleanField(DECIDES)


class Answer(KavoForm):
    text = TextAreaField("Jouw antwoord", [required("Typ je antwoord."), Length(max=2000)])


# ---- the way to register


@pages.get("/registreren")
def choice():
    return render_template("public/register_choice.html")


@pages.get("/registreren/iedereen")
def everybody():
    """Manual 2.3: redirect to logging in with eID."""
    return redirect(url_for("eid.log_in"))


@pages.get("/registreren/met-18")
def sent_to_eid():
    """For an adult who filled in the form for under 18: what was typed is kept."""
    kept = registration.draft(session.get(DRAFT), DRAFT, utcnow())
    form = (
        url_for("take_over.ask", pk=session["take_over"]) if "take_over" in session else url_for("registration.young")
    )
    return render_template("public/register_eid.html", kept=kept is not None, back=form)


@pages.route("/registreren/jongeren", methods=["GET", "POST"])
def young():
    """Manual 2.2."""
    form = Registration()
    fill_from_draft(form)
    if form.is_submitted():
        valid = form.validate()
        if form.is_adult() and not form.birth_date.errors:
            session.pop("take_over", None)
            keep(form)
            return redirect(url_for("registration.sent_to_eid"))
        if valid and with_password(form, lambda hashed, now: _register(form, hashed, now)):
            session["registered"] = form.email.data
            return redirect(url_for("registration.thanks"))
    return site_page("public/register_young.html", form)


def _register(form, password_hash, now):
    registration.register(form.person(), form.place(), site_forms.chosen_periods(form), password_hash, now)


def fill_from_draft(form):
    """Restore what was typed before the detour, in a form that is opened."""
    if request.method == "GET" and (kept := registration.draft(session.get(DRAFT), DRAFT, utcnow())):
        form.put_back(kept)


def keep(form):
    """Keep what was typed for users who are sent to eID; at most N per hour from one network, so that nobody floods
    the table."""
    now, address = utcnow(), request.remote_addr or ""
    registration.drop_draft(session.pop(DRAFT, None))
    if limits.claim(DRAFT_KEPT, address, DRAFTS_PER_ADDRESS, now, limits.HOUR):
        session[DRAFT] = registration.keep_draft(DRAFT, form.typed(), now)


def with_password(form, register: Callable[[str, datetime], object]) -> bool:
    """Run `register(password_hash, now)` for a form with a password by a user under 18, at most N per hour from
    one network. False when refused; the form then says why."""
    now, address = utcnow(), request.remote_addr or ""
    counted = limits.claim("registration", address, REGISTRATIONS_PER_ADDRESS, now, limits.HOUR)
    if counted is None:
        form.form_errors.append(TOO_MANY)
        return False
    password = passwords.hashed(form.password.data)

    def act(at):
        register(password, at)
        registration.drop_draft(session.get(DRAFT))

    with limits.constant_time():
        done = form.carry_out(act, None, now)
    if not done:
        counted.give_back()
        return False
    session.pop(DRAFT, None)
    return True


def site_page(template, form, **values):
    """A page with the fields of a site: the declaration stands above its button."""
    words, conditions = declarations.lines(utcnow())
    return render_template(
        template, form=form, recognised=site_forms.RECOGNISED, words=words, conditions=conditions, **values
    )


@pages.get("/registreren/bedankt")
def thanks():
    if "registered" not in session:
        return redirect(url_for("registration.choice"))
    due = days_after(utcnow(), APPROVAL_DAYS)
    return render_template("public/registered.html", email=session["registered"], due=due)


@pages.get("/postcodes")
def postcodes():
    """The names of the places with a postcode, suggested while typing."""
    return jsonify(places(request.args.get("code")))


# ---- a further site, when logged in


@pages.route("/registreren/stageplaats", methods=["GET", "POST"])
@auth_required()
def further_site():
    """Manual 2.4: asks no personal data again."""
    by = current_user._get_current_object()
    if MANAGER not in by.role_names:
        abort(404)
    form = site_forms.SiteFields()
    if form.validate_on_submit():

        def act(now):
            site = registration.submit_site(by, form.place(), site_forms.chosen_periods(form), now)
            return f"Je aanvraag voor {site} is verstuurd. Je krijgt onze beslissing uiterlijk op {dutch.day(site.due_on)}."

        if form.carry_out(act, by, utcnow()):
            return redirect(url_for("site.index_view", eigen=1))
    return site_page("public/further_site.html", form)


# ---- by mailed link: the state of an application


def _application(secret) -> tuple[Site, User]:
    """The site that a link is about, and its manager; for a logged-in manager, by the id of the site."""
    if secret.isdigit() and current_user.is_authenticated:
        by = current_user._get_current_object()
        return scope.find(by, Site, secret, "submit_again") or abort(404), by
    token = opened(secret, links.APPLICATION)
    return links.about(token), token.owner


@pages.get("/aanvraag/<secret>")
def status(secret):
    site, _ = _application(secret)
    return _status_page(secret, site, Answer())


def _status_page(secret, site, form):
    """Questions and answers since the present manager took over: a former manager wrote to the team only."""
    since = SiteManager.select(fn.MIN(SiteManager.since)).where(SiteManager.site == site, SiteManager.current())
    asked = site.messages.where(SiteMessage.kind != "note", SiteMessage.at >= since).order_by(SiteMessage.id)
    status = site.status(local_date(utcnow()))
    return render_template(
        "public/application_waiting.html" if application_page.is_waiting(site) else "public/application.html",
        site=site,
        secret=secret,
        form=form,
        status=status,
        heading=application_page.heading(site),
        lead=application_page.lead(site, status),
        late=status.key == "late",
        looked_at=application_page.looked_at(site),
        decided=application_page.decided(site),
        messages=application_page.said(list(asked)),
    )


@pages.post("/aanvraag/<secret>/antwoord")
def answer(secret):
    site, by = _application(secret)
    form = Answer()

    def act(now):
        registration.answer(site, form.text.data, by, now)
        return "Je antwoord is bij het team. De termijn loopt weer."

    if form.validate() and form.carry_out(act, by, utcnow()):
        return redirect(url_for("registration.status", secret=secret))
    return _status_page(secret, Site.get_by_id(site.id), form)


@pages.route("/aanvraag/<secret>/intrekken", methods=["GET", "POST"])
def withdraw(secret):
    """Asks for confirmation, and says what will be erased."""
    site, by = _application(secret)
    form = KavoForm() if secret.isdigit() else DecisionForm()
    if form.validate_on_submit():

        def act(now):
            registration.withdraw(site, by, now)
            return f"Je aanvraag voor {site} is ingetrokken."

        if form.carry_out(act, by, utcnow()):
            return redirect(url_for("pages.start"))
    gone = "Trek je in, dan bekijken we je aanvraag niet meer."
    if not by.confirmed_at:
        gone = (
            "Trek je in, dan bekijken we je aanvraag niet meer en wissen we je account en je gegevens. Wil je later toch een "
            "stageplaats, dan registreer je je opnieuw."
        )
    return render_template("public/application_withdraw.html", site=site, secret=secret, form=form, gone=gone)


@pages.route("/aanvraag/<secret>/aanpassen", methods=["GET", "POST"])
def submit_again(secret):
    """'Aanpassen en opnieuw indienen' after a rejection."""
    site, by = _application(secret)
    if site.state != "rejected":
        return redirect(url_for("registration.status", secret=secret))
    form = SiteAgain()
    form.show(site)
    if form.validate_on_submit():

        def act(now):
            periods = site_forms.chosen_periods(form)
            registration.submit_again(site, form.place(), periods, by, now, unchanged=form.myself.data)
            return "Je aanvraag is opnieuw ingediend."

        if form.carry_out(act, by, utcnow()):
            return redirect(url_for("registration.status", secret=secret))
    return site_page("public/submit_again.html", form, site=site, secret=secret)


# ---- completing it


@pages.route("/registratie-voltooien/<secret>", methods=["GET", "POST"])
def complete(secret):
    """GET shows, POST acts: merely opening the link (a mail scanner) changes nothing. Two kinds of link lead here: of
    a site that was approved, and to confirm an address. The button alone decides nothing about a site or an
    account."""
    token = opened(secret, links.ACTIVATION, links.CONFIRM, links.SAME_PERSON)
    offered = confirmation.takes_site(token)
    form = DecisionForm() if offered or token.purpose == links.SAME_PERSON else KavoForm()
    if form.validate_on_submit() and form.carry_out(lambda at: _completed(token, secret, at), None, utcnow()):
        return redirect(_after_completing(token))
    return render_template(
        "public/activation.html",
        form=form,
        call_name=token.user and token.user.call_name,
        lead=_completing(token.purpose, links.about(token) if offered else None),
    )


def _completing(purpose: str, offered: object | None) -> str:
    """What the button completes."""
    if purpose == links.SAME_PERSON:
        return (
            "Is het account met eID dat dit adres opgaf van jou? Dan voegen we je accounts samen. Is het niet van jou, sluit dan "
            "deze pagina."
        )
    if offered:
        return f"Je bevestigt je e-mailadres, en je aanvaardt meteen het beheer van {offered}."
    if purpose == links.CONFIRM:
        return "Nog één klik en je e-mailadres is bevestigd."
    return "Je stageplaats is goedgekeurd. Nog één klik en je kunt je aanmelden."


def _after_completing(token) -> str:
    """Where to continue: the log-in page that fits the account, or the tool."""
    if current_user.is_authenticated:
        return url_for("pages.after_login")
    with_password = token.purpose != links.SAME_PERSON and token.user.password is not None
    return url_for("security.login" if with_password else "pages.start")


def _completed(token, secret, now):
    if token.purpose != links.ACTIVATION:
        return confirmation.confirm(secret, now)
    activation.activate(secret, now)
    return "Je registratie is voltooid. Meld je aan met je e-mailadres en het wachtwoord dat je koos."
