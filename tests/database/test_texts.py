"""Input is stored, validated and found in one normal form, whatever the entry point."""

import io
import json
import unicodedata
from datetime import datetime

import pytest

import migrations
from database import LongText, RuleError, Typed, database, normalise, readings, searchable
from database.searching import Search
from database.texts import tidy, tidy_lines
from models import TABLES, Association, Attest, Participant, Site, SiteMessage, User
from operations import checks
from tests import factories as make
from tests.public_pages.test_registration import fill_in
from tests.visitor import Visitor
from workflow.accounts import eid_answers
from workflow.imports import batches
from workflow.sites import sites
from workflow.stages import attests, certificates, finals, trajectories

TYPED = {
    f"{model._meta.table_name}.{field.column_name}": (model, field)
    for model in TABLES
    for field in model._meta.sorted_fields
    if isinstance(field, Typed)
}
NEEDED = {name: pair for name, pair in TYPED.items() if pair[1].required}
INPUTS = {
    "  Jan  ": "Jan",
    "\u202eJan": "Jan",
    "Jan\u200bPiet": "JanPiet",
    "Jan\u00adPiet": "JanPiet",
    "Jan\u00a0Piet": "Jan Piet",
    "Jan \u2003 Piet": "Jan Piet",
    "\ufeffJan": "Jan",
    "Zoe\u0308": "Zo\u00eb",
    "Jan\tPiet": "Jan Piet",
    "Jan\u2028": "Jan",
    "\u2066Jan\u2069": "Jan",
    "Ja\x00n": "Jan",
    "\u2800Jan": "Jan",
    "Jan": "Jan",
    "": "",
    "\u200b": "",
    "A\u0308\u0323": "Ạ\u0308",
}
BLANKS = ["", "   ", "\u00a0", "\u200b", "\u2800", "\u3164", "\u00ad", "-", "...", "\u202e", "\u0301", "?", "\x00"]


@pytest.mark.parametrize("typed, kept", INPUTS.items(), ids=map(ascii, INPUTS))
def test_every_column_that_a_person_types_brings_its_text_into_one_form(typed, kept):
    for name, (model, field) in TYPED.items():
        row = model()
        setattr(row, field.name, typed)
        row.tidy()
        assert getattr(row, field.name) == field.db_value(typed) == kept, name


@pytest.mark.parametrize("name", [name for name, (_, field) in TYPED.items() if field.tidy is tidy_lines])
def test_lines_stay_lines(name):
    model, field = TYPED[name]
    row = model()
    setattr(row, field.name, " een\u200b \r\ntwee\n\n\n\ndrie ")
    row.tidy()
    assert getattr(row, field.name) == field.db_value(" een\r\ntwee\n\n\n\ndrie") == "een\ntwee\n\ndrie"


@pytest.mark.parametrize("text", BLANKS, ids=ascii)
@pytest.mark.parametrize("name", NEEDED)
def test_required_text_holds_a_visible_letter_or_digit(name, text):
    model, field = NEEDED[name]
    row = model()
    setattr(row, field.name, text)
    row.tidy()
    with pytest.raises(RuleError) as refused:
        row.check_storable()
    assert refused.value.field == field.name
    for good in ("1", "é", " \u200bx"):
        setattr(row, field.name, good)
        row.tidy()
        row.check_storable()


def test_no_entry_point_of_the_database_bypasses_it():
    association = make.association(name="  Kazou\u200b ")
    assert Association.select().where(Association.name == "Kazou ").get() == association
    Association.update(name="Zoe\u0308 \u00a0vzw").execute()
    Association.insert(name="\u202eSpeelkaravaan ", search="x").execute()
    association.name = "  "
    with pytest.raises(RuleError, match="Typ de naam van de vereniging"):
        association.save()

    assert [one.name for one in Association.select().order_by(Association.id)] == ["Zoë vzw", "Speelkaravaan"]


def test_a_rule_judges_what_is_kept():
    """A name may not occur twice, however it is typed; and a change of state is validated like a save."""
    make.association(name="Zoë vzw")
    with pytest.raises(RuleError, match="Er is al een vereniging"):
        make.association(name="Zoe\u0308\u200b  vzw")
    site = make.site()
    site.move("closed", reason=" Geen \u202eploeg meer ")
    assert Site.get().reason == "Geen ploeg meer"


def test_rows_from_before_are_left_as_they_are_and_listed():
    association, site = make.association(), make.site()
    database.execute_sql("UPDATE association SET name = ' Oud\u200b '")
    database.execute_sql("UPDATE site SET street = '-'")
    old = Association.get()
    assert old.name == " Oud\u200b "
    old.active = False
    old.save()
    site = Site.get()
    site.phone = "0470 12 34 56"
    site.save()

    assert Association.get().name == " Oud\u200b "
    assert (old.id, site.street) == (association.id, "-")
    assert set(checks.notes()) == {
        "association.name: 1 texts would be kept otherwise today",
        "site.street: 1 texts would be refused today",
    }


