"""Links in mails: redirect to the page of each; and for a link that is cut, too old or void, why, and how to get a
new one."""

from flask import Blueprint, abort, flash, make_response, redirect, render_template

from database import RuleError
from forms import KavoForm
from mails import links
from models import Token
from times import utcnow
from workflow.accounts import activation, confirmation
from workflow.sites import handovers
from workflow.stages import attests

pages = Blueprint("mailed_links", __name__)

PARTS = "/aanpassen", ""  # of a page, below its link
ANEW = {
    links.ACTIVATION: activation,
    links.CONFIRM: confirmation,
    links.HANDOVER: handovers,
    links.ATTEST: attests,
}
"""purpose → the module whose `can_ask_anew` and `ask_new_link` issue a new link"""


@pages.get("/l/<path:secret>")
def follow(secret):
    """The URL in a mail is short and redirects to the page of its purpose."""
    token = links.find(secret)
    if token is None:
        return not_found(secret)
    part = next(part for part in PARTS if secret.endswith(part))
    return redirect(f"{links.PURPOSES[token.purpose].page}/{links.bare(secret)}{part}")


@pages.post("/l/<secret>/nieuw")
def new_link(secret):
    """'Nieuwe link vragen'."""
    token, form = links.find(secret), KavoForm()
    if token is None:
        return not_found(secret)
    if form.validate() and form.carry_out(lambda now: _ask_anew(token, now), None, utcnow()):
        flash("We stuurden je een nieuwe link. Kijk in je mailbox, ook bij ongewenste e-mail.", "good")
        return redirect(f"{links.PURPOSES[token.purpose].page}/{links.bare(secret)}")
    return dead(token, secret, form)


def _ask_anew(token, now):
    if token.purpose not in ANEW:
        raise RuleError("Van deze link bestaat geen nieuwe. Bel het team Kadervorming.")
    ANEW[token.purpose].ask_new_link(token, now)


def opened(secret: str, *purposes: str) -> Token:
    """The link of a page, for one of these purposes. A link that does not work aborts with a page that says why."""
    token = links.find(secret, *purposes)
    if token is None:
        abort(make_response(not_found(secret)))
    if not links.works(token, utcnow()):
        abort(make_response(dead(token, secret)))
    return token


def not_found(secret: str):
    """An unknown link: most often a part of one."""
    return render_template("public/link_unknown.html", whole=links.is_whole(secret)), 404


def dead(token: Token, secret: str, form: KavoForm | None = None):
    """A link of ours that no longer works."""
    kind, now = ANEW.get(token.purpose), utcnow()
    handover = links.about(token) if token.purpose in (links.HANDOVER, links.OFFER) and links.addressed(token) else None
    return render_template(
        "public/link_old.html",
        form=form or KavoForm(),
        secret=links.bare(secret),
        token=token,
        handover=handover,
        anew=kind is not None and kind.can_ask_anew(token, now),
    ), 200 if handover and not handover.undecided else 410
