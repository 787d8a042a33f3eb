"""One rule behind every entry point ("door"): whatever is typed, pasted, imported or searched gets the same verdict everywhere,
and is stored in the same form. Each datum has a table of inputs with the expected result, tried at every door that accepts it.

To add a datum: write its table, and its doors."""

import csv
import io
import secrets
import unicodedata
from datetime import date, timedelta

import pytest
from bs4 import BeautifulSoup

from database import RuleError, database, readings
from models import Association, Handover, History, ImportRow, Mail, Participant, Proposal, Site, User, passwords
from operations import checks
from tests import factories as make
from tests.identity.eid.steps import bram
from tests.public_pages.test_registration import FORM, born, typed
from tests.visitor import Visitor
from times import local_date, utcnow, years_after
from workflow import limits
from workflow.accounts import joining
from workflow.imports import batches
from workflow.stages import bulk

TODAY = local_date(utcnow())
YEAR = TODAY.year - 16  # a person born then is not yet 18
LOTTE, REFUSED = "125143-59", None
HEADER = "kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus\r\n"

# ---- the tables: input → stored value, or REFUSED

KAVO_IDS = {
    **dict.fromkeys(
        [
            "125143-59",
            "12514359",
            "125143 59",
            " 125143-59 ",
            "125143–59",
            "125143—59",
            "125143‑59",
            "125143‐59",
            "125143−59",
            "125143 - 59",
            "125143/59",
            "125143.59",
            "125.143.59",
            "12.514.359",
            "12 51 43 59",
            "1 2 5 1 4 3 5 9",
            "125143_59",
            "125143,59",
            "12514359.0",
            "12514359,00",
            "\u200b125143-59",
            "125143-59\u200e",
            "\u202a125143-59\u202c",
            "125143\u00ad-59",
            "\u00a0125143-59\ufeff",
            "１２５１４３－５９",
            "١٢٥١٤٣-٥٩",
            "KAVO-ID: 125143-59",
            "kavo id 125143-59",
            "KAVO-ID125143-59",
            "Kavo nr. 125143-59",
            "125143-59.",
            "125143-59,",
            "(125143-59)",
            "[125143-59]",
            '"125143-59"',
            "‘125143-59’",
            "#125143-59",
            "- 125143-59",
            "125143-59 Lotte Peeters",
            "Lotte Peeters 125143-59",
            "Peeters, Lotte (125143-59)",
            "125143-59 (125143-59)",
            "125143-59\tLotte",
        ],
        LOTTE,
    ),
    **dict.fromkeys(
        [
            "125143-5",
            "1251435 9",
            "1251435.0",
            "125143-590",
            "125143-59 125144-59",
            "125143-59; 125144-59",
            "0470 12 34 56",
            "12/03/2010",
            "2010-03-12",
            "125143-59a",
            "O25143-59",
            "12514359x",
            "geen",
            "-",
            "125143",
            "٣",
        ],
        REFUSED,
    ),
}

DAYS_OF_2010 = {
    **dict.fromkeys(
        [
            "12/03/2010",
            "12-03-2010",
            "12.03.2010",
            "12 03 2010",
            "12/3/2010",
            " 12/03/2010 ",
            "12 / 03 / 2010",
            "2010-03-12",
            "2010/03/12",
            "2010.03.12",
            "2010-3-12",
            "12/03/2010 0:00",
            "12/03/2010 00:00",
            "12/03/2010 00:00:00",
            "2010-03-12 00:00:00",
            "2010-03-12T00:00:00",
            "2010-03-12T00:00:00Z",
            "12／03／2010",
            "12‑3‑2010",
            "12–03–2010",
            "\u200b12/03/2010",
            "12/03/2010\u00a0",
            "12.03.2010.",
            "１２/０３/２０１０",
            "12/03-2010",
        ],
        date(YEAR, 3, 12),
    ),
    **dict.fromkeys(
        [
            "31/02/2010",
            "29/02/2009",
            "31/04/2010",
            "32/01/2010",
            "00/01/2010",
            "13/13/2010",
            "2010-13-01",
            "12/00/2010",
            "12/03/10",
            "12/3/10",
            "12/03/210",
            "12/03/0210",
            "31/12/1899",
            "12/03/2101",
            "20100312",
            "12032010",
            "39884",
            "12 maart 2010",
            "12/03/2010 14:30",
            "gisteren",
            "-",
            "12//03/2010",
            "12/03",
            "1/1/1",
        ],
        REFUSED,
    ),
}
DAYS = {
    text.replace("2010", str(YEAR)).replace("２０１０", "".join(chr(0xFF10 + int(one)) for one in str(YEAR))): day
    for text, day in DAYS_OF_2010.items()
}
BIRTHS = {
    "31/12/1919": REFUSED,
    "01/01/1900": REFUSED,
    "1905-06-07": REFUSED,
    f"{TODAY + timedelta(days=1):%d/%m/%Y}": REFUSED,
    "01/01/2099": REFUSED,
    born(14, -1): REFUSED,
    born(5): REFUSED,
    born(14): years_after(TODAY, -14),
    born(15): years_after(TODAY, -15),
}

