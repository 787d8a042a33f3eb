"""Postcodes: the main place of each, its other places, how people write one, and 'Klopt dit?' at every entry point."""

import csv
import re

import pytest

import config
from database import RuleError, postcodes
from database.searching import Search
from models import Proposal, Site
from operations import checks
from tests import factories as make
from tests.public_pages.test_registration import mailed, path_in, register, typed
from tests.visitor import Visitor
from times import utcnow
from workflow.sites import proposals, sites

TOWNS = """
Aalst 9300, Aarschot 3200, Aartselaar 2630, Antwerpen 2000, Asse 1730, Balen 2490, Beringen 3580, Beveren 9120, Bilzen 3740,
Blankenberge 8370, Boom 2850, Borgloon 3840, Bornem 2880, Brasschaat 2930, Brecht 2960, Bree 3960, Brugge 8000, Brussel 1000,
Deinze 9800, Dendermonde 9200, Diest 3290, Diksmuide 8600, Dilbeek 1700, Dilsen-Stokkem 3650, Duffel 2570, Edegem 2650, Eeklo
9900, Evergem 9940, Geel 2440, Genk 3600, Gent 9000, Geraardsbergen 9500, Grimbergen 1850, Haaltert 9450, Halle 1500, Hamme
9220, Harelbeke 8530, Hasselt 3500, Heist-op-den-Berg 2220, Herentals 2200, Herk-de-Stad 3540, Heusden-Zolder 3550,
Hoogstraten 2320, Houthalen-Helchteren 3530, Ieper 8900, Izegem 8870, Kapellen 2950, Knokke-Heist 8300, Kortrijk 8500, Lanaken
3620, Landen 3400, Lede 9340, Leuven 3000, Lier 2500, Lokeren 9160, Lommel 3920, Maaseik 3680, Maasmechelen 3630, Mechelen
2800, Menen 8930, Merelbeke 9820, Middelkerke 8430, Mol 2400, Mortsel 2640, Nieuwpoort 8620, Ninove 9400, Oostende 8400,
Oudenaarde 9700, Overijse 3090, Peer 3990, Poperinge 8970, Puurs 2870, Roeselare 8800, Ronse 9600, Scherpenheuvel-Zichem 3270,
Schoten 2900, Sint-Niklaas 9100, Sint-Truiden 3800, Stekene 9190, Temse 9140, Ternat 1740, Tervuren 3080, Tielt 8700, Tienen
3300, Tongeren 3700, Torhout 8820, Turnhout 2300, Veurne 8630, Vilvoorde 1800, Waregem 8790, Wervik 8940, Wetteren 9230,
Wevelgem 8560, Willebroek 2830, Zaventem 1930, Zele 9240, Zelzate 9060, Zoersel 2980, Zottegem 9620, Zwevegem 8550, Etterbeek
1040, Elsene 1050, Zwijndrecht 2070, Kruibeke 9150, Moerbeke 9180, Zonhoven 3520, Voeren 3790
"""


# ---- the list


@pytest.mark.parametrize("town", re.findall(r"\S+ \d{4}", TOWNS))
def test_a_postcode_fills_in_its_old_main_place(town):
    name, code = town.split()
    assert postcodes.places(code)[0] == postcodes.main_place(code) == name
    assert postcodes.nis(code, name)


def test_every_place_is_spelled_as_it_is_written_and_known_once_to_its_postcode():
    rows = list(csv.reader((config.PROJECT / "data/postcodes.csv").open(encoding="utf-8"), delimiter=";"))[1:]
    assert len({(code, name) for code, name, _, _ in rows}) == len(rows)
    for code, name, nis, kind in rows:
        assert re.fullmatch(r"[1-9]\d{3}", code)
        assert re.fullmatch(r"\d{5}", nis) or name == "Cargovil"  # in two municipalities
        assert re.fullmatch(
            r"(’s-|(De|Het|La) )?[A-Z][\w.]+((-| )(’t|op|den|de|het|aan|bij|in|boven|ten|la|[A-Z]\w+))*", name
        ), name
        assert postcodes.fits(code, name)
        assert kind in ("hoofdplaats", "plaats", "gemeente", "ook")
    firsts = {code: kind for code, _, _, kind in reversed(rows)}
    assert set(firsts.values()) == {"hoofdplaats"}
    assert sum(kind == "hoofdplaats" for *_, kind in rows) == len(firsts) == 543


def test_the_other_places_and_the_merged_municipality_are_offered_and_right():
    assert {"’s-Herenelderen", "Tongeren-Borgloon"} <= set(postcodes.places("3700"))
    assert {"Melsele", "Beveren-Waas", "Beveren-Kruibeke-Zwijndrecht"} <= set(postcodes.places("9120"))
    assert "Ixelles" not in postcodes.places("1050")
    assert postcodes.places("9999") == []


