"""Retention periods, and the nightly clean-up (GDPR, article 5: no longer than necessary).

Each rule counts its days from a date in the rows themselves, so a clean-up may run late or twice. The team sets the
days."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from peewee import Node, fn

import audit
import dutch
import scope
from database import BaseModel, RuleError, as_tuples, locking, writing
from database.searching import forget_words
from models import (
    TEAM,
    Attest,
    Clock,
    Evaluation,
    FinalEvaluation,
    Handover,
    History,
    Lookup,
    Mail,
    Membership,
    Participant,
    Placement,
    Retention,
    Role,
    Site,
    SiteManager,
    SiteMessage,
    Trajectory,
    User,
    UserRole,
)
from times import at_hour, local_date
from workflow.privacy import erasure

HOUR = 3  # in Brussels: when the nightly clean-up starts
AT_ONCE = 500  # rows per rule in one sweep of the clock; the rest follows in the next
YEAR = 365
DONE = "sent", "failed", "uncertain"  # states of a mail that will not be sent any more
LEAST_DAYS, MOST_DAYS = 30, 100 * YEAR


@dataclass(frozen=True)
class Rule:
    """`found(before)`: a query of the rows whose period ended before that date; `treat(row, now)`: erase a row,
    inside a transaction, with the row locked; `ground`: why we keep it that long. `narrow(before)`: a condition
    implied by the query, which lets an index find them among millions; for a single row it would cost more than it
    saves. `together`: `treat` gets a list of rows at once."""

    key: str
    name: str
    what: str
    ground: str
    days: int
    model: type[BaseModel]
    found: Callable[[date], Any]
    treat: Callable[[Any, datetime], object]
    narrow: Callable[[date], Node] | None = None
    together: bool = False


# ---- what each rule finds


def _runs_of(participant):
    return Trajectory.select(Trajectory.id).where(Trajectory.participant == participant)


def _participants(before, attested: bool):
    """Participants whose every trajectory ended before; with, or without, an attest."""
    mine = _runs_of(Participant.id)
    over = fn.EXISTS(mine) & ~fn.EXISTS(mine.where(Trajectory.ends_on >= before))
    given = mine.join(FinalEvaluation).join(Attest).where(Attest.revoked_at.is_null())
    which = ~fn.EXISTS(given)
    if attested:
        which = fn.EXISTS(given) & ~fn.EXISTS(given.where(Attest.issued_on >= before))
    return Participant.select().where(Participant.erased_at.is_null(), over, which)


def _ran_out(before):
    return Participant.id.in_(Trajectory.select(Trajectory.participant).where(Trajectory.ends_on < before))


def _written(before):
    """Trajectories that ended before and still have texts."""
    stages = Placement.select(Placement.id).where(Placement.trajectory == Trajectory.id)
    told = (
        Evaluation.motivation.not_in(("", erasure.GONE))
        | (Evaluation.remarks != "")
        | (Evaluation.mentor != erasure.GONE)
    )
    left = fn.EXISTS(stages.join(Evaluation).where(told)) | fn.EXISTS(
        stages.where(Placement.reason.not_in(("", erasure.GONE)))
    )
    return Trajectory.select().where(Trajectory.ends_on < before, left)


def _unused(before):
    """Accounts without a login since then, that manage nothing, belong to no association and are not in the team."""
    charge = (
        SiteManager.select(SiteManager.id)
        .join(Site)
        .where(SiteManager.user == User.id, SiteManager.current(), Site.state << erasure.LIVING)
    )
    work = Membership.select(Membership.id).where(Membership.user == User.id, Membership.current())
    team = UserRole.select(UserRole.id).join(Role).where(UserRole.user == User.id, Role.name == TEAM)
    asked = Handover.select(Handover.id).where(
        (Handover.requester == User.id) | (Handover.asked == User.id), Handover.state << Handover.UNDECIDED
    )
    rest = (charge, work, team, asked)
    old = User.seen_on < before, User.seen_on.is_null() & (User.created_at < before)
    query = User.select().where(User.erased_at.is_null(), old[0] | old[1])
    return query.where(*(~fn.EXISTS(one) for one in rest))


def _finished_sites(before):
    """Sites that are no longer active and still have contact data or messages."""
    over = Site.state.in_(("rejected", "withdrawn", "closed")) & (
        fn.COALESCE(Site.decided_at, Site.submitted_at) < before
    )
    messages = SiteMessage.select(SiteMessage.id).where(SiteMessage.site == Site.id)
    return Site.select().where(over, (Site.email != "") | (Site.phone != "") | fn.EXISTS(messages))


def _forget_contact(site, now):
    SiteMessage.delete().where(SiteMessage.site == site).execute()
    Site.update(email="", phone="").where(Site.id == site.id).execute()


def _forget_lines(lines, now):
    told = dutch.counted(len(lines), "regel", "regels")
    audit.erase({line.id for line in lines}, None, "history.erased", None, at=now, lines=told)


RULES = (
    Rule(
        "participant",
        "Deelnemer zonder attest",
        "Naam, geboortedatum, e-mailadres en KAVO-ID van wie geen attest kreeg.",
        "Na het traject hebben we die niet meer nodig; wie opnieuw begint, komt met een nieuwe cursus.",
        3 * YEAR,
        Participant,
        lambda before: _participants(before, attested=False),
        lambda row, now: erasure.erase_participant(row, None, now, ""),
        _ran_out,
    ),
    Rule(
        "attest",
        "Deelnemer met attest",
        "Naam, geboortedatum, e-mailadres en KAVO-ID van wie een attest kreeg.",
        "Een attest geldt levenslang: wie het verliest of moet bewijzen, kan het bij ons opvragen.",
        50 * YEAR,
        Participant,
        lambda before: _participants(before, attested=True),
        lambda row, now: erasure.erase_participant(row, None, now, ""),
        _ran_out,
    ),
    Rule(
        "texts",
        "Teksten van beoordelingen",
        "Stagebegeleider, motivering, opmerkingen en redenen. Uren en resultaat blijven.",
        "Zolang iemand een beoordeling kan betwisten.",
        5 * YEAR,
        Trajectory,
        _written,
        lambda row, now: erasure.forget_texts([row.id]),
    ),
    Rule(
        "account",
        "Account dat niemand gebruikt",
        "Naam, e-mailadres, telefoon, geboortedatum, eID, als iemand niets beheert.",
        "Wie terugkomt, registreert zich opnieuw.",
        3 * YEAR,
        User,
        _unused,
        lambda row, now: erasure.erase_user(row, None, now, ""),
    ),
    Rule(
        "site",
        "Contact van een afgekeurde of gesloten stageplaats",
        "E-mailadres, telefoon en berichten bij de aanvraag.",
        "Zolang er vragen over de beslissing kunnen komen.",
        2 * YEAR,
        Site,
        _finished_sites,
        _forget_contact,
    ),
    Rule(
        "handover",
        "Contact bij een overdracht",
        "E-mailadres en telefoonnummer van wie overnam.",
        "Zolang er vragen over de overdracht kunnen komen.",
        YEAR,
        Handover,
        lambda before: Handover.select().where(
            Handover.decided_at < before, (Handover.email != "") | (Handover.phone != "")
        ),
        lambda row, now: Handover.update(email="", phone="").where(Handover.id == row.id).execute(),
    ),
    Rule(
        "mail",
        "Verstuurde e-mails",
        "Aan wie, onderwerp en tekst. Dat en wanneer er een e-mail vertrok, blijft.",
        "Om te kunnen nagaan of iemand een e-mail kreeg.",
        YEAR,
        Mail,
        lambda before: Mail.select().where(Mail.created_at < before, Mail.state.in_(DONE), Mail.body != ""),
        lambda row, now: erasure.forget_mails(Mail.id == row.id),
    ),
    Rule(
        "lookup",
        "Opzoekingen",
        "Wie welk KAVO-ID opzocht, en waarvoor.",
        "Om misbruik te kunnen vaststellen.",
        YEAR,
        Lookup,
        lambda before: Lookup.select().where(Lookup.at < before),
        lambda row, now: row.delete_instance(),
    ),
    Rule(
        "history",
        "Namen in de geschiedenis",
        "De namen en waarden in een regel. Wat er gebeurde en wanneer, blijft.",
        "Om beslissingen te kunnen verantwoorden.",
        10 * YEAR,
        History,
        lambda before: History.select().where(History.at < before, History.payload.is_null(False)),
        _forget_lines,
        together=True,
    ),
)


# ---- the days


def days() -> dict[str, int]:
    """Key of each rule → days, as set by the team."""
    chosen: dict[str, int] = dict(as_tuples(Retention.select(Retention.key, Retention.days)))
    return {rule.key: chosen.get(rule.key, rule.days) for rule in RULES}


def set_days(chosen: dict[str, int], by: User, now: datetime):
    """Set the retention periods: key of a rule → days. Raises RuleError for a number out of bounds."""
    scope.require(by, "set", Retention())
    with writing():
        before = days()
        for rule in RULES:
            number = chosen[rule.key]
            if not LEAST_DAYS <= number <= MOST_DAYS:
                raise RuleError(f"Kies {LEAST_DAYS} tot {MOST_DAYS} dagen.", rule.key)
            if number != before[rule.key]:
                Retention.delete().where(Retention.key == rule.key).execute()
                Retention.create(key=rule.key, days=number)
                audit.record(
                    by,
                    "retention.changed",
                    None,
                    at=now,
                    name=rule.name,
                    changes=f"van {before[rule.key]} naar {number} dagen",
                )


# ---- the clean-up


def upcoming(now: datetime) -> list[tuple[Rule, int, Any]]:
    """(rule, days, query of the rows that it would erase) at `now` (UTC); changes nothing."""
    chosen = days()
    return [(rule, chosen[rule.key], _found(rule, _before(chosen[rule.key], now))) for rule in RULES]


def _before(number: int, now: datetime) -> date:
    return local_date(now) - timedelta(days=number)


def _found(rule, before):
    query = rule.found(before)
    return query.where(rule.narrow(before)) if rule.narrow else query


def is_time(now: datetime) -> bool:
    """Whether tonight's clean-up has yet to start or to continue."""
    today = local_date(now)
    done = Clock.select(Clock.cleaned_on).scalar()
    return now >= at_hour(today, HOUR) and (done is None or done < today)


def by_night(now: datetime) -> int:
    """The clean-up, once a night; returns how many rows it erased."""
    return clean_up(now) if is_time(now) else 0


def clean_up(now: datetime) -> int:
    """Erase what is past its period, AT_ONCE rows per rule; returns how many. When nothing is left, the day is done."""
    treated, left = 0, False
    for rule, number, query in upcoming(now):
        ids = [row.pk for row in query.limit(AT_ONCE)]
        left |= len(ids) == AT_ONCE
        still = rule.found(_before(number, now))
        treated += sum(_treat(rule, still, some, now) for some in ([ids] if rule.together else ([pk] for pk in ids)))
    if not left:
        forget_words()
        Clock.update(cleaned_on=local_date(now)).execute()
    return treated


def _treat(rule: Rule, query, ids: list, now: datetime) -> int:
    """Treat one row, or those that go together, in their own transaction; returns how many. Skips rows that were
    treated meanwhile or are needed again."""
    key: Any = rule.model._meta.primary_key
    with writing():
        rows = list(
            locking(
                query.where(key.in_(ids)).order_by(key),
                to_delete=True,
            )
        )
        if rows:
            rule.treat(rows if rule.together else rows[0], now)
    return len(rows)
