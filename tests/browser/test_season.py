"""The season on a phone of 360 by 740 pixels: what stands first, how far it is, and that nobody couples the wrong person."""

import os
from random import Random

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
PEOPLE = {"125143-59": "Lotte Peeters", "100000-22": "Mohamed El Amrani", "123456-76": "Emma Claes"}
ORDERS = 200 if os.environ.get("KAVO_THOROUGH") else 20
SLOWEST = 5000 if os.environ.get("KAVO_THOROUGH") else 600  # milliseconds
TOP = "document.querySelector('main').getBoundingClientRect().top"


def on_phone(person, script=True):
    one = person(PHONE["width"], script)
    one.page.set_viewport_size(PHONE)
    return one


@pytest.mark.parametrize("script", [True, False])
def test_the_first_act_is_near_after_logging_in(person, script, report):
    jonas = on_phone(person, script)
    jonas.log_in("jonas@kavo.test")
    page = jonas.page
    expect(page.get_by_role("heading", name="Te doen", level=1)).to_be_visible()
    jonas.look()
    field = page.get_by_label("KAVO-ID", exact=True)
    pixels, stops = round(field.bounding_box()["y"]), 0
    while not field.evaluate("one => one === document.activeElement"):
        page.keyboard.press("Tab")
        stops += 1
    report(first_act_pixels=pixels, tab_stops=stops, top_of_main=round(page.evaluate(TOP)))
    assert pixels <= 420
    assert stops <= 7


def test_the_bar_leaves_room_for_the_page(person, report):
    visitor = on_phone(person)
    visitor.page.goto("/")
    top = round(visitor.page.evaluate(TOP))
    expect(visitor.page.get_by_role("link", name="Aanmelden met eID")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Aanmelden zonder eID")).to_be_visible()
    visitor.look()
    visitor.log_in("jonas@kavo.test")
    inside = round(visitor.page.evaluate(TOP))
    report(top_for_a_visitor=top, top_when_logged_in=inside)
    assert top <= 176
    assert inside <= 120


@pytest.mark.parametrize("script", [True, False])
def test_the_menu_holds_the_rest_and_works_by_keyboard(person, script):
    jonas = on_phone(person, script)
    jonas.log_in("jonas@kavo.test")
    page = jonas.page
    jonas.go_to("Menu")
    page.keyboard.press("Enter")
    for words in (
        *("Kadervormingstool: veel gestelde vragen", "Hulp nodig", "Te doen", "Stageplaatsen"),
        *("Gekoppelde deelnemers", "Overdrachten", "Mijn gegevens"),
    ):
        expect(page.get_by_role("banner").get_by_role("link", name=words, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Afmelden")).to_be_visible()
    jonas.look()
    if script:
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Afmelden")).not_to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_coupling_one_person_takes_two_taps_after_logging_in(person, script):
    jonas = on_phone(person, script)
    jonas.log_in("jonas@kavo.test")
    jonas.page.get_by_label("KAVO-ID", exact=True).fill("12514359")
    jonas.button("Opzoeken")
    assert jonas.page.get_by_label("Aantal uren").input_value() == "50"
    jonas.look()
    jonas.button("Deelnemer toevoegen")
    expect(jonas.page.locator(".notice.good")).to_contain_text("Lotte Peeters is toegevoegd voor 50 uur.")


def test_on_a_slow_line_nobody_else_is_coupled_than_the_page_shows(person, report):
    """Look-ups whose answers come in any order. Whatever the page shows then is the person in the field."""
    jonas, chance, shown = on_phone(person), Random(21), 0
    jonas.log_in("jonas@kavo.test")
    page = jonas.page
    jonas.link("Deelnemers")
    page.route("**/deelnemers/", lambda route: slowly(page, route, chance))
    field, panel = page.get_by_label("KAVO-ID", exact=True), page.locator("[data-shown]")
    for _ in range(ORDERS):
        for kavo_id in chance.sample(list(PEOPLE), 2):
            field.fill(kavo_id)
            assert panel.count() == 0  # the former person is gone at once
            field.press("Enter")
            page.wait_for_timeout(chance.choice((0, 20, 100)))
        expect(panel).to_be_visible()
        page.wait_for_timeout(chance.choice((0, 100)))
        name = PEOPLE[kavo_id]
        assert panel.locator("h3").text_content() == name
        assert panel.locator("[name=shown]").get_attribute("value") == field.input_value() == kavo_id
        expect(page.locator("[data-told]")).to_contain_text(f"Gevonden: {name}")
        shown += 1
    report(orders=ORDERS, wrong=ORDERS - shown, slowest_ms=SLOWEST)


def slowly(page, route, chance):
    page.wait_for_timeout(chance.uniform(10, SLOWEST))
    route.continue_()


def test_who_waits_for_an_evaluation_comes_first_with_a_button(person):
    jonas = on_phone(person)
    jonas.log_in("jonas@kavo.test")
    jonas.link("Gekoppelde deelnemers")
    first = jonas.page.locator("table.list tbody tr").first
    expect(first).to_contain_text("Te beoordelen")
    expect(first.get_by_role("link", name="Beoordelen", exact=True)).to_be_visible()
    jonas.look()
