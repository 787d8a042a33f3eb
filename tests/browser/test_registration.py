"""The manual, chapters 1, 2.1, 2.2 and 2.4, with the team's side, by the words on the screen and with real mail: from the start
page to the first log-in and the first coupling."""

from datetime import date

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WIDTHS
from tests.browser.test_manual import ways
from tests.post import link_in

pytestmark = pytest.mark.browser

PUBLIC = (
    "/",
    "/registreren",
    "/registreren/met-18",
    "/registreren/jongeren",
    "/veelgestelde-vragen",
    "/hulp",
    "/toegankelijkheid",
    "/privacy",
    "/aanmelden",
    "/aanmelden-met-eid/terug",
    "/wachtwoord-vergeten",
    "/aanvraag/x",
    "/registratie-voltooien/x",
    "/overnemen/",
    "/overnemen/1",
    "/overdracht/x",
    "/opvolgen/x",
)
PASSWORD = "Speel2026"


@pytest.mark.parametrize("width", WIDTHS)
def test_every_public_page_is_accessible(person, width):
    visitor = person(width)
    for path in PUBLIC:
        visitor.page.goto(path)
        visitor.look()


def start(visitor):
    """Chapter 1 and 2.1."""
    page = visitor.page
    page.goto("/")
    expect(page.get_by_role("link", name="Kadervormingstool: veel gestelde vragen").first).to_be_visible()
    visitor.link("Registreren als stageplaatsverantwoordelijke")
    visitor.look()
    expect(
        page.get_by_text("dan kun je later niet meer aanmelden met je e-mailadres en wachtwoord").first
    ).to_be_visible()
    visitor.link("Registreren voor jongeren -18")
    visitor.look()


def register(visitor, email="noor@kavo.test", name="Speelplein De Vlinder", born="2010-03-12"):
    """Chapter 2.2."""
    page = visitor.page
    expect(page.get_by_text("minimaal 6 karakters bevatten waarvan minstens 1 cijfer en 1 hoofdletter")).to_be_visible()
    visitor.fill(
        Voornaam="Noor",
        Naam="Jacobs",
        Telefoonnummer="0470 12 34 56",
        Geboortedatum=born,
        Wachtwoord=PASSWORD,
        Wachtwoord_herhalen=PASSWORD,
        Naam_van_de_stageplaats=name,
        Straat_en_nummer="Tuinstraat 8",
        Postcode="2800",
        Gemeente="Mechelen",
    )
    visitor.fill(**{"E-mailadres": email})
    page.get_by_text("Wat is een erkend jeugdwerkinitiatief?").click()
    expect(page.get_by_text("Een jeugdwerkinitiatief is erkend als")).to_be_visible()
    page.get_by_label("Soort erkenning").select_option("Erkend door een gemeente of de VGC")
    page.get_by_label("Animator", exact=True).check()
    page.get_by_label("Zomervakantie").check()
    expect(page.get_by_text("Als je op ‘Bevestigen’ klikt, aanvaard je deze verklaring.")).to_be_visible()
    visitor.button("Bevestigen")


@ways
def test_from_the_start_page_to_the_first_coupling(person, post, width, script):
    noor, kim = person(width, script), person(width, script)
    start(noor)
    noor.button("Bevestigen")
    noor.look()
    register(noor)
    expect(noor.page.get_by_role("heading", name="Je aanvraag is verstuurd")).to_be_visible()
    noor.look()
    noor.page.goto(link_in(post.newest("noor@kavo.test", "We kregen je aanvraag")))
    expect(noor.page.get_by_text("Het team Kadervorming is aan zet")).to_be_visible()
    noor.look()

    ask(noor, kim, post)
    approve(kim)
    complete(noor, post)
    couple(noor)
    further(noor, kim)


def ask(noor, kim, post):
    """The team asks a question; the applicant answers through the mailed link."""
    kim.log_in("team@kavo.test")
    kim.page.get_by_role("link", name="Speelplein De Vlinder, Mechelen").click()
    kim.look()
    kim.page.get_by_text("Meer informatie vragen").click()
    kim.fill(Jouw_vraag="Wie erkent jullie?")
    kim.button("Vraag versturen")
    expect(kim.page.get_by_text("de termijn staat stil op dag 0 van 14")).to_be_visible()
    kim.look()
    noor.page.goto(link_in(post.newest("noor@kavo.test", "vraag over je aanvraag")))
    noor.look()
    noor.fill(Jouw_antwoord="De gemeente Mechelen.")
    noor.button("Antwoord versturen")
    expect(noor.page.get_by_text("Het team Kadervorming is aan zet")).to_be_visible()