EMAILS = {
    "jan@example.com": "jan@example.com",
    "JAN@EXAMPLE.COM": "jan@example.com",
    " Jan@example.com ": "jan@example.com",
    "jan@example.com\u00a0": "jan@example.com",
    "jan\u200b@example.com": "jan@example.com",
    "\u202ajan@example.com\u202c": "jan@example.com",
    "jan@exam\u00adple.com": "jan@example.com",
    "jan+kavo@example.com": "jan+kavo@example.com",
    "o'brien@example.com": "o'brien@example.com",
    "jan.nijs@sub.example.com": "jan.nijs@sub.example.com",
    "jan_nijs@example.com": "jan_nijs@example.com",
    **dict.fromkeys(
        [
            "jan@müller.be",
            "jan@MÜLLER.be",
            "jan@mu\u0308ller.be",
            "jan@xn--mller-kva.be",
            "JAN@XN--MLLER-KVA.BE",
        ],
        "jan@xn--mller-kva.be",
    ),
    **dict.fromkeys(
        [
            "jän@example.com",
            "jan@example.com.",
            "jan.@example.com",
            ".jan@example.com",
            "jan..piet@example.com",
            "jan@example..com",
            "jan@-example.com",
            "jan@exa_mple.com",
            "jan@example",
            "jan@localhost",
            "jan@[127.0.0.1]",
            "jan@127.0.0.1",
            "jan @example.com",
            "jan@ example.com",
            "jan@@example.com",
            "jan",
            "@example.com",
            "jan@",
            "geen",
            "-",
            "n.v.t.",
            "<jan@example.com>",
            "Jan Nijs <jan@example.com>",
            "mailto:jan@example.com",
            '"jan piet"@example.com',
            "jan@example.com; piet@example.com",
            "jan@example.com/piet@example.com",
            "jan@example.com,",
            "jan@plein.invalid",
            "x" * 65 + "@example.com",
        ],
        REFUSED,
    ),
}

PHONES = {
    **dict.fromkeys(
        [
            "0470 12 34 56",
            "0470123456",
            "0470/12.34.56",
            "0470/12 34 56",
            "0470-12-34-56",
            "0470.12.34.56",
            "(0470) 12 34 56",
            "+32470123456",
            "+32 470 12 34 56",
            "+32 (0)470 12 34 56",
            "0032 470 12 34 56",
            "32470123456",
            " 0470 12 34 56 ",
            "\u202a+32470123456\u202c",
            "\u200b0470123456",
            "0470\u00a012\u00a034\u00a056",
            "0470–12–34–56",
            "０４７０１２３４５６",
            "tel. 0470 12 34 56",
            "GSM: 0470123456",
            "470 12 34 56",
        ],
        "+32470123456",
    ),
    "02 553 69 73": "+3225536973",
    "09 311 11 11": "+3293111111",
    "015/20.30.40": "+3215203040",
    "0800 12 345": "+3280012345",
    "+31 6 12345678": "+31612345678",
    "0031612345678": "+31612345678",
    "+33 6 12 34 56 78": "+33612345678",
    **dict.fromkeys(
        [
            "geen",
            "abc",
            "12",
            "112",
            "1207",
            "-",
            "n.v.t.",
            "0470 12 34",
            "0470 12 34 56 78",
            "+32",
            "++32470123456",
            "+999123456789",
            "0470 12 34 56 / 0471 12 34 56",
            "0470 12 34 56 of 0471 12 34 56",
            "0470123456x12",
            "125143-59",
            "0000000000",
            "12 51 43 59",
            "jan@example.com",
        ],
        REFUSED,
    ),
}

NAMES = {
    **dict.fromkeys(
        [
            "Anna",
            " Anna ",
            "\u00a0Anna",
            "Anna\t",
            "\u200bAnna",
            "An\u00adna",
            "\u202eAnna\u202c",
            "\ufeffAnna",
            "Anna\u200e",
            "An\u2060na",
            "\u2800Anna\u3164",
            "\u2066Anna\u2069",
            "An\x00na",
        ],
        "Anna",
    ),
    **dict.fromkeys(["Zoë", "Zoe\u0308", " Zoe\u0308\u200b"], "Zoë"),
    **dict.fromkeys(["Anna Maria", "Anna  Maria", "Anna\u00a0Maria", "Anna\u2003 Maria", "Anna\tMaria"], "Anna Maria"),
    **{
        name: name
        for name in (
            "Jean-Luc",
            "D'Arcy",
            "D’Arcy",
            "Łukasz",
            "Đorđe",
            "Işık",
            "Søren",
            "Nguyễn",
            "Ægir",
            "St. John",
            "J",
            "X Æ",
        )
    },
    **dict.fromkeys(
        [
            "-",
            "...",
            "?",
            "\u0301",
            "Дмитрий",
            "李",
            "α",
            "www.spel.be",
            "http://spel.be",
            "https://a.b",
            "JanЖ",
            "x" * 101,
        ],
        REFUSED,
    ),
}

