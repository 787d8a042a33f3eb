"""What the page of an application tells who sent it, in words: how it stands, and who is next."""

from dataclasses import dataclass

import dutch
from admin_kit.cells import Said
from models import Site, SiteMessage, Status

HEADINGS = {
    "submitted": "We bekijken je aanvraag",
    "approved": "Je stageplaats is goedgekeurd",
    "rejected": "Je stageplaats is niet goedgekeurd",
    "withdrawn": "Je aanvraag is ingetrokken",
    "closed": "De stageplaats is gesloten",
}


@dataclass(frozen=True)
class Step:
    """A step of the application: what is told of it, and whether it is past, present or to come."""

    words: str
    attributes: dict


def is_waiting(site: Site) -> bool:
    """Whether the team asked something that is not answered yet."""
    return site.state == "submitted" and site.paused_at is not None


def heading(site: Site) -> str:
    return "We wachten op je antwoord" if is_waiting(site) else HEADINGS[site.state]


def lead(site: Site, status: Status) -> str:
    """Who is next, and by when."""
    if is_waiting(site):
        at = dutch.moment(site.paused_at)
        return f"Jij bent aan zet. De termijn van {site.term_days} dagen staat stil sinds {at}."
    due, at = dutch.day(site.due_on), dutch.moment(site.decided_at)
    if status.key == "late":
        return f"Het team Kadervorming is aan zet. Onze beslissing moest er zijn op {due}. Duurt het je te lang?"
    told = {
        "submitted": f"Het team Kadervorming is aan zet. Je krijgt uiterlijk op {due} een e-mail met de beslissing.",
        "approved": f"Beslist op {at}. In de e-mail daarover lees je hoe je verdergaat.",
        "rejected": f"Beslist op {at}.",
    }
    return told.get(site.state, "")


def looked_at(site: Site) -> Step:
    if site.state != "submitted":
        return Step("Klaar.", {"class": "past"})
    return Step("Wacht op jouw antwoord." if is_waiting(site) else "Bezig.", {"aria-current": "step"})


def decided(site: Site) -> Step:
    if site.state == "submitted":
        return Step("Nog niet.", {"class": "next"})
    return Step(f"{HEADINGS[site.state]}.", {"class": "past"})


def said(messages: list[SiteMessage]) -> list[Said]:
    """Questions and answers, as the applicant reads them."""
    names = {"question": "Het team vroeg:"}
    return [Said(one.at, names.get(one.kind, "Jij antwoordde:"), "", one.text) for one in messages]