@pytest.mark.parametrize(
    "code, name, nis",
    [
        ("3700", "Tongeren", "73111"),
        ("3700", "tongeren-borgloon", "73111"),
        ("3700", "s herenelderen", "73111"),
        ("3700", "’s-Herenelderen", "73111"),
        ("9100", "ST.-NIKLAAS", "46021"),
        ("9030", "Mariakerke (Gent)", "44021"),
        ("9030", "Gent", "44021"),
        ("1050", "Ixelles", "21009"),
        ("1050", "Brussel", "21004"),
        ("9000", "Ge\u200bnt ", "44021"),
        ("9130", "Beveren", "46030"),
        ("1804", "Cargovil", None),
        ("9000", "Antwerpen", None),
        ("9999", "Gent", None),
        ("9000", "", None),
    ],
)
def test_the_nis_code_follows_from_postcode_and_place(code, name, nis):
    assert postcodes.nis(code, name) == nis


@pytest.mark.parametrize(
    "text, code, place",
    [
        ("9000", "9000", ""),
        ("B-9000", "9000", ""),
        ("b 9000", "9000", ""),
        ("BE 9000", "9000", ""),
        ("BE-9000", "9000", ""),
        ("B\u20139000", "9000", ""),
        (" 9\u200b000\u00a0", "9000", ""),
        ("9000 Gent", "9000", "Gent"),
        ("9000 gent", "9000", "Gent"),
        ("B-9000 Gent", "9000", "Gent"),
        ("9000, Gent", "9000", "Gent"),
        ("9000 - Gent", "9000", "Gent"),
        ("3665 As", "3665", "As"),
        ("2970 's-Gravenwezel", "2970", "’s-Gravenwezel"),
        ("2970 ’s Gravenwezel", "2970", "’s-Gravenwezel"),
        ("9000 Antwerpen", "9000", "Antwerpen"),
        ("9999 Nergens", "9999", "Nergens"),
    ],
)
def test_a_postcode_is_read_as_people_write_it(text, code, place):
    assert postcodes.read(text) == (code, place)
    site = make.site(postcode=text, municipality="" if place else "Gent")
    assert (site.postcode, site.municipality) == (code, place or "Gent")


@pytest.mark.parametrize(
    "text",
    ["900", "0900", "90000", "900x", "9000x", "1011 AB", "F-9000", "NL-1011", "Gent", "90 00", "９０００", "9000 9000"],
)
def test_only_a_belgian_postcode_is_accepted(text):
    with pytest.raises(RuleError, match="Een Belgische postcode heeft 4 cijfers"):
        make.site(postcode=text)


# ---- on the row


def test_the_nis_code_is_kept_by_every_save_and_a_row_from_before_is_left_until_then(now):
    manager, team = make.user(), make.user("team")
    site = make.site(manager)
    assert Site.get_by_id(site.id).nis == "44021"
    Site.update(nis=None).execute()
    assert Site.get_by_id(site.id).nis is None

    site = Site.get_by_id(site.id)
    values = {name: getattr(site, name) for name in Site.IDENTITY}
    proposal = proposals.propose(site, manager, now, **{**values, "postcode": "B-3700", "municipality": "Tongeren"})
    assert (Proposal.get().postcode, Proposal.get().nis) == ("3700", "73111")
    proposals.accept(proposal, team, now)
    assert (Site.get_by_id(site.id).postcode, Site.get_by_id(site.id).nis) == ("3700", "73111")

    Site.update(nis=None).execute()
    sites.close(Site.get_by_id(site.id), team, now, "Verhuisd.", cancel_running=False)
    assert Site.get_by_id(site.id).nis == "73111"
    site = Site.get_by_id(site.id)
    site.municipality = "Nergens"
    site.save()
    assert Site.get_by_id(site.id).nis is None


@pytest.mark.parametrize("text", ["9000", "B-9000", "BE 9000", "b9000 gent", "B-9000 Gent", "\u200b9000"])
def test_a_site_is_found_by_its_postcode_as_people_write_it(text):
    site, _ = make.site(), make.site(postcode="1000", municipality="Brussel")
    assert list(Site.select().where(Search(Site, text).condition())) == [site]


def test_check_data_counts_places_that_do_not_go_with_their_postcode_without_failing(app):
    make.site()
    make.site(postcode="9999", municipality="Nergens")
    assert list(checks.notes()) == []
    make.site(municipality="Antwerpen")
    make.site(postcode="3700", municipality="Hasselt")
    result = app.test_cli_runner().invoke(args=["check-data"])
    assert "Note: sites whose place does not go with their postcode: 2" in result.output
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "All invariants hold.")


# ---- at every form with the fields of a site


FIRST = {"recognition": "branch", "street": "Markt 1", "animator": "y", "periods": ["year"]}


def young(app):
    visitor = Visitor(app)
    visitor.get("/registreren/jongeren")
    return visitor, typed()


def further_site(app):
    visitor = Visitor(app, make.user(password=make.PASSWORD))
    visitor.get("/registreren/stageplaats")
    return visitor, {"name": "Tweede speelplein", **FIRST}


