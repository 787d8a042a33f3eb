"""The manual, chapters 2.3 and 3.2, by the words on the screen, with real mail and a real OpenID Connect provider: our local one
and an independent, certified one."""

import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import expect

from local import demo
from tests.machines import free_port
from tests.post import link_in

pytestmark = pytest.mark.browser

both = pytest.mark.parametrize("width, script", [(1280, True), (360, False)], ids=["desk", "phone-no-script"])
OIDC = Path(__file__).parents[1] / "oidc"


def register_as_everybody(visitor, name):
    """Chapters 2.1 and 2.3: log in on the central page, then choose."""
    page = visitor.page
    page.goto("/")
    visitor.link("Registreren als stageplaatsverantwoordelijke")
    for words in ("CSAM", "www.itsme.be", "vraag online een nieuwe code aan", "1700", "02 553 69 73"):
        expect(page.get_by_role("link", name=words).first).to_be_visible()
    visitor.link("Registreren voor iedereen")
    visitor.be(name)
    expect(page.get_by_role("heading", name=f"Dag {name}")).to_be_visible()
    visitor.look()
    visitor.link("Stageplaatsverantwoordelijke")
    visitor.look()


def fill_in_site(visitor, name):
    page = visitor.page
    visitor.fill(
        Telefoonnummer="0470 12 34 56",
        Naam_van_de_stageplaats=name,
        Straat_en_nummer="Tuinstraat 8",
        Postcode="2800",
        Gemeente="Mechelen",
    )
    page.get_by_label("Soort erkenning").select_option("Erkend door een gemeente of de VGC")
    page.get_by_label("Animator", exact=True).check()
    page.get_by_label("Zomervakantie").check()
    expect(page.get_by_text("Als je op ‘Bevestigen’ klikt, aanvaard je deze verklaring.")).to_be_visible()


@both
def test_a_new_site_with_eid(person, post, width, script):
    """Chapter 2.3.1."""
    bram = person(width, script)
    page = bram.page
    register_as_everybody(bram, "Bram Wouters")
    bram.link("Een nieuwe stageplaats aanmaken")
    bram.look()
    bram.button("Bevestigen")
    expect(page.locator(".error-summary")).to_be_visible()
    bram.look()
    bram.fill(**{"E-mailadres": "bram@kavo.test"})
    fill_in_site(bram, "Speelplein De Wolk")
    bram.button("Bevestigen")

    expect(page.get_by_role("row").filter(has_text="Speelplein De Wolk")).to_contain_text("In behandeling")
    bram.look()
    page.goto(link_in(post.newest("bram@kavo.test", "Bevestig je e-mailadres")))
    bram.look()
    bram.button("Registratie voltooien")
    expect(page.get_by_text("Je e-mailadres is bevestigd.")).to_be_visible()
    bram.log_out()
    expect(page.get_by_role("link", name="Registreren als stageplaatsverantwoordelijke")).to_be_visible()
    bram.log_in_with_eid("Bram Wouters")
    expect(page.get_by_role("link", name="Speelplein De Wolk")).to_be_visible()


@both
def test_taking_a_site_over(person, post, width, script):
    """Chapter 2.3.2, and chapter 3.2 for the old manager, who answers without logging in."""
    bram, an = person(width, script), person(width, script)
    register_as_everybody(bram, "Bram Wouters")
    ask_for(bram, "Jeugdhuis De Kelder", email="bram@kavo.test")
    expect(bram.page.get_by_text("We vroegen het aan wie Jeugdhuis De Kelder nu beheert.")).to_be_visible()
    bram.look()

    link = link_in(post.newest("an@kavo.test", "Jeugdhuis De Kelder"))
    an.page.goto(link)
    expect(an.page.get_by_role("heading", name="Bram Wouters wil Jeugdhuis De Kelder van je overnemen")).to_be_visible()
    an.look()
    an.button("Goedkeuren")
    expect(an.page.locator(".error-summary")).to_contain_text("Vink aan dat je dit zelf beslist")
    an.look()
    an.page.get_by_label("Ik beslis dit zelf").check()
    an.button("Afkeuren")
    expect(an.page.locator(".error-summary")).to_contain_text("Schrijf waarom je afkeurt.")
    an.look()
    an.button("Goedkeuren")
    expect(an.page.get_by_role("heading", name="De overdracht is goedgekeurd")).to_be_visible()
    an.look()

    post.newest("bram@kavo.test", "Jij beheert nu Jeugdhuis De Kelder")
    post.newest("an@kavo.test", "Je beheert Jeugdhuis De Kelder niet meer")
    bram.link("Stageplaatsen")
    bram.link("Enkel eigen stageplaatsen")
    bram.act("Jeugdhuis De Kelder", "Deelnemers")
    expect(bram.page.get_by_role("row").filter(has_text="Emma Claes")).to_be_visible()
    an.log_in_with_eid("An Maes")
    expect(an.page.get_by_text("Jeugdhuis De Kelder")).to_have_count(0)
    an.link("Overdrachten")
    an.look()
    several(bram, post)


