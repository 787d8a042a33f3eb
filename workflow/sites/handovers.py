"""Handovers: asking, answering with or without login, what follows when nobody answers, and naming a successor.

Manual 2.3.2, domain rule 7. Of several who decide at once exactly one wins: `Handover.move` compares the state."""

from dataclasses import dataclass
from datetime import datetime

import audit
import mails
import scope
from database import RuleError, readings, writing
from database.texts import said, tidy_lines
from mails import links
from mails.links import HANDOVER, OFFER
from models import HANDOVER_DAYS, Handover, Mail, Placement, Site, Token, User, statuses
from times import days_after, end_of_day, local_date
from workflow.sites import sites

NO_ANSWER = "De stageplaatsverantwoordelijke antwoordde niet binnen de termijn."
"""the team's reason for accepting when it writes none"""


@dataclass
class Moves:
    """What is transferred with a site: running placements, and those whose internship has ended."""

    running: int
    to_evaluate: int

    def __str__(self):
        stages = f"{self.running} lopende {'stage' if self.running == 1 else 'stages'}"
        open_ones = f"{self.to_evaluate} open {'beoordeling' if self.to_evaluate == 1 else 'beoordelingen'}"
        return f"{stages}, {open_ones}"


def moves(site: Site, now: datetime) -> Moves:
    """What the new manager gets with this site at `now` (UTC)."""
    placed = Placement.select().where(Placement.site == site, Placement.state == "open")
    over = placed.where(statuses.PLACEMENT.where(Placement, local_date(now), "over")).count()
    return Moves(placed.count() - over, over)


# ---- asking


def ask(site: Site, by: User, email: str, phone: str, now: datetime) -> Handover:
    """'Beheer overnemen': ask the manager of an approved site to hand it over. For a site without a manager the team
    must decide at once; a site that was offered to `by` (see `scope`) changes hands at once.

    Raises RuleError when one manages it already, when another handover waits, or when the site is not approved."""
    if not scope.allows(by, "take_over", Site):
        raise scope.NotYours("take_over Site")
    with writing():
        fresh = Site.locked(site.id)
        manager = fresh.manager()
        if fresh.state != "approved":
            raise RuleError(f"{fresh} is geen erkende stageplaats meer. Kies een andere uit de lijst.")
        if manager == by:
            raise RuleError(f"Jij beheert {fresh} al.")
        offer = offer_to(fresh, by.email)
        if offer and scope.may(by, "answer", offer):
            accept(offer, by, now)
            return Handover.get_by_id(offer.id)
        handover = Handover(site=fresh, requester=by, asked=manager, email=email, phone=phone, created_at=now)
        handover.save()
        audit.record(by, "handover.asked", handover, at=now, site=fresh)
        if by.confirmed_at:  # else the mail to confirm the address has just left
            mails.handover_received(handover, now)
        if manager is None or not manager.is_reachable:
            escalate(handover, now, "Er is niemand om het aan te vragen.", tell=False)
        else:
            mails.handover_asked(handover, _new_link(handover, HANDOVER, now), str(moves(fresh, now)), now)
    return handover


def offer_to(site: Site | None, address: str) -> Handover | None:
    """The open offer of this site to this address."""
    here = (Handover.site == site) & (Handover.email << readings.spellings(address))
    return Handover.get_or_none(here, Handover.offered, Handover.state == "open")


def offer(site: Site, by: User, email: str, now: datetime) -> Handover:
    """A manager names a successor by address; the site changes hands as soon as that person accepts.

    Raises RuleError for the manager's own address, or when another handover is open."""
    scope.require(by, "offer", site)
    with writing():
        fresh = Site.locked(site.id)
        giver = fresh.manager()
        if fresh.state != "approved" or giver is None:
            raise RuleError(f"{fresh} kan nu niet van beheerder veranderen.")
        if giver.email in readings.spellings(email):
            raise RuleError(
                "Dat is het e-mailadres van wie de stageplaats nu beheert. Typ dat van de opvolger.", "email"
            )
        handover = Handover(site=fresh, offered=True, asked=giver, email=email, created_at=now)
        handover.save()
        audit.record(by, "handover.offered", handover, at=now, site=fresh)
        mails.handover_offered(handover, _new_link(handover, OFFER, now), str(moves(fresh, now)), now)
    return handover


# ---- the links in the mails


def _new_link(handover: Handover, purpose: str, now: datetime) -> str:
    """Issue another link to answer, until the end of the term; earlier ones keep working. Returns the secret."""
    last = handover.due_on if handover.due_on >= local_date(now) else days_after(now, handover.term_days)
    return links.issue(purpose, now, end_of_day(last), handover.asked if purpose == HANDOVER else None, handover)


def can_ask_anew(token: Token, now: datetime) -> bool:
    """Whether whoever holds this link may ask for a new one, which goes to the manager who was asked."""
    handover = links.about(token)
    return token.purpose == HANDOVER and handover.undecided and handover.asked.active


def ask_new_link(token: Token, now: datetime):
    """'Nieuwe link vragen': mail a new link to the manager who was asked. Raises RuleError when it was decided
    already."""
    with writing():
        if not can_ask_anew(token, now):
            raise RuleError("Over deze overdracht is al beslist. Een nieuwe link is niet meer nodig.")
        handover = links.about(token)
        if not mails.sent_since("handover_asked", handover.asked.email, now - mails.NOT_TWICE_WITHIN):
            mails.handover_asked(handover, _new_link(handover, HANDOVER, now), str(moves(handover.site, now)), now)


