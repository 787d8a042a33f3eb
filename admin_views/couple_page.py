"""Lines of KAVO-IDs that were pasted, as a page shows them: who was found, and whether each can be added."""

from typing import Any

import dutch
from admin_kit.cells import Cell, outcome
from workflow.stages.bulk import Line


def _name(line: Line) -> Cell:
    return Cell(str(line.participant), line.kavo_id) if line.participant else Cell(line.text)


def outcomes(lines: list[Line]) -> list[tuple[Cell, Cell]]:
    """(who, what became of it) of each line."""
    return [(_name(line), outcome(bool(line.done), line.done or line.problem)) for line in lines]


def told(lines: list[Line]) -> str:
    """How many of them can be added."""
    good = sum(line.good for line in lines)
    read = dutch.counted(len(lines), "regel", "regels")
    return f"Van {read} {'kan' if good == 1 else 'kunnen'} er {good} toegevoegd worden. Er is nog niets gebeurd."


def kept(form) -> list[tuple[str, str]]:
    """What the page carries along of what was asked first."""
    days = [(one.name, one.data.isoformat() if one.data else "") for one in (form.starts_on, form.ends_on)]
    behalf = [("on_behalf", form.on_behalf.data or "")] if form.on_behalf else []
    return [("sure", "1"), *days, *behalf]


def found(lines: list[Line], chosen: dict[str, int]) -> list[dict[str, Any]]:
    """What stands in the columns of each line; one chooses only among several trajectories."""
    return [_found(line, chosen.get(line.kavo_id)) for line in lines]


def _found(line: Line, chosen: int | None) -> dict[str, Any]:
    types = [(one.id, one.type_label.capitalize()) for one in line.trajectories]
    return {
        "participant": line.participant,
        "kavo_id": line.kavo_id,
        "good": line.good,
        "name": _name(line),
        "all_hours": [one.hours for one in line.trajectories],
        "hours": "" if line.hours is None else line.hours,
        "choices": types if len(types) > 1 else [],
        "chosen": chosen,
        "type": types[0][1] if types else "",
        "outcome": Cell("Kan", state="good") if line.good else Cell("Kan niet", line.problem, state="bad"),
    }
