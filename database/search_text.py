"""Text for searching and sorting rows: no accents, no capitals, no marks."""

import re
import unicodedata

from database.texts import tidy

SEARCH_LENGTH = 255
ONE_MARK = str.maketrans(dict.fromkeys("‘’‚‛`´ʻʼʾʿ′", "'") | dict.fromkeys("“”„«»″", '"') | dict.fromkeys("‐‑–—", "-"))
"""phones insert curly quotes and long dashes"""
NO_MARKS = str.maketrans("", "", "'\"-.,:;!?/&()[]")
"""signs in, before and after the words of names"""
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
"""lower-case letters that Unicode does not decompose → how people type them without such a key"""


def normalise(text: str | None) -> str:
    """Text for searching and sorting: no accents, no capitals, single spaces. 'Özdemir  El-Amrani' → 'ozdemir el-amrani'. A
    change in its result needs a migration: each migration renews the search texts."""
    plain = tidy(text or "").casefold().translate(ONE_MARK)
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(char for char in decomposed if not unicodedata.combining(char)).translate(PLAIN)
    return " ".join(plain.split())


def searchable(text: str) -> str:
    """The search text of a row: normalised, followed by the parts of words with a mark in, before or after them, so that
    "D'Hondt (Chiro) 125143-59" is also found by hondt, dhondt, chiro and 12514359. A row is found by the beginnings of its
    words."""
    plain = normalise(text)
    more = []
    for word in plain.split():
        parts = _parts(word)
        more += [part for part in ("".join(parts), *parts) if not word.startswith(part)]
    return " ".join([plain, *dict.fromkeys(more)])[:SEARCH_LENGTH]


def searched(text: str | None) -> list[str]:
    """The words of a typed search, without the marks in, before and after them, like `searchable`. A word that consists of marks,
    or contains signs that names do not have, stays as it is."""
    words = normalise(text).split()
    bare = [word.translate(NO_MARKS) for word in words]
    return [plain if plain.isalnum() else word for word, plain in zip(words, bare, strict=True) if plain] or words


def _parts(word: str) -> list[str]:
    return [part for part in re.split(r"[\W_]+", word) if part]
