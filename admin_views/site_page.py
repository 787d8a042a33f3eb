"""What the pages of sites show: ways on from the list and from the page of one, what waits for whom, who was looked up."""

from dataclasses import dataclass

from flask import request, url_for
from wtforms import HiddenField, IntegerField

from admin_kit.cells import Button, Fact, facts
from database.texts import tidy
from forms import ChoiceField, DayField, KavoForm, required
from models import (
    ASSOCIATION,
    MANAGER,
    ON_BEHALF,
    STAGE_HOURS,
    TEAM,
    Hours,
    Participant,
    Placement,
    Site,
    Trajectory,
    User,
)
from workflow.stages import placements


def page_buttons(view, site) -> list[Button]:
    """What the person at the screen may do with a site, what waits most first."""
    team, found = TEAM in view.by.role_names, []
    if team:
        words, kind = (
            ("Behandelen", "btn-primary") if site.state == "submitted" else ("Aanvraag bekijken", "btn-secondary")
        )
        found.append(Button(words, url_for("application.show", pk=site.id), kind))
    if site.state in ("approved", "closed"):
        found.append(Button("Deelnemers", url_for("site.participants", pk=site.id), "btn-primary"))
    found += view.edit_buttons(site)
    if site.state == "approved":
        if not team:
            found.append(Button("Naam of adres wijzigen", url_for("site_change.propose", pk=site.id)))
        found.append(Button("Stageplaats sluiten", url_for("site_change.close", pk=site.id)))
    return found


def of_applicant(site, by) -> list[Button]:
    """Where a manager follows an application."""
    if TEAM in by.role_names:
        return []
    ways = {
        "submitted": Button("Bekijk hoe je aanvraag ervoor staat", url_for("registration.status", secret=site.id), ""),
        "rejected": Button(
            "Aanpassen en opnieuw indienen", url_for("registration.submit_again", secret=site.id), "btn btn-primary"
        ),
    }
    return [ways[site.state]] if site.state in ways else []


def new_sites(by) -> list[list[Button]]:
    """How a manager comes to a further site."""
    if MANAGER not in by.role_names:
        return []
    add = Button("Een nieuwe stageplaats aanmaken", url_for("registration.further_site"), "btn-primary")
    return [[add, Button("Beheer overnemen", url_for("take_over.choose"))]]


def notices(waiting: int, handovers: int) -> list[tuple[str, str, str]]:
    """What a manager should do first: (what is the matter, words of the link, URL)."""
    sites = "een stageplaats" if handovers == 1 else f"{handovers} stageplaatsen"
    people = "deelnemer wacht" if waiting == 1 else "deelnemers wachten"
    asked = (f"Iemand wil {sites} van je overnemen.", "Bekijk en antwoord", url_for("handover.index_view"))
    late = (
        f"{waiting} {people} op jouw beoordeling.",
        "Bekijk wie",
        url_for("placement.index_view", tab="open"),
    )
    return [asked] * bool(handovers) + [late] * bool(waiting)


def scopes(by, narrowed: bool) -> list[tuple[str, str, str]]:
    """Own sites or all of them: (words, URL, 'page' for what is shown now). An association has no own ones."""
    if list(by.role_names) == [ASSOCIATION]:
        return []
    whole = "Alle stageplaatsen" if TEAM in by.role_names else "Alle erkende stageplaatsen"
    return [
        ("Enkel eigen stageplaatsen", url_for("site.index_view", eigen=1), "page" if narrowed else ""),
        (whole, url_for("site.index_view"), "" if narrowed else "page"),
    ]


# ---- the participants of a site


class CoupleForm(KavoForm):
    """'Deelnemer toevoegen': hours for a trajectory that was found by KAVO-ID."""

    kavo = HiddenField("KAVO-ID")
    trajectory = ChoiceField("Traject", blank=None)
    hours = IntegerField("Aantal uren", [required("Typ hoeveel uur de stage hier duurt.")])
    starts_on = DayField("Verwachte begindatum")
    ends_on = DayField("Verwachte einddatum")
    on_behalf = ChoiceField("Namens", [required()], choices=ON_BEHALF, blank=None)


def adds() -> bool:
    """Whether the form couples; otherwise it only looks up. Enter in a field does what the fields say."""
    act, shown = request.form.get("act", "add"), tidy(request.form.get("shown", ""))
    if act == "enter":
        act = "add" if shown and shown == tidy(request.form.get("kavo", "")) else "look"
    return act == "add" and "trajectory" in request.form


@dataclass(frozen=True)
class HoursSum:
    """A trajectory that was looked up: what identifies it, and how its hours add up."""

    facts: list[Fact]
    hours: Hours
    left: int
    sum: list[tuple[str, int]]


@dataclass(frozen=True)
class FoundPanel:
    """The participant who was looked up for a site, as the page shows them."""

    participant: Participant
    trajectories: list[Trajectory]
    sums: list[HoursSum]
    coupled_here: list[tuple[str, str]]
    """(sentence, URL) of each placement at this site that has not ended"""

    @classmethod
    def of(cls, found: placements.Found, site: Site, by: User) -> "FoundPanel":
        sums = [_sum(one, found.participant, site, by) for one in found.trajectories]
        here = Placement.select().where(
            Placement.site == site, Placement.trajectory.in_(found.trajectories), Placement.state == "open"
        )
        coupled = [
            (
                f"{found.participant} is hier al gekoppeld voor {one.hours} uur.",
                url_for("placement.evaluate", id=one.id),
            )
            for one in here.order_by(Placement.id)
        ]
        return cls(found.participant, found.trajectories, sums, coupled)

    @property
    def announcement(self) -> str:
        """What a screen reader says once the panel is there."""
        left = "; ".join(f"nog {one.left} van {STAGE_HOURS} uur" for one in self.sums)
        return f"Gevonden: {self.participant}, {left}."

    @property
    def full_words(self) -> str:
        """Why nothing can be coupled; empty when hours are left."""
        if any(one.left > 0 for one in self.sums):
            return ""
        return f"De {STAGE_HOURS} uur van {self.participant} zijn al gekoppeld."


def _sum(trajectory, participant, site, by) -> HoursSum:
    known = facts(
        ("KAVO-ID", participant.kavo_id, "num"),
        ("Traject", trajectory.type_label.capitalize()),
        ("Vereniging", trajectory.association),
    )
    lines = placements.sum_of_hours(trajectory, site, by)
    return HoursSum(known, trajectory.hours, trajectory.hours_left(), lines)


def told_of(name: str, problem: str | None) -> dict:
    """The attributes of an input with a hint, and with what is wrong."""
    if not problem:
        return {"aria-describedby": f"{name}-hint"}
    return {"aria-describedby": f"{name}-hint {name}-fout", "aria-invalid": "true", "autofocus": True}


def trail(site, own: bool) -> list[tuple[str, str]]:
    """Where the page of its participants stands: for who has no own sites in the list of all."""
    if not own:
        return [("Stageplaatsen", url_for("site.index_view"))]
    return [
        ("Stageplaatsen", url_for("site.index_view", eigen=1)),
        (site.name, url_for("site.details_view", id=site.id)),
    ]
