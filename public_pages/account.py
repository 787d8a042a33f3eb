"""The user's account: a first password by link, 'Mijn gegevens', 'Overal afmelden', and the evaluations they gave."""

from flask import Blueprint, abort, flash, redirect, render_template, session, url_for
from flask_login import logout_user
from flask_security import auth_required, current_user
from wtforms import PasswordField
from wtforms.validators import Length

import scope
from admin_kit.cells import Cell, facts, line
from admin_kit.exports import personal_data_file
from database import RuleError
from forms import EmailField, KavoForm, PhoneField, detours, required, same_as, site_forms
from identity import login, second_step
from mails import links
from models import RESULTS, Evaluation, Participant, Placement, Site, Trajectory, UserSession, passwords
from public_pages.mailed_links import opened
from times import utcnow
from workflow import limits
from workflow.accounts import accounts, confirmation
from workflow.privacy import subject_access

account = Blueprint("account", __name__)

NEW_ADDRESS, ADDRESSES_AN_HOUR = "new_address", 5  # each gets a mail


class FirstPassword(KavoForm):
    password = PasswordField(
        "Wachtwoord",
        [required("Typ een wachtwoord.")],
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        "Wachtwoord herhalen",
        same_as("password", "Typ je wachtwoord nog eens."),
        render_kw={"autocomplete": "new-password"},
    )


class OwnData(site_forms.NameFields):
    email = EmailField(
        "E-mailadres", [required("Typ je e-mailadres."), Length(max=254)], render_kw={"autocomplete": "email"}
    )
    phone = PhoneField("Telefoonnummer", render_kw={"autocomplete": "tel"})


@account.route("/wachtwoord-kiezen/<secret>", methods=["GET", "POST"])
def choose_password(secret):
    """A first password, or a new one. GET shows the form, POST uses the link up: merely opening it changes nothing."""
    user = opened(secret, links.PASSWORD, links.RESET).owner
    form = FirstPassword()
    form.password.description = passwords.hint(user.least_password)
    if form.validate_on_submit():
        if problem := user.password_problem(form.password.data):
            form.refuse(RuleError(problem, "password"))
        else:
            try:
                accounts.choose_password(secret, passwords.hashed(form.password.data), utcnow())
            except RuleError:  # somebody else was first
                opened(secret)
            flash("Je wachtwoord is bewaard. Je kunt je nu aanmelden.", "good")
            return redirect(url_for("security.login"))
    return render_template("public/choose_password.html", form=form, email=user.email)


@account.route("/mijn-gegevens", methods=["GET", "POST"])
@auth_required()
def own_data():
    """A new address counts once its owner follows the link mailed to it; a name from an eID is fixed."""
    user = current_user._get_current_object()
    form = OwnData(obj=user)
    form.email.keep(user.shown_email)
    if not form.is_typed:
        form.email.data = user.shown_email
        form.one_name.data = bool(user.last_name and not user.first_name)
    if user.has_eid:
        del form.first_name, form.last_name, form.one_name
    if form.validate_on_submit():
        if form.email.data != user.shown_email and not second_step.is_fresh():
            return second_step.reauthenticate()
        values = {name: form[name].data for name in ("first_name", "last_name", "phone") if name in form}
        email = form.email.data

        def act(now):
            fresh = accounts.change_own_data(user, now, **values)
            if email == user.shown_email:
                return "Je gegevens zijn bewaard."
            if limits.claim(NEW_ADDRESS, str(user.id), ADDRESSES_AN_HOUR, now, limits.HOUR) is None:
                raise RuleError("Je gaf het laatste uur al een paar andere adressen op. Wacht een uur.", "email")
            confirmation.claim(fresh, email, now)
            return (
                f"Je gegevens zijn bewaard. We stuurden een link naar {email}. Klik erop, dan is dat je nieuwe adres."
            )

        if form.carry_out(act, user, utcnow()):
            return redirect(url_for("account.own_data"))
    sessions = user.sessions.where(
        UserSession.ended_at.is_null(), UserSession.seen_at > utcnow() - accounts.SESSION_IDLE
    )
    here = accounts.hashed(session.get(login.SESSION_KEY, ""))
    return render_template(
        "public/own_data.html",
        form=form,
        user=user,
        sessions=sessions.order_by(UserSession.seen_at.desc()),
        here=here,
        gave=Evaluation.select().where(Evaluation.by == user).exists(),
        facts=facts(
            ("Voornaam en naam", Cell(str(user), "van je eID") if user.has_eid else ""),
            ("Geboortedatum", user.birth_date),
            ("Rol", Cell(user.role_label, always=True)),
        ),
        waits=user.claimed_email or not user.confirmed_at,
        meanwhile=f" Tot dan gebruiken we {user.email}." if user.claimed_email and user.confirmed_at else "",
        eid_words=_eid_words(user),
        second_step=HAS_SECOND_STEP if user.has_second_step else NO_SECOND_STEP,
    )


