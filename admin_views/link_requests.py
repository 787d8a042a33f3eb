"""An eID that does not fit an account by itself: the team looks at both and links, or does not."""

from flask import abort, redirect, request, url_for
from flask_admin import BaseView, expose

import audit
import dutch
from admin_kit.access import HiddenFromMenu
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
        return self.render(
            "admin/link_request.html",
            asked=asked,
            form=form,
            status=asked.status(local_date(utcnow())),
            why=_why(asked),
            means=eid_answers.means(asked.acr),
            sites={user.id: _sites(user) for user in (asked.user, asked.other) if user},
            logins={user.id: _login(user) for user in (asked.user, asked.other) if user},
            history=audit.told(audit.about(asked.user, MOST_LINES)),
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
    """The sites that this person manages now."""
    mine = SiteManager.select(SiteManager.site).where(SiteManager.user == user, SiteManager.current())
    return list(Site.select().where(Site.id.in_(mine)).order_by(Site.search))