def test_the_notes_of_the_checks_are_no_breaches(app):
    make.association()
    database.execute_sql("UPDATE association SET email = ' a@kavo.test'")
    database.close()
    result = app.test_cli_runner().invoke(args=["check-data"])

    assert result.exit_code == 0
    assert "Note: association.email: 1 texts would be kept otherwise today" in result.output


@pytest.mark.parametrize("text", ["   ", "\u200b", "-"], ids=ascii)
def test_a_verb_asks_for_a_reason_that_says_something(now, text):
    team, site = make.user("team"), make.site(manager=make.user())
    with pytest.raises(RuleError, match="Schrijf waarom"):
        sites.close(site, team, now, text, cancel_running=False)
    with pytest.raises(RuleError, match="Schrijf waarom"):
        trajectories.stop(make.trajectory(), team, now, text)
    with pytest.raises(RuleError, match="notitie"):
        sites.note(site, team, now, text)
    assert not SiteMessage.select().exists()


# ---- the form for people under 18


@pytest.mark.parametrize(
    "field, text",
    [
        ("first_name", "   "),
        ("last_name", "\u00a0"),
        ("name", "\u200b"),
        ("street", "   "),
        ("phone", "   "),
        ("municipality", "\u2800"),
        ("first_name", "-"),
        ("name", "..."),
        ("street", "\u3164"),
    ],
)
def test_a_registration_without_a_needed_text_is_refused_beside_its_field(app, field, text):
    more = {"postcode": "9999"} if field == "municipality" else {}
    visitor = fill_in(app, **{field: text, **more})

    assert not User.select().exists()
    assert visitor.page.select_one(f"#{field}").find_parent(class_="bad")


@pytest.mark.parametrize(
    "typed, kept",
    [
        ("\u202eJan", "Jan"),
        ("Jan\u200bPiet", "JanPiet"),
        ("Jan\u00adPiet", "JanPiet"),
        ("Zoe\u0308", "Zoë"),
        ("\u00a0Jan  Piet ", "Jan Piet"),
        ("Łukasz", "Łukasz"),
    ],
)
def test_a_registration_keeps_a_name_without_what_nobody_sees(app, typed, kept):
    fill_in(app, first_name=typed)

    assert User.get().first_name == kept


# ---- letters and searching


@pytest.mark.parametrize(
    "text, latin",
    [
        ("Zoë", True),
        ("Zoe\u0308", True),
        ("Nguyễn", True),
        ("Nguye\u0302\u0303n", True),
        ("N\u0307\u0323", True),
        ("Łukasz", True),
        ("O\u2019Brien", True),
        ("Jean\u2010Luc", True),
        ("ẞ", True),
        ("Дмитрий", False),
        ("李", False),
        ("JanЖ", False),
        ("α", False),
    ],
)
def test_a_name_is_of_latin_letters_in_any_form_of_unicode(text, latin):
    assert readings.is_latin(text) is latin
    for form in ("NFC", "NFD"):
        given = unicodedata.normalize(form, text)
        if latin:
            assert make.participant(first_name=given).first_name == unicodedata.normalize("NFC", text)
        else:
            with pytest.raises(RuleError, match="Latijnse letters"):
                make.participant(first_name=given)


@pytest.mark.parametrize(
    "text, plain",
    [
        ("Łukasz", "lukasz"),
        ("Søren", "soren"),
        ("Đorđe", "dorde"),
        ("Işık", "isik"),
        ("İzmir", "izmir"),
        ("Guðrún", "gudrun"),
        ("Þor", "thor"),
        ("Ægir", "aegir"),
        ("Œuvre", "oeuvre"),
        ("Straße", "strasse"),
        ("Ŋoma", "noma"),
        ("Ħamrun", "hamrun"),
        ("Ŧor", "tor"),
        ("Ǿystein", "oystein"),
        ("Zoe\u0308\u200b  X", "zoe x"),
        ("D\u2019Hondt", "d'hondt"),
        ("\u201eA\u201d", '"a"'),
    ],
)
def test_a_search_knows_letters_by_their_plain_ones(text, plain):
    assert normalise(text) == plain


SITES = {
    "'t Kwetterbos": ["t", "'t", "\u2019t", "kwetterbos", "'t kwet", "\u2019t Kwetterbos"],
    "Scouts (Chiro) Gent": ["chiro", "(chiro)", "(chi", "gent", "chiro gent"],
    "St.-Jan": ["jan", "st", "st.-jan", "st-jan", "stjan", "St. Jan"],
    "A/B Jeugdhuis": ["b", "a/b", "ab", "jeugdhuis"],
    "\u00abLa Joie\u00bb": ["la", "joie", "\u00abla", '"La Joie"'],
    "Koek & Zopie": ["koek", "zopie", "koek & zopie", "&"],
    "[KSA] \u2018De Uil\u2019": ["ksa", "de", "uil", "\u2018de uil\u2019"],
    "Łódź-huis": ["lodz", "huis", "łódź", "lodz-huis", "lodzhuis"],
    "Jeugd.House!": ["jeugd", "house", "jeugd.house"],
    "_Kamp_ *Ster*": ["kamp", "ster"],
}


