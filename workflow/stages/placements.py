"""Finding a participant by KAVO-ID, coupling to a site for some of the 50 hours, changing and cancelling that."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import multimode

import audit
import dutch
import scope
from database import Conflict, RuleError, as_tuples, readings, writing
from database.texts import required_text, tidy_lines
from models import (
    ASSOCIATION,
    ON_BEHALF,
    STAGE_HOURS,
    TEAM,
    TYPES,
    Association,
    Lookup,
    Participant,
    Placement,
    Site,
    Trajectory,
    User,
    statuses,
)
from times import local_date
from workflow import limits

UNKNOWN_IDS_PER_HOUR = 20  # domain rule 8: so that nobody can guess numbers
NO_SHOW = "Niet komen opdagen."
RECENT = 20  # placements that show what a site usually couples
SAME_LOOKUP = timedelta(minutes=15)


@dataclass
class Found:
    """A participant found by KAVO-ID, with the trajectories (at least one) for which this site may couple."""

    participant: Participant
    trajectories: list[Trajectory]


def look_up(text: str, site: Site, by: User, now: datetime) -> Found:
    """The participant with exactly this KAVO-ID (see `readings`), for coupling to `site`.

    Every search is recorded with its purpose. Raises RuleError when it is no KAVO-ID, unknown, asked too often, or
    when there is nothing to couple; NotYours when `by` may not couple at this site. Manual chapter 4."""
    scope.require(by, "couple", site)
    kavo_id = readings.kavo_id(text, "kavo")
    with writing():
        User.hold(by.id)
        _refuse_guessing(by, now)
        participant = Participant.get_or_none(Participant.kavo_id == kavo_id)
        if participant and only_for_association(by, site) and not scope.may(by, "view", participant):
            participant = None
        log_lookup(kavo_id, participant is not None, f"koppelen aan {site}"[:200], by, now)
    if participant is None:
        raise RuleError(
            f"We vinden niemand met KAVO-ID {kavo_id}. Vraag het nummer na bij de stagiair of bij de vereniging.",
            "kavo",
        )
    return Found(participant, _to_couple(participant, site, by, local_date(now)))


def log_lookup(kavo_id: str, found: bool, purpose: str, by: User, now: datetime):
    """Record a search, by the KAVO-ID alone, and whether it found anyone; looking up and then coupling the same
    person is one search."""
    same = Lookup.select().where(Lookup.user == by, Lookup.kavo_id == kavo_id, Lookup.purpose == purpose)
    if not found or not same.where(Lookup.found, Lookup.at > now - SAME_LOOKUP).exists():
        Lookup.create(user=by, kavo_id=kavo_id, found=found, purpose=purpose, at=now)


def _refuse_guessing(by: User, now: datetime):
    recent = Lookup.select().where(Lookup.user == by, ~Lookup.found, Lookup.at > now - timedelta(hours=1))
    if limits.switched_on() and recent.count() >= UNKNOWN_IDS_PER_HOUR:
        raise RuleError(
            f"Je zocht het laatste uur al {UNKNOWN_IDS_PER_HOUR} nummers die niet bestaan. Probeer het over een uur opnieuw.",
            "kavo",
        )


def only_for_association(by: User, site: Site) -> bool:
    """Whether this user acts at this site for an association only: not in the team, and not the site's manager."""
    return ASSOCIATION in by.role_names and not scope.may(by, "view", site)


