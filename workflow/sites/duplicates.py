"""Possible duplicates of a site, for whoever decides about an application."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from peewee import fn

from database import normalise, readings
from models import Site, SiteManager, User

ALMOST = 0.8  # least similarity of two names: 1 is identical
COMMON_WORDS = {
    "speelplein",
    "jeugdhuis",
    "jeugddienst",
    "chiro",
    "scouts",
    "ksa",
    "klj",
    "kinderclub",
    "jeugdatelier",
    "speelpleinwerking",
    "de",
    "het",
    "t",
    "vzw",
}
MOST_SHOWN = 6


@dataclass
class LookAlike:
    """Another site and, in words, how it resembles this one."""

    site: Site
    why: str


def similar(site: Site) -> list[LookAlike]:
    """Sites with nearly the same name in the same region (the first two figures of the postcode) or anywhere the same
    name, the same street in the same postcode, or the same telephone number or e-mail address, the most alike
    first."""
    manager = site.manager()
    mails = {one for one in (site.email, manager.email if manager else "") if one}
    phones = _numbers(site.phone, manager.phone if manager else "")
    region = Site.postcode.between(site.postcode[:2] + "00", site.postcode[:2] + "99")
    near = region | (Site.search.startswith(normalise(site.name)[:200] + " "))
    reached = Site.email.in_(mails) | _plain(Site.phone).in_(phones) | Site.id.in_(_managed_by(mails, phones, manager))
    others = list(Site.select().where(Site.id != site.id, Site.state != "withdrawn", near | reached))
    managers = _managers([other.id for other in others])
    found = []
    for other in others:
        theirs = managers.get(other.id)
        reasons = _reasons(site, other, theirs if theirs != manager else None, mails, phones)
        if reasons:
            found.append((-len(reasons), other.id, LookAlike(other, ", ".join(reasons).capitalize())))
    return [one for _, _, one in sorted(found, key=lambda entry: entry[:2])][:MOST_SHOWN]


def _managers(ids) -> dict[int, User]:
    """Site id → its present manager."""
    links = SiteManager.select(SiteManager, User).join(User).where(SiteManager.current(), SiteManager.site.in_(ids))
    return {link.site_id: link.user for link in links}


def _managed_by(mails, phones, manager):
    """Sites of other managers with the same contact data."""
    others = User.select(User.id).where(
        User.email.in_(mails) | _plain(User.phone).in_(phones), User.id != (manager.id if manager else 0)
    )
    return SiteManager.select(SiteManager.site).where(SiteManager.current(), SiteManager.user.in_(others))


def _reasons(site, other, theirs, mails, phones) -> list[str]:
    """How another site, managed by `theirs`, resembles this one."""
    reasons = []
    if normalise(site.name) == normalise(other.name):
        reasons.append("zelfde naam")
    elif _almost(_core(site.name), _core(other.name)):
        reasons.append("bijna zelfde naam")
    if other.postcode == site.postcode and _street(other.street) == _street(site.street):
        reasons.append("zelfde straat")
    if phones & _numbers(other.phone, theirs.phone if theirs else ""):
        reasons.append("zelfde telefoonnummer")
    if mails & {other.email, theirs.email if theirs else ""}:
        reasons.append("zelfde e-mailadres")
    return reasons


def _almost(name: str, other: str) -> bool:
    """Whether two names are alike; the cheap bounds come first, since most are not."""
    match = SequenceMatcher(None, name, other)
    return all(ratio() >= ALMOST for ratio in (match.real_quick_ratio, match.quick_ratio, match.ratio))


def _core(name: str) -> str:
    """A name without the words that half of all sites share."""
    words = normalise(name).replace("'", " ").replace("-", " ").split()
    return " ".join(word for word in words if word not in COMMON_WORDS) or " ".join(words)


def _street(text: str) -> str:
    return normalise(text.rstrip("0123456789 abcABC/-"))


def _numbers(*phones: str) -> set[str]:
    """A telephone number in every way it may be stored, digits only: as we store it, as people write it, and as
    typed."""
    texts = {text for one in phones for text in (one, readings.same(readings.phone, one), readings.shown_phone(one))}
    return {digits for text in texts if (digits := "".join(char for char in text if char.isdigit()))}


def _plain(column):
    """A telephone column without spaces, dots, slashes and plus."""
    for sign in (" ", ".", "/", "-", "+"):
        column = fn.REPLACE(column, sign, "")
    return column
