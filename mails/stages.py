"""Mails about stages and trajectories: reminders, news, attests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import dutch
from mails import links
from mails.outbox import HOME, write
from models import TRAJECTORY, Association, Attest, Mail, Trajectory, User, policy


def attest_released(attest: Attest, now: datetime) -> Mail | None:
    """The attest was issued: a link to download it without logging in. None when the participant has no address."""
    return write(
        "attest_released",
        attest.participant.email,
        now,
        attest,
        attest=attest,
        link=links.absolute_url(links.attest(attest, now)),
    )


def trajectory_reopened(trajectory: Trajectory, reason: str, revoked: bool, now: datetime) -> Mail | None:
    """The team reopened a final evaluation: tell the association."""
    association, participant = trajectory.association, trajectory.participant
    path = links.absolute_url(f"/trajecten/details/?id={trajectory.id}")
    return write(
        "trajectory_reopened",
        association.email,
        now,
        trajectory,
        association=association,
        reason=reason,
        link=path,
        name=f"{participant.call_name} ({participant.kavo_id})",
        revoked=" en het attest is niet meer geldig" if revoked else "",
    )


def team_week(seal: str, refused: Sequence[object], now: datetime) -> Mail | None:
    """Once a week, for the team to keep: the last checkpoint of the history, and the most frequent refusals
    (`refusals.Frequent`)."""
    return write(
        "team_week", HOME["team"], now, seal=seal, refused=refused, link=links.absolute_url("/wat-er-misloopt/")
    )


NAMING_PARTICIPANTS = ("evaluate_reminder", "news_site")
"""kinds of mail to an account that name participants"""


MOST_LINES = 20


def _listed(lines: list[str]) -> dict[str, Any]:
    """How many lines there are, and the first of them with how many more there are."""
    more = len(lines) - MOST_LINES
    return {"count": len(lines), "lines": [*lines[:MOST_LINES], *[f"en nog {more}"] * (more > 0)]}


def evaluate_reminder(user: User, lines: list[str], again: bool, now: datetime) -> Mail | None:
    """Stages whose end date has passed wait for an evaluation by the manager of their site; `lines`: one sentence each."""
    link = links.absolute_url("/gekoppelde-deelnemers/")
    if again:
        left = dutch.span(policy.association_after - policy.evaluate_after[-1])
        title = "Nog altijd te beoordelen"
        closing = f"Dit is de laatste e-mail hierover aan jou. Over {left} laten we het aan de vereniging weten."
    else:
        left = dutch.span(policy.evaluate_after[1] - policy.evaluate_after[0])
        title, closing = "Te beoordelen", f"We herinneren je hier nog één keer aan, over {left}."
    facts: dict[str, Any] = {"user": user, "title": title, "closing": closing, "link": link}
    return write("evaluate_reminder", user.email, now, user, **facts, **_listed(lines))


def association_reminder(kind: str, association: Association, lines: list[str], now: datetime) -> Mail | None:
    """News for an association about its participants: `kind` evaluate_association, trajectory_first, trajectory_second,
    trajectory_ended or news_association."""
    expired = TRAJECTORY.kinds["expired"]
    tab = expired.key if kind == "trajectory_ended" else "open"
    path = f"/trajecten/?tab={tab}&sort=ends_on" if kind.startswith("trajectory") else "/gekoppelde-deelnemers/"
    facts: dict[str, Any] = {
        "association": association,
        **_listed(lines),
        "expired": expired.words,
        "link": links.absolute_url(path),
    }
    return write(kind, association.email, now, association, **facts)


def news_for_manager(user: User, lines: list[str], now: datetime) -> Mail | None:
    """What others did with the participants at the sites of this manager; `lines`: one sentence each."""
    link = links.absolute_url("/gekoppelde-deelnemers/")
    return write("news_site", user.email, now, user, user=user, link=link, **_listed(lines))
