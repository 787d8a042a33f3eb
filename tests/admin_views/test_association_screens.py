"""The screens of an association: the start page, participants and trajectories, what it may change and what only the team may."""

import pytest

from models import Membership, Participant, Role, Trajectory
from scope import NotYours
from tests import factories as make
from tests.visitor import Visitor
from workflow import rows


@pytest.fixture
def speelkaravaan():
    return make.association(name="Speelkaravaan vzw")


@pytest.fixture
def hilde(speelkaravaan):
    return make.user("association", association=speelkaravaan, password=make.PASSWORD)


@pytest.fixture
def visitor(app, hilde):
    return Visitor(app, hilde)


def test_the_day_starts_with_the_tasks(visitor, speelkaravaan):
    visitor.get("/na-aanmelden", follow_redirects=True)
    assert "Alles is gedaan" in visitor.text
    make.placement(trajectory=make.trajectory(association=speelkaravaan), ends_on="2026-06-01", starts_on="2026-05-01")
    visitor.get("/te-doen/")
    assert "Stages te beoordelen" in visitor.text


def test_staff_without_an_association_read_what_to_do(app):
    visitor = Visitor(app, make.user("association", password=make.PASSWORD))
    visitor.get("/te-doen/")
    assert "Je bent nog aan geen vereniging gekoppeld" in visitor.text
    visitor.get("/trajecten/")
    assert "Er zijn nog geen trajecten" in visitor.text


def test_several_associations_of_one_person_stand_together(app, hilde, speelkaravaan):
    other = make.association(name="Kampvuur vzw")
    Membership.create(user=hilde, association=other, since=make.NOW)
    for association in (speelkaravaan, other, make.association()):
        make.trajectory(association=association)
    visitor = Visitor(app, hilde)
    visitor.get("/trajecten/")
    assert "2 trajecten" in visitor.text
    visitor.get("/te-doen/")
    assert "Kampvuur vzw, Speelkaravaan vzw" in visitor.text


@pytest.mark.parametrize("shared", [False, True])
def test_personal_data_is_changed_by_the_only_association(visitor, hilde, speelkaravaan, shared):
    person = make.participant(first_name="Lotte")
    make.trajectory(participant=person, association=speelkaravaan)
    if shared:
        make.trajectory(participant=person, type="instructor")
    visitor.get("/deelnemers/")
    assert ("Gegevens wijzigen" in visitor.text) is not shared
    visitor.get(f"/deelnemers/edit/?id={person.id}", follow_redirects=True)
    if not shared:
        visitor.send(first_name="Liesbeth")
        assert Participant.get().first_name == "Liesbeth"
        return
    assert "kan niet meer wijzigen" in visitor.text
    with pytest.raises(NotYours):
        rows.change(person, {}, hilde, make.NOW, "deelnemer")


@pytest.mark.parametrize("coupled", [False, True])
def test_the_start_of_the_course_is_corrected_until_something_hangs_on_it(visitor, speelkaravaan, coupled):
    trajectory = make.trajectory(association=speelkaravaan)
    if coupled:
        make.placement(trajectory=trajectory)
    visitor.get(f"/trajecten/edit/?id={trajectory.id}", follow_redirects=True)
    if coupled:
        assert "kan niet meer wijzigen" in visitor.text
        return
    visitor.send(course_started_on="2026-02-01")
    assert str(Trajectory.get().ends_on) == "2029-02-01"


def test_a_second_trajectory_is_added_for_an_own_participant_only(visitor, speelkaravaan):
    own, foreign = make.trajectory(association=speelkaravaan).participant, make.trajectory().participant
    for who, words in ((own, "is toegevoegd"), (foreign, "We vinden niemand met KAVO-ID")):
        visitor.get("/trajecten/new/")
        visitor.send(
            participant=who.kavo_id,
            association=str(speelkaravaan.id),
            type="head_animator",
            course_started_on="2026-03-01",
        )
        assert words in visitor.text
    assert Trajectory.select().where(Trajectory.type == "head_animator").count() == 1


def test_the_roles_page_tells_what_an_association_may(app):
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    make.user("association")
    visitor.get(f"/rollen/details/?id={Role.get(name='association').id}")
    assert "eindevaluatie geven" in visitor.text


def test_the_page_of_a_participant_leads_to_a_form_that_knows_who(app, visitor, speelkaravaan):
    lotte = make.trajectory(association=speelkaravaan).participant
    visitor.get(f"/deelnemers/details/?id={lotte.id}")
    link = next(link["href"] for link in visitor.page.select("main a") if link.text == "Traject toevoegen")
    for one in (visitor, Visitor(app, make.user("team", password=make.PASSWORD))):
        assert one.get(link).status_code == 200
        assert str(lotte) in one.page.select_one("#participant")["value"]
