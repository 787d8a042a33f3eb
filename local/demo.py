"""The demo world: made-up people and sites (`@kavo.test`) in every state, with dates relative to the day of loading.

It is built by the same verbs as the screens use, so that it has a history and obeys every rule. Same day, same data."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from flask import current_app

import mails
from database import as_tuples, postcodes, writing
from identity import eid
from local.names import FIRST_NAMES, LAST_NAMES, SITE_NAMES
from models import (
    ASSOCIATION,
    CRITERIA_BY_TYPE,
    MANAGER,
    ROLE_LABELS,
    TEAM,
    Association,
    Identity,
    Membership,
    Participant,
    Role,
    Site,
    SitePeriod,
    Trajectory,
    User,
    UserRole,
    passwords,
)
from times import local_date, years_after
from workflow import rows
from workflow.accounts import accounts
from workflow.sites import declarations, handovers, proposals, sites
from workflow.stages import attests, evaluations, finals, placements, trajectories

PASSWORD = "Kadervorming1"
ACCOUNTS = {
    "team@kavo.test": "team Kadervorming",
    "jonas@kavo.test": "stageplaatsverantwoordelijke van Speelplein De Zandbak",
    "vereniging@kavo.test": "medewerker van Speelkaravaan vzw",
    "lore@kavo.test": "werd net 18 en moet nu een eID koppelen",
}
SEED = 125143

ASSOCIATIONS = ("Kampvuur vzw", "Jeugdvorming Plus", "De Springplank vzw")


@dataclass(frozen=True)
class EidCard:
    """A made-up person who can log in at the local eID provider."""

    subject: str
    first_name: str
    last_name: str
    number: str
    about: str


def eid_cards(now: datetime) -> list[EidCard]:
    """The persons of the local eID provider; those with an account have the birth date stored there."""
    today = local_date(now)
    people = (
        ("an-maes", "An", "Maes", "an@kavo.test", date(1985, 5, 12), "beheert Jeugdhuis De Kelder"),
        ("bram-wouters", "Bram", "Wouters", "", date(1990, 3, 8), "geboren in 1990, nog geen account"),
        ("noor-jacobs", "Noor", "Jacobs", "", date(today.year - 16, 1, 1), "16 jaar, nog geen account"),
        (
            "jonas-maes",
            "Jonas",
            "Maes",
            "jonas@kavo.test",
            date(2010, 1, 1),
            "16 jaar, heeft een account met een wachtwoord",
        ),
        (
            "lore-claes",
            "Lore",
            "Claes",
            "lore@kavo.test",
            date(2008, 1, 1),
            "werd net 18, heeft een account met een wachtwoord",
        ),
        ("lore-dubbel", "Lore", "Claes", "", date(1999, 9, 9), "dezelfde naam, een andere geboortedatum"),
    )
    addresses = [address for _, _, _, address, _, _ in people]
    query = User.select(User.email, User.birth_date).where(User.email << addresses)
    stored: dict[str, date | None] = dict(as_tuples(query))
    cards = [
        EidCard(subject, first, last, national_number(stored.get(email) or born, 100 + serial), about)
        for serial, (subject, first, last, email, born, about) in enumerate(people)
    ]
    unknown = EidCard(
        "amara-diallo", "Amara", "Diallo", _with_check("900000", 301, 1900), "van wie de geboortedag niet bekend is"
    )
    return [*cards, unknown]


def national_number(born: date, serial: int) -> str:
    """A made-up national number of somebody born on this day: 11 digits with their check."""
    return _with_check(f"{born:%y%m%d}", serial, born.year)


def _with_check(day: str, serial: int, year: int) -> str:
    digits = f"{day}{serial:03}"
    return f"{digits}{97 - int(('2' if year >= 2000 else '') + digits) % 97:02}"


HOLIDAYS = ("summer", "easter", "autumn", "year")


@dataclass
class World:
    """What the steps of the story share: the moment of loading (naive UTC), the random generator, the team's user."""

    now: datetime
    chance: Random
    team: User = field(init=False)

    def days(self, number: int) -> date:
        """The day in Brussels this many days from the day of loading (negative: before)."""
        return local_date(self.now) + timedelta(days=number)

    def at(self, number: int) -> datetime:
        """The moment this many days from the moment of loading."""
        return self.now + timedelta(days=number)


