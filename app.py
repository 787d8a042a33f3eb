"""The application: settings, a database connection per request, log-in, back office, public pages, error pages."""

import logging
import secrets
import threading
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

from flask import Flask, Response, abort, current_app, g, message_flashed, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

import admin_views
import commands
import config
import dutch
import forms
import public_pages
from database import MAX_INTEGER, UNAVAILABLE, Conflict, database, readings, texts
from forms import messages, refusing, shown
from identity import eid, login, second_step
from models import policy
from operations import monitoring
from operations.serving import RETRY_SECONDS, ConcurrencyLimit
from operations.start_up import start_up
from scope import NotYours
from times import local_date, utcnow

log = logging.getLogger("kavo")
_thread = threading.local()
"""`own`: whether this thread opened its connection itself; in a test, the test did"""

REFERENCE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that sounds or looks like another
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'; form-action 'self' {eid}"
)
"""forms are submitted to this site only; after 'Afmelden' the browser goes on to the eID provider"""


def create_app(settings: config.Settings | None = None) -> Flask:
    """The application for these settings (default: from the environment). Opens no database connection yet."""
    settings = settings or config.load()
    app = Flask(__name__)
    app.config.update(
        KAVO=settings,
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.old_secret_keys),
        TRUSTED_HOSTS=settings.hosts,
        SESSION_COOKIE_NAME="__Host-kavo" if settings.production else "kavo",
        SESSION_COOKIE_SECURE=settings.production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE="nl",
        BABEL_DEFAULT_TIMEZONE="Europe/Brussels",
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    app.url_map.converters["int"] = RowNumber
    start_up(settings)

    _put_in_front(app, settings)
    app.before_request(_begin)
    content_policy = CONTENT_POLICY.format(eid=eid.origin(settings))
    app.after_request(lambda response: _protect(response, content_policy))
    app.teardown_request(_end)
    message_flashed.connect(_note_refusal, app)
    Babel(app)
    CSRFProtect(app)
    login.set_up(app, settings)
    eid.set_up(app, settings)
    admin_views.register(app)
    public_pages.register(app)
    commands.register(app)
    app.register_error_handler(Exception, _refuse)
    _extend_templates(app)
    return app


# workaround: too-large-for-sqlite
# Peewee 4.5.3 passes any number on; SQLite's driver raises OverflowError for one of 64 bits and more.
class RowNumber(IntegerConverter):
    """`<int:…>` in a route: a number too large for a column gives 404 without a query."""

    def __init__(self, url_map: Map, *args: Any, **kwargs: Any) -> None:
        super().__init__(url_map, *args, **{"max": MAX_INTEGER, **kwargs})


def _put_in_front(app: Flask, settings: config.Settings) -> None:
    """The layers around the application, from the inside out: the limit on requests at once, the proxy's headers, the probes."""
    gate = ConcurrencyLimit(app.wsgi_app)
    layers: WSGIApplication = gate
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        layers = ProxyFix(layers, x_for=hops, x_proto=hops)
    app.wsgi_app = monitoring.set_up(app, settings, gate, layers)  # type: ignore[method-assign]  # Flask's own way


