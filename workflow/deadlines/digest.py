"""The digest: at most one mail a week for the manager of a site and for an association, on Monday morning, about stages
that wait for an evaluation and about what the other side did.

It leaves only when it names something for the first time, or a stage for the second: so no three in a row say the
same, and it stops by itself. A manager who left stages of the last one waiting gets the next after three weeks, with
everything in it. That a stage or an act was named is a row of `reminder` about it; that a digest left is a row about
its reader, for the Monday whose digest it is, so a clock that stood still for weeks sends one."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import Field

import mails
from database import as_tuples, locking, writing
from models import History, Placement, Reminder, SiteManager, Trajectory
from workflow.deadlines import news, stages
from workflow.deadlines.shared import REMIND_HOUR, Due, TurningPoint, days_of, monday, say_once

WEEKS_BETWEEN = 3
"""for a manager who left stages waiting: less often, so that a whole season takes few mails, and each stage is still
named twice before the association hears of it"""


@dataclass(frozen=True)
class Named(Due):
    """A stage that waits, or an act of the other side. `kind`: how it is remembered; empty when it was named
    before."""

    kind: str = ""


@dataclass(frozen=True)
class Digest:
    """Who gets it, and about what."""

    kind: str
    news_kind: str
    own_side: Any
    """acts that the reader knows, having done them"""
    turns: Callable[[], tuple[stages.Turn, ...]]
    reader: Callable[[Placement], Any]
    """who reads about this placement; None when there is nobody"""
    reads: Field
    """the column with its id"""
    weeks_between: int
    write: Callable[[Any, list[str], list[str], list[int], datetime], Any]

    def due(self, now: datetime, since: date) -> list[Due]:
        """All that the digests of the last Monday name, for readers who have not got theirs."""
        day = monday(now)
        fresh = self._by_reader(self._fresh(day, since))
        last = self._last(fresh, day)
        fresh = {key: found for key, found in fresh.items() if last.get(key) != day}
        for key, found in self._by_reader(self._named_before(day, list(fresh))).items():
            if key in last and day - last[key] < days_of(7 * self.weeks_between):
                del fresh[key]
            else:
                known = {(type(one.row), one.row.pk) for one in fresh[key]}
                fresh[key] += [one for one in found if (type(one.row), one.row.pk) not in known]
        return [one for found in fresh.values() for one in found]

    def _fresh(self, day, since) -> Iterable[Named]:
        """What was not named yet: stages whose turn has come, then acts."""
        for turn in self.turns():
            for query in stages.due(turn, day, since):
                yield from (self._stage(one, turn.kind) for one in query)
        for line, placement in news.lines(self.news_kind, self.own_side, day, since):
            told = news.words(line, placement)
            yield Named(line, line.at.date(), told, self.reader(placement), self.news_kind)

    def _named_before(self, day, readers) -> Iterable[Named]:
        """The stages of these readers that an earlier digest named and that wait still."""
        if readers:
            for query in stages.named_before(self.turns(), day):
                yield from (self._stage(one, "") for one in query.where(self.reads.in_(readers)))

    def _stage(self, one, kind) -> Named:
        words = f"{stages.trainee(one.trajectory.participant)}, {one.site}"
        return Named(one, stages.expected_end(one), words, self.reader(one), kind)

    @staticmethod
    def _by_reader(found) -> dict[int, list[Named]]:
        groups = defaultdict(list)
        for one in found:
            if one.group is not None:
                groups[one.group.pk].append(one)
        return groups

    def _last(self, fresh, day) -> dict[int, date]:
        """Reader → the Monday of the last digest, as far as it matters."""
        groups = [found[0].group for found in fresh.values()]
        if not groups:
            return {}
        query = Reminder.select(Reminder.object_id, Reminder.due_on).where(
            Reminder.object_type == groups[0]._meta.table_name,
            Reminder.object_id.in_([str(one.pk) for one in groups]),
            Reminder.kind == self.kind,
            Reminder.due_on > day - days_of(7 * max(self.weeks_between, 1)),
        )
        return {int(one.object_id): one.due_on for one in query.order_by(Reminder.due_on)}

    # ---- writing them

    def treat(self, dues: list[Due], now: datetime) -> int:
        """Write the digest of each reader in its own transaction; returns how much they name."""
        return sum(self._write(found, now) for found in self._by_reader(dues).values())

    def _write(self, found: list[Named], now: datetime) -> int:
        """The stages are locked, so that nobody evaluates one before the mail is written; those that were evaluated
        meanwhile are left out, and without anything new there is no mail."""
        reader = found[0].group
        with writing():
            ids = sorted(one.row.pk for one in found if isinstance(one.row, Placement))
            waits = Placement.select(Placement.id).where(Placement.id.in_(ids), stages.WAITING)
            still = {key for (key,) in as_tuples(locking(waits.order_by(Placement.id)))} if ids else set()
            left = [one for one in found if isinstance(one.row, History) or one.row.pk in still]
            if not any(one.kind for one in left) or not say_once(reader, self.kind, monday(now), now):
                return 0
            for one in left:
                if one.kind:
                    say_once(one.row, one.kind, one.on, now)
            acts = [one.words for one in left if isinstance(one.row, History)]
            waiting = sorted((one for one in left if isinstance(one.row, Placement)), key=lambda one: one.on)
            self.write(reader, [one.words for one in waiting], acts, [one.row.pk for one in waiting], now)
            return len(left)


def _manager(placement):
    link = getattr(placement.site, "managed", None)
    return link.user if link and link.user_id and link.user.active else None


FOR_MANAGERS = Digest(
    "digest_site",
    "news_site",
    news.MANAGES,
    stages.for_manager,
    _manager,
    SiteManager.user,
    WEEKS_BETWEEN,
    mails.digest_for_manager,
)
FOR_ASSOCIATIONS = Digest(
    "digest_association",
    "news_association",
    news.WORKS_THERE,
    stages.for_association,
    lambda placement: placement.trajectory.association,
    Trajectory.association,
    0,
    mails.digest_for_association,
)

WHY = "Zonder beoordeling is er geen attest; en wie er komt, wil je weten."
STOPS = "bij een beoordeling of annulering, en als er niets nieuws is"
POINTS = (
    TurningPoint(
        FOR_MANAGERS.kind,
        f"Weekbericht aan verantwoordelijken: stages {stages.EVALUATE_AFTER[0]} en {stages.EVALUATE_AFTER[1]} dagen "
        "voorbij, en nieuws",
        WHY,
        f"hoogstens één e-mail per week, op maandag om {REMIND_HOUR} uur; om de {WEEKS_BETWEEN} weken aan wie stages "
        "liet liggen",
        STOPS,
        FOR_MANAGERS.due,
        FOR_MANAGERS.treat,
    ),
    TurningPoint(
        FOR_ASSOCIATIONS.kind,
        f"Weekbericht aan verenigingen: stages {stages.ASSOCIATION_AFTER} dagen voorbij, en nieuws",
        "De vereniging volgt haar deelnemers, en kan zelf navragen.",
        f"hoogstens één e-mail per week, op maandag om {REMIND_HOUR} uur",
        STOPS,
        FOR_ASSOCIATIONS.due,
        FOR_ASSOCIATIONS.treat,
    ),
)
