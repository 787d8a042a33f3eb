"""What an eID answer may be trusted for: it is compared with what we know, and one table says what follows.

A national number identifies a person; issuer and subject lead to the same person as long as the rest agrees. Names
may change legitimately. Differences go to the team, and what is taken over is recorded in the history."""

import re
from dataclasses import asdict, dataclass, field, fields
from datetime import date

from database import normalise
from models import Identity, LinkRequest, User


@dataclass(frozen=True)
class EidPerson:
    """What an eID tells: never the number itself. `birth_date` is None when the number does not tell it."""

    issuer: str
    subject: str
    number_hash: str
    key_id: str
    first_name: str
    last_name: str
    birth_date: date | None
    acr: str = ""
    vo_id: str = ""
    vo_group: str = ""
    vo_organisation: str = ""
    former: dict[str, str] = field(default_factory=dict)
    """the same number under keys that were replaced: id of the key → hash"""

    def __str__(self):
        return f"{self.first_name} {self.last_name}".strip() or "onbekend"

    @property
    def told_words(self) -> str:
        """What of a form is filled by the eID, in a sentence."""
        what = "Je naam en je geboortedatum komen" if self.birth_date else "Je naam komt"
        return f"{what} van je eID."

    def plain(self) -> dict:
        """As values that JSON can hold; without former hashes, which `rehash` made unnecessary."""
        values = {**asdict(self), "birth_date": self.birth_date.isoformat() if self.birth_date else None}
        values.pop("former")
        return values

    @classmethod
    def from_plain(cls, values: dict) -> "EidPerson":
        born = values["birth_date"]
        return cls(**{**values, "birth_date": date.fromisoformat(born) if born else None})

    @property
    def hashes(self) -> list[str]:
        """The number under every key that we know, the newest first."""
        return [self.number_hash, *self.former.values()]


IDENTIFYING = ("issuer", "subject", "number_hash", "key_id")
"""columns that identify a person"""
KEPT = [one.name for one in fields(EidPerson) if one.name in Identity._meta.fields]
"""what an identity holds of an answer"""

# ---- the table

SAME, OTHER, UNKNOWN = "same", "other", "unknown"
ENTER, TEAM = "enter", "team"

OUTCOMES = {
    # (number, issuer and subject): when the names agree, when they do not
    (SAME, SAME): (ENTER, ENTER),  # a new name: marriage, spelling
    (SAME, OTHER): (ENTER, TEAM),  # the provider, or its name for somebody, was replaced
    (UNKNOWN, SAME): (ENTER, TEAM),  # the key of the stored hash is no longer known
    (OTHER, SAME): (TEAM, TEAM),  # a BIS number that became a national number, or somebody else
}
"""What follows for the owner of one account, when the birth dates do not contradict each other. When they do, or when
number and subject are of two accounts, the team decides. Neither of both known: somebody new."""

DIFFERENCES = {
    "number": "het rijksregisternummer",
    "subject": "het nummer bij de eID-dienst",
    "name": "de naam",
    "birth_date": "de geboortedatum",
}
"""how an answer may differ from what we know, in words"""


MEANS = {
    "eid": "eID-kaart",
    "itsme": "itsme",
    "csamtotp": "code van een app",
    "csamsms": "code in een sms",
    "eidashigh": "sleutel van een ander land",
    "eidassubstantial": "sleutel van een ander land",
}
"""the last part of the provider's name for the means of logging in → words"""


def means(acr: str) -> str:
    """The means by which the user logged in, in words; '' when the provider did not say."""
    return MEANS.get(acr.rpartition(":")[2], "een andere digitale sleutel") if acr else ""


@dataclass
class Match:
    """The identities that share the number or the subject of an answer, and what follows."""

    identities: list[Identity]
    users: list[User]
    """their owners, the owner of the number first"""
    outcome: str
    differs: list[str]


def match(person: EidPerson) -> Match | None:
    """Compare what we know of this eID with what it says now; None when it is new."""
    by_subject = (Identity.issuer == person.issuer) & (Identity.subject == person.subject)
    found = list(Identity.select().where((Identity.number_hash << person.hashes) | by_subject).order_by(Identity.id))
    if not found:
        return None
    found.sort(key=lambda one: one.number_hash not in person.hashes)
    users = list({one.user_id: one.user for one in found}.values())
    number, subject = _number(found, person), _subject(found, person)
    names = names_agree(users[0], person)
    born = birth_dates_agree(users[0], person) is not False
    differs = {"number": number == SAME, "subject": subject == SAME, "name": names, "birth_date": born}
    outcome = OUTCOMES[number, subject][not names] if born and len(users) == 1 else TEAM
    return Match(found, users, outcome, [name for name, agrees in differs.items() if not agrees])


def _number(found, person) -> str:
    if any(one.number_hash in person.hashes for one in found):
        return SAME
    known = {person.key_id, *person.former}
    return UNKNOWN if all(one.number_hash is None or one.key_id not in known for one in found) else OTHER


def _subject(found, person) -> str:
    return SAME if any((one.issuer, one.subject) == (person.issuer, person.subject) for one in found) else OTHER


# ---- comparing two persons


def same_person(one, other) -> bool:
    """Whether two accounts belong to one person: names and birth dates agree, and both have a birth date."""
    return names_agree(one, other) and birth_dates_agree(one, other) is True


def differences(user: User, other) -> list[str]:
    """How an eID, or an account, differs from the account to which it should belong. What the account does not hold yet
    contradicts nothing."""
    named = user.first_name or user.last_name
    found = {
        "name": bool(named) and not names_agree(user, other),
        "birth_date": user.birth_date is not None and user.birth_date != other.birth_date,
    }
    return [name for name, differs in found.items() if differs]


def birth_dates_agree(one, other) -> bool | None:
    """None when either is not known."""
    if one.birth_date is None or other.birth_date is None:
        return None
    return one.birth_date == other.birth_date


def names_agree(one, other) -> bool:
    """Whether two names belong to one person, ignoring capitals, accents and marks: the same family name, and the
    same first names in any order, or one the beginning of the other ('Jan', 'Jan Pieter'). A nickname is another
    name. A single name may stand in either place."""
    parts, others = ([part for part in map(_letters, (who.first_name, who.last_name)) if part] for who in (one, other))
    if len(parts) < 2 or len(others) < 2:
        return parts == others != []
    if _letters(one.last_name) != _letters(other.last_name):
        return False
    ours, theirs = _words(one.first_name), _words(other.first_name)
    shorter, longer = sorted((ours, theirs), key=len)
    return sorted(ours) == sorted(theirs) or longer[: len(shorter)] == shorter or "".join(ours) == "".join(theirs)


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", normalise(name))


def _letters(name: str) -> str:
    return "".join(_words(name))


# ---- keys that were replaced


def rehash(person: EidPerson):
    """Rehash what is kept of this number from a former key to the newest. Inside a transaction."""
    for model in (Identity, LinkRequest):
        newest = model.select(model.id).where(model.number_hash == person.number_hash)
        if person.former and (model is LinkRequest or not newest.exists()):
            old = model.number_hash << list(person.former.values())
            model.update(number_hash=person.number_hash, key_id=person.key_id).where(old).execute()
