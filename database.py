"""The database: connecting, writing in one transaction, and what every row has in common."""

import json
import logging
import re
import unicodedata
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from itertools import islice
from urllib.parse import urlsplit

import psycopg
from peewee import (
    SQL,
    CharField,
    DatabaseProxy,
    DateField,
    DateTimeField,
    IntegerField,
    IntegrityError,
    InterfaceError,
    Model,
    NodeList,
    OperationalError,
    PostgresqlDatabase,
    SqliteDatabase,
    TextField,
    fn,
)
from playhouse.db_url import parse
from playhouse.pool import MaxConnectionsExceeded, PooledSqliteDatabase
from playhouse.postgres_ext import PooledPsycopg3Database

import readings
from texts import RuleError, says_something, tidy, tidy_lines

database = DatabaseProxy()
log = logging.getLogger("kavo.database")

POOL = {"max_connections": 20, "stale_timeout": 300}
CACHE_KIB = 8 * 1024  # for each connection to SQLite
MAPPED = 2**31  # bytes of the file that SQLite reads where the system has them in memory, instead of copying them
SYNCHRONOUS = "full"
"""SQLite ends a transaction when the disk has it; only tests do without"""
BUSY_SECONDS = 10
REPLICA_SECONDS = 3
HOLD = "FOR NO KEY UPDATE"
"""how PostgreSQL holds a row for whoever changes it: others may still write rows that refer to it, and so never wait crosswise"""
AT_ONCE = 5000  # rows in one statement of a bulk insert
MAX_INTEGER = 2**31 - 1
SEARCH_LENGTH = 255
BEFORE_ALL = {DateTimeField: "0001-01-01 00:00:00", DateField: "0001-01-01", IntegerField: -1, CharField: ""}
ONE_MARK = str.maketrans(dict.fromkeys("‘’‚‛`´ʻʼʾʿ′", "'") | dict.fromkeys("“”„«»″", '"') | dict.fromkeys("‐‑–—", "-"))
"""phones type curly quotes and long dashes"""
NO_MARKS = str.maketrans("", "", "'\"-.,:;!?/&()[]")
"""signs in, before and after words of names"""
PLAIN = str.maketrans({
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "ħ": "h", "ŧ": "t", "þ": "th", "æ": "ae", "œ": "oe", "ŋ": "n", "ĸ": "k",
    "ƒ": "f", "ə": "e", "ǝ": "e", "ɛ": "e", "ɔ": "o", "ƀ": "b", "ɓ": "b", "ɖ": "d", "ɗ": "d", "ɨ": "i", "ʉ": "u", "ƴ": "y",
    "ƙ": "k", "ƶ": "z", "ǥ": "g", "ȷ": "j", "ɫ": "l",
})  # fmt: skip
"""small letters that Unicode does not take apart → how somebody types them who has no such key"""


UNAVAILABLE = OperationalError, InterfaceError, MaxConnectionsExceeded
"""the database is away, full, or has no time: what was under way is undone, and one may try again"""


class Conflict(RuleError):
    """Somebody else changed the row since it was read."""


def connect_to(url: str):
    """Point all models at the database of this URL (sqlite:///file or postgresql://…); opens no connection yet."""
    if url.startswith("sqlite:"):
        pragmas = {
            "journal_mode": "wal",
            "foreign_keys": 1,
            "busy_timeout": BUSY_SECONDS * 1000,
            "synchronous": SYNCHRONOUS,
            "secure_delete": 1,
            "cache_size": -CACHE_KIB,
            "mmap_size": MAPPED,
        }
        name = url.removeprefix("sqlite:///")
        kind, more = (SqliteDatabase, {}) if name == ":memory:" else (PooledSqliteDatabase, POOL)
        settings = {"timeout": BUSY_SECONDS, "lock_type": "IMMEDIATE", "check_same_thread": False}
        database.initialize(kind(name, pragmas=pragmas, **settings, **more))
    elif urlsplit(url).scheme in ("postgresql", "postgres"):
        arguments = parse(url, unquote_password=True, unquote_user=True)
        arguments["prepare_threshold"] = None  # a statement that the server remembers fails once a step adds a column
        arguments.setdefault("connect_timeout", BUSY_SECONDS)
        arguments.setdefault("options", f"-c lock_timeout={BUSY_SECONDS}s")
        database.initialize(PooledPsycopg3Database(**arguments, timeout=BUSY_SECONDS, **POOL))
    else:
        raise ValueError("KAVO_DATABASE_URL must start with sqlite:/// or postgresql://")
    return database.obj