POSTCODES = {
    **dict.fromkeys(
        [
            "9000",
            " 9000 ",
            "9\u200b000",
            "\u202a9000\u202c",
            "9000\u00a0",
            "B-9000",
            "B9000",
            "b-9000",
            "B 9000",
            "B - 9000",
            "BE-9000",
            "BE 9000",
            "BE9000",
            "B\u20139000",
            "B\u20119000",
            "9000 Gent",
            "9000 GENT",
            "9000, Gent",
            "9000 - Gent",
            "B-9000 Gent",
            "9000\u00a0Gent",
            "9000\tGent",
            "9000;Gent",
        ],
        "9000",
    ),
    "3700 's-Herenelderen": "3700",
    "3665 As": "3665",
    "9999": "9999",
    "1050": "1050",
    "9120": "9120",
    "B-9120": "9120",
    **dict.fromkeys(
        [
            "900",
            "90000",
            "0900",
            "900x",
            "9000x",
            "9O00",
            "1011 AB",
            "F-9000",
            "NL-1011",
            "Gent",
            "90 00",
            "9000 9000",
            "-",
        ],
        REFUSED,
    ),
}

PASSWORDS = {
    word: word
    for word in (
        "Fietsbel42xy",
        "CaféçàGent7x",
        "Cafe\u0301Gent7xy",
        "Gent\u00a0Zomer7x",
        "StraßeGent7x",
        "Zon\U0001f600Gent7xx",
        "\ufb01etsBel42xy",
        " Fietsbel 42 ",
        "Жизнь Gent 7",
        "Ünder1stand",
        "A1" + "é" * 126,
        "Fietsbel٤٢xyz",
    )
    for word in (word, unicodedata.normalize("NFD", word), unicodedata.normalize("NFC", word))
} | dict.fromkeys(
    [
        "",
        "      ",
        "Fiet4",
        "fietsbel42xy",
        "FietsbelGent",
        "A1" + "é" * 127,
        "kadervorming",
        "Password1",
        "Wachtwoord1",
        "Wachtwoord 1" * 11,
    ],
    REFUSED,
)


# ---- the person at the doors


class Person:
    """A user who sends forms quickly: always with the token of the same page, and each time with a new form key."""

    def __init__(self, app, user=None, page="/registreren/jongeren"):
        self.visitor = Visitor(app, user)
        self.visitor.get(page)
        self.token = self.visitor.page.select_one("[name=csrf_token]")["value"]

    def send(self, path, **data):
        """Whether the form was accepted; otherwise it came back with a message."""
        pairs = {"csrf_token": self.token, "form_key": secrets.token_hex(16), **data}
        answer = self.visitor.client.post(path, data=pairs)
        assert answer.status_code in (200, 302), (path, answer.status_code)
        self.text = answer.get_data(as_text=True)
        if answer.status_code == 200:
            assert BeautifulSoup(self.text, "html.parser").select_one(".error-summary"), "refused without a sentence"
        return answer.status_code == 302