def ask_for(visitor, site, email=None):
    page = visitor.page
    visitor.link("Beheer overnemen")
    page.get_by_role("searchbox").fill(site.split()[-1].lower())
    visitor.button("Zoeken")
    visitor.look()
    visitor.link(site)
    visitor.look()
    if email:
        visitor.fill(**{"E-mailadres": email})
    visitor.fill(Telefoonnummer="0470 12 34 56")
    visitor.button("Bevestigen")


def several(bram, post):
    """A person may manage several sites: the manager of one requests another, and withdraws the request."""
    bram.link("Overdrachten")
    ask_for(bram, "Speelplein De Zandbak")
    bram.act("Speelplein De Zandbak", "Bekijken")
    bram.look()
    post.newest("jonas@kavo.test", "Speelplein De Zandbak")
    bram.button("Intrekken")
    expect(bram.page.get_by_text("De overdracht is ingetrokken.")).to_be_visible()
    post.newest("jonas@kavo.test", "Je hoeft niet meer te antwoorden")


@both
def test_under_18_one_takes_over_with_a_password(person, post, width, script):
    noor, jonas = person(width, script), person(width, script)
    page = noor.page
    page.goto("/")
    noor.link("Registreren als stageplaatsverantwoordelijke")
    noor.link("Registreren voor jongeren -18")
    noor.link("Beheer overnemen")
    page.get_by_role("searchbox").fill("zandbak")
    noor.button("Zoeken")
    noor.link("Speelplein De Zandbak")
    noor.look()
    noor.fill(
        Voornaam="Noor",
        Naam="Jacobs",
        Telefoonnummer="0470 12 34 56",
        Geboortedatum="2010-03-12",
        Wachtwoord="Speel2026",
        Wachtwoord_herhalen="Speel2026",
        **{"E-mailadres": "noor@kavo.test"},
    )
    noor.button("Bevestigen")
    expect(page.get_by_role("heading", name="Bijna klaar: kijk in je mailbox")).to_be_visible()
    noor.look()
    page.goto(link_in(post.newest("noor@kavo.test", "Bevestig je e-mailadres")))
    noor.button("Registratie voltooien")
    expect(page.get_by_text("We vroegen het aan wie Speelplein De Zandbak nu beheert.")).to_be_visible()

    jonas.log_in("jonas@kavo.test")
    jonas.link("Overdrachten")
    jonas.act("Speelplein De Zandbak", "Bekijken")
    jonas.look()
    jonas.button("Goedkeuren")
    expect(jonas.page.get_by_text("De overdracht is goedgekeurd.")).to_be_visible()
    jonas.look()
    noor.fill(Wachtwoord="Speel2026", **{"E-mailadres": "noor@kavo.test"})
    page.get_by_role("main").get_by_role("button", name="Aanmelden", exact=True).click()
    expect(page.get_by_role("link", name="Speelplein De Zandbak")).to_be_visible()


@both
def test_a_manager_who_turned_18_links_an_eid_and_continues(person, width, script):
    lore = person(width, script)
    lore.log_in("lore@kavo.test")
    expect(lore.page.get_by_role("heading", name="Je eID koppelen")).to_be_visible()
    expect(lore.page.get_by_text("daarna kun je niet meer aanmelden met je e-mailadres en wachtwoord")).to_be_visible()
    lore.look()
    lore.button("Mijn eID koppelen")
    lore.be("Lore Claes")
    expect(lore.page.get_by_text("Je eID is gekoppeld.")).to_be_visible()
    lore.link("Mijn gegevens")
    lore.look()


def test_a_person_with_a_contradicting_eid_hears_from_the_team(person, post):
    jonas, kim = person(), person()
    jonas.log_in("jonas@kavo.test")
    jonas.link("Mijn gegevens")
    jonas.link("eID koppelen")
    jonas.button("Mijn eID koppelen")
    jonas.be("Bram Wouters")
    expect(jonas.page.get_by_text("Deze eID past niet bij je account.")).to_be_visible()
    kim.log_in("team@kavo.test")
    kim.link("Jonas Maes")
    kim.look()
    kim.button("Niet koppelen")
    expect(kim.page.locator(".error-summary")).to_contain_text("Schrijf waarom je niet koppelt.")
    kim.fill(Reden="Dit is de eID van iemand anders.")
    kim.button("Niet koppelen")
    expect(kim.page.get_by_text("De eID is niet gekoppeld.")).to_be_visible()
    post.newest("jonas@kavo.test", "Je eID is niet gekoppeld")


