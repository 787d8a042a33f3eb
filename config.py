"""All settings that differ between machines, read from the environment, with defaults for a laptop."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import click

PROJECT = Path(__file__).resolve().parent
VERSION = "1.0.0"
"""of this release; the top of CHANGELOG.md has the same. Major: an installation must do something before it upgrades"""

TEAM_PHONE = "02 553 69 73"
TEAM_ADDRESS = "kadervorming.cjm@vlaanderen.be"


CATCHER_PORTS = 25, 26  # above our port: where the local mail catcher receives mails, and where it shows them
EID_PORT = 27  # above our port: where the local eID provider listens
EID_MEANS = tuple(
    f"urn:be:vlaanderen:authmech:{means}"
    for means in ("eid", "eidashigh", "itsme", "csamtotp", "csamsms", "eidassubstantial")
)
"""means of authentication, strongest first, as the Flemish government names them"""
EID_LEAST = {"development": "", "production": EID_MEANS[3]}
"""the weakest means that we accept unless KAVO_EID_ACR says otherwise"""
EID_SCOPES = "openid profile rrn vo"
"""the scopes that we request from the log-in of the Flemish government; every request fails with a scope that was not granted"""

ADDRESSES = {
    "KAVO_DATABASE_URL": ("sqlite:///", "postgresql://", "postgres://"),
    "KAVO_QUEUE_URL": ("sqlite:///", "redis://", "rediss://", "unix://"),
    "KAVO_BASE_URL": ("http://", "https://"),
    "KAVO_EID_ISSUER": ("http://", "https://"),
    "KAVO_SENTRY_DSN": ("http://", "https://"),
}
"""the allowed beginnings of URLs; KAVO_SMTP_URL has its own rule"""


Environment = Mapping[str, str]


class SettingsError(click.ClickException):
    """A setting is missing or invalid; the text says which and what to do. A command prints it instead of a traceback."""


@dataclass(frozen=True)
class MailServer:
    """Where mails go. `tls`: 'smtps', 'starttls', or '' for none (only on this machine)."""

    host: str
    port: int
    tls: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Settings:
    """What `create_app` needs to know about the machine."""

    environment: str
    database_url: str
    queue_url: str
    host: str
    """the IP address on which the web server listens"""
    port: int
    base_url: str
    secret_key: str = field(repr=False)
    old_secret_keys: tuple[str, ...] = field(repr=False)
    """replaced keys: signatures made with them stay valid until they are removed here"""
    lookup_key: str = field(repr=False)
    old_lookup_keys: tuple[str, ...] = field(repr=False)
    """former keys: a number hashed with one of them is recognised, and rehashed with the present key at the next log-in"""
    mail_server: MailServer
    catcher: bool
    """whether mails go to the local catcher, because no mail server is set"""
    mail_from: str
    team_mail: str
    rate_limits: bool
    team_2fa: bool
    """whether those who see the data of many need a second step besides the password"""
    trusted_proxies: int
    eid_issuer: str
    eid_client_id: str
    eid_client_secret: str = field(repr=False)
    eid_scopes: str
    eid_acr: tuple[str, ...]
    """the means of authentication that we accept, as the provider names them; empty: all that the provider accepts"""
    metrics_token: str = field(repr=False)
    """the token with which Prometheus may read /metrics"""
    sentry_dsn: str = field(repr=False)
    replica_url: str = field(repr=False)
    """a replica of the database for exports; '' for the database itself"""
    backup_key: str
    """the public key (age1…) to encrypt backups with; '': not encrypted"""
    local_eid: bool
    """whether the local eID provider is used, because no other is set"""

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def hosts(self) -> list[str]:
        """The host names that requests may use; any other gets a 400."""
        name = urlsplit(self.base_url).hostname or ""
        return [name] if self.production else [name, "localhost", "127.0.0.1"]


def load(environ: Environment = os.environ) -> Settings:
    """Read the settings. Raises SettingsError when production lacks a setting or has one that is only suitable for a laptop."""
    environment = environ.get("KAVO_ENV", "development")
    if environment not in ("development", "production"):
        raise SettingsError(f"KAVO_ENV is '{environment}'; use 'development' or 'production'.")
    for name, starts in ADDRESSES.items():
        if (url := environ.get(name)) and not url.startswith(starts):
            raise SettingsError(f"{name} must start with {' or '.join(starts)}.")
    if environment == "production":
        _refuse_laptop_settings(environ)
    if environ.get("KAVO_REPLICA_URL") and not environ.get("KAVO_DATABASE_URL", "").startswith("postgres"):
        raise SettingsError("KAVO_REPLICA_URL is for PostgreSQL: KAVO_DATABASE_URL must start with postgresql:// too.")
    port = _number(environ, "KAVO_PORT", 8000, 1, 65535 - EID_PORT)
    return Settings(
        environment=environment,
        database_url=_under_project(environ.get("KAVO_DATABASE_URL", "sqlite:///instance/kavo.db")),
        queue_url=_under_project(environ.get("KAVO_QUEUE_URL", "sqlite:///instance/queue.db")),
        host=environ.get("KAVO_HOST", "127.0.0.1"),
        port=port,
        base_url=environ.get("KAVO_BASE_URL", f"http://localhost:{port}").rstrip("/"),
        secret_key=environ.get("KAVO_SECRET_KEY") or _kept("secret.key"),
        old_secret_keys=tuple(environ.get("KAVO_OLD_SECRET_KEYS", "").split()),
        lookup_key=environ.get("KAVO_LOOKUP_KEY") or _kept("lookup.key"),
        old_lookup_keys=tuple(environ.get("KAVO_OLD_LOOKUP_KEYS", "").split()),
        mail_server=_mail_server(environ.get("KAVO_SMTP_URL") or f"smtp://127.0.0.1:{port + CATCHER_PORTS[0]}"),
        catcher=not environ.get("KAVO_SMTP_URL"),
        mail_from=environ.get("KAVO_MAIL_FROM", "kavo@kavo.test"),
        team_mail=environ.get("KAVO_TEAM_MAIL", "team@kavo.test"),
        rate_limits=environ.get("KAVO_RATE_LIMITS", "on") != "off",
        team_2fa=environ.get("KAVO_TEAM_2FA", "1" if environment == "production" else "0") in ("1", "on"),
        trusted_proxies=_number(environ, "KAVO_TRUSTED_PROXIES", 0, 0, 10),
        eid_issuer=(environ.get("KAVO_EID_ISSUER") or f"http://localhost:{port + EID_PORT}").rstrip("/"),
        eid_client_id=environ.get("KAVO_EID_CLIENT_ID") or "kavo",
        eid_client_secret=environ.get("KAVO_EID_CLIENT_SECRET") or "only-for-the-local-provider",
        eid_scopes=environ.get("KAVO_EID_SCOPES") or EID_SCOPES,
        eid_acr=_accepted_means(
            environ.get("KAVO_EID_ACR", "").replace(",", " ").split() or EID_LEAST[environment].split()
        ),
        metrics_token=environ.get("KAVO_METRICS_TOKEN", ""),
        sentry_dsn=environ.get("KAVO_SENTRY_DSN", ""),
        replica_url=environ.get("KAVO_REPLICA_URL", ""),
        backup_key=environ.get("KAVO_BACKUP_KEY", ""),
        local_eid=not environ.get("KAVO_EID_ISSUER"),
    )


def _number(environ: Environment, name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingsError(f"{name} is '{text}'; use a number from {least} to {most}.")
    return int(text)


def _accepted_means(named: list[str]) -> tuple[str, ...]:
    """A single name is the weakest means: the stronger means that we know are accepted too. Several names: only those."""
    if len(named) == 1 and named[0] in EID_MEANS:
        return EID_MEANS[: EID_MEANS.index(named[0]) + 1]
    return tuple(named)


def _refuse_laptop_settings(environ: Environment) -> None:
    needed = (
        "KAVO_DATABASE_URL",
        "KAVO_QUEUE_URL",
        "KAVO_SMTP_URL",
        "KAVO_MAIL_FROM",
        "KAVO_TEAM_MAIL",
        "KAVO_BASE_URL",
        "KAVO_SECRET_KEY",
        "KAVO_LOOKUP_KEY",
        "KAVO_EID_ISSUER",
        "KAVO_EID_CLIENT_ID",
        "KAVO_EID_CLIENT_SECRET",
    )
    missing = [name for name in needed if not environ.get(name, "").strip()]
    if missing:
        raise SettingsError("KAVO_ENV=production needs these settings too: " + ", ".join(missing) + ".")
    if environ.get("KAVO_RATE_LIMITS") == "off":
        raise SettingsError("KAVO_RATE_LIMITS=off is not allowed in production. Leave it out.")
    if not environ["KAVO_BASE_URL"].startswith("https://"):
        raise SettingsError("KAVO_BASE_URL must start with https:// in production.")
    if not environ["KAVO_EID_ISSUER"].startswith("https://"):
        raise SettingsError("KAVO_EID_ISSUER must start with https:// in production.")
    short = [name for name in ("KAVO_SECRET_KEY", "KAVO_LOOKUP_KEY") if len(environ[name]) < 32]
    if short:
        raise SettingsError(f"{', '.join(short)}: use at least 32 random characters.")
    for name, newest in (("KAVO_OLD_SECRET_KEYS", "KAVO_SECRET_KEY"), ("KAVO_OLD_LOOKUP_KEYS", "KAVO_LOOKUP_KEY")):
        if any(len(key) < 32 for key in environ.get(name, "").split()):
            raise SettingsError(f"{name}: these are former values of {newest}, 32 characters or more each.")


def _mail_server(url: str) -> MailServer:
    """`smtp://user:pass@host:port?starttls=1` or `smtps://…`; without encryption only for a server on this machine."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise SettingsError("KAVO_SMTP_URL must look like smtp://host:25?starttls=1 or smtps://host:465.")
    tls = "smtps" if parts.scheme == "smtps" else "starttls" if parse_qs(parts.query).get("starttls") == ["1"] else ""
    if not tls and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise SettingsError("KAVO_SMTP_URL: mails to another machine need smtps:// or ?starttls=1.")
    port = parts.port or (465 if tls == "smtps" else 587 if tls else 25)
    return MailServer(parts.hostname, port, tls, unquote(parts.username or ""), unquote(parts.password or ""))


def _under_project(url: str) -> str:
    """Make `sqlite:///instance/kavo.db` a file below the project, whatever the current folder; `sqlite:////x` stays as it is."""
    start = "sqlite:///"
    if not url.startswith(start) or url.startswith(start + "/") or ":memory:" in url:
        return url
    return start + str(PROJECT / url.removeprefix(start))


def _kept(name: str) -> str:
    """A random key of this machine, created once and readable by its owner only."""
    path = PROJECT / "instance" / name
    try:
        return _created_once(path)
    except OSError as error:
        raise SettingsError(f"The folder {path.parent} cannot keep our keys: {error.strerror}.") from error


def _created_once(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