def load(now: datetime):
    """Fill an empty, migrated database; `now` is naive UTC. Needs an application context (for the password hash)."""
    world = World(now, Random(SEED))  # noqa: S311 - made-up data, not a secret
    with writing():
        for name in ROLE_LABELS:
            Role.get_or_create(name=name)
        world.team = _user(world, "team@kavo.test", "Kim", "Van Acker", TEAM, password=True)
        associations = _associations(world)
        zandbak, kelder = _known_sites(world)
        _known_participants(world, associations[0], zandbak, kelder)
        made = _other_sites(world)
        _crowd(world, associations, [zandbak, kelder, *made])
        _proposal(world, made[0])
        _handovers(world, made)


def _user(world, email, first_name, last_name, role, password=False, **values):
    user = accounts.new_user(
        email, first_name, last_name, created_at=world.at(-800), confirmed_at=world.at(-800), **values
    )
    user.password = passwords.hashed(PASSWORD) if password else None
    user.save(force_insert=True)
    UserRole.create(user=user, role=Role.get(name=role))
    return user


def _associations(world):
    made: list[Association] = []
    for name in ("Speelkaravaan vzw", *ASSOCIATIONS):
        email = f"info{len(made) + 1}@kavo.test"
        association = Association(name=name, email=email, phone="03 555 01 0" + str(len(made)))
        rows.add(association, world.team, world.at(-900), "vereniging")
        made.append(association)
    staff = _user(world, "vereniging@kavo.test", "Hilde", "De Wit", ASSOCIATION, password=True)
    Membership.create(user=staff, association=made[0], since=world.at(-800))
    return made


def _known_sites(world):
    birth = world.days(-(16 * 365 + 4 + 183))
    jonas = _user(world, "jonas@kavo.test", "Jonas", "Maes", MANAGER, True, birth_date=birth, phone="0470 00 00 01")
    an = _user(world, "an@kavo.test", "An", "Maes", MANAGER, birth_date=date(1985, 5, 12), phone="0470 00 00 02")
    _eid(world, an, "an-maes")
    born = years_after(world.days(0), -18) - timedelta(days=20)
    _user(world, "lore@kavo.test", "Lore", "Claes", MANAGER, True, birth_date=born, phone="0470 00 00 03")
    zandbak = _site(world, "Speelplein De Zandbak", "9000", "Gent", jonas, -500, animator=True, head_animator=True)
    kelder = _site(world, "Jeugdhuis De Kelder", "2800", "Mechelen", an, -480, animator=True, instructor=True)
    return zandbak, kelder


def _eid(world, user, subject):
    """Link a user to a person of the local eID provider."""
    settings = current_app.config["KAVO"]
    card = next(card for card in eid_cards(world.now) if card.subject == subject)
    Identity.create(
        user=user,
        issuer=settings.eid_issuer,
        subject=subject,
        number_hash=eid.number_hash(card.number, settings.lookup_key),
        key_id=eid.key_id(settings.lookup_key),
        created_at=world.at(-800),
    )


def _site(world, name, postcode, municipality, manager, day, **values):
    """A site that was submitted on a day and, when that is longer ago than a week, approved by the team."""
    recognition = world.chance.choice(("flemish", "municipal", "municipality", "branch"))
    site = Site(
        name=name,
        recognition=recognition,
        street=f"Dorpsstraat {world.chance.randint(1, 90)}",
        postcode=postcode,
        municipality=municipality,
        email="",
        phone="",
        submitted_at=world.at(day),
        declared_by=manager,
        declared_at=world.at(day),
        declaration=declarations.current(world.at(day)),
        **{"animator": True, **values},
    )
    rows.add(site, world.team, world.at(day), "stageplaats")
    for kind in world.chance.sample(HOLIDAYS, world.chance.randint(1, 3)):
        SitePeriod(site=site, kind=kind).save()
    if manager:
        sites.give_to(site, manager, world.team, world.at(day))
    return site


def _approved(world, site, day):
    sites.approve(site, world.team, world.at(day), tell=False)
    return site


def _participant(world, kavo_id, first_name, last_name, birth):
    email = f"deelnemer{kavo_id[:6]}@kavo.test" if int(kavo_id[5]) % 2 else ""
    participant = Participant(
        kavo_id=kavo_id, first_name=first_name, last_name=last_name, birth_date=birth, email=email
    )
    rows.add(participant, world.team, world.at(-400), "deelnemer")
    return participant


