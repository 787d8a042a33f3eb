"""The rights matrix: the acts of each role and the rows they apply to, derived from the views and from `scope`."""

from dataclasses import dataclass
from typing import Any

import scope
from models import (
    ASSOCIATION,
    MANAGER,
    TEAM,
    Association,
    Evaluation,
    Handover,
    History,
    ImportBatch,
    Participant,
    Placement,
    Site,
    Trajectory,
)

VISITOR = "visitor"
ROLES = {VISITOR: "Bezoeker", MANAGER: "Stageplaats\u00adverantwoordelijke", ASSOCIATION: "Vereniging", TEAM: "Team"}
ALL, OWN, PUBLIC, NOT = "alle", "eigen", "openbare gegevens", "–"

NOUNS = {
    Site: "Stageplaatsen",
    Placement: "Koppelingen",
    Trajectory: "Trajecten",
    Handover: "Overdrachten",
    Evaluation: "Beoordelingen",
    History: "Geschiedenis daarvan",
    Association: "Vereniging",
    Participant: "Deelnemers",
    ImportBatch: "Ingelezen bestanden",
}
VERBS = {
    "view": "bekijken",
    "edit": "wijzigen",
    "couple": "deelnemers koppelen",
    "export": "exporteren",
    "change": "uren wijzigen",
    "apply": "nieuwe aanvragen",
    "answer": "beantwoorden",
    "withdraw": "intrekken",
    "take_over": "beheer overnemen",
    "offer": "opvolger aanduiden",
    "submit_again": "opnieuw indienen",
    "propose": "wijziging vragen",
    "close": "sluiten",
    "add": "toevoegen",
    "import": "importeren",
    "final": "eindevaluatie geven",
    "stop": "stopzetten",
    "resume": "hervatten",
    "attest": "attest downloaden",
    "confirm": "bevestigen",
    "drop": "niet importeren",
    "undo": "ongedaan maken",
    "cancel": "annuleren",
    "evaluate": "beoordelen",
    "history": "geschiedenis bekijken",
}
"""the acts of `scope.ACTS` in words"""


@dataclass(frozen=True)
class Line:
    """A function in words and, per role, the rows it applies to."""

    name: str
    rows: dict[str, str]


def matrix(admin) -> list[tuple[str, list[Line]]]:
    """(group, its lines): first the screens of `admin` (Flask-Admin's instance), then the acts on each table."""
    return [
        ("Schermen", _screens(admin)),
        *((noun, _acts(model, admin)) for model, noun in NOUNS.items()),
        *_of_the_team(admin),
    ]


def _screens(admin):
    menu = sorted((view for view in admin._views if view.name), key=lambda view: view.name)
    return [Line(view.name, {role: _screen(view, role) for role in ROLES}) for view in menu]


def _screen(view, role):
    if role not in view.roles:
        return NOT
    return ALL if role == TEAM else OWN


def _acts(model, admin):
    acts = sorted({act for role in scope.ACTS.values() for act in role.get(model, ())}, key=lambda act: VERBS[act])
    lines = [Line(VERBS[act], {role: _rows(role, model, act) for role in ROLES}) for act in acts]
    if any(model in listed for listed in scope.LISTED.values()):
        findable = {role: PUBLIC if model in scope.LISTED.get(role, ()) else NOT for role in ROLES}
        lines.insert(0, Line("vinden in de lijst", {**findable, TEAM: ALL}))
    known = {VERBS[act] for act in acts}
    return lines + [line for line in _actions(model, admin) if line.name.lower() not in known]


def _rows(role, model, act):
    if role == TEAM:
        return ALL
    return OWN if act in scope.ACTS.get(role, {}).get(model, ()) else NOT


def _actions(model, admin) -> list[Line]:
    """The actions that the views of a table offer, with the rows per role."""
    seen: dict[str, Any] = {}
    for view in (one for one in admin._views if getattr(one, "model", None) is model):
        for name, action in view.actions.items():
            seen.setdefault(
                action.label, {role: _rows(role, model, name) if role in view.roles else NOT for role in ROLES}
            )
        if view.can_delete:
            seen["Verwijderen"] = {**dict.fromkeys(ROLES, NOT), TEAM: ALL}
    return [Line(text, rows) for text, rows in sorted(seen.items())]


def _of_the_team(admin):
    """Tables on which only the team acts."""
    others = {
        view.model: view.name for view in admin._views if getattr(view, "model", None) and view.model not in NOUNS
    }
    groups = ((name, _actions(model, admin)) for model, name in others.items())
    return [(name, lines) for name, lines in groups if lines]
