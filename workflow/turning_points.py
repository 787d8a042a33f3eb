"""What falls due, each with its reason, its limit and by what it stops (domain rule 15): the catalogue that `clock` runs.

A turning point finds what is due from dates that stand in columns, and treats it. What was said once is a row of `reminder`, so a
sweep may run late, twice, or beside another. Reminders leave at REMIND_HOUR; a term ends with its last day (both in Brussels)."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from peewee import JOIN, fn

import dutch
import mails
from database import RuleError, locking, writing
from models import (
    APPROVAL_DAYS,
    HANDOVER_DAYS,
    Association,
    Extension,
    Handover,
    Mail,
    Participant,
    Placement,
    Reminder,
    Site,
    SiteManager,
    Token,
    Trajectory,
    User,
    UserRole,
)
from people import ADULT_YEARS, MANAGER, Role
from times import at_hour, days_after, end_of_day, local_date, years_after
from workflow import accounts, activation, confirmation, handovers

REMIND_HOUR = 8  # mails that the clock writes leave in the morning
LEAST_LEFT = timedelta(days=1)  # no reminder when the term ends within a day (domain rule 7)

APPLICATION_DAY = 10
HANDOVER_REMINDERS = 7, 13
ACTIVATION_REMINDERS = 7, 25
EVALUATE_AFTER = 14, 42  # days after the expected end of the stage: its manager
ASSOCIATION_AFTER = 56  # then the association
EVALUATE_UNTIL = 84  # later nobody is reminded any more
NO_END_DAYS = (
    46  # without an expected end a stage counts as over so many days after coupling: its first reminder comes on day 60
)
TRAJECTORY_REMINDERS = 180, 60
ENDED_WITHIN = 60  # how long after its end a trajectory is still worth a mail
ADULT_WITHIN = 30  # how long after the 18th birthday the mail about eID still makes sense


@dataclass(frozen=True)
class Due:
    """One thing that is due: the row, the date from which its series is counted, and in words what it is about. `group`: to whom
    one mail about several goes."""

    row: object
    on: date
    words: str
    group: object = None


@dataclass(frozen=True)
class TurningPoint:
    """`due(now, since)` finds what is due at `now` (UTC), of reminders only what fell due from the day `since` on;
    `treat(dues, now)` does it and returns how many."""

    key: str
    name: str
    reason: str
    limit: str
    stops: str
    due: Callable[[datetime, date], list[Due]]
    treat: Callable[[list[Due], datetime], int]


def morning(now: datetime) -> date:
    """The last day of which the hour for mails has come at `now` (UTC)."""
    today = local_date(now)
    return today if now >= at_hour(today, REMIND_HOUR) else today - timedelta(days=1)


def _days(number: int) -> timedelta:
    return timedelta(days=number)


# ---- said once


def _said(model, kind: str, on):
    """The condition that this was said about a row, for the date in the column or expression `on`."""
    same = (Reminder.object_type == model._meta.table_name) & (Reminder.object_id == model.id.cast("VARCHAR(40)"))
    return fn.EXISTS(Reminder.select(Reminder.id).where(same, Reminder.kind == kind, Reminder.due_on == on))


def say_once(row, kind: str, on: date, now: datetime) -> bool:
    """Note that something is said about a row for the term that is counted from `on`; False when it was said before."""
    noted = Reminder.insert(object_type=row._meta.table_name, object_id=str(row.pk), kind=kind, due_on=on, at=now)
    return bool(noted.on_conflict_ignore().as_rowcount().execute())


def _one_by_one(dues: Iterable[Due], act: Callable[[Due], bool]) -> int:
    """Treat each in its own transaction; one that somebody treated first is skipped."""
    count = 0
    for due in dues:
        try:
            with writing():
                count += bool(act(due))
        except RuleError:
            continue
    return count


def _by_group(dues: list[Due], kind: str, still: Callable[[list[int]], set[int]], write, now: datetime) -> int:
    """One mail per group about all that is due and was not said, in one transaction. `still(ids)` holds the rows and tells which
    of them still wait; `write(group, dues)` writes the mail."""
    groups = defaultdict(list)
    for due in dues:
        groups[due.group.pk if due.group else None].append(due)
    count = 0
    for found in groups.values():
        with writing():
            waiting = still(sorted(due.row.pk for due in found))
            fresh = [due for due in found if due.row.pk in waiting and say_once(due.row, kind, due.on, now)]
            if fresh:
                write(fresh[0].group, fresh)
                count += len(fresh)
    return count


def _held(model, condition):
    """A `still` for `_by_group`: the rows that meet a condition, held so that nobody acts before the mail is written."""

    def still(ids):
        query = model.select(model.id).where(model.id.in_(ids), condition).order_by(model.id)
        return {key for (key,) in locking(query).tuples()}

    return still


# ---- applications: the team


def _applications_due(now, since):
    day, left = morning(now), APPROVAL_DAYS - APPLICATION_DAY
    return _applications(
        "applications_due", Site.due_on.between(max(day, local_date(now)), day + _days(left)), since, -left
    )


def _applications_overdue(now, since):
    return _applications("applications_overdue", Site.due_on < morning(now), since, 1)


WAITING = (Site.state == "submitted") & Site.paused_at.is_null()


def _applications(kind, when, since, shift):
    """`shift`: how many days after the last day the reminder falls due."""
    query = Site.select().where(WAITING, when, Site.due_on >= since - _days(shift), ~_said(Site, kind, Site.due_on))
    return [Due(site, site.due_on, f"{site}, tegen {dutch.day(site.due_on)}") for site in query.order_by(Site.due_on)]


def _tell_team(kind):
    def treat(dues, now):
        def write(_, found):
            mails.team_reminder(kind, [due.row for due in found], now)

        return _by_group(dues, kind, _held(Site, WAITING), write, now)

    return treat


# ---- handovers


def _handover_ends(now, since):
    query = (
        Handover.select(Handover, Site).join(Site).where(Handover.state == "open", Handover.due_on < local_date(now))
    )
    return [Due(one, one.due_on, f"{one.site}, tot {dutch.day(one.due_on)}") for one in query.order_by(Handover.due_on)]


def _end_handovers(dues, now):
    def act(due):
        fresh = Handover.locked(due.row.id)
        if fresh.state != "open" or fresh.due_on >= local_date(now):
            return False
        if fresh.offered:
            handovers.lapse(fresh, now)
        else:
            handovers.escalate(fresh, now, "Er kwam geen antwoord binnen de termijn.")
        return True

    return _one_by_one(dues, act)


def _unreachable(now, since):
    """Open requests of which the manager's own mailbox refuses mail."""
    refused = Mail.select(Mail.id).where(
        Mail.object_type == "handover", Mail.object_id == Handover.id.cast("VARCHAR(40)"),
        Mail.refused_mailbox, Mail.to_address == User.email,
    )  # fmt: skip
    query = Handover.select(Handover, Site).join(Site).switch(Handover).join(User, on=Handover.asked)
    query = query.where(Handover.state == "open", ~Handover.offered, fn.EXISTS(refused))
    return [Due(one, one.due_on, str(one.site)) for one in query]