class World:
    def __init__(self, app):
        self.app, self.runner = app, app.test_cli_runner()
        self.association = make.association(name="Speelkaravaan vzw")
        self.jonas = make.user(password=make.PASSWORD, first_name="Jonas", last_name="Maes", phone="0470 99 99 99")
        self.site = make.site(self.jonas, name="Speelplein De Zandbak")
        self.other = make.site(make.user(), name="Jeugdhuis De Kelder")
        self.lotte = make.participant(kavo_id=LOTTE, first_name="Lotte", last_name="Peeters")
        make.trajectory(participant=self.lotte, association=self.association)
        self.manager = Person(app, User.get_by_id(self.jonas.id), "/mijn-gegevens")
        self.team = Person(app, make.user("team", password=make.PASSWORD), "/mijn-gegevens")
        self.visitor = Person(app)

    def new_user(self, act):
        """The account that an act created, or None; its e-mail address may be used again."""
        before = User.select().count()
        act()
        if User.select().count() == before:
            return None
        user = newest(User)
        User.update(email=f"x{secrets.token_hex(8)}@kavo.test").where(User.id == user.id).execute()
        return user

    def young(self, **fields):
        return self.new_user(lambda: self.visitor.send(FORM, **typed(**fields)))

    def taker(self, **fields):
        names = "first_name", "last_name", "email", "phone", "password", "again", "birth_date"
        person = {name: typed()[name] for name in names} | fields
        return self.new_user(lambda: self.visitor.send(f"/overnemen/{self.other.id}", **person))

    def account(self, **fields):
        values = {"email": "jan@example.com", "role_names": "manager", "active": "y", **fields}
        return self.new_user(lambda: self.team.send("/accounts/new/", **values))

    def with_eid(self, email="", phone="0470 12 34 56", **fields):
        """A new person with an eID, or None when a rule refuses."""
        person = bram(subject=secrets.token_hex(8), number_hash=secrets.token_hex(32), **fields)
        try:
            return self.new_user(
                lambda: joining.with_eid(person, email or f"{secrets.token_hex(8)}@kavo.test", phone, utcnow())
            )
        except RuleError:
            return None

    def import_line(self, **cells):
        """The validated line of a file."""
        values = {
            "kavo_id": "900000-01",
            "voornaam": "Anna",
            "naam": "Nijs",
            "geboortedatum": "12/03/2009",
            "email": "",
            "vereniging": "Speelkaravaan vzw",
            "type": "animator",
            "start_cursus": "10/01/2026",
            **cells,
        }
        out = io.StringIO()
        csv.writer(out, delimiter=";").writerow(values.values())
        batch = batches.receive(io.BytesIO((HEADER + out.getvalue()).encode()), "x.csv", None, utcnow())
        list(batches.steps_of(batch, utcnow()))
        return batch, ImportRow.get(ImportRow.batch == batch)

    def imported(self, **cells):
        """The participant that a line created, or None."""
        Participant.delete().where(Participant.kavo_id == "900000-01").execute()
        batch, line = self.import_line(**cells)
        if line.verdict != "bad":
            batches.confirm(batch, None, utcnow())
            list(batches.steps_of(batch, utcnow()))
        found = Participant.get_or_none(Participant.kavo_id == "900000-01")
        if found:
            found.trajectories.get().delete_instance()
        return found


@pytest.fixture
def world(app, settings):
    limits.set_up(False, settings.lookup_key)
    return World(app)


def newest(model):
    return model.select().order_by(model.id.desc()).first()


# ---- KAVO-ID


def kavo_look_up(world, text):
    answer = world.manager.visitor.client.post(
        f"/stageplaatsen/{world.site.id}/deelnemers/", data={"csrf_token": world.manager.token, "kavo": text}
    )
    return LOTTE if "Nog 50 van 50 uur" in answer.get_data(as_text=True) else None


def kavo_paste(world, text):
    answer = world.manager.visitor.client.post(
        f"/samen/{world.site.id}/koppelen",
        data={"csrf_token": world.manager.token, "form_key": secrets.token_hex(16), "text": text, "hours": "20"},
    )
    found = BeautifulSoup(answer.data, "html.parser").select("input[name=kavo][checked]")
    return found[0]["value"] if len(found) == 1 else None


def kavo_import(world, text):
    _, line = world.import_line(kavo_id=text)
    assert line.kavo_id or line.verdict == "bad"
    return line.kavo_id or None


def kavo_form(world, text):
    taken = world.team.send(
        "/deelnemers/new/", kavo_id=text, first_name="Anna", last_name="Nijs", birth_date="2009-03-12"
    )
    assert not taken  # it belongs to Lotte
    return LOTTE if f"met KAVO-ID {LOTTE}" in world.team.text else None


def kavo_trajectory(world, text):
    world.team.send(
        "/trajecten/new/",
        participant=text,
        association=str(world.association.id),
        type="animator",
        course_started_on="2026-02-01",
    )
    return LOTTE if "heeft al een traject" in world.team.text else None


def kavo_command(world, text):
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerow(
        [text, "Lotte", "Peeters", "12/03/2009", "", "Speelkaravaan vzw", "animator", "10/01/2026"]
    )
    with world.runner.isolated_filesystem():
        with open("x.csv", "w", encoding="utf-8", newline="") as file:
            file.write(HEADER + out.getvalue())
        said = world.runner.invoke(args=["import-participants", "x.csv", "--dry-run"]).output
    return LOTTE if "staat er al" in said else None


def kavo_search(world, text):
    """A list can also be searched by words, so it refuses nothing: this only tells whether the text counts as a KAVO-ID."""
    if KAVO_IDS[text] is None:
        return None
    for path in ("/deelnemers/", "/gekoppelde-deelnemers/", "/trajecten/"):
        answer = world.team.visitor.client.get(path, query_string={"q": text})
        found = BeautifulSoup(answer.data, "html.parser").select("main tbody tr")
        if path != "/gekoppelde-deelnemers/" and len(found) != 1:
            return path
    return LOTTE


