"""The status of a row on a day: its state, the words for it, whose turn it is and the colour. Lists, filters, pages, timelines,
work lists, counts, files and mails all get it here.

Each kind of status is declared once, as a condition that works for a row and for a table: given a row it tells whether the row
matches, given a model it is the SQL for all matching rows. Every row matches exactly one kind."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from types import SimpleNamespace
from typing import Any

from peewee import Case, Field

import dutch
from times import local_date

GOOD, BAD, WAIT, BUSY, NEUTRAL = "good", "bad", "wait", "busy", ""
"""tones: ended well, wrong or too late, a user must act, we wait for somebody else or for a day, none of these"""
TEAM, SITE, ASSOCIATION, PARTICIPANT = "het team", "de stageplaats", "de vereniging", "de deelnemer"
APPLICANT, GIVER, SUCCESSOR = "de aanvrager", "de verantwoordelijke", "de opvolger"
"""parties whose turn it may be; '' is nobody's"""


@dataclass(frozen=True)
class Status:
    """The status of a row. `turn`: the party that must act, '' for nobody; `detail`: further information, such as the day."""

    key: str
    words: str
    tone: str = NEUTRAL
    turn: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return self.words

    @property
    def small(self) -> str:
        """The second line below the words: the detail, or else whose turn it is."""
        return self.detail or (f"aan zet: {self.turn}" if self.turn else "")


@dataclass(frozen=True)
class Kind:
    """A kind of status. `fits(row, today)`: true or false for a row, a condition for its model. `said(row, today)` and
    `detail(row, today)`: words and details that differ from row to row; `tab`: the tab of a list, for kinds that share one."""

    key: str
    words: str
    fits: Callable[[Any, date], Any]
    tone: str = NEUTRAL
    turn: str = ""
    said: Callable[[Any, date], str] | None = None
    detail: Callable[[Any, date], str] | None = None
    tab: str = ""


class Statuses:
    """The kinds of status of a table; `columns`: the columns that they read; `gathered`: the words of tabs with several kinds."""

    def __init__(self, columns: str, *kinds: Kind, gathered: dict[str, str] | None = None):
        self.columns = tuple(columns.split())
        self.kinds = {kind.key: kind for kind in kinds}
        self.gathered = gathered or {}

    def of(self, row: Any, today: date) -> Status:
        """The status of a row, or of any other object with these columns."""
        kind = next(kind for kind in self.kinds.values() if kind.fits(row, today))
        words = kind.said(row, today) if kind.said else kind.words
        detail = kind.detail(row, today) if kind.detail else ""
        return Status(kind.key, words, kind.tone, kind.turn, detail)

    def of_values(self, values: Iterable[Any], today: date) -> Status:
        """The status for stored values of `columns`, in that order."""
        return self.of(SimpleNamespace(**dict(zip(self.columns, values, strict=True))), today)

    def where(self, model: Any, today: date, *keys: str) -> Any:
        """The condition for the rows of `model` whose status is one of these."""
        conditions = [self.kinds[key].fits(model, today) for key in keys]
        result = conditions[0]
        for condition in conditions[1:]:
            result |= condition
        return result

    def column(self, model: Any, today: date) -> Case:
        """The key of the status as a column of a query."""
        return Case(None, [(kind.fits(model, today), kind.key) for kind in self.kinds.values()])

    def tabs(self) -> dict[str, tuple[str, list[str]]]:
        """The tabs of a list: name → (words, keys of its kinds)."""
        tabs: dict[str, tuple[str, list[str]]] = {}
        for kind in self.kinds.values():
            name = kind.tab or kind.key
            tabs.setdefault(name, (self.gathered.get(name) or self.kinds[name].words, []))[1].append(kind.key)
        return tabs

    def words(self, *keys: str) -> dict[str, str]:
        """Key (of a kind or a tab) → words, for columns that store a key."""
        return {key: self.gathered.get(key) or self.kinds[key].words for key in keys}


# ---- terms


def day_of(days: int, due_on: date, today: date) -> int:
    """The day number in a term of `days` days: 0 on the first day, `days` on the last, more when it is late."""
    return days - (due_on - today).days


