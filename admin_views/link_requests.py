"""An eID that does not match an account: the team compares both and links, or refuses."""

from flask import abort, redirect, request, url_for
from flask_admin import BaseView, expose

import audit
import dutch
from admin_kit.access import HiddenFromMenu
from admin_kit.cells import Cell, Fact, Standing, due, facts
from database import readings
from forms import KavoForm, ReasonField
from models import Identity, LinkRequest, Site, SiteManager, User
from times import local_date, utcnow
from workflow.accounts import eid_answers, identities

MOST_LINES = 20


class LinkForm(KavoForm):
    reason = ReasonField(description="Alleen nodig als je niet koppelt. De persoon leest deze tekst.")


class LinkRequestView(HiddenFromMenu, BaseView):
    @expose("/<int:pk>/", methods=("GET", "POST"))
    def show(self, pk):
        asked = LinkRequest.get_or_none(LinkRequest.id == pk) or abort(404)
        form = LinkForm()
        if form.is_submitted() and form.validate():

            def act(now):
                if request.form.get("decision") == "approve":
                    identities.decide_link(asked, self.by, now)
                    return "De eID is gekoppeld."
                identities.refuse_link(asked, self.by, now, form.reason.data or "")
                return "De eID is niet gekoppeld."

            if form.carry_out(act, self.by, utcnow()):
                return redirect(url_for("todo.index"))
            asked = LinkRequest.get_by_id(pk)
        status = asked.status(local_date(utcnow()))
        decided = Standing(f"door {asked.decided_by} op {dutch.moment(asked.decided_at)}")
        return self.render(
            "admin/link_request.html",
            asked=asked,
            form=form,
            status=status,
            standing=due(status, asked.due_on) if asked.state == "open" else decided,
            why=_why(asked),
            sides=_sides(asked),
            facts_class="facts" if asked.other and asked.subject else "facts rows",
            then=_then(asked),
            yes="Samenvoegen" if asked.other else "Koppelen",
            history=audit.as_timeline(audit.about(asked.user, MOST_LINES)),
        )


def _sides(asked: LinkRequest) -> list[tuple[str, list[Fact]]]:
    """(title, what is known) of each account, and of the eID when one came with it."""
    if asked.other:
        sides = [
            ("Het account dat verdwijnt", _account(asked.user)),
            ("Het account dat blijft", _account(asked.other)),
        ]
    else:
        sides = [("Het account", _account(asked.user))]
    if asked.subject:
        sides.append(("De eID", _eid(asked)))
    return sides


def _account(user: User) -> list[Fact]:
    return facts(
        ("Naam", Cell(str(user), url=url_for("user.details_view", id=user.id))),
        ("Geboortedatum", dutch.day(user.birth_date) or "onbekend"),
        ("Aanmelden", _login(user)),
        ("E-mailadres", Cell(user.shown_email, always=True)),
        ("Telefoonnummer", readings.shown_phone(user.phone) or "geen"),
        ("Stageplaatsen", ", ".join(map(str, _sites(user))) or "geen"),
    )


def _eid(asked: LinkRequest) -> list[Fact]:
    return facts(
        ("Naam", Cell(f"{asked.first_name} {asked.last_name}", always=True)),
        ("Geboortedatum", dutch.day(asked.birth_date) or "onbekend"),
        ("Gebruikt met", eid_answers.means(asked.acr)),
    )


def _then(asked: LinkRequest) -> str:
    """What follows when it is the same person."""
    if asked.other:
        return (
            "Dan gaat alles van het eerste account naar het tweede: stageplaatsen, rollen, wat de persoon deed. Je kunt dit niet "
            "ongedaan maken."
        )
    if asked.kind == "login":
        return "Dan nemen we over wat nu op de eID staat, en kan de persoon zich weer aanmelden."
    return (
        "Dan hoort de eID bij dit account. De naam en de geboortedatum worden die van de eID. Een stageplaatsverantwoordelijke "
        "kan zich dan niet meer aanmelden met een wachtwoord."
    )


def _why(asked: LinkRequest) -> list[str]:
    """Why the team must look, in sentences."""
    differs = [eid_answers.DIFFERENCES[name] for name in asked.differs.split()]
    verb = "verschillen" if len(differs) > 1 else "verschilt"
    told = [LinkRequest.KINDS[asked.kind], f"{dutch.listing(differs).capitalize()} {verb}." if differs else ""]
    if asked.kind == identities.LOGIN and asked.differs == "number":
        told.append("Dat gebeurt als iemand met een BIS-nummer een rijksregisternummer krijgt.")
    return [one for one in told if one]


def _login(user: User) -> str:
    """How the owner of an account logs in, in words."""
    identity = Identity.select().where(Identity.user == user).order_by(Identity.id).first()
    last = eid_answers.means(identity.acr) if identity else ""
    by_eid = (f"met eID (laatst: {last})" if last else "met eID") if identity else ""
    return dutch.listing([one for one in (by_eid, "met een wachtwoord" if user.password else "") if one]) or "nog niet"


def _sites(user: User) -> list[Site]:
    """The sites that this user manages now."""
    mine = SiteManager.select(SiteManager.site).where(SiteManager.user == user, SiteManager.current())
    return list(Site.select().where(Site.id.in_(mine)).order_by(Site.search))