def _escalate_unreachable(dues, now):
    def act(due):
        fresh = Handover.locked(due.row.id)
        if fresh.state != "open":
            return False
        handovers.escalate(fresh, now, "De mailbox van de stageplaatsverantwoordelijke aanvaardt geen mail.")
        return True

    return _one_by_one(dues, act)


def _handover_step(number):
    """Reminders are counted back from the last day, of which the end is counted too."""
    before = HANDOVER_DAYS - HANDOVER_REMINDERS[number]
    superseded = HANDOVER_DAYS - HANDOVER_REMINDERS[number + 1] if number + 1 < len(HANDOVER_REMINDERS) else None
    kind = f"handover_{HANDOVER_REMINDERS[number]}"

    def due(now, since):
        day = morning(now)
        earliest = day + _days(superseded) if superseded is not None else day - _days(1)
        query = Handover.select(Handover, Site).join(Site).where(
            Handover.state == "open", ~Handover.offered, Handover.due_on <= day + _days(before), Handover.due_on > earliest,
            Handover.due_on >= since + _days(before), ~_said(Handover, kind, Handover.due_on),
        )  # fmt: skip
        return [Due(one, one.due_on, str(one.site)) for one in query if _enough_left(end_of_day(one.due_on), now)]

    def treat(dues, now):
        def act(due):
            fresh = Handover.locked(due.row.id)
            fits = fresh.state == "open" and fresh.due_on == due.on and say_once(fresh, kind, due.on, now)
            if fits:
                handovers.remind(fresh, now)
            return fits

        return _one_by_one(dues, act)

    return due, treat


