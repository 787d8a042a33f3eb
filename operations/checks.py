"""Every invariant of the data, for `check-data`: what rules, triggers and verbs guarantee, checked over the whole
database."""

from collections import Counter
from typing import Any

from peewee import JOIN, Case, DatabaseError, fn

import audit
import migrations
from database import Searched, Typed, as_tuples, database, on_postgresql, postcodes, reading
from database.texts import RuleError, has_text
from models import (
    COURSE_YEARS,
    STAGE_HOURS,
    TABLES,
    Attest,
    Evaluation,
    Extension,
    FinalEvaluation,
    Handover,
    History,
    Identity,
    LinkRequest,
    Participant,
    Placement,
    Proposal,
    Site,
    SiteManager,
    Trajectory,
    User,
)
from times import years_after
from workflow import hash_chain


def breaches(but: tuple = ()):
    """One sentence per breach, in English, with table and id; empty when all holds. `but`: checks to skip."""
    for check in CHECKS:
        if check not in but:
            yield from check()


def notes():
    """One English sentence for each kind of old data that today's rules would refuse or store otherwise; not a
    breach."""
    for look in NOTES:
        yield from look()


def _schema():
    for name in migrations.available():
        if name not in migrations.applied():
            yield f"migration {name}: not taken"


def _engine():
    """SQLite checks its own file; PostgreSQL guarantees its references itself, but its triggers must be enabled."""
    if on_postgresql():
        asleep = "SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE tgenabled = 'D' AND NOT tgisinternal"
        for name, table in database.execute_sql(asleep):
            yield f"{table}: the trigger {name} sleeps"
        return
    for (text,) in database.execute_sql("PRAGMA integrity_check"):
        if text != "ok":
            yield f"database file: {text}"
    for table, row, parent, _ in database.execute_sql("PRAGMA foreign_key_check"):
        yield f"{table} {row}: refers to a row of {parent} that is not there"


def _hours():
    total = fn.COALESCE(fn.SUM(Placement.counted), 0)
    sums = (
        Trajectory.select(Trajectory.id, Trajectory.hours_used, total)
        .join(Placement, JOIN.LEFT_OUTER)
        .group_by(Trajectory.id, Trajectory.hours_used)
        .having((Trajectory.hours_used != total) | (total > STAGE_HOURS))
    )
    for key, used, summed in sums.tuples().iterator():
        yield f"trajectory {key}: hours_used is {used}, its placements count {summed}, the most is {STAGE_HOURS}"
    for one in Placement.select().iterator():
        if one.counted != one.counting():
            yield f"placement {one.id}: counts {one.counted} hours instead of {one.counting()}"


def _evaluations():
    """An evaluated placement says what the newest version of its evaluation says; versions count 1, 2, 3 …"""
    newest = Evaluation.select(fn.MAX(Evaluation.number), fn.COUNT(Evaluation.id), Evaluation.placement)
    for number, count, key in newest.group_by(Evaluation.placement).tuples().iterator():
        if number != count:
            yield f"placement {key}: {count} versions of the evaluation, the last is number {number}"
    last = Evaluation.alias()
    highest = last.select(fn.MAX(last.number)).where(last.placement == Placement.id)
    query = Placement.select(
        Placement.id,
        Evaluation.id,
        Placement.result,
        Evaluation.result,
        Placement.hours_done,
        Evaluation.hours_done,
        Placement.state,
    ).join(Evaluation, JOIN.LEFT_OUTER, on=(Evaluation.placement == Placement.id) & (Evaluation.number == highest))
    for key, evaluation, result, said, hours, noted, state in query.tuples().iterator():
        if state == "evaluated" and evaluation is None:
            yield f"placement {key}: evaluated without an evaluation"
        if state == "evaluated" and evaluation is not None and (result, hours) != (said, noted):
            yield f"placement {key}: {result}, {hours} hours; its evaluation says {said}, {noted} hours"


def _terms():
    """A trajectory ends 3 years after the start of its course, plus its extensions and those for everybody."""
    extended: dict[int, int] = dict(
        as_tuples(
            Extension.select(Extension.trajectory, fn.SUM(Extension.days))
            .where(Extension.trajectory.is_null(False))
            .group_by(Extension.trajectory)
        )
    )
    for_all = list(Extension.select().where(Extension.trajectory.is_null()))
    query = Trajectory.select(Trajectory.id, Trajectory.course_started_on, Trajectory.ends_on)
    for key, started, ends in query.tuples().iterator():
        days = (ends - years_after(started, COURSE_YEARS)).days
        given = extended.get(key, 0) + sum(
            one.days for one in for_all if one.courses_from <= started <= one.courses_until
        )
        if days != given:
            yield f"trajectory {key}: ends {days} days after its 3 years, with {given} days of extension"