# ---- days


def day_young(world, text):
    user = world.young(birth_date=text)
    return user and user.birth_date


def day_take_over(world, text):
    user = world.taker(birth_date=text)
    return user and user.birth_date


def day_participant(world, text):
    Participant.delete().where(Participant.kavo_id == "900000-02").execute()
    world.team.send("/deelnemers/new/", kavo_id="900000-02", first_name="Anna", last_name="Nijs", birth_date=text)
    found = Participant.get_or_none(Participant.kavo_id == "900000-02")
    return found and found.birth_date


def day_account(world, text):
    user = world.account(birth_date=text)
    return user and user.birth_date


def day_import(world, text):
    found = world.imported(geboortedatum=text, start_cursus=f"{TODAY:%d/%m/%Y}")
    return found and found.birth_date


def day_eid(world, text):
    """For an eID without birth date, which is then asked for. A birth date on the eID obeys the same rule."""
    day = readings.day_or_none(text)
    user = world.with_eid(birth_date=day) if day else None
    return user and user.birth_date


def day_filter(world, text):
    answer = world.team.visitor.client.get("/deelnemers/", query_string={"birth_date_van": text})
    page = BeautifulSoup(answer.data, "html.parser")
    day = readings.day_or_none(page.select_one("[name=birth_date_van]")["value"])
    assert bool(page.select_one(".filters .field-error")) == (day is None), text
    return day if day and f"vanaf {day:%d/%m/%Y}" in answer.get_data(as_text=True) else None


def day_period(world, text):
    day, last = readings.day_or_none(text), "2090-01-01"
    world.manager.send(
        f"/stageplaatsen/edit/?id={world.site.id}",
        version=str(Site.get_by_id(world.site.id).version),
        animator="y",
        own_from=text,
        own_to=last,
    )
    stored = world.site.periods.where(world.site.periods.model.kind == "own").first()
    return stored and (stored.starts_on if day else None)


# ---- e-mail addresses


def email_young(world, text):
    user = world.young(email=text)
    return user and user.email


def email_take_over(world, text):
    user = world.taker(email=text)
    return user and user.email


def email_own_data(world, text):
    User.update(claimed_email=None).where(User.id == world.jonas.id).execute()
    world.manager.send("/mijn-gegevens", first_name="Jonas", last_name="Maes", email=text)
    return User.get_by_id(world.jonas.id).claimed_email


def email_account(world, text):
    user = world.account(email=text)
    return user and user.email


def email_participant(world, text):
    Participant.delete().where(Participant.kavo_id == "900000-02").execute()
    world.team.send(
        "/deelnemers/new/",
        kavo_id="900000-02",
        first_name="Anna",
        last_name="Nijs",
        birth_date="2009-03-12",
        email=text,
    )
    found = Participant.get_or_none(Participant.kavo_id == "900000-02")
    return found and found.email


def email_association(world, text):
    name = f"Vereniging {secrets.token_hex(4)}"
    world.team.send("/verenigingen/new/", name=name, email=text)
    found = Association.get_or_none(Association.name == name)
    return found and found.email


def email_site(world, text):
    site = world.young(site_email=text) and newest(Site)
    return site and site.email


def email_import(world, text):
    found = world.imported(email=text)
    return found and found.email


def email_eid(world, text):
    user = world.with_eid(email=text)
    return user and user.email


def email_successor(world, text):
    Handover.delete().execute()
    world.manager.send(f"/stageplaats/{world.site.id}/opvolger", email=text)
    found = Handover.get_or_none()
    return found and found.email


def email_command(world, text):
    user = world.new_user(lambda: world.runner.invoke(args=["add-team-member", "--", text]))
    return user and user.email


def email_login(world, text):
    """Only a person with an account gets in; a text that is not an address belongs to nobody."""
    kept = EMAILS[text]
    if kept:
        User.update(email=kept).where(User.id == world.jonas.id).execute()
    visitor = Visitor(world.app)
    visitor.get("/aanmelden")
    visitor.send(email=text, password=make.WORD)
    inside = "/aanmelden" not in visitor.path
    return User.get_by_id(world.jonas.id).email if inside else None


# ---- telephone numbers


def phone_young(world, text):
    user = world.young(phone=text)
    return (user and user.phone) or None


def phone_site(world, text):
    site = world.young(site_phone=text) and newest(Site)
    return site and site.phone


