"""The team's screens on a desktop and on a phone: the accessibility of every page, and the everyday work."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WIDTHS

pytestmark = pytest.mark.browser

PAGES = (
    "/te-behandelen/",
    "/stageplaatsen/",
    "/stageplaatsen/new/",
    "/stageplaatsen/details/?id=1",
    "/stageplaatsen/edit/?id=1",
    "/stageplaatsen/1/deelnemers/",
    "/gekoppelde-deelnemers/",
    "/gekoppelde-deelnemers/details/?id=1",
    "/gekoppelde-deelnemers/beoordelen/?id=1",
    "/gekoppelde-deelnemers/trajectgeschiedenis/?id=1",
    "/deelnemers/",
    "/deelnemers/new/",
    "/deelnemers/details/?id=1",
    "/deelnemers/edit/?id=1",
    "/trajecten/",
    "/trajecten/new/",
    "/trajecten/details/?id=1",
    "/trajecten/edit/?id=1",
    "/verenigingen/",
    "/verenigingen/new/",
    "/accounts/",
    "/accounts/new/",
    "/accounts/details/?id=2",
    "/accounts/edit/?id=2",
    "/rollen/",
    "/rollen/details/?id=2",
    "/rollen/edit/?id=2",
    "/mails/",
    "/mails/details/?id=1",
    "/verenigingen/details/?id=1",
    "/verenigingen/edit/?id=1",
    "/geschiedenis/",
    "/opzoekingen/",
    "/klaar-voor-eindevaluatie/",
    "/attesten/",
    "/overzicht/",
    "/trajecten/verlengen/",
    "/overdrachten/",
    "/overdrachten/1/",
    "/overdrachten/2/",
    "/klok/",
    "/klok/?tot=2027-06-01",
    "/stageplaats/1/opvolger",
    "/mijn-beoordelingen",
    "/aanvragen/3/",
    "/aanvragen/7/",
    "/aanvragen/1/",
    "/stageplaats/1/sluiten",
    "/stageplaats/1/wijziging",
    "/privacy",
    "/bewaartermijnen/",
    "/rechten/",
    "/inzage/account/2/",
    "/inzage/deelnemer/1/",
    "/mijn-gegevens/alles",
    "/tweede-stap/",
    "/wat-er-misloopt/",
    "/tweede-stap/app",
    "/tweede-stap/passkey",
    "/ben-jij-het",
    "/accounts/details/?id=1",
    "/deelnemers/details/?id=2",
    "/veelgestelde-vragen",
    "/mijn-gegevens",
    "/wachtwoord-wijzigen",
    "/hulp",
    "/",
    "/bestaat-niet",
    "/deelnemers/?q=zzzz",
)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_of_the_team_is_accessible(person, width):
    kim = person(width)
    kim.log_in("team@kavo.test")
    for path in PAGES:
        kim.page.goto(path)
        kim.look()


def test_the_team_approves_a_site_from_te_behandelen(person):
    kim = person()
    kim.log_in("team@kavo.test")
    expect(kim.page.get_by_role("heading", name="Te behandelen")).to_be_visible()
    expect(kim.page.get_by_text("dag 16 van 14")).to_be_visible()
    kim.page.locator(".tasks h3 a").first.click()
    kim.look()
    kim.button("Goedkeuren")
    expect(kim.page.locator(".notice.good").first).to_contain_text("is goedgekeurd.")
    kim.look()
    kim.link("Te behandelen")
    expect(kim.page.get_by_text("dag 16 van 14")).to_have_count(0)


def test_the_team_couples_on_behalf_of_a_site(person):
    kim = person(360)
    kim.log_in("team@kavo.test")
    kim.page.goto("/stageplaatsen/1/deelnemers/")
    kim.page.get_by_label("KAVO-ID").fill("100000-22")
    kim.button("Opzoeken")
    kim.page.get_by_label("Aantal uren").fill("10")
    kim.page.get_by_label("Namens").select_option("association")
    kim.button("Deelnemer toevoegen")
    expect(kim.page.locator(".notice.good")).to_contain_text("Mohamed El Amrani is toegevoegd voor 10 uur.")


OF_AN_ASSOCIATION = (
    "/te-doen/",
    "/stageplaatsen/",
    "/stageplaatsen/1/deelnemers/",
    "/samen/1/koppelen",
    "/gekoppelde-deelnemers/",
    "/gekoppelde-deelnemers/?tab=open",
    "/deelnemers/",
    "/deelnemers/new/",
    "/deelnemers/details/?id=1",
    "/trajecten/",
    "/trajecten/new/",
    "/trajecten/details/?id=1",
    "/trajecten/eindevaluatie/?id=1",
    "/klaar-voor-eindevaluatie/",
    "/importeren/",
    "/samen/beoordelen?id=1&id=4",
    "/hulp",
    "/mijn-gegevens",
    "/attest-nakijken",
)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_of_an_association_is_accessible(person, width):
    hilde = person(width)
    hilde.log_in("vereniging@kavo.test")
    expect(hilde.page.get_by_role("heading", name="Te doen")).to_be_visible()
    for path in OF_AN_ASSOCIATION:
        hilde.page.goto(path)
        hilde.look()
