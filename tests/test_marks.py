"""No foreign data: each of seven people meets, on any page, in any file and in subject access, only data that they may see; also
after a handover, a merge and an erasure. `tests/marks.py` plants and crawls."""

import re

import pytest

import scope
from database import RuleError
from models import Handover, ImportBatch, Mail, Membership, Site
from tests import factories as make
from tests.marks import DAY, VIEWERS, World
from tests.visitor import Visitor
from workflow import clock
from workflow.accounts import registration
from workflow.sites import handovers, sites
from workflow.stages import placements

STAGES = (
    ("before", "before", None, "vhab12t"),
    ("handed over", "after", World.hand_over, "ab"),
    ("merged", "after", World.merge, "a"),
    ("erased", "erased", World.erase, "vb1t"),
)
"""stage, the column of a mark that applies, the events before it, and the viewers: in between only those affected"""
NONSENSE = "xqxqxqxq"


@pytest.fixture
def world(app):
    return World(app)


def test_nobody_meets_a_mark_that_is_not_theirs(world):
    foreign, met_by_anyone = [], set()
    for stage, column, happens, letters in STAGES:
        if happens:
            happens(world)
        for letter in letters:
            for name, path in world.crawl(letter).items():
                met_by_anyone.add(name)
                if letter not in getattr(world.marks[name], column):
                    foreign.append(f"{stage}: {VIEWERS[letter]} met {name} at {path}")
            assert world.visited > 200, letter
    assert foreign == []
    assert set(world.marks) - met_by_anyone == {"draft"}, "planted where nobody looks"


def test_no_mail_holds_what_its_reader_may_not_see(world):
    """The participants named in a reminder are the recipient's to see; subject access leaves them out."""
    for column, happens in (("before", None), ("after", World.hand_over)):
        if happens:
            happens(world)
        found = [(letter, kind, name) for letter, kind, name in world.mailed() if name != "mail.body"]
        assert {letter for letter, _, _ in found} == set("abh")
        assert [one for one in found if one[0] not in getattr(world.marks[one[2]], column)] == []


# ---- hidden values cannot be guessed either


def lists(app, visitor):
    """The lists that this person may open."""
    views = [view for view in app.extensions["admin"][0]._views if hasattr(view, "listing")]
    return [view for view in views if visitor.client.get(f"{view.url}/").status_code == 200]


def rows(visitor, path) -> str:
    """The rows of the list on a page, as text; read without a parser, since there are hundreds of pages."""
    answer = visitor.client.get(path)
    assert answer.status_code == 200, path
    table = re.search(r"<tbody>(.*?)</tbody>", answer.text, re.S)
    return " ".join(re.sub(r"<[^>]*>", " ", table[1]).split()) if table else ""


@pytest.mark.parametrize("letter", ["a", "b", "1", "2"])
def test_no_search_finds_rows_hidden_from_the_user(app, world, letter):
    visitor = world.viewers[letter]
    hidden = [mark.texts[0] for mark in world.marks.values() if letter not in mark.before]
    for view in lists(app, visitor):
        assert rows(visitor, f"{view.url}/?q={NONSENSE}") == ""
        for text in hidden:
            assert rows(visitor, f"{view.url}/?q={text}") == "", (view.url, text)


def columns(model) -> list[str]:
    """The stored columns of a table, and those of the tables that it refers to."""
    found = list(model._meta.fields)
    for name, field in model._meta.fields.items():
        if hasattr(field, "rel_model"):
            found += [f"{name}.{other}" for other in field.rel_model._meta.fields]
    return found


