"""A large made-up world for measuring: hundreds of thousands of people and their stages, by bulk insert.

The rows obey every rule (`check-data` proves it) but are written past the models: the verbs would take hours. Same
seed and day, same data. It stands beside the demo world, whose accounts it uses."""

import json
from array import array
from datetime import date, datetime, timedelta
from itertools import accumulate, islice
from random import Random

from peewee import Select, fn

import audit
from database import (
    bulk_insert,
    database,
    in_chunks,
    normalise,
    on_postgresql,
    postcodes,
    refresh_statistics,
    searchable,
    writing,
)
from local.demo import SEED
from local.names import CALL_ENDS, CALLS, ENDS, FIRST_NAMES, HALVES, KINDS, LAST_NAMES, PREFIXES, STARTS
from models import (
    COURSE_YEARS,
    MANAGER,
    STAGE_HOURS,
    Association,
    Evaluation,
    FinalEvaluation,
    History,
    Participant,
    Placement,
    Role,
    Site,
    SiteManager,
    SitePeriod,
    Trajectory,
    User,
    UserRole,
)
from times import local_date, years_after
from workflow.sites import declarations

PLACEMENTS_PER_PERSON, PLACEMENTS_PER_SITE, PLACEMENTS_PER_ASSOCIATION = 10 / 3, 50, 25_000
SECOND_TRAJECTORY = 10  # one person in ten goes on to be a head animator
HOURS = (8, 10, 12)  # of each stage but the last; at most four before it
BATCH = 5000
CACHE_KIB = 512 * 1024  # while writing: large indexes are touched all over
STAGE_DAYS = 14


def load(size: int, now: datetime):
    """Add people and stages to the demo world until there are `size` placements; `now` is naive UTC."""
    missing = size - Placement.select().count()
    if missing > 0:
        if not on_postgresql():
            database.execute_sql(f"PRAGMA cache_size = -{CACHE_KIB}")
        with writing():
            _Crowd(missing, now).write()
        refresh_statistics()