def phone_own_data(world, text):
    User.update(phone="").where(User.id == world.jonas.id).execute()
    world.manager.send("/mijn-gegevens", first_name="Jonas", last_name="Maes", email=world.jonas.email, phone=text)
    return User.get_by_id(world.jonas.id).phone or None


def phone_take_over(world, text):
    Handover.delete().execute()
    world.manager.send(f"/overnemen/{world.other.id}", email=world.jonas.email, phone=text)
    found = Handover.get_or_none()
    return found and found.phone


def phone_association(world, text):
    name = f"Vereniging {secrets.token_hex(4)}"
    world.team.send("/verenigingen/new/", name=name, phone=text)
    found = Association.get_or_none(Association.name == name)
    return found and found.phone


def phone_edit(world, text):
    Site.update(phone="").where(Site.id == world.site.id).execute()
    world.manager.send(
        f"/stageplaatsen/edit/?id={world.site.id}",
        version=str(Site.get_by_id(world.site.id).version),
        animator="y",
        periods="summer",
        phone=text,
    )
    return Site.get_by_id(world.site.id).phone or None


def phone_account(world, text):
    user = world.account(phone=text)
    return (user and user.phone) or None


def phone_eid(world, text):
    user = world.with_eid(phone=text)
    return user and user.phone


# ---- names


def name_young(world, text):
    user = world.young(first_name=text)
    return (user and user.first_name) or None


def name_take_over(world, text):
    user = world.taker(first_name=text)
    return (user and user.first_name) or None


def name_own_data(world, text):
    User.update(first_name="Jonas").where(User.id == world.jonas.id).execute()
    world.manager.send("/mijn-gegevens", first_name=text, last_name="Maes", email=world.jonas.email)
    kept = User.get_by_id(world.jonas.id).first_name
    return kept if kept not in ("Jonas", "") else None


def name_account(world, text):
    user = world.account(first_name=text)
    return (user and user.first_name) or None


def name_participant(world, text):
    Participant.delete().where(Participant.kavo_id == "900000-02").execute()
    world.team.send("/deelnemers/new/", kavo_id="900000-02", first_name=text, last_name="Nijs", birth_date="2009-03-12")
    found = Participant.get_or_none(Participant.kavo_id == "900000-02")
    return (found and found.first_name) or None


def name_import(world, text):
    if "\0" in text:
        return NAMES[text]  # a file with it is not a text file
    found = world.imported(voornaam=text)
    return (found and found.first_name) or None


def name_eid(world, text):
    user = world.with_eid(first_name=text)
    return (user and user.first_name) or None


# ---- postcodes: sent with their own place, since another place leads to a question


def place_of(text):
    return {"3700": "'s-Herenelderen", "3665": "As", "1050": "Elsene", "9120": "Beveren"}.get(POSTCODES[text], "Gent")


def postcode_young(world, text):
    site = world.young(postcode=text, municipality=place_of(text)) and newest(Site)
    return site and site.postcode


def postcode_further_site(world, text):
    before = Site.select().count()
    world.manager.send(
        "/registreren/stageplaats",
        name="Tweede",
        recognition="branch",
        street="Markt 1",
        postcode=text,
        municipality=place_of(text),
        animator="y",
        periods="year",
    )
    return newest(Site).postcode if Site.select().count() > before else None


def postcode_proposed(world, text):
    Proposal.delete().execute()
    site = Site.get_by_id(world.site.id)
    world.manager.send(
        f"/stageplaats/{site.id}/wijziging",
        name=site.name,
        recognition=site.recognition,
        street="Nieuwe Laan 3",
        postcode=text,
        municipality=place_of(text),
    )
    found = Proposal.get_or_none()
    return found and found.postcode


def postcode_by_the_team(world, text):
    Site.update(postcode="2800", municipality="Mechelen").where(Site.id == world.other.id).execute()
    site = Site.get_by_id(world.other.id)
    world.team.send(
        f"/stageplaatsen/edit/?id={site.id}",
        version=str(site.version),
        name=site.name,
        animator="y",
        recognition=site.recognition,
        street=site.street,
        postcode=text,
        municipality=place_of(text),
        periods="summer",
    )
    kept = Site.get_by_id(site.id).postcode
    return kept if kept != "2800" else None


def postcode_search(world, text):
    """As `kavo_search`, for a postcode."""
    if POSTCODES[text] is None:
        return None
    row = Site.get_by_id(world.other.id)
    row.postcode, row.municipality = POSTCODES[text], place_of(text)
    row.save()
    Site.update(postcode="1000", municipality="Brussel", search="x").where(Site.id != row.id).execute()
    answer = world.team.visitor.client.get("/stageplaatsen/", query_string={"q": text})
    found = BeautifulSoup(answer.data, "html.parser").select("main tbody tr")
    return row.postcode if len(found) == 1 else f"{len(found)} found"


