"""The manual, chapters 3.1, 4, 5 and 6, followed literally: with and without JavaScript, on a desktop and on a phone."""

import csv
import io
import os
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WAYS = {"desk": (1280, True), "phone-no-script": (360, False)}
if os.environ.get("KAVO_THOROUGH"):
    WAYS |= {"desk-no-script": (1280, False), "phone": (360, True)}
ways = pytest.mark.parametrize("width, script", WAYS.values(), ids=WAYS)


@ways
def test_a_manager_couples_evaluates_finds_back_and_exports(person, width, script):
    jonas = person(width, script)
    page = jonas.page
    couple(jonas)
    page.get_by_role("row").filter(has_text="Lotte Peeters").first.wait_for()
    jonas.look()
    change(jonas)
    evaluate(jonas)
    find_back(jonas)
    export(jonas)


def couple(jonas):
    """Chapter 3.1 and 4."""
    page = jonas.page
    jonas.log_in("jonas@kavo.test")
    jonas.link("Stageplaatsen")
    jonas.link("Enkel eigen stageplaatsen")
    jonas.look()
    jonas.act("Speelplein De Zandbak", "Deelnemers")
    jonas.look()
    page.get_by_label("KAVO-ID").fill(" 12514359 ")
    jonas.button("Opzoeken")
    expect(page.get_by_text("Lotte Peeters").first).to_be_visible()
    expect(page.get_by_text("Nog 50 van 50 uur").first).to_be_visible()
    page.get_by_text("Waarom nog 50 uur?").click()
    jonas.look()
    page.get_by_label("Aantal uren").fill("51")
    jonas.button("Deelnemer toevoegen")
    expect(page.locator(".error-summary")).to_contain_text("Lotte Peeters kan nog 50 uur stage lopen, geen 51.")
    assert page.get_by_label("Aantal uren").input_value() == "51"
    jonas.look()
    page.get_by_label("Aantal uren").fill("30")
    page.get_by_label("Verwachte einddatum").fill(str(date.today() - timedelta(days=1)))
    jonas.button("Deelnemer toevoegen")
    expect(page.locator(".notice.good")).to_contain_text("Lotte Peeters is toegevoegd voor 30 uur. Nog 20 van 50 uur.")


def change(jonas):
    page = jonas.page
    jonas.act("Lotte Peeters", "Wijzigen")
    jonas.look()
    page.get_by_label("Aantal uren").fill("25")
    jonas.button("Bewaren")
    expect(page.get_by_role("row").filter(has_text="Lotte Peeters")).to_contain_text("25 uur")
    jonas.act("Younes Bouzid", "Annuleren")
    jonas.look()
    jonas.button("Koppeling annuleren")
    expect(page.locator(".error-summary")).to_contain_text("Schrijf waarom de stage niet doorgaat.")
    page.get_by_label("Reden").fill("Younes is ziek.")
    jonas.button("Koppeling annuleren")
    expect(page.get_by_role("row").filter(has_text="Younes Bouzid")).to_contain_text("Geannuleerd")


def evaluate(jonas):
    """Chapter 5."""
    page = jonas.page
    jonas.act("Lotte Peeters", "Beoordelen")
    expect(page.get_by_role("heading", name="Traject opvolging")).to_be_visible()
    jonas.button("Beoordeling bewaren")
    expect(page.locator(".error-summary")).to_be_visible()
    jonas.look()
    page.get_by_label("Stagebegeleider", exact=True).fill("Eline Wouters")
    page.get_by_label("De stagebegeleider heeft").select_option("instructor")
    page.get_by_label("Begindatum").fill(str(date.today() - timedelta(days=9)))
    page.get_by_label("Einddatum").fill(str(date.today() - timedelta(days=1)))
    page.get_by_label("Gepresteerde uren").fill("25")
    page.get_by_role("group", name="Resultaat").get_by_label("Positief").check()
    page.get_by_label("Motivering").fill("Lotte werkte vlot mee.")
    jonas.button("Beoordeling bewaren")
    expect(page.get_by_role("row").filter(has_text="Lotte Peeters")).to_contain_text("Positief")


def find_back(jonas):
    """Chapter 6."""
    page = jonas.page
    jonas.link("Gekoppelde deelnemers")
    jonas.look()
    for words in ("12514359", "pEETERS lotte"):
        page.get_by_role("searchbox").fill(words)
        jonas.button("Zoeken")
        expect(page.get_by_role("row").filter(has_text="Lotte Peeters")).to_be_visible()
        expect(page.locator("tbody tr")).to_have_count(1)
    jonas.act("Lotte Peeters", "Trajectgeschiedenis")
    expect(page.get_by_text("Jonas Maes beoordeelde de stage van Lotte Peeters")).to_be_visible()
    jonas.look()
    jonas.link("Terug")


def export(jonas):
    """The list as it is on the screen: filtered on Lotte."""
    page = jonas.page
    with page.expect_download() as download:
        jonas.link("Exporteren (CSV)")
    text = download.value.path().read_text(encoding="utf-8-sig")
    titles, *lines = csv.reader(io.StringIO(text), delimiter=";")
    assert titles[:3] == ["KAVO-ID", "Voornaam", "Naam"]
    assert [line[:3] for line in lines] == [["125143-59", "Lotte", "Peeters"]]
    assert dict(zip(titles, lines[0], strict=True))["Gepresteerde uren"] == "25"
    jonas.button("Afmelden")
    expect(page.get_by_role("navigation").get_by_role("link", name="Aanmelden zonder eID")).to_be_visible()


def test_going_back_after_coupling_couples_once(person):
    jonas = person()
    page = jonas.page
    jonas.log_in("jonas@kavo.test")
    jonas.link("Deelnemers")
    for left in (50, 20):
        page.get_by_label("KAVO-ID").fill("125143-59")
        jonas.button("Opzoeken")
        expect(page.get_by_text(f"Nog {left} van 50 uur").first).to_be_visible()
        if left == 50:
            page.get_by_label("Aantal uren").fill("30")
            jonas.button("Deelnemer toevoegen")
            expect(page.locator(".notice.good")).to_be_visible()
            page.go_back()


def test_a_form_keeps_its_place_by_keyboard_alone(person):
    jonas = person()
    page = jonas.page
    jonas.log_in("jonas@kavo.test")
    jonas.link("Stageplaatsen")
    expect(page.get_by_role("heading", name="Stageplaatsen")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Ga naar de inhoud"
    page.keyboard.press("Enter")
    menu = page.locator("summary", has_text="Acties").last
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Deelnemers", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Deelnemers", exact=True)).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == "Acties"
