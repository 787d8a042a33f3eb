"""Our Dutch texts for Flask-Security are complete, compiled and in the house style."""

import io
import re
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import Babel
from flask_security.babel import FsDomain

FOLDER = Path(__file__).parents[2] / "translations" / "nl" / "LC_MESSAGES"
PO = FOLDER / "flask_security.po"
MO = FOLDER / "flask_security.mo"

# The same word in both languages, and why
SAME = {
    "Menu": "a Dutch word too",
    "Google Authenticator": "the name of a product",
}

# Placeholders that we leave out, and why
LEFT_OUT = {
    "Value entered must be less than %(length) characters": (
        "%(length) without a letter takes the c of 'characters' for its kind"
    ),
}

# Texts that must be exact, since users and checks look for them
FIXED = {
    "Email Address": "E-mailadres",
    "Password": "Wachtwoord",
    "Retype Password": "Wachtwoord herhalen",
    "Login": "Aanmelden",
    "Sign In": "Aanmelden",
    "Forgot password?": "Wachtwoord vergeten?",
    "Resend Confirmation Instructions": "Nieuwe link vragen",
    "Phone Number": "Telefoonnummer",
    "Authentication failed - identity or password/passcode invalid": (
        "E-mailadres of wachtwoord klopt niet. Kijk na of je het juist typte, of kies ‘Wachtwoord vergeten?’."
    ),
    "Password must be at least %(length)s characters": (
        "Het wachtwoord moet minimaal %(length)s karakters bevatten waarvan minstens 1 cijfer en 1 hoofdletter."
    ),
}

PLACEHOLDER = re.compile(r"%\((\w+)\)([a-zA-Z]?)|%([sdif])|\{(\w*)\}")
NOT_OUR_STYLE = re.compile(
    r"!|\b(u|uw|gelieve|a\.u\.b|alstublieft|helaas|sorry|ongeldige?|invalide|token)\b",
    re.IGNORECASE,
)
TAG = re.compile(r"<[^>]*>")


def read(path):
    with path.open("rb") as file:
        return read_po(file, locale="nl")


def placeholders(text):
    return sorted(match.group(0) for match in PLACEHOLDER.finditer(text))


def template():
    source = files("flask_security") / "translations" / "flask_security.pot"
    with source.open("rb") as file:
        return [message for message in read_po(file) if message.id]


OURS = read(PO)
THEIRS = template()
TEXTS = [message for message in OURS if message.id]


def test_the_template_is_the_real_one():
    assert len(THEIRS) > 200


def test_every_text_of_the_package_is_translated():
    missing = []
    for message in THEIRS:
        ours = OURS.get(message.id)
        if ours is None or not (ours.string or "").strip() or ours.fuzzy:
            missing.append(message.id)
    assert missing == []


def test_placeholders_agree():
    wrong = []
    for message in TEXTS:
        wanted = [] if message.id in LEFT_OUT else placeholders(message.id)
        if placeholders(message.string) != wanted:
            wrong.append((message.id, message.string))
    assert wrong == []


def test_every_text_can_be_filled_in():
    """As the package fills them in: a wrong placeholder would cause an error 500."""
    for message in TEXTS:
        names = re.findall(r"%\((\w+)\)", message.id)
        bare = message.id.count("%s")
        if names:
            filled = message.string % dict.fromkeys(names, 8)
        elif bare:
            filled = message.string % tuple("x" * bare)
        else:
            filled = message.string
        assert "%" not in filled, message.id


def test_links_in_a_text_stay():
    wrong = [
        (message.id, message.string) for message in TEXTS if TAG.findall(message.string) != TAG.findall(message.id)
    ]
    assert wrong == []


def test_no_text_is_still_english():
    same = {message.id for message in TEXTS if message.string == message.id}
    assert same == set(SAME)


def test_house_style():
    wrong = []
    for message in TEXTS:
        words = PLACEHOLDER.sub("", TAG.sub("", message.string))
        if NOT_OUR_STYLE.search(words) or '"' in words or "'" in words:
            wrong.append(message.string)
    assert wrong == []


@pytest.mark.parametrize("english", FIXED)
def test_texts_that_must_read_exactly(english):
    assert OURS.get(english).string == FIXED[english]


def test_the_realm_fits_in_a_header():
    assert OURS.get("Login Required").string.isascii()


def test_babel_finds_no_errors():
    assert [(message.id, errors) for message, errors in OURS.check()] == []


def contents(catalog):
    return {message.id: message.string for message in catalog if message.id}


def test_the_compiled_file_matches_the_source():
    fresh = io.BytesIO()
    write_mo(fresh, OURS)
    fresh.seek(0)
    with MO.open("rb") as file:
        committed = contents(read_mo(file))
    assert committed == contents(read_mo(fresh)), (
        "run: pybabel compile --domain flask_security --directory translations"
    )
    assert len(committed) == len(TEXTS)


@pytest.mark.parametrize("locale", ["nl", "nl_NL", "nl_BE"])
def test_our_translations_win_over_those_of_the_package(locale):
    """The package's nl_NL also serves nl; the last folder wins."""
    app = Flask(__name__)
    app.config["BABEL_DEFAULT_LOCALE"] = locale
    app.config["SECURITY_I18N_DOMAIN"] = "flask_security"
    app.config["SECURITY_I18N_DIRNAME"] = ["builtin", str(FOLDER.parent.parent)]
    Babel(app)
    with app.test_request_context():
        domain = FsDomain(app)
        shown = {message.id: domain.gettext(message.id) for message in TEXTS}
    assert shown == contents(OURS)
