"""How far an eID answer is trusted: every pair of facts that may disagree, and the consequence for a known person, for a person
who links an account, and for the team."""

import json
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest

from database import RuleError, database
from models import History, Identity, LinkRequest, Mail, User, UserSession
from operations import checks
from tests import factories as make
from tests.identity.eid.op import number
from tests.identity.eid.steps import BORN, bram, go, link, register, young
from tests.public_pages.test_registration import path_in
from tests.visitor import Visitor
from workflow.accounts import identities, joining
from workflow.accounts.eid_answers import DIFFERENCES, names_agree
from workflow.privacy import erasure, subject_access

OWNER = bram(acr="urn:eid")
OTHER = {
    "issuer": {"issuer": "https://other"},
    "subject": {"subject": "sub-other"},
    "number": {"number_hash": "o" * 64},
    "acr": {"acr": "urn:itsme"},
}
NAMES = {"same": {}, "spelled": {"first_name": "BRÁM Jozef"}, "other": {"first_name": "An", "last_name": "Maes"}}
BORN_ON = {"same": {}, "other": {"birth_date": date(1991, 1, 1)}, "untold": {"birth_date": None}}


def account(person=OWNER, **values):
    """The account of the person with this eID."""
    named = {name: getattr(person, name) for name in identities.NAMED}
    user = make.user(**named)
    kept = {name: getattr(person, name) for name in identities.KEPT}
    Identity.create(user=user, created_at=make.NOW, **{**kept, **values})
    return user


def stored():
    """Every identity and user, column by column."""
    return [list(model.select().order_by(model.id).dicts()) for model in (Identity, User)]


def verbs():
    return [line.verb for line in History.select().order_by(History.id)]


def what_follows(issuer, subject, told_number, name, born) -> str:
    """The expected outcome, formulated independently of the code."""
    same_name_there = issuer == subject == "same"
    if told_number != "same" and not same_name_there:
        return "new"
    if born == "other" or told_number == "other":
        return "team"
    if told_number == "same" and same_name_there:
        return "enter"
    return "team" if name == "other" else "enter"


PAIRS = list(product(("same", "other"), ("same", "other"), ("same", "other", "key gone")))


@pytest.mark.parametrize("issuer, subject, told_number", PAIRS)
def test_an_answer_that_disagrees_overwrites_nothing_in_silence(now, issuer, subject, told_number):
    for name, born, acr in product(NAMES, BORN_ON, ("same", "other")):
        outcome = what_follows(issuer, subject, told_number, name, born)
        answer = replace(OWNER, **NAMES[name], **BORN_ON[born])
        for what, how in {"issuer": issuer, "subject": subject, "number": told_number, "acr": acr}.items():
            answer = replace(answer, **(OTHER[what] if how == "other" else {}))
        with database.atomic() as trial:
            user = account(**({"number_hash": "g" * 64, "key_id": "gone"} if told_number == "key gone" else {}))
            try:
                _walk(user, answer, outcome, now)
            except AssertionError as error:
                raise AssertionError(f"{name=} {born=} {acr=}: {outcome} was expected") from error
            trial.rollback()


def _walk(user, answer, outcome, now):
    before, lines = stored(), len(verbs())
    if outcome == "team":
        for _ in range(2):  # asking once is enough
            with pytest.raises(identities.WithTeam, match="binnen twee weken"):
                identities.recognise(answer, now)
        with pytest.raises(RuleError):
            joining.with_eid(answer, "nieuw@kavo.test", "0470 12 34 56", now)
        assert verbs()[lines:] == ["user.eid_disagrees"]
        (asked,) = LinkRequest.select()
        assert [getattr(asked, name) for name in identities.ASKED] == [
            getattr(answer, name) for name in identities.ASKED
        ]
        assert asked.differs
    elif outcome == "new":
        assert identities.recognise(answer, now) is None
        assert verbs()[lines:] == []
    else:
        assert identities.recognise(answer, now) == user
        _took_over(user, answer, before, verbs()[lines:])
        before = None
    if before:
        assert stored() == before
    assert identities.recognise(OWNER, now) == user
    assert [*checks._identities()] == []


