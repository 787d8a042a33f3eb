"""Logging in with eID, and what follows: the account, a new person's choice, linking an eID to an account, logging
out."""

import logging
from datetime import timedelta

from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for
from flask_login import logout_user
from flask_security import auth_required, current_user, login_user
from flask_security.utils import validate_redirect_url

import dutch
from database import RuleError
from forms import KavoForm, site_forms
from identity import eid as provider
from models import LINK_DAYS, MANAGER_LEAST_AGE, User, of_age, policy
from public_pages.registration import DRAFT, fill_from_draft, site_page
from times import local_date, utcnow, years_after
from workflow.accounts import identities, joining, registration
from workflow.accounts.eid_answers import EidPerson

log = logging.getLogger("kavo.eid")
pages = Blueprint("eid", __name__)

PENDING = "eid"
"""session key, and name of the draft: a person with eID and without an account yet"""
PENDING_LASTS = timedelta(hours=1)
OFFER, TAKE_OVER = "offer", "take_over"
"""session keys: the link of an offer, the site to take over"""
LONGEST_NEXT = 300  # the destinations of several tabs must fit in one cookie
KEPT = (DRAFT, OFFER, TAKE_OVER, "_flashes")

TROUBLE = {
    "cancelled": ("Je brak het aanmelden af", "Er is niets gebeurd. Probeer het opnieuw wanneer je wilt.", 200),
    "stale": (
        "Dit aanmelden is verlopen",
        "Het duurde te lang, of je begon in een ander venster. Probeer het opnieuw.",
        400,
    ),
    "refused": (
        "Aanmelden lukte niet",
        "Het antwoord van de eID-dienst klopte niet. Probeer het opnieuw. Blijft het zo, bel dan 1700.",
        400,
    ),
    "scope": (
        "Aanmelden kan nu niet",
        "De eID-dienst geeft ons niet de gegevens die we nodig hebben. Bel het team Kadervorming.",
        503,
    ),
    "number": (
        "We herkennen je niet",
        "De eID-dienst gaf ons je rijksregisternummer niet. Meld je aan met je eigen eID of itsme, niet met een sleutel van een "
        "organisatie.",
        400,
    ),
    "young": (
        "Je bent nog te jong",
        f"Een stageplaats beheren kan vanaf {MANAGER_LEAST_AGE} jaar. Vraag het aan iemand die ouder is.",
        200,
    ),
    "unreachable": (
        "De eID-dienst antwoordt niet",
        "Wacht even en probeer het opnieuw. Blijft het zo, bel dan 1700.",
        503,
    ),
    "level": (
        "Deze manier van aanmelden is niet veilig genoeg",
        "Meld je opnieuw aan, met je eID of met itsme.",
        400,
    ),
    "unfit": (
        "Aanmelden lukte niet",
        "De eID-dienst gaf ons gegevens die we niet kunnen bewaren. Bel het team Kadervorming, dan zoeken we een oplossing.",
        400,
    ),
    "account": ("Aanmelden lukte niet", "", 400),
    "team": ("Je kunt je nu niet aanmelden met deze eID", "", 409),
    "other": (
        "Dit is de eID van iemand anders",
        "Je bent aangemeld met een ander account. Er is niets gebeurd. Wil je verder met deze eID? Meld je dan eerst af.",
        409,
    ),
}
"""kind of trouble → title, what to do, status"""


class NewSite(site_forms.EidFields, site_forms.SiteFields):
    """'Een nieuwe stageplaats aanmaken' with eID."""


def trouble(kind: str, text: str = ""):
    """A page that says what went wrong and what to do."""
    title, known, status = TROUBLE[kind]
    _tell(kind)
    again = kind not in ("team", "other", "young")
    return render_template("public/eid_trouble.html", title=title, text=text or known, again=again), status


def _tell(outcome: str):
    """Log how coming back ended, without personal data."""
    log.info("eid: came back", extra={"facts": {"outcome": outcome}})


# ---- to the provider and back