def _final_evaluations():
    """A finished trajectory has one current final evaluation, 50 positive hours and no open placement; its outcome
    matches that evaluation and its attest."""
    current = FinalEvaluation.reopened_at.is_null()
    valid = fn.EXISTS(
        Attest.select(Attest.id).where(Attest.final_evaluation == FinalEvaluation.id, Attest.revoked_at.is_null())
    )
    said = Case(None, [(FinalEvaluation.id.is_null(), ""), (valid, "attested")], FinalEvaluation.result)
    query = (
        Trajectory.select(Trajectory.id, Trajectory.state, Trajectory.outcome, FinalEvaluation.result)
        .join(FinalEvaluation, JOIN.LEFT_OUTER, on=(FinalEvaluation.trajectory == Trajectory.id) & current)
        .where(((Trajectory.state == "finished") != FinalEvaluation.id.is_null(False)) | (Trajectory.outcome != said))
    )
    for key, state, outcome, result in query.tuples().iterator():
        yield f"trajectory {key}: {state}, outcome ‘{outcome}’, with final evaluation {result}"
    waiting = Placement.select(Placement.id).where(Placement.trajectory == Trajectory.id, Placement.state == "open")
    short = (Trajectory.hours_used != STAGE_HOURS) | fn.EXISTS(waiting)
    for key in _ids(Trajectory.select(Trajectory.id).where(Trajectory.state == "finished", short)):
        yield f"trajectory {key}: finished without {STAGE_HOURS} positive hours"
    revived = Attest.select(Attest.id).join(FinalEvaluation).where(~current, Attest.revoked_at.is_null())
    for key in _ids(revived):
        yield f"attest {key}: valid, though its final evaluation was reopened"


def _managers():
    count = fn.COUNT(SiteManager.id)
    query = SiteManager.select(SiteManager.site, count).where(SiteManager.current())
    for key, number in as_tuples(query.group_by(SiteManager.site).having(count > 1)):
        yield f"site {key}: {number} managers at once"


def _applications():
    """Only an application that waits for a decision can be paused; a decided one says when."""
    paused = Site.select(Site.id, Site.state).where(Site.state != "submitted", Site.paused_at.is_null(False))
    for key, state in as_tuples(paused):
        yield f"site {key}: {state}, with a clock that stands still"
    endless = Site.select(Site.id, Site.state).where(Site.state == "submitted", Site.due_on.is_null())
    for key, state in as_tuples(endless):
        yield f"site {key}: {state}, without a day to decide by"
    undecided = Proposal.select(Proposal.id, Proposal.state).where(
        (Proposal.state == "open") != Proposal.decided_at.is_null()
    )
    for key, state in as_tuples(undecided):
        yield f"proposal {key}: {state}, which its moment of decision contradicts"


def _handovers():
    """An open handover has a term and no decision; a decided one says when; an accepted one made its requester the
    manager."""
    for one in Handover.select().iterator():
        if one.undecided != (one.decided_at is None):
            yield f"handover {one.id}: {one.state}, which its moment of decision contradicts"
        if one.state == "escalated" and one.team_due_on is None:
            yield f"handover {one.id}: with the team, without a day to decide by"
    taken = SiteManager.select().where(
        SiteManager.site == Handover.site,
        SiteManager.user == Handover.requester,
        SiteManager.since == Handover.decided_at,
    )
    for key in _ids(Handover.select(Handover.id).where(Handover.state == "accepted", ~fn.EXISTS(taken))):
        yield f"handover {key}: accepted, but the requester never managed the site"


def _identities():
    """A user with an eID who is only a site manager has no password."""
    for user in User.select().join(Identity).where(User.password.is_null(False)):
        if user.is_plain_manager:
            yield f"user {user.id}: a site manager with an eID and a password"
    undecided = LinkRequest.select(LinkRequest.id).where(
        (LinkRequest.state == "open") != LinkRequest.decided_at.is_null()
    )
    for key in _ids(undecided):
        yield f"link_request {key}: its state contradicts its moment of decision"
    gone = LinkRequest.select(LinkRequest.id).join(User, on=LinkRequest.user)
    for key in _ids(gone.where(LinkRequest.state == "open", User.erased_at.is_null(False))):
        yield f"link_request {key}: still open, about an account that is gone"
    for key in _ids(Identity.select(Identity.id).where(Identity.number_hash.is_null() != Identity.key_id.is_null())):
        yield f"identity {key}: a hash of a number without the id of its key, or the other way round"


