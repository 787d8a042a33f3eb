"""Users, their roles, and the eIDs by which they are recognised."""

from datetime import date, datetime
from typing import Any

from flask_security import RoleMixin, UserMixin
from peewee import BooleanField, CharField, Check, DateField, DateTimeField, ForeignKeyField, IntegerField, ModelSelect

import dutch
from database import BaseModel, Json, Line, Lines, Named, RuleError, Versioned, database, one_of, readings
from database.texts import required_text
from tables import passwords, statuses
from tables.policy import declare
from times import days_after, local_date, utcnow, years_after

ADULT_YEARS = 18
MANAGER_LEAST_AGE = 14  # years, when registering
LINK_DAYS = 14  # the term of the team to link an account and an eID that do not match
declare(adult_years=lambda: ADULT_YEARS)
NOWHERE = "kavo.invalid"  # a domain that no mail can ever reach

TEAM, MANAGER, ASSOCIATION = "team", "manager", "association"
ROLE_LABELS = {
    TEAM: "team Kadervorming",
    MANAGER: "stageplaatsverantwoordelijke",
    ASSOCIATION: "medewerker van een vereniging",
}


ROLES_OF = "SELECT role.* FROM role JOIN user_role ON user_role.role_id = role.id WHERE user_role.user_id = {} ORDER BY role.id"
"""raw SQL: every request needs it, and Peewee takes longer to build it than the database to answer"""


def of_age(born: date | None, now: datetime) -> bool | None:
    """Whether somebody born on this day is 18 or older at `now` (UTC); born on 29 February: from 1 March. None when unknown."""
    if born is None:
        return None
    return born <= local_date(now) and years_after(born, ADULT_YEARS) <= local_date(now)


def is_placeholder(address: str) -> bool:
    """Whether an address only fills the column of an account, so that no mail can reach it."""
    return address.endswith(f"@{NOWHERE}")


def own_address(text: str) -> str:
    """The address of an account as it is stored; a placeholder, which no mail reaches, stays as it is. Raises RuleError."""
    return text if is_placeholder(text or "") else readings.email(text)


class Role(RoleMixin, BaseModel):
    """A role; its rights are in `scope`. Roles are part of the code and cannot be added on a page."""

    name = CharField(unique=True, max_length=20, choices=list(ROLE_LABELS.items()))
    description = Line(default="", max_length=500, verbose_name="Omschrijving")

    def __str__(self) -> str:
        return ROLE_LABELS.get(self.name, self.name)


