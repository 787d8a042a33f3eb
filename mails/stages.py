"""Mails about stages and trajectories: reminders, news, attests."""

from datetime import datetime

from mails import links
from mails.outbox import HOME, write
from models import TRAJECTORY, Attest, Mail, Trajectory, User


def attest_released(attest: Attest, now: datetime) -> Mail | None:
    """The attest is there: a link by which the participant takes it, without login. None when no address is known."""
    return write(
        "attest_released",
        attest.participant.email,
        now,
        attest,
        attest=attest,
        link=links.full(links.attest(attest, now)),
    )


def trajectory_reopened(trajectory: Trajectory, reason: str, revoked: bool, now: datetime) -> Mail | None:
    """The team took a final evaluation back: tell the association."""
    association, who = trajectory.association, trajectory.participant
    path = links.full(f"/trajecten/details/?id={trajectory.id}")
    return write(
        "trajectory_reopened",
        association.email,
        now,
        trajectory,
        association=association,
        reason=reason,
        link=path,
        name=f"{who.call_name} ({who.kavo_id})",
        revoked=revoked,
    )


def team_week(seal: str, refused: list, now: datetime) -> Mail | None:
    """Once a week, for the team to keep: the last seal on the history; and what was refused most often (`refusals.Frequent`)."""
    return write("team_week", HOME["team"], now, seal=seal, refused=refused, link=links.full("/wat-er-misloopt/"))


NAMING_PARTICIPANTS = ("evaluate_reminder", "news_site")
"""kinds of mail to an account that name participants"""


def evaluate_reminder(user: User, lines: list[str], again: bool, now: datetime) -> Mail | None:
    """Stages that should be over wait for an evaluation by their site's manager; `lines`: one in words each."""
    link = links.full("/gekoppelde-deelnemers/")
    return write("evaluate_reminder", user.email, now, user, user=user, lines=lines, again=again, link=link)


def association_reminder(kind: str, association, lines: list[str], now: datetime) -> Mail | None:
    """What an association should know of its participants: `kind` evaluate_association, trajectory_first, trajectory_second,
    trajectory_ended or news_association."""
    expired = TRAJECTORY.kinds["expired"]
    tab = expired.key if kind == "trajectory_ended" else "open"
    path = f"/trajecten/?tab={tab}&sort=ends_on" if kind.startswith("trajectory") else "/gekoppelde-deelnemers/"
    facts = {"association": association, "lines": lines, "expired": expired.words, "link": links.full(path)}
    return write(kind, association.email, now, association, **facts)


def news_for_manager(user: User, lines: list[str], now: datetime) -> Mail | None:
    """What others did with the participants at somebody's sites; `lines`: one in words each."""
    link = links.full("/gekoppelde-deelnemers/")
    return write("news_site", user.email, now, user, user=user, lines=lines, link=link)