def remind(handover: Handover, now: datetime):
    """Remind the manager who was asked; for the clock, inside its transaction."""
    mails.handover_reminder(handover, _new_link(handover, HANDOVER, now), now)


# ---- deciding


def accept(handover: Handover, by: User, now: datetime, reason: str = "", by_link: bool = False):
    """The site with all its placements goes to the requester, or an offer to `by`; everyone is told. `by_link`: the
    holder of the link of an offer need not have the address that it was sent to. Raises RuleError when it was decided
    already."""
    if not by_link:
        scope.require(by, "answer", handover)
    with writing():
        site = Site.locked(handover.site_id)
        fresh = Handover.locked(handover.id)
        taker = fresh.requester
        if fresh.offered and (by_link or by.email in readings.spellings(fresh.email)):
            taker = by
        _refuse_move(fresh, site, taker)
        nobody_answered = fresh.state == "escalated" and by.id != fresh.asked_id
        why = tidy_lines(reason) or (NO_ANSWER if nobody_answered else "")
        fresh.move("accepted", requester=taker, decided_at=now, decided_by=by, reason=why)
        mails.unsend(fresh, *mails.ASKING)
        sites.hand_to(site, taker, by, now)
        audit.record(by, "handover.accepted", fresh, at=now, site=site, taker=taker, moves=moves(site, now))
        mails.handover_accepted(fresh, now)


def _refuse_move(handover: Handover, site: Site, taker: User | None):
    if not handover.undecided:
        raise RuleError(handover.step_refused())
    if taker is None:
        raise RuleError("De opvolger heeft nog niet aanvaard. Alleen die persoon kan dat doen.")
    if not taker.active:
        raise RuleError(f"Het account van {taker} bestaat niet meer. Keur de overdracht af.")
    if site.state != "approved":
        raise RuleError(f"{site} is geen erkende stageplaats meer. Keur de overdracht af.")


def refuse(handover: Handover, by: User, now: datetime, reason: str):
    """Refuse, for a reason that the other side reads. Raises RuleError without a reason, or when it was decided
    already."""
    scope.require(by, "answer", handover)
    reason = said(reason, "Schrijf waarom je afkeurt. De aanvrager leest deze tekst.", "reason")
    with writing():
        fresh = Handover.locked(handover.id)
        fresh.move("refused", decided_at=now, decided_by=by, reason=reason)
        mails.unsend(fresh, *mails.ASKING)
        audit.record(by, "handover.refused", fresh, at=now, site=fresh.site, reason=fresh.reason)
        mails.handover_refused(fresh, now)


def withdraw(handover: Handover, by: User, now: datetime):
    """Withdraw: the requester a request, the manager an offer, or the team. Raises RuleError when it was decided
    already."""
    scope.require(by, "withdraw", handover)
    with writing():
        fresh = Handover.locked(handover.id)
        ours = by.id in (fresh.requester_id, fresh.asked_id)
        fresh.move("withdrawn", decided_at=now, decided_by=by, reason="" if ours else "Het team trok de overdracht in.")
        mails.unsend(fresh, *mails.ASKING)
        audit.record(by, "handover.withdrawn", fresh, at=now, site=fresh.site)
        if not ours:
            mails.handover_ended(fresh, now)
        if (
            Mail.select().where(mails.about(fresh), Mail.kind << mails.ASKING).exists()
        ):  # otherwise nobody heard of it yet
            mails.handover_withdrawn(fresh, now)


def escalate(handover: Handover, now: datetime, why: str, tell: bool = True):
    """The team must decide now, and hears so; the manager may still answer, and the requester withdraw. `tell`: the
    requester too, who may know it already. Inside a transaction.

    Raises RuleError when somebody decided first."""
    handover.move("escalated", team_due_on=days_after(now, HANDOVER_DAYS), team_days=HANDOVER_DAYS)
    audit.record(None, "handover.escalated", handover, at=now, site=handover.site, reason=why)
    mails.handover_at_team(handover, why, now)
    if tell:
        mails.handover_escalated(handover, now)


def lapse(handover: Handover, now: datetime):
    """Close an offer that nobody accepted in time. Inside a transaction. Raises RuleError when somebody decided
    first."""
    handover.move("withdrawn", decided_at=now, reason="Niemand ging op het voorstel in.")
    mails.unsend(handover, *mails.ASKING)
    audit.record(None, "handover.ended", handover, at=now, site=handover.site, reason=handover.reason)
    mails.handover_ended(handover, now)


def decide(handover: Handover, decision: str | None, by: User, now: datetime, reason: str = "") -> str:
    """Do what a button on the page of a handover says: `decision` is approve, refuse or withdraw. Returns the message
    to show. Raises RuleError when none was pressed, or as that decision does."""
    if decision == "approve":
        accept(handover, by, now, reason)
        return "De overdracht is goedgekeurd."
    if decision == "refuse":
        refuse(handover, by, now, reason)
        return "De overdracht is niet goedgekeurd."
    if decision == "withdraw":
        withdraw(handover, by, now)
        return "De overdracht is ingetrokken."
    raise RuleError("Klik op Goedkeuren of op Afkeuren.")
