"""Logging in without eID, on Flask-Security: password rule, limits, sessions in a table, mails to the outbox."""

import logging
from datetime import timedelta
from typing import cast

from flask import abort, flash, g, has_request_context, redirect, request, session, url_for
from flask_login import logout_user, user_logged_in, user_logged_out
from flask_security import (
    ChangePasswordForm,
    ForgotPasswordForm,
    LoginForm,
    MailUtil,
    PasswordUtil,
    Security,
    VerifyForm,
    current_user,
)
from flask_security.forms import EmailValidation, IsString, valid_user_email
from flask_security.signals import password_changed
from wtforms import EmailField, PasswordField

import audit
import config
import mails
from database import database, readings
from forms import required, same_as
from identity import eid, patches, second_step
from models import Passkey, Role, User, UserRole, passwords
from times import utcnow
from workflow import limits
from workflow.accounts import accounts, registration

log = logging.getLogger("kavo.login")

SESSION_KEY = "session"

WITHOUT_EID = {
    "static",
    "security.logout",
    "eid.link",
    "eid.log_in",
    "eid.back",
    "eid.out",
    "pages.help_page",
    "pages.faq",
    None,
}
"""pages for users who must link an eID first"""

BROWSERS = (
    ("Edg", "Edge"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


class Passwords(PasswordUtil):
    """Our password rule, wherever Flask-Security asks for one."""

    def normalize(self, password):
        """As typed: `User.verify_and_update_password` normalises it, and checks both forms."""
        return password

    def validate(self, password, is_register, **kwargs):
        user = kwargs.get("user") or User(email=kwargs.get("email") or "")
        problem = user.password_problem(password)
        return ([problem] if problem else None), passwords.normal(password)


class OutboxMail(MailUtil):
    """Put the one mail of Flask-Security that we use, about a new password, in the outbox with our text."""

    def normalize(self, email):
        """As we store it; an old account may have the other spelling of its domain."""
        user = User.of_address(email)
        return user.email if user else readings.known_email(email)

    validate = normalize

    def send_mail(self, template, subject, recipient, sender, body, html, **kwargs):
        mails.password_changed(kwargs["user"], utcnow())


def _password(label: str, *checks, kind="current-password") -> PasswordField:
    return PasswordField(label, [*checks, IsString()], render_kw={"autocomplete": kind})


class Login(LoginForm):
    """Logging in, with limits per account and per address; no 'remember me'."""

    remember = None  # how WTForms takes a field away
    email = EmailField(
        "E-mailadres",
        [required("Typ je e-mailadres."), IsString(), EmailValidation(verify=False)],
        render_kw={"autocomplete": "email"},
    )
    password = _password("Wachtwoord", required("Typ je wachtwoord."))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # workaround: link-below-password
        # Flask-Security 5.9.2 puts a link there, for which it has no setting; our page has its own.
        self.password.description = ""

    def validate(self, **kwargs):
        self.email.data = _typed_address(self)
        self.password.data = typed = passwords.cut(self.password.data)

        def validate():
            good = super(Login, self).validate(**kwargs)
            if not good and not (self.user and self.user.password):
                passwords.fits_nobody(typed)
            return good

        return _limited(self, self.email.data, validate)


class Verify(VerifyForm):
    """Re-authentication with the password."""

    password = _password("Wachtwoord", required("Typ je wachtwoord."))

    def validate(self, **kwargs):
        self.password.data = passwords.cut(self.password.data)
        return _limited(self, self.user.email, lambda: super(Verify, self).validate(**kwargs))


class Forgot(ForgotPasswordForm):
    """Asking for a link to choose a new password: at most N per hour, whether the address is known or not.
    Flask-Security then gives the same answer to everybody; `registration.forgot_password` decides which mail to send,
    with our own link."""

    email = EmailField(
        "E-mailadres",
        [required("Typ je e-mailadres."), IsString(), EmailValidation(verify=True), valid_user_email],
        render_kw={"autocomplete": "email"},
    )

    def validate(self, **kwargs):
        account = self.email.data = _typed_address(self)
        address, now = request.remote_addr or "", utcnow()
        asked = limits.claim("link", account, limits.LINKS_PER_ACCOUNT, now, limits.HOUR)
        if asked is None:
            self.form_errors.append(
                f"Voor dit e-mailadres is het laatste uur al {limits.LINKS_PER_ACCOUNT} keer een link gevraagd. "
                "Kijk in je mailbox, ook bij ongewenste e-mail, of wacht een uur."
            )
            return False
        if limits.claim("link", address, limits.LINKS_PER_ADDRESS, now, limits.HOUR) is None:
            asked.give_back()
            self.form_errors.append("Vanaf dit netwerk is het laatste uur te vaak een link gevraagd. Wacht een uur.")
            return False
        super().validate(**kwargs)
        if self.user is not None:
            registration.forgot_password(cast(User, self.user), now)
        return False


class ChangePassword(ChangePasswordForm):
    """Changing a known password."""

    password = _password("Huidig wachtwoord", required("Typ je huidige wachtwoord."))
    new_password = _password("Nieuw wachtwoord", required("Typ een nieuw wachtwoord."), kind="new-password")
    new_password_confirm = _password(
        "Nieuw wachtwoord herhalen",
        *same_as("new_password", "Typ je nieuwe wachtwoord nog eens."),
        kind="new-password",
    )

    @property
    def hint(self) -> str:
        """Which rule holds for this account."""
        return passwords.hint(current_user.least_password)

    def validate(self, **kwargs):
        for field in (self.password, self.new_password, self.new_password_confirm):
            field.data = passwords.cut(field.data)
        good = []

        def validate():
            if current_user.password:
                current_user.verify_and_update_password(
                    self.password.data
                )  # an older hash is replaced by one of the normal form
            for field in (self.password, self.new_password, self.new_password_confirm):
                field.data = passwords.normal(field.data or "")
            good.append(super(ChangePassword, self).validate(**kwargs))
            return good[0] or not self.password.errors  # a weak new password is no failed attempt

        return _limited(self, current_user.email, validate) and good[0]


def _typed_address(form) -> str:
    return readings.known_email(form.email.data)


def _limited(form, account: str, validate) -> bool:
    """Run `validate()`, unless there were too many wrong passwords for this account or from this address: then the
    form says so."""
    now, address = utcnow(), request.remote_addr or ""
    by_account = limits.claim("account", account, limits.WRONG_PASSWORDS_PER_ACCOUNT, now)
    if by_account is None:
        return _too_often(form, "dit e-mailadres")
    by_address = limits.claim("address", address, limits.WRONG_PASSWORDS_PER_ADDRESS, now)
    if by_address is None:
        by_account.give_back()
        return _too_often(form, "dit netwerk")
    if validate():
        by_address.give_back()
        limits.forget("account", account)
        return True
    log.info("password refused")
    return False


def _too_often(form, what) -> bool:
    minutes = int(limits.WINDOW.total_seconds() // 60)
    form.form_errors.append(
        f"Voor {what} was het wachtwoord te vaak fout. Wacht {minutes} minuten, of kies ‘Wachtwoord vergeten?’."
    )
    log.warning("login limit reached")
    return False


def set_up(app, settings: config.Settings):
    """Register Flask-Security, and our table of sessions beside its cookie."""
    _configure(app, settings)
    second_step.configure(app, settings)
    app.security = Security(
        app,
        second_step.Accounts(database, User, Role, UserRole, Passkey),
        login_form=Login,
        forgot_password_form=Forgot,
        verify_form=Verify,
        change_password_form=ChangePassword,
        two_factor_verify_code_form=second_step.CodeForm,
        wan_register_form=second_step.PasskeyForm,
        mf_recovery_form=second_step.EmergencyForm,
        totp_cls=second_step.OnceOnly,
        password_util_cls=Passwords,
        mail_util_cls=OutboxMail,
    )
    patches.put_on(app, app.security)
    second_step.set_up(app)
    app.permanent_session_lifetime = timedelta(hours=12)
    user_logged_in.connect(_logged_in, app)
    user_logged_out.connect(_logged_out, app)
    password_changed.connect(_password_chosen, app)
    app.before_request(_end_closed_session)
    app.before_request(_lead_to_eid)


def _configure(app, settings):
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH=True,
        SECURITY_PASSWORD_CONFIRM_REQUIRED=True,
        SECURITY_LOGIN_URL="/aanmelden",
        SECURITY_LOGOUT_URL="/afmelden",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_RECOVERABLE=True,
        SECURITY_RESET_URL="/wachtwoord-vergeten",
        SECURITY_CHANGEABLE=True,
        SECURITY_CHANGE_URL="/wachtwoord-wijzigen",
        SECURITY_POST_LOGIN_VIEW="/na-aanmelden",
        SECURITY_POST_LOGOUT_VIEW="/afgemeld",
        SECURITY_POST_CHANGE_VIEW="/mijn-gegevens",
        SECURITY_UNAUTHORIZED_VIEW=None,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False, "test_environment": True},
        SECURITY_EMAIL_SENDER=settings.mail_from,
        # workaround: dutch-of-flask-security
        # Flask-Security 5.9.2 lacks the Dutch of most of its texts.
        SECURITY_I18N_DIRNAME=["builtin", str(config.PROJECT / "translations")],
        SECURITY_FLASH_MESSAGES=True,
        SECURITY_DEFAULT_HTTP_AUTH_REALM="Kadervormingstool",
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_TOKEN_MAX_AGE=1,
        SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS=False,
    )


def _logged_in(app, user):
    session.pop(eid.BY_EID, None)
    session[SESSION_KEY] = accounts.open_session(user, _device(), utcnow(), g.get("acr", ""))
    log.info("logged in", extra={"facts": {"user": user.id}})


def _device() -> str:
    """The browser and the kind of machine in words, and no more than that: 'Chrome op Android'."""
    agent = request.user_agent.string
    browser = next((name for mark, name in BROWSERS if mark in agent), "Een browser")
    system = next((name for mark, name in SYSTEMS if mark in agent), "een onbekend toestel")
    return f"{browser} op {system}"


def _logged_out(app, user):
    if SESSION_KEY in session:
        accounts.end_session(session.pop(SESSION_KEY), utcnow())
        log.info("logged out")


def _password_chosen(app, user, **kwargs):
    """A new password ends every session; the browser that changed it gets a new one."""
    now = utcnow()
    here = has_request_context() and current_user.is_authenticated
    accounts.end_sessions(user, user, now)
    audit.record(user, "user.password", user, at=now)
    if here:
        session[SESSION_KEY] = accounts.open_session(user, _device(), now)


def _end_closed_session():
    """A cookie alone is not enough: the session must still be open in the table."""
    if request.endpoint == "static" or not current_user.is_authenticated:
        return
    user = current_user._get_current_object()
    if not accounts.session_holds(session.get(SESSION_KEY), user, utcnow()):
        logout_user()
        flash("Je bent afgemeld omdat je een tijd niets deed. Meld je opnieuw aan.", "note")


def _lead_to_eid():
    """A site manager who is 18 continues only with eID (domain rule 1): nearly every page leads to linking one."""
    if request.endpoint in WITHOUT_EID or not current_user.is_authenticated:
        return None
    if request.endpoint == "security.change_password" and current_user.password is None:
        abort(404)  # choosing eID is final, and a first password needs a link
    if current_user.must_link_eid(utcnow()):
        return redirect(url_for("eid.link"))
    return None