@pytest.mark.parametrize("letter", ["a", "b", "1"])
def test_no_order_and_no_filter_tells_what_a_hidden_column_holds(app, world, letter):
    visitor, tried = world.viewers[letter], 0
    for view in lists(app, visitor):
        usual = rows(visitor, f"{view.url}/")
        visible = {*(view.public_columns or view.list_names), *view.column_optional}
        params = {param for one in view.list_filters for param in one.params if one.name.split(".")[0] in visible}
        for name in columns(view.model):
            if name.split(".")[0] in visible or name in params:
                continue
            for query in (f"sort=-{name}&{name}=zq", f"sort={name}"):
                if view.default_sort[0] != name and name not in {one.name for one in view.list_filters}:
                    assert rows(visitor, f"{view.url}/?{query}") == usual, (view.url, query)
                    tried += 1
    assert tried > 60


def test_no_suggestion_names_people_hidden_from_the_user(world):
    for text in world.marks["p2.first"].texts + world.marks["p4.last"].texts:
        assert text not in world.viewers["1"].get(f"/trajecten/ajax/lookup/?name=participant&query={text}").text.lower()
        assert text in world.viewers["2"].get(f"/trajecten/ajax/lookup/?name=participant&query={text}").text.lower()


# ---- refusals and mails


def test_a_refusal_without_login_names_nobody_of_the_team(app):
    team, manager = make.user("team", first_name="Kim"), make.user()
    site = make.site(manager=manager, state="submitted")
    stale = Site.get_by_id(site.id)
    sites.approve(site, team, make.NOW)
    with pytest.raises(RuleError, match="behandeld door het team op") as refused:
        registration.withdraw(stale, manager, make.NOW)
    assert "Kim" not in str(refused.value)
    with pytest.raises(RuleError, match="behandeld door Kim"):
        sites.approve(stale, make.user("team"), make.NOW)


def test_a_refusal_does_not_name_the_manager_to_the_requester(app):
    keeper, asks = make.user(first_name="Houdt"), make.user(first_name="Vraagt")
    stale = handovers.ask(make.site(manager=keeper), asks, asks.email, "", make.NOW)
    handovers.refuse(Handover.get_by_id(stale.id), keeper, make.NOW, "nee")
    with pytest.raises(RuleError, match="door wie de stageplaats beheert") as refused:
        handovers.withdraw(stale, asks, make.NOW)
    assert "Houdt" not in str(refused.value)


def test_once_it_was_accepted_both_are_named(app):
    keeper, asks = make.user(first_name="Houdt"), make.user(first_name="Vraagt")
    stale = handovers.ask(make.site(manager=keeper), asks, asks.email, "", make.NOW)
    handovers.accept(Handover.get_by_id(stale.id), keeper, make.NOW)
    with pytest.raises(RuleError, match="door Houdt"):
        handovers.withdraw(stale, asks, make.NOW)


def test_no_mail_names_somebody_of_the_team(app):
    """The manager and the association hear what the team did yesterday, as an act of the team."""
    team, manager = make.user("team", first_name="Kim"), make.user()
    run = make.trajectory(association=make.association(email="info@kavo.test"))
    placements.couple(run, make.site(manager=manager), 20, team, make.NOW, on_behalf="association")
    clock.sweep(make.NOW + DAY)
    told = [mail.body for mail in Mail.select().where(Mail.kind << ("news_site", "news_association"))]
    assert len(told) == 2
    assert all("door het team Kadervorming" in body and "Kim" not in body for body in told)


def test_former_staff_of_an_association_cannot_open_its_files(app):
    first, second = make.association(), make.association()
    staff = make.user("association", association=first, password=make.PASSWORD)
    batch = ImportBatch.create(
        by=staff, association=first, file_name="f.csv", digest="d", state="done", created_at=make.NOW
    )
    assert scope.may(staff, "view", batch)
    visitor = Visitor(app, staff)
    visitor.get("/importeren/")
    assert "f.csv" in visitor.text
    Membership.update(until=make.NOW).where(Membership.user == staff).execute()
    Membership.create(user=staff, association=second, since=make.NOW)
    assert visitor.get(f"/importeren/{batch.id}/").status_code == 404
    visitor.get("/importeren/")
    assert "f.csv" not in visitor.text