def _took_over(user, answer, before, lines):
    """Nothing changes but the data in the answer; the history says so, without national numbers."""
    ((identity,), (row,)) = before
    wanted = {**identity, **{name: getattr(answer, name) for name in identities.KEPT}}
    names = {name: getattr(answer, name) for name in identities.NAMED if getattr(answer, name)}
    ((now_identity,), (now_row,)) = stored()
    assert now_identity == wanted
    changed = {name for name in now_row if now_row[name] != row[name]} - {"version", "search"}
    assert {name: now_row[name] for name in names} == names
    assert changed == {name for name in names if names[name] != row[name]}
    renewed = any(wanted[name] != identity[name] for name in identities.IDENTIFYING)
    assert lines == (["user.eid_changed"] if changed or renewed else [])
    if lines:
        line = History.get(History.verb == "user.eid_changed")
        assert (line.object_type, line.object_id) == ("user", str(user.id))
        for secret in (answer.subject, identity["subject"], answer.number_hash, answer.issuer):
            assert secret not in line.payload
    else:
        assert now_row == row


@pytest.mark.parametrize("name, born", list(product(NAMES, BORN_ON)))
def test_a_number_of_one_account_and_a_subject_of_another_go_to_the_team(now, name, born):
    one = account()
    two = account(replace(OWNER, subject="sub-two", number_hash="t" * 64))
    before = stored()
    answer = replace(OWNER, subject="sub-two", **NAMES[name], **BORN_ON[born])

    with pytest.raises(identities.WithTeam):
        identities.recognise(answer, now)

    asked = LinkRequest.get()
    assert (asked.kind, asked.user, asked.other) == ("two", two, one)
    assert stored() == before
    assert identities.recognise(OWNER, now) == one
    assert identities.recognise(replace(OWNER, subject="sub-two", number_hash="t" * 64), now) == two

    identities.decide_link(asked, make.user("team"), now)
    for mixed in product(("sub-bram", "sub-two"), ("h" * 64, "t" * 64)):
        assert identities.recognise(replace(OWNER, subject=mixed[0], number_hash=mixed[1]), now).id == one.id
    assert Identity.select().where(Identity.user == one).count() == 2
    assert list(checks.breaches()) == []


def test_an_account_that_is_switched_off_asks_nobody(now):
    user = account()
    User.update(active=False).where(User.id == user.id).execute()
    with pytest.raises(RuleError, match="kun je niet meer aanmelden"):
        identities.recognise(replace(OWNER, **OTHER["number"]), now)
    assert not LinkRequest.select().exists()


# ---- the team


@pytest.fixture
def new_number(app, op):
    """A known Bram logs in with another national number: returns his visitor and that number."""
    register(app, op)
    op.claims["rrn"] = number(BORN, 305)
    visitor = Visitor(app)
    go(visitor, op)
    return visitor, op.claims["rrn"]


def team_page(app):
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    visitor.get(f"/eid-aanvragen/{LinkRequest.get().id}/")
    return visitor


def test_another_number_is_not_logged_in_and_goes_to_the_team(app, op, new_number):
    visitor, _ = new_number

    assert visitor.answer.status_code == 409
    assert "Het team Kadervorming kijkt het na. Je krijgt binnen twee weken een e-mail." in visitor.text
    assert visitor.client.get("/mijn-gegevens").status_code == 302
    assert UserSession.select().count() == 1  # written when he registered


