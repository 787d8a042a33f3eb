"""Undoing a coupling, an evaluation, a correction or a cancellation: until when, by whom, and what stands in its way."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from threading import Barrier, Thread
from urllib.parse import urljoin, urlsplit

import pytest

from database import RuleError, database
from models import Evaluation, History, Mail, Membership, Placement, Reminder, Site, SiteManager, Trajectory
from scope import NotYours
from tests import factories as make
from tests.visitor import Visitor
from times import utcnow
from workflow import clock
from workflow.sites import sites
from workflow.stages import evaluations, finals, placements, timeline, trajectories, undo

NOW = make.NOW
SOON = NOW + timedelta(minutes=1)
LAST = NOW + timedelta(minutes=10)
"""the moment at which it is too late"""


@pytest.fixture
def jonas():
    return make.user(first_name="Jonas", last_name="Maes")


@pytest.fixture
def site(jonas):
    return make.site(manager=jonas, name="De Zandbak")


@pytest.fixture
def lotte():
    return make.trajectory(participant=make.participant(first_name="Lotte", last_name="Peeters"))


def coupled(lotte, site, by, now=NOW, hours=20):
    return placements.couple(lotte, site, hours, by, now)


def act():
    """The newest act that can be undone."""
    return History.select().where(History.verb << list(undo.WAYS)).order_by(History.id.desc()).get()


def hours(lotte):
    return Trajectory.get_by_id(lotte.id).hours_used


def verbs():
    return [line.verb for line in History.select().order_by(History.id)]


def refused(words):
    return pytest.raises(RuleError, match=words)


# ---- what becomes of it


def test_a_coupling_that_is_undone_is_gone_and_its_hours_are_free(jonas, site, lotte):
    coupled(lotte, site, jonas)
    assert (hours(lotte), Site.get_by_id(site.id).placed) == (20, 1)
    told = undo.undo(act(), jonas, SOON)

    assert told == "De koppeling van Lotte Peeters bij De Zandbak is ongedaan gemaakt. De uren zijn weer vrij."
    assert (Placement.select().count(), hours(lotte), Site.get_by_id(site.id).placed) == (0, 0, 0)
    assert verbs() == ["placement.coupled", "placement.undone"]


def test_an_evaluation_that_is_undone_leaves_the_stage_to_be_evaluated(jonas, site, lotte):
    make.evaluated(coupled(lotte, site, jonas), by=jonas, hours_done=10)
    assert hours(lotte) == 10
    told = undo.undo(act(), jonas, SOON)

    placement = Placement.get()
    assert told == (
        "De beoordeling van Lotte Peeters bij De Zandbak is ongedaan gemaakt. De stage wacht weer op een beoordeling."
    )
    assert (placement.state, placement.result, placement.hours_done, placement.finished) == ("open", None, None, False)
    assert (Evaluation.select().count(), hours(lotte)) == (0, 20)


def test_a_correction_that_is_undone_leaves_the_version_before(jonas, site, lotte):
    placement = make.evaluated(coupled(lotte, site, jonas), by=jonas, hours_done=10)
    make.evaluated(placement, by=jonas, now=SOON, result="negative", hours_done=3)
    assert hours(lotte) == 0
    told = undo.undo(act(), jonas, SOON)

    placement = Placement.get()
    assert told == "De verbetering bij Lotte Peeters bij De Zandbak is ongedaan gemaakt. Versie 1 geldt weer."
    assert (placement.state, placement.result, placement.hours_done, hours(lotte)) == ("evaluated", "positive", 10, 10)
    assert [one.number for one in Evaluation.select()] == [1]


def test_a_cancellation_that_is_undone_leaves_the_coupling_as_it_was(jonas, site, lotte):
    placements.cancel(coupled(lotte, site, jonas), jonas, NOW, "Ziek", no_show=True)
    assert (hours(lotte), Site.get_by_id(site.id).placed) == (0, 0)
    told = undo.undo(act(), jonas, SOON)

    placement = Placement.get()
    assert told.endswith("is niet langer geannuleerd. De 20 uur tellen weer mee.")
    assert (placement.state, placement.reason, placement.no_show, placement.finished) == ("open", "", False, False)
    assert (hours(lotte), Site.get_by_id(site.id).placed) == (20, 1)


def test_one_act_after_the_other_is_undone_the_last_first(jonas, site, lotte):
    placement = coupled(lotte, site, jonas)
    first = act()
    make.evaluated(placement, by=jonas)
    with refused("Ongedaan maken kan niet meer. Intussen gebeurde dit: Jonas Maes beoordeelde"):
        undo.undo(first, jonas, SOON)
    undo.undo(act(), jonas, SOON)
    make.evaluated(Placement.get(), by=jonas)
    undo.undo(act(), jonas, SOON)
    undo.undo(first, jonas, SOON)

    assert not Placement.select().exists()


# ---- until when


ACTS = {
    "placement.coupled": lambda placement, by: None,
    "placement.evaluated": lambda placement, by: make.evaluated(placement, by=by),
    "placement.corrected": lambda placement, by: make.evaluated(make.evaluated(placement, by=by), by=by, hours_done=5),
    "placement.cancelled": lambda placement, by: placements.cancel(placement, by, NOW, "Ziek"),
}


@pytest.mark.parametrize("verb", ACTS)
@pytest.mark.parametrize(
    "moment, allowed",
    [
        (LAST - timedelta(seconds=1), True),
        (LAST - timedelta(microseconds=1), True),
        (LAST, False),
        (LAST + timedelta(seconds=1), False),
    ],
)
def test_an_act_is_undone_for_10_minutes(jonas, site, lotte, verb, moment, allowed):
    ACTS[verb](coupled(lotte, site, jonas), jonas)
    assert act().verb == verb
    assert undo.can_undo(Placement.get(), jonas, moment) is allowed
    with nullcontext() if allowed else refused("kan tot 10 minuten nadien"):
        undo.undo(act(), jonas, moment)


# ---- by whom


@pytest.mark.parametrize("verb", ACTS)
def test_who_did_it_undoes_it_and_so_does_the_team(jonas, site, lotte, verb):
    association = lotte.association
    others = {
        "an association": make.user("association", association=association),
        "another association": make.user("association", association=make.association()),
        "another manager": make.user(),
    }
    SiteManager(site=make.site(), user=others["another manager"], since=NOW).save()
    ACTS[verb](coupled(lotte, site, jonas), jonas)
    for name, other in others.items():
        assert not undo.can_undo(Placement.get(), other, SOON), name
        with pytest.raises(NotYours):
            undo.undo(act(), other, SOON)
    team = make.user("team")
    assert undo.can_undo(Placement.get(), jonas, SOON)
    assert undo.can_undo(Placement.get(), team, SOON)
    undo.undo(act(), team, SOON)


def test_staff_of_an_association_undoes_its_own_coupling_and_the_manager_does_not(jonas, site, lotte):
    hilde = make.user("association", association=lotte.association)
    colleague = make.user("association", association=lotte.association)
    coupled(lotte, site, hilde)
    for other in (jonas, colleague):
        assert not undo.can_undo(Placement.get(), other, SOON)
        with pytest.raises(NotYours):
            undo.undo(act(), other, SOON)
    undo.undo(act(), hilde, SOON)


def test_who_no_longer_has_the_site_or_the_association_undoes_nothing(jonas, site, lotte):
    coupled(lotte, site, jonas)
    sites.give_to(site, make.user(), make.user("team"), NOW)
    with pytest.raises(NotYours):
        undo.undo(act(), jonas, SOON)

    hilde = make.user("association", association=lotte.association)
    coupled(lotte, site, hilde)
    Membership.update(until=NOW).where(Membership.user == hilde).execute()
    with pytest.raises(NotYours):
        undo.undo(act(), type(hilde).get_by_id(hilde.id), SOON)


def test_only_these_acts_are_undone_so(jonas, site, lotte):
    placement = coupled(lotte, site, jonas)
    placements.change(placement, jonas, NOW, 10)
    with pytest.raises(NotYours):
        undo.undo(History.get(History.verb == "placement.changed"), jonas, SOON)


# ---- what was built on it


def test_a_coupling_that_somebody_else_changed_stays_and_ones_own_change_goes_along(jonas, site, lotte):
    placement = coupled(lotte, site, jonas)
    placements.change(placement, jonas, SOON, 25)
    assert undo.can_undo(Placement.get(), jonas, SOON)
    placements.change(Placement.get(), make.user("team", first_name="Kim"), SOON, 30)
    assert not undo.can_undo(Placement.get(), jonas, SOON)
    with refused("Intussen gebeurde dit: Kim"):
        undo.undo(act(), jonas, SOON)

    other = coupled(make.trajectory(), site, jonas)
    placements.change(other, jonas, SOON, 25)
    undo.undo(act(), jonas, SOON)
    assert [one.id for one in Placement.select()] == [placement.id]


@pytest.mark.parametrize(
    "later, words",
    [
        (lambda placement, by: make.evaluated(placement, by=by), "beoordeelde de stage"),
        (lambda placement, by: placements.cancel(placement, by, NOW, "Ziek"), "annuleerde de koppeling"),
    ],
)
def test_a_coupling_that_was_evaluated_or_cancelled_stays(jonas, site, lotte, later, words):
    placement = coupled(lotte, site, jonas)
    first = act()
    later(placement, make.user("team"))
    assert not undo.can_undo(Placement.get(), jonas, SOON)
    with refused(words):
        undo.undo(first, jonas, SOON)


def test_an_evaluation_stays_once_the_final_evaluation_was_given(jonas, site, lotte):
    make.evaluated(coupled(lotte, site, jonas, hours=50), by=jonas)
    finals.give(lotte, make.user("association", association=lotte.association), NOW, "passed", NOW.date())
    assert not undo.can_undo(Placement.get(), jonas, SOON)
    with refused("De eindevaluatie van Lotte Peeters is al gegeven. Vraag het team"):
        undo.undo(act(), jonas, SOON)
    assert Placement.get().state == "evaluated"


def test_an_evaluation_of_which_there_is_a_newer_version_stays(jonas, site, lotte):
    placement = make.evaluated(coupled(lotte, site, jonas), by=jonas)
    first = act()
    make.evaluated(placement, by=make.user("team"), hours_done=5)
    assert not undo.can_undo(Placement.get(), jonas, SOON)
    with refused("verbeterde de beoordeling"):
        undo.undo(first, jonas, SOON)


@pytest.mark.parametrize("verb", ["placement.evaluated", "placement.cancelled"])
def test_nothing_opens_again_in_a_trajectory_that_was_stopped(jonas, site, lotte, verb):
    ACTS[verb](coupled(lotte, site, jonas), jonas)
    trajectories.stop(lotte, make.user("team"), NOW, "Stopt ermee")
    assert not undo.can_undo(Placement.get(), jonas, SOON)
    with refused("Het traject van Lotte Peeters is stopgezet. Hervat het eerst."):
        undo.undo(act(), jonas, SOON)


@pytest.mark.parametrize("taken, allowed", [(30, True), (31, False)])
@pytest.mark.parametrize("verb", ["placement.evaluated", "placement.cancelled"])
def test_it_opens_again_when_its_hours_are_still_free(jonas, site, lotte, verb, taken, allowed):
    placement = coupled(lotte, site, jonas)
    if verb == "placement.cancelled":
        placements.cancel(placement, jonas, NOW, "Ziek")
    else:
        make.evaluated(placement, by=jonas, result="negative", hours_done=0)
    mine = act()
    coupled(lotte, make.site(), make.user("team"), hours=taken)
    assert undo.can_undo(Placement.get_by_id(placement.id), jonas, SOON) is allowed
    with nullcontext() if allowed else refused("Er is nog 19 uur vrij, en dit zou weer 20 uur vragen"):
        undo.undo(mine, jonas, SOON)
    assert hours(lotte) == (50 if allowed else 31)


@pytest.mark.parametrize("taken, allowed", [(40, True), (41, False)])
def test_the_version_before_counts_again_when_its_hours_are_still_free(jonas, site, lotte, taken, allowed):
    placement = make.evaluated(coupled(lotte, site, jonas), by=jonas, hours_done=10)
    make.evaluated(placement, by=jonas, result="negative", hours_done=0)
    mine = act()
    coupled(lotte, make.site(), make.user("team"), hours=taken)
    assert undo.can_undo(Placement.get_by_id(placement.id), jonas, SOON) is allowed
    with nullcontext() if allowed else refused("Er is nog 9 uur vrij, en dit zou weer 10 uur vragen"):
        undo.undo(mine, jonas, SOON)


def test_what_was_cancelled_with_a_site_that_closed_stays_so(jonas, site, lotte):
    coupled(lotte, site, jonas)
    sites.close(site, jonas, NOW, "We stoppen", cancel_running=True)
    cancelled = History.get(History.verb == "placement.cancelled")
    assert not undo.can_undo(Placement.get(), jonas, SOON)
    with refused("De Zandbak is niet \\(meer\\) goedgekeurd"):
        undo.undo(cancelled, jonas, SOON)


# ---- two at once, and twice


@pytest.mark.parametrize("verb", ACTS)
def test_what_is_undone_twice_is_undone_once(jonas, site, lotte, verb):
    ACTS[verb](coupled(lotte, site, jonas), jonas)
    mine = act()
    undo.undo(mine, jonas, SOON)
    for by in (jonas, make.user("team")):
        with refused("al ongedaan gemaakt"):
            undo.undo(mine, by, SOON)
    assert verbs().count("placement.undone") == 1


def test_an_old_page_does_not_undo_the_next_coupling(jonas, site, lotte):
    first = coupled(lotte, site, jonas)
    mine = act()
    undo.undo(mine, jonas, SOON)
    other = coupled(make.trajectory(), site, jonas, SOON)
    if other.id != first.id:  # SQLite gives a number that is free again
        Placement.update(id=first.id).where(Placement.id == other.id).execute()
    with refused("al ongedaan gemaakt"):
        undo.undo(mine, jonas, SOON)
    assert Placement.select().count() == 1


def at_once(*acts):
    """Each of these in a thread of its own, at the same moment; what each returned or raised."""
    gate, found = Barrier(len(acts)), []

    def run(one):
        with database.connection_context():
            gate.wait()
            try:
                found.append(one())
            except Exception as error:  # the other was first
                found.append(error)

    threads = [Thread(target=run, args=(one,)) for one in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("verb", ACTS)
def test_of_two_who_undo_at_once_one_does_it(jonas, site, lotte, verb):
    team = make.user("team")
    ACTS[verb](coupled(lotte, site, jonas), jonas)
    mine = act()
    found = at_once(*[lambda by=by: undo.undo(mine, by, SOON) for by in (jonas, team)])

    (text,) = [one for one in found if isinstance(one, str)]
    (error,) = [one for one in found if isinstance(one, Exception)]
    assert "ongedaan gemaakt" in text or "niet langer geannuleerd" in text
    assert isinstance(error, RuleError)
    assert "al ongedaan gemaakt" in str(error)
    assert verbs().count("placement.undone") == 1


def test_of_undoing_a_coupling_and_evaluating_it_at_once_one_is_done(jonas, site, lotte):
    placement = coupled(lotte, site, jonas)
    mine, team = act(), make.user("team")
    found = at_once(lambda: undo.undo(mine, jonas, SOON), lambda: make.evaluated(placement, by=team))

    assert len([one for one in found if isinstance(one, Exception)]) == 1
    assert hours(lotte) == sum(one.counted for one in Placement.select())
    assert Evaluation.select().count() == Placement.select().where(Placement.state == "evaluated").count()


# ---- together


def test_what_was_done_together_is_found_by_any_of_it(jonas, site, lotte):
    coupled(make.trajectory(), site, jonas, NOW - timedelta(seconds=1))
    mine = [coupled(one, site, jonas).id for one in (lotte, make.trajectory(), make.trajectory())]
    coupled(make.trajectory(), site, make.user("team"))
    acts = undo.together(undo.newest_of(jonas, NOW))

    assert [int(one.object_id) for one in acts] == mine
    assert undo.subject(acts[0]) == "Lotte Peeters bij De Zandbak"
    assert undo.newest_of(jonas, SOON) is None


# ---- who hears of it


def test_no_mail_tells_of_what_was_undone(jonas, site, lotte):
    team = make.user("team")
    kept, gone = coupled(lotte, site, team), coupled(make.trajectory(association=lotte.association), site, team)
    undo.undo(act(), team, SOON)
    make.evaluated(kept, by=team, result="negative", motivation="Fout geklikt")
    undo.undo(act(), team, SOON)
    clock.sweep(datetime(2026, 7, 2, 6, 0))

    mails = list(Mail.select().where(Mail.kind << ("news_site", "news_association")))
    assert len(mails) == 2 - (not lotte.association.email)
    for mail in mails:
        assert mail.body.count("gekoppeld voor 20 uur") == 1
        assert lotte.participant.kavo_id in mail.body
        assert gone.trajectory.participant.kavo_id not in mail.body
        assert "beoordeeld" not in mail.body


def test_what_a_mail_told_is_not_undone(jonas, site, lotte, monkeypatch):
    coupled(lotte, site, jonas)
    mine = act()
    Reminder.create(object_type="history", object_id=str(mine.id), kind="news_site", due_on=NOW.date(), at=NOW)
    with refused("De e-mail hierover is al geschreven. Gaat de stage niet door, annuleer dan de koppeling."):
        undo.undo(mine, jonas, SOON)
    assert Placement.select().count() == 1


def test_only_the_team_reads_in_the_history_of_what_was_undone(jonas, site, lotte):
    placement = coupled(lotte, site, jonas)
    make.evaluated(placement, by=jonas, result="negative")
    undo.undo(act(), jonas, SOON)

    def read(by):
        return " ".join(sentence for _, sentence, _ in timeline.lines(lotte, by))

    hilde = make.user("association", association=lotte.association)
    for by in (jonas, hilde):
        assert "koppelde Lotte Peeters" in read(by)
        assert "beoordeelde" not in read(by)
        assert "ongedaan" not in read(by)
    assert "Jonas Maes beoordeelde" in read(make.user("team"))
    assert "Jonas Maes maakte de beoordeling van Lotte Peeters bij De Zandbak ongedaan." in read(make.user("team"))


def test_a_reminder_about_a_coupling_that_is_gone_is_forgotten(jonas, site, lotte):
    placement = coupled(lotte, site, jonas)
    said = {"kind": "evaluate_first", "due_on": NOW.date(), "at": NOW}
    Reminder.create(object_type="placement", object_id=str(placement.id), **said)
    Reminder.create(object_type="site", object_id=str(placement.id), **said)
    undo.undo(act(), jonas, SOON)
    assert [one.object_type for one in Reminder.select()] == ["site"]


def test_numbers_of_versions_go_on_after_undoing(jonas, site, lotte):
    placement = make.evaluated(coupled(lotte, site, jonas), by=jonas)
    make.evaluated(placement, by=jonas, hours_done=5)
    undo.undo(act(), jonas, SOON)
    make.evaluated(Placement.get(), by=jonas, hours_done=7)
    assert [one.number for one in evaluations.versions(Placement.get())] == [2, 1]


# ---- on the screen


@pytest.fixture
def screen(app):
    return lambda user: Visitor(app, user)


def in_message(visitor):
    """The form in a message that undoes what was just done."""
    return visitor.page.select_one(".notice form[action^='/ongedaan/']")


def in_menus(visitor):
    """The buttons 'Ongedaan maken' in the menus of rows."""
    return [one for one in visitor.page.select(".row-menu button[formaction]") if one.text == "Ongedaan maken"]


def press(visitor, button):
    """Press a button in the menu of a row, which sends the form of the list elsewhere."""
    form = visitor.page.select_one("form#acties")
    data = {one["name"]: one["value"] for one in form.select("input[name]")}
    address = urljoin(f"http://localhost{visitor.path}", button["formaction"])
    visitor._keep(visitor.client.post(urlsplit(address).path, data=data, follow_redirects=True))


def couple_on_screen(visitor, site, trajectory, hours=20):
    visitor.get(f"/stageplaatsen/{site.id}/deelnemers/")
    visitor.send(kavo=trajectory.participant.kavo_id, act="look")
    visitor.send(hours=str(hours), act="add")


EVALUATION = {
    "mentor": "Eline",
    "criterion": "instructor",
    "starts_on": "2026-06-01",
    "ends_on": "2026-06-20",
    "hours_done": "20",
    "result": "positive",
}


@pytest.fixture
def jonas_there(jonas):
    jonas.password = make.PASSWORD
    jonas.save()
    return jonas


def test_what_one_does_is_undone_from_the_message(screen, jonas_there, site, lotte):
    visitor = screen(jonas_there)
    couple_on_screen(visitor, site, lotte)
    assert "Lotte Peeters is toegevoegd voor 20 uur." in visitor.text
    assert "Ongedaan maken Dat kan tot 10 minuten nadien." in visitor.text
    assert in_message(visitor).select_one("input[name=csrf_token]")
    visitor.send(in_message(visitor))
    assert "De koppeling van Lotte Peeters bij De Zandbak is ongedaan gemaakt. De uren zijn weer vrij." in visitor.text
    assert visitor.path == f"/stageplaatsen/{site.id}/deelnemers/"
    assert not in_message(visitor)
    assert not Placement.select().exists()

    couple_on_screen(visitor, site, lotte)
    pk = Placement.get().id
    visitor.get(f"/gekoppelde-deelnemers/beoordelen/?id={pk}")
    visitor.send(**EVALUATION)
    assert Placement.get().state == "evaluated"
    visitor.send(in_message(visitor))
    assert "De stage wacht weer op een beoordeling." in visitor.text
    assert Placement.get().state == "open"

    visitor.get(f"/gekoppelde-deelnemers/annuleren/?id={pk}")
    visitor.send(reason="Ziek")
    assert Placement.get().state == "cancelled"
    visitor.send(in_message(visitor))
    assert "is niet langer geannuleerd" in visitor.text
    assert Placement.get().state == "open"


@pytest.mark.parametrize("page", ["/gekoppelde-deelnemers/", "/stageplaatsen/{site}/deelnemers/"])
def test_what_one_does_is_undone_from_the_row_as_long_as_it_can_be(screen, jonas_there, site, lotte, page):
    placement = coupled(lotte, site, jonas_there, utcnow())
    coupled(make.trajectory(), site, jonas_there, utcnow() - timedelta(minutes=11))
    coupled(make.trajectory(), site, make.user("team"), utcnow())
    visitor = screen(jonas_there)
    visitor.get(page.format(site=site.id))
    assert len(visitor.page.select(".row-menu")) == 3
    (button,) = in_menus(visitor)
    press(visitor, button)

    assert "is ongedaan gemaakt" in visitor.text
    assert visitor.path == page.format(site=site.id)
    assert not in_menus(visitor)
    assert placement.id not in [one.id for one in Placement.select()]


def test_the_team_undoes_what_a_manager_did_and_not_the_other_way_round(screen, jonas_there, site, lotte):
    team = make.user("team", password=make.PASSWORD)
    coupled(lotte, site, team, utcnow())
    manager, kim = screen(jonas_there), screen(team)
    manager.get("/gekoppelde-deelnemers/")
    assert "Lotte Peeters" in manager.text
    assert not in_menus(manager)
    assert manager.post(f"/ongedaan/{act().id}").status_code == 404
    assert manager.post(f"/ongedaan/{act().id}/samen").status_code == 404
    assert Placement.select().exists()

    coupled(make.trajectory(), site, jonas_there, utcnow())
    kim.get("/gekoppelde-deelnemers/")
    assert len(in_menus(kim)) == 2


def test_what_is_too_late_says_so_and_what_else_one_can_do(screen, jonas_there, site, lotte):
    coupled(lotte, site, jonas_there, utcnow() - timedelta(minutes=10))
    visitor = screen(jonas_there)
    visitor.post(f"/ongedaan/{act().id}")
    visitor.get(visitor.answer.location)
    assert "Ongedaan maken kan tot 10 minuten nadien." in visitor.text
    assert "Gaat de stage niet door, annuleer dan de koppeling." in visitor.text
    assert Placement.select().exists()


def test_nothing_else_is_undone_there(screen, site):
    team = make.user("team", password=make.PASSWORD)
    other = make.site(make.user(), state="submitted")
    sites.approve(other, team, utcnow())
    visitor = screen(team)
    for path in (f"/ongedaan/{History.get(History.verb == 'site.approved').id}", "/ongedaan/999999"):
        assert visitor.post(path).status_code == 404
    assert Site.get_by_id(other.id).state == "approved"


def test_a_list_that_was_pasted_is_undone_with_one_button(screen, jonas_there, site):
    people = [make.trajectory() for _ in range(3)]
    visitor = screen(jonas_there)
    for last in ("Dat is ongedaan gemaakt voor 3 deelnemers.", "2 van 3 gelukt"):
        visitor.get(f"/samen/{site.id}/koppelen")
        visitor.send(text="\n".join(one.participant.kavo_id for one in people), hours="20")
        visitor.send()
        assert "3 deelnemers toegevoegd aan De Zandbak." in visitor.text
        assert [one.name for one in visitor.page.select(".notice form")] == ["form"]
        button = in_message(visitor)
        if "gelukt" in last:
            make.evaluated(Placement.get(Placement.trajectory == people[1]), by=make.user("team"), now=utcnow())
        visitor.send(button)
        assert last in visitor.text

    assert "Niet gelukt" in visitor.text
    assert "Intussen gebeurde dit" in visitor.text
    assert [one.trajectory_id for one in Placement.select()] == [people[1].id]


def test_what_was_evaluated_together_is_undone_together(screen, jonas_there, site):
    rows = [coupled(make.trajectory(), site, jonas_there, utcnow() - timedelta(hours=1)) for _ in range(3)]
    visitor = screen(jonas_there)
    visitor.get("/samen/beoordelen?" + "&".join(f"id={row.id}" for row in rows))
    each = {
        f"s{row.id}-{name}": EVALUATION[name]
        for row in rows
        for name in ("starts_on", "ends_on", "hours_done", "result")
    }
    each[f"s{rows[2].id}-result"] = "later"
    visitor.send(mentor="Eline", criterion="instructor", **each)
    assert "2 stages beoordeeld." in visitor.text
    visitor.send(in_message(visitor))

    assert "Dat is ongedaan gemaakt voor 2 deelnemers." in visitor.text
    assert {one.state for one in Placement.select()} == {"open"}
    assert not Evaluation.select().exists()