def _to_couple(participant: Participant, site: Site, by: User, today: date) -> list[Trajectory]:
    """The trajectories of this participant that `by` may couple to this site today. Raises RuleError when there are
    none."""
    refuse_site(site)
    running = (
        Trajectory.select(Trajectory, Association)
        .join(Association)
        .where(Trajectory.participant == participant, statuses.TRAJECTORY.where(Trajectory, today, "open"))
        .order_by(Trajectory.id)
    )
    if only_for_association(by, site):
        running = running.where(scope.own(by, Trajectory, "couple"))
    fitting = [trajectory for trajectory in running if site.offers(trajectory.type)]
    if not running:
        raise RuleError(f"{participant} heeft geen traject dat nog loopt. Vraag het na bij de vereniging.", "kavo")
    if not fitting:
        kinds = dutch.listing(TYPES[trajectory.type].lower() for trajectory in running)
        raise RuleError(
            f"{site} biedt geen stage aan voor {kinds}. Pas eerst de stages van de stageplaats aan.", "kavo"
        )
    for trajectory in fitting:
        trajectory.participant = participant
    return fitting


def refuse_site(site: Site):
    """Raise RuleError when nobody can be coupled to this site."""
    if site.state != "approved":
        raise RuleError(f"{site} is niet (meer) goedgekeurd. Er kunnen geen deelnemers bij.")


def acting_for(by: User, asked: str | None, site: Site) -> str | None:
    """On whose behalf a user acts at a site: the team always 'namens' the site or the association; staff of an
    association who do not manage the site, for the association; a manager for the site itself (None)."""
    if TEAM in by.role_names:
        return asked if asked in ON_BEHALF else "site"
    return "association" if only_for_association(by, site) else None


def behalf_words(on_behalf: str | None, trajectory: Trajectory) -> str:
    """' namens …', as a sentence of the history ends; the association by its name."""
    if on_behalf == "association":
        return f" namens {trajectory.association}"
    return f" namens {ON_BEHALF[on_behalf]}" if on_behalf else ""


def couple(
    trajectory: Trajectory,
    site: Site,
    hours: int,
    by: User,
    now: datetime,
    *,
    starts_on: date | None = None,
    ends_on: date | None = None,
    on_behalf: str | None = None,
) -> Placement:
    """Couple a trajectory to a site for `hours` (whole, 1 or more) of its 50 hours; dates are what is expected.

    Raises RuleError when the hours do not fit, the trajectory or the site is not open for it. Manual chapter 4."""
    scope.require(by, "couple", site)
    if only_for_association(by, site):
        scope.require(by, "couple", trajectory)
    with writing():
        site = Site.locked(site.id)  # first, and exclusively: its number of participants changes too
        refuse_site(site)
        who, trajectory = trajectory.participant, Trajectory.locked(trajectory.id)
        if not trajectory.is_open(local_date(now)):
            raise RuleError(f"Het traject van {who} loopt niet meer. Vraag het na bij de vereniging.")
        if not site.offers(trajectory.type):
            raise RuleError(f"{site} biedt geen stage aan voor {trajectory.type_label}.")
        behalf = acting_for(by, on_behalf, site)
        placement = Placement(
            trajectory=trajectory,
            site=site,
            hours=hours,
            starts_on=starts_on,
            ends_on=ends_on,
            on_behalf=behalf,
            coupled_by=by,
            created_at=now,
        )
        placement.save()
        audit.record(
            by,
            "placement.coupled",
            placement,
            at=now,
            participant=who,
            site=site,
            hours=hours,
            on_behalf=behalf_words(behalf, trajectory),
        )
    return placement


def cautions(placement: Placement, now: datetime) -> list[str]:
    """Remarks after coupling that are no reason to refuse."""
    today, trajectory = local_date(now), placement.trajectory
    remarks = []
    if placement.starts_on and placement.starts_on < today:
        remarks.append("De stage is al begonnen. Koppel een deelnemer liefst voor de stage begint.")
    if placement.ends_on and placement.ends_on > trajectory.ends_on:
        remarks.append(
            f"Het traject moet afgewerkt zijn tegen {dutch.day(trajectory.ends_on)}, voor het einde van deze stage."
        )
    return remarks


