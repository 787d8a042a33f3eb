"""Logging in with eID: the OpenID Connect client (Authlib), stricter than its defaults, and what we keep of an answer.

The national number does not leave this module: it yields a keyed hash, to recognise the person, and the birth date."""

import hashlib
import hmac
import logging
from urllib.parse import urlencode, urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from flask import Flask, current_app, g, redirect, request, session, url_for
from joserfc.errors import BadSignatureError, JoseError
from requests import RequestException
from stdnum.be import bis, nn
from stdnum.exceptions import ValidationError

import config
from database.texts import tidy
from mails import links
from workflow.accounts.eid_answers import EidPerson

log = logging.getLogger("kavo.eid")

LEEWAY_SECONDS = 30  # allowed difference with the provider's clock
ANSWER_SECONDS = 5
ALGORITHM = "RS256"
NAME = "eid"
BY_EID = "by_eid"
"""session key: this login was with eID, so logging out continues at the provider"""
UNFINISHED = f"_state_{NAME}_"
"""prefix of session keys for logins in progress: one per tab"""
MOST_UNFINISHED = 4  # browsers drop cookies of more than 4096 bytes
ERRORS = {"access_denied": "cancelled", "invalid_scope": "scope"}
OTHER_ERRORS = {
    "server_error",
    "temporarily_unavailable",
    "login_required",
    "invalid_request",
    "invalid_grant",
    "invalid_client",
    "unauthorized_client",
    "unsupported_response_type",
}
"""errors that a provider may return; anything else is not repeated in a log"""
SUBJECT_LENGTH, NAME_LENGTH, ACR_LENGTH, VO_ID_LENGTH = 255, 100, 200, 100


class Trouble(Exception):
    """Logging in with eID did not work. `kind` says why: cancelled, stale, refused, scope, number, level, unfit or
    unreachable. `detail`, for the log, holds nothing of a person."""

    def __init__(self, kind: str, detail: str = ""):
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class StrictClient(FlaskOAuth2App):
    """Authlib's client with issuer and algorithm pinned, which fetches the keys again when they change."""

    issuer = ""

    # workaround: pinned-issuer
    # Authlib 1.9.9 believes whatever issuer and algorithms the metadata name.
    def load_server_metadata(self):
        """Pinned each time, so that no other thread sees fetched metadata before they are pinned."""
        metadata = super().load_server_metadata()
        if metadata.get("issuer") != self.issuer:
            metadata.pop("_loaded_at", None)
            raise Trouble("refused", "discovery names another issuer")
        return {**metadata, "id_token_signing_alg_values_supported": [ALGORITHM]}

    # workaround: signed-claims
    # Authlib 1.9.9 returns them as `userinfo` of the answer, where an answer without an ID token may hold anything.
    def parse_id_token(self, token, nonce, **options):
        """Keep the signed claims apart from the rest of the answer, which is not to be trusted."""
        try:
            g.eid_claims = super().parse_id_token(token, nonce, **options)
        # workaround: renewed-keys
        # Authlib 1.9.9 fetches the keys again for an unknown key id, but not for a new key under a known id.
        except BadSignatureError:
            self.fetch_jwk_set(force=True)
            g.eid_claims = super().parse_id_token(token, nonce, **options)
        return g.eid_claims


def set_up(app: Flask, settings: config.Settings):
    """Register the client; the provider is not contacted until somebody logs in."""
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
    """The provider's origin, for the content policy: logging out continues there."""
    parts = urlsplit(settings.eid_issuer)
    return f"{parts.scheme}://{parts.netloc}"


def _client() -> StrictClient:
    return current_app.extensions["authlib.integrations.flask_client"].create_client(NAME)


def _here(endpoint: str) -> str:
    """The full URL of a page of ours as the provider knows it; in development also under this machine's other name."""
    path = url_for(endpoint)
    return links.absolute_url(path) if current_app.config["KAVO"].production else request.url_root.rstrip("/") + path


def send_off(again: bool, plans: dict):
    """A redirect to the provider. `again`: force a new login there. `plans`: returned by `answer`, for what follows
    then. Raises Trouble."""
    _keep_few_unfinished()
    log.info("eid: off to the provider", extra={"facts": {"again": again, "link": "link" in plans}})
    return _attempt(lambda: _send_off({"prompt": "login"} if again else {}, plans))


def _send_off(options, plans):
    client, accepted = _client(), current_app.config["KAVO"].eid_acr
    if accepted:
        options["acr_values"] = " ".join(accepted)
    place = _here("eid.back")
    begun = client.create_authorization_url(place, **options)
    # workaround: address-in-the-cookie
    # Authlib 1.9.9 keeps the address beside all that it consists of: `authorize_redirect` fills the cookie with it.
    url = begun.pop("url")
    client.save_authorize_data(redirect_uri=place, **begun, plans=plans)
    return redirect(url)


def unfinished() -> list[str]:
    """Session keys of logins in progress, the oldest first."""
    return sorted((key for key in session if key.startswith(UNFINISHED)), key=lambda key: session[key]["exp"])


# workaround: unfinished-logins
# Authlib 1.9.9 keeps the state of logins that were never finished for an hour, and looks for old ones only when one is finished.
def _keep_few_unfinished():
    """Remove abandoned logins: each makes the cookie longer."""
    for key in unfinished()[: 1 - MOST_UNFINISHED]:
        session.pop(key)


