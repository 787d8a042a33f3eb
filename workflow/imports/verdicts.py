"""The verdict on a line: new, a further trajectory, a change, known already, or impossible and why. A line is
written to find out; a preview rolls that back."""

import json
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from peewee import fn

import audit
import dutch
import scope
from database import BaseModel, RuleError, normalise, writing
from models import COURSE_YEARS, LEAST_AGES, TEAM, Association, ImportBatch, ImportRow, Participant, Trajectory, User
from times import local_date, years_after
from workflow.imports.lines import COLUMN_OF, LABELS, PERSONAL, Entry, parse
from workflow.imports.people import change_person
from workflow.stages import trajectories

COURSE_AHEAD = 366  # days that a course may lie ahead
VALUE_SHOWN = 30  # characters of a cell quoted in its error
STAND_INS = {"kavo_id": "100000-00", "first_name": "Voornaam", "last_name": "Naam", "birth_date": date(2008, 1, 1)}
"""replaces unreadable cells, so that the rules of a row can judge the others"""


def _firsts(batch: ImportBatch, kavo_ids: set[str], number: int):
    """The first earlier line of each person and type: later ones are refused and change nothing."""
    before = ImportRow.batch == batch, ImportRow.kavo_id.in_(list(kavo_ids)), ImportRow.number < number
    firsts = ImportRow.select(fn.MIN(ImportRow.number)).where(*before).group_by(ImportRow.kavo_id, ImportRow.type)
    return ImportRow.select().where(*before, ImportRow.number.in_(firsts)).order_by(ImportRow.number)


def whole_reach(by: User | None) -> bool:
    """Whether this user may import for every association: the team, and the server's command line."""
    return by is None or TEAM in by.role_names


@dataclass
class Outcome:
    """The outcome of a line; `made`: columns of the line that record what it created."""

    verdict: str = "known"
    text: str = ""
    made: dict = field(default_factory=dict)
    person: Participant | None = None
    """whom the line is about; None when it was refused"""
    trajectory: Trajectory | None = None
    """the trajectory that it started"""
    found: bool = False
    """whether its KAVO-ID named a participant whom the importer may not see otherwise"""
    guessed: bool = False
    """whether its data about that participant were wrong"""
    problems: list[tuple[str, str]] = field(default_factory=list)
    """(column or '', sentence) of all errors"""

    @property
    def participant(self) -> Participant:
        """Whom a treated line is about. Raises ValueError for a refused one."""
        if self.person is None:
            raise ValueError("a refused line has no participant")
        return self.person


class Refused(RuleError):
    """A line cannot be written; its `outcome` has all reasons."""

    def __init__(self, outcome: Outcome):
        super().__init__(outcome.text)
        self.outcome = outcome