def told_day(days: int, due_on: date | None, today: date) -> str:
    """dag 9 van 14; '' without a term."""
    return f"dag {day_of(days, due_on, today)} van {days}" if due_on else ""


def _late(days: int, due_on: date, today: date) -> str:
    return f"Te laat: {told_day(days, due_on, today)}"


# ---- conditions for a row and for a table


def _before(value: Any, day: date) -> Any:
    if isinstance(value, Field):
        return value.is_null(False) & (value < day) if value.null else value < day
    return value is not None and value < day


def _after(value: Any, day: date) -> Any:
    if isinstance(value, Field):
        return value.is_null(False) & (value > day) if value.null else value > day
    return value is not None and value > day


def _not_before(value: Any, day: date) -> Any:
    if isinstance(value, Field):
        return value.is_null() | (value >= day) if value.null else value >= day
    return value is None or value >= day


def _not_after(value: Any, day: date) -> Any:
    if isinstance(value, Field):
        return value.is_null() | (value <= day) if value.null else value <= day
    return value is None or value <= day


def _empty(value: Any) -> Any:
    return value.is_null() if isinstance(value, Field) else value is None


def _filled(value: Any) -> Any:
    return value.is_null(False) if isinstance(value, Field) else value is not None


def _column(name: str, value: str) -> Callable[[Any, date], Any]:
    """The condition that a column holds this value."""
    return lambda row, today: getattr(row, name) == value


# ---- the tables

TRAJECTORY = Statuses(
    "state outcome ends_on",
    Kind("open", "Loopt", lambda row, today: (row.state == "open") & _not_before(row.ends_on, today), BUSY),
    Kind(
        "expired", "Termijn voorbij", lambda row, today: (row.state == "open") & _before(row.ends_on, today), BAD, TEAM
    ),
    Kind("failed", "Niet geslaagd", _column("outcome", "failed"), BAD, tab="finished"),
    Kind("passed", "Geslaagd", _column("outcome", "passed"), WAIT, TEAM, tab="finished"),
    Kind("attested", "Attest uitgereikt", _column("outcome", "attested"), GOOD, tab="finished"),
    Kind("finished", "Afgewerkt", lambda row, today: (row.state == "finished") & (row.outcome == "")),
    Kind("stopped", "Stopgezet", _column("state", "stopped")),
)

PLACEMENT = Statuses(
    "state result no_show starts_on ends_on",
    Kind(
        "over",
        "Te beoordelen",
        lambda row, today: (row.state == "open") & _before(row.ends_on, today),
        WAIT,
        SITE,
        detail=lambda row, today: f"stage liep af op {dutch.day(row.ends_on)}",
        tab="open",
    ),
    Kind(
        "planned",
        "Stage gepland",
        lambda row, today: (row.state == "open") & _not_before(row.ends_on, today) & _after(row.starts_on, today),
        BUSY,
        SITE,
        detail=lambda row, today: f"vanaf {dutch.day(row.starts_on)}",
        tab="open",
    ),
    Kind(
        "running",
        "Stage loopt",
        lambda row, today: (row.state == "open") & _not_before(row.ends_on, today) & _not_after(row.starts_on, today),
        BUSY,
        SITE,
        detail=lambda row, today: f"tot en met {dutch.day(row.ends_on)}" if row.ends_on else "",
        tab="open",
    ),
    Kind("positive", "Positief", _column("result", "positive"), GOOD, tab="done"),
    Kind("negative", "Negatief", _column("result", "negative"), BAD, tab="done"),
    Kind(
        "cancelled",
        "Geannuleerd",
        _column("state", "cancelled"),
        tab="done",
        detail=lambda row, today: "niet komen opdagen" if row.no_show else "",
    ),
    gathered={"open": "Bezig", "done": "Klaar"},
)

LATE, IN_TREATMENT, APPROVED, NOT_APPROVED, WITHDRAWN = (
    "Te laat",
    "In behandeling",
    "Goedgekeurd",
    "Niet goedgekeurd",
    "Ingetrokken",
)
"""approval, rejection and the states before them have the same words for every kind of request"""


def _day_of_row(row: Any, today: date) -> str:
    return told_day(row.term_days, row.due_on, today)


