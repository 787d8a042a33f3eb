"""Bulk actions: a pasted column of KAVO-IDs with hours that is looked up, previewed and coupled; a list of placements
evaluated on one page."""

import re
from dataclasses import dataclass, field
from datetime import datetime

import scope
from database import RuleError, readings, rehearsing, writing
from models import Participant, Placement, Site, Trajectory, User
from workflow.stages import evaluations, placements

MOST_LINES = 200
MOST_EVALUATED = 100  # on one page
HOURS = re.compile(r"""(?:^|[;,|(\s])["']?(\d{1,4})(?:[.,]0+)?["']?\s*(?:uur|uren|u)?\W*$""", re.I)
"""hours at the end of a line, after a semicolon, comma, bar or space, as a spreadsheet copies them"""
NUMERAL = re.compile(
    r"\b(?:(?:een|twee|drie|vier|vijf|zes|zeven|acht|negen)(?:en|ën))?(?:tien|twintig|dertig|veertig|vijftig)\b", re.I
)


@dataclass
class Line:
    """One line: the request, the participant found, and why it cannot be done (`problem`, empty when it can)."""

    text: str
    kavo_id: str = ""
    hours: int | None = None
    participant: Participant | None = None
    trajectories: list[Trajectory] = field(default_factory=list)
    problem: str = ""
    done: str = ""
    """the outcome, once it is done"""

    @property
    def good(self) -> bool:
        return not self.problem


def read(text: str, hours: int | None) -> list[Line]:
    """The lines of a pasted column; `hours` are for lines that name none. A first line with words is a header. Raises
    RuleError when nothing or too much was pasted."""
    texts = [line.strip() for line in text.splitlines() if line.strip(" \t;,")]
    if texts and not any(char.isdigit() for char in texts[0]):
        texts = texts[1:]
    if not texts:
        raise RuleError("Plak hier de KAVO-ID’s, elk op een eigen regel.", "text")
    if len(texts) > MOST_LINES:
        raise RuleError(f"Dit zijn {len(texts)} regels. Plak er hoogstens {MOST_LINES} tegelijk.", "text")
    return [_line(text, hours) for text in texts]


def _line(text, hours) -> Line:
    line = Line(text[:60], hours=hours)
    try:
        line.kavo_id, own = _number_and_hours(text)
    except RuleError as error:
        line.problem = f"Hier staat geen KAVO-ID, of meer dan één. {error}"
        return line
    line.hours = hours if own is None else own
    if line.hours is None or NUMERAL.search(text):
        line.problem = "Typ hoeveel uur de stage duurt, in cijfers: na het KAVO-ID, of voor iedereen samen."
    return line


def _number_and_hours(text: str) -> tuple[str, int | None]:
    """The KAVO-ID of a line, read as everywhere, and the hours at its end, if there are any. Raises RuleError."""
    text = readings.plain(text.replace("\t", ";"))
    try:
        return readings.kavo_id(text), None
    except RuleError:
        if not (found := HOURS.search(text)):
            raise
    return readings.kavo_id(text[: found.start()]), int(found[1])


def look_up(lines: list[Line], site: Site, by: User, now: datetime):
    """Look up the participant of each line; each search is recorded like any other. Raises NotYours."""
    scope.require(by, "couple", site)
    seen = set()
    for line in lines:
        if line.kavo_id in seen:
            line.problem = "Dit KAVO-ID staat hier twee keer."
        elif line.kavo_id:
            seen.add(line.kavo_id)
            try:
                found = placements.look_up(line.kavo_id, site, by, now)
            except RuleError as error:
                line.problem = line.problem or str(error)
            else:
                line.participant, line.trajectories = found.participant, found.trajectories


def preview(lines: list[Line], chosen: dict[str, int], site: Site, by: User, now: datetime, **expected):
    """Look up each line and couple it in a transaction that is rolled back, to know whether it can be. Arguments as
    for `couple`."""
    look_up(lines, site, by, now)
    with rehearsing():
        couple(lines, chosen, site, by, now, **expected)
    for line in lines:
        line.done = ""


def couple(
    lines: list[Line],
    chosen: dict[str, int],
    site: Site,
    by: User,
    now: datetime,
    **expected,
):
    """Couple every line that can be; the others say why not. `chosen`: KAVO-ID → id of the trajectory, for those who
    have several; `expected`: dates and on whose behalf, the same for all lines, as `placements.couple` takes them.
    Trajectories are taken in the order of their ids, so that two lists at once never wait for each other."""
    ready = []
    for line in lines:
        if line.good and line.trajectories:
            ids = {one.id: one for one in line.trajectories}
            if one := ids.get(chosen.get(line.kavo_id, line.trajectories[0].id)):
                ready.append((one, line))
            else:
                line.problem = "Kies het traject opnieuw."
    with writing():
        for trajectory, line in sorted(ready, key=lambda pair: pair[0].id):
            _couple(line, trajectory, site, by, now, expected)


def _couple(line, trajectory, site, by, now, expected):
    try:
        with writing():
            placement = placements.couple(trajectory, site, line.hours, by, now, **expected)
    except RuleError as error:
        line.problem = str(error)
    else:
        line.done = f"Toegevoegd voor {placement.hours} uur."


def to_evaluate(ids: list[int], by: User) -> list[Placement]:
    """Those of these placements that wait for an evaluation and that `by` may evaluate, with what a page shows of
    them."""
    query = Placement.select(Placement, Site, Trajectory, Participant).join(Site).switch(Placement).join(Trajectory)
    mine = scope.own(by, Placement, "evaluate")
    return list(
        query.join(Participant).where(Placement.id.in_(ids), Placement.state == "open", mine).order_by(Placement.search)
    )


def evaluate(
    placement: Placement, given: evaluations.EvaluationInput, by: User, now: datetime, *, on_behalf: str | None = None
) -> str:
    """Evaluate one placement of a list; returns the refusal as a sentence, '' when it is done. The rest of the list
    goes on."""
    try:
        with writing():
            evaluations.evaluate(placement, given, by, now, on_behalf=on_behalf)
    except RuleError as error:
        return str(error)
    return ""