HAS_SECOND_STEP = {
    "words": "Ingesteld: bij je wachtwoord hoort nog een code of een passkey.",
    "label": "Tweede stap wijzigen",
}
NO_SECOND_STEP = {
    "words": "Stel een code of passkey in. Dan is je wachtwoord alleen niet genoeg.",
    "label": "Tweede stap instellen",
}


def _eid_words(user) -> str:
    """How eID goes with this account."""
    if user.has_eid:
        return "Je meldt je aan met eID."
    offer = "Meld je je liever aan met eID of itsme? Koppel je eID aan dit account."
    gone = " Daarna kun je niet meer aanmelden met je wachtwoord."
    return f"{offer}{gone}" if user.is_plain_manager and user.password else offer


@account.get("/verder")
@auth_required()
def onward():
    """After re-authentication: what was sent before is still there, and one click sends it."""
    kept = detours.kept(current_user.id, utcnow())
    return render_template("public/onward.html", **kept) if kept else redirect(url_for("pages.after_login"))


@account.post("/adres-bevestigen")
@auth_required()
def mail_again():
    """Mail the link that confirms the address again."""
    user, form = current_user._get_current_object(), KavoForm()
    waits = user.claimed_email or user.confirmed_at is None
    if waits and form.carry_out(lambda now: confirmation.claim(user, user.shown_email, now), user, utcnow()):
        flash(f"We stuurden een nieuwe link naar {user.shown_email}. Kijk ook bij ongewenste e-mail.", "good")
    return redirect(url_for("account.own_data"))


@account.get("/mijn-gegevens/alles")
@auth_required()
def insight_page():
    """Everything that we keep about the user."""
    by = current_user._get_current_object()
    if not second_step.is_fresh():
        return second_step.reauthenticate()
    found = subject_access.give(by, by, utcnow())
    return render_template(
        "insight.html", who="jou", parts=subject_access.readable(found), download=url_for("account.insight_data")
    )


@account.get("/mijn-gegevens/alles.json")
@auth_required()
def insight_data():
    by = current_user._get_current_object()
    return (
        personal_data_file(subject_access.give(by, by, utcnow()))
        if second_step.is_fresh()
        else second_step.reauthenticate()
    )


MOST_EVALUATIONS = 100


@account.get("/mijn-beoordelingen")
@auth_required()
def evaluations():
    """The evaluations that the user gave, also at sites that somebody else manages by now."""
    rows = _own_evaluations().order_by(Evaluation.at.desc(), Evaluation.id.desc()).limit(MOST_EVALUATIONS)
    lines = [_evaluation_line(row) for row in rows]
    titles = ["Deelnemer", "Stageplaats", "Resultaat", "Gegeven op"]
    are_cut = len(lines) == MOST_EVALUATIONS
    return render_template("public/evaluations.html", rows=lines, titles=titles, are_cut=are_cut)


def _evaluation_line(row) -> list[Cell]:
    """Who, where, how it ended, and when."""
    placement, good = row.placement, row.result == "positive"
    who = Cell(str(placement.trajectory.participant), url=url_for("account.evaluation", pk=row.id))
    result = Cell(RESULTS[row.result], state="good" if good else "bad")
    return line(who, str(placement.site), result, row.at)


@account.get("/mijn-beoordelingen/<int:pk>")
@auth_required()
def evaluation(pk):
    row = _own_evaluations().where(Evaluation.id == pk).first() or abort(404)
    return render_template(
        "public/evaluation.html",
        row=row,
        facts=facts(
            ("Resultaat", RESULTS[row.result]),
            ("Gepresteerde uren", str(row.hours_done), "num"),
            ("Begindatum", row.starts_on),
            ("Einddatum", row.ends_on),
            ("Stagebegeleider", row.mentor),
            ("Motivering", row.motivation, "lines"),
            ("Opmerkingen", row.remarks, "lines"),
        ),
    )


def _own_evaluations():
    by = current_user._get_current_object()
    query = Evaluation.select(Evaluation, Placement, Site, Trajectory, Participant).join(Placement).join(Site)
    query = query.switch(Placement).join(Trajectory).join(Participant)
    return query.where(scope.own(by, Evaluation), Evaluation.by == by)


@account.post("/sessie-afmelden/<int:pk>")
@auth_required()
def sign_out_there(pk):
    """End a session on another device."""
    user = current_user._get_current_object()
    if not accounts.end_own_session(user, pk, utcnow()):
        abort(404)
    flash("Op dat toestel ben je afgemeld.", "good")
    return redirect(url_for("account.own_data"))


@account.post("/overal-afmelden")
@auth_required()
def sign_out_everywhere():
    user = current_user._get_current_object()
    ended = accounts.end_sessions(user, user, utcnow())
    logout_user()
    session.pop(login.SESSION_KEY, None)
    flash(f"Je bent overal afgemeld ({ended} toestel{'len' if ended != 1 else ''}).", "good")
    return redirect(url_for("eid.out"))
