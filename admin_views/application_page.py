"""What the page of an application tells about it, in words: where it stands, who asks, what was said, which mails went."""

from dataclasses import dataclass

from markupsafe import Markup

import dutch
from admin_kit.cells import Cell, Fact, Said, Standing, facts
from database import postcodes, readings
from models import Mail, Site, SiteMessage, Status, User
from times import local_date, utcnow

STATES = dict(Mail._meta.fields["state"].choices)
TROUBLE = {"failed": "Deze e-mail kwam niet aan.", "uncertain": "Deze e-mail kwam misschien niet aan."}
REOPENING = (
    "De aanvraag komt terug bij Te behandelen, met een nieuwe termijn. De aanvrager krijgt een e-mail met je reden."
)
OPENING = "De stageplaats wordt weer een erkende stageplaats. De verantwoordelijke krijgt een e-mail met je reden."
REOPENED = {"approved": REOPENING, "rejected": REOPENING, "closed": OPENING}
"""state of a site that the team may look at once more → what becomes of it"""


@dataclass(frozen=True)
class Alike:
    """A site that looks like this one: where it lies, how it stands, and in what it is alike."""

    site: Site
    place: str
    stands: str
    why: str


@dataclass(frozen=True)
class Letter:
    """A mail about the application; `trouble`: what is wrong with it, if anything."""

    mail: Mail
    stands: str
    trouble: str


def standing(site: Site, status: Status) -> Standing | None:
    """What follows the words of the status."""
    if status.key == "paused":
        return Standing(f"sinds {dutch.moment(site.paused_at)}: ", status.detail)
    if status.key == "late":
        return Standing(f"moest op {dutch.day(site.due_on)}")
    if status.key == "submitted":
        return Standing("", status.detail, f", beslis tegen {dutch.day(site.due_on)}")
    by = f" door {site.decided_by}" if site.decided_by else ""
    return Standing(f"op {dutch.moment(site.decided_at)}{by}") if site.decided_at else None


def undo_words(held: Mail | None) -> str:
    if held:
        return f"De e-mail over je beslissing vertrekt op {dutch.moment(held.next_at)}. Tot dan kun je nog terug."
    return "Je kunt nog even terug."


def alike(found) -> list[Alike]:
    """Those that `duplicates` found, as one reads them."""
    rows = []
    for one in found:
        site = one.site
        at = f" op {dutch.moment(site.decided_at)}" if site.decided_at else ""
        words = site.status(local_date(utcnow())).words
        place = f"{site.street}, {site.postcode} {site.municipality}"
        rows.append(Alike(site, place, f"{words}{at}", one.why))
    return rows


def alike_title(found) -> str:
    return f"{dutch.counted(len(found), 'stageplaats lijkt', 'stageplaatsen lijken')} op deze"


def site_facts(site: Site) -> list[Fact]:
    known = [] if postcodes.fits(site.postcode, site.municipality) else postcodes.places(site.postcode)
    place = f"Bij postcode {site.postcode} hoort {' of '.join(known)}." if known else ""
    fields = site._meta.fields
    return facts(
        ("Naam", site.name),
        ("Soort erkenning", dict(fields["recognition"].choices)[site.recognition]),
        ("Adres", Cell(f"{site.street}, {site.postcode} {site.municipality}", place)),
        ("Contact", Markup(", ").join(one for one in (site.email, readings.shown_phone(site.phone)) if one)),
        ("Stages", Cell(", ".join(fields[kind].verbose_name for kind in site.types()), always=True)),
        ("Periodes", Cell(", ".join(map(str, site.periods)), always=True)),
    )


def manager_facts(manager: User | None) -> list[Fact]:
    """Who asks; nothing when there is nobody."""
    if manager is None:
        return []
    age = manager.age(local_date(utcnow()))
    born = f"{dutch.day(manager.birth_date)} ({age} jaar)" if manager.birth_date else ""
    words, waits = (
        ("E-mailadres en wachtwoord", "De registratie is nog niet voltooid.")
        if manager.password
        else ("eID", "Het e-mailadres is nog niet bevestigd.")
    )
    return facts(
        ("Naam", manager),
        ("E-mailadres", Cell(manager.shown_email, url=f"mailto:{manager.shown_email}")),
        ("Telefoonnummer", Cell(readings.shown_phone(manager.phone), always=True)),
        ("Geboortedatum", born),
        ("Meldt zich aan met", Cell(words, "" if manager.confirmed_at else waits)),
    )


def said(messages: list[SiteMessage]) -> list[Said]:
    """Questions, answers and notes; a note is the team's own."""
    return [
        Said(one.at, SiteMessage.KINDS[one.kind], f" ({one.by}):", one.text, "auto" if one.kind == "note" else "")
        for one in messages
    ]


def letters(mails: list[Mail]) -> list[Letter]:
    rows = []
    for mail in mails:
        at = f" op {dutch.moment(mail.sent_at)}" if mail.sent_at else ""
        stands = f"aan {mail.to_address}: {STATES[mail.state].lower()}{at}"
        rows.append(Letter(mail, stands, "" if mail.handled_at else TROUBLE.get(mail.state, "")))
    return rows


def erased_words(manager: User | None) -> str:
    """What goes along when who asks does not want it any more."""
    if manager and manager.password and not manager.confirmed_at:
        return f" Het account en de gegevens van {manager.call_name} worden gewist."
    return ""