def _searches():
    """Search columns follow from the names; trajectories and placements copy those of their parents."""
    for model in (model for model in TABLES if issubclass(model, Searched)):
        for row in model.select().iterator():
            names = ("search", "place") if model is Site else ("search",)
            stored = [getattr(row, name) for name in names]
            row.prepare()
            if [getattr(row, name) for name in names] != stored:
                yield f"{model._meta.table_name} {row.pk}: search does not follow from its name"
    for key in _ids(Trajectory.select(Trajectory.id).join(Participant).where(Trajectory.search != Participant.search)):
        yield f"trajectory {key}: search is not the participant's"
    copied: list[tuple[Any, Any]] = [
        (Placement.search, Trajectory.search),
        (Placement.type, Trajectory.type),
        (Placement.association_id, Trajectory.association),
    ]
    for copy, original in copied:
        for key in _ids(Placement.select(Placement.id).join(Trajectory).where(copy != original)):
            yield f"placement {key}: {copy.name} is not the trajectory's"
    for key in _ids(Placement.select(Placement.id).where(Placement.finished != (Placement.state != "open"))):
        yield f"placement {key}: finished does not follow from its state"


def _ids(query):
    return (key for (key,) in query.tuples().iterator())


def _placed():
    """A site counts its placements that are not cancelled."""
    counted = fn.COUNT(Placement.id)
    mine = (Placement.site == Site.id) & (Placement.state != "cancelled")
    sums = Site.select(Site.id, Site.placed, counted).join(Placement, JOIN.LEFT_OUTER, on=mine)
    for key, placed, count in as_tuples(sums.group_by(Site.id, Site.placed).having(Site.placed != counted)):
        yield f"site {key}: placed is {placed}, there are {count}"


def _words():
    """SQLite's word tables match the rows (PostgreSQL maintains its indexes itself)."""
    if on_postgresql():
        return
    for model in (model for model in TABLES if "search" in model._meta.fields):
        words = f"{model._meta.table_name}_words"
        try:
            database.execute_sql(f"INSERT INTO {words} ({words}, rank) VALUES ('integrity-check', 1)")  # noqa: S608
        except DatabaseError:
            yield f"{words}: does not hold what the rows hold"


def _digests():
    for line in History.select().iterator():
        if not audit.is_whole(line):
            yield f"history {line.id}: the payload does not fit its digest"


def _addresses():
    pairs = Site.select(Site.postcode, Site.municipality).tuples().iterator()
    count = sum(not postcodes.fits(postcode, place) for postcode, place in pairs)
    if count:
        yield f"sites whose place does not go with their postcode: {count}"


def _texts():
    """One English sentence, with a count, for each column with old texts that would be stored otherwise today, or
    refused. Nothing is wrong with those rows; changing such a text applies the rule."""
    for model in TABLES:
        table, typed = model._meta.table_name, [one for one in model._meta.sorted_fields if isinstance(one, Typed)]
        if not typed:
            continue
        changed: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        with reading() as cursor:
            names = ", ".join(f'"{one.column_name}"' for one in typed)
            cursor.execute(f'SELECT {names} FROM "{table}"')  # noqa: S608 - our own names
            for row in cursor:
                for field, text in zip(typed, row, strict=True):
                    if text is not None:
                        changed[field.column_name] += field.tidy(text) != text
                        refused[field.column_name] += bool(field.required) and not has_text(text)
        for counts, words in ((changed, "kept otherwise"), (refused, "refused")):
            yield from (
                f"{table}.{name}: {count} texts would be {words} today" for name, count in counts.items() if count
            )


def _unread():
    """One English sentence, with a count, for each column with old values that would be refused today. Nothing is
    wrong with those rows; changing such a value applies the rule."""
    for model in (model for model in TABLES if model.readers):
        refused: Counter[str] = Counter()
        for row in model.select().iterator():
            if getattr(row, "erased_at", None) is None:
                refused.update(name for name in model.readers if not _reads(row, name))
        yield from (
            f"{model._meta.table_name}.{name}: {count} values would be refused today" for name, count in refused.items()
        )


def _reads(row, name) -> bool:
    try:
        if value := getattr(row, name):
            row.readers[name](value)
    except RuleError:
        return False
    return True


NOTES = (_texts, _unread, _addresses)
CHECKS = (
    _schema,
    _engine,
    _hours,
    _evaluations,
    _terms,
    _final_evaluations,
    _managers,
    _applications,
    _handovers,
    _identities,
    _searches,
    _placed,
    _words,
    _digests,
    hash_chain.breaches,
    hash_chain.unproved_erasures,
    hash_chain.unknown_keys,
)
