"""Text as rows are searched and ordered by it: no accents, no capitals, no marks."""

import re
import unicodedata

from database.texts import tidy

SEARCH_LENGTH = 255
ONE_MARK = str.maketrans(dict.fromkeys("‘’‚‛`´ʻʼʾʿ′", "'") | dict.fromkeys("“”„«»″", '"') | dict.fromkeys("‐‑–—", "-"))
"""phones type curly quotes and long dashes"""
NO_MARKS = str.maketrans("", "", "'\"-.,:;!?/&()[]")
"""signs in, before and after words of names"""
PLAIN = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ı": "i",
        "ħ": "h",
        "ŧ": "t",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ŋ": "n",
        "ĸ": "k",
        "ƒ": "f",
        "ə": "e",
        "ǝ": "e",
        "ɛ": "e",
        "ɔ": "o",
        "ƀ": "b",
        "ɓ": "b",
        "ɖ": "d",
        "ɗ": "d",
        "ɨ": "i",
        "ʉ": "u",
        "ƴ": "y",
        "ƙ": "k",
        "ƶ": "z",
        "ǥ": "g",
        "ȷ": "j",
        "ɫ": "l",
    }
)
"""small letters that Unicode does not take apart → how somebody types them who has no such key"""


def normalise(text: str | None) -> str:
    """Text as it is searched and ordered: no accents, no capitals, single spaces. 'Özdemir  El-Amrani' → 'ozdemir el-amrani'.
    A change of what it returns needs a step: each step renews what rows are found by."""
    plain = tidy(text or "").casefold().translate(ONE_MARK)
    if not plain.isascii():
        apart = unicodedata.normalize("NFKD", plain)
        plain = "".join(char for char in apart if not unicodedata.combining(char)).translate(PLAIN)
    return " ".join(plain.split())


def searchable(text: str) -> str:
    """Text as a row keeps it to be found: normalised, and after it the parts of words with a mark in, before or after them, so
    that "D'Hondt (Chiro) 125143-59" is found by hondt, dhondt, chiro and 12514359 too. One finds a row by the beginnings of its
    words."""
    plain = normalise(text)
    more = []
    for word in plain.split():
        parts = _parts(word)
        more += [part for part in ("".join(parts), *parts) if not word.startswith(part)]
    return " ".join([plain, *dict.fromkeys(more)])[:SEARCH_LENGTH]


def searched(text: str | None) -> list[str]:
    """The words of what somebody typed to search, without the marks in, before and after them: `searchable` keeps them so too.
    A word of marks alone, or with other signs than names have, stays as it is."""
    words = normalise(text).split()
    bare = [word.translate(NO_MARKS) for word in words]
    return [other if other.isalnum() else word for word, other in zip(words, bare, strict=True) if other] or words


def _parts(word: str) -> list[str]:
    return [part for part in re.split(r"[\W_]+", word) if part]
