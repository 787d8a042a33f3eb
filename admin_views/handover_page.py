"""What the page of a handover tells, in words: where it stands, who is next, both sides, and what each answer means."""

from flask import url_for

import dutch
from admin_kit.cells import Fact, Standing, facts
from models import Handover, Status


def trail(handover: Handover, team: bool) -> list[tuple[str, str]]:
    if team and handover.state == "escalated":
        return [("Te behandelen", url_for("todo.index"))]
    return [("Overdrachten", url_for("handover.index_view"))]


def standing(handover: Handover, status: Status) -> Standing:
    """What follows the words of the status: the day, or when it was decided."""
    if not handover.undecided:
        return Standing(f"op {dutch.moment(handover.decided_at)}")
    day = dutch.day(handover.last_due_on)
    if status.key in ("unanswered", "late"):
        return Standing("", status.detail, f", moest op {day}")
    if handover.state == "escalated":
        return Standing("", status.detail, f", beslissen tegen {day}")
    until = f", aanvaarden kan tot {day}" if handover.offered else f", antwoorden kan tot {day}"
    return Standing("", status.detail, until)


def lead(handover: Handover, may_answer: bool, team: bool) -> str:
    """Who asked or offered, and who is next."""
    at = dutch.moment(handover.created_at)
    if handover.offered:
        told = [f"{handover.asked} bood op {at} het beheer aan."]
    else:
        told = [f"{handover.requester} vroeg op {at} om het beheer over te nemen."]
    if handover.state == "open" and not handover.offered and not may_answer:
        told.append(
            "Wie de stageplaats nu beheert, is aan zet. Komt er geen antwoord, dan beslist het team Kadervorming."
        )
    elif handover.state == "escalated" and not team:
        told.append("Het team Kadervorming is aan zet.")
    return " ".join(told)


def known_facts(handover: Handover, moves: object) -> list[Fact]:
    """What is transferred, while that is to be decided, and the reason of who decided."""
    return facts(
        ("Dit gaat mee over", moves if handover.undecided else ""),
        ("Reden", handover.reason, "lines"),
    )


def answer_words(handover: Handover) -> str:
    """What follows when one says yes."""
    if handover.offered:
        return "Aanvaard je, dan ben jij meteen de stageplaatsverantwoordelijke."
    return (
        f"Keur je goed, dan is {handover.site} meteen van {handover.requester}, met alle stages. Wie ze doorgeeft, kan de "
        "eigen beoordelingen blijven lezen. Iedereen krijgt een e-mail."
    )


def withdraw_words(handover: Handover) -> str:
    """What follows when one takes it back."""
    if handover.offered:
        return "Trek je het voorstel in, dan verandert er niets."
    return "Trek je de vraag in, dan verandert er niets. De verantwoordelijke hoeft niet meer te antwoorden."
