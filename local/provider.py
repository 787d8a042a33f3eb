"""The local eID provider of `make run`: an OpenID Connect provider (Authlib's server) where one click logs in as a
made-up person It listens to this machine only, and refuses to start in production. `python -m local.provider`"""

import os
import secrets
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

os.environ.setdefault("AUTHLIB_INSECURE_TRANSPORT", "1")  # loopback only

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode, UserInfo
from flask import Flask, jsonify, redirect, render_template, request
from joserfc.jwk import RSAKey
from waitress import serve

import config
from database import connect_to, database
from local import demo
from times import utcnow

CODE_SECONDS = 60
KEY_BITS = 2048
ACR = "urn:be:vlaanderen:authmech:eid"
HERE = "127.0.0.1"


@dataclass
class Client(ClientMixin):
    """The Kadervormingstool, as this provider knows it."""

    client_id: str
    secret: str
    scopes: set[str]
    places: set[str]
    """origins of the tool, under each of its names: scheme://host:port"""

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return " ".join(one for one in (scope or "").split() if one in self.scopes)

    def check_redirect_uri(self, redirect_uri):
        parts = urlsplit(redirect_uri)
        return f"{parts.scheme}://{parts.netloc}" in self.places

    def check_client_secret(self, client_secret):
        return secrets.compare_digest(client_secret, self.secret)

    def check_endpoint_auth_method(self, method, endpoint):
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):
    """A code that can be exchanged once, within CODE_SECONDS."""

    code: str
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    person: object
    made: float = field(default_factory=time.monotonic)

    def is_expired(self):
        return time.monotonic() - self.made > CODE_SECONDS

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return int(time.time())

    def get_acr(self):
        return ACR

    def get_amr(self):
        return None


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]
    codes: dict[str, Code] = {}

    def save_authorization_code(self, code, request):
        asked = request.payload.data
        self.codes[code] = Code(
            code,
            request.client.client_id,
            asked["redirect_uri"],
            request.payload.scope,
            asked.get("nonce", ""),
            asked["code_challenge"],
            asked["code_challenge_method"],
            request.user,
        )

    def query_authorization_code(self, code, client):
        found = self.codes.pop(code, None)
        return found if found and found.client_id == client.client_id and not found.is_expired() else None

    def delete_authorization_code(self, authorization_code):
        """Nothing to delete: looking it up removed it."""

    def authenticate_user(self, authorization_code):
        return authorization_code.person


class IdToken(OpenIDCode):
    """The ID token holds the claims, like that of the Flemish government."""

    def __init__(self, issuer: str, key: RSAKey):
        super().__init__(require_nonce=True)
        self.issuer, self.key = issuer, key

    def exists_nonce(self, nonce, request):
        return any(code.nonce == nonce for code in CodeGrant.codes.values())

    def resolve_client_private_key(self, client):
        return self.key

    def get_client_claims(self, client):
        return {"iss": self.issuer, "aud": client.client_id, "azp": client.client_id}

    def get_encode_header(self, client):
        return {"alg": "RS256", "kid": self.key.kid}

    def generate_user_info(self, user, scope):
        claims = UserInfo(sub=user.subject)
        if "profile" in scope:
            claims.update(given_name=user.first_name, family_name=user.last_name)
        if "rrn" in scope:
            claims["rrn"] = user.number
        if "vo" in scope:
            claims.update(vo_id=f"vo-{user.subject}", vo_doelgroepcode="BUR")
        return claims


class StrictChallenge(CodeChallenge):
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]


def make_provider(settings: config.Settings) -> Flask:
    """The provider for the tool of these settings. Raises SettingsError in production."""
    if settings.production:
        raise config.SettingsError("The local eID provider is not for production.")
    app, issuer = Flask("provider", root_path=str(config.PROJECT)), settings.eid_issuer
    key = RSAKey.generate_key(KEY_BITS, auto_kid=True)
    client = _client(settings)
    server = AuthorizationServer(
        app,
        query_client=lambda name: client if name == client.client_id else None,
        save_token=lambda token, asked: None,
    )
    server.register_grant(CodeGrant, [IdToken(issuer, key), StrictChallenge(required=True)])
    app.add_url_rule(
        "/.well-known/openid-configuration", view_func=lambda: jsonify(_metadata(issuer, client)), endpoint="about"
    )
    app.add_url_rule(
        "/sleutels",
        view_func=lambda: jsonify(keys=[key.as_dict(private=False, alg="RS256", use="sig")]),
        endpoint="keys",
    )
    app.add_url_rule("/code", view_func=server.create_token_response, methods=["POST"], endpoint="token")

    @app.route("/aanmelden", methods=["GET", "POST"])
    def log_in():
        """The page to pick a person; 'Annuleren' goes back with an error, like the real provider."""
        people = _people()
        try:
            grant = server.get_consent_grant(end_user=None)
        except OAuth2Error as error:
            return render_template("provider/refused.html", error=error.error), 400
        # workaround: refusal-in-plain-letters
        # Authlib 1.9.9 raises ValueError instead of its refusal when that would repeat a letter that OAuth does not allow.
        except ValueError:
            return render_template("provider/refused.html", error="invalid_request"), 400
        if request.method == "GET":
            return render_template("provider/choose.html", people=people.values())
        person = people.get(request.form.get("person", ""))
        return server.create_authorization_response(grant_user=person, grant=grant)

    @app.get("/afmelden")
    def log_out():
        back = request.args.get("post_logout_redirect_uri", "")
        known = request.args.get("client_id") == client.client_id and client.check_redirect_uri(back)
        return redirect(back) if known else render_template("provider/refused.html", error="post_logout_redirect_uri")

    return app


def _client(settings) -> Client:
    addresses = {settings.base_url, *(f"http://{name}:{settings.port}" for name in ("localhost", HERE))}
    return Client(settings.eid_client_id, settings.eid_client_secret, set(settings.eid_scopes.split()), addresses)


def _metadata(issuer, client):
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/aanmelden",
        "token_endpoint": f"{issuer}/code",
        "jwks_uri": f"{issuer}/sleutels",
        "end_session_endpoint": f"{issuer}/afmelden",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": sorted(client.scopes),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }


def _people() -> dict[str, demo.EidCard]:
    """The persons who can log in, by subject."""
    with database.connection_context():
        return {card.subject: card for card in demo.eid_cards(utcnow())}


def main():
    settings = config.load()
    connect_to(settings.database_url)
    serve(make_provider(settings), host=HERE, port=urlsplit(settings.eid_issuer).port, threads=2, ident=None)


if __name__ == "__main__":
    try:
        main()
    except config.SettingsError as error:
        sys.exit(str(error))