def _open_one(placement: Placement, version: int | None) -> Placement:
    """The placement as it is now, with its trajectory, both locked; refused when it is no longer open or was changed
    since `version`. The trajectory is locked first, as everywhere."""
    trajectory = Trajectory.locked(placement.trajectory_id)
    fresh = Placement.locked(placement.id)
    fresh.trajectory = trajectory
    if fresh.state == "evaluated":
        raise RuleError(f"De stage van {fresh} is al beoordeeld. De koppeling kan niet meer wijzigen.")
    if fresh.state == "cancelled":
        raise RuleError(f"De koppeling van {fresh} is al geannuleerd.")
    if version is not None and version != fresh.version:
        raise Conflict(
            f"De koppeling van {fresh} is intussen door iemand anders gewijzigd. Kijk na wat je wilt behouden."
        )
    return fresh


def change(
    placement: Placement,
    by: User,
    now: datetime,
    hours: int,
    starts_on: date | None = None,
    ends_on: date | None = None,
    version: int | None = None,
) -> Placement:
    """Change the hours (whole, 1 or more) or the expected dates of a placement that is not yet evaluated.

    Raises RuleError when the hours do not fit or it is too late, Conflict when it is no longer at `version`."""
    scope.require(by, "change", placement)
    with writing():
        fresh = _open_one(placement, version)
        before = {"hours": fresh.hours, "starts_on": fresh.starts_on, "ends_on": fresh.ends_on}
        fresh.hours, fresh.starts_on, fresh.ends_on = hours, starts_on, ends_on
        if changed := audit.changes(before, fresh):
            fresh.save()
            audit.record(
                by,
                "placement.changed",
                fresh,
                at=now,
                participant=fresh.trajectory.participant,
                site=fresh.site,
                changes=changed,
            )
    return fresh


def cancel(placement: Placement, by: User, now: datetime, reason: str, no_show: bool = False) -> Placement:
    """Cancel a placement that is not yet evaluated: its hours are freed, the row stays. A participant who did not show
    up is reason enough; otherwise one is required.

    Raises RuleError when the reason is missing or it is too late."""
    scope.require(by, "cancel", placement)
    why = (
        tidy_lines(reason or "")
        if no_show
        else required_text(reason, "Schrijf waarom de stage niet doorgaat.", "reason")
    )
    with writing():
        Site.hold(placement.site_id)  # before the trajectory, as when coupling
        fresh = _open_one(placement, None)
        fresh.move("cancelled", reason=why or NO_SHOW, no_show=no_show)
        audit.record(
            by,
            "placement.cancelled",
            fresh,
            at=now,
            participant=fresh.trajectory.participant,
            site=fresh.site,
            hours=fresh.hours,
            reason=f"niet komen opdagen. {why}".strip() if no_show else why,
        )
    return fresh


def suggested_hours(trajectory: Trajectory, site: Site) -> int:
    """The hours that a coupling here probably takes: what is left, at most what this site usually couples for the type."""
    left = trajectory.hours_left()
    same = Placement.select(Placement.hours).where(
        Placement.site == site, Placement.type == trajectory.type, Placement.state != "cancelled"
    )
    recent = [hours for (hours,) in as_tuples(same.order_by(Placement.id.desc()).limit(RECENT))]
    return min(left, multimode(recent)[0]) if recent else left


def sum_of_hours(trajectory: Trajectory, site: Site | None = None, by: User | None = None) -> list[tuple[str, int]]:
    """How the remaining hours add up: (line, hours) from 'Stage in totaal' on; negative hours are taken.

    With `site`, the sum is asked before anything is coupled there: another site is named only to a user who may see
    that placement."""
    lines = [("Stage in totaal", STAGE_HOURS)]
    taking = trajectory.placements.select(Placement, Site).join(Site).where(Placement.counted > 0)
    for placement in taking.order_by(Placement.id):
        named = site is None or placement.site_id == site.id or (by is not None and scope.may(by, "view", placement))
        what = "Gekoppeld" if placement.state == "open" else "Positief beoordeeld"
        lines.append((f"{what} bij {placement.site if named else 'een andere stageplaats'}", -placement.counted))
    return lines
