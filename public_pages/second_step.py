"""'Tweede stap': setting up a second step, and re-authentication."""

from flask import Blueprint, abort, current_app, flash, redirect, render_template, session, url_for
from flask_security import auth_required, current_user
from passlib.exc import MalformedTokenError, TokenError
from wtforms import StringField
from wtforms.validators import Length

from database import RuleError
from forms import KavoForm, required
from identity import second_step
from models import Passkey
from times import utcnow
from workflow.accounts import second_steps

pages = Blueprint("second_step", __name__, url_prefix="/tweede-stap")

NEW_APP = "new_app"
"""session key: the encrypted secret of an app that is being set up, until a code proves that it works"""


class AppForm(KavoForm):
    code = StringField(
        "Code van 6 cijfers",
        [required("Typ de code die de app toont."), Length(max=40)],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric"},
    )


@pages.before_request
@auth_required()
def _only_with_password():
    """Users with eID have a second step there; every change here requires re-authentication."""
    if current_user.password is None:
        abort(404)
    return None if second_step.is_fresh() else second_step.reauthenticate()


@pages.get("/")
def index():
    user = current_user._get_current_object()
    codes = len(user.mf_recovery_codes or ())
    return render_template(
        "public/second_step.html",
        user=user,
        passkeys=list(user.webauthn.order_by(Passkey.name)),
        form=KavoForm(),
        codes=codes,
        codes_words=f"Je hebt nog {codes} noodcode{'' if codes == 1 else 's'}.",
        must=second_step.must_set_up(user),
        demanded=user.check_tf_required_setup(),
    )


@pages.route("/app", methods=["GET", "POST"])
def app():
    """The QR code for the app, and the code that proves that it works; the QR code stays the same after a wrong one."""
    user, codes, form = current_user._get_current_object(), current_app.extensions["security"].totp_factory, AppForm()
    secret = session.setdefault(NEW_APP, codes.generate_totp_secret())
    try:
        shown = codes.fetch_setup_values(secret, user)
    except (KeyError, TypeError, ValueError):  # of a key that was removed meanwhile
        session.pop(NEW_APP)
        return redirect(url_for("second_step.app"))
    if form.validate_on_submit():
        counter = _proved(secret, form.code.data)
        if counter is None:
            form.refuse(
                RuleError(
                    "Deze code klopt niet. Kijk of de klok van je toestel juist staat, en typ de nieuwste code.", "code"
                )
            )
        elif form.carry_out(lambda now: second_steps.keep_app(user, secret, counter, now), user, utcnow()):
            session.pop(NEW_APP)
            flash(
                "Je app is ingesteld. Bewaar nu je noodcodes: daarmee kom je binnen als je je toestel kwijt bent.",
                "good",
            )
            return redirect(url_for("second_step.index"))
    return render_template("public/second_step_app.html", form=form, picture=shown["image"], key=shown["key"])


def _proved(secret: str, code: str) -> int | None:
    """The counter of a valid code, or None."""
    factory = current_app.extensions["security"].totp_factory
    try:
        return factory._totp.verify(code.replace(" ", ""), secret, window=second_step.CODE_LASTS).counter
    except (TokenError, MalformedTokenError):
        return None


@pages.post("/app-weg")
def remove_app():
    return _carry_out(lambda user, now: second_steps.remove_app(user, now), "De app met codes is verwijderd.")


@pages.post("/passkey-weg/<int:pk>")
def remove_passkey(pk):
    passkey = Passkey.get_or_none(Passkey.id == pk, Passkey.user == current_user.id) or abort(404)
    return _carry_out(lambda user, now: second_steps.remove_passkey(passkey, user, now), "De passkey is verwijderd.")


def _carry_out(act, done: str):
    user, form = current_user._get_current_object(), KavoForm()
    if not form.carry_out(lambda now: act(user, now) or done, user, utcnow()):
        for text in form.form_errors:
            flash(str(text), "warn")
    return redirect(url_for("second_step.index"))