class User(UserMixin, Named):
    """Somebody who may log in. A person has one account and may have several roles."""

    id: Any
    email = Line(unique=True, max_length=254, verbose_name="E-mailadres", constraints=[Check("email = lower(email)")])
    first_name = Line(default="", max_length=100, verbose_name="Voornaam")
    last_name = Line(default="", max_length=100, verbose_name="Naam")
    phone = Line(default="", max_length=30, verbose_name="Telefoonnummer")
    birth_date = DateField(null=True, verbose_name="Geboortedatum")
    password = CharField(null=True)
    active = BooleanField(default=True, verbose_name="Mag aanmelden")
    confirmed_at = DateTimeField(null=True, verbose_name="E-mailadres bevestigd op")
    fs_uniquifier = CharField(unique=True, max_length=64)
    password_exception = Line(
        null=True,
        max_length=500,
        verbose_name="Reden van de uitzondering op eID",
    )
    created_at = DateTimeField(default=utcnow)
    claimed_email = Line(null=True, max_length=254, verbose_name="Nieuw e-mailadres, nog niet bevestigd")
    """an address that this person typed; it becomes `email` once they follow the link in a mail to it"""
    seen_on = DateField(null=True)
    """the last day on which this person logged in"""
    erased_at = DateTimeField(null=True)
    """since when this row contains no personal data"""
    merged_into = IntegerField(null=True, index=True)
    """the id of the account into which this account was merged; nobody logs in with this account any more"""
    tf_primary_method = CharField(null=True, max_length=20)
    tf_totp_secret = CharField(null=True, max_length=255)
    """the secret of an authenticator app, encrypted; Flask-Security chose the names of these columns"""
    tf_counter = IntegerField(null=True)
    """the number of the last code that was used: older or repeated codes are rejected"""
    mf_recovery_codes = Json(null=True)
    # the ignores in this class: the types of Flask-Security promise a text, a list and an attribute
    fs_webauthn_user_handle = CharField(null=True, unique=True, max_length=64)  # type: ignore[assignment]
    webauthn: "ModelSelect[Any]"  # type: ignore[assignment]
    sessions: "ModelSelect[Any]"

    class Meta:
        indexes = ((("active", "search"), False), (("birth_date",), False))

    conflict_texts = {"email": "Er is al een account met het e-mailadres {row.email}. Zoek dat account op."}
    readers = {
        "first_name": readings.name,
        "last_name": readings.name,
        "email": own_address,
        "claimed_email": readings.email,
        "phone": readings.phone,
        "birth_date": readings.birth_date,
    }

    @classmethod
    def of_address(cls, text: str | None) -> "User | None":
        """The account with this address, however it is typed."""
        return cls.get_or_none(cls.email << readings.spellings(text))

    def check(self) -> None:
        if "password_exception" in self.dirty_field_names and self.password_exception:
            required_text(self.password_exception, "Schrijf waarom je een uitzondering maakt.", "password_exception")
        if "email" in self.dirty_field_names and (other := self.of_address(self.email)) and other != self:
            raise RuleError(self.conflict_texts["email"].format(row=other))
        if "birth_date" in self.dirty_field_names and self.birth_date:
            self.check_age(self.birth_date, local_date(self.created_at))

    @staticmethod
    def check_age(born: date, on: date) -> None:
        """Raise RuleError when somebody born on this day is too young to register on the day `on`."""
        if years_after(born, MANAGER_LEAST_AGE) > on:
            raise RuleError(
                f"Stageplaatsverantwoordelijke worden kan vanaf {MANAGER_LEAST_AGE} jaar. Kijk de geboortedatum na.",
                "birth_date",
            )

    def search_text(self) -> str:
        return f"{self.last_name} {self.first_name} {readings.phone_digits(self.phone)} {self.email}"

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email

    @property
    def call_name(self) -> str:
        """How a page or mail addresses this person: by the first name, when there is one."""
        return self.first_name or str(self)

    @property
    def is_active(self) -> bool:
        """Whether this person may log in: not deactivated, and with a password only once a link has confirmed the address."""
        return self.active and (self.password is None or self.confirmed_at is not None)

    @property
    def roles(self) -> list[Role]:  # type: ignore[override]
        """The roles of this person; looked up once per loaded row."""
        if "roles" not in self.__dict__:
            self.__dict__["roles"] = list(Role.raw(ROLES_OF.format(database.param), self.id))
        return self.__dict__["roles"]

    @property
    def shown_email(self) -> str:
        """The address that this person typed last, confirmed or not."""
        return self.claimed_email or self.email

    @property
    def is_reachable(self) -> bool:
        """Whether mail can reach this person: active, with an address that is not a placeholder."""
        return self.active and not is_placeholder(self.email)

    @property
    def has_eid(self) -> bool:
        """Whether this person is recognised by an eID, from which name and birth date come. Looked up once per loaded row."""
        if "has_eid" not in self.__dict__:
            self.__dict__["has_eid"] = Identity.select().where(Identity.user == self).exists()
        return self.__dict__["has_eid"]

    @property
    def sees_many(self) -> bool:
        """Whether this person sees the data of many young people, so that a password alone is not enough (domain rule 1)."""
        return bool(self.role_names & {TEAM, ASSOCIATION})

    @property
    def least_password(self) -> int:
        """The minimum length of a new password of this person, in characters."""
        return passwords.LEAST_FOR_MANY if self.sees_many else passwords.LEAST

    def password_problem(self, password: str) -> str | None:
        """Why this person may not choose this password, or None."""
        return passwords.problem(password, self.email, (self.first_name, self.last_name), self.least_password)

    def verify_and_update_password(self, password: str) -> bool:
        """Whether this is the password, for Flask-Security."""
        return passwords.fits(self, password)

    @property
    def has_second_step(self) -> bool:
        """Whether logging in with a password requires a second step: a code of an app, or a passkey."""
        return bool(self.tf_totp_secret) or self.webauthn.exists()

    def check_tf_required(
        self, tf_setup_methods: list[tuple[str, str]], tf_fresh: bool
    ) -> tuple[bool, list[tuple[str, str]]]:
        """Flask-Security asks this after the password: those who set up a second step use it. Those who still must set it up are
        redirected there once logged in (`second_step`)."""
        return bool(tf_setup_methods), tf_setup_methods

    def check_tf_required_setup(self) -> bool:
        """Whether a second step is mandatory: for those who see many, when KAVO_TEAM_2FA says so."""
        return self.sees_many and super().check_tf_required_setup()

    @property
    def is_plain_manager(self) -> bool:
        """Whether this person is a site manager and nothing else: only then does age decide how to log in."""
        return self.role_names == {MANAGER}

    def must_link_eid(self, now: datetime) -> bool:
        """Whether this person can continue only with an eID (domain rule 1): a site manager of 18 or older with a password,
        unless the team made an exception or is still checking the link."""
        if self.password is None or self.password_exception or not self.is_plain_manager or not self.is_adult(now):
            return False
        return not LinkRequest.select().where(LinkRequest.user == self, LinkRequest.state == "open").exists()

    @property
    def role_names(self) -> set[str]:
        return {role.name for role in self.roles}

    @property
    def role_label(self) -> str:
        """The roles in words, as in the blue bar."""
        return " en ".join(str(role) for role in self.roles) or "nog geen rol"

    def is_adult(self, now: datetime) -> bool | None:
        """Whether this person is 18 or older at `now` (UTC); None when unknown."""
        return of_age(self.birth_date, now)

    def age(self, today: date) -> int | None:
        """Age in whole years on `today`; None when the birth date is unknown."""
        if self.birth_date is None:
            return None
        years = today.year - self.birth_date.year
        return years if years_after(self.birth_date, years) <= today else years - 1


