"""Accessibility and security that only a real browser shows: the manual by keyboard alone, the Back button after logging out,
colours under the mouse, reduced motion, letter spacing, print."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import AXE
from tests.post import link_in

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).parent


def type_in(person, label, text):
    person.go_to(label)
    person.page.keyboard.type(text)


def press(person, name):
    """Press Enter on a link or a button that leads to another page."""
    person.go_to(name)
    with person.page.expect_navigation():
        person.page.keyboard.press("Enter")


ON_MENU = """row => document.activeElement.tagName === 'SUMMARY'
    && !!document.activeElement.closest('tr')?.textContent.includes(row)"""


def open_menu(person, row, entry):
    """Open 'Acties' of the row with this text and choose an entry, with Tab and Enter alone."""
    page = person.page
    page.wait_for_load_state()
    page.evaluate("document.activeElement.blur()")
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate(ON_MENU, row):
            page.keyboard.press("Enter")
            press(person, entry)
            return
    raise AssertionError(f"Tab never comes to Acties of {row}")


def type_day(person, label, days_ago):
    """Type into a date field, in the order of its parts in this browser."""
    day, keys = date.today() - timedelta(days=days_ago), person.page.keyboard
    person.go_to(label)
    for order in ("%d%m%Y", "%m%d%Y"):
        for key in ("ArrowLeft", "ArrowLeft"):
            keys.press(key)
        keys.type(day.strftime(order))
        if person.page.evaluate("document.activeElement.value") == str(day):
            return
    raise AssertionError(f"{label} does not take {day}")


def test_the_manual_from_logging_in_to_finding_back_by_keyboard_alone(person):
    """Chapters 3.1, 4, 5 and 6."""
    jonas = person()
    page, keys = jonas.page, jonas.page.keyboard
    page.goto("/")
    press(jonas, "Aanmelden zonder eID")
    type_in(jonas, "E-mailadres", "jonas@kavo.test")
    type_in(jonas, "Wachtwoord", "Kadervorming1")
    press(jonas, "Aanmelden")
    press(jonas, "Stageplaatsen")
    press(jonas, "Enkel eigen stageplaatsen")
    open_menu(jonas, "Speelplein De Zandbak", "Deelnemers")
    type_in(jonas, "KAVO-ID", "125143-59")
    keys.press("Enter")
    expect(page.get_by_text("Nog 50 van 50 uur").first).to_be_visible()
    assert page.evaluate("document.activeElement.name") == "hours", "the focus goes to what comes next"
    keys.type("51")
    with page.expect_navigation():
        keys.press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    type_in(jonas, "Aantal uren", "30")
    press(jonas, "Deelnemer toevoegen")
    expect(page.locator(".notice.good")).to_contain_text("Lotte Peeters is toegevoegd voor 30 uur.")
    assert page.locator(".notice.good").get_attribute("role") == "status"

    open_menu(jonas, "Lotte Peeters", "Beoordelen")
    type_in(jonas, "Stagebegeleider", "Eline Wouters")
    jonas.go_to("De stagebegeleider heeft")
    keys.press("ArrowDown")
    type_day(jonas, "Begindatum", 9)
    type_day(jonas, "Einddatum", 1)
    type_in(jonas, "Gepresteerde uren", "30")
    jonas.go_to("Positief")
    keys.press("Space")
    type_in(jonas, "Motivering", "Lotte werkte vlot mee.")
    press(jonas, "Beoordeling bewaren")
    expect(page.get_by_role("row").filter(has_text="Lotte Peeters").first).to_contain_text("Positief")

    press(jonas, "Gekoppelde deelnemers")
    page.get_by_role("heading", name="Gekoppelde deelnemers").wait_for()
    type_in(jonas, "Zoek op naam of KAVO-ID", "peeters")
    with page.expect_navigation():
        keys.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    open_menu(jonas, "Lotte Peeters", "Trajectgeschiedenis")
    expect(page.get_by_text("Jonas Maes beoordeelde de stage van Lotte Peeters")).to_be_visible()
    press(jonas, "Afmelden")
    expect(page.get_by_role("navigation").get_by_role("link", name="Aanmelden zonder eID")).to_be_visible()


def test_taking_a_site_over_and_answering_by_keyboard_alone(person, post):
    """Chapter 2.3.2."""
    bram = person()
    page = bram.page
    page.goto("/")
    press(bram, "Aanmelden met eID")
    press(bram, "Bram Wouters")
    press(bram, "Stageplaatsverantwoordelijke")
    press(bram, "Beheer overnemen")
    type_in(bram, "Zoek op naam of gemeente", "Kelder")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    press(bram, "Kiezen Jeugdhuis De Kelder" if page.get_by_text("Kiezen Jeugdhuis De Kelder").count() else "Kiezen")
    type_in(bram, "E-mailadres", "bram@kavo.test")
    type_in(bram, "Telefoonnummer", "0470 12 34 56")
    press(bram, "Bevestigen")
    mail = post.newest("an@kavo.test")
    an = person()
    an.page.goto(link_in(mail))
    an.go_to("Ik beslis dit zelf")
    an.page.keyboard.press("Space")
    press(an, "Goedkeuren")
    expect(an.page.get_by_role("heading").first).to_be_visible()
    assert "Fout" not in an.page.title()


def test_after_logging_out_the_back_button_shows_nothing(person):
    kim = person()
    page = kim.page
    kim.log_in("team@kavo.test")
    page.goto("/accounts/")
    expect(page.get_by_text("jonas@kavo.test")).to_be_visible()
    kim.log_out()
    page.go_back()
    page.wait_for_load_state()
    page.wait_for_timeout(300)
    assert page.get_by_text("jonas@kavo.test").count() == 0


CONTRAST = """() => axe.run(document, {runOnly: ['color-contrast', 'color-contrast-enhanced'].slice(0, 1)})
    .then(found => found.violations.flatMap(one => one.nodes.map(node => node.html.slice(0, 160))))"""


@pytest.mark.parametrize(
    "path",
    ["/te-behandelen/", "/stageplaatsen/", "/mijn-gegevens"],
)
def test_colours_hold_under_the_mouse_and_with_the_focus(person, path):
    """One link, button and field of each kind: axe checks it under the mouse, and with the focus."""
    kim = person()
    page = kim.page
    kim.log_in("team@kavo.test")
    page.goto(path)
    page.emulate_media(reduced_motion="reduce")  # so that no colour is in transition
    page.evaluate(AXE)
    kinds, seen = [], set()
    for one in page.locator("a:not(.skip), button, summary, input:not([type=hidden]), select").all():
        kind = one.evaluate(
            "at => at.tagName + at.className + (at.parentElement.className || at.parentElement.tagName)"
        )
        if kind not in seen and one.is_visible():
            seen.add(kind)
            kinds.append(one)
    assert len(kinds) > 5
    for one in kinds:
        one.hover(force=True)
        assert page.evaluate(CONTRAST) == [], f"under the mouse: {one}"
        one.focus()
        assert page.evaluate(CONTRAST) == [], f"with the focus: {one}"


RATIOS = """() => [...document.querySelectorAll('.off, [disabled], [aria-disabled=true]')].map(at => {
    const clear = at => getComputedStyle(at).backgroundColor.endsWith(', 0)');
    const light = rgb => rgb.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
        .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
    let back = at;
    while (back.parentElement && clear(back)) back = back.parentElement;
    const a = light(getComputedStyle(at).color);
    const b = light(clear(back) ? 'rgb(255, 255, 255)' : getComputedStyle(back).backgroundColor);
    return [at.textContent.trim(), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)] })"""


def test_disabled_elements_stay_readable(person):
    """On the first page 'Vorige' is disabled, yet as readable as the rest (axe skips disabled elements)."""
    kim = person()
    kim.log_in("team@kavo.test")
    kim.page.goto("/geschiedenis/")
    colours = kim.page.evaluate(RATIOS)
    assert colours
    assert [(text, ratio) for text, ratio in colours if ratio < 4.5] == []


SPACED = """() => { const sheet = new CSSStyleSheet();
    sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
        p { margin-bottom: 2em !important }`);
    document.adoptedStyleSheets = [sheet] }"""
CUT = """() => [...document.querySelectorAll('main *, header *')].filter(at => {
    const style = getComputedStyle(at);
    const shown = at.textContent.trim() && at.checkVisibility() && !at.closest('.visually-hidden, .skip, .stack thead');
    return shown && !['visible', 'auto'].includes(style.overflowX) && at.scrollWidth > at.clientWidth + 1
}).map(at => at.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_is_cut_off_when_letters_stand_apart(person, width):
    """WCAG 1.4.12."""
    kim = person(width)
    kim.log_in("team@kavo.test")
    for path in (
        "/te-behandelen/",
        "/stageplaatsen/",
        "/stageplaatsen/details/?id=1",
        "/accounts/new/",
        "/klok/",
        "/rechten/",
    ):
        kim.page.goto(path)
        kim.page.evaluate(SPACED)
        wide, there = kim.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= there, path
        assert kim.page.evaluate(CUT) == [], path


MOVING = """[...document.querySelectorAll('*')].map(at => getComputedStyle(at))
    .filter(style => parseFloat(style.transitionDuration) > 0 || parseFloat(style.animationDuration) > 0).length"""


def test_reduced_motion_is_respected_and_print_shows_only_the_content(person):
    kim = person()
    page = kim.page
    kim.log_in("team@kavo.test")
    page.goto("/stageplaatsen/")
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(MOVING) == 0
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Hoofdmenu")).to_be_hidden()
    expect(page.get_by_role("button", name="Zoeken")).to_be_hidden()
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    page.goto("/trajecten/details/?id=1")
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_visible()


BY_CLICKS = {
    "security.reset_password",
    "security.two_factor_token_validation",
    "security.mf_recovery",
    "security.tf_select",
    "security.wan_register",
    "security.wan_signin",
    "security.wan_verify",
    "security.verify",
    "security.mf_recovery_codes",
    "second_step.app",
    "account.choose_password",
    "account.evaluation",
    "eid.choice",
    "eid.manager",
    "eid.new_site",
    "eid.link",
    "registration.answer",
    "registration.withdraw",
    "registration.submit_again",
    "registration.further_site",
    "registration.thanks",
    "account.onward",
    "take_over.thanks",
    "mailed_links.follow",
    "mailed_links.new_link",
    "take_over.offer",
    "attest.show",
    "importing.show",
    "application.proposal",
    "link_request.show",
    "placement.cancel",
    "placement.edit_view",
    "site_change.close",
}
"""pages that a test reaches by clicking, since they need a state; it calls `look` there"""
NO_PAGES = {
    "pages.after_login",
    "eid.log_in",
    "eid.again",
    "eid.out",
    "registration.postcodes",
    "registration.sent_to_eid",
    "registration.everybody",
    "attest.file",
    "importing.result",
    "overview.export",
    "account.insight_data",
    "insight.data",
    "site.export_participants",
    "todo.static",
    "security.static",
    "static",
    "application.index",
    "link_request.index",
    "site_change.index",
    "bulk.index",
    "undoing.index",
    "saved_view.index",
    "insight.index",
}
"""redirects, files and data"""


def test_every_page_is_checked_in_a_browser(app):
    """Add a new page to a list of test_team or test_registration, or to BY_CLICKS with the test that reaches it."""
    from identity import second_step

    texts = "\n".join(path.read_text("utf-8") for path in FOLDER.glob("test_*.py"))
    paths = {found.partition("?")[0] for found in re.findall(r"[\"'`](/[\w./-]*\??[^\"'`\s]*)[\"'`]", texts)}
    views = {view.endpoint: view for view in app.extensions["admin"][0]._views}
    flags = {"create_view": "can_create", "edit_view": "can_edit", "details_view": "can_view_details"}
    missing = set()
    for rule in app.url_map.iter_rules():
        made = rule.endpoint.endswith(("export", "ajax_lookup", "attest")) or rule.endpoint in second_step.NOT_OURS
        noun, _, page = rule.endpoint.partition(".")
        if noun in ("ready", "attested") and page != "index_view":
            continue  # pages of trajectories under another URL
        off = page in flags and not getattr(views.get(noun), flags[page], True)
        if "GET" not in rule.methods or rule.endpoint in BY_CLICKS | NO_PAGES or made or off:
            continue
        pattern = re.compile(re.sub(r"<(?:\w+:)?\w+>", "[^/]+", rule.rule) + "$")
        if not any(pattern.match(path) for path in paths):
            missing.add(f"{rule.endpoint} {rule.rule}")
    assert missing == set()
