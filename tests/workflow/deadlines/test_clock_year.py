"""A year of the clock compared with a plain model: sites, handovers and stages, people who act at any moment, and a worker that
is sometimes down for up to 30 days. Each deadline is handled once, at the first possible sweep, and nobody is reminded of work
that is done."""

import os
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from random import Random

import pytest

from database import database, writing
from models import (
    Association,
    Handover,
    Mail,
    Participant,
    Placement,
    Reminder,
    Retention,
    Site,
    SiteManager,
    Trajectory,
    User,
)
from operations import checks
from tests import factories as make
from times import at_hour, days_after, end_of_day
from workflow import clock
from workflow.sites import handovers
from workflow.stages import evaluations, placements

SITES, HANDOVERS, STAGES = (2000, 500, 20_000) if os.environ.get("KAVO_THOROUGH") else (30, 30, 160)
BEGIN, DAYS = datetime(2026, 1, 5, 9, 0), 365
LONGEST_SILENCE = 30
SEED = 20260105
DAY = timedelta(days=1)


@pytest.mark.long
@pytest.mark.one_database
def test_a_year_of_deadlines_is_kept_with_every_silence_of_the_worker(capsys):
    chance = Random(SEED)
    Retention.create(key="mail", days=10 * DAYS)  # so that they can be counted at the end
    with writing():
        world = _people(chance)
        acts = [*_handovers(chance, world), *_stages(chance, world)]
    sweeps = _sweeps(chance)
    _live(acts, sweeps)

    _check_handovers(sweeps)
    _check_stages(sweeps)
    assert list(checks.breaches()) == []
    people = Counter(mail.to_address for mail in Mail.select())
    kinds = Counter(mail.kind for mail in Mail.select())
    average = sum(people.values()) / len(people)
    with capsys.disabled():
        print(
            f"\n{SITES} sites, {HANDOVERS} handovers, {STAGES} stages, {len(sweeps)} sweeps in {DAYS} days:"
            f" {sum(kinds.values())} mails to {len(people)} people, {average:.1f} on average, at most {max(people.values())};"
            f" {dict(kinds)}"
        )


# ---- the world


