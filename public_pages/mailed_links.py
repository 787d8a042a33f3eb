"""Links in mails: redirect to the page of each; and for a link that is cut, too old or void, why, and how to get a
new one."""

from flask import Blueprint, abort, flash, make_response, redirect, render_template, url_for

import dutch
from admin_kit.cells import Button
from database import RuleError
from forms import KavoForm
from mails import links
from models import Token
from times import local_date, utcnow
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
"""purpose → the module whose `can_ask_again` and `ask_new_link` issue a new link"""


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
    if form.validate() and form.carry_out(lambda now: _ask_again(token, now), None, utcnow()):
        flash("We stuurden je een nieuwe link. Kijk in je mailbox, ook bij ongewenste e-mail.", "good")
        return redirect(f"{links.PURPOSES[token.purpose].page}/{links.bare(secret)}")
    return dead(token, secret, form)


def _ask_again(token, now):
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
    heading, old = "Deze link is niet volledig", ""
    if links.is_whole(secret):
        heading = "Deze link kennen we niet"
        old = " Is de e-mail ouder dan een paar maanden? Dan werkt de link niet meer."
    return render_template("public/link_unknown.html", heading=heading, old=old), 404


def dead(token: Token, secret: str, form: KavoForm | None = None):
    """A link of ours that no longer works."""
    kind, now = ANEW.get(token.purpose), utcnow()
    handover = links.about(token) if token.purpose in (links.HANDOVER, links.OFFER) and links.addressed(token) else None
    decided = handover if handover and not handover.undecided else None
    anew = kind is not None and kind.can_ask_again(token, now)
    status = decided.status(local_date(now)).words.lower() if decided else ""
    return render_template(
        "public/link_old.html",
        form=form or KavoForm(),
        secret=links.bare(secret),
        heading=f"De overdracht is {status}" if decided else "Deze link werkt niet meer",
        why=_decision(decided) if decided else _why(token, anew),
        anew=anew,
        hint=TO_CHOOSE if token.purpose in (links.PASSWORD, links.RESET) else "",
        ways=_ways(token),
    ), 200 if decided else 410


COMPLETING = (links.ACTIVATION, links.CONFIRM, links.SAME_PERSON)
TO_CHOOSE = "Koos je al een wachtwoord? Meld je dan aan. Anders vraag je hier een nieuwe link."


def _is_done(token: Token) -> bool:
    """Whether what the link was for has happened."""
    return bool(token.purpose in COMPLETING and token.user and token.user.confirmed_at)


def _decision(handover) -> str:
    """What became of a handover, in sentences."""
    told = {
        "accepted": f"het beheer ging naar {handover.requester}.",
        "refused": "er verandert niets.",
    }
    sides = (handover.asked_id, handover.requester_id)
    by = ", door het team" if handover.decided_by_id and handover.decided_by_id not in sides else ""
    what = told.get(handover.state, "je hoeft niets meer te doen.")
    return f"{handover.site}: {what} Dat gebeurde op {dutch.moment(handover.decided_at)}{by}."


def _why(token: Token, anew: bool) -> str:
    """Why a link does not work, and what to do."""
    if anew and token.purpose == links.HANDOVER:
        return "Hij is te oud, of hij ging naar een ander adres. Je antwoord is nog welkom."
    if anew:
        return "Hij is te oud, of je kreeg intussen een nieuwere. Je gegevens zijn er nog."
    if _is_done(token):
        return "Je registratie is al voltooid. Meld je gewoon aan."
    told = {
        links.PASSWORD: "Hij is al gebruikt, hij is te oud, of je account veranderde intussen.",
        links.RESET: "Hij is al gebruikt, hij is te oud, of je account veranderde intussen.",
        links.APPLICATION: "Meld je aan en kijk bij Stageplaatsen hoe je aanvraag ervoor staat.",
    }
    return told.get(token.purpose, "Hij is al gebruikt, of hij is te oud.")


def _ways(token: Token) -> list[Button]:
    """Where one goes on with an account that is there."""
    log_in = Button("Naar het aanmelden", url_for("security.login"), "btn-primary")
    if token.purpose in (links.PASSWORD, links.RESET):
        return [log_in, Button("Wachtwoord vergeten?", url_for("security.forgot_password"))]
    if not _is_done(token) and token.purpose != links.APPLICATION:
        return []
    by_password = token.user and token.user.password
    return [log_in if by_password else Button(log_in.label, url_for("eid.log_in"), log_in.kind)]
