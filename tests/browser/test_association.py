"""The work of an association from its staff's side: import, couple by pasting, evaluate on one page, final evaluation; then the
team releases the attests, one is downloaded and its code is verified. Each task reports its clicks and seconds."""

import re
import time
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.post import link_in

pytestmark = pytest.mark.browser
TODAY = date.today()


def belgian(day):
    return f"{day:%d/%m/%Y}"


def people(count):
    born, started = TODAY - timedelta(days=17 * 366), TODAY - timedelta(days=100)
    lines = [
        f"{700000 + number}-{number % 100:02};Kind{number};Van de Test;{belgian(born)};kind{number}@kavo.test;;animator;"
        f"{belgian(started)}"
        for number in range(count)
    ]
    return "kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus\r\n" + "\r\n".join(lines) + "\r\n"


class Tasks:
    """The clicks and seconds of a task."""

    def __init__(self, page):
        self.page, self.done = page, []

    def __call__(self, name, *steps):
        """Run steps that are one click each (or typing, which counts as none)."""
        begun, clicks = time.monotonic(), 0
        for step in steps:
            step()
            clicks += getattr(step, "clicks", 0)
        self.page.wait_for_load_state()
        self.done.append(f"{name}: {clicks} clicks, {time.monotonic() - begun:.1f} s")


def click(locator):
    def step():
        locator.click()

    step.clicks = 1
    return step


def in_menu(one, words):
    """Click a link of the bar, which on a narrow screen is in its menu."""

    def step():
        step.clicks = 1 + one.open_menu()
        one.page.get_by_role("banner").get_by_role("link", name=words, exact=True).click()

    return step


def tick(page, script, count):
    """Tick the first rows; with JavaScript by ticking all and unticking the rest."""
    boxes = page.locator("td.tick input")

    def step():
        expect(boxes.first).to_be_visible()
        if script:
            page.get_by_label("Kies alles op deze pagina").check()
        others = range(count, boxes.count()) if script else range(count)
        for number in others:
            boxes.nth(number).set_checked(not script)
        step.clicks = len(others) + script

    return step


