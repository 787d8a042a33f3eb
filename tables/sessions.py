"""What goes with logging in: passkeys, sessions, single-use links, counted attempts; and what a user keeps: drafts and views."""

from datetime import datetime

from flask_security import WebAuthnMixin
from peewee import BlobField, BooleanField, CharField, DateTimeField, ForeignKeyField, IntegerField, TextField

from database import BaseModel, Json, Line
from tables.people import ROLE_LABELS, User

SESSIONS_KEPT_DAYS = 90  # after their end; links too
DRAFT_HOURS = 24  # how long what somebody typed waits for them to come back


class Passkey(WebAuthnMixin, BaseModel):
    """A key on a phone, computer or stick with which somebody confirms a password. Columns as in Flask-Security."""

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

    clashes = {"passkey_user_id_name passkey.user_id": "Je hebt al een passkey met de naam ‘{row.name}’."}


class UserSession(BaseModel):
    """One login on one device. The cookie alone is not enough: this row must be open too."""

    user = ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    user_id: int
    key_hash = CharField(unique=True, max_length=64)
    device = CharField(default="", max_length=200)
    acr = CharField(default="", max_length=200)
    """by which means of the eID provider; empty: by password"""
    created_at = DateTimeField()
    seen_at = DateTimeField()
    ended_at = DateTimeField(null=True)

    class Meta:
        table_name = "session"

    @classmethod
    def end_all(cls, user: User, now: datetime) -> int:
        """Nobody is logged in as `user` any more from `now` (UTC) on; returns how many sessions that ends."""
        return cls.update(ended_at=now).where(cls.user == user, cls.ended_at.is_null()).execute()


class Token(BaseModel):
    """The secret of a link in a mail, kept as a hash only. What it opens, and when no longer, is decided in `links`."""

    key_hash = CharField(unique=True, max_length=64)
    purpose = CharField(max_length=40)
    user = ForeignKeyField(User, null=True, backref="tokens", on_delete="CASCADE")
    user_id: int | None
    object_type = CharField(default="", max_length=40)
    object_id = CharField(default="", max_length=40)
    address = CharField(null=True, max_length=254)
    """to which it was mailed"""
    stamp = CharField(null=True, max_length=64)
    """the `fs_uniquifier` of the account when it was issued, for a link that opens the account"""
    created_at = DateTimeField()
    expires_at = DateTimeField()
    used_at = DateTimeField(null=True)

    class Meta:
        indexes = ((("purpose", "expires_at"), False), (("object_type", "object_id"), False))


class Attempt(BaseModel):
    """Something that failed and is limited in number: a wrong password by account or by address (as keyed hashes)."""

    kind = CharField(max_length=40)
    key_hash = CharField(max_length=64)
    at = DateTimeField(index=True)

    class Meta:
        indexes = ((("kind", "key_hash", "at"), False),)


class Draft(BaseModel):
    """What somebody typed before being sent elsewhere; never a password; kept for 24 hours."""

    key_hash = CharField(unique=True, max_length=64)
    form = CharField(max_length=40)
    data = TextField()
    created_at = DateTimeField()
    expires_at = DateTimeField(index=True)


class SavedView(BaseModel):
    """A list as somebody wants to see it again: on which screen, and the search, filters, order and columns of its address."""

    user = ForeignKeyField(User, backref="saved_views", on_delete="CASCADE")
    user_id: int
    screen = CharField(max_length=40)
    name = Line(max_length=60, verbose_name="Naam van de weergave", required="Typ een naam voor deze weergave.")
    query = CharField(default="", max_length=2000)
    shared_with = CharField(null=True, max_length=20, choices=list(ROLE_LABELS.items()))

    class Meta:
        indexes = ((("user", "screen", "name"), True), (("screen", "shared_with"), False))

    clashes = {
        "saved_view_user_id_screen_name saved_view.user_id": "Je hebt hier al een weergave ‘{row.name}’. Kies een andere naam."
    }

    def __str__(self) -> str:
        return self.name


class StartView(BaseModel):
    """The saved view with which somebody's day begins."""

    user = ForeignKeyField(User, unique=True, backref="start_views", on_delete="CASCADE")
    user_id: int
    view = ForeignKeyField(SavedView, backref="starts", on_delete="CASCADE")