@pages.get("/aanmelden-met-eid")
def log_in():
    """Redirect to the provider (manual 3.2)."""
    if current_user.is_authenticated:
        return redirect(_wanted() or url_for("pages.after_login"))
    return _send_off(next=_wanted())


def _wanted() -> str | None:
    """The requested destination, when it is a page of ours."""
    wanted = request.args.get("next") or ""
    return wanted if len(wanted) <= LONGEST_NEXT and validate_redirect_url(wanted) else None


def _send_off(anew=False, **plans):
    """Each tab has its own plans: which account to link, where to continue."""
    try:
        return provider.send_off(anew, {name: plan for name, plan in plans.items() if plan})
    except provider.Trouble as error:
        return trouble(error.kind)


@pages.get("/ben-jij-het/eid")
@auth_required()
def again():
    """Re-authentication with eID, at the provider."""
    return _send_off(anew=True, next=_wanted(), again=True)


@pages.get("/aanmelden-met-eid/terug")
def back():
    """The return from the provider: an account, an account to link, or a new person."""
    try:
        person, plans = provider.answer()
        return _inside(person, plans) if current_user.is_authenticated else _outside(person, plans)
    except provider.Trouble as error:
        onward = _here_already() if error.kind == "stale" else None
        if onward is None:
            return trouble(error.kind)
        _tell("here already")
        return redirect(onward)
    except identities.WithTeam as waiting:
        return trouble("team", str(waiting))
    except RuleError as error:
        return trouble("account", str(error))


def _here_already() -> str | None:
    """Where a logged-in user continues who opens an old return URL (the Back button, another tab)."""
    if current_user.is_authenticated:
        return url_for("pages.after_login")
    return url_for("eid.choice") if pending() else None


def _inside(person, plans):
    """A logged-in user links an eID, re-authenticates, or came back from another tab. Nobody becomes
    somebody else this way."""
    user = current_user._get_current_object()
    if plans.get("link") == user.id:
        return _link(user, person)
    known = identities.recognise(person, utcnow())
    if known is None or known.id != user.id:
        return trouble("other")
    _tell("known again")
    if plans.get("again"):
        logout_user()
        enter(known, person)
    return redirect(plans.get("next") or url_for("pages.after_login"))


def _outside(person, plans):
    """Log in a known person, or let a new one choose."""
    user = identities.recognise(person, utcnow())
    _tell("known" if user else "new")
    if user:
        enter(user, person)
        return redirect(plans.get("next") or url_for("pages.after_login"))
    registration.drop_draft(session.get(PENDING))
    _start_anew()
    session[PENDING] = registration.keep_draft(PENDING, person.plain(), utcnow(), PENDING_LASTS)
    session[provider.BY_EID] = True
    if OFFER in session:
        return redirect(url_for("take_over.offer", secret=session[OFFER]))
    return redirect(url_for("take_over.ask", pk=session[TAKE_OVER]) if TAKE_OVER in session else url_for("eid.choice"))


def _start_anew():
    """A new session, so that nobody who knew the old one shares the login; drafts and the logins of other tabs
    stay."""
    kept = {key: session[key] for key in (*KEPT, *provider.unfinished()) if key in session}
    session.clear()
    session.update(kept)


def enter(user: User, person: EidPerson):
    """Log in a user with eID."""
    registration.drop_draft(session.get(PENDING))
    _start_anew()
    g.acr = person.acr
    login_user(user, authn_via=["eid"])
    session[provider.BY_EID] = True


def pending() -> EidPerson | None:
    """The person who logged in with eID on this device and has no account yet; looked up once per request."""
    if "pending_eid" not in g:
        kept = registration.draft(session[PENDING], PENDING, utcnow()) if PENDING in session else None
        person = EidPerson.from_plain(kept) if kept else None
        g.pending_eid = person if person and provider.good_enough(person.acr) else None
    return g.pending_eid


@pages.get("/afgemeld")
def out():
    """After 'Afmelden': on to the provider, when the login was with eID."""
    if current_user.is_authenticated:
        abort(404)
    return provider.leave()


