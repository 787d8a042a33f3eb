"""The second step when logging in with a password: codes of an app, passkeys, recovery codes; on Flask-Security."""

import base64
import hmac
import io
from datetime import timedelta
from typing import Any

import qrcode
import qrcode.image.svg
from flask import abort, current_app, redirect, request, session, url_for
from flask_security import PeeweeUserDatastore, Totp, TwoFactorVerifyCodeForm, current_user
from flask_security.forms import IsString
from flask_security.recovery_codes import MfRecoveryForm
from flask_security.utils import check_and_update_authn_fresh
from flask_security.webauthn import WebAuthnRegisterForm
from markupsafe import Markup
from passlib.exc import UsedTokenError
from passlib.totp import TOTP, AppWallet
from wtforms import StringField

import config
from database.texts import has_text, tidy
from forms import detours, required
from identity import eid
from models import Passkey, User, declare
from times import utcnow
from workflow import limits
from workflow.accounts import second_steps

WRONG_CODES = 5  # per account in limits.WINDOW, as for passwords
CODE_LASTS = 30  # seconds before and after its own half minute in which a code is accepted
FRESH = timedelta(minutes=15)
declare(fresh_minutes=lambda: int(FRESH.total_seconds() // 60))
"""how long a log-in counts as recent; after that, sensitive pages require re-authentication"""
GRACE = timedelta(minutes=15)

WHILE_MISSING = {
    "security.logout",
    "eid.out",
    "pages.help_page",
    "pages.faq",
    "pages.accessibility",
    "pages.privacy_page",
    "security.wan_register",
    "security.wan_register_response",
    "security.verify",
    "security.mf_recovery_codes",
    "account.sign_out_everywhere",
    None,
}
"""pages for users who must set up a second step first, besides those that do so"""
# workaround: pages-of-setting-up
# Flask-Security 5.9.2 sets an app up with a token in the address that holds its secret, and throws it away after one wrong code.
NOT_OURS = (
    "security.two_factor_setup",
    "security.two_factor_setup_validate",
    "security.two_factor_rescue",
    "security.wan_delete",
)
"""pages of Flask-Security that ours replace: theirs keep a secret in an address, and throw it away after one wrong
code"""
WITH_PASSWORD = (
    "security.wan_register",
    "security.wan_register_response",
    "security.mf_recovery_codes",
    "security.verify",
)
"""pages that are for who logs in with a password"""


# workaround: one-time-codes
# Flask-Security 5.9.2 accepts a code as often as it is sent: `get_last_counter` and `set_last_counter` are empty.
class OnceOnly(Totp):
    """Codes of an app, each good once: the number of the last one is kept with the account."""

    def __init__(self, secrets, issuer):
        # workaround: newest-totp-key
        # Flask-Security 5.9.2 lets passlib choose the key for new secrets: the greatest name, where ours is the first.
        self._totp = TOTP.using(issuer=issuer, wallet=AppWallet(secrets, default_tag=next(iter(secrets))))

    def verify_totp(self, token, totp_secret, user, window=0):
        try:
            return super().verify_totp(token, totp_secret, user, window)
        # workaround: lost-totp-key
        # Flask-Security 5.9.2 lets the KeyError through for a secret whose key was taken out.
        except (KeyError, ValueError):
            return False

    def get_last_counter(self, user):
        return user.tf_counter

    def set_last_counter(self, user, tmatch):
        """Raises UsedTokenError, as for a code that was used before, when somebody else used it in the same instant."""
        if not second_steps.use_code(user, tmatch.counter):
            raise UsedTokenError

    def generate_qrcode(self, username, totp):
        """The picture as SVG for in the page itself, which the content policy allows."""
        image = qrcode.make(self.get_totp_uri(username, totp), image_factory=qrcode.image.svg.SvgPathImage, border=2)
        drawn = io.BytesIO()
        image.save(drawn)
        text = drawn.getvalue().decode()
        return Markup(text[text.index("<svg") :])  # noqa: S704 - drawn by us: squares and numbers only


class Accounts(PeeweeUserDatastore):
    """Flask-Security's way to our tables; a change of somebody's second step is told and written down."""

    def create_webauthn(self, user, **values):  # type: ignore[override]  # Flask-Security passes them by name
        second_steps.add_passkey(user, utcnow(), lambda: super(Accounts, self).create_webauthn(user, **values))

    def mf_set_recovery_codes(self, user, rcs):
        second_steps.keep_codes(user, rcs, utcnow())

    # workaround: emergency-codes
    # Flask-Security 5.9.2 takes a code out of the list in place, which Peewee with `only_save_dirty` does not save.
    def mf_delete_recovery_code(self, user, idx):
        return True  # EmergencyForm took it out already, where nobody else can use it in the same instant


class _Limited:
    """A form with a code, mixed into one of Flask-Security: after too many wrong codes it asks to wait."""

    code: Any
    user: Any
    EMPTY: str

    def validate(self, **kwargs):
        self.code.data = (self.code.data or "").replace(" ", "").strip().lower()[:40]
        if not self.code.data:
            self.code.errors = [self.EMPTY]
            return False
        now, name = utcnow(), str(self.user.id)
        tried = limits.claim("second_step", name, WRONG_CODES, now)
        if tried is None:
            minutes = int(limits.WINDOW.total_seconds() // 60)
            self.code.errors = [f"De code was te vaak fout. Wacht {minutes} minuten en probeer het dan opnieuw."]
            return False
        if self.check_code(**kwargs):
            tried.give_back()
            return True
        self.code.errors = ["Deze code klopt niet, of is al gebruikt. Typ de nieuwste code."]
        return False

    def check_code(self, **kwargs):
        return super().validate(**kwargs)  # type: ignore[misc]  # of the form that it is mixed into


class CodeForm(_Limited, TwoFactorVerifyCodeForm):
    EMPTY = "Typ de code die de app toont."
    code = StringField(
        "Code van 6 cijfers",
        [required(EMPTY), IsString()],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric"},
    )


class PasskeyForm(WebAuthnRegisterForm):
    """A name for a passkey that is to be made."""

    name = StringField(
        "Naam van de passkey",
        [required(Passkey.name.required), IsString()],
        description="Zodat je ze later herkent. Bijvoorbeeld: mijn telefoon.",
    )

    def validate(self, **kwargs):
        if current_user.webauthn.count() >= second_steps.MOST_PASSKEYS:
            self.name.errors = [second_steps.TOO_MANY]
            return False
        self.name.data = tidy(self.name.data or "")
        if not has_text(self.name.data):
            self.name.errors = [Passkey.name.required]
            return False
        return super().validate(**kwargs)


class EmergencyForm(_Limited, MfRecoveryForm):
    EMPTY = "Typ een van je noodcodes."
    code = StringField("Noodcode", [required(EMPTY), IsString()], render_kw={"autocomplete": "off"})

    def check_code(self, **kwargs):
        if not super().check_code(**kwargs):
            return False
        # workaround: emergency-codes
        # Flask-Security 5.9.2 has no public way to find which stored code was typed.
        opened = current_app.extensions["security"].mf_recovery_codes_util._decrypt_codes
        kept = next(one for one in self.user.mf_recovery_codes if opened([one]) == [self.code.data])
        return second_steps.use_emergency_code(self.user, kept, utcnow())


def words(method: str) -> str:
    """How one confirms by a method of Flask-Security, as its page says it."""
    return "Met de code van je app" if method == "authenticator" else "Met een passkey"


def configure(app, settings: config.Settings):
    """What Flask-Security must know of it, before it is put on the app."""
    keys = [settings.secret_key, *settings.old_secret_keys]
    app.config.update(
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_REQUIRED=settings.team_2fa,
        SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
        SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY=CODE_LASTS,
        SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL="/aanmelden/code",
        SECURITY_TWO_FACTOR_SELECT_URL="/aanmelden/tweede-stap",
        SECURITY_TWO_FACTOR_POST_SETUP_VIEW="/tweede-stap/",
        SECURITY_TOTP_SECRETS={_tag(key): _derived(key, "totp") for key in keys},
        SECURITY_TOTP_ISSUER="Kadervormingstool",
        SECURITY_WEBAUTHN=True,
        SECURITY_WAN_ALLOW_AS_FIRST_FACTOR=False,
        SECURITY_WAN_ALLOW_USER_HINTS=True,  # a key need not keep who it is for: the password told that
        SECURITY_WAN_RP_NAME="Kadervormingstool",
        SECURITY_WAN_REGISTER_URL="/tweede-stap/passkey",
        SECURITY_WAN_SIGNIN_URL="/aanmelden/passkey",
        SECURITY_WAN_DELETE_URL="/tweede-stap/passkey-weg",
        SECURITY_WAN_VERIFY_URL="/ben-jij-het/passkey",
        SECURITY_WAN_POST_REGISTER_VIEW="/tweede-stap/",
        SECURITY_MULTI_FACTOR_RECOVERY_CODES=True,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_N=8,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS=[_derived(key, "recovery") for key in keys],
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL="/tweede-stap/noodcodes",
        SECURITY_MULTI_FACTOR_RECOVERY_URL="/aanmelden/noodcode",
        SECURITY_VERIFY_URL="/ben-jij-het",
        SECURITY_FRESHNESS=FRESH,
        SECURITY_FRESHNESS_GRACE_PERIOD=GRACE,
    )


def set_up(app):
    """After Flask-Security: our own way to show who one is, and what to do about a second step that is missing."""
    app.security.reauthn_handler(lambda within, grace: reauthenticate())
    app.before_request(_lead)


def _tag(key: str) -> str:
    return hmac.new(key.encode(), b"tag", "sha256").hexdigest()[:8]


def _derived(key: str, purpose: str) -> str:
    """A key for one purpose, made of the secret key; in the form that Fernet asks for."""
    return base64.urlsafe_b64encode(hmac.digest(key.encode(), purpose.encode(), "sha256")).decode()


def must_set_up(user: User) -> bool:
    """Whether this person goes on only after setting up a second step; an eID is one by itself."""
    demanded = user.check_tf_required_setup() and user.password is not None and not session.get(eid.BY_EID)
    return demanded and not user.has_second_step


def _lead():
    """Somebody who must set up a second step is led there; a page with a code is for who is logging in."""
    endpoint = request.endpoint
    if endpoint == "static":  # whoever logged in is asked of the database, and a picture needs no connection
        return None
    if endpoint in NOT_OURS:
        abort(404)
    if not current_user.is_authenticated:
        return None
    if endpoint in WITH_PASSWORD and current_user.password is None:
        abort(404)
    # workaround: code-page-logs-out
    # Flask-Security 5.9.2 ends the session of a user who opens this page while logged in.
    if endpoint == "security.two_factor_token_validation":
        return redirect(url_for("pages.after_login"))
    own = endpoint in WHILE_MISSING or (endpoint or "").startswith("second_step.")
    if not own and must_set_up(current_user):
        return redirect(url_for("second_step.index"))
    return None


def is_fresh() -> bool:
    """Whether this person showed a moment ago who it is: by logging in, or once more."""
    return check_and_update_authn_fresh(FRESH, GRACE)


ASKING = {"security.verify", "security.wan_verify", "security.login", "eid.again", "eid.back", "account.onward"}
"""pages that only ask something on the way: nobody comes back to them"""


def reauthenticate():
    """Redirect to re-authentication; afterwards one comes to the page that one opened, or to what one sent."""
    back = request.full_path.rstrip("?")
    if request.method == "POST":
        back = detours.keep(current_user.id, utcnow()) or url_for("account.onward")
    where = "eid.again" if session.get(eid.BY_EID) or current_user.password is None else "security.verify"
    return redirect(url_for(where, next=back))
