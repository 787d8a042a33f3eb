"""What waits for a manager: a card for each of their sites."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from flask import url_for
from peewee import JOIN, Case, fn

import dutch
import scope
from admin_kit.cells import Button
from database import as_tuples
from models import PLACEMENT, Handover, Placement, Site, SiteManager, Status, User
from workflow.stages import bulk

WEEK = timedelta(days=6)  # today and the days after it in which an internship starts "this week"
COUPLED = ("approved", "closed")
"""states of a site that has participants"""


@dataclass
class SiteCard:
    """A site with what waits there: sentences with a link, and the two things that a manager does most."""

    site: Site
    status: Status
    waiting: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    looks_up: bool = False
    """whether the field for a KAVO-ID stands on the card"""

    @property
    def url(self) -> str:
        return url_for("site.details_view", id=self.site.id)


def cards(by: User, today: date) -> list[SiteCard]:
    """A card for each site that this person manages now, the ones with work first."""
    mine = SiteManager.select(SiteManager.site).where(SiteManager.user == by, SiteManager.current())
    sites = list(Site.select().where(Site.id.in_(mine), scope.own(by, Site)).order_by(Site.search))
    counts, asked = _counts(sites, today), _handovers(sites, by)
    found = [_card(site, *counts.get(site.id, (0, 0)), asked.get(site.id), today) for site in sites]
    found = [card for card in found if card.waiting or card.site.state != "closed"]
    for card in found:
        card.looks_up = len(found) == 1 and card.site.state == "approved"
    return sorted(found, key=lambda card: not card.waiting)


def _counts(sites, today) -> dict[int, tuple[int, int]]:
    """Site → how many internships must be evaluated, and how many start within a week; in one query."""
    late = PLACEMENT.where(Placement, today, "over")
    starting = (Placement.state == "open") & Placement.starts_on.between(today, today + WEEK)
    query = Placement.select(Placement.site, *(fn.SUM(Case(None, [(one, 1)], 0)) for one in (late, starting)))
    query = query.where(Placement.site.in_(sites), Placement.state == "open").group_by(Placement.site)
    return {site: (over, soon) for site, over, soon in as_tuples(query)}


def _handovers(sites, by) -> dict[int, Handover]:
    """Site → the request to take it over that this person must answer."""
    query = Handover.select(Handover, User).join(User, JOIN.LEFT_OUTER, on=Handover.requester)
    query = query.where(Handover.site.in_(sites), Handover.asked == by, Handover.state == "open", ~Handover.offered)
    return {one.site_id: one for one in query}


def _card(site, over: int, soon: int, asked: Handover | None, today) -> SiteCard:
    card = SiteCard(site, site.status(today))
    if asked:
        words = f"{asked.requester} wil deze stageplaats overnemen. Antwoord tegen {dutch.day(asked.due_on)}."
        card.waiting.append((words, url_for("handover.show", pk=asked.id)))
    if over:
        words = f"{dutch.counted(over, 'stage', 'stages')} te beoordelen"
        card.waiting.append((words, _to_evaluate(site, today)))
    if soon:
        words = f"{dutch.counted(soon, 'stage begint', 'stages beginnen')} deze week"
        card.waiting.append((words, url_for("site.participants", pk=site.id)))
    if site.state in COUPLED:
        card.buttons.append(Button("Deelnemers", url_for("site.participants", pk=site.id), "btn-secondary"))
    if over:
        card.buttons.append(Button("Beoordelen", _to_evaluate(site, today), "btn-primary"))
    return card


def _to_evaluate(site, today) -> str:
    """The one form for those who wait here, as far as they fit in it: of a single one its own form."""
    query = Placement.select(Placement.id).where(Placement.site == site, PLACEMENT.where(Placement, today, "over"))
    ids = [pk for (pk,) in as_tuples(query.order_by(Placement.ends_on).limit(bulk.MOST_EVALUATED))]
    if len(ids) == 1:
        return url_for("placement.evaluate", id=ids[0])
    return url_for("bulk.evaluate", id=ids)