def approve(kim):
    kim.page.reload()
    expect(kim.page.get_by_text("De gemeente Mechelen.")).to_be_visible()
    kim.page.get_by_label("Het adres klopt").check()
    kim.button("Goedkeuren")
    kim.look()
    kim.button("Ongedaan maken")
    expect(kim.page.get_by_text("dag 0 van 14")).to_be_visible()
    kim.button("Goedkeuren")
    kim.button("E-mail nu versturen")


def complete(noor, post):
    link = link_in(post.newest("noor@kavo.test", "goedgekeurd"))
    noor.page.goto(link)
    noor.look()
    noor.button("Registratie voltooien")
    expect(noor.page.get_by_text("Je registratie is voltooid")).to_be_visible()
    noor.fill(**{"E-mailadres": "noor@kavo.test", "Wachtwoord": PASSWORD})
    noor.button("Aanmelden")
    noor.page.goto(link)
    expect(noor.page.get_by_text("Deze link werkt niet meer")).to_be_visible()
    noor.look()


def couple(noor):
    noor.link("Kadervormingstool")
    noor.link("Deelnemers")
    noor.page.get_by_label("KAVO-ID").fill("125143-59")
    noor.button("Opzoeken")
    noor.page.get_by_label("Aantal uren").fill("20")
    noor.button("Deelnemer toevoegen")
    expect(noor.page.locator(".notice.good")).to_contain_text("Lotte Peeters is toegevoegd voor 20 uur.")


def further(noor, kim):
    """Chapter 2.4, and a change that the team must approve."""
    page = noor.page
    noor.link("Stageplaatsen")
    noor.link("Een nieuwe stageplaats aanmaken")
    noor.look()
    noor.fill(Naam_van_de_stageplaats="Jeugdhuis De Vonk", Straat_en_nummer="Markt 1", Postcode="9000", Gemeente="Gent")
    page.get_by_label("Soort erkenning").select_option(index=1)
    page.get_by_label("Instructeur").check()
    page.get_by_label("Tijdens het jaar").check()
    noor.button("Bevestigen")
    expect(page.get_by_role("row").filter(has_text="Jeugdhuis De Vonk")).to_contain_text("In behandeling")
    noor.act("Speelplein De Vlinder", "Naam of adres wijzigen")
    noor.look()
    noor.fill(Naam_van_de_stageplaats="Speelplein De Rups")
    noor.button("Aan het team vragen")
    kim.link("Te behandelen")
    kim.look()
    kim.page.get_by_role("link", name="Speelplein De Vlinder, Mechelen").click()
    kim.look()
    kim.button("Goedkeuren")
    expect(kim.page.get_by_text("De wijziging van Speelplein De Rups is goedgekeurd.")).to_be_visible()
    noor.link("Stageplaatsen")
    noor.link("Enkel eigen stageplaatsen")
    noor.act("Speelplein De Rups", "Stageplaats sluiten")
    expect(page.get_by_text("Er loopt nog 1 stage.")).to_be_visible()
    noor.look()
    page.get_by_label("Ze worden geannuleerd. De uren van de deelnemers komen weer vrij.").check()
    noor.fill(**{"Waarom sluit je de stageplaats?": "De werking stopt."})
    noor.button("Stageplaats sluiten")
    expect(page.get_by_text("Speelplein De Rups is gesloten.")).to_be_visible()