@pytest.mark.parametrize(
    "width, script, imported, coupled, evaluated", [(1280, True, 200, 50, 20), (360, False, 30, 6, 5)]
)
def test_the_work_of_an_association_from_import_to_attest(
    person, tmp_path, capsys, width, script, imported, coupled, evaluated
):
    one = person(width, script)
    page, file = one.page, tmp_path / "lijst.csv"
    file.write_bytes(people(imported).encode("cp1252"))
    link = lambda words: page.get_by_role("link", name=words, exact=True).first  # noqa: E731
    button = lambda words: page.get_by_role("button", name=words, exact=True)  # noqa: E731
    task = Tasks(page)
    one.log_in("vereniging@kavo.test")
    one.look()

    task(
        f"import {imported}",
        click(link("Deelnemers importeren")),
        lambda: page.get_by_label("CSV-bestand").set_input_files(file),
        click(button("Nakijken")),
        one.look,
        click(button(f"{imported} regels importeren")),
    )
    expect(page.get_by_text("Geïmporteerd", exact=True)).to_be_visible()
    one.look()

    pasted = "\n".join(f"{700000 + number}-{number % 100:02}" for number in range(coupled))
    begin, end = TODAY - timedelta(days=40), TODAY - timedelta(days=20)
    task(
        f"couple {coupled} by paste",
        in_menu(one, "Stageplaatsen"),
        lambda: page.get_by_label("Zoek op naam of gemeente").fill("zandbak"),
        click(button("Zoeken")),
        click(page.locator("summary", has_text="Acties").first),
        click(page.locator("details.row-menu[open]").get_by_role("link", name="Deelnemers")),
        click(link("Meerdere deelnemers tegelijk toevoegen")),
        one.look,
        lambda: one.fill(
            **{
                "KAVO-ID’s": pasted,
                "Aantal_uren": "50",
                "Verwachte_begindatum": begin.isoformat(),
                "Verwachte_einddatum": end.isoformat(),
            }
        ),
        click(button("Opzoeken")),
        one.look,
        click(button("Deelnemers toevoegen")),
    )
    expect(page.get_by_text(f"{coupled} van {coupled} toegevoegd")).to_be_visible()
    one.look()

    task(
        f"evaluate {evaluated} on one page",
        in_menu(one, "Gekoppelde deelnemers"),
        lambda: page.get_by_label("Zoek op naam of KAVO-ID").fill("van de test"),
        click(button("Zoeken")),
        tick(page, script, evaluated),
        click(button("Uitvoeren")),
        click(button("Zet iedereen op Positief")),
        one.look,
        lambda: page.get_by_label("Stagebegeleider", exact=True).fill("Eline Wouters"),
        lambda: page.get_by_label("De stagebegeleider heeft").select_option("instructor"),
        click(button("Beoordelingen bewaren")),
    )
    expect(page.get_by_text(f"{evaluated} stages beoordeeld.")).to_be_visible()

    task(
        f"final evaluation of {evaluated}",
        in_menu(one, "Klaar voor eindevaluatie"),
        one.look,
        lambda: page.get_by_label("Zoek op naam of KAVO-ID").fill("van de test"),
        click(button("Zoeken")),
        tick(page, script, evaluated),
        click(button("Uitvoeren")),
        one.look,
        click(page.get_by_label("Geslaagd", exact=True)),
        lambda: one.fill(Datum_evaluatie=TODAY.isoformat()),
        click(button("Bevestigen")),
    )
    expect(page.get_by_text(f"{evaluated} eindevaluaties bewaard: geslaagd.")).to_be_visible()
    one.log_out()

    one.log_in("team@kavo.test")
    one.open_menu()
    page.get_by_text("Beheer", exact=True).click()
    task(
        f"the team releases {evaluated} attests",
        click(link("Attesten")),
        one.look,
        lambda: page.get_by_label("Zoek op naam of KAVO-ID").fill("van de test"),
        click(button("Zoeken")),
        tick(page, script, evaluated),
        lambda: page.get_by_label("Met wat je aanvinkte").select_option(label="Attest uitreiken"),
        click(button("Uitvoeren")),
        one.look,
        click(button("Attest uitreiken")),
    )
    expect(page.get_by_text(f"{evaluated} trajecten klaar")).to_be_visible()
    page.goto("/overzicht/")
    one.look()
    one.log_out()

    one.log_in("vereniging@kavo.test")
    one.link("Trajecten")
    page.get_by_label("Zoek op naam of KAVO-ID").fill("kind0")
    button("Zoeken").click()
    one.act("Kind0 Van de Test", "Trajectgeschiedenis")
    one.look()
    code = re.search(r"code ([A-Z0-9-]{19})", page.locator("main").inner_text())[1]

    def download():
        with page.expect_download() as taken:
            link("Attest downloaden").click()
        assert taken.value.path().read_bytes().startswith(b"%PDF")

    download.clicks = 1
    task("download an attest", download)
    one.log_out()

    page.goto("/attest-nakijken")
    task("check its code", lambda: page.get_by_label("Code van het attest").fill(code), click(button("Nakijken")))
    expect(page.get_by_text("Geldig.", exact=True)).to_be_visible()
    one.look()
    with capsys.disabled():
        print(f"\n{width} pixels, {'with' if script else 'without'} JavaScript:", *task.done, sep="\n  ")


def test_a_participant_takes_the_attest_by_the_link_in_the_mail(person, post):
    one = person(360, False)
    page = one.page
    one.log_in("team@kavo.test")
    page.goto("/attesten/?tab=passed")
    for box in page.locator("td.tick input").all():
        box.check()
    page.get_by_label("Met wat je aanvinkte").select_option(label="Attest uitreiken")
    one.button("Uitvoeren")
    one.button("Attest uitreiken")
    expect(page.get_by_text("het attest is uitgereikt").first).to_be_visible()
    one.log_out()

    for _ in range(100):
        if mails := [mail for mail in post.mails if mail["Subject"] == "Proficiat, je bent animator"]:
            break
        time.sleep(0.1)
    page.goto(link_in(mails[0]))
    one.look()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Attest downloaden (PDF)").click()
    assert taken.value.path().read_bytes().startswith(b"%PDF")