@pytest.mark.parametrize("script", [True, False])
def test_cancelling_at_the_provider_leads_to_help(person, script):
    """Chapter 3.2: help when something does not work."""
    visitor = person(1280, script)
    visitor.log_in_with_eid("Annuleren")
    expect(visitor.page.get_by_role("heading", name="Je brak het aanmelden af")).to_be_visible()
    for words in ("CSAM", "www.itsme.be", "vraag online een nieuwe code aan", "1700", "Hulp nodig"):
        expect(visitor.page.get_by_role("main").get_by_role("link", name=words).first).to_be_visible()
    visitor.look()
    visitor.link("Opnieuw proberen")
    visitor.be("An Maes")
    expect(visitor.page.get_by_role("link", name="Jeugdhuis De Kelder")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_a_successor_and_the_screens_of_the_team(person, post, width):
    an, bram, kim = person(width), person(width), person(width)
    an.log_in_with_eid("An Maes")
    an.link("Stageplaatsen")
    an.link("Enkel eigen stageplaatsen")
    an.act("Jeugdhuis De Kelder", "Opvolger aanduiden")
    an.look()
    an.page.get_by_label("E-mailadres van je opvolger").fill("opvolger@kavo.test")
    an.button("E-mail versturen")
    an.look()
    bram.page.goto(link_in(post.newest("opvolger@kavo.test", "Jeugdhuis De Kelder")))
    bram.look()
    bram.link("Aanvaarden met eID")
    bram.be("Bram Wouters")
    bram.look()
    bram.fill(Telefoonnummer="0470 12 34 56", **{"E-mailadres": "opvolger@kavo.test"})
    bram.page.get_by_label("Ik beslis dit zelf").check()
    bram.button("Aanvaarden")
    expect(bram.page.get_by_text("Jij beheert nu Jeugdhuis De Kelder.")).to_be_visible()

    kim.log_in("team@kavo.test")
    kim.page.get_by_role("main").get_by_role("listitem").filter(has_text="Overdracht").get_by_role("link").first.click()
    kim.look()
    kim.fill(Reden="Niemand antwoordde.")
    kim.button("Goedkeuren")
    expect(kim.page.get_by_text("De overdracht is goedgekeurd.")).to_be_visible()
    kim.look()
    kim.page.goto("/klok/")
    kim.look()


# ---- an independent provider


@pytest.fixture
def strict_port():
    return free_port()


@pytest.fixture
def with_strict_provider(strict_port, port, tmp_path):
    """oidc-provider from npm, with the tool registered by its address."""
    if not (OIDC / "node_modules" / "oidc-provider").exists() or not shutil.which("node"):
        pytest.fail("no oidc-provider: run tests/oidc/install.sh") if os.environ.get("CI") == "true" else pytest.skip()
    people = {
        "bram": {"given_name": "Bram", "family_name": "Wouters", "rrn": demo.national_number(date(1990, 3, 8), 101)}
    }
    command = ["node", "op.mjs", str(strict_port), f"http://localhost:{port}", json.dumps(people)]
    process = subprocess.Popen(command, cwd=OIDC, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline().strip() == "ready"
    yield
    process.kill()
    process.wait()


class TestWithAnIndependentProvider:
    @pytest.fixture
    def provider_settings(self, strict_port, with_strict_provider):
        return {
            "KAVO_EID_ISSUER": f"http://localhost:{strict_port}",
            "KAVO_EID_CLIENT_ID": "kavo",
            "KAVO_EID_CLIENT_SECRET": "a-secret-of-the-test",
        }

    @staticmethod
    def log_in(visitor):
        page = visitor.page
        page.locator("input[name=login]").fill("bram")
        page.locator("input[name=password]").fill("x")
        page.get_by_role("button", name="Sign-in").click()
        page.get_by_role("button", name="Continue").click()

    @pytest.mark.parametrize("script", [True, False])
    def test_register_log_out_and_log_in_again(self, person, post, script):
        bram = person(1280, script)
        page = bram.page
        page.goto("/registreren")
        bram.link("Registreren voor iedereen")
        self.log_in(bram)
        bram.link("Stageplaatsverantwoordelijke")
        ask_for(bram, "Jeugdhuis De Kelder", email="bram@kavo.test")
        expect(page.get_by_text("We vroegen het aan wie Jeugdhuis De Kelder nu beheert.")).to_be_visible()
        bram.log_out()
        page.get_by_role("button", name="Yes, sign me out").click()
        expect(page.get_by_role("link", name="Registreren als stageplaatsverantwoordelijke")).to_be_visible()
        page.get_by_role("navigation").get_by_role("link", name="Aanmelden met eID").click()
        self.log_in(bram)
        expect(page.get_by_role("heading", name="Je hebt nog geen stageplaats")).to_be_visible()

    def test_a_person_who_gives_up_halfway_finds_help(self, person):
        bram = person()
        bram.page.goto("/aanmelden-met-eid")
        bram.page.get_by_role("link", name="[ Cancel ]").click()
        expect(bram.page.get_by_role("heading", name="Je brak het aanmelden af")).to_be_visible()