def test_a_rejected_applicant_adapts_and_an_adult_loses_nothing(person, post):
    noor, kim = person(360), person()
    start(noor)
    register(noor, born=str(date.today().replace(year=date.today().year - 19)))
    expect(noor.page.get_by_text("Wat je invulde, bewaren we 24 uur")).to_be_visible()
    noor.look()
    noor.link("Ga terug naar je formulier")
    assert noor.page.get_by_label("Naam van de stageplaats").input_value() == "Speelplein De Vlinder"
    register(noor)

    kim.log_in("team@kavo.test")
    kim.page.get_by_role("link", name="Speelplein De Vlinder, Mechelen").click()
    kim.button("Afkeuren")
    kim.look()
    kim.fill(Reden="Het huisnummer klopt niet.")
    kim.button("Afkeuren")
    kim.button("E-mail nu versturen")
    noor.page.goto(link_in(post.newest("noor@kavo.test", "niet goedgekeurd")))
    noor.look()
    noor.fill(Straat_en_nummer="Tuinstraat 10")
    noor.button("Bevestigen")
    expect(noor.page.get_by_text("Je aanvraag is opnieuw ingediend.")).to_be_visible()
    noor.look()
    noor.link("Aanvraag intrekken")
    noor.look()
    noor.page.get_by_label("Ik beslis dit zelf").check()
    noor.button("Intrekken")
    expect(noor.page.get_by_text("Je aanvraag voor Speelplein De Vlinder is ingetrokken.")).to_be_visible()


def test_a_postcode_suggests_its_place(person):
    noor = person()
    noor.page.goto("/registreren/jongeren")
    noor.fill(Postcode="2800")
    noor.page.get_by_label("Gemeente").focus()
    expect(noor.page.get_by_label("Gemeente")).to_have_value("Mechelen")
    noor.fill(Postcode="B-3700")
    noor.page.get_by_label("Gemeente").focus()
    expect(noor.page.get_by_label("Gemeente")).to_have_value("Tongeren")
    noor.fill(Postcode="9120 Melsele")
    noor.page.get_by_label("Gemeente").focus()
    expect(noor.page.get_by_label("Gemeente")).to_have_value("Melsele")
    noor.fill(Gemeente="Leest")
    noor.fill(Postcode="9000")
    noor.page.get_by_label("Gemeente").focus()
    expect(noor.page.get_by_label("Gemeente")).to_have_value("Leest")


def test_registering_and_approving_with_the_keyboard_only(person, post):
    noor, kim = person(), person()
    keys = noor.page.keyboard
    noor.page.goto("/")
    noor.go_to("Registreren als stageplaatsverantwoordelijke")
    keys.press("Enter")
    noor.page.wait_for_url("**/registreren")
    noor.go_to("Registreren voor jongeren -18")
    keys.press("Enter")
    noor.page.wait_for_url("**/jongeren")
    texts = {
        "Voornaam": "Noor",
        "Naam": "Jacobs",
        "E-mailadres": "noor@kavo.test",
        "Telefoonnummer": "0470 12 34 56",
        "Geboortedatum": "03122010",
        "Wachtwoord": PASSWORD,
        "Wachtwoord herhalen": PASSWORD,
        "Naam van de stageplaats": "Speelplein De Vlinder",
        "Soort erkenning": "Erkend door een",
        "Straat en nummer": "Tuinstraat 8",
        "Postcode": "2800",
        "Gemeente": "Mechelen",
    }
    for label, text in texts.items():
        noor.go_to(label)
        keys.type(text)
    for label in ("Animator", "Zomervakantie"):
        noor.go_to(label)
        keys.press("Space")
    noor.go_to("Bevestigen")
    keys.press("Enter")
    expect(noor.page.get_by_role("heading", level=1)).to_contain_text("Je aanvraag is verstuurd")

    kim.log_in("team@kavo.test")
    kim.page.wait_for_url("**/te-behandelen/")
    kim.go_to("Speelplein De Vlinder, Mechelen")
    kim.page.keyboard.press("Enter")
    kim.page.wait_for_url("**/aanvragen/**")
    kim.go_to("Goedkeuren")
    kim.page.keyboard.press("Enter")
    expect(kim.page.locator(".notice.good").first).to_contain_text("Speelplein De Vlinder is goedgekeurd.")
    kim.go_to("E-mail nu versturen")
    kim.page.keyboard.press("Enter")
    noor.page.goto(link_in(post.newest("noor@kavo.test", "is goedgekeurd")))
    noor.go_to("Registratie voltooien")
    keys.press("Enter")
    expect(noor.page.get_by_text("Je registratie is voltooid")).to_be_visible()