def on_postgresql() -> bool:
    """Whether the models now live in PostgreSQL (otherwise: SQLite)."""
    return isinstance(database.obj, PostgresqlDatabase)


@contextmanager
def writing():
    """One write transaction: SQLite takes its single write lock at once, PostgreSQL locks rows as they are read for
    change. Inside another `writing()` it is a savepoint of that one."""
    with database.atomic():
        yield


@contextmanager
def rehearsing():
    """What is written within is taken back at the end, so that one knows what a verb would do. Keep outside what must stay."""
    with writing(), database.savepoint() as before:
        yield
        before.rollback(begin=False)


@contextmanager
def reading():
    """A cursor of the driver for reading very much: in little memory, and keeping nobody from writing. It reads from the copy of
    the database of KAVO_REPLICA_URL, if there is one that answers."""
    if (copy := _replica()) is not None:
        with copy, copy.cursor(name="reading") as cursor:
            yield cursor
        return
    if on_postgresql():
        with database.atomic(), database.connection().cursor(name="reading") as cursor:
            yield cursor
        return
    cursor = database.connection().cursor()
    try:
        cursor.execute("PRAGMA mmap_size = 0")  # what is read once need not stay in our memory
        yield cursor
    finally:
        cursor.close()
        database.execute_sql(f"PRAGMA mmap_size = {MAPPED}")


_copies = {"url": ""}


def read_from(url: str):
    """Let `reading` read from a copy of the database (postgresql://…); '' for the database itself."""
    _copies["url"] = url


def _replica() -> psycopg.Connection | None:
    if not _copies["url"]:
        return None
    try:
        return psycopg.connect(
            _copies["url"], connect_timeout=REPLICA_SECONDS, options="-c default_transaction_read_only=on"
        )
    except psycopg.OperationalError as error:
        log.warning(
            "the copy of the database does not answer, so the database itself is read: %s", type(error).__name__
        )
        return None


def bulk_insert(model, rows):
    """Write dictionaries of column → value; all have the same columns. The others get the default of their field."""
    rows, mark, defaults = iter(rows), database.param, model._meta.defaults
    first = next(rows, None)
    if first is None:
        return
    others = {field.column_name: value for field, value in defaults.items() if field.column_name not in first}
    fixed = tuple(value() if callable(value) else value for value in others.values())
    names = ", ".join(f'"{name}"' for name in [*first, *others])
    marks = ", ".join([mark] * (len(first) + len(others)))
    sql = f'INSERT INTO "{model._meta.table_name}" ({names}) VALUES ({marks})'  # noqa: S608 - our own names
    cursor = database.connection().cursor()
    pending = [first, *islice(rows, AT_ONCE - 1)]
    while pending:
        cursor.executemany(sql, [(*row.values(), *fixed) for row in pending])
        pending = list(islice(rows, AT_ONCE))


def refresh_statistics():
    """Let SQLite look again how its tables are filled: by that it chooses its way through a list. Whole tables, since a part of a
    column with few values misleads it; one at a time, since others cannot write meanwhile (0.8 s for a million placements).
    PostgreSQL does so by itself."""
    if not on_postgresql():
        for table in database.get_tables():
            database.execute_sql(f'ANALYZE "{table}"')


def locking(query, to_delete=False):
    """The same query, holding the rows found until the end of the transaction."""
    return query.for_update("FOR UPDATE" if to_delete else HOLD) if on_postgresql() else query


def ordered(field):
    """A column as lists are ordered by it: what is empty comes before all else, on both databases."""
    return fn.COALESCE(field, SQL(repr(before_all(field)))) if field.null else field


def alone(expression):
    """A column or expression by which SQLite must not look up or order by an index (PostgreSQL judges for itself)."""
    return expression if on_postgresql() else NodeList((SQL("+"), expression), glue="")


def before_all(field):
    """What stands for an empty value of this column in an order."""
    plain = getattr(field, "field", field)  # of an alias
    return next(text for kind, text in BEFORE_ALL.items() if isinstance(plain, kind))


def whole_number(text: str | None) -> int | None:
    """Text from outside as a number that a column can hold; None when it is none (a word, negative, beyond 9 digits)."""
    fits = text and text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if fits else None


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


def is_phone(field) -> bool:
    """Whether a column holds telephone numbers, which are shown otherwise than they are kept."""
    plain = getattr(field, "field", field)  # of an alias
    return getattr(plain, "model", None) is not None and plain.model.reads.get(plain.name) is readings.phone