class Known:
    """What the database, and earlier lines of the same file, hold about people."""

    def __init__(self, by: User | None, association: Association | None, kavo_ids: Iterable[str], now: datetime):
        """`by` imports, None on the command line; `association`: of entries that name none; `kavo_ids` of the people."""
        self.by, self.own, self.now = by, association, now
        self.ahead = local_date(now) + timedelta(days=COURSE_AHEAD)
        self.reach = None if by is None or whole_reach(by) else set(scope.association_ids(by))
        self.associations = {normalise(one.name): one for one in Association.select()}
        self.people = {one.kavo_id: one for one in Participant.select().where(Participant.kavo_id.in_(list(kavo_ids)))}
        self.trajectories: dict[int, list[Trajectory]] = {}
        theirs = Trajectory.select().where(Trajectory.participant.in_([one.id for one in self.people.values()]))
        for one in theirs:
            self.trajectories.setdefault(one.participant_id, []).append(one)
        self.earlier: dict[str, list[ImportRow]] = {}
        self._entries: dict[int, Entry] = {}

    @classmethod
    def of_lines(cls, batch: ImportBatch, lines: list[ImportRow], now: datetime) -> "Known":
        """What is known about the people on these lines of a file."""
        kavo_ids = {line.kavo_id for line in lines if line.kavo_id}
        known = cls(batch.by, batch.association, kavo_ids, now)
        for row in _firsts(batch, kavo_ids, max(line.number for line in lines)):
            known.earlier.setdefault(row.kavo_id, []).append(row)
        return known

    def before(self, number: int) -> list[ImportRow]:
        """The valid lines before this one that name the same people."""
        return [
            one
            for lines in self.earlier.values()
            for one in lines
            if one.number < number and one.verdict in ImportRow.GOOD
        ]

    def treat(self, line: ImportRow) -> Outcome:
        """Write a line, with its history. Raises Refused with all its errors; then nothing of it is written."""
        entry = self._entry(line)
        if not entry.texts:  # erased meanwhile
            raise Refused(Outcome("bad", line.text, problems=[("", line.text)]))
        outcome = Outcome()
        with _noting(outcome):
            self._refuse_twice(line, entry)
        return self.write(entry, outcome.problems)

    def _entry(self, line: ImportRow) -> Entry:
        """The values of a line, read once."""
        if line.number not in self._entries:
            texts = line.texts
            self._entries[line.number] = parse(texts) if texts else Entry()
        return self._entries[line.number]

    def write(self, said: Entry, problems: Iterable[tuple[str, str]] = ()) -> Outcome:
        """Write an entry, with its history. Raises Refused with all its errors, besides `problems` that were found before;
        then nothing of it is written."""
        outcome = Outcome(problems=[*said.problems.items(), *problems])
        with writing():
            self._write(said, outcome)
            if outcome.problems:
                outcome.verdict, outcome.text = "bad", _told(outcome.problems, said.texts)
                raise Refused(outcome)
        person = outcome.participant
        self.people[said.kavo_id] = person
        if outcome.trajectory:
            self.trajectories.setdefault(person.id, []).append(outcome.trajectory)
        return outcome

    def _write(self, said, outcome):
        association = None
        if "vereniging" not in said.problems:
            with _noting(outcome):
                association = self.association(said)
        if said.course_started_on and said.course_started_on > self.ahead:
            outcome.problems.append(("start_cursus", "De cursus begint pas over meer dan een jaar. Kijk de datum na."))
        person = self.people.get(said.kavo_id)
        if person and said.problems and not self.is_mine(person):
            person = None  # a stranger is not found by part of the data
        if person is None:
            self._add(said, outcome)
        else:
            self._change(person, said, outcome)
        if outcome.person and association and said.type and said.course_started_on:
            with _noting(outcome):
                self._begin(outcome, association, said)

    def _add(self, said, outcome):
        """Save a new participant; with an unreadable cell, only collect what the rules say about the others."""
        values = {name: getattr(said, name) for name in ("kavo_id", *PERSONAL)}
        broken = {name: STAND_INS[name] for name in STAND_INS if COLUMN_OF[name] in said.problems}
        person = Participant(**values | broken)
        if said.problems:
            outcome.problems += _refusals(person)
            return
        if not _saved(outcome, person, lambda: person.save(force_insert=True)):
            return
        audit.record(self.by, "row.added", person, at=self.now, kind="deelnemer", name=person)
        outcome.person, outcome.verdict, outcome.made["participant_id"] = person, "new", person.id

    def _change(self, known, said, outcome):
        """Take a known participant, with the differences in the line."""
        changed = changes(known, said)
        outcome.found = not self.is_mine(known)
        outcome.guessed = outcome.found and bool(changed)
        with _noting(outcome):
            self._refuse_changes(known, changed, said)
            person = _copy(known)
            outcome.text = _told_changes(known, changed)
            if changed:
                before = {name: dutch.shown(getattr(known, name)) for name in changed}
                if not _saved(outcome, person, lambda: change_person(person, changed, self.by, self.now)):
                    return
                outcome.verdict, outcome.made["before"] = "changed", json.dumps(before)
            outcome.person = person

    def _begin(self, outcome, association, said):
        """Start the trajectory, unless it exists."""
        person = outcome.person
        same = (said.type, association.id, said.course_started_on)
        mine = self.trajectories.get(person.id, ())
        if same in [(one.type, one.association_id, one.course_started_on) for one in mine]:
            return
        if too_young := _too_young(str(person), person.birth_date, said):
            raise RuleError(too_young, "birth_date")
        trajectory = Trajectory(
            participant=person, association=association, type=said.type, course_started_on=said.course_started_on
        )
        trajectories.begin(trajectory, self.by, self.now)
        outcome.trajectory, outcome.made["trajectory_id"] = trajectory, trajectory.id
        if outcome.verdict != "new":
            outcome.verdict = "trajectory"

    def association(self, said: Entry) -> Association:
        """The association of an entry. Raises RuleError when the importer may not import for it."""
        name = said.association_name
        found = self.associations.get(normalise(name)) if name else self.own
        if found is None and not name:
            raise RuleError("Dit ontbreekt.", "association")
        if found is None:
            raise RuleError(f"We kennen geen vereniging ‘{name[:60]}’.", "association")
        if self.reach is not None and found.id not in self.reach:
            raise RuleError(
                f"Je werkt niet voor {found}: je kunt hier alleen deelnemers van je eigen vereniging toevoegen.",
                "association",
            )
        return found

    def _refuse_twice(self, line, said):
        earlier = [one for one in self.earlier.get(line.kavo_id, ()) if one.number < line.number]
        same = next((one for one in earlier if one.type == line.type), None)
        if same:
            raise RuleError(f"Staat ook op regel {same.number}: hetzelfde KAVO-ID en hetzelfde type.")
        if earlier and said.birth_date and self._entry(earlier[0]).birth_date != said.birth_date:
            raise RuleError(f"Regel {earlier[0].number} geeft dit KAVO-ID een andere geboortedatum.", "birth_date")

    def _refuse_changes(self, person, changed, said):
        """Domain rule 14. An unknown and a foreign participant get the same sentence: others' participants cannot be
        guessed."""
        if changed and (not self.is_mine(person) or {"last_name", "birth_date"} <= set(changed)):
            raise RuleError(
                f"KAVO-ID {said.kavo_id} past niet bij de andere gegevens. Kijk ze na, of bel het team Kadervorming."
            )
        if changed and not self._may_change(self.trajectories.get(person.id, [])):
            words = dutch.listing(LABELS[COLUMN_OF[name]].lower() for name in changed)
            raise RuleError(
                f"We kennen {said.kavo_id} met een andere {words}. Kijk het na, of bel het team Kadervorming."
            )

    def is_mine(self, person) -> bool:
        """Whether the importer may see this participant anyway."""
        if self.reach is None:
            return True
        return any(one.association_id in self.reach for one in self.trajectories.get(person.id, ()))

    def _may_change(self, mine) -> bool:
        """Rule 14: by the team, or by the only association involved."""
        return self.reach is None or all(one.association_id in self.reach for one in mine)