def _enough_left(end: datetime, now: datetime) -> bool:
    return end - now >= LEAST_LEFT


# ---- links to complete a registration


def _activation_step(number):
    before = activation.ACTIVATION_DAYS - ACTIVATION_REMINDERS[number]
    later = number + 1 < len(ACTIVATION_REMINDERS)
    superseded = activation.ACTIVATION_DAYS - ACTIVATION_REMINDERS[number + 1] if later else 0
    kind = f"activation_{ACTIVATION_REMINDERS[number]}"

    def due(now, since):
        day = morning(now)
        purposes = (activation.ACTIVATION, confirmation.CONFIRM)
        query = Token.select(Token, User).join(User).where(
            Token.purpose << purposes, Token.used_at.is_null(), User.confirmed_at.is_null(), User.active,
            Token.expires_at > max(end_of_day(day + _days(superseded)) - _days(1) * (not later), now),
            Token.expires_at <= end_of_day(day + _days(before)), Token.expires_at > end_of_day(since + _days(before - 1)),
            ~fn.EXISTS(Reminder.select(Reminder.id).where(
                Reminder.object_type == "user", Reminder.object_id == User.id.cast("VARCHAR(40)"), Reminder.kind == kind,
                Reminder.at >= Token.created_at,
            )),
        )  # fmt: skip
        found = {}
        for token in query.order_by(Token.id):  # the newest link of each
            last = local_date(token.expires_at) - _days(1)
            if local_date(token.created_at) < last - _days(before) and _enough_left(token.expires_at, now):
                found[token.user_id] = Due(token, last, str(token.user))
        return list(found.values())

    def treat(dues, now):
        def act(due):
            token = due.row
            user = locking(User.select().where(User.id == token.user_id)).get()
            fits = user.active and user.confirmed_at is None and say_once(user, kind, due.on, now)
            if fits:
                activation.remind(token, user, now)
            return fits

        return _one_by_one(dues, act)

    return due, treat


def _unfinished(now, since):
    return [Due(user, local_date(user.created_at), str(user)) for user in activation.unfinished(now)]


def _forget_unfinished(dues, now):
    return activation.forget_unfinished(now)


# ---- stages without an evaluation

BEING_DONE = (Placement.state == "open") & Placement.trajectory.in_(
    Trajectory.select(Trajectory.id).where(Trajectory.state == "open")
)


def _late_placements(kind, first, last, now, since):
    """Open placements whose stage is over since `first` to `last` (not included) days and of which this was not said."""
    day = morning(now)
    oldest, newest = day - _days(last - 1), day - _days(first)
    oldest = max(oldest, since - _days(first))
    with_end = Placement.ends_on.between(oldest, newest) & ~_said(Placement, kind, Placement.ends_on)
    coupled = Placement.created_at.between(
        end_of_day(oldest - _days(NO_END_DAYS + 1)), end_of_day(newest - _days(NO_END_DAYS)) - timedelta(microseconds=1)
    )
    said = Reminder.select(Reminder.id).where(
        Reminder.object_type == "placement",
        Reminder.object_id == Placement.id.cast("VARCHAR(40)"),
        Reminder.kind == kind,
    )
    without_end = Placement.ends_on.is_null() & coupled & ~fn.EXISTS(said)
    for when in (with_end, without_end):
        query = (
            Placement.select(Placement, Site, Trajectory, Participant, Association, SiteManager, User)
            .join(Site)
            .join(
                SiteManager,
                JOIN.LEFT_OUTER,
                on=(SiteManager.site == Site.id) & SiteManager.until.is_null(),
                attr="managed",
            )
            .join(User, JOIN.LEFT_OUTER)
            .switch(Placement)
            .join(Trajectory)
            .join(Participant)
            .switch(Trajectory)
            .join(Association)
        )
        yield from query.where(Placement.state == "open", Trajectory.state == "open", when).order_by(Placement.id)


def expected_end(placement: Placement) -> date:
    """When a stage should be over: the expected end date, or some weeks after coupling."""
    return placement.ends_on or days_after(placement.created_at, NO_END_DAYS)


def _trainee(participant: Participant) -> str:
    """Somebody in a mail: no more than is needed to know who it is."""
    return f"{participant.first_name} ({participant.kavo_id})"


