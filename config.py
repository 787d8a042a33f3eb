"""Every value that differs per machine, read from the environment, with defaults fit for a laptop."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import click

PROJECT = Path(__file__).resolve().parent
VERSION = "1.0.0"
"""of this release; the top of CHANGELOG.md has the same. Major: an installation must do something before it upgrades"""

TEAM_PHONE = "02 553 69 73"
TEAM_ADDRESS = "kadervorming.cjm@vlaanderen.be"


CATCHER_PORTS = 25, 26  # beyond the own port: where the local mail catcher takes mails, and where it shows them
EID_PORT = 27  # beyond the own port: where the local eID provider answers
EID_MEANS = tuple(
    f"urn:be:vlaanderen:authmech:{means}"
    for means in ("eid", "eidashigh", "itsme", "csamtotp", "csamsms", "eidassubstantial")
)
"""means of logging in by falling level, as the Flemish government names them"""
EID_LEAST = {"development": "", "production": EID_MEANS[3]}
"""the least that we accept unless KAVO_EID_ACR says otherwise"""
EID_SCOPES = "openid profile rrn vo"
"""what we ask of the login of the Flemish government; a scope that was not granted makes every request fail"""

ADDRESSES = {
    "KAVO_DATABASE_URL": ("sqlite:///", "postgresql://", "postgres://"),
    "KAVO_QUEUE_URL": ("sqlite:///", "redis://", "rediss://", "unix://"),
    "KAVO_BASE_URL": ("http://", "https://"),
    "KAVO_EID_ISSUER": ("http://", "https://"),
    "KAVO_SENTRY_DSN": ("http://", "https://"),
}
"""what an address may start with; KAVO_SMTP_URL has a rule of its own"""


class SettingsError(click.ClickException):
    """A setting is missing or unfit; the text says which and what to do. A command prints it instead of a trace."""


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
    """What `create_app` needs to know about the machine. Times are in days unless the name says otherwise."""

    environment: str
    database_url: str
    queue_url: str
    host: str
    """the address on which the web server listens"""
    port: int
    base_url: str
    secret_key: str = field(repr=False)
    old_secret_keys: tuple[str, ...] = field(repr=False)
    """keys that were replaced: what they signed stays good until they are taken out"""
    lookup_key: str = field(repr=False)
    old_lookup_keys: tuple[str, ...] = field(repr=False)
    """former keys: a number hashed with one of these is recognised, and hashed with the present key at the next log-in"""
    mail_server: MailServer
    catcher: bool
    """whether mails go to the local catcher, since no mail server is named"""
    mail_from: str
    team_mail: str
    rate_limits: bool
    team_2fa: bool
    """whether who sees the data of many needs a second step besides the password"""
    trusted_proxies: int
    eid_issuer: str
    eid_client_id: str
    eid_client_secret: str = field(repr=False)
    eid_scopes: str
    eid_acr: tuple[str, ...]
    """the means of logging in that we accept, as the provider names them; empty for whatever it lets in"""
    metrics_token: str = field(repr=False)
    """what a Prometheus has to show to see /metrics"""
    sentry_dsn: str = field(repr=False)
    replica_url: str = field(repr=False)
    """a copy of the database from which exports are read; '' for the database itself"""
    backup_key: str
    """the public key (age1…) for which backups are encrypted; '' for not"""
    local_eid: bool
    """whether the eID provider is our own local one, since no other is named"""

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def hosts(self) -> list[str]:
        """Host names that a request may ask for; anything else is answered with 400."""
        named = urlsplit(self.base_url).hostname
        return [named] if self.production else [named, "localhost", "127.0.0.1"]


def load(environ=os.environ) -> Settings:
    """Read the settings. Raises SettingsError when production lacks one or gets one that is only fit for a laptop."""
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


def _number(environ, name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingsError(f"{name} is '{text}'; use a number from {least} to {most}.")
    return int(text)


def _accepted_means(named: list[str]) -> tuple[str, ...]:
    """One name is the least level: stronger means that we know are accepted too. Several are all that is accepted."""
    if len(named) == 1 and named[0] in EID_MEANS:
        return EID_MEANS[: EID_MEANS.index(named[0]) + 1]
    return tuple(named)


def _refuse_laptop_settings(environ):
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
    """`smtp://user:pass@host:port`, with `?starttls=1`, or `smtps://…`; without either only to this machine."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise SettingsError("KAVO_SMTP_URL must look like smtp://host:25?starttls=1 or smtps://host:465.")
    tls = "smtps" if parts.scheme == "smtps" else "starttls" if parse_qs(parts.query).get("starttls") == ["1"] else ""
    if not tls and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise SettingsError("KAVO_SMTP_URL: mails to another machine need smtps:// or ?starttls=1.")
    port = parts.port or (465 if tls == "smtps" else 587 if tls else 25)
    return MailServer(parts.hostname, port, tls, unquote(parts.username or ""), unquote(parts.password or ""))


def _under_project(url: str) -> str:
    """`sqlite:///instance/kavo.db` means a file under the project, whatever the current folder; `sqlite:////x` is kept."""
    start = "sqlite:///"
    if not url.startswith(start) or url.startswith(start + "/") or ":memory:" in url:
        return url
    return start + str(PROJECT / url.removeprefix(start))


def _kept(name: str) -> str:
    """A random key of this machine, made once, readable by its owner only."""
    path = PROJECT / "instance" / name
    try:
        return _made_once(path)
    except OSError as error:
        raise SettingsError(f"The folder {path.parent} cannot keep our keys: {error.strerror}.") from error


def _made_once(path: Path) -> str:
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