def changes(person: Participant, said: Entry) -> dict:
    """Personal data that differ in a line: field → new value. Capitals and accents alone are no difference, an
    empty or unreadable cell says nothing."""
    found, kept = {}, Participant(**{name: getattr(said, name) for name in ("kavo_id", *PERSONAL)})
    kept.prepare()  # as it would be stored
    for name in PERSONAL:
        old, new = getattr(person, name), getattr(kept, name)
        same = old == new if name == "birth_date" else normalise(old) == normalise(new)
        if new and not same:
            found[name] = new
    return found


def _told_changes(person, changed: dict) -> str:
    words = (
        f"{LABELS[COLUMN_OF[name]].lower()} van ‘{dutch.shown(getattr(person, name)) or 'leeg'}’ naar ‘{dutch.shown(new)}’"
        for name, new in changed.items()
    )
    text = dutch.listing(words)
    return f"{text[:1].upper()}{text[1:]}."[:500] if text else ""


def _too_young(who: str, born: date, said: Entry) -> str:
    """Why this trajectory can never lead to an attest; empty when it can."""
    if said.course_started_on is None:
        return ""
    latest = years_after(said.course_started_on, COURSE_YEARS)
    if years_after(born, LEAST_AGES[said.type]) > latest:
        return f"{who} wordt geen {LEAST_AGES[said.type]} voor het einde van het traject. Kijk de geboortedatum na."
    return ""


@contextmanager
def _noting(outcome: Outcome):
    """Collect a refusal with the others, instead of stopping there."""
    try:
        yield
    except RuleError as error:
        outcome.problems.append(_problem(error))


def _saved(outcome: Outcome, row: BaseModel, save) -> bool:
    """Whether a row could be saved; otherwise the outcome gets everything that its rules refuse."""
    try:
        save()
    except RuleError as error:
        outcome.problems += _refusals(row) or [_problem(error)]
        return False
    return True


def _problem(error: RuleError) -> tuple[str, str]:
    return COLUMN_OF.get(error.field or "", ""), str(error)


def _refusals(row: BaseModel) -> list[tuple[str, str]]:
    """Everything that the rules of a row refuse. They stop at the first refusal; the refused field is then treated as
    unchanged, since the rules judge only changes."""
    found = []
    while True:
        try:
            row.judge()
        except RuleError as error:
            found.append(_problem(error))
            if error.field not in row._dirty:
                return found
            row._dirty.discard(error.field)
        else:
            return found


def _copy(person: Participant) -> Participant:
    """A copy of the row to change, so that a refusal leaves no trace in what we know."""
    made = Participant(**person.__data__)
    made._dirty.clear()
    return made


def _told(problems: list[tuple[str, str]], cells: Sequence[str]) -> str:
    """All errors in an entry, in the order of its cells; with their values where there is room."""
    values, order = dict(zip(LABELS, cells, strict=False)), list(LABELS)
    problems = sorted(problems, key=lambda one: order.index(one[0]) if one[0] else len(order))
    most = ImportRow.text.max_length
    for shown in (VALUE_SHOWN, 0):
        parts = [_of_cell(column, values.get(column, ""), words, shown) for column, words in problems]
        if len(" ".join(parts)) <= most:
            return " ".join(parts)
    room = most // len(parts) - 1
    return " ".join(part if len(part) <= room else f"{part[: room - 1]}…" for part in parts)


def _of_cell(column: str, cell: str, words: str, shown: int) -> str:
    """An error, after its cell and the beginning of its value; a sentence that quotes the value needs neither."""
    if not column or (cell and f"‘{cell[:VALUE_SHOWN]}" in words):
        return words
    value = f" ‘{cell[:shown]}’" if cell[:shown] else ""
    return f"{LABELS[column]}{value}: {words}"
