"""The own account: a first password by link, 'Mijn gegevens', 'Overal afmelden'."""

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask_login import logout_user
from flask_security import auth_required, current_user, hash_password
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo

import login
from database import RuleError
from forms import KavoForm, Length, required
from people import UserSession
from times import utcnow
from workflow import accounts

account = Blueprint("account", __name__)


class FirstPassword(KavoForm):
    password = PasswordField(
        "Wachtwoord",
        [required("Typ een wachtwoord.")],
        description=login.PASSWORD_HINT,
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        "Wachtwoord herhalen",
        [EqualTo("password", "Typ twee keer hetzelfde wachtwoord.")],
        render_kw={"autocomplete": "new-password"},
    )


class OwnData(KavoForm):
    first_name = StringField(
        "Voornaam", [required("Typ je voornaam."), Length(max=100)], render_kw={"autocomplete": "given-name"}
    )
    last_name = StringField(
        "Naam", [required("Typ je naam."), Length(max=100)], render_kw={"autocomplete": "family-name"}
    )
    phone = StringField("Telefoonnummer", [Length(max=30)], render_kw={"autocomplete": "tel", "inputmode": "tel"})


@account.route("/wachtwoord-kiezen/<secret>", methods=["GET", "POST"])
def choose_password(secret):
    """GET shows the form, POST uses the link up: who merely opens it changes nothing."""
    token = accounts.password_token(secret, utcnow())
    if token is None:
        return render_template("public/link_used.html"), 410
    form = FirstPassword()
    if form.validate_on_submit():
        user = token.user
        problem = login.password_problem(form.password.data, user.email, (user.first_name, user.last_name))
        if problem:
            form.refuse(RuleError(problem, "password"))
        else:
            try:
                accounts.choose_password(secret, hash_password(form.password.data), utcnow())
            except RuleError:
                return render_template("public/link_used.html"), 410
            flash("Je wachtwoord is bewaard. Je kunt je nu aanmelden.", "good")
            return redirect(url_for("security.login"))
    return render_template("public/choose_password.html", form=form, email=token.user.email)


@account.route("/mijn-gegevens", methods=["GET", "POST"])
@auth_required()
def own_data():
    user = current_user._get_current_object()
    form = OwnData(obj=user)
    if form.validate_on_submit():
        values = {name: form[name].data for name in ("first_name", "last_name", "phone")}

        def act(now):
            accounts.change_own_data(user, now, **values)
            return "Je gegevens zijn bewaard."

        if form.carry_out(act, user, utcnow()):
            return redirect(url_for("account.own_data"))
    sessions = user.sessions.where(
        UserSession.ended_at.is_null(), UserSession.seen_at > utcnow() - accounts.SESSION_IDLE
    )
    return render_template(
        "public/own_data.html", form=form, user=user, sessions=sessions.order_by(UserSession.seen_at.desc())
    )


@account.post("/overal-afmelden")
@auth_required()
def sign_out_everywhere():
    user = current_user._get_current_object()
    ended = accounts.end_sessions(user, user, utcnow())
    logout_user()
    session.pop(login.SESSION_KEY, None)
    flash(f"Je bent overal afgemeld ({ended} toestel{'len' if ended != 1 else ''}).", "good")
    return redirect(url_for("pages.start"))