def _trajectory(world, participant, association, day, kind="animator"):
    trajectory = Trajectory(
        participant=participant, association=association, type=kind, course_started_on=world.days(day)
    )
    trajectories.start(trajectory, world.team, world.at(day))
    return trajectory


def _known_participants(world, association, zandbak, kelder):
    """The people named by the documentation and the help pages."""
    for site, day in ((zandbak, -490), (kelder, -470)):
        _approved(world, site, day)
    jonas, an = zandbak.manager(), kelder.manager()
    _trajectory(world, _participant(world, "125143-59", "Lotte", "Peeters", world.days(-6300)), association, -120)
    _trajectory(world, _participant(world, "100000-22", "Mohamed", "El Amrani", world.days(-6200)), association, -110)
    emma = _trajectory(world, _participant(world, "123456-76", "Emma", "Claes", world.days(-6400)), association, -140)
    placements.couple(emma, kelder, 20, an, world.at(-60), starts_on=world.days(-20), ends_on=world.days(20))
    story = (
        ("140001-15", "Noah", "Janssens", 30, -90, -75, "positive"),
        ("140002-16", "Louise", "Vermeulen", 25, -40, -20, None),
        ("140003-17", "Younes", "Bouzid", 50, -5, 9, None),
        ("140004-18", "Marie", "Lemmens", 20, 20, 34, None),
        ("140005-19", "Lucas", "Verstraeten", 40, -80, -66, "negative"),
        ("140006-20", "Anouk", "Devos", 15, -30, -16, "cancelled"),
    )
    for kavo_id, first_name, last_name, hours, start, end, outcome in story:
        participant = _participant(world, kavo_id, first_name, last_name, world.days(-6350))
        trajectory = _trajectory(world, participant, association, -150)
        _stage(world, trajectory, zandbak, jonas, hours, start, end, outcome)


def _stage(world, trajectory, site, manager, hours, start, end, outcome):
    """A placement with its outcome: positive, negative, cancelled, or None while it is open."""
    coupled = world.at(min(start - 7, -1))
    placement = placements.couple(
        trajectory, site, hours, manager, coupled, starts_on=world.days(start), ends_on=world.days(end)
    )
    if outcome == "cancelled":
        placements.cancel(placement, manager, world.at(min(start, -1)), "De deelnemer is ziek geworden.", no_show=False)
    elif outcome:
        given = evaluations.EvaluationInput(
            mentor=f"{world.chance.choice(FIRST_NAMES)} {world.chance.choice(LAST_NAMES)}",
            criterion=world.chance.choice(CRITERIA_BY_TYPE[trajectory.type]),
            starts_on=world.days(start),
            ends_on=world.days(end),
            hours_done=hours,
            result=outcome,
            motivation="" if outcome == "positive" else "Kwam vaak te laat en liet de groep alleen.",
        )
        evaluations.evaluate(placement, given, manager, world.at(min(end + 3, 0)))
    return placement


def _other_sites(world):
    """Approved sites with a manager each (some manage two), and one or more in every other state."""
    approved, manager = [], None
    states = ["submitted"] * 4 + ["rejected", "withdrawn", "closed", "without"] + ["approved"] * (len(SITE_NAMES) - 8)
    for number, (name, state) in enumerate(zip(SITE_NAMES, states, strict=True)):
        if number % 5 or manager is None:
            person = world.chance.choice(FIRST_NAMES), world.chance.choice(LAST_NAMES)
            manager = _user(world, f"beheer{number}@kavo.test", *person, MANAGER, birth_date=world.days(-7600 - number))
        day = (-16, -14, -9, -2)[number] if state == "submitted" else -300 + 3 * number
        postcode, municipality = world.chance.choice(postcodes.all_places())
        types = {"animator": True, "head_animator": number % 3 == 0, "instructor": number % 7 == 0}
        owner = None if state == "without" else manager
        site = _site(world, name, postcode, municipality, owner, day, **types)
        _decide(world, site, state, day)
        if state == "approved":
            approved.append(site)
    return approved


def _proposal(world, site):
    """A manager asks for another address."""
    values = {**{name: getattr(site, name) for name in Site.IDENTITY}, "street": "Nieuwe Laan 3"}
    proposals.propose(site, site.manager(), world.at(-3), **values)