def _evaluate_step(number):
    first = EVALUATE_AFTER[number]
    last = EVALUATE_AFTER[number + 1] if number + 1 < len(EVALUATE_AFTER) else ASSOCIATION_AFTER
    kind = f"evaluate_{first}"

    def due(now, since):
        found = []
        for one in _late_placements(kind, first, last, now, since):
            link = getattr(one.site, "managed", None)
            if link is not None and link.user_id is not None and link.user.active:
                words = f"{_trainee(one.trajectory.participant)}, {one.site}"
                found.append(Due(one, expected_end(one), words, link.user))
        return found

    def treat(dues, now):
        def write(manager, found):
            mails.evaluate_reminder(manager, [due.words for due in found], number > 0, now)

        return _by_group(dues, kind, _held(Placement, BEING_DONE), write, now)

    return due, treat


def _evaluate_association():
    kind = "evaluate_association"

    def due(now, since):
        late = _late_placements(kind, ASSOCIATION_AFTER, EVALUATE_UNTIL, now, since)
        return [
            Due(
                one,
                expected_end(one),
                f"{_trainee(one.trajectory.participant)}, {one.site}",
                one.trajectory.association,
            )
            for one in late
        ]

    def treat(dues, now):
        def write(association, found):
            mails.association_reminder(kind, association, [due.words for due in found], now)

        return _by_group(dues, kind, _held(Placement, BEING_DONE), write, now)

    return due, treat


# ---- trajectories


def _trajectories(kind, condition, words):
    def due(now, since):
        query = (
            Trajectory.select(Trajectory, Participant, Association)
            .join(Participant)
            .switch(Trajectory)
            .join(Association)
            .where(
                Trajectory.state == "open", condition(morning(now), since), ~_said(Trajectory, kind, Trajectory.ends_on)
            )
        )
        return [Due(one, one.ends_on, words(one), one.association) for one in query.order_by(Trajectory.ends_on)]

    def treat(dues, now):
        def write(association, found):
            mails.association_reminder(kind, association, [due.words for due in found], now)

        return _by_group(dues, kind, _held(Trajectory, Trajectory.state == "open"), write, now)

    return due, treat


def _trajectory_step(number):
    before = TRAJECTORY_REMINDERS[number]
    after = TRAJECTORY_REMINDERS[number + 1] if number + 1 < len(TRAJECTORY_REMINDERS) else 0

    def condition(day, since):
        until = Trajectory.ends_on.between(day + _days(after + 1), day + _days(before))
        return until & (Trajectory.ends_on >= since + _days(before))

    return _trajectories(
        f"trajectory_{before}", condition, lambda one: f"{_trainee(one.participant)}, tegen {dutch.day(one.ends_on)}"
    )


def _trajectory_ended():
    def condition(day, since):
        ended = Trajectory.ends_on.between(day - _days(ENDED_WITHIN), day - _days(1))
        return ended & (Trajectory.ends_on >= since - _days(1))

    def words(one):
        longer = " (na verlenging)" if Extension.select().where(Extension.trajectory == one).exists() else ""
        return f"{_trainee(one.participant)}, liep tot {dutch.day(one.ends_on)}{longer}"

    return _trajectories("trajectory_ended", condition, words)


# ---- people


def _turned_18(now, since):
    day = morning(now)
    born = User.birth_date.between(
        years_after(day, -ADULT_YEARS) - _days(ADULT_WITHIN + 2), years_after(day, -ADULT_YEARS) + _days(1)
    )
    managers = UserRole.select(UserRole.user).join(Role).where(Role.name == MANAGER)
    said = Reminder.select(Reminder.id).where(
        Reminder.object_type == "user", Reminder.object_id == User.id.cast("VARCHAR(40)"), Reminder.kind == "turned_18"
    )
    query = User.select().where(
        born, User.active, User.password.is_null(False), User.confirmed_at.is_null(False), User.password_exception.is_null(),
        User.id.in_(managers), ~fn.EXISTS(said),
    )  # fmt: skip
    found = [(years_after(user.birth_date, ADULT_YEARS), user) for user in query]
    return [
        Due(user, birthday, str(user))
        for birthday, user in found
        if max(since, day - _days(ADULT_WITHIN)) <= birthday <= day and user.must_link_eid(now)
    ]


def _tell_adults(dues, now):
    def act(due):
        user = locking(User.select().where(User.id == due.row.id)).get()
        fits = user.must_link_eid(now) and say_once(user, "turned_18", due.on, now)
        if fits:
            mails.turned_18(user, now)
        return fits

    return _one_by_one(dues, act)