# ---- passwords


def password_young(world, text):
    user = world.young(password=text, again=text)
    return user and opened_by(world, user, text)


def opened_by(world, user, text):
    """The password, when every normal form of it opens the account."""
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    with world.app.app_context():
        opens = all(passwords.fits(User.get_by_id(user.id), form) for form in forms)
    return text if opens else "does not open it"


def password_take_over(world, text):
    user = world.taker(password=text, again=text)
    return user and opened_by(world, user, text)


def password_change(world, text):
    with world.app.app_context():
        User.update(password=passwords.hashed(make.WORD)).where(User.id == world.jonas.id).execute()
    world.manager.send("/wachtwoord-wijzigen", password=make.WORD, new_password=text, new_password_confirm=text)
    user = User.get_by_id(world.jonas.id)
    with world.app.app_context():
        unchanged = passwords.fits(user, make.WORD)
    return None if unchanged else opened_by(world, user, text)


def password_command(world, text):
    with world.app.app_context():
        User.update(password=passwords.hashed(make.WORD)).where(User.id == world.jonas.id).execute()
    database.close()
    world.runner.invoke(args=["users", "change_password", world.jonas.email, "--password", text])
    database.connect(reuse_if_open=True)
    user = User.get_by_id(world.jonas.id)
    with world.app.app_context():
        unchanged = passwords.fits(user, make.WORD)
    return None if unchanged else opened_by(world, user, text)


def phone_search(world, text):
    """As `kavo_search`, for a telephone number."""
    if PHONES[text] is None:
        return None
    User.update(phone="").execute()
    Association.update(phone="").execute()
    for model, path in ((User, "/accounts/"), (Association, "/verenigingen/")):
        row = model.select().order_by(model.id).first()
        row.phone = PHONES[text]
        row.save()
        answer = world.team.visitor.client.get(path, query_string={"q": text})
        if len(BeautifulSoup(answer.data, "html.parser").select("main tbody tr")) != 1:
            return path
    return PHONES[text]


BIRTH_DOORS = (day_young, day_take_over, day_account, day_import, day_eid)
TABLES = (
    (KAVO_IDS, (kavo_look_up, kavo_paste, kavo_import, kavo_form, kavo_trajectory, kavo_command, kavo_search)),
    (DAYS, (*BIRTH_DOORS, day_participant, day_filter, day_period)),
    (BIRTHS, BIRTH_DOORS),
    (
        EMAILS,
        (
            email_young,
            email_take_over,
            email_own_data,
            email_account,
            email_participant,
            email_association,
            email_site,
            email_import,
            email_eid,
            email_successor,
            email_command,
            email_login,
        ),
    ),
    (NAMES, (name_young, name_take_over, name_own_data, name_account, name_participant, name_import, name_eid)),
    (POSTCODES, (postcode_young, postcode_further_site, postcode_proposed, postcode_by_the_team, postcode_search)),
    (PASSWORDS, (password_young, password_take_over, password_change, password_command)),
    (
        PHONES,
        (
            phone_young,
            phone_site,
            phone_own_data,
            phone_take_over,
            phone_association,
            phone_edit,
            phone_account,
            phone_eid,
            phone_search,
        ),
    ),
)