def answer() -> tuple[EidPerson, dict]:
    """The person who came back from the provider, and the plans that they left with. Raises Trouble for anything wrong
    with the answer."""
    return _attempt(_answer)


def good_enough(acr: str) -> bool:
    """Whether we accept a login by these means (KAVO_EID_ACR)."""
    accepted = current_app.config["KAVO"].eid_acr
    return not accepted or acr in accepted


def _attempt(act):
    """Turn every failure of talking to the provider into Trouble."""
    try:
        return act()
    except Trouble as trouble:
        log.warning("eid: %s", trouble)
        raise
    except OAuthError as error:
        said = error.error if error.error in (*ERRORS, *OTHER_ERRORS) else "something unknown"
        log.warning("eid: the provider says %s", said)
        raise Trouble(ERRORS.get(said, "refused"), said) from error
    except RequestException as error:
        log.warning("eid: the provider does not answer: %s", type(error).__name__)
        raise Trouble("unreachable", type(error).__name__) from error
    # workaround: errors-of-authlib
    # Authlib 1.9.9 raises errors of Python, besides its own, for an answer in another shape than it expects.
    except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        log.warning("eid: answer refused: %s", type(error).__name__)
        raise Trouble("refused", type(error).__name__) from error


def _answer() -> tuple[EidPerson, dict]:
    client, begun = _client(), session.get(f"{UNFINISHED}{request.args.get('state')}")
    if begun is None:  # not requested here, or used already
        raise Trouble("stale", "state")
    named = request.args.get("iss")  # RFC 9207
    if named is not None and named != client.issuer:
        raise Trouble("refused", "the answer comes from another issuer")
    if named is None and client.load_server_metadata().get("authorization_response_iss_parameter_supported"):
        raise Trouble("refused", "the answer does not name its issuer")
    essential = {"essential": True}
    client.authorize_access_token(
        leeway=LEEWAY_SECONDS,
        claims_options={
            "iss": {"essential": True, "value": client.issuer},
            "sub": essential,
            "aud": essential,
            "exp": essential,
        },
    )
    claims = g.get("eid_claims")
    if not claims:
        raise Trouble("refused", "no ID token")
    if claims["aud"] not in (client.client_id, [client.client_id]) or not claims["sub"]:
        raise Trouble("refused", "audience or subject")
    person = _person(claims)
    if not good_enough(person.acr):
        raise Trouble("level", "the means of logging in")
    return person, begun["data"].get("plans", {})


def _person(claims) -> EidPerson:
    number = claims.get("rrn")
    number = number if isinstance(number, str) and number.isascii() else ""
    kind = next((kind for kind in (nn, bis) if kind.is_valid(number)), None)
    if kind is None:
        raise Trouble("number", "no national number")
    settings = current_app.config["KAVO"]
    hashes = {key_id(key): number_hash(kind.compact(number), key) for key in _lookup_keys(settings)}
    (newest, hashed), *former = hashes.items()
    organisation = " ".join(tidy(str(claims.get(name) or "")) for name in ("vo_orgcode", "vo_orgnaam"))
    return EidPerson(
        issuer=str(claims["iss"]),
        subject=_exactly(claims, "sub", SUBJECT_LENGTH),
        number_hash=hashed,
        key_id=newest,
        former=dict(former),
        first_name=_name(claims, "given_name"),
        last_name=_name(claims, "family_name"),
        birth_date=_birth_date(kind, number),
        acr=_exactly(claims, "acr", ACR_LENGTH),
        vo_id=_exactly(claims, "vo_id", VO_ID_LENGTH),
        vo_group=tidy(str(claims.get("vo_doelgroepcode") or ""))[:20],
        vo_organisation=organisation.strip()[:300],
    )


def _exactly(claims, name, most) -> str:
    """An identifying value, which must fit our column unchanged: tidied or cut, two could become equal."""
    value = claims.get(name) or ""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > most:
        raise Trouble("unfit", name)
    return value


def _name(claims, name) -> str:
    """A name as our forms accept it; one that is too long is not cut."""
    value = claims.get(name) or ""
    if not isinstance(value, str) or len(tidy(value)) > NAME_LENGTH:
        raise Trouble("unfit", name)
    return tidy(value)


def _birth_date(kind, number):
    """The birth date in the number; None when its month or day is 00, or the counter ran out."""
    try:
        return kind.get_birth_date(number)
    except ValidationError:
        return None


def number_hash(number: str, key: str) -> str:
    """The keyed hash that identifies a national number (11 digits)."""
    return hmac.new(key.encode(), b"rrn:" + number.encode(), hashlib.sha256).hexdigest()


def _lookup_keys(settings: config.Settings) -> tuple[str, ...]:
    """The present and former hashing keys, the newest first."""
    return settings.lookup_key, *settings.old_lookup_keys


def key_id(key: str) -> str:
    """An id of the key of a hash, so that the key can be replaced."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


# ---- logging out


def end_url() -> str | None:
    """The provider's logout URL; None when it has none. Without the ID token as a hint: it holds the
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
    """After logging out here: a redirect to the provider's own page when the login was with eID, else to the start
    page."""
    page = end_url() if session.pop(BY_EID, None) else None
    return redirect(page or url_for("pages.start"))