def check_name(row):
    """Raise RuleError when somebody's new name says nothing. Some have one name only: the first name then stays empty."""
    if {"first_name", "last_name"} & set(row.dirty_field_names) and not says_something(row.first_name + row.last_name):
        raise RuleError("Typ de naam.", "last_name")


class Typed:
    """A column of what a person types, pastes or imports, or what an eID tells: it keeps and compares a text as `texts` makes it,
    whatever door it came by. `required`: the refusal of a text in which one reads nothing; '': it may be empty."""

    tidy = staticmethod(tidy_lines)

    def __init__(self, *args, required: str = "", **options):
        super().__init__(*args, **options)
        self.required = required

    def db_value(self, value):
        return super().db_value(self.tidy(value) if isinstance(value, str) else value)


class Line(Typed, CharField):
    """One line of text."""

    tidy = staticmethod(tidy)


class Lines(Typed, CharField):
    """Lines of text, up to a length."""


class LongText(Typed, TextField):
    """Lines of text without end."""


class Json(TextField):
    """A list or dictionary, kept as JSON in a column of text."""

    def db_value(self, value):
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def python_value(self, value):
        return None if value is None else json.loads(value)


class BaseModel(Model):
    """A row that obeys its rules however it is written: form, action, import, task or shell."""

    steps: dict[str, set[str]] = {}
    """For a row with a state: from which state one may go to which others."""

    reads: dict[str, Callable] = {}
    """Column → how what it gets is read (see `readings`): in comes what somebody typed, out what is kept. What stands there from
    before is left alone."""

    clashes: dict[str, str] = {}
    """Column or constraint, as PostgreSQL or SQLite name it in a refusal → the Dutch sentence that says what to do."""

    class Meta:
        database = database
        legacy_table_names = False
        only_save_dirty = True

    @property
    def pk(self):
        """The primary key. (`get_id` of a user is what Flask-Login keeps in the cookie.)"""
        return self._pk

    def read(self):
        """Bring what changed to the form in which it is kept; an optional column may be empty. Raises RuleError."""
        for name in (name for name in self.reads if name in self._dirty):
            value, field = getattr(self, name), self._meta.fields[name]
            needed = isinstance(field, CharField) and not field.null and field.default is None
            if value or needed:
                try:
                    setattr(self, name, self.reads[name](value))
                except RuleError as error:
                    error.field = name
                    raise

    def prepare(self):
        """Fill what follows from other fields (a search text, a sum). Called before `check`."""

    def check(self):
        """Raise RuleError when this row would break a rule. What it reads must be locked by `lock_rule`."""

    def tidy(self):
        """Bring what was typed into the form that is kept, before a rule judges it."""
        for field in self.dirty_fields:
            value = self.__data__.get(field.name)
            if isinstance(field, Typed) and isinstance(value, str):
                self.__data__[field.name] = field.tidy(value)

    def check_storable(self):
        """Raise RuleError for a value that a database column cannot hold (SQLite would take it, PostgreSQL not), and for one that
        says nothing where something must be said."""
        for field in self.dirty_fields:
            value = self.__data__.get(field.name)
            label = field.verbose_name or field.name
            if isinstance(field, Typed) and field.required and not says_something(value):
                raise RuleError(field.required, field.name)
            if isinstance(value, str) and "\x00" in value:
                raise RuleError(f"‘{label}’ bevat een teken dat we niet kunnen bewaren. Typ het opnieuw.", field.name)
            if isinstance(field, CharField) and isinstance(value, str) and len(value) > field.max_length:
                raise RuleError(f"‘{label}’ is te lang. Gebruik hoogstens {field.max_length} tekens.", field.name)
            if isinstance(field, IntegerField) and isinstance(value, int) and abs(value) > MAX_INTEGER:
                raise RuleError(f"Het getal bij ‘{label}’ is te groot. Kijk het na.", field.name)

    def lock_rule(self):
        """Lock the rows on which `check` relies, parents before children."""

    def save(self, force_insert=False, only=None):
        """Write the changed fields if all rules allow it. Raises RuleError, and Conflict when somebody was first."""
        if self.steps and "state" in self._dirty and self.pk is not None and not force_insert:
            raise ValueError("a state changes by move(), never by save()")
        with nullcontext() if database.in_transaction() else writing():
            self._obey()
            try:
                # In PostgreSQL a refusal would spoil the whole transaction; SQLite takes back the statement alone.
                with database.atomic() if on_postgresql() else nullcontext():
                    return self._write(force_insert, only)
            except IntegrityError as error:
                raise self.clash(error) from error

    def _obey(self):
        self.lock_rule()
        self.judge()

    def judge(self):
        """Bring what changed to the form in which it is kept, and ask all rules. Raises RuleError."""
        self.tidy()
        self.read()
        self.prepare()
        self.check_storable()
        self.check()

    def _write(self, force_insert, only):
        return super().save(force_insert=force_insert, only=only)

    def delete_instance(self, recursive=False, delete_nullable=False):
        """Delete this row alone; never what hangs on it. Raises RuleError when something does."""
        if recursive:
            raise ValueError("rows are never deleted together with what hangs on them")
        try:
            with writing():
                return super().delete_instance()
        except IntegrityError as error:
            raise RuleError(f"{self} kan niet weg: er hangen nog andere gegevens aan vast.") from error

    def clash(self, error: IntegrityError) -> Exception:
        """The refusal of the database as a RuleError; the error itself when no sentence is known for it."""
        first_line = str(error).splitlines()[0]
        for names, text in self.clashes.items():
            if any(name in first_line for name in names.split()):
                return RuleError(text.format(row=self))
        return error

    def move(self, to: str, **values):
        """Change the state, and `values` with it, if nobody did so first. The only way to change a state.

        Raises RuleError when a rule refuses, when that step does not exist, or when somebody else was first."""
        cls, old = type(self), self.state
        if to not in self.steps.get(old, ()):
            raise RuleError(self.step_refused(values.get("decided_by")))
        with writing():
            for name, value in {"state": to, **values}.items():
                setattr(self, name, value)
            self._obey()
            changes = {field.name: self.__data__[field.name] for field in self.dirty_fields}
            unchanged = cls.state == old
            if isinstance(self, Versioned):
                changes["version"] = cls.version + 1
                unchanged &= cls.version == self.version
            if not self._moved(cls.update(**changes).where(self._pk_expr(), unchanged)):
                self.state = cls.get_by_id(self.pk).state
                raise RuleError(self.step_refused(values.get("decided_by")))
        if isinstance(self, Versioned):
            self.version += 1
        self._dirty.clear()

    def _moved(self, change) -> int:
        try:
            with database.atomic() if on_postgresql() else nullcontext():  # as in `save`
                return change.execute()
        except IntegrityError as error:
            raise self.clash(error) from error

    def step_refused(self, by=None) -> str:
        """What to tell somebody whose step does not fit the state this row has now. `by`: the user who wanted to decide, None
        when it is no decision."""
        return f"{self} is intussen al behandeld. Vernieuw de pagina om te zien hoe het ervoor staat."

    @classmethod
    def hold(cls, pk):
        """Let nobody else hold or change the row with this id until the end of the transaction, without reading it."""
        if on_postgresql():  # SQLite has one writer at a time
            key = cls._meta.primary_key
            locking(cls.select(key).where(key == pk)).get()

    @classmethod
    def locked(cls, pk):
        """The row with this id as it is now, held for the rest of the transaction. Raises DoesNotExist."""
        # in SQL: every change of a row begins here, and building it takes longest
        end = HOLD if on_postgresql() else ""
        rows = cls.raw(f'SELECT * FROM "{cls._meta.table_name}" WHERE id = {database.param} {end}', pk)  # noqa: S608 - our names
        for row in rows:
            return row
        raise cls.DoesNotExist(f"{cls.__name__} {pk}")


class Versioned(BaseModel):
    """A row that people edit: a save on top of a version that is no longer the last one is refused."""

    version = IntegerField(default=1)

    def _write(self, force_insert, only):
        if force_insert or self.pk is None:
            return super()._write(force_insert, only)
        changes = {field.name: self.__data__[field.name] for field in self.dirty_fields if field.name != "version"}
        if not changes:
            return 0
        cls = type(self)
        written = (
            cls.update(version=cls.version + 1, **changes).where(self._pk_expr(), cls.version == self.version).execute()
        )
        if not written:
            raise Conflict(f"{self} is intussen door iemand anders gewijzigd. Kijk na wat je wilt behouden.")
        self.version += 1
        self._dirty.clear()
        return written


class Searched(BaseModel):
    """A row that one finds by words; `search` holds what is searched and, byte by byte, ordered: see `searchable`."""

    search = CharField(default="", max_length=SEARCH_LENGTH, index=True)

    def prepare(self):
        self.search = searchable(self.search_text())

    def search_text(self) -> str:
        """The words by which one finds this row, in the order in which rows are sorted."""
        raise NotImplementedError


class Named(Versioned, Searched):
    """A row that people edit and find by its name."""
