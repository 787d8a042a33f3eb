"""Erasing personal data: on request (GDPR, article 17) or because their retention period is over (`retention`).

The row stays, without a person in it, for what refers to it: hours, results, who was in charge. The texts of the
history go, the digests stay, as proof of what happened."""

import json
import logging
from datetime import date, datetime
from urllib.parse import unquote_plus

from peewee import fn

import audit
import dutch
import scope
from database import RuleError, as_tuples, readings, searchable, writing
from database.texts import required_text
from models import (
    NOWHERE,
    TEAM,
    Association,
    Evaluation,
    Extension,
    FinalEvaluation,
    Handover,
    History,
    Identity,
    ImportRow,
    LinkRequest,
    Lookup,
    Mail,
    Membership,
    Participant,
    Placement,
    SavedView,
    Site,
    SiteManager,
    SiteMessage,
    StartView,
    Token,
    Trajectory,
    User,
    UserRole,
    UserSession,
)
from times import local_date
from workflow.accounts import identities, second_steps

log = logging.getLogger("kavo.erasure")

GONE = "Gewist."
"""replaces a text that may not be empty"""
OVER = "de bewaartermijn is voorbij"
LIVING = "submitted", "approved"  # states of a site that needs a manager


# ---- a participant


def why_not_participant(participant: Participant, now: datetime) -> str:
    """Why this participant's data must be kept for now, as a sentence; '' when they may be erased."""
    if participant.erased_at:
        return "De gegevens van deze deelnemer zijn al gewist."
    if any(one.is_open(local_date(now)) for one in participant.trajectories):
        return f"{participant} heeft een traject dat loopt. Zet het eerst stop, of wacht tot het afgelopen is."
    if participant.trajectories.where(Trajectory.outcome == "attested").exists():
        return (
            f"{participant} heeft een attest. Dat moeten we kunnen bewijzen, en daarom blijven naam en geboortedatum bewaard. "
            "Hoelang, staat bij Bewaartermijnen."
        )
    return ""


def erase_participant(participant: Participant, by: User | None, now: datetime, reason: str):
    """Anonymise a participant and everything that refers to them. The clock (`by` is None) does so when the period is
    over, a user on request and with a reason. Raises RuleError when the data must be kept."""
    if by is not None:
        scope.require(by, "erase", participant)
        _need(reason)
        if refusal := why_not_participant(participant, now):
            raise RuleError(refusal)
    with writing():
        fresh = Participant.locked(participant.id)
        if fresh.erased_at:
            return
        runs = [key for (key,) in as_tuples(Trajectory.select(Trajectory.id).where(Trajectory.participant == fresh))]
        if by is not None:
            _forget_mails(str(fresh), fresh.email, fresh.kavo_id)
            _forget_views(str(fresh), fresh.kavo_id, fresh.email)
        Lookup.delete().where(Lookup.kavo_id == fresh.kavo_id).execute()
        lines = (ImportRow.kavo_id == fresh.kavo_id) | (ImportRow.participant_id == fresh.id)
        ImportRow.update(cells="[]", text=GONE, kavo_id="", before=None).where(lines).execute()
        forget_texts(runs)
        told = _lines(
            (History.object_type == "participant") & (History.object_id == str(fresh.id)),
            History.trajectory_id.in_(runs),
        )
        mark = f"W{fresh.id:08d}"
        Participant.update(
            first_name="Gewiste",
            last_name="deelnemer",
            email="",
            kavo_id=mark,
            birth_date=date(fresh.birth_date.year, 1, 1),
            search=searchable(f"deelnemer Gewiste {mark}"),
            erased_at=now,
            version=Participant.version + 1,
        ).where(Participant.id == fresh.id).execute()
        audit.erase(told, by, "participant.erased", fresh, at=now, reason=reason or OVER)
    log.info("erased", extra={"facts": {"table": "participant", "id": participant.id}})


