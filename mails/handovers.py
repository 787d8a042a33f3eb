"""Mails about a handover, to each party."""

from datetime import datetime
from typing import Any

import dutch
from mails import links
from mails.outbox import HOME, render, write
from models import HANDOVER, Handover, Mail, User
from times import local_date

ASKING = ("handover_asked", "handover_reminder", "handover_offered")
"""kinds of mail that ask for a decision about a handover: pointless once there is one"""


def _handover(
    kind: str, to: User | str | None, handover: Handover, now: datetime, path: str, **facts: Any
) -> Mail | None:
    """A mail about a handover to one of its parties, or to an address."""
    if to is None:
        return None
    address, user = (to.email, to) if isinstance(to, User) else (to, None)
    known = {"user": user, "handover": handover, "status": handover.status(local_date(now)), "site": handover.site}
    facts = known | {"link": links.full(path)} | facts
    return write(kind, address, now, handover, **facts)


def handover_asked(handover: Handover, token: str, moves: str, now: datetime) -> Mail | None:
    """Somebody wants to take over the site: the manager answers through a link, without logging in. `moves`: what is transferred
    with it, in words."""
    if handover.state == "open":
        due = f"Antwoord uiterlijk op {dutch.day(handover.due_on)}. Daarna beslist het team Kadervorming."
    else:
        due = f"{handover.status(local_date(now)).words}. Tot dan kun jij nog antwoorden."
    return _handover("handover_asked", handover.asked, handover, now, links.path(token), moves=moves, due_words=due)


def handover_reminder(handover: Handover, token: str, now: datetime) -> Mail | None:
    """The manager has not answered yet."""
    return _handover("handover_reminder", handover.asked, handover, now, links.path(token))


def handover_received(handover: Handover, now: datetime) -> Mail | None:
    """The receipt for the requester."""
    return _handover("handover_received", handover.requester, handover, now, "/overdrachten/")


def handover_escalated(handover: Handover, now: datetime) -> Mail | None:
    """The team must decide now: tell the requester."""
    return _handover("handover_escalated", handover.requester, handover, now, "/overdrachten/")


def handover_at_team(handover: Handover, why: str, now: datetime) -> Mail | None:
    """The team must decide now, and why: tell the team."""
    return _handover("handover_at_team", HOME["team"], handover, now, f"/overdrachten/{handover.id}/", why=why)


def handover_accepted(handover: Handover, now: datetime) -> None:
    """The site has a new manager: tell both parties."""
    _handover("handover_taken", handover.requester, handover, now, "/stageplaatsen/?eigen=1")
    _handover("handover_given", handover.asked, handover, now, "/overdrachten/")


def handover_refused(handover: Handover, now: datetime) -> None:
    """The site keeps its manager: tell the party that did not decide, or both when the team decided."""
    for user in (handover.requester, handover.asked):
        if user and user.id != handover.decided_by_id:
            _handover("handover_refused", user, handover, now, "/overdrachten/")


def handover_previews(handover: Handover, now: datetime) -> dict[str, tuple[str, str]]:
    """Title → (subject, text) of the mails that a decision of the team would send."""
    facts = {"site": handover.site, "link": "[link]"}
    given = {"asked": handover.asked, "requester": handover.requester, "decided_at": now}
    taker, giver = {"user": handover.requester}, {"user": handover.asked}
    status = HANDOVER.kinds["refused"]
    refused = {**facts, **taker, "status": status, "handover": {**given, "reason": "[jouw reden]"}}
    previews = {"De e-mail bij goedkeuren": render("handover_taken", {**facts, **taker, "handover": given})}
    if handover.asked:
        previews["De e-mail bij goedkeuren aan wie doorgeeft"] = render(
            "handover_given", {**facts, **giver, "handover": {**given, "reason": "[jouw reden]"}}
        )
    return {**previews, "De e-mail bij afkeuren": render("handover_refused", refused)}


def handover_withdrawn(handover: Handover, now: datetime) -> Mail | None:
    """An answer is no longer needed."""
    to = handover.email if handover.offered else handover.asked
    greeting = f"Dag {to.call_name}" if isinstance(to, User) else "Dag"
    return _handover("handover_withdrawn", to, handover, now, "/", greeting=greeting)


def handover_ended(handover: Handover, now: datetime) -> Mail | None:
    """The handover ended without a decision, for the reason on the row: tell the one who requested or offered it."""
    user = handover.asked if handover.offered else handover.requester
    return _handover("handover_ended", user, handover, now, "/overdrachten/")


def handover_offered(handover: Handover, token: str, moves: str, now: datetime) -> Mail | None:
    """A manager offers the site to a successor."""
    return _handover("handover_offered", handover.email, handover, now, links.path(token), moves=moves)
