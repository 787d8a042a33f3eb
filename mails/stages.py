"""Mails about stages and trajectories: digests, reminders, attests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import dutch
from mails import links
from mails.outbox import HOME, write
from models import TRAJECTORY, Association, Attest, Mail, Trajectory, User


def attest_released(attest: Attest, now: datetime) -> Mail | None:
    """The attest was issued: a link to download it without logging in. None when the participant has no address."""
    return write(
        "attest_released",
        attest.participant.email,
        now,
        attest,
        attest=attest,
        link=links.full(links.attest(attest, now)),
    )


def trajectory_reopened(trajectory: Trajectory, reason: str, revoked: bool, now: datetime) -> Mail | None:
    """The team reopened a final evaluation: tell the association."""
    association, participant = trajectory.association, trajectory.participant
    path = links.full(f"/trajecten/details/?id={trajectory.id}")
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
    return write("team_week", HOME["team"], now, seal=seal, refused=refused, link=links.full("/wat-er-misloopt/"))


NAMING_PARTICIPANTS = ("digest_site", "evaluate_reminder", "news_site")
"""kinds of mail to an account that name participants; the last two are of earlier releases"""


MOST_LINES = 20
WORK = "/te-doen/"


def _listed(lines: list[str]) -> dict[str, Any]:
    """How many lines there are, and the first of them with how many more there are."""
    more = len(lines) - MOST_LINES
    return {"count": len(lines), "lines": [*lines[:MOST_LINES], *[f"en nog {more}"] * (more > 0)]}


def digest_for_manager(user: User, waiting: list[str], news: list[str], ids: list[int], now: datetime) -> Mail | None:
    """The week of a manager: the stages that they must evaluate (with the ids of their placements) and what others did with the
    participants at their sites; one sentence each."""
    return write("digest_site", user.email, now, user, user=user, **_digest(waiting, news, ids))


def digest_for_association(
    association: Association, waiting: list[str], news: list[str], ids: list[int], now: datetime
) -> Mail | None:
    """The week of an association: the stages that no manager evaluated, and what others did with its participants."""
    facts = _digest(waiting, news, ids)
    return write("digest_association", association.email, now, association, association=association, **facts)


def _digest(waiting, news, ids) -> dict[str, Any]:
    """What both digests say. The link opens the form for exactly those who wait, when there is nothing else."""
    path = WORK
    if not news and len(ids) == 1:
        path = f"/gekoppelde-deelnemers/beoordelen/?id={ids[0]}"
    elif not news and len(ids) <= MOST_LINES:  # a longer address would not survive logging in
        path = "/samen/beoordelen?" + "&".join(f"id={pk}" for pk in ids)
    parts = [dutch.counted(len(waiting), "stage", "stages") + " te beoordelen"] * bool(waiting)
    parts += [dutch.counted(len(news), "nieuw bericht", "nieuwe berichten")] * bool(news)
    return {
        "title": " en ".join(parts),
        "waiting": _listed(waiting),
        "news": _listed(news),
        "form": path != WORK,
        "link": links.full(path),
    }


def association_reminder(kind: str, association: Association, lines: list[str], now: datetime) -> Mail | None:
    """Trajectories of an association that end or have ended: `kind` trajectory_first, trajectory_second or
    trajectory_ended."""
    expired = TRAJECTORY.kinds["expired"]
    tab = expired.key if kind == "trajectory_ended" else "open"
    path = f"/trajecten/?tab={tab}&sort=ends_on"
    facts: dict[str, Any] = {
        "association": association,
        **_listed(lines),
        "expired": expired.words,
        "link": links.full(path),
    }
    return write(kind, association.email, now, association, **facts)