def forget_texts(trajectories: list[int]):
    """Blank what was written about people in these trajectories; hours and results stay. Inside a transaction."""
    stages = Placement.select(Placement.id).where(Placement.trajectory.in_(trajectories))
    written = Evaluation.placement.in_(stages)
    Evaluation.update(mentor=GONE, motivation=GONE, remarks="").where(
        written, Evaluation.result == "negative"
    ).execute()
    Evaluation.update(mentor=GONE, motivation="", remarks="").where(written, Evaluation.result != "negative").execute()
    Placement.update(reason=GONE).where(Placement.id.in_(stages), Placement.reason != "").execute()
    final = FinalEvaluation.trajectory.in_(trajectories)
    for column in (FinalEvaluation.motivation, FinalEvaluation.exception, FinalEvaluation.reopen_reason):
        FinalEvaluation.update({column: GONE}).where(final, column != "").execute()
    Extension.update(reason=GONE).where(Extension.trajectory.in_(trajectories)).execute()


# ---- an account


def why_not_user(user: User, now: datetime) -> str:
    """Why this account must be kept for now, as a sentence; '' when it may be erased."""
    if user.erased_at:
        return "De gegevens van dit account zijn al gewist."
    if TEAM in user.role_names:
        return f"{user} hoort bij het team Kadervorming. Haal eerst die rol weg."
    if sites := [str(site) for site in Site.select().where(Site.id.in_(_in_charge_of(user)))]:
        return (
            f"{user} is stageplaatsverantwoordelijke van {dutch.listing(sites[:3])}. Draag dat eerst over, of sluit ze."
        )
    work = Association.select().join(Membership).where(Membership.user == user, Membership.current())
    if associations := [str(one) for one in work]:
        return f"{user} werkt voor {dutch.listing(associations[:3])}. Haal dat eerst weg bij Gegevens wijzigen."
    asked = (Handover.requester == user) | (Handover.asked == user)
    if Handover.select().where(asked, Handover.state << Handover.UNDECIDED).exists():
        return f"Er loopt nog een overdracht van of naar {user}. Behandel die eerst."
    return ""


def _in_charge_of(user: User):
    mine = SiteManager.select(SiteManager.site).join(Site)
    return mine.where(SiteManager.user == user, SiteManager.current(), Site.state << LIVING)


def erase_user(user: User, by: User | None, now: datetime, reason: str):
    """Anonymise an account: nobody can log in with it any more. The clock (`by` is None) does so when the period is
    over, a user on request and with a reason. Raises RuleError when it must be kept."""
    if by is not None:
        scope.require(by, "erase", user)
        _need(reason)
        if refusal := why_not_user(user, now):
            raise RuleError(refusal)
    with writing():
        fresh = User.locked(user.id)
        if fresh.erased_at:
            return
        take_out(fresh, by, now, reason or OVER, thorough=by is not None)
    log.info("erased", extra={"facts": {"table": "user", "id": user.id}})