def _people(chance):
    """Sites with a manager each (some manage two), associations, and a member of the team."""
    managers = [make.user(email=f"beheer{number}@kavo.test") for number in range(max(1, SITES * 2 // 3))]
    sites = [
        make.site(managers[number % len(managers)], name=f"Plek {number}", submitted_at=BEGIN)
        for number in range(SITES)
    ]
    associations = [make.association(email=f"vereniging{number}@kavo.test") for number in range(20)]
    return {
        "sites": sites,
        "managers": managers,
        "associations": associations,
        "team": make.user("team"),
        "chance": chance,
    }


def _moment(chance, first=0, last=DAYS):
    return BEGIN + timedelta(seconds=chance.randrange(first * 86400, max(first + 1, last) * 86400))


def _handovers(chance, world):
    """(moment, act): a request, and for two in three an answer or a withdrawal some time later."""
    for number in range(HANDOVERS):
        site, asked_at = world["sites"][number % SITES], _moment(chance, 0, DAYS - 60)
        taker = make.user(email=f"vrager{number}@kavo.test")
        box = {}
        yield asked_at, lambda now, site=site, taker=taker, box=box: _ask(site, taker, box, now)
        if number % 3:
            act = chance.choice(("accept", "refuse", "withdraw"))
            yield (
                asked_at + timedelta(hours=chance.randrange(1, 24 * 40)),
                lambda now, act=act, box=box: _decide(act, box, now),
            )


def _ask(site, taker, box, now):
    if not Handover.select().where(Handover.site == site, Handover.state << Handover.UNDECIDED).exists():
        box["handover"] = handovers.ask(site, taker, taker.email, "0470 12 34 56", now)


def _decide(act, box, now):
    handover = box.get("handover") and Handover.get_by_id(box["handover"].id)
    if handover and handover.undecided:
        by = handover.requester if act == "withdraw" else handover.asked
        {"accept": handovers.accept, "withdraw": handovers.withdraw}.get(act, _refuse)(handover, by, now)


def _refuse(handover, by, now):
    handovers.refuse(handover, by, now, "Nee.")


def _stages(chance, world):
    """Placements with and without an expected end; three in four are evaluated or cancelled at some moment."""
    for number in range(STAGES):
        who = make.participant(kavo_id=f"{300_000 + number:06}-{number % 100:02}")
        trajectory = make.trajectory(
            participant=who, association=chance.choice(world["associations"]), course_started_on=date(2025, 6, 1)
        )
        coupled = _moment(chance, 0, DAYS - 100)
        end = coupled.date() + timedelta(days=chance.randrange(5, 60)) if number % 4 else None
        placement = make.placement(
            trajectory=trajectory,
            site=chance.choice(world["sites"]),
            ends_on=end,
            created_at=coupled,
            coupled_by=world["team"],
        )
        if number % 4 != 1:
            act = chance.choice(("evaluate", "evaluate", "cancel"))
            later = coupled + timedelta(days=chance.randrange(1, 120), seconds=chance.randrange(86400))
            yield later, lambda now, pk=placement.id, act=act: _finish(pk, act, world["team"], now)


def _finish(pk, act, by, now):
    placement = Placement.get_by_id(pk)
    if act == "cancel":
        placements.cancel(placement, by, now, "Gaat niet door.")
    else:
        given = evaluations.EvaluationInput(
            mentor="Eline",
            criterion="instructor",
            starts_on=date(2025, 12, 1),
            ends_on=date(2025, 12, 20),
            hours_done=20,
            result="positive",
        )
        evaluations.evaluate(placement, given, by, now)
    DONE[pk] = now


DONE: dict[int, datetime] = {}
"""placement → when it was evaluated or cancelled"""


def _sweeps(chance):
    """The moments of the sweeps: a few times a day, with gaps of up to LONGEST_SILENCE days."""
    moments, now = [], BEGIN
    while now < BEGIN + (DAYS + 60) * DAY:
        silence = timedelta(days=chance.uniform(1, LONGEST_SILENCE)) if chance.random() < 0.02 else timedelta(0)
        now += silence + timedelta(hours=chance.uniform(1, 30))
        moments.append(now)
    return moments


def _live(acts, sweeps):
    """All acts and sweeps in chronological order; now and then a sweep runs twice."""
    steps = sorted(
        [*((at, 0, act) for at, act in acts), *((at, 1, clock.sweep) for at in sweeps)], key=lambda step: step[:2]
    )
    for number, (at, _, act) in enumerate(steps):
        act(at)
        if act is clock.sweep:
            if number % 7 == 0:
                assert clock.sweep(at) == {}
            Mail.update(state="sent", sent_at=at).where(Mail.state == "pending").execute()


# ---- the model


def _first(sweeps, begin, end):
    """The first sweep from `begin` (included) to `end` (not included), or None."""
    return next((at for at in sweeps if begin <= at < end), None)


def _mails_about(kind):
    """Handover → moments of the mails of this kind about it."""
    found = defaultdict(list)
    for mail in Mail.select().where(Mail.kind == kind):
        found[int(mail.object_id)].append(mail.created_at)
    return found


def _check_handovers(sweeps):
    reminders, escalations = _mails_about("handover_reminder"), _mails_about("handover_escalated")
    counted = Counter()
    for handover in Handover.select():
        decided = handover.decided_at or datetime.max
        over = end_of_day(handover.due_on)
        ends = _first(sweeps, over, min(decided, datetime.max))
        assert escalations[handover.id] == ([ends] if ends else []), handover.id
        assert (handover.team_due_on is not None) == (ends is not None)
        expected = []
        for begin, end in (
            (at_hour(handover.due_on - 7 * DAY, 8), at_hour(handover.due_on - DAY, 8)),
            (at_hour(handover.due_on - DAY, 8), over - DAY + timedelta(microseconds=1)),
        ):
            first = _first(sweeps, begin, min(end, decided))
            expected += [first] if first else []
        assert sorted(reminders[handover.id]) == expected, handover.id
        counted[handover.state] += 1
        if ends is None and handover.state == "open":
            raise AssertionError(f"handover {handover.id} was forgotten")
    assert sum(counted.values()) > HANDOVERS * 0.8


def _check_stages(sweeps):
    windows = {"evaluate_first": (14, 42), "evaluate_second": (42, 56), "evaluate_association": (56, 84)}
    said = {(row.object_id, row.kind): row.at for row in Reminder.select().where(Reminder.object_type == "placement")}
    for placement in Placement.select():
        over = placement.ends_on or days_after(placement.created_at, 46)
        done = DONE.get(placement.id, datetime.max)
        for kind, (begin, end) in windows.items():
            first = _first(sweeps, at_hour(over + begin * DAY, 8), min(at_hour(over + end * DAY, 8), done))
            assert said.pop((str(placement.id), kind), None) == first, (placement.id, kind)
    assert said == {}
    lines = Counter()
    for mail in Mail.select().where(Mail.kind << ("evaluate_reminder", "evaluate_association")):
        named = [line for line in mail.body.splitlines() if line.startswith("- ") and "(" in line]
        lines.update((mail.kind, "Nog altijd" in mail.subject, line) for line in named)
        assert mail.to_address.startswith("vereniging" if mail.kind == "evaluate_association" else ("beheer", "vrager"))
    assert max(lines.values()) == 1
    assert database.in_transaction() is False
    assert {model.select().exists() for model in (Association, Participant, Site, SiteManager, Trajectory, User)} == {
        True
    }