def _late_row(row: Any, today: date) -> str:
    return _late(row.term_days, row.due_on, today)


APPLICATION = Statuses(
    "state due_on term_days paused_at",
    Kind(
        "late",
        LATE,
        lambda row, today: (row.state == "submitted") & _empty(row.paused_at) & _before(row.due_on, today),
        BAD,
        TEAM,
        said=_late_row,
    ),
    Kind(
        "submitted",
        IN_TREATMENT,
        lambda row, today: (row.state == "submitted") & _empty(row.paused_at) & _not_before(row.due_on, today),
        BUSY,
        TEAM,
        detail=_day_of_row,
    ),
    Kind(
        "paused",
        "Wacht op de aanvrager",
        lambda row, today: (row.state == "submitted") & _filled(row.paused_at),
        WAIT,
        APPLICANT,
        detail=lambda row, today: f"de termijn staat stil op {_day_of_row(row, local_date(row.paused_at))}",
    ),
    Kind("approved", APPROVED, _column("state", "approved"), GOOD),
    Kind("rejected", NOT_APPROVED, _column("state", "rejected"), BAD),
    Kind("withdrawn", WITHDRAWN, _column("state", "withdrawn")),
    Kind("closed", "Gesloten", _column("state", "closed")),
)

PROPOSAL = Statuses(
    "state due_on term_days",
    Kind(
        "late",
        LATE,
        lambda row, today: (row.state == "open") & _before(row.due_on, today),
        BAD,
        TEAM,
        said=_late_row,
    ),
    Kind(
        "open",
        IN_TREATMENT,
        lambda row, today: (row.state == "open") & _not_before(row.due_on, today),
        BUSY,
        TEAM,
        detail=_day_of_row,
    ),
    Kind("accepted", APPROVED, _column("state", "accepted"), GOOD),
    Kind("refused", NOT_APPROVED, _column("state", "refused"), BAD),
    Kind("withdrawn", WITHDRAWN, _column("state", "withdrawn")),
)


def _team_day(row: Any, today: date) -> str:
    return told_day(row.team_days, row.team_due_on, today)


HANDOVER = Statuses(
    "state due_on term_days team_due_on team_days",
    Kind(
        "open",
        "Wacht op antwoord",
        lambda row, today: (row.state == "open") & _not_before(row.due_on, today),
        BUSY,
        GIVER,
        detail=_day_of_row,
    ),
    Kind(
        "unanswered",
        "Wacht op antwoord",
        lambda row, today: (row.state == "open") & _before(row.due_on, today),
        BAD,
        GIVER,
        detail=lambda row, today: _late_row(row, today).lower(),
        tab="open",
    ),
    Kind(
        "escalated",
        "Het team beslist",
        lambda row, today: (row.state == "escalated") & _not_before(row.team_due_on, today),
        WAIT,
        TEAM,
        detail=_team_day,
    ),
    Kind(
        "late",
        "Het team beslist",
        lambda row, today: (row.state == "escalated") & _before(row.team_due_on, today),
        BAD,
        TEAM,
        detail=lambda row, today: f"te laat: {_team_day(row, today)}",
        tab="escalated",
    ),
    Kind("accepted", APPROVED, _column("state", "accepted"), GOOD),
    Kind("refused", NOT_APPROVED, _column("state", "refused"), BAD),
    Kind("withdrawn", WITHDRAWN, _column("state", "withdrawn")),
)

LINK = Statuses(
    "state due_on term_days",
    Kind(
        "late", LATE, lambda row, today: (row.state == "open") & _before(row.due_on, today), BAD, TEAM, said=_late_row
    ),
    Kind(
        "open",
        IN_TREATMENT,
        lambda row, today: (row.state == "open") & _not_before(row.due_on, today),
        BUSY,
        TEAM,
        detail=_day_of_row,
    ),
    Kind("linked", "Gekoppeld", _column("state", "linked"), GOOD),
    Kind("refused", "Niet gekoppeld", _column("state", "refused"), BAD),
)


def with_turn(status: Status, turn: str) -> Status:
    """The same status, with the turn of another party."""
    return replace(status, turn=turn)
