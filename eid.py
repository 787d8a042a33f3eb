"""Logging in with eID: the OpenID Connect client (Authlib), stricter than its defaults, and what we keep of an answer.

The national number does not leave this module: of it come a keyed hash, to recognise the person, and the birth date."""

import hashlib
import hmac
import logging
from urllib.parse import urlencode, urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from flask import Flask, current_app, redirect, request, session, url_for
from joserfc.errors import BadSignatureError, JoseError
from requests import RequestException
from stdnum.be import bis, nn
from stdnum.exceptions import ValidationError

import config
import links
from workflow.identities import EidPerson

log = logging.getLogger("kavo.eid")

LEEWAY_SECONDS = 30  # how far the clock of the provider may be off
ANSWER_SECONDS = 5
ALGORITHM = "RS256"
NAME = "eid"
BY_EID = "by_eid"
"""in the session: this login was with eID, so logging out goes on at the provider"""


class Trouble(Exception):
    """Logging in with eID did not work. `kind` says why: cancelled, stale, refused, scope, number or unreachable."""

    def __init__(self, kind: str, detail: str = ""):
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class StrictClient(FlaskOAuth2App):
    """Authlib's client, but with the issuer and the algorithm pinned, and with the keys fetched anew when they changed."""

    issuer = ""

    def load_server_metadata(self):
        """Pinned each time, so that no request of another thread sees what was just fetched before it is."""
        metadata = super().load_server_metadata()
        if metadata.get("issuer") != self.issuer:
            metadata.pop("_loaded_at", None)
            raise Trouble("refused", "discovery names another issuer")
        return {**metadata, "id_token_signing_alg_values_supported": [ALGORITHM]}

    def parse_id_token(self, token, nonce, **options):
        try:
            return super().parse_id_token(token, nonce, **options)
        except BadSignatureError:
            self.fetch_jwk_set(force=True)
            return super().parse_id_token(token, nonce, **options)


def set_up(app: Flask, settings: config.Settings):
    """Put the client on the app; the provider is asked nothing until somebody logs in."""
    client = OAuth(app).register(
        NAME,
        client_cls=StrictClient,
        client_id=settings.eid_client_id,
        client_secret=settings.eid_client_secret,
        server_metadata_url=f"{settings.eid_issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": settings.eid_scopes, "code_challenge_method": "S256", "timeout": ANSWER_SECONDS},
    )
    client.issuer = settings.eid_issuer


def origin(settings: config.Settings) -> str:
    """Where the provider lives, for the content policy: logging out goes on there."""
    parts = urlsplit(settings.eid_issuer)
    return f"{parts.scheme}://{parts.netloc}"


def _client() -> StrictClient:
    return current_app.extensions["authlib.integrations.flask_client"].create_client(NAME)


def _here(endpoint: str) -> str:
    """The full address of a page of ours as the provider knows it; on a laptop also by the other name of this machine."""
    path = url_for(endpoint)
    return links.full(path) if current_app.config["KAVO"].production else request.url_root.rstrip("/") + path


def send_off(again: bool = False):
    """A redirect to the provider. `again`: let the person log in there anew. Raises Trouble."""
    _forget_unfinished()
    options = {"prompt": "login"} if again else {}
    return _attempt(lambda: _client().authorize_redirect(_here("eid.back"), **options))


def answer() -> EidPerson:
    """Who came back from the provider. Raises Trouble for whatever is wrong with the answer."""
    return _attempt(_answer)


def _attempt(act):
    """Run what speaks with the provider; all that can go wrong there becomes Trouble."""
    try:
        return act()
    except Trouble as trouble:
        log.warning("eid: %s", trouble)
        raise
    except OAuthError as error:
        kind = {"access_denied": "cancelled", "invalid_scope": "scope"}.get(error.error, "refused")
        log.warning("eid: the provider says %s", error.error)
        raise Trouble(kind, str(error.error)) from error
    except RequestException as error:
        log.warning("eid: the provider does not answer: %s", type(error).__name__)
        raise Trouble("unreachable", type(error).__name__) from error
    except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        log.warning("eid: answer refused: %s", type(error).__name__)
        raise Trouble("refused", type(error).__name__) from error


def _answer() -> EidPerson:
    client = _client()
    if f"_state_{NAME}_{request.args.get('state')}" not in session:  # nobody here asked for this answer
        raise Trouble("stale", "state")
    named = request.args.get("iss")  # RFC 9207
    if named is not None and named != client.issuer:
        raise Trouble("refused", "the answer comes from another issuer")
    if named is None and client.load_server_metadata().get("authorization_response_iss_parameter_supported"):
        raise Trouble("refused", "the answer does not name its issuer")
    essential = {"essential": True}
    token = client.authorize_access_token(
        leeway=LEEWAY_SECONDS,
        claims_options={
            "iss": {"essential": True, "value": client.issuer}, "sub": essential, "aud": essential, "exp": essential,
        },
    )  # fmt: skip
    claims = token.get("userinfo")
    if not claims:
        raise Trouble("refused", "no ID token")
    if claims["aud"] not in (client.client_id, [client.client_id]) or not claims["sub"]:
        raise Trouble("refused", "audience or subject")
    return _person(claims)


def _person(claims) -> EidPerson:
    number = str(claims.get("rrn") or "")
    kind = next((kind for kind in (nn, bis) if kind.is_valid(number)), None)
    if kind is None:
        raise Trouble("number", "no national number")
    key = current_app.config["KAVO"].lookup_key
    organisation = " ".join(str(claims.get(name) or "") for name in ("vo_orgcode", "vo_orgnaam"))
    return EidPerson(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"])[:255],
        number_hash=number_hash(kind.compact(number), key),
        key_id=key_id(key),
        first_name=" ".join(str(claims.get("given_name") or "").split())[:100],
        last_name=" ".join(str(claims.get("family_name") or "").split())[:100],
        birth_date=_birth_date(kind, number),
        acr=str(claims.get("acr") or "")[:200],
        vo_id=str(claims.get("vo_id") or "")[:100],
        vo_group=str(claims.get("vo_doelgroepcode") or "")[:20],
        vo_organisation=organisation.strip()[:300],
    )


def _birth_date(kind, number):
    """The birth date that the number tells; None when its month or day is 00, or the counter ran out."""
    try:
        return kind.get_birth_date(number)
    except ValidationError:
        return None


def number_hash(number: str, key: str) -> str:
    """By what a national number (11 digits) is recognised."""
    return hmac.new(key.encode(), b"rrn:" + number.encode(), hashlib.sha256).hexdigest()


def key_id(key: str) -> str:
    """Which key made a hash, so that it can be changed one day."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


# ---- out again


def end_url() -> str | None:
    """Where logging out goes on at the provider; None when it has no such page. Without the ID token as a hint: it holds the
    national number, which belongs in no URL."""
    client = _client()
    try:
        page = _attempt(client.load_server_metadata).get("end_session_endpoint")
    except Trouble:
        return None
    if not page or not page.startswith(origin(current_app.config["KAVO"])):
        return None
    back = {"client_id": client.client_id, "post_logout_redirect_uri": _here("pages.start")}
    return f"{page}{'&' if '?' in page else '?'}{urlencode(back)}"


def leave():
    """After logging out here: a redirect to the provider's own page when the login was with eID, else to the start page."""
    page = end_url() if session.pop(BY_EID, None) else None
    return redirect(page or url_for("pages.start"))


def _forget_unfinished():
    """Logins that were begun and left: each would make the cookie longer."""
    for key in [key for key in session if key.startswith(f"_state_{NAME}_")]:
        session.pop(key)
