"""Finding rows by words: rows whose `search` has, for each word that was typed, a word that begins with it.

SQLite finds them by a table of words (FTS5) beside each table, PostgreSQL by an index of trigrams; both answer the same."""

from peewee import SQL, Expression, NodeList, Table, Value, fn
from rapidfuzz.distance import OSA

from database import database, normalise, on_postgresql, postcodes, readings, searched
from database.texts import RuleError

MOST_WORDS = 8
CANDIDATES = 5
ALIKE, MOST_ALIKE = 0.4, 2000  # of PostgreSQL: how alike words must be, and how many rows with such words are read


class Search:
    """What somebody typed to find rows of `model` (a `Searched` one)."""

    def __init__(self, model, text: str):
        self.model = model
        text = self._read(text)
        self.text, self.words = normalise(text), searched(text)[:MOST_WORDS]
        self.field = model._meta.fields["search"]

    def _read(self, text: str) -> str:
        """What was typed, with a KAVO-ID, a telephone number, a postcode and the domain of an address as rows hold them."""
        if (reader := getattr(self.model, "named_by", self.model).reads.get("kavo_id")) is not None:
            try:
                return reader(text)
            except RuleError:
                pass
        if self.model.reads.get("phone") and (digits := readings.phone_digits(text)):
            return digits
        if "postcode" in self.model._meta.fields:
            text = postcodes.without_country(text)
        return " ".join(readings.known_email(word) if "@" in word else word for word in text.split())

    def __bool__(self):
        return bool(self.words)

    def condition(self):
        """The condition for the rows that are found, led by the words."""
        if on_postgresql():
            return self.in_order()
        words = _words(self.model)
        found = words.select(words.rowid).where(Expression(words.match, "MATCH", _quoted(self.words)))
        return self.model._meta.primary_key.in_(found)

    def begins(self):
        """The condition for rows that begin with what was typed, as a name does: by the index in which they are ordered."""
        text = self.text
        return (self.field >= text) & (self.field < text + chr(0x10FFFF))

    def in_order(self):
        """The same for a query that goes through an index in the order of the list: quicker when much is found."""
        return _all(_begins(self.field, word) for word in self.words)


def _words(model):
    name = f"{model._meta.table_name}_words"
    table = Table(name, ["rowid", name])
    table.match = getattr(table, name)
    return table


def _quoted(words) -> str:
    """Words for FTS5, each as a beginning; quotes make everything in them plain text."""
    return " ".join('"{}"*'.format(word.replace('"', '""')) for word in words)


def _begins(field, word: str):
    """That `search` has a word that begins so: the space before it finds the first word too. Wildcards are plain text."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    parts = [Expression(SQL("' '"), "||", field), SQL("LIKE"), Value(f"% {escaped}%")]
    return NodeList(parts if on_postgresql() else [*parts, SQL("ESCAPE '\\'")], parens=True)


def _all(conditions):
    first, *others = conditions
    for one in others:
        first = Expression(first, "AND", one)
    return first


# ---- small typing errors


def corrections(model, words: list[str]) -> list[str]:
    """Searches that differ from `words` by small typing errors in names, the nearest first. Numbers are left as they are: a
    KAVO-ID that is nearly right is somebody else's."""
    for place, word in enumerate(words):
        if len(word) > 2 and word.isalpha() and not _exists(model, word):
            others = ([*words[:place], near, *words[place + 1 :]] for near in _nearest(word, _vocabulary(model, word)))
            return [" ".join(other) for other in others]
    return []


def _exists(model, word) -> bool:
    return model.select(model._meta.primary_key).where(Search(model, word).condition()).limit(1).exists()


def _nearest(word, known) -> list[str]:
    """The words of `known` within one typing error of a short word, or two of a longer one; swapped letters are one."""
    most = 1 if len(word) < 5 else 2
    found = [(OSA.distance(word, other, score_cutoff=most), other) for other in set(known) if other != word]
    return [other for distance, other in sorted(found) if distance <= most][:CANDIDATES]


def _vocabulary(model, word):
    """The names that a word may have meant: those that look like it, or begin with the same letter and are about as long. What
    a table copies from another is looked up there."""
    model = getattr(model, "named_by", model)
    if on_postgresql():
        with database.atomic():
            database.execute_sql(f"SET LOCAL pg_trgm.word_similarity_threshold = {ALIKE}")
            words = Expression(SQL("' '"), "||", model.search)
            alike = Expression(words, "%%>", word)  # `%>`: the driver takes a single % for itself
            rows = list(model.select(model.search).where(alike).limit(MOST_ALIKE).tuples())
        return {part for (text,) in rows for part in text.split() if part.isalpha()}
    terms = Table(f"{model._meta.table_name}_terms", ["term"])
    lengths = fn.LENGTH(terms.term).between(len(word) - 2, len(word) + 2)
    rows = terms.select(terms.term).where(terms.term >= word[0], terms.term < chr(ord(word[0]) + 1), lengths)
    return {term for (term,) in rows.tuples().execute(database) if term.isalpha()}


def forget_words():
    """Take words out of the indexes of SQLite that are in no row any more: it keeps them, beside a note that they are gone, until
    parts of an index are joined. Others cannot write meanwhile, so do it by night. PostgreSQL does so by itself."""
    if not on_postgresql():
        for table in database.get_tables():
            if table.endswith("_words"):
                database.execute_sql(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608 - our own names
