"""Web servers share only the database: a log-in, a rate limit and an uploaded file apply on each, whichever received them."""

import pytest

from database import database
from tests import factories as make
from tests.machines import Web, environment
from tests.managers import Manager, Refused


@pytest.fixture
def pair(db, tmp_path):
    """Two web servers on one database; request fixtures that create rows before this one."""
    environ = environment(db, f"sqlite:///{tmp_path}/queue.db")
    with Web(tmp_path, environ) as one, Web(tmp_path, environ) as two:
        yield one, two
    if database.is_closed():
        database.connect()


def test_a_log_in_counts_on_every_machine_and_its_end_too(pair):
    user = make.user(password=make.PASSWORD)
    person = Manager(pair[0].address, user.email)
    person.log_in()
    elsewhere = Manager(pair[1].address, user.email)
    elsewhere.web.cookies.update(person.web.cookies)
    assert "Afmelden" in elsewhere.look("/stageplaatsen/")

    token = elsewhere.fields("/mijn-gegevens")["csrf_token"]
    elsewhere.ask("POST", "/afmelden", {"csrf_token": token})
    assert "Afmelden" not in person.look("/stageplaatsen/")


def test_wrong_passwords_are_counted_over_all_machines(pair):
    user = make.user(password=make.PASSWORD)
    for number in range(5):
        with pytest.raises(Refused):
            Manager(pair[number % 2].address, user.email, "Verkeerd12345").log_in()
    for web in pair:
        with pytest.raises((Refused, OSError)):
            Manager(web.address, user.email).log_in()


def test_a_file_that_one_machine_received_is_shown_by_the_other(pair):
    user = make.user("team", password=make.PASSWORD)
    one, two = Manager(pair[0].address, user.email), Manager(pair[1].address, user.email)
    one.log_in()
    two.log_in()
    make.association(name="Speelkaravaan vzw")
    columns = "kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus"
    text = f"{columns}\r\n125143-59;Lotte;Peeters;12/03/2009;;Speelkaravaan vzw;animator;10/01/2026\r\n"
    form = one.fields("/importeren/")
    answer = one.web.post(f"{pair[0].address}/importeren/", data=form, files={"file": ("lijst.csv", text)}, timeout=30)
    assert answer.status_code == 200
    path = answer.url.removeprefix(pair[0].address)
    assert "lijst.csv" in two.look(path)