class UserRole(BaseModel):
    user = ForeignKeyField(User, backref="user_roles", on_delete="CASCADE")
    user_id: int
    role = ForeignKeyField(Role, backref="user_roles", on_delete="RESTRICT")
    role_id: int

    class Meta:
        indexes = ((("user", "role"), True),)


class Identity(BaseModel):
    """An eID by which a user is recognised: issuer and subject, and a keyed hash of the national number."""

    user = ForeignKeyField(User, backref="identities", on_delete="RESTRICT")
    user_id: int
    issuer = CharField()
    subject = CharField()
    number_hash = CharField(null=True, unique=True, max_length=64)
    key_id = CharField(null=True, max_length=16)
    acr = CharField(default="", max_length=200)
    """the means of authentication of the last log-in, as the provider names it"""
    vo_id = CharField(default="", max_length=100)
    vo_group = Line(default="", max_length=20)
    vo_organisation = Line(default="", max_length=300)
    """what the Flemish government tells about staff of its own or of an organisation"""
    created_at = DateTimeField()

    class Meta:
        indexes = ((("issuer", "subject"), True),)

    conflict_texts = {
        "identity_number_hash identity.number_hash identity_issuer_subject identity.issuer": "Met deze eID is net een account "
        "gemaakt. Meld je opnieuw aan."
    }


class LinkRequest(Versioned):
    """An eID that does not match an account, for the team to link; `kind` tells why. The details of the eID wait here, except for
    two accounts that both belong to the same person, as that person says."""

    KINDS = {
        "link": "Iemand wil een eID koppelen aan het account, maar ze passen niet bij elkaar.",
        "merge": "Iemand wil een eID koppelen die al een account heeft, of zegt dat twee accounts van dezelfde persoon zijn.",
        "login": "Iemand meldde zich aan met een eID van dit account, maar er staat nu iets anders op.",
        "two": "Iemand meldde zich aan met een eID die bij twee accounts hoort. Bij het ene past het rijksregisternummer, "
        "bij het andere het nummer bij de eID-dienst.",
    }

    STATES = statuses.LINK.words("open", "linked", "refused")
    steps = {"open": {"linked", "refused"}}

    user = ForeignKeyField(User, backref="link_requests", on_delete="RESTRICT")
    user_id: int
    other = ForeignKeyField(User, null=True, backref="links_asked_of_me", on_delete="RESTRICT")
    other_id: int | None
    kind = CharField(default="link", max_length=20, constraints=[one_of("kind", KINDS)])
    differs = CharField(default="", max_length=60)
    """the differences between the two: words of `eid_answers.DIFFERENCES`, separated by spaces"""
    issuer = CharField(default="")
    subject = CharField(default="")
    number_hash = CharField(null=True, max_length=64)
    key_id = CharField(null=True, max_length=16)
    first_name = Line(default="", max_length=100)
    last_name = Line(default="", max_length=100)
    birth_date = DateField(null=True)
    acr = CharField(default="", max_length=200)
    state = CharField(default="open", max_length=20, constraints=[one_of("state", STATES)])
    reason = Lines(default="", max_length=2000)
    created_at = DateTimeField()
    due_on = DateField()
    term_days = IntegerField(default=lambda: LINK_DAYS)
    """the length of this term, in days"""
    decided_at = DateTimeField(null=True)
    decided_by = ForeignKeyField(User, null=True, backref="links_decided", on_delete="RESTRICT")
    decided_by_id: int | None

    class Meta:
        indexes = ((("state", "due_on"), False),)

    conflict_texts = {
        "link_request_one_open link_request.user_id": "Het team bekijkt al een vraag om je eID te koppelen."
    }

    def prepare(self) -> None:
        if self.due_on is None:
            self.due_on = days_after(self.created_at, self.term_days)

    def __str__(self) -> str:
        return f"de eID van {self.user}"

    def step_refused(self, by: Any = None) -> str:
        stored = LinkRequest.get_by_id(self.id)
        return f"Deze vraag is al behandeld door {stored.decided_by} op {dutch.moment(stored.decided_at)}."

    def status(self, today: date) -> statuses.Status:
        """The status of the request on this day."""
        return statuses.LINK.of(self, today)

    def day(self, now: datetime) -> int:
        """The day number in the term, as for a new site."""
        return statuses.day_of(self.term_days, self.due_on, local_date(now))


LinkRequest.add_index(LinkRequest.user, unique=True, where=(LinkRequest.state == "open"), name="link_request_one_open")
