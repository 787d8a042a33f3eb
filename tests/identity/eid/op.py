"""An OpenID Connect provider on loopback that gives any answer a test wants, correct or with a single fault, such as a careful
provider never sends."""

import base64
import hashlib
import json
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask, jsonify, request
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import JWSRegistry
from werkzeug.serving import make_server

from local import demo

CLIENT = "kavo-test"


def number(born, serial=100):
    """A made-up national number."""
    return demo.national_number(born, serial)


class Op:
    """`claims`: additional claims of the ID token; `fault`: the single fault (see `_token`)."""

    def __init__(self):
        self.key, self.kid = RSAKey.generate_key(2048), "one"
        self.other = RSAKey.generate_key(2048)
        self.claims, self.fault, self.codes, self.asked = {}, None, {}, []
        app = Flask("op")
        app.add_url_rule("/.well-known/openid-configuration", view_func=self._about, endpoint="about")
        app.add_url_rule("/jwks", view_func=self._keys, endpoint="keys")
        app.add_url_rule("/token", view_func=self._exchange, methods=["POST"], endpoint="token")
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()

    def settings(self) -> dict:
        """The tool's settings for this provider."""
        return {"KAVO_EID_ISSUER": self.issuer, "KAVO_EID_CLIENT_ID": CLIENT, "KAVO_EID_CLIENT_SECRET": "secret"}

    def rotate(self):
        """Replace the key, under a new name, as providers do now and then."""
        self.key, self.kid = RSAKey.generate_key(2048), self.kid + "+"

    def _about(self):
        algorithms = ["RS256", "none"] if self.fault == "alg none listed" else ["RS256"]
        issuer = "http://evil.example" if self.fault == "discovery issuer" else self.issuer
        return jsonify(
            issuer=issuer,
            authorization_endpoint=f"{self.issuer}/authorize",
            token_endpoint=f"{self.issuer}/token",
            jwks_uri=f"{self.issuer}/jwks",
            end_session_endpoint=f"{self.issuer}/end",
            id_token_signing_alg_values_supported=algorithms,
        )

    def _keys(self):
        if self.fault == "keys broken":
            return "no json", 200
        return jsonify(keys=[{**self.key.as_dict(private=False), "kid": self.kid, "use": "sig"}])

    def answer(self, location: str, **changes) -> str:
        """The path of the tool to which a browser sent to `location` returns; `changes`: to the query of that path."""
        requested = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self.asked.append(requested)
        code = f"code{len(self.asked)}"
        self.codes[code] = requested
        query = {"code": code, "state": requested["state"], **changes}
        query = {name: value for name, value in query.items() if value is not None}
        return f"{urlsplit(requested['redirect_uri']).path}?{urlencode(query)}"

    def _exchange(self):
        """The checks of a real token endpoint, then the response that the test wants."""
        asked = self.codes.pop(request.form.get("code"), None)
        verifier = request.form.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if self.fault == "server error":
            return "broken", 500
        if asked is None or digest != asked["code_challenge"] or asked["code_challenge_method"] != "S256":
            return jsonify(error="invalid_grant"), 400
        token = {"access_token": "access", "token_type": "Bearer", "expires_in": 60}
        if self.fault in ("no id_token", "userinfo", "id_token null", "id_token list"):
            claims = {"iss": self.issuer, "aud": CLIENT, "sub": "sub-1", "nonce": asked["nonce"], **self.claims}
            instead = {
                "userinfo": {"userinfo": claims},
                "id_token null": {"userinfo": claims, "id_token": None},
                "id_token list": {"userinfo": claims, "id_token": [claims]},
            }
            return jsonify(token | instead.get(self.fault, {}))
        return jsonify(**token, id_token=self._token(asked))

    def _token(self, asked) -> str:
        now, fault = int(time.time()), self.fault
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "sub-1",
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "acr": "urn:be:vlaanderen:authmech:eid",
            **self.claims,
        }
        wrong = {
            "issuer": {"iss": "http://evil.example"},
            "issuer slash": {"iss": self.issuer + "/"},
            "audience": {"aud": "other"},
            "audience and azp": {"aud": "other", "azp": CLIENT},
            "audiences": {"aud": [CLIENT, "other"], "azp": CLIENT},
            "nonce": {"nonce": "wrong"},
            "no nonce": {"nonce": None},
            "expired": {"exp": now - 45},
            "no exp": {"exp": None},
            "future": {"iat": now + 300},
            "not before": {"nbf": now + 300},
            "empty sub": {"sub": ""},
            "no sub": {"sub": None},
            "at_hash": {"at_hash": "wrong"},
            "no number": {"rrn": None},
            "bad number": {"rrn": "12345678901"},
            "number is a list": {"rrn": ["x"]},
            "exp is text": {"exp": "soon"},
        }
        claims = {name: value for name, value in {**claims, **wrong.get(fault, {})}.items() if value is not None}
        if fault in ("alg none", "alg none listed"):
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        if fault == "HS256":
            secret = OctKey.import_key(self.key.as_pem(private=False))
            return jwt.encode(
                {"alg": "HS256", "kid": self.kid}, claims, secret, registry=JWSRegistry(algorithms=["HS256"])
            )
        key = self.other if fault in ("foreign key", "embedded key") else self.key
        header = {"alg": "RS256", "kid": "unknown" if fault == "unknown kid" else self.kid}
        if fault == "embedded key":
            header["jwk"] = self.other.as_dict(private=False)
        payload = json.dumps(claims)  # in ASCII, so that lone surrogates travel as escapes
        made = jws.serialize_compact(
            header, payload, key, registry=JWSRegistry(algorithms=["RS256"], strict_check_header=False)
        )
        if fault == "bit flipped":
            head, body, signature = made.split(".")
            return f"{head}.{_part({**claims, 'sub': 'sub-2'})}.{signature}" if body else made
        return made


def _part(data) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()