def submitted_again(app):
    site = register(utcnow())
    sites.reject(site, make.user("team"), utcnow(), "Het adres klopt niet.")
    visitor = Visitor(app)
    visitor.get(path_in(mailed("site_rejected")))
    return visitor, {}


def proposed(app):
    manager = make.user(password=make.PASSWORD)
    site = make.site(manager, postcode="1000", municipality="Brussel")
    visitor = Visitor(app, manager)
    visitor.get(f"/stageplaats/{site.id}/wijziging")
    return visitor, {}


def changed_by_the_team(app):
    site = make.site(postcode="1000", municipality="Brussel")
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    visitor.get(f"/stageplaatsen/edit/?id={site.id}")
    return visitor, {}


def added_by_the_team(app):
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    visitor.get("/stageplaatsen/new/")
    return visitor, {"name": "Nieuw speelplein", **FIRST}


def written():
    """Postcode, place and NIS code that the last form wrote."""
    rows = [*Proposal.select(), *Site.select().order_by(Site.id.desc())]
    return next(
        ((row.postcode, row.municipality, row.nis) for row in rows if row.postcode not in ("1000", "2800")), None
    )


every_door = pytest.mark.parametrize(
    "door", [young, further_site, submitted_again, proposed, changed_by_the_team, added_by_the_team]
)


@every_door
def test_a_place_of_another_postcode_is_asked_about_once_and_never_refused(app, door):
    visitor, values = door(app)
    visitor.send(**{**values, "postcode": "B-9000", "municipality": "Antwerpen"})
    told = visitor.page.select_one("#municipality-fout").get_text(strip=True)
    assert told.startswith("Klopt dit? Bij postcode 9000 hoort Gent. Je typte Antwerpen.")
    assert visitor.page.select_one("#postcode")["value"] == "9000"
    assert visitor.page.select_one("#municipality")["value"] == "Antwerpen"
    assert written() is None

    again = {name: value for name, value in values.items() if name in ("password", "again")}
    visitor.send(**again, municipality="Brugge")
    assert "Je typte Brugge." in visitor.text  # another pair is another question
    assert written() is None
    visitor.send(**again)
    assert written() == ("9000", "Brugge", None)


def test_resubmitting_after_going_back_is_not_questioned_again(app):
    visitor, values = young(app)
    form = visitor.page.select_one("main form[method=post]")
    for asked in (True, False):
        visitor.send(form, **{**values, "postcode": "9000", "municipality": "Antwerpen"})
        assert ("Klopt dit?" in visitor.text) is asked
    visitor.get("/registreren/jongeren")
    visitor.send(**{**values, "postcode": "9000", "municipality": "Antwerpen"})
    assert "Klopt dit?" in visitor.text


@every_door
@pytest.mark.parametrize(
    "address, kept",
    [
        (("9000", "Gent"), ("9000", "Gent", "44021")),
        (("B-9120", "Melsele"), ("9120", "Melsele", "46030")),
        (("9000 Gent", ""), ("9000", "Gent", "44021")),
        (("9999", "Nergens"), ("9999", "Nergens", None)),
        (("9999 Nergens", ""), ("9999", "Nergens", None)),
        (("9000 Brugge", "Gent"), ("9000", "Gent", "44021")),
    ],
)
def test_a_place_that_matches_its_postcode_is_not_asked_about(app, door, address, kept):
    visitor, values = door(app)
    assert not visitor.page.select("[name=municipality_asked]")
    visitor.send(**{**values, "postcode": address[0], "municipality": address[1]})
    assert written() == kept


@every_door
def test_a_postcode_fills_in_an_empty_place_to_check(app, door):
    visitor, values = door(app)
    visitor.send(**{**values, "postcode": "3700", "municipality": ""})
    assert visitor.page.select_one("#municipality")["value"] == "Tongeren"
    assert written() is None


@every_door
@pytest.mark.parametrize("postcode", ["900", "90000", "1011 AB", "Gent"])
def test_a_form_says_how_a_postcode_looks(app, door, postcode):
    visitor, values = door(app)
    visitor.send(**{**values, "postcode": postcode, "municipality": "Gent"})
    assert visitor.page.select_one("#postcode-fout").get_text(strip=True) == "Een Belgische postcode heeft 4 cijfers."
    assert not visitor.page.select("#municipality-fout")


def test_an_address_from_before_is_not_asked_about_when_something_else_changes(app):
    site = make.site(municipality="Antwerpen")
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    visitor.get(f"/stageplaatsen/edit/?id={site.id}")
    visitor.send(street="Markt 3")
    assert Site.get().street == "Markt 3"


def test_many_places_are_not_all_named_in_the_question():
    assert postcodes.question("3700", "Gent").startswith(
        "Klopt dit? Bij postcode 3700 horen Tongeren, Berg, Diets-Heur, Haren, Henis en nog 15 andere. Je typte Gent."
    )


def test_the_suggestions_begin_with_the_main_place(app):
    assert app.test_client().get("/postcodes?code=3700").json[0] == "Tongeren"
    assert app.test_client().get("/postcodes").json == []