def test_one_click_of_the_team_makes_the_new_number_the_number(app, op, new_number):
    team = team_page(app)
    for words in (
        "Bram Wouters",
        "08/03/1990",
        "Het rijksregisternummer verschilt.",
        "BIS-nummer",
        "eID-kaart",
        "Speelplein",
    ):
        assert words in team.text
    team.send(decision="approve")

    assert Mail.get(Mail.kind == "eid_renewed").to_address == "bram@kavo.test"
    assert "user.eid_changed" in verbs()
    visitor = Visitor(app)
    go(visitor, op)
    assert visitor.path.startswith("/te-doen/")
    assert list(checks.breaches()) == []


def test_a_refusal_by_the_team_is_told_at_the_next_login_and_to_the_owner(app, op, new_number):
    before = stored()
    team_page(app).send(decision="refuse", reason="Dit is iemand anders. Bel ons.")
    visitor = Visitor(app)
    go(visitor, op)

    assert "Dit is iemand anders. Bel ons." in visitor.text
    assert LinkRequest.select().count() == 1
    assert stored()[0] == before[0]
    assert "Dit is iemand anders." in Mail.get(Mail.kind == "eid_not_renewed").body


DECIDED = [
    OTHER["number"],
    {**OTHER["number"], **NAMES["other"], **BORN_ON["other"]},
    BORN_ON["other"],
    {**OTHER["subject"], **NAMES["other"]},
    {**OTHER["issuer"], **NAMES["other"]},
]


@pytest.mark.parametrize("changes", DECIDED)
def test_an_eid_linked_by_the_team_logs_in_from_then_on(now, changes):
    user, answer = account(), replace(OWNER, **changes)
    with pytest.raises(identities.WithTeam):
        identities.recognise(answer, now)
    identities.decide_link(LinkRequest.get(), make.user("team"), now)

    row = User.get_by_id(user.id)
    assert {name: getattr(row, name) for name in identities.NAMED} == {
        name: getattr(answer, name) for name in identities.NAMED
    }
    assert "user.eid_changed" in verbs()
    assert identities.recognise(answer, now) == user
    assert Identity.select().count() == 1
    assert Mail.get().kind == "eid_renewed"


def test_an_eid_taken_by_somebody_else_meanwhile_is_not_linked(now):
    account()
    answer = replace(OWNER, **OTHER["number"])
    with pytest.raises(identities.WithTeam):
        identities.recognise(answer, now)
    account(replace(answer, subject="sub-two"))
    before = stored()

    with pytest.raises(RuleError, match="niet meer bij dit account alleen"):
        identities.decide_link(LinkRequest.get(), make.user("team"), now)

    assert LinkRequest.get().state == "open"
    assert stored()[0] == before[0]


def test_the_team_is_asked_again_after_a_while(now):
    account()
    answer = replace(OWNER, **OTHER["number"])
    for moment in (now, now + timedelta(days=13), now + timedelta(days=15)):
        with pytest.raises(identities.WithTeam):
            identities.recognise(answer, moment)
        if moment == now:
            identities.refuse_link(LinkRequest.get(), make.user("team"), now, "Bel ons.")

    assert [one.state for one in LinkRequest.select().order_by(LinkRequest.id)] == ["refused", "open"]
    assert LinkRequest.get(LinkRequest.state == "open").created_at == now + timedelta(days=15)


def test_subject_access_leaves_out_other_people(app, now):
    user = account()
    with pytest.raises(identities.WithTeam):
        identities.recognise(replace(OWNER, **OTHER["number"], first_name="Vreemde"), now)

    assert "Vreemde" not in json.dumps(subject_access.give(user, user, now), default=str)
    identities.decide_link(LinkRequest.get(), make.user("team"), now)
    assert "Vreemde" in json.dumps(subject_access.give(user, user, now), default=str)


def test_requests_to_the_team_end_with_the_account(now):
    user = account()
    with pytest.raises(identities.WithTeam):
        identities.recognise(replace(OWNER, **OTHER["number"]), now)
    erasure.take_out(User.get_by_id(user.id), None, now, "gevraagd", thorough=True)

    asked = LinkRequest.get()
    assert (asked.state, asked.subject, asked.first_name, asked.acr) == ("refused", "", "", "")
    assert list(checks.breaches()) == []