def take_out(user: User, by: User | None, now: datetime, reason: str, thorough: bool):
    """Remove everything personal from an account and from what refers to it; `thorough`: also from the texts of
    mails. `by` is never the person themselves, since the history keeps that name and the reason. Inside a
    transaction, for a locked account."""
    name, addresses = str(user), [address for address in (user.email, user.claimed_email, *_former(user)) if address]
    if thorough:
        _forget_mails(name, *addresses)
        _forget_views(name, *addresses)
    accounts = [user.id, *(key for (key,) in as_tuples(User.select(User.id).where(User.merged_into == user.id)))]
    sites = [key for (key,) in as_tuples(SiteManager.select(SiteManager.site).where(SiteManager.user == user))]
    asked = Handover.requester.in_(accounts) | Handover.asked.in_(accounts) | (Handover.email << addresses)
    sites += [key for (key,) in as_tuples(Handover.select(Handover.site).where(asked))]
    told = _lines(
        History.actor.in_(accounts),
        (History.object_type == "user") & History.object_id.in_([str(key) for key in accounts]),
        *(History.site_id.in_(sites) & History.payload.contains(word) for word in (name, *addresses)),
    )
    audit.erase(told, by, "user.erased", user, at=now, reason=reason)
    Handover.update(email="", phone="").where(
        Handover.requester.in_(accounts) | (Handover.email << addresses)
    ).execute()
    Evaluation.update(mentor=GONE).where(
        Evaluation.by.in_(accounts), fn.LOWER(Evaluation.mentor) == name.lower()
    ).execute()
    SiteMessage.update(text=GONE).where(SiteMessage.by.in_(accounts), SiteMessage.kind == "answer").execute()
    own_reason = Handover.decided_by.in_(accounts) & (Handover.decided_by << (Handover.asked, Handover.requester))
    Handover.update(reason=GONE).where(own_reason, Handover.reason != "").execute()
    User.update(password_exception=None).where(User.id.in_(accounts)).execute()
    numbers = [user.phone, readings.shown_phone(user.phone), readings.same(readings.phone, user.phone)]
    for column in (Site.email, Site.phone):
        Site.update({column: ""}).where(Site.id.in_(sites), column << [*addresses, *numbers], column != "").execute()
    identities.close_requests(accounts, user, now)
    _blank_link_requests(accounts)
    for model in (Identity, Token, UserSession, StartView, SavedView, UserRole):
        model.delete().where(model.user.in_(accounts)).execute()
    for duty in (SiteManager, Membership):
        duty.update(until=now).where(duty.user.in_(accounts), duty.current()).execute()
    second_steps.forget(user)
    _blank_account(user, now)


def _blank_link_requests(accounts: list[int]) -> None:
    LinkRequest.update(
        issuer="",
        subject="",
        number_hash=None,
        key_id=None,
        acr="",
        first_name="",
        last_name="",
        birth_date=None,
        reason="",
    ).where(LinkRequest.user.in_(accounts) | LinkRequest.other.in_(accounts)).execute()


def _blank_account(user: User, now: datetime) -> None:
    """Replace name and address by a placeholder; nobody can log in any more."""
    email = f"gewist-{user.id}@{NOWHERE}"
    User.update(
        first_name="Gewist",
        last_name="account",
        email=email,
        phone="",
        birth_date=None,
        password=None,
        active=False,
        claimed_email=None,
        password_exception=None,
        search=searchable(f"account Gewist {email}"),
        erased_at=now,
        version=User.version + 1,
    ).where(User.id == user.id).execute()


def _former(user: User) -> list[str]:
    """The addresses of accounts that were merged into this one; only the history holds them."""
    mine = (History.object_type == "user") & (History.object_id == str(user.id))
    lines = History.select().where(mine, History.verb == "user.merged", History.payload.is_null(False))
    return [json.loads(line.payload or "{}")["old"] for line in lines]


# ---- shared by both


def _need(reason: str):
    required_text(reason, "Schrijf waarom je de gegevens wist, zonder de naam van de persoon.", "reason")


def _lines(*conditions) -> set[int]:
    """The ids of the lines of history that have a text and meet one of these conditions."""
    text = History.payload.is_null(False)
    return {key for which in conditions for (key,) in as_tuples(History.select(History.id).where(which, text))}


def _forget_mails(*words: str):
    """Blank every mail to or about this person."""
    for word in filter(None, words):
        found = Mail.body.contains(word) | Mail.subject.contains(word) | (Mail.to_address == word)
        forget_mails(found)


def forget_mails(which) -> int:
    """Blank these mails: that they were sent stays, recipient and text go; a waiting one does not leave. Returns how
    many."""
    Mail.delete().where(which, Mail.state == "pending").execute()
    return Mail.update(to_address="", subject="", body="", search="", error="").where(which, Mail.body != "").execute()


def _forget_views(*words: str):
    """Delete saved views whose URL holds one of these words."""
    for view in SavedView.select().where(SavedView.query != ""):
        if any(word and word.lower() in unquote_plus(view.query).lower() for word in words):
            StartView.delete().where(StartView.view == view).execute()
            view.delete_instance()
