"""The application: settings, database per request, login, back office, public pages, refusals."""

import logging
import secrets
import threading
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, message_flashed, render_template, request, session
from flask_babel import Babel
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

import admin_views
import commands
import config
import dutch
import forms
import mails
import public_pages
import tasks
from database import (
    MAX_INTEGER,
    UNAVAILABLE,
    Conflict,
    checkpoint_keys,
    connect_to,
    database,
    read_from,
    readings,
    texts,
)
from forms import refusing, shown
from identity import eid, login
from mails import links
from models import policy
from operations import logs, monitoring
from operations.serving import RETRY_SECONDS, Gate
from scope import NotYours
from times import local_date, utcnow
from workflow import limits

log = logging.getLogger("kavo")
_thread = threading.local()
"""`own`: whether this thread opened the connection that it has; a test has its own"""

REFERENCE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is mistaken for another on the phone
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'; form-action 'self' {eid}"
)
"""forms go to ourselves alone; after 'Afmelden' the browser goes on to the eID provider"""


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
    gate = app.wsgi_app = Gate(app.wsgi_app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)
    logs.set_up(settings)
    connect_to(settings.database_url)
    read_from(settings.replica_url)
    limits.set_up(settings.rate_limits, settings.lookup_key)
    links.set_up(settings)
    checkpoint_keys.set_up(settings)
    mails.set_up(settings)
    tasks.ring_the_worker(settings)

    monitoring.set_up(app, settings, gate)
    app.before_request(_begin)
    policy = CONTENT_POLICY.format(eid=eid.origin(settings))
    app.after_request(lambda response: _protect(response, policy))
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
    _give_words(app)
    return app


class RowNumber(IntegerConverter):
    """`<int:…>` in a route: a number that no column holds is no page, before a database is asked."""

    def __init__(self, url_map, *args, **kwargs):
        super().__init__(url_map, *args, **{"max": MAX_INTEGER, **kwargs})


def _give_words(app: Flask):
    """What every template may use."""
    app.jinja_env.globals.update(
        phone=texts.OneLine(config.TEAM_PHONE),
        address=config.TEAM_ADDRESS,
        policy=policy,
        now=utcnow,
        here=_here,
    )
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.filters.update(
        problems=forms.problems,
        shape=forms.shape,
        may_be_left_out=forms.may_be_left_out,
        **shown.FILTERS,
        sentence=texts.in_html,
        tone=lambda category: TONES.get(category, ""),
        near=_near,
        day=dutch.day,
        moment=dutch.moment,
        number=dutch.number,
        signed=dutch.signed,
        shown=dutch.shown,
        counted=dutch.counted,
        telephone=readings.shown_phone,
        span=dutch.span,
        in_words=dutch.in_words,
        status=lambda row: row.status(local_date(utcnow())),
    )


TONES = {"good": "good", "success": "good", "warn": "warn", "error": "warn", "danger": "warn"}
"""category of a message, as we or Flask-Security name it → its colour"""


def _here(endpoint: str) -> str:
    """What `aria-current` says of a link to this page."""
    return "page" if request.endpoint == endpoint else ""


def _near(url: str) -> str:
    """A link as it is written on the present page: without the path that both share. A list has hundreds of them."""
    return url[len(request.path) :] if request.path.endswith("/") and url.startswith(request.path) else url


def _begin():
    """A reference for this request, and its own database connection."""
    letters = [secrets.choice(REFERENCE_LETTERS) for _ in range(8)]
    g.reference = "".join(letters[:4]) + "-" + "".join(letters[4:])
    _forget_broken_referrer()
    if request.endpoint != "static":
        try:  # read now: a client that sends slowly must not hold a connection meanwhile
            _room().read(request)
            wrong = None in request.form or _is_broken(request.args) or _is_broken(request.form)
        finally:
            _close_own()
            _thread.own = database.connect(reuse_if_open=True)
        if wrong:
            abort(400)


def _room() -> forms.Room:
    """How much this request may send: what its view declares, for who is logged in; the usual for anybody else."""
    view = current_app.view_functions.get(request.endpoint)
    return getattr(view, "room", forms.Room()) if "_user_id" in session else forms.Room()


def _forget_broken_referrer():
    """No browser tells an address that is none; whoever does gets the answer of one who tells nothing."""
    try:
        urlsplit(request.referrer or "")
    except ValueError:
        del request.environ["HTTP_REFERER"]


def _is_broken(sent) -> bool:
    """Whether an address to go on to is none at all."""
    try:
        for name in ("next", "url"):
            urlsplit(sent.get(name, ""))
    except ValueError:
        return True
    return False


def _close_own():
    """Give back the connection that this thread opened for a request. An answer that streams ends twice: what it opened in
    between is given back the second time, and what ended elsewhere before the next request."""
    if getattr(_thread, "own", False) and not database.is_closed():
        database.close()


def _note_refusal(app, message, category):
    """What an action on rows refuses is told by a message."""
    if category == "warn":
        refusing.note(message)


def _end(error):
    refusing.count()
    _close_own()


def _protect(response, policy):
    """The headers that every answer bears."""
    headers = response.headers
    headers["Content-Security-Policy"] = policy
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


def _refuse(error):
    """Every refusal and every bug as a page in Dutch; of a bug the text is only in the log."""
    error = getattr(error, "original_exception", None) or error  # what went wrong while a refusal was written
    if isinstance(error, SecurityError):  # a host name that is not ours: no page of ours can be built for it
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
        return _page(error.code or 500, response=error)
    log.error("unexpected error", exc_info=error)
    if isinstance(error, UNAVAILABLE):
        return _standing_alone("errors/503.html"), 503, {"Retry-After": RETRY_SECONDS}
    return _page(500)


def _page(code, title=None, text=None, response=None):
    known = REFUSALS.get(code, REFUSALS[400])
    if code >= 500:
        return _standing_alone("errors/500.html", code=code), code
    page = render_template("errors/refusal.html", code=code, title=title or known[0], text=text or known[1])
    headers = {"Allow": ", ".join(response.valid_methods)} if getattr(response, "valid_methods", None) else {}
    return page, code, headers


def _standing_alone(template, **values) -> str:
    """A page that asks nothing of the database, not even who is logged in."""
    return current_app.jinja_env.get_template(template).render(**values)