def _extend_templates(app: Flask) -> None:
    """The names and filters that every template may use."""
    app.jinja_env.globals.update(
        phone=texts.OneLine(config.TEAM_PHONE),
        address=config.TEAM_ADDRESS,
        release=config.VERSION,
        policy=policy,
        now=utcnow,
        marked_here=_here,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.filters.update(
        problems=forms.problems,
        shape=forms.shape,
        is_optional=forms.is_optional,
        **shown.FILTERS,
        sentence=texts.in_html,
        **messages.FILTERS,
        near=_near,
        day=dutch.day,
        moment=dutch.moment,
        number=dutch.number,
        signed=dutch.signed,
        shown=dutch.shown,
        counted=dutch.counted,
        second_step=second_step.words,
        form_of=dutch.form_of,
        telephone=readings.shown_phone,
        span=dutch.span,
        in_words=dutch.in_words,
        status=lambda row: row.status(local_date(utcnow())),
    )


def _here(endpoint: str) -> str:
    """What `aria-current` says of a link to this page."""
    return "page" if request.endpoint == endpoint else ""


def _near(url: str) -> str:
    """A link relative to the current page, without the path that both share: a list has hundreds of links."""
    return url[len(request.path) :] if request.path.endswith("/") and url.startswith(request.path) else url


def _begin() -> None:
    """Give this request a reference and its own database connection. Raises 400 for malformed input."""
    letters = [secrets.choice(REFERENCE_LETTERS) for _ in range(8)]
    g.reference = "".join(letters[:4]) + "-" + "".join(letters[4:])
    _forget_broken_referrer()
    if request.endpoint != "static":
        try:  # read before connecting: a slow client must not hold a connection
            _room().read(request)
            # workaround: nameless-field
            # Werkzeug 3.1.9 puts a part of multipart/form-data without a name in the form, with None for its name.
            malformed = None in request.form or _is_broken(request.args) or _is_broken(request.form)
        finally:
            _close_own()
            _thread.own = database.connect(reuse_if_open=True)
        if malformed:
            abort(400)


def _room() -> forms.Room:
    """How much this request may send: what its view declares for users who are logged in, the default for everybody else."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "room", forms.Room()) if "_user_id" in session else forms.Room()


# workaround: broken-addresses
# Flask-WTF 1.3.0 and Flask-Security 5.9.2 let the ValueError of `urlsplit` through, for a Referer and for an address to go on to.
def _forget_broken_referrer() -> None:
    """Treat a malformed Referer, which no browser sends, as an absent one."""
    try:
        urlsplit(request.referrer or "")
    except ValueError:
        del request.environ["HTTP_REFERER"]


# workaround: broken-addresses
# As for `_forget_broken_referrer`: Flask-Security and Flask-Admin take the address to go on to apart.
def _is_broken(values: MultiDict[str, str]) -> bool:
    """Whether an address to redirect to is malformed."""
    try:
        for name in ("next", "url"):
            urlsplit(values.get(name, ""))
    except ValueError:
        return True
    return False


# workaround: streamed-twice
# Flask 3.1.3 tears a request with a streamed response down twice: before its body and after it.
def _close_own() -> None:
    """Return the connection that this thread opened for a request. A streamed response ends twice: the second time returns what
    it opened in between; a connection that another thread left open is returned before the next request."""
    if getattr(_thread, "own", False) and not database.is_closed():
        database.close()


def _note_refusal(app: Flask, message: str, category: str) -> None:
    """An action on rows reports its refusals as flashed warnings."""
    if category == "warn":
        refusing.note(message)


def _end(error: BaseException | None) -> None:
    refusing.count()
    _close_own()


def _protect(response: Response, content_policy: str) -> Response:
    """Set the security headers that every response carries."""
    headers = response.headers
    headers["Content-Security-Policy"] = content_policy
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.endpoint != "static":
        headers["Cache-Control"] = "no-store"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


REFUSALS = {
    400: (
        "Dit lukte niet",
        "Er klopte iets niet aan wat je browser stuurde. Ga terug, vernieuw de pagina en probeer het opnieuw.",
    ),
    403: ("Dit is niet voor jou", "Je hebt geen toegang tot deze pagina."),
    404: ("Deze pagina bestaat niet", "Misschien staat er een tikfout in het adres, of is de pagina verhuisd."),
    405: (
        "Dit kan zo niet",
        "Deze pagina kun je niet op deze manier openen. Ga terug en gebruik de knop op de pagina.",
    ),
    413: ("Dit is te veel in één keer", "Wat je stuurde is te groot. Maak het korter of kies minder rijen."),
    429: (
        "Even geduld",
        f"Je probeerde dit te vaak na elkaar. Wacht {policy.wait_minutes} minuten en probeer het opnieuw.",
    ),
}


def _refuse(error: Exception) -> ResponseReturnValue | HTTPException:
    """Show every refusal and every bug as a page in Dutch; the text of a bug goes to the log only."""
    error = getattr(error, "original_exception", None) or error  # raised while an error page was rendered
    if isinstance(error, SecurityError):  # an unknown host name: no URL can be built for a page
        return Response("Dit adres kennen we niet.", 400, mimetype="text/plain")
    if isinstance(error, NotYours):
        log.warning("refused: %s", error)
        return _page(404)
    if isinstance(error, Conflict):
        refusing.note(str(error))
        return _page(409, "Dit is intussen gewijzigd", str(error))
    if isinstance(error, CSRFError):
        title, text = refusing.CSRF.get(error.description, refusing.STALE)
        refusing.note(title)
        log.warning("refused", extra={"facts": {"status": 400, "why": error.description}})
        return _page(400, title, text)
    if isinstance(error, forms.TooMuch):
        log.warning("refused", extra={"facts": {"status": 413, "why": type(error).__name__}})
        return _page(413, text=error.description)
    if isinstance(error, HTTPException):
        if (error.code or 500) < 400:
            return error
        log.info("refused", extra={"facts": {"status": error.code, "why": type(error).__name__}})
        return _page(error.code or 500, error=error)
    log.error("unexpected error", exc_info=error)
    if isinstance(error, UNAVAILABLE):
        return _without_database("errors/503.html"), 503, {"Retry-After": str(RETRY_SECONDS)}
    return _page(500)


def _page(
    code: int, title: str | None = None, text: str | None = None, error: HTTPException | None = None
) -> ResponseReturnValue:
    default_title, default_text = REFUSALS.get(code, REFUSALS[400])
    if code >= 500:
        return _without_database("errors/500.html", code=code), code
    page = render_template("errors/refusal.html", code=code, title=title or default_title, text=text or default_text)
    methods = getattr(error, "valid_methods", None)
    return page, code, {"Allow": ", ".join(methods)} if methods else {}


def _without_database(template: str, **values: Any) -> str:
    """A page that needs no query, not even for the current user."""
    return current_app.jinja_env.get_template(template).render(**values)