@pytest.mark.parametrize(
    "table, door",
    [(table, door) for table, doors in TABLES for door in doors],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_every_door_gives_the_expected_verdict_and_keeps_the_same(world, table, door):
    found = {text: door(world, text) for text in table}
    assert {text: kept for text, kept in found.items() if kept != table[text]} == {}


# ---- related behaviour


@pytest.mark.parametrize(
    "text, words",
    [
        ("31/02/2010", "31 februari bestaat niet"),
        ("29/02/2009", "29 februari 2009 bestaat niet"),
        ("03/25/2010", "Maand 25 bestaat niet"),
        ("12/03/10", "jaar met 4 cijfers"),
        ("12/03/0210", "tussen 1900 en 2100"),
        ("gisteren", "dag/maand/jaar"),
    ],
)
def test_an_impossible_day_says_what_is_wrong(text, words):
    with pytest.raises(RuleError, match=words):
        readings.day(text)


@pytest.mark.parametrize(
    "text, hours",
    [
        ("125143-59 20", 20),
        ("12514359;20", 20),
        ("125143-59 Lotte Peeters 20 uur", 20),
        ("125143-59,20", 20),
        ("125143 59\t30,0", 30),
        ("KAVO-ID: 125143–59 (20 uur)", 20),
        ("12 51 43 59 20", 20),
        ("Lotte Peeters;125143-59;20", 20),
        ("125143-59 Lotte", 50),
    ],
)
def test_a_pasted_line_is_a_kavo_id_and_perhaps_hours(text, hours):
    (line,) = bulk.read(text, 50)
    assert (line.kavo_id, line.hours, line.problem) == (LOTTE, hours, "")


@pytest.mark.parametrize(
    "kept, shown",
    [
        ("+32470123456", "0470 12 34 56"),
        ("+31612345678", "+31 6 12345678"),
        ("geen", "geen"),
        ("", ""),
    ],
)
def test_a_number_is_shown_as_people_write_it(world, kept, shown):
    Association.update(phone=kept).execute()
    assert shown in world.team.visitor.client.get("/verenigingen/").get_data(as_text=True)
    page = world.team.visitor.client.get(f"/verenigingen/edit/?id={world.association.id}")
    assert BeautifulSoup(page.data, "html.parser").select_one("[name=phone]")["value"] == shown
    assert readings.shown_phone(kept) == shown


@pytest.mark.parametrize("old", ["geen", "0470 00 00 01", "0470/00.00.01"])
def test_a_number_from_before_stays_while_nobody_changes_it(world, old):
    User.update(phone=old).where(User.id == world.jonas.id).execute()
    Site.update(phone=old).where(Site.id == world.site.id).execute()
    shown = readings.shown_phone(old)
    assert world.manager.send(
        "/mijn-gegevens", first_name="Jonas", last_name="Maas", email=world.jonas.email, phone=shown
    )
    version = str(Site.get_by_id(world.site.id).version)
    assert world.manager.send(
        f"/stageplaatsen/edit/?id={world.site.id}",
        version=version,
        animator="y",
        instructor="y",
        periods="summer",
        phone=shown,
    )
    assert (User.get_by_id(world.jonas.id).phone, User.get_by_id(world.jonas.id).last_name) == (old, "Maas")
    assert (Site.get_by_id(world.site.id).phone, Site.get_by_id(world.site.id).instructor) == (old, True)
    assert not [line for line in History.select() if "elefoon" in (line.payload or "")]
    assert ("user.phone: 1 values would be refused today" in checks.notes()) == (old == "geen")


@pytest.mark.parametrize("stored", ["jan@müller.be", "jan@xn--mller-kva.be"])
@pytest.mark.parametrize("typed_as", ["jan@müller.be", "JAN@XN--MLLER-KVA.BE"])
def test_both_spellings_of_a_domain_are_one_account(world, stored, typed_as):
    User.update(email=stored).where(User.id == world.jonas.id).execute()
    count = User.select().count()
    world.visitor.send(FORM, **typed(email=typed_as))
    assert not world.team.send("/accounts/new/", email=typed_as, role_names="manager", active="y")
    assert "Er is al een account" in world.team.text
    assert User.select().count() == count

    visitor = Visitor(world.app)
    visitor.get("/aanmelden")
    visitor.send(email=typed_as, password=make.WORD)
    assert "/aanmelden" not in visitor.path
    other = Visitor(world.app)
    other.get("/wachtwoord-vergeten")
    other.send(email=typed_as)
    assert Mail.get(Mail.kind == "reset_password").to_address == stored


@pytest.mark.parametrize("born_on, allowed", [(born(14), True), (born(14, -1), False)])
def test_an_eid_of_somebody_too_young_gets_a_sentence(now, born_on, allowed):
    person = bram(birth_date=date.fromisoformat(born_on))
    with database.atomic():
        if allowed:
            assert (
                joining.with_eid(person, "jan@example.com", "0470 12 34 56", utcnow()).birth_date == person.birth_date
            )
        else:
            with pytest.raises(RuleError, match="vanaf 14 jaar"):
                joining.with_eid(person, "jan@example.com", "0470 12 34 56", utcnow())


@pytest.mark.parametrize("days, allowed", [(0, True), (-1, False)])
def test_a_participant_is_14_when_the_course_starts(days, allowed):
    who = make.participant(birth_date=years_after(make.COURSE, -14) - timedelta(days=days))
    if allowed:
        make.trajectory(participant=who)
        who.birth_date += timedelta(days=1)
        with pytest.raises(RuleError, match="nog geen 14 jaar"):
            who.save()
    else:
        with pytest.raises(RuleError, match="nog geen 14 jaar"):
            make.trajectory(participant=who)


@pytest.mark.parametrize("start", ["\u200bkavo_id", "\ufeffkavo_id", "\u00a0KAVO_ID\u200e"])
def test_invisible_marks_in_a_header_mean_nothing(start):
    line = "900000-03;Anna;Nijs;12/03/2009;;;animator;10/01/2026\r\n"
    batch = batches.receive(io.BytesIO((HEADER.replace("kavo_id", start) + line).encode()), "x.csv", None, utcnow())
    assert ImportRow.get(ImportRow.batch == batch).kavo_id == "900000-03"
