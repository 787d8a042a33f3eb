"""Mails about an account: its password, its address, its eID. Times are in UTC."""

from datetime import datetime
from typing import Any

from mails import links
from mails.outbox import write
from models import LinkRequest, Mail, Site, User


def choose_password(user: User, token: str, expires_at: datetime, now: datetime) -> Mail | None:
    """The team made an account: a single-use link to choose a password."""
    return write(
        "choose_password",
        user.email,
        now,
        user=user,
        link=links.link_url(token),
        expires_at=expires_at,
    )


def reset_password(user: User, token: str, now: datetime) -> Mail | None:
    """'Wachtwoord vergeten?': a link to choose a new one."""
    return write("reset_password", user.email, now, user=user, link=links.link_url(token))


def password_changed(user: User, now: datetime) -> Mail | None:
    """The password was changed: tell the owner, who may not have done this."""
    return write("password_changed", user.email, now, user=user, at=now)


def second_step_changed(user: User, what: str, now: datetime) -> Mail | None:
    """The second step of logging in changed: tell the owner, who may not have done this."""
    return write("second_step_changed", user.email, now, user=user, what=what, at=now)


def address_known(user: User, path: str, now: datetime) -> Mail | None:
    """Somebody registered with the address of an account: tell its owner, and nobody else. `path`: the page to continue on."""
    return write("address_known", user.email, now, user=user, link=links.absolute_url(path))


def registration_waits(site: Site, user: User, now: datetime) -> Mail | None:
    """'Wachtwoord vergeten?' by somebody whose site is not approved yet: the link leads to the status page."""
    link = links.absolute_url(links.application(site, now))
    return write("registration_waits", user.email, now, site, user=user, site=site, link=link)


def activation(site: Site, user: User, token: str, expires_at: datetime, now: datetime) -> Mail | None:
    """A new link to complete the registration: the first one expired or went to a wrong address."""
    path = links.link_url(token)
    return write("activation", user.email, now, site, user=user, site=site, link=path, expires_at=expires_at)


def confirm_address(
    user: User, address: str, token: str, expires_at: datetime, now: datetime, site: Site | None = None
) -> Mail | None:
    """A link that confirms that this address is theirs; `site`: the application that waits for it."""
    path = links.link_url(token)
    click = "Klik op deze link en dan op ‘Registratie voltooien’."
    opening = (
        f"Je vroeg om het beheer van {site} over te nemen. {click} Pas dan vragen we het aan wie de stageplaats nu beheert."
        if site
        else f"{click} Dan weten we dat dit je e-mailadres is."
    )
    return write("confirm_address", address, now, user, user=user, opening=opening, link=path, expires_at=expires_at)


def same_person(owner: User, token: str, expires_at: datetime, now: datetime) -> Mail | None:
    """Somebody with an eID typed the address of an account: if this was its owner, the two accounts are merged."""
    path = links.link_url(token)
    return write("same_person", owner.email, now, owner, user=owner, link=path, expires_at=expires_at)


def address_changed(user: User, old: str, now: datetime) -> Mail | None:
    """The address of an account changed: tell the old address, whose owner may not have done this."""
    return write("address_changed", old, now, user, user=user, at=now, link=links.absolute_url("/hulp"))


def log_in_with_eid(user: User, now: datetime) -> Mail | None:
    """'Wachtwoord vergeten?' by somebody who logs in with eID: there is no password to choose."""
    return write("log_in_with_eid", user.email, now, user=user, link=links.absolute_url("/aanmelden-met-eid"))


def eid_linked(user: User, now: datetime) -> Mail | None:
    """From now on this person logs in with eID."""
    return write("eid_linked", user.email, now, user, user=user, link=links.absolute_url("/aanmelden-met-eid"))


def eid_renewed(user: User, now: datetime) -> Mail | None:
    """The team checked an eID with changed details: its owner can log in with it again."""
    return write("eid_renewed", user.email, now, user, user=user, link=links.absolute_url("/aanmelden-met-eid"))


def eid_not_linked(request: LinkRequest, now: datetime) -> Mail | None:
    """The team did not link an eID to this account, for the reason on the row. The eID may be somebody else's."""
    kind = "eid_not_renewed" if request.kind in ("login", "two") else "eid_not_linked"
    return write(
        kind,
        request.user.email,
        now,
        request.user,
        user=request.user,
        reason=request.reason,
        link=links.absolute_url("/hulp"),
    )


def activation_reminder(site: Site | None, user: User, token: str, expires_at: datetime, now: datetime) -> Mail | None:
    """The registration is not completed yet."""
    path = links.link_url(token)
    opening = (
        f"Je stageplaats {site} wacht op jou: je voltooide je registratie nog niet."
        if site
        else "Je bevestigde je e-mailadres nog niet."
    )
    facts: dict[str, Any] = {"user": user, "opening": opening, "link": path, "expires_at": expires_at}
    return write("activation_reminder", user.email, now, user, **facts)


def turned_18(user: User, now: datetime) -> Mail | None:
    """From now on this person logs in with eID."""
    return write("turned_18", user.email, now, user, user=user, link=links.absolute_url("/aanmelden"))