# ---- linking


HERS = {
    "same": {},
    "spelled": {"last_name": "WOUTÉRS"},
    "other": {"first_name": "An"},
    "no name": {"first_name": "", "last_name": ""},
}
LINKS = [
    (name, ours, theirs, name != "other" and (ours is None or ours == theirs))
    for name, ours, theirs in product(HERS, (BORN, date(2000, 1, 1), None), (BORN, None))
]


@pytest.mark.parametrize("name, ours, theirs, fits", LINKS)
def test_linking_compares_names_and_birth_dates(now, name, ours, theirs, fits):
    user = make.user(
        "team", **{"first_name": "Bram", "last_name": "Wouters", **HERS[name]}, birth_date=ours, password=make.PASSWORD
    )
    before = stored()

    assert identities.link(user, replace(OWNER, birth_date=theirs), now) is fits
    if not fits:
        assert stored() == before
        assert LinkRequest.get().differs
        return
    row = User.get_by_id(user.id)
    assert (row.first_name, row.last_name, row.birth_date) == ("Bram", "Wouters", theirs or ours)
    changed = [row.first_name, row.last_name, row.birth_date] != [user.first_name, user.last_name, user.birth_date]
    assert ("user.eid_changed" in verbs()) is changed


def test_an_account_gets_one_eid(now):
    user = young(birth_date=BORN)
    assert identities.link(user, OWNER, now)
    with pytest.raises(RuleError, match="al een eID gekoppeld"):
        identities.link(user, replace(OWNER, subject="sub-two", number_hash="t" * 64), now)
    assert identities.link(user, OWNER, now)


def test_a_stranger_with_the_same_birth_date_is_not_linked_and_renames_nobody(app, op):
    user = young(first_name="Noor", last_name="Jacobs", birth_date=BORN)
    visitor = link(app, op, user)

    assert "past niet bij je account" in visitor.text
    assert str(User.get_by_id(user.id)) == "Noor Jacobs"
    assert "De naam verschilt." in team_page(app).text


def test_sharing_an_address_and_a_birth_date_but_no_name_merges_nobody(app, op):
    owner = young(first_name="Noor", email="bram@kavo.test", birth_date=BORN)
    register(app, op)
    visitor = Visitor(app)
    visitor.get(path_in(Mail.get(Mail.kind == "same_person")))
    visitor.send(myself="y")

    assert "Het team Kadervorming kijkt na" in visitor.text
    assert User.get_by_id(owner.id).active
    assert (LinkRequest.get().kind, LinkRequest.get().differs) == ("merge", "name")


ALIKE = [
    (("Jan", "Maes"), ("JAN", "maes"), True),
    (("Jan", "Maes"), ("Jan Pieter", "Maes"), True),
    (("Jan Pieter", "Maes"), ("Pieter Jan", "Maes"), True),
    (("Pieter", "Maes"), ("Jan Pieter", "Maes"), False),
    (("Jean-Pierre", "D’Hondt"), ("Jean Pierre", "D'hondt"), True),
    (("Noël", "Van den Berghe"), ("Noel", "Vandenberghe"), True),
    (("Noor", "Jacobs"), ("Nora", "Jacobs"), False),
    (("Noor", "Jacobs"), ("Noor", "Jacob"), False),
    (("", "Prince"), ("", "Prince"), True),
    (("", "Prince"), ("An", "Prince"), False),
    (("", ""), ("", ""), False),
    (("An Maes", ""), ("An", "Maes"), False),
]


@pytest.mark.parametrize("one, other, agree", ALIKE)
def test_names_agree_whatever_their_spelling(one, other, agree):
    first, second = (bram(first_name=names[0], last_name=names[1]) for names in (one, other))

    assert names_agree(first, second) is names_agree(second, first) is agree


def test_every_difference_has_words():
    assert set(DIFFERENCES) == {"number", "subject", "name", "birth_date"}
