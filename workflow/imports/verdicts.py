"""What becomes of a line: new, a further trajectory, a change, known already, or not possible and why."""

import json
from datetime import date, datetime, timedelta

import dutch
import scope
from database import normalise
from models import COURSE_YEARS, LEAST_AGES, Association, ImportBatch, ImportRow, Participant, Trajectory, User
from people import TEAM
from times import local_date, years_after
from workflow.imports.lines import PERSONAL, Typed, typed

COURSE_AHEAD = 366  # days that a course may lie ahead


def whole_reach(by: User | None) -> bool:
    """Whether somebody may import for every association: the team, and who sits at the server."""
    return by is None or TEAM in by.role_names


class Known:
    """What the database holds about the people on these lines, and what stands earlier in the same file."""

    def __init__(self, batch: ImportBatch, lines: list[ImportRow], now: datetime):
        self.batch, self.ahead = batch, local_date(now) + timedelta(days=COURSE_AHEAD)
        self.reach = None if whole_reach(batch.by) else set(scope.association_ids(batch.by))
        self.associations = {normalise(one.name): one for one in Association.select()}
        ids = {line.kavo_id for line in lines if line.kavo_id}
        self.people = {one.kavo_id: one for one in Participant.select().where(Participant.kavo_id.in_(list(ids)))}
        self.trajectories = {}
        theirs = Trajectory.select().where(Trajectory.participant.in_([one.id for one in self.people.values()]))
        for one in theirs:
            self.trajectories.setdefault(one.participant_id, []).append(one)
        self.earlier = {}
        same = ImportRow.select(ImportRow.kavo_id, ImportRow.type, ImportRow.number, ImportRow.cells)
        for one in same.where(ImportRow.batch == batch, ImportRow.kavo_id.in_(list(ids))).order_by(ImportRow.number):
            self.earlier.setdefault(one.kavo_id, []).append(one)

    def verdict(self, line: ImportRow) -> tuple[str, str]:
        """(verdict, explanation) of a line, as things are now."""
        said = typed(json.loads(line.cells))
        association = self.association(said)
        problem = said.problem or self._twice(line, said)
        if not problem and said.course_started_on > self.ahead:
            problem = "De cursus begint pas over meer dan een jaar. Kijk de datum na."
        if not problem and isinstance(association, str):
            problem = association
        if problem:
            return "bad", problem
        person = self.people.get(said.kavo_id)
        if person is None:
            again = self._first(line) is not None
            too_young = _too_young(said.first_name or said.last_name, said.birth_date, said)
            return ("bad", too_young) if too_young else ("trajectory" if again else "new", "")
        return self._of_known(person, said, association)

    def association(self, said: Typed) -> Association | str:
        """The association of a line, or why there is none."""
        found = self.associations.get(normalise(said.association))
        if not said.association:
            found = self.batch.association
        if found is None:
            return (
                f"We kennen geen vereniging ‘{said.association[:60]}’."
                if said.association
                else "De vereniging ontbreekt."
            )
        if self.reach is not None and found.id not in self.reach:
            return f"Je werkt niet voor {found}: je kunt hier alleen deelnemers van je eigen vereniging toevoegen."
        return found

    def _first(self, line) -> ImportRow | None:
        """The first line of the file with this KAVO-ID, when it is another one."""
        first = self.earlier.get(line.kavo_id, [line])[0]
        return first if first.number < line.number else None

    def _twice(self, line, said) -> str:
        earlier = [one for one in self.earlier.get(line.kavo_id, ()) if one.number < line.number]
        same = next((one for one in earlier if one.type == line.type), None)
        if same:
            return f"Staat ook op regel {same.number}: hetzelfde KAVO-ID en hetzelfde type."
        if earlier and typed(json.loads(earlier[0].cells)).birth_date != said.birth_date:
            return f"Regel {earlier[0].number} geeft dit KAVO-ID een andere geboortedatum."
        return ""

    def _of_known(self, person, said, association) -> tuple[str, str]:
        changed = changes(person, said)
        if changed and not self.is_mine(person):  # who is not one's own is not to be guessed
            return (
                "bad",
                f"KAVO-ID {said.kavo_id} bestaat al met andere gegevens. Kijk ze na, of bel het team Kadervorming.",
            )
        if {"last_name", "birth_date"} <= set(changed):
            return "bad", f"KAVO-ID {said.kavo_id} is van iemand anders. Kijk het nummer na."
        mine = self.trajectories.get(person.id, [])
        if changed and not self._may_change(mine):
            return "bad", (
                f"We kennen {said.kavo_id} met een andere {dutch.listing(LABELS[name] for name in changed)}. Kijk het na, of bel "
                "het team Kadervorming."
            )
        told = _told_changes(person, changed)
        of_type = [one for one in mine if one.type == said.type]
        if any(
            (one.association_id, one.course_started_on) == (association.id, said.course_started_on) for one in of_type
        ):
            return ("changed", told) if changed else ("known", "")
        refusal = _refuse_second(person, of_type, association) or _too_young(str(person), said.birth_date, said)
        return ("bad", refusal) if refusal else ("trajectory", told)

    def is_mine(self, person) -> bool:
        """Whether who imports may see this person anyhow."""
        if self.reach is None:
            return True
        return any(one.association_id in self.reach for one in self.trajectories.get(person.id, ()))

    def _may_change(self, mine) -> bool:
        """Rule 14: by the team, or by the only association involved."""
        return self.reach is None or all(one.association_id in self.reach for one in mine)


LABELS = {"first_name": "voornaam", "last_name": "naam", "birth_date": "geboortedatum", "email": "e-mailadres"}


def changes(person: Participant, said: Typed) -> dict:
    """Which personal data a line says otherwise: field → new value. Capitals and accents alone are no difference, an empty name
    or e-mail address says nothing."""
    found = {}
    for name in PERSONAL:
        old, new = getattr(person, name), getattr(said, name)
        same = old == new if name == "birth_date" else normalise(old) == normalise(new)
        if not same and new:
            found[name] = new
    return found


def _told_changes(person, changed: dict) -> str:
    words = (
        f"{LABELS[name]} van ‘{dutch.shown(getattr(person, name)) or 'leeg'}’ naar ‘{dutch.shown(new)}’"
        for name, new in changed.items()
    )
    text = dutch.listing(words)
    return f"{text[:1].upper()}{text[1:]}."[:500] if text else ""


def _refuse_second(person, of_type, association) -> str:
    for one in of_type:
        if one.outcome in ("passed", "attested"):
            return f"{person} is al geslaagd als {one.type_label}."
        if one.state == "open":
            where = association if one.association_id == association.id else "een andere vereniging"
            return f"{person} heeft al een traject dat loopt als {one.type_label}, bij {where}."
    return ""


def _too_young(who: str, born: date, said: Typed) -> str:
    """Why this trajectory can never lead to an attest; empty when it can."""
    latest = years_after(said.course_started_on, COURSE_YEARS)
    if years_after(born, LEAST_AGES[said.type]) > latest:
        return f"{who} wordt geen {LEAST_AGES[said.type]} voor het einde van het traject. Kijk de geboortedatum na."
    return ""