def _handovers(world, approved):
    """Handovers in every state, between the managers of other sites than the known ones."""
    given = [site for site in approved if site.manager()]
    story = ((5, "open"), (17, "escalated"), (30, "accepted"), (40, "refused"), (50, "withdrawn"))
    for number, (ago, state) in enumerate(story):
        site, taker = given[number + 1], given[-1 - number].manager()
        if site.manager() == taker:
            continue
        handover = handovers.ask(site, taker, taker.email, taker.phone or "0470 00 00 09", world.at(-ago))
        if state == "escalated":
            handovers.escalate(handover, world.at(-ago + 15), "Er kwam geen antwoord binnen de termijn.")
        elif state == "accepted":
            handovers.accept(handover, site.manager(), world.at(-ago + 2))
        elif state == "refused":
            handovers.refuse(handover, site.manager(), world.at(-ago + 2), "Ik blijf zelf verantwoordelijke.")
        elif state == "withdrawn":
            handovers.withdraw(handover, taker, world.at(-ago + 2))


def _decide(world, site, state, day):
    moment = world.at(day + 5)
    if state == "rejected":
        reason = "Het adres klopt niet met de erkenning. Kijk het na en dien opnieuw in."
        site.move("rejected", decided_at=moment, decided_by=world.team, reason=reason)
    elif state == "withdrawn":
        site.move("withdrawn", decided_at=moment)
    elif state != "submitted":
        _approved(world, site, day + 5)
        if state == "closed":
            site.move("closed", decided_at=world.at(-20), reason="De werking stopte.")


def _crowd(world, associations, approved):
    """Participants with trajectories in every state: running, half done, ready, finished, stopped, out of time."""
    outcomes = ("positive", "positive", "positive", None, "negative", "cancelled")
    for number in range(60):
        person = world.chance.choice(FIRST_NAMES), world.chance.choice(LAST_NAMES)
        kavo_id = f"{150000 + 37 * number:06}-{world.chance.randint(10, 99)}"
        late = number % 20 == 19  # began long ago, at 14 or older
        birth = world.days(-6000 - 400 * late - world.chance.randint(0, 900))
        participant = _participant(world, kavo_id, *person, birth)
        started = -1200 if late else -200 - world.chance.randint(0, 200)
        trajectory = _trajectory(world, participant, world.chance.choice(associations), started)
        if number % 20 == 18:
            trajectory.move("stopped")
            continue
        for hours, outcome in ((20, outcomes[number % 6]), (30, outcomes[(number // 3) % 6])):
            site = world.chance.choice(approved)
            begin = -180 + world.chance.randint(0, 150)
            if site.manager() and trajectory.is_open(world.days(begin - 7)):
                _stage(world, trajectory, site, site.manager(), hours, begin, begin + 14, outcome)
        _finish(world, trajectory)
    _graduates(world, associations[0], approved[0])
    _second_trajectory(world, associations[0])


def _graduates(world, association, site):
    """Two people with an e-mail address who have passed: one waits for the attest, one has it."""
    for kavo_id, first_name, last_name in (("160001-43", "Nina", "Verhelst"), ("160003-45", "Bas", "De Winter")):
        participant = _participant(world, kavo_id, first_name, last_name, world.days(-6900))
        trajectory = _trajectory(world, participant, association, -320)
        _stage(world, trajectory, site, site.manager(), 50, -100, -86, "positive")
        trajectory = Trajectory.get_by_id(trajectory.id)
        finals.give(trajectory, world.team, world.at(-8), "passed", world.days(-8))
    _release(world, trajectory)


def _release(world, trajectory):
    mails.unsend(attests.release(trajectory, world.team, world.at(-5)))  # it was sent long ago


def _finish(world, trajectory):
    """About half of those who are ready got their final evaluation, and some of these their attest."""
    trajectory = Trajectory.get_by_id(trajectory.id)
    if trajectory.missing() or trajectory.ends_on < world.days(0) or world.chance.random() < 0.5:
        return
    passed = world.chance.random() < 0.8
    motivation = "" if passed else "Neemt nog te weinig verantwoordelijkheid op."
    finals.give(trajectory, world.team, world.at(-8), "passed" if passed else "failed", world.days(-8), motivation)
    if passed and world.chance.random() < 0.5:
        _release(world, trajectory)


def _second_trajectory(world, association):
    """A participant with two open trajectories, between which one chooses when coupling."""
    both = _participant(world, "160000-42", "Sofie", "Vandamme", world.days(-6800))
    _trajectory(world, both, association, -300)
    _trajectory(world, both, association, -60, "head_animator")
