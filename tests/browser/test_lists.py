"""Working with a long list by keyboard only: search, filter, page, go back, share the URL, save it as a view, export it."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
LIST = "/gekoppelde-deelnemers/"


def names(page):
    return page.locator("tbody th").all_inner_texts()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_list_is_searched_filtered_leafed_kept_and_exported_by_keyboard(person, script):
    kim = person(script=script)
    kim.log_in("team@kavo.test")
    page, keys = kim.page, kim.page.keyboard
    page.goto(LIST)

    kim.go_to("Meer filters")
    keys.press("Enter")
    kim.go_to("Traject")
    keys.type("Anim")
    keys.press("Tab")
    kim.go_to("Zoeken")
    keys.press("Enter")
    page.wait_for_url(re.compile("type=animator"))
    expect(page.get_by_role("search").get_by_label("Traject")).to_have_value("animator")
    first, begin = names(page), page.url
    assert len(first) == 25
    kim.look()

    kim.go_to("Volgende")
    keys.press("Enter")
    page.wait_for_url(re.compile("na="))
    second, address = names(page), page.url
    assert second != first
    kim.look()
    page.go_back()
    assert names(page) == first
    expect(page.get_by_role("search").get_by_label("Traject")).to_have_value("animator")

    other = person(script=script)
    other.log_in("team@kavo.test")
    other.page.goto(address)
    assert names(other.page) == second

    page.goto(begin)  # at the top: after Back the browser still scrolls to the earlier position
    who = first[0].split("\n")[0]
    kim.go_to("Zoek op naam of KAVO-ID")
    keys.type(who)
    keys.press("Enter")
    page.wait_for_url(re.compile("q=[A-Z]"))
    assert {one.split("\n")[0] for one in names(page)} == {who}
    assert "type=animator" in page.url

    kim.go_to("Weergaven")
    keys.press("Enter")
    kim.go_to("Naam van de weergave")
    keys.type("Eén persoon")
    kim.go_to("Maak dit mijn startpagina")
    keys.press("Space")
    kim.go_to("Weergave bewaren")
    keys.press("Enter")
    expect(page.locator(".notice.good")).to_contain_text("De weergave ‘Eén persoon’ is bewaard.")
    kim.look()

    with page.expect_download() as download:
        kim.go_to("Exporteren (CSV)")
        keys.press("Enter")
    text = download.value.path().read_text("utf-8")
    assert download.value.suggested_filename.startswith("gekoppelde-deelnemers-")
    assert len(text.splitlines()) == 1 + len(names(page))
    if script:
        expect(page.locator("[data-export-status]")).to_contain_text("staat bij je downloads")

    kim.log_out()
    kim.log_in("team@kavo.test")
    page.wait_for_url(re.compile("type=animator"))
    assert {one.split("\n")[0] for one in names(page)} == {who}


def test_columns_are_chosen_and_every_form_of_the_file_comes(person):
    kim = person()
    kim.log_in("team@kavo.test")
    page = kim.page
    page.goto(LIST)
    page.get_by_text("Kolommen", exact=True).click()
    page.get_by_role("checkbox", name="Vereniging").check()
    page.get_by_label("Rijen op een pagina").select_option("100")
    kim.look()
    kim.button("Toon")
    expect(page.get_by_role("columnheader", name="Vereniging")).to_be_visible()
    assert len(names(page)) == 100
    kim.look()

    for words, ending in (
        ("Excel (XLSX)", ".xlsx"),
        ("CSV met alle kolommen", ".csv"),
        ("CSV voor een programma", ".csv"),
    ):
        page.get_by_text("Andere bestanden", exact=True).click()
        with page.expect_download() as download:
            kim.link(words)
        assert download.value.suggested_filename.endswith(ending)
        keys = page.keyboard
        keys.press("Escape")


def test_on_a_phone_each_value_has_its_label_also_on_the_longest_page(person):
    kim = person(360)
    kim.log_in("team@kavo.test")
    for size in (25, 100):
        kim.page.goto(f"{LIST}?rijen={size}")
        labels = kim.page.locator("tbody tr").first.locator("td:not(.menu, .tick)")
        assert [one.get_attribute("data-label") for one in labels.all()] == ["Traject", "Stageplaats", "Uren", "Status"]
        kim.look()


def test_a_typing_error_leads_to_the_intended_person(person):
    kim = person(360)
    kim.log_in("team@kavo.test")
    kim.page.goto("/deelnemers/?q=lote+peetesr")
    expect(kim.page.get_by_text("Niets gevonden")).to_be_visible()
    kim.page.goto("/deelnemers/?q=lotte+peetesr")
    kim.look()
    kim.link("lotte peeters")
    expect(kim.page.get_by_role("rowheader")).to_contain_text("Lotte Peeters")


def test_an_export_that_breaks_off_leaves_nothing_and_says_so(person):
    kim = person()
    kim.log_in("team@kavo.test")
    kim.page.goto(LIST)
    kim.page.context.set_offline(True)
    kim.link("Exporteren (CSV)")
    expect(kim.page.locator("[data-export-status]")).to_contain_text("Het exporteren is mislukt.")