@pytest.mark.parametrize("name, words", [(name, word) for name, words in SITES.items() for word in words])
def test_a_site_is_found_by_every_word_of_its_name(name, words):
    site = make.site(name=name)
    make.site(name="Xyz", municipality="Kerksken")

    found = Search(Site, words)
    for condition in (found.condition(), found.in_order()):
        assert [row.id for row in Site.select().where(condition)] == [site.id]


def test_migrating_recomputes_the_search_text():
    """Rows of an earlier release lack plain letters; migrating recomputes what they are searched by."""
    site, lotte = make.site(name="Łódź"), make.trajectory()
    Participant.update(last_name="Đorđe").execute()
    Site.update(search="łodz oud").execute()
    migrations.back(migrations.available()[-2])
    migrations.migrate()

    assert Site.get_by_id(site.id).search == searchable(Site.get().search_text())
    assert type(lotte).get().search.startswith("dorde")


def test_the_search_text_changes_only_with_a_migration():
    """Did you change what `normalise` or `searchable` returns? Add a migration like 0011_searches: rows store the old result."""
    made = searchable("Łódź 't Kwetterbos (Chiro) D\u2019Hondt-Ørsted A/B & 125143-59 Æß")
    assert made == (
        "lodz 't kwetterbos (chiro) d'hondt-orsted a/b & 125143-59 aess t chiro dhondtorsted hondt orsted ab b 12514359 59"
    )
    assert (tidy("  a\u200b "), json.dumps(LongText().db_value("a"))) == ("a", '"a"')


# ---- one name only


@pytest.mark.parametrize("first, last", [("", "Suharto"), ("Suharto", "")])
def test_a_person_may_have_a_single_name(now, first, last):
    who = make.participant(first_name=first, last_name=last)

    assert (str(who), who.call_name) == ("Suharto", "Suharto")
    assert who.search.startswith("suharto")


@pytest.mark.parametrize("text", BLANKS, ids=ascii)
def test_a_participant_has_a_name(text):
    with pytest.raises(RuleError, match="Typ de naam"):
        make.participant(first_name=text, last_name=text)


@pytest.mark.parametrize("ticked, last, made", [(True, "Suharto", True), (False, "Suharto", False), (True, "-", False)])
def test_people_with_a_single_name_register_by_ticking_a_box(app, ticked, last, made):
    fill_in(app, first_name=" ", last_name=last, **({"one_name": "y"} if ticked else {}))

    assert [str(user) for user in User.select()] == ["Suharto"] * made


def test_people_with_a_single_name_keep_it_in_their_data(app):
    visitor = Visitor(app, make.user(first_name="", last_name="Suharto", password=make.PASSWORD))
    visitor.get("/mijn-gegevens")
    visitor.send(phone="0470 12 34 56")
    assert (User.get().phone, str(User.get())) == ("+32470123456", "Suharto")
    visitor.get("/mijn-gegevens")
    visitor.send(last_name="\u200b")
    assert str(User.get()) == "Suharto"


def test_an_import_takes_one_name_and_empties_none(now):
    make.association(name="Speelkaravaan vzw")
    lotte, same = make.participant(first_name="Lotte"), ";12/03/2009;;Speelkaravaan vzw;animator;10/01/2026"
    text = "\n".join([";".join(batches.COLUMNS), f"125143-59;;Suharto{same}", f"{lotte.kavo_id};;Claes{same}"])
    team = make.user("team")
    batch = batches.receive(io.BytesIO(text.encode()), "namen.csv", team, now)
    batches.work(now)
    batches.confirm(batch, team, now)
    batches.work(now)

    assert str(Participant.get(Participant.kavo_id == "125143-59")) == "Suharto"
    assert str(Participant.get_by_id(lotte.id)) == "Lotte Claes"


@pytest.mark.parametrize(
    "one, other, same",
    [
        (("", "Suharto"), ("Suharto", ""), True),
        (("", "Suharto"), ("", "Suharto"), True),
        (("", "Suharto"), ("Jan", "Suharto"), False),
        (("", ""), ("", ""), False),
    ],
)
def test_an_eid_with_one_name_fits_the_account_with_it(one, other, same):
    first, second = (User(first_name=first, last_name=last) for first, last in (one, other))

    assert eid_answers.names_agree(first, second) is eid_answers.names_agree(second, first) is same


def test_an_attest_can_print_every_valid_name(app, now):
    """Its fonts hold every letter that a name may contain: a missing letter would mean no file."""
    rows = make.placement(
        trajectory=make.trajectory(participant=make.participant(first_name="", last_name="Suharto")), hours=50
    )
    make.evaluated(rows)
    team, day = make.user("team"), datetime(2026, 9, 1, 8)
    finals.give(rows.trajectory, team, day, result="passed", evaluated_on=day.date())
    attest = attests.release(rows.trajectory, team, day)
    assert certificates.pdf(attest)
    letters = [chr(code) for code in range(0x20, 0x10000) if unicodedata.category(chr(code))[0] in "LM"]
    names = " ".join(f"a{letter}" for letter in letters if readings.is_latin(letter))
    Participant.update(last_name=names).execute()
    assert certificates.pdf(Attest.get())
