"""Reading a KAVO-ID, a day, a telephone number or an e-mail address, whatever its source: each is converted to the single form in
which it is stored, or a RuleError says in Dutch what to do."""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable
from datetime import date

import phonenumbers
from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat

from database.texts import OneLine, RuleError, has_text, identifier, tidy
from times import local_date, utcnow

EARLIEST_YEAR, LATEST_YEAR = 1900, 2100
EARLIEST_BIRTH = date(1920, 1, 1)
MONTHS = (
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
)
COUNTRY, COUNTRY_CODE = "BE", 32


def plain(text: str) -> str:
    """Tidied, with '-' for every dash, and ASCII digits and signs for those of every width and script."""
    composed = unicodedata.normalize("NFKC", identifier(text or ""))
    return identifier("".join(str(unicodedata.decimal(char, char)) for char in composed))


# ---- names

LATIN = re.compile("[\x00-\u02af\u0300-\u036f\u1e00-\u1eff\u2c60-\u2c7b\ufb00-\ufb06‘’‚‛“”„‹›‐‑–—ʻʼʾʿ]*")
"""the characters in the fonts of the attest"""


def is_latin(text: str) -> bool:
    """Whether a text is written in Latin letters and common marks, like names on a Belgian identity card, in any form of Unicode
    and with any accents."""
    return LATIN.fullmatch(unicodedata.normalize("NFC", text)) is not None


def name(text: str | None, field: str = "last_name") -> str:
    """The first or last name of a person, tidied; '' without a letter or digit: somebody with a single name may type '-'. Raises
    RuleError for text that is not a name or that cannot be printed on an attest."""
    text = tidy(text or "")
    refuse_address(text, field)
    if not has_text(text):
        return ""
    if not is_latin(text):
        raise RuleError("Schrijf de naam in Latijnse letters, zoals op de identiteitskaart.", field)
    return text


def refuse_address(text: str, field: str) -> None:
    """Raise RuleError for a web address in a name: our mails contain names, and must not carry other people's links."""
    if "://" in text or "www." in text.lower():
        raise RuleError("Typ hier alleen een naam, geen webadres.", field)


# ---- KAVO-ID

KAVO_EXAMPLE = "Een KAVO-ID heeft 6 cijfers, een streepje en 2 cijfers. Bijvoorbeeld 125143-59."
LABEL = re.compile(r"\bkavo[\W_]*(?:id|nr|nummer)?", re.I)
FRACTION = re.compile(r"\b(\d{8})[.,]0+(?!\d)")
"""what a spreadsheet turns a number without a dash into"""
MARKS = r"(?:[^\w;|,]|_)"
WHOLE = re.compile(rf"(?<!\d)\d{{6}}(?:,|{MARKS}{{0,3}})\d{{2}}(?!\d)")
LOOSE = re.compile(rf"\d+(?:{MARKS}{{1,3}}\d+)*")
"""runs of digits with at most three marks between them"""
DAY_SHAPES = [2, 2, 4], [4, 2, 2]


def kavo_id(text: str, field: str = "kavo_id") -> str:
    """The KAVO-ID in a text as '125143-59': typed with any dash, dot, slash, spaces or nothing, in brackets, after a label, or
    beside a name. It has no known check digit. Raises RuleError for none, for two, and for other digits beside it: we never
    guess."""
    text = FRACTION.sub(r"\1", LABEL.sub(" ", plain(text)))
    runs = list(WHOLE.finditer(text))
    if len(runs) * 8 != sum(map(str.isdecimal, text)):
        runs = list(LOOSE.finditer(text))
    numbers = {_joined(run.group(), text[: run.start()], text[run.end() :]) for run in runs}
    if len(numbers) > 1 and None not in numbers:
        raise RuleError("Hier staan twee KAVO-ID’s. Typ er één.", field)
    digits = numbers.pop() if len(numbers) == 1 else None
    if digits is None:
        raise RuleError(KAVO_EXAMPLE, field)
    return f"{digits[:6]}-{digits[6:]}"


def _joined(run: str, before: str, after: str) -> str | None:
    """The eight digits of a run; None when it has more or fewer, looks like a day, leaves a single digit apart, or is part of a
    word."""
    parts = re.findall(r"\d+", run)
    lengths = [len(part) for part in parts]
    alone = lengths[-1] == 1 and set(lengths) != {1}
    in_word = before[-1:].isalpha() or after[:1].isalpha()
    return None if sum(lengths) != 8 or alone or in_word or lengths in DAY_SHAPES else "".join(parts)


# ---- days

DAY_EXAMPLE = "Typ een datum als dag/maand/jaar, bijvoorbeeld 23/11/2026."
BETWEEN = r"(?: ?[/.-] ?| )"
DAY_FIRST = re.compile(rf"(\d{{1,2}}){BETWEEN}(\d{{1,2}}){BETWEEN}(\d{{2}}|\d{{4}})\.?")
YEAR_FIRST = re.compile(rf"(\d{{4}}){BETWEEN}(\d{{1,2}}){BETWEEN}(\d{{1,2}})")
MIDNIGHT = re.compile(r"(?:T| (?:om )?)0?0[:.]00(?:[:.]00(?:[.,]0+)?)?(?:Z|[+-]00:?00)?(?: uur)?$", re.I)