@pages.post("/registreren/met-eid/stoppen")
def stop():
    """'Afmelden' without an account: nothing is kept."""
    for draft in (PENDING, DRAFT):
        registration.drop_draft(session.get(draft))
    session.clear()
    session[provider.BY_EID] = True
    return provider.leave()


# ---- a new person


@pages.get("/registreren/met-eid")
def choice():
    return _page_of_new("public/eid_choice.html")


@pages.get("/registreren/met-eid/stageplaatsverantwoordelijke")
def manager():
    return _page_of_new("public/eid_manager.html")


def _page_of_new(template):
    person = pending()
    if person is None:
        return _begin_again()
    if person.birth_date and years_after(person.birth_date, MANAGER_LEAST_AGE) > local_date(utcnow()):
        return trouble("young")
    return render_template(template, person=person, minor=of_age(person.birth_date, utcnow()) is False)


def form_for(person: EidPerson, kind: type[site_forms.EidFields]):
    """A form of this class, which asks the birth date only when the eID does not give it, with what was typed
    before."""
    form = kind()
    if person.birth_date is not None:
        del form.birth_date
    fill_from_draft(form)
    return form


def _begin_again():
    if current_user.is_authenticated:
        return redirect(url_for("pages.after_login"))
    flash("Meld je eerst aan met eID. Dat blijft een uur geldig.", "note")
    return redirect(url_for("registration.choice"))


@pages.route("/registreren/met-eid/nieuw", methods=["GET", "POST"])
def new_site():
    """Manual 2.3.1: the applicant's details, the site, the declaration, 'Bevestigen'."""
    person = pending()
    if person is None:
        return _begin_again()
    form, made = form_for(person, NewSite), []

    def act(now):
        user, _ = joining.with_new_site(person, form.contact(), form.place(), site_forms.chosen_periods(form), now)
        made.append(user)
        return "Je aanvraag is verstuurd. Klik ook op de link in de e-mail die we je stuurden: zo bevestig je je e-mailadres."

    if form.validate_on_submit() and form.carry_out(act, None, utcnow()):
        return welcome(made, person, url_for("site.index_view", eigen=1))
    return site_page("public/eid_new_site.html", form, person=person)


def welcome(made: list[User], person: EidPerson, following: str):
    """After registering: drop the draft and log the new account in; also when the form was sent twice."""
    registration.drop_draft(session.pop(DRAFT, None))
    session.pop(TAKE_OVER, None)
    session.pop(OFFER, None)
    try:
        user = made[0] if made else identities.recognise(person, utcnow())
    except RuleError as error:
        return trouble("account", str(error))
    if user is None:
        return redirect(url_for("eid.choice"))
    enter(User.get_by_id(user.id), person)
    return redirect(following)


# ---- an account with a password


@pages.route("/eid-koppelen", methods=["GET", "POST"])
@auth_required()
def link():
    """Explains first what linking means, since it is final; then redirects to the provider."""
    user = current_user._get_current_object()
    if user.has_eid:
        return redirect(url_for("account.own_data"))
    form = KavoForm()
    if form.validate_on_submit():
        return _send_off(anew=True, link=user.id)
    must = user.must_link_eid(utcnow())
    since = f"Je bent {policy.adult_years} jaar of ouder. Vanaf nu" if must else "Daarna"
    return render_template("public/eid_link.html", form=form, user=user, must=must, since=since)


def _link(user, person):
    linked = identities.link(user, person, utcnow())
    _tell("linked" if linked else "with the team")
    if linked:
        logout_user()
        enter(User.get_by_id(user.id), person)
        flash("Je eID is gekoppeld. Vanaf nu meld je je aan met eID.", "good")
    else:
        flash(
            "Deze eID past niet bij je account. Het team Kadervorming kijkt het na. Je krijgt binnen "
            f"{dutch.span(LINK_DAYS)} een e-mail. Tot dan gebruik je je wachtwoord.",
            "note",
        )
    return redirect(url_for("pages.after_login"))
