"""What every row has in common: it obeys its rules however it is written, and changes its state by `move` alone."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self, TypeVar

from peewee import CharField, Expression, IntegerField, IntegrityError, Model, ModelDelete, ModelUpdate, Select

from database.connection import database, on_postgresql, writing
from database.fields import MAX_INTEGER, Typed
from database.personal import Personal
from database.search_text import SEARCH_LENGTH, searchable
from database.texts import RuleError, has_text

HOLD = "FOR NO KEY UPDATE"
"""how PostgreSQL locks a row that is about to change: others may still write rows that refer to it, which avoids deadlocks"""

Rows = TypeVar("Rows", bound=Select)


class Conflict(RuleError):
    """Somebody else changed the row since it was read."""


def locking(query: Rows, to_delete: bool = False) -> Rows:
    """The same query, locking the rows found until the end of the transaction."""
    # workaround: stubs-of-peewee
    # types-peewee 4.5.1: `for_update` takes a text too.
    clause: Any = "FOR UPDATE" if to_delete else HOLD
    return query.for_update(clause) if on_postgresql() else query


# workaround: stubs-of-peewee
# types-peewee 4.5.1: `tuples` leaves the rows of a query what they were, rows of the model.
def as_tuples(query: Any) -> Iterable[tuple[Any, ...]]:
    """The rows of a query as plain tuples of what it selects."""
    return query.tuples()


def check_name(row: Any) -> None:
    """Raise RuleError when a person's new name is empty. Some people have only one name: then the first name stays empty."""
    if {"first_name", "last_name"} & set(row.dirty_field_names) and not has_text(row.first_name + row.last_name):
        raise RuleError("Typ de naam.", "last_name")


