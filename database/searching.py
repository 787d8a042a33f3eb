"""Finding rows by words: rows whose `search` contains, for each typed word, a word that begins with it.

SQLite uses a table of words (FTS5) beside each table, PostgreSQL an index of trigrams; both find the same rows."""

from collections.abc import Iterable
from typing import Any

from peewee import SQL, Expression, NodeList, Table, Value, fn
from rapidfuzz.distance import OSA

from database import database, normalise, on_postgresql, postcodes, readings, searched
from database.texts import RuleError

MOST_WORDS = 8
CANDIDATES = 5
ALIKE, MOST_ALIKE = 0.4, 2000  # for PostgreSQL: how similar words must be, and how many rows with such words are read


class Search:
    """A typed search for rows of `model`, a subclass of `Searched` or a table with a copy of its `search`."""

    def __init__(self, model: Any, text: str):
        self.model = model
        text = self._read(text)
        self.text, self.words = normalise(text), searched(text)[:MOST_WORDS]
        self.field = model._meta.fields["search"]

    def _read(self, text: str) -> str:
        """The typed text, with a KAVO-ID, telephone number, postcode or domain of an address in the form in which rows hold
        it."""
        if (reader := getattr(self.model, "named_by", self.model).readers.get("kavo_id")) is not None:
            try:
                return reader(text)
            except RuleError:
                pass
        if self.model.readers.get("phone") and (digits := readings.phone_digits(text)):
            return digits
        if "postcode" in self.model._meta.fields:
            text = postcodes.without_country(text)
        return " ".join(readings.known_email(word) if "@" in word else word for word in text.split())

    def __bool__(self) -> bool:
        return bool(self.words)

    def condition(self) -> Any:
        """The condition for the rows that are found, starting from the words."""
        if on_postgresql():
            return self.in_order()
        words = _words(self.model)
        matches = words.select(words.rowid).where(Expression(words.match, "MATCH", _quoted(self.words)))
        return self.model._meta.primary_key.in_(matches)

    def begins(self) -> Any:
        """The condition for rows that begin with the typed text, such as a name: it uses the index for sorting."""
        text = self.text
        return (self.field >= text) & (self.field < text + chr(0x10FFFF))

    def in_order(self) -> Any:
        """The condition for a query that follows an index in the order of the list: faster when many rows match."""
        return _all(_begins(self.field, word) for word in self.words)


def _words(model: Any) -> Any:
    name = f"{model._meta.table_name}_words"
    table: Any = Table(name, ["rowid", name])
    table.match = getattr(table, name)
    return table


def _quoted(words: Iterable[str]) -> str:
    """Words for FTS5, each as a prefix; quotes make everything inside plain text."""
    return " ".join('"{}"*'.format(word.replace('"', '""')) for word in words)


def _begins(field: Any, word: str) -> NodeList:
    """The condition that a word in `search` begins with this; the space before it finds the first word too. Wildcards are plain
    text."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    parts = [Expression(SQL("' '"), "||", field), SQL("LIKE"), Value(f"% {escaped}%")]
    return NodeList(parts if on_postgresql() else [*parts, SQL("ESCAPE '\\'")], parens=True)


def _all(conditions: Iterable[Any]) -> Any:
    result, *others = conditions
    for condition in others:
        result = Expression(result, "AND", condition)
    return result


# ---- small typos


def corrections(model: Any, words: list[str]) -> list[str]:
    """Searches that differ from `words` by small typos in names, the nearest first. Numbers are left as they are: a KAVO-ID that
    is nearly right is somebody else's."""
    for place, word in enumerate(words):
        if len(word) > 2 and word.isalpha() and not _exists(model, word):
            nearest = _nearest(word, _vocabulary(model, word))
            return [" ".join([*words[:place], near, *words[place + 1 :]]) for near in nearest]
    return []


def _exists(model: Any, word: str) -> bool:
    return model.select(model._meta.primary_key).where(Search(model, word).condition()).limit(1).exists()


def _nearest(word: str, known: set[str]) -> list[str]:
    """The words of `known` within one typo of a short word, or two of a longer word; two swapped letters count as one."""
    most = 1 if len(word) < 5 else 2
    distances = [(OSA.distance(word, other, score_cutoff=most), other) for other in known if other != word]
    return [other for distance, other in sorted(distances) if distance <= most][:CANDIDATES]


def _vocabulary(model: Any, word: str) -> set[str]:
    """The names that may have been meant: those that look like the word, or begin with the same letter and are about as long. A
    table with a copied `search` uses the names of the original."""
    model = getattr(model, "named_by", model)
    if on_postgresql():
        with database.atomic():
            database.execute_sql(f"SET LOCAL pg_trgm.word_similarity_threshold = {ALIKE}")
            words = Expression(SQL("' '"), "||", model.search)
            alike = Expression(words, "%%>", word)  # `%>`: the driver takes a single % for itself
            rows = list(model.select(model.search).where(alike).limit(MOST_ALIKE).tuples())
        return {part for (text,) in rows for part in text.split() if part.isalpha()}
    terms: Any = Table(f"{model._meta.table_name}_terms", ["term"])
    lengths = fn.LENGTH(terms.term).between(len(word) - 2, len(word) + 2)
    query = terms.select(terms.term).where(terms.term >= word[0], terms.term < chr(ord(word[0]) + 1), lengths)
    return {term for (term,) in query.tuples().execute(database) if term.isalpha()}


def forget_words() -> None:
    """Remove words from the indexes of SQLite that no row contains any more: it only marks them as deleted until parts of an
    index are merged. Others cannot write meanwhile, so run this at night. PostgreSQL does this by itself."""
    if not on_postgresql():
        for table in database.get_tables():
            if table.endswith("_words"):
                database.execute_sql(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608 - our own names
