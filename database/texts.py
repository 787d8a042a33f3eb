"""Tidying text that is typed, pasted, imported or read from an eID, before anything else happens to it. All sources and all
columns of such text use these functions, so that equal texts are stored, found and judged alike."""

import re
import unicodedata

from markupsafe import Markup, escape


class RuleError(Exception):
    """A rule refuses. The user reads its Dutch text; `field` names the form field that it is about, if any."""

    def __init__(self, text: str, field: str | None = None):
        super().__init__(text)
        self.field = field


class OneLine(str):
    """A text that a page never breaks over two lines, such as a telephone number or a day."""

    def __html__(self) -> str:
        return f'<span class="num">{escape(str(self))}</span>'


def in_html(text: str) -> Markup:
    """A sentence for a page: telephone numbers in it stay on one line, and in a wide list short addresses do too."""
    html = PHONE.sub(r'<span class="num">\g<0></span>', str(escape(text)))
    return Markup(ADDRESS.sub(r'<span class="address">\g<0></span>', html))  # noqa: S704 - escaped first


ADDRESS = re.compile(r"(?<!\S)[\w.+-]{1,20}@[\w.-]{1,20}(?!\S)")
PHONE = re.compile(r"(?:\+\d|\b0)[\d ]{7,16}\d")
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]|"
    "[\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""invisible characters: Unicode's Default_Ignorable_Code_Point, and marks around annotations"""
NEVER = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""control characters, halves of surrogate pairs, and what Unicode reserves as noncharacters"""
SPACES = re.compile("[\\s\u2800\x85]+")
BREAK = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
DASHES = re.compile("[\u002d\u058a\u2010-\u2015\u2043\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d]")


def tidy(text: str) -> str:
    """A text on one line as it is stored: composed letters (NFC), nothing invisible, single plain spaces, none at the ends."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return SPACES.sub(" ", _visible(BREAK.sub(" ", text))).strip()


def tidy_lines(text: str) -> str:
    """The same for a text of several lines, which stay; several empty lines in a row become one."""
    lines = [tidy(line) for line in BREAK.split(text)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _visible(text: str) -> str:
    return unicodedata.normalize("NFC", INVISIBLE.sub("", NEVER.sub("", text)))


def identifier(text: str) -> str:
    """A number or code: like `tidy`, with '-' for every kind of dash."""
    return DASHES.sub("-", tidy(text))


def has_text(text: str | None) -> bool:
    """Whether a text contains a visible letter or digit: the test of 'required'."""
    return any(unicodedata.category(char)[0] in "LN" for char in tidy(text or ""))


def required_text(text: str | None, refusal: str, field: str | None = None) -> str:
    """A text of several lines as it is stored. Raises RuleError with this refusal when it says nothing."""
    tidied = tidy_lines(text or "")
    if not has_text(tidied):
        raise RuleError(refusal, field)
    return tidied