class BaseModel(Model):
    """A row that obeys its rules however it is written: form, action, import, task or shell."""

    id: Any
    """the primary key, unless a table says otherwise"""
    state: Any
    """of a table with `steps`"""

    # workaround: stubs-of-peewee
    # types-peewee 4.5.1 lacks these, and the `id` of a model.
    if TYPE_CHECKING:
        DoesNotExist: type[Exception]
        _pk: Any
        _dirty: set[str]

        def _pk_expr(self) -> Expression: ...

        @classmethod
        def delete(cls) -> ModelDelete: ...

    steps: dict[str, set[str]] = {}
    """For a table with a state: state → the states that may follow it."""

    readers: dict[str, Callable] = {}
    """Column → the function (of `readings`) that turns what somebody typed into what is stored. Unchanged values are left
    alone."""

    conflict_texts: dict[str, str] = {}
    """Column or constraint, as PostgreSQL or SQLite names it in an error → the Dutch sentence that says what to do."""

    personal: tuple[Personal, ...] = ()
    """What this table says about people; of older tables, `workflow.privacy.personal_data` says it."""

    technical: str = ""
    """The other columns, with spaces between their names. A test fails when a column is in neither."""

    class Meta:
        database = database
        legacy_table_names = False
        only_save_dirty = True

    @property
    def pk(self) -> Any:
        """The primary key. (`get_id` of a user is what Flask-Login keeps in the cookie.)"""
        return self._pk

    def read(self) -> None:
        """Convert changed values to the form in which they are stored; optional columns may be empty. Raises RuleError."""
        for name in (name for name in self.readers if name in self._dirty):
            value, field = getattr(self, name), self._meta.fields[name]
            needed = isinstance(field, CharField) and not field.null and field.default is None
            if value or needed:
                try:
                    setattr(self, name, self.readers[name](value))
                except RuleError as error:
                    error.field = name
                    raise

    def prepare(self) -> None:
        """Fill what follows from other fields (a search text, a sum). Called before `check`."""

    def check(self) -> None:
        """Raise RuleError when this row would break a rule. `lock_rule` must lock the rows that it reads."""

    def tidy(self) -> None:
        """Tidy typed text into the form in which it is stored, before the rules see it."""
        for field in self.dirty_fields:
            value = self.__data__.get(field.name)
            if isinstance(field, Typed) and isinstance(value, str):
                self.__data__[field.name] = field.tidy(value)

    def check_storable(self) -> None:
        """Raise RuleError for a value that a column cannot hold (SQLite would accept it, PostgreSQL would not), and for an empty
        text in a required column."""
        for field in self.dirty_fields:
            value = self.__data__.get(field.name)
            label = field.verbose_name or field.name
            if isinstance(field, Typed) and field.required and not has_text(value):
                raise RuleError(field.required, field.name)
            if isinstance(value, str) and "\x00" in value:
                raise RuleError(f"‘{label}’ bevat een teken dat we niet kunnen bewaren. Typ het opnieuw.", field.name)
            if isinstance(field, CharField) and isinstance(value, str) and len(value) > field.max_length:
                raise RuleError(f"‘{label}’ is te lang. Gebruik hoogstens {field.max_length} tekens.", field.name)
            if isinstance(field, IntegerField) and isinstance(value, int) and abs(value) > MAX_INTEGER:
                raise RuleError(f"Het getal bij ‘{label}’ is te groot. Kijk het na.", field.name)

    def lock_rule(self) -> None:
        """Lock the rows on which `check` relies, parents before children."""

    def save(self, force_insert: bool = False, only: Any = None) -> int:
        """Write the changed fields if all rules allow it. Raises RuleError, and Conflict when somebody else was first."""
        if self.steps and "state" in self._dirty and self.pk is not None and not force_insert:
            raise ValueError("a state changes by move(), never by save()")
        with nullcontext() if database.in_transaction() else writing():
            self._obey()
            try:
                # in PostgreSQL an error aborts the whole transaction; SQLite rolls back only the statement
                with database.atomic() if on_postgresql() else nullcontext():
                    return self._write(force_insert, only)
            except IntegrityError as error:
                raise self.clash(error) from error

    def _obey(self) -> None:
        self.lock_rule()
        self.judge()

    def judge(self) -> None:
        """Convert changed values to the form in which they are stored, and check all rules. Raises RuleError."""
        self.tidy()
        self.read()
        self.prepare()
        self.check_storable()
        self.check()

    def _write(self, force_insert: bool, only: Any) -> int:
        return super().save(force_insert=force_insert, only=only)

    def delete_instance(self, recursive: bool = False, delete_nullable: bool = False) -> int:
        """Delete this row alone, never the rows that refer to it. Raises RuleError when there are any."""
        if recursive:
            raise ValueError("rows are never deleted together with the rows that refer to them")
        try:
            with writing():
                return super().delete_instance()
        except IntegrityError as error:
            raise RuleError(f"{self} kan niet weg: er hangen nog andere gegevens aan vast.") from error

    def clash(self, error: IntegrityError) -> Exception:
        """The database's error as a RuleError; the error itself when `clashes` has no sentence for it."""
        first_line = str(error).splitlines()[0]
        for names, text in self.conflict_texts.items():
            if any(name in first_line for name in names.split()):
                return RuleError(text.format(row=self))
        return error

    def move(self, to: str, **values: Any) -> None:
        """Change the state, and `values` with it, if nobody did so first. The only way to change a state.

        Raises RuleError when a rule refuses, when the step does not exist, or when somebody else was first."""
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
                changes["version"] = type(self).version + 1
                unchanged &= type(self).version == self.version
            if not self._moved(cls.update(**changes).where(self._pk_expr(), unchanged)):
                self.state = cls.get_by_id(self.pk).state
                raise RuleError(self.step_refused(values.get("decided_by")))
        if isinstance(self, Versioned):
            self.version += 1
        self._dirty.clear()

    def _moved(self, change: ModelUpdate) -> int:
        try:
            with database.atomic() if on_postgresql() else nullcontext():  # as in `save`
                return change.execute()
        except IntegrityError as error:
            raise self.clash(error) from error

    def step_refused(self, by: Any = None) -> str:
        """The refusal of a step that does not fit the present state of this row. `by`: the user who wanted to decide; None when
        the step is not a decision."""
        return f"{self} is intussen al behandeld. Vernieuw de pagina om te zien hoe het ervoor staat."

    @classmethod
    def hold(cls, pk: int) -> None:
        """Lock the row with this id until the end of the transaction, without reading it."""
        if on_postgresql():  # SQLite has one writer at a time
            key = cls._meta.primary_key
            locking(cls.select(key).where(key == pk)).get()

    @classmethod
    def locked(cls, pk: Any) -> Self:
        """The row with this id as it is now, locked for the rest of the transaction. Raises DoesNotExist."""
        # raw SQL: every change of a row begins here, and Peewee takes longer to build the query than the database to answer
        end = HOLD if on_postgresql() else ""
        rows = cls.raw(f'SELECT * FROM "{cls._meta.table_name}" WHERE id = {database.param} {end}', pk)  # noqa: S608 - our names
        for row in rows:
            return row
        raise cls.DoesNotExist(f"{cls.__name__} {pk}")


class Versioned(BaseModel):
    """A row that people edit: saving on top of an outdated version is refused."""

    version = IntegerField(default=1)

    def _write(self, force_insert: bool, only: Any) -> int:
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
    """A row that is found by words; `search` holds the text that is searched and, byte by byte, sorted: see `searchable`."""

    search = CharField(default="", max_length=SEARCH_LENGTH, index=True)

    def prepare(self) -> None:
        self.search = searchable(self.search_text())

    def search_text(self) -> str:
        """The words by which this row is found, in the order in which rows are sorted."""
        raise NotImplementedError


class Named(Versioned, Searched):
    """A row that people edit and find by name."""