def _passing(now, since):
    return [Due(None, local_date(now), "")] * accounts.passed(now)


def _forget_passing(dues, now):
    return accounts.forget(now)


ONCE = "één mail, om 8 uur"
CATALOGUE = (
    TurningPoint(
        "applications_due", f"Aanvraag aan dag {APPLICATION_DAY}", "Zodat het team binnen de 14 dagen beslist.",
        "één mail aan het team per aanvraag, samen in één bericht", "als er beslist is, of als de aanvrager aan zet is",
        _applications_due, _tell_team("applications_due"),
    ),
    TurningPoint(
        "applications_overdue", "Aanvraag te laat", "De wettelijke termijn is voorbij.",
        "één mail aan het team per aanvraag, samen in één bericht", "als er beslist is, of als de aanvrager aan zet is",
        _applications_overdue, _tell_team("applications_overdue"),
    ),
    *(
        TurningPoint(
            f"handover_{day}", f"Overdracht aan dag {day}", "Zodat de verantwoordelijke zelf antwoordt.", ONCE,
            "bij een antwoord of intrekken, en als er minder dan een dag overblijft", *_handover_step(number),
        )
        for number, day in enumerate(HANDOVER_REMINDERS)
    ),
    TurningPoint(
        "handover_unreachable", "Overdracht: mailbox weigert", "Wie geen mail krijgt, kan niet antwoorden.",
        "meteen naar het team", "bij een antwoord of intrekken", _unreachable, _escalate_unreachable,
    ),
    TurningPoint(
        "handover_end", f"Overdracht na dag {HANDOVER_DAYS}", "De termijn om te antwoorden is voorbij.",
        "één keer naar het team; een voorstel aan een opvolger vervalt", "bij een antwoord of intrekken",
        _handover_ends, _end_handovers,
    ),
    *(
        TurningPoint(
            f"activation_{day}", f"Registratie niet voltooid, dag {day}", "De link werkt 30 dagen.", ONCE,
            "als de registratie voltooid is, of de link vervangen", *_activation_step(number),
        )
        for number, day in enumerate(ACTIVATION_REMINDERS)
    ),
    TurningPoint(
        "activation_end", f"Registratie niet voltooid na dag {activation.LAST_DAY}",
        "We houden geen gegevens bij van wie nooit begon.", "het account wordt gewist, de stageplaats is zonder beheerder",
        "als de registratie voltooid is", _unfinished, _forget_unfinished,
    ),
    *(
        TurningPoint(
            f"evaluate_{days}", f"Stage {days} dagen voorbij zonder beoordeling", "Zonder beoordeling is er geen attest.",
            "één mail per verantwoordelijke, met alle stages samen", "bij een beoordeling of annulering", *_evaluate_step(number),
        )
        for number, days in enumerate(EVALUATE_AFTER)
    ),
    TurningPoint(
        "evaluate_association", f"Stage {ASSOCIATION_AFTER} dagen voorbij zonder beoordeling",
        "De vereniging kan zelf navragen.", "één mail per vereniging, met alle stages samen", "bij een beoordeling of annulering",
        *_evaluate_association(),
    ),
    *(
        TurningPoint(
            f"trajectory_{days}", f"Traject eindigt over {days} dagen", "Zodat er nog tijd is voor een stage of een verlenging.",
            "één mail per vereniging, met alle trajecten samen", "als het traject afgewerkt of verlengd is",
            *_trajectory_step(number),
        )
        for number, days in enumerate(TRAJECTORY_REMINDERS)
    ),
    TurningPoint(
        "trajectory_ended", "Traject of verlenging verlopen", "Koppelen kan niet meer.",
        "één mail per vereniging, met alle trajecten samen", "als het traject afgewerkt of verlengd is", *_trajectory_ended(),
    ),
    TurningPoint(
        "turned_18", "Verantwoordelijke wordt 18", "Vanaf 18 jaar meldt men zich aan met eID.", ONCE,
        "als de eID gekoppeld is, of bij een uitzondering", _turned_18, _tell_adults,
    ),
    TurningPoint(
        "passing", "Opruimen", "Wat maar even dient: pogingen, oude sessies, links en kladversies.",
        "zodra het oud genoeg is", "–", _passing, _forget_passing,
    ),
)  # fmt: skip