class _Crowd:
    def __init__(self, placements: int, now: datetime):
        self.count, self.now, self.today = placements, now, local_date(now)
        self.chance = Random(SEED)  # noqa: S311 - made-up data, not a secret
        self.people = max(1, int(placements / PLACEMENTS_PER_PERSON))
        self.sites = max(1, placements // PLACEMENTS_PER_SITE)
        self.surnames = _skewed(
            [*LAST_NAMES, *(f"{p}{a}{b}" for a in STARTS for b in ENDS for p in PREFIXES)], self.chance
        )
        self.places = postcodes.all_places()
        self.first_names = _skewed([*FIRST_NAMES, *(a + b for a in CALLS for b in CALL_ENDS)], self.chance)

    def write(self):
        self._associations()
        self._sites()
        self._participants()
        self._trajectories()
        self._placements()
        if on_postgresql():
            _follow_sequences()

    def _associations(self):
        first = _next(Association)
        self.associations = range(first, first + max(2, self.count // PLACEMENTS_PER_ASSOCIATION))
        bulk_insert(
            Association,
            (
                {"id": pk, "search": searchable(name), "name": name, "email": f"vereniging{pk}@kavo.test"}
                for pk in self.associations
                for name in [f"Vorming {HALVES[pk % 26]} {pk}"]
            ),
        )

    def _sites(self):
        """Sites with a manager each; one manager in two has two of them."""
        first_user, first = _next(User), _next(Site)
        self.managers = range(first_user, first_user + max(1, self.sites * 2 // 3))
        self.site_names, role, declared = [], Role.get(name=MANAGER), declarations.current(self.now)
        bulk_insert(User, (self._manager(pk) for pk in self.managers))
        bulk_insert(UserRole, ({"user_id": pk, "role_id": role.id} for pk in self.managers))
        bulk_insert(Site, (self._site(pk, declared.id) for pk in range(first, first + self.sites)))
        bulk_insert(
            SiteManager,
            (
                {
                    "site_id": first + number,
                    "user_id": self.managers[number % len(self.managers)],
                    "since": str(self.now),
                }
                for number in range(self.sites)
            ),
        )
        bulk_insert(
            SitePeriod,
            (
                {"site_id": pk, "kind": kind}
                for pk in range(first, first + self.sites)
                for kind in ("summer", "easter")[: 1 + pk % 2]
            ),
        )
        self.approved = [first + number for number in range(self.sites) if number % 40 or number == 0]
        self.first_site = first

    def _manager(self, pk):
        name, email = self._name(), f"verantwoordelijke{pk}@kavo.test"
        return {
            "id": pk,
            "search": searchable(f"{name[1]} {name[0]} 0470000000 {email}"),
            "email": email,
            "first_name": name[0],
            "last_name": name[1],
            "phone": "+32470000000",
            "birth_date": "1998-04-05",
            "created_at": str(self.now),
            "confirmed_at": str(self.now),
            "fs_uniquifier": f"{self.chance.getrandbits(128):032x}",
        }

    def _site(self, pk, declaration):
        postcode, municipality = self.chance.choice(self.places)
        name = f"{self.chance.choice(KINDS)} {self.chance.choice(HALVES)}{self.chance.choice(HALVES).lower()}"
        self.site_names.append(name)
        number = len(self.site_names) - 1
        state = (
            "approved"
            if number % 40 or number == 0
            else ("submitted", "rejected", "closed", "withdrawn")[number // 40 % 4]
        )
        submitted = self.now - timedelta(days=self.chance.randint(1, 12) if state == "submitted" else 900)
        return {
            "id": pk,
            "search": searchable(f"{name} {municipality} {postcode}"),
            "name": name,
            "recognition": self.chance.choice(("flemish", "municipal", "municipality", "branch")),
            "postcode": postcode,
            "street": f"Dorpsstraat {pk}",
            "municipality": municipality,
            "place": normalise(municipality),
            "nis": postcodes.nis(postcode, municipality),
            "animator": True,
            "head_animator": number % 3 == 0,
            "instructor": number % 7 == 0,
            "state": state,
            "submitted_at": str(submitted),
            "due_on": str(local_date(submitted) + timedelta(days=14)),
            "decided_at": None if state == "submitted" else str(submitted + timedelta(days=3)),
            "declaration_id": declaration,
        }

    def _name(self):
        return self.first_names(), self.surnames()

    def _participants(self):
        first = _next(Participant)
        self.names, self.searches = [], []
        bulk_insert(
            Participant, (self._participant(pk, number) for number, pk in enumerate(range(first, first + self.people)))
        )
        self.first_person = first

    def _participant(self, pk, number):
        first_name, last_name = self._name()
        kavo_id = f"{200_000 + number * 7 // 10:06}-{number * 7 % 10 * 10 + number % 10:02}"
        self.names.append(f"{first_name} {last_name}")
        self.searches.append(searchable(f"{last_name} {first_name} {kavo_id}"))
        birth = self.today - timedelta(days=self.chance.randint(18 * 365, 21 * 365))
        return {
            "id": pk,
            "search": self.searches[-1],
            "kavo_id": kavo_id,
            "first_name": first_name,
            "last_name": last_name,
            "birth_date": str(birth),
            "email": f"deelnemer{pk}@kavo.test" if number % 5 else "",
        }

    def _trajectories(self):
        """A trajectory as animator for everybody, a second one as head animator for some; `starts`: days before
        today."""
        second = range(0, self.people, SECOND_TRAJECTORY)
        self.persons = array("l", [*range(self.people), *second])
        self.starts = array("l", (self.chance.randint(-1300, -60) for _ in self.persons))
        self.first_trajectory = _next(Trajectory)
        bulk_insert(Trajectory, (self._trajectory(number) for number in range(len(self.persons))))

    def _type(self, number):
        return "animator" if number < self.people else "head_animator"

    def _association(self, number):
        return self.associations[self.persons[number] % len(self.associations)]

    def _trajectory(self, number):
        start = self.today + timedelta(days=self.starts[number])
        return {
            "id": self.first_trajectory + number,
            "participant_id": self.first_person + self.persons[number],
            "association_id": self._association(number),
            "type": self._type(number),
            "course_started_on": str(start),
            "ends_on": str(years_after(start, COURSE_YEARS)),
            "search": self.searches[self.persons[number]],
        }

    def _placements(self):
        """The placements with their evaluations, final evaluations and history, some thousands at a time."""
        self.all_positive = bytearray(b"\1" * len(self.persons))
        self.left = bytearray([STAGE_HOURS] * len(self.persons))
        team = User.get(User.email == "team@kavo.test")
        rows = self._stages(_next(Placement))
        while batch := list(islice(rows, BATCH)):
            bulk_insert(Placement, batch)
            bulk_insert(Evaluation, (self._evaluation(row) for row in batch if row["state"] == "evaluated"))
            bulk_insert(History, (line for row in batch for line in self._lines(row)))
        self._finish(team)

    def _stages(self, pk):
        for number in range(self.count):
            which = number % len(self.persons)
            last = number + len(self.persons) >= self.count
            yield self._stage(pk + number, which, self.starts[which], last)

    def _stage(self, pk, which, course, last):
        """A placement; the last one of a trajectory takes all remaining hours."""
        site = self.chance.choice(self.approved)
        start = self.chance.randint(course + 30, min(course + 1000, 120))
        luck, hours = self.chance.random(), self.left[which] if last else self.chance.choice(HOURS)
        over = start + STAGE_DAYS < 0
        state = "cancelled" if luck < 0.05 else "evaluated" if over and luck > 0.1 else "open"
        result = ("positive" if luck > 0.16 else "negative") if state == "evaluated" else None
        done = hours if result == "positive" else 2 if result else None
        counted = hours if state == "open" else done if result == "positive" else 0
        self.left[which] -= counted
        self.all_positive[which] &= result == "positive"
        begin = self.today + timedelta(days=start)
        return {
            "id": pk,
            "version": 1 + (state != "open"),
            "trajectory_id": self.first_trajectory + which,
            "site_id": site,
            "hours": hours,
            "hours_done": done,
            "state": state,
            "result": result,
            "counted": counted,
            "starts_on": str(begin),
            "ends_on": str(begin + timedelta(days=STAGE_DAYS)),
            "reason": "De deelnemer is ziek geworden." if state == "cancelled" else "",
            "coupled_by_id": self.managers[(site - self.first_site) % len(self.managers)],
            "created_at": str(self.now + timedelta(days=min(start, 0) - 7, seconds=pk % 86_400)),
            "search": self.searches[self.persons[which]],
            "type": self._type(which),
            "finished": state != "open",
            "association_id": self._association(which),
        }

    def _evaluation(self, row):
        at = datetime.combine(date.fromisoformat(row["ends_on"]), self.now.time())
        return {
            "placement_id": row["id"],
            "number": 1,
            "mentor": "Alex Claes",
            "criterion": "instructor",
            "result": row["result"],
            "starts_on": row["starts_on"],
            "ends_on": row["ends_on"],
            "hours_done": row["hours_done"],
            "motivation": "" if row["result"] == "positive" else "Kwam vaak te laat.",
            "by_id": row["coupled_by_id"],
            "at": str(at),
        }

    def _lines(self, row):
        which = row["trajectory_id"] - self.first_trajectory
        facts = {
            "participant": self.names[self.persons[which]],
            "site": self.site_names[row["site_id"] - self.first_site],
            "hours": row["hours"],
            "on_behalf": "",
            "who": "De stageplaatsverantwoordelijke",
        }
        yield self._line(row, "placement.coupled", row["created_at"], facts)
        if row["state"] == "evaluated":
            result = "positief" if row["result"] == "positive" else "negatief"
            yield self._line(
                row,
                "placement.evaluated",
                row["ends_on"] + " 12:00:00",
                facts | {"result": result, "hours_done": row["hours_done"]},
            )
        elif row["state"] == "cancelled":
            yield self._line(row, "placement.cancelled", row["created_at"], facts | {"reason": row["reason"]})

    def _line(self, row, verb, at, facts):
        payload, salt = json.dumps(facts, ensure_ascii=False, sort_keys=True), f"{self.chance.getrandbits(64):016x}"
        return {
            "at": at,
            "actor_id": row["coupled_by_id"],
            "verb": verb,
            "object_type": "placement",
            "object_id": str(row["id"]),
            "site_id": row["site_id"],
            "trajectory_id": row["trajectory_id"],
            "payload": payload,
            "salt": salt,
            "digest": audit.digest(salt, payload),
        }

    def _finish(self, team):
        """Participants with only positive evaluations who began long ago passed."""
        passed = [
            self.first_trajectory + which
            for which in range(min(len(self.persons), self.count))
            if self.all_positive[which] and self.starts[which] < -300
        ]
        at = str(self.now - timedelta(days=8))
        bulk_insert(
            FinalEvaluation,
            (
                {
                    "trajectory_id": pk,
                    "result": "passed",
                    "evaluated_on": at[:10],
                    "motivation": "",
                    "by_id": team.id,
                    "at": at,
                }
                for pk in passed
            ),
        )
        for chunk in in_chunks(passed, BATCH):
            finished = Trajectory.update(state="finished", outcome="passed")
            finished.where(Trajectory.id.in_(chunk)).execute()


def _skewed(names, chance):
    """A function that draws names as frequently as they occur: some often, most seldom."""
    names = list(dict.fromkeys(names))
    chance.shuffle(names)
    weights = list(accumulate(1 / (rank + 30) for rank in range(len(names))))
    return lambda: chance.choices(names, cum_weights=weights)[0]


def _next(model) -> int:
    """The first id that was never used in this table."""
    return (model.select(model.id).order_by(model.id.desc()).limit(1).scalar() or 0) + 1


def _follow_sequences():
    """Let PostgreSQL continue with ids after those written here."""
    for model in (Association, User, Site, Participant, Trajectory, Placement):
        sequence = fn.pg_get_serial_sequence(f'"{model._meta.table_name}"', "id")
        database.execute(Select(columns=[fn.setval(sequence, _next(model) - 1)]))
