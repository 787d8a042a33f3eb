"""New site managers: with eID, or under 18 and taking a site over. Manual 2.3, domain rules 1, 3 and 7."""

from datetime import date, datetime

import audit
from database import RuleError, writing
from models import MANAGER, Handover, Role, Site, User, UserRole
from workflow.accounts import accounts, confirmation, identities, registration
from workflow.accounts.eid_answers import EidPerson
from workflow.sites import handovers, sites


def with_eid(person: EidPerson, email: str, phone: str, now: datetime, birth_date: date | None = None) -> User:
    """Create the account for a first login with eID; the address is confirmed by a link. If the eID has got an
    account meanwhile, return that one. `birth_date`: asked when the eID does not give it. Inside a transaction."""
    known = identities.known(person)
    if known is not None:
        return known
    born = person.birth_date or birth_date
    if born is None:
        raise RuleError("Kies je geboortedatum.", "birth_date")
    user = accounts.new_user(
        confirmation.nowhere(), person.first_name, person.last_name, phone=phone, birth_date=born, created_at=now
    )
    user.save(force_insert=True)
    UserRole.create(user=user, role=Role.get_or_create(name=MANAGER)[0])
    identities.attach(user, person, user, now)
    audit.record(user, "user.registered", user, at=now)
    confirmation.claim(user, email, now)
    return user


def with_new_site(
    person: EidPerson, contact: dict, place: dict, periods: sites.Periods, now: datetime
) -> tuple[User, Site]:
    """'Een nieuwe stageplaats aanmaken' with eID. `contact`: email, phone and, if it was asked, birth_date. Raises
    RuleError."""
    with writing():
        user = with_eid(person, now=now, **contact)
        return user, registration.submit_site(user, place, periods, now)


def taking_over(person: EidPerson, contact: dict, site: Site, now: datetime) -> tuple[User, Handover]:
    """'Beheer overnemen' with eID. Raises RuleError."""
    with writing():
        user = with_eid(person, now=now, **contact)
        return user, handovers.ask(site, user, contact["email"], contact["phone"], now)


def taking_up(person: EidPerson, contact: dict, offer: Handover, now: datetime) -> User:
    """Make the user with eID and the link of an offer the manager of that site. Raises RuleError."""
    with writing():
        user = with_eid(person, now=now, **contact)
        handovers.accept(offer, user, now, by_link=True)
        return user


def young_taking_over(person: dict, site: Site, password_hash: str, now: datetime):
    """A user under 18 asks to take a site over, with a password: the account is created, and a link confirms the
    address; only then is the manager asked. A known address gets a mail, as when registering. Raises RuleError."""
    with writing():
        user = registration.open_account(person, password_hash, now)
        if user is not None:
            confirmation.claim(user, user.email, now, site)