def day(text: str, field: str | None = None) -> date:
    """A day as people and programs write it: 12/03/2010, 12-3-2010, 12.03.2010, 12 03 2010, 2010-03-12, and any of these followed
    by midnight. Raises RuleError, which names a day or month that does not exist."""
    text = MIDNIGHT.sub("", plain(text)).strip()
    if match := YEAR_FIRST.fullmatch(text):
        year, month, number = map(int, match.groups())
    elif match := DAY_FIRST.fullmatch(text):
        number, month, year = map(int, match.groups())
        if len(match[3]) == 2:
            raise RuleError("Typ het jaar met 4 cijfers, bijvoorbeeld 23/11/2026.", field)
    else:
        raise RuleError(DAY_EXAMPLE, field)
    if not 1 <= month <= 12:
        raise RuleError(f"Maand {month} bestaat niet. {DAY_EXAMPLE}", field)
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise RuleError(f"Kies een jaar tussen {EARLIEST_YEAR} en {LATEST_YEAR}.", field)
    if not 1 <= number <= monthrange(year, month)[1]:
        leap = f" {year}" if (month, number) == (2, 29) else ""
        raise RuleError(f"{number} {MONTHS[month - 1]}{leap} bestaat niet. Kijk de datum na.", field)
    return date(year, month, number)


def day_or_none(text: str | None) -> date | None:
    """A day in a URL or a filter; None for any other text."""
    try:
        return day(text or "")
    except RuleError:
        return None


def birth_date(born: date, field: str = "birth_date") -> date:
    """The same day, if it is a plausible birth date. Raises RuleError before 1920 and after today."""
    if born < EARLIEST_BIRTH:
        raise RuleError(f"Kijk de geboortedatum na: we aanvaarden er geen van voor {EARLIEST_BIRTH.year}.", field)
    if born > local_date(utcnow()):
        raise RuleError("Kijk de geboortedatum na: die dag moet nog komen.", field)
    return born


# ---- telephone numbers

PHONE_EXAMPLE = "Typ een telefoonnummer dat we kunnen bellen, bijvoorbeeld 0470 12 34 56 of +31 6 12345678."
PHONE = re.compile(r"(?:tel(?:efoon(?:nummer)?)?|gsm|mobiel)?[.:]* *([+\d(][\d ()/.-]{0,40})", re.I)


def phone(text: str, field: str = "phone") -> str:
    """A Belgian or foreign number that is valid in the numbering plan of its country, as E.164: '+32470123456'. Raises
    RuleError."""
    match = PHONE.fullmatch(plain(text))
    number = _parsed(re.sub(r"[^+\d]", "", match[1])) if match else None
    if number is None or not phonenumbers.is_valid_number(number):
        raise RuleError(PHONE_EXAMPLE, field)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _parsed(text: str) -> phonenumbers.PhoneNumber | None:
    if len(text) < 9 and text[:1] not in "+0":  # an area code without its 0: a KAVO-ID looks like that too
        return None
    try:
        return phonenumbers.parse(text, COUNTRY)
    except NumberParseException:
        return None


def shown_phone(text: str | None) -> str:
    """A stored number as people write it: 0470 12 34 56, or +31 6 12345678 abroad. Any other text is left as it is."""
    try:
        number = _parsed(phone(text or ""))
    except RuleError:
        return text or ""
    if number is None:
        return text or ""
    belgian = number.country_code == COUNTRY_CODE
    form = PhoneNumberFormat.NATIONAL if belgian else PhoneNumberFormat.INTERNATIONAL
    return OneLine(phonenumbers.format_number(number, form))


def phone_digits(text: str | None) -> str:
    """The digits by which a number is found, however it is typed: '0470123456', or '31612345678' abroad. '' for any other
    text."""
    try:
        return re.sub(r"\D", "", shown_phone(phone(text or "")))
    except RuleError:
        return ""


# ---- e-mail addresses

EMAIL_EXAMPLE = "Typ een e-mailadres zoals naam@voorbeeld.be."


def email(text: str, field: str = "email") -> str:
    """A valid address in lower case, with its domain in ASCII: 'jan@xn--mller-kva.be' for jan@müller.be. It is not checked that
    it exists. Raises RuleError."""
    return _in_ascii(_address(tidy(text or ""), field))


def _in_ascii(address: ValidatedEmail) -> str:
    return (address.ascii_email or address.normalized).lower()


def _address(text: str, field: str) -> ValidatedEmail:
    if not text.rpartition("@")[0].isascii():
        raise RuleError(f"Voor de @ staan geen letters met accenten. {EMAIL_EXAMPLE}", field)
    try:  # `test_environment` allows .test
        return validate_email(
            text, strict=True, check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError:
        raise RuleError(EMAIL_EXAMPLE, field) from None


def known_email(text: str | None) -> str:
    """The stored form of an address that somebody searches for; any other text is tidied and in lower case."""
    return same(email, text)


def spellings(text: str | None) -> list[str]:
    """The forms in which a row may hold this address: the present form, and that of older rows, with an umlaut in its domain."""
    try:
        address = _address(tidy(text or ""), "email")
    except RuleError:
        return [known_email(text)]
    return sorted({_in_ascii(address), address.normalized.lower()})


def same(reader: Callable[[str], str], text: str | None) -> str:
    """The form in which two texts are compared: as `reader` reads it, or else tidied and in lower case."""
    try:
        return reader(text or "")
    except RuleError:
        return tidy(text or "").lower()
