"""Logging in: passkeys, sessions, single-use links, counted attempts; and what users keep: drafts and saved views."""

from datetime import datetime

from flask_security import WebAuthnMixin
from peewee import BlobField, BooleanField, CharField, DateTimeField, ForeignKeyField, IntegerField, TextField

from database import BaseModel, Json, Line
from tables.people import ROLE_LABELS, User

SESSIONS_KEPT_DAYS = 90  # after their end; also for links
DRAFT_HOURS = 24  # how long a half-filled form is kept for its author


class Passkey(WebAuthnMixin, BaseModel):
    """A passkey on a phone, computer or stick, as a second step after the password. Columns as in Flask-Security."""

    user = ForeignKeyField(User, backref="webauthn", on_delete="CASCADE")
    user_id: int
    credential_id = BlobField(unique=True)
    public_key = BlobField()
    sign_count = IntegerField(default=0)
    transports = Json(null=True)
    backup_state = BooleanField()
    device_type = CharField(max_length=64)
    extensions = CharField(null=True, max_length=255)
    lastuse_datetime = DateTimeField()
    name = Line(max_length=64, required="Typ een naam voor deze passkey.")
    usage = CharField(max_length=64)

    class Meta:
        indexes = ((("user", "name"), True),)

    conflict_texts = {"passkey_user_id_name passkey.user_id": "Je hebt al een passkey met de naam ‘{row.name}’."}


class UserSession(BaseModel):
    """A log-in on a device. The cookie alone is not enough: this row must be open too."""

    user = ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    user_id: int
    key_hash = CharField(unique=True, max_length=64)
    device = CharField(default="", max_length=200)
    acr = CharField(default="", max_length=200)
    """the means of authentication at the eID provider; empty: a password"""
    created_at = DateTimeField()
    seen_at = DateTimeField()
    ended_at = DateTimeField(null=True)

    class Meta:
        table_name = "session"

    @classmethod
    def end_all(cls, user: User, now: datetime) -> int:
        """Log `user` out everywhere at `now` (UTC); returns how many sessions that ends."""
        return cls.update(ended_at=now).where(cls.user == user, cls.ended_at.is_null()).execute()


class Token(BaseModel):
    """The secret of a link in a mail, stored as a hash only. `links` decides what it opens, and until when."""

    key_hash = CharField(unique=True, max_length=64)
    purpose = CharField(max_length=40)
    user = ForeignKeyField(User, null=True, backref="tokens", on_delete="CASCADE")
    user_id: int | None
    object_type = CharField(default="", max_length=40)
    object_id = CharField(default="", max_length=40)
    address = CharField(null=True, max_length=254)
    """the address to which it was mailed"""
    stamp = CharField(null=True, max_length=64)
    """the `fs_uniquifier` of the account at the time of issue, for a link that gives access to the account"""
    created_at = DateTimeField()
    expires_at = DateTimeField()
    used_at = DateTimeField(null=True)

    class Meta:
        indexes = ((("purpose", "expires_at"), False), (("object_type", "object_id"), False))

    @property
    def owner(self) -> User:
        """The user whom this link was mailed to. Raises ValueError for a link that belongs to no account."""
        if self.user is None:
            raise ValueError(f"link {self.id} belongs to no account")
        return self.user


class Attempt(BaseModel):
    """A failure whose number is limited: a wrong password, by account or by address (as keyed hashes)."""

    kind = CharField(max_length=40)
    key_hash = CharField(max_length=64)
    at = DateTimeField(index=True)

    class Meta:
        indexes = ((("kind", "key_hash", "at"), False),)


class Draft(BaseModel):
    """What somebody typed in a form before being redirected, never a password; kept for 24 hours."""

    key_hash = CharField(unique=True, max_length=64)
    form = CharField(max_length=40)
    data = TextField()
    created_at = DateTimeField()
    expires_at = DateTimeField(index=True)


class SavedView(BaseModel):
    """A saved view of a list: its screen, and the search, filters, order and columns in its URL."""

    user = ForeignKeyField(User, backref="saved_views", on_delete="CASCADE")
    user_id: int
    screen = CharField(max_length=40)
    name = Line(max_length=60, verbose_name="Naam van de weergave", required="Typ een naam voor deze weergave.")
    query = CharField(default="", max_length=2000)
    shared_with = CharField(null=True, max_length=20, choices=list(ROLE_LABELS.items()))
    mine: bool
    """whether it belongs to the reader of a list of views; set by that list, not stored"""

    class Meta:
        indexes = ((("user", "screen", "name"), True), (("screen", "shared_with"), False))

    conflict_texts = {
        "saved_view_user_id_screen_name saved_view.user_id": "Je hebt hier al een weergave ‘{row.name}’. Kies een andere naam."
    }

    def __str__(self) -> str:
        return self.name


class StartView(BaseModel):
    """The saved view that a user sees first after logging in."""

    user = ForeignKeyField(User, unique=True, backref="start_views", on_delete="CASCADE")
    user_id: int
    view = ForeignKeyField(SavedView, backref="starts", on_delete="CASCADE")
