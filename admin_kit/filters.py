"""Filters above a list: declared by column name, typed after the field, and kept in the URL under readable names."""

from datetime import date, timedelta
from functools import reduce
from operator import and_

from flask_admin.contrib.peewee.filters import BasePeeweeFilter
from peewee import BooleanField, DateField, DateTimeField, ForeignKeyField, IntegerField

import dutch
from database import empty_first, normalise, readings, whole_number, without_index
from database.searching import Search
from database.texts import RuleError
from times import end_of_day

FEW = 500


class ListFilter:
    """One filter on one column. `inputs` describes its inputs in the form; `condition` selects the rows."""

    def __init__(self, name: str, label: str, field, plain, needs: str = ""):
        self.name, self.label, self.field, self.plain = name, label, field, plain
        self.needs = needs
        """the dotted column that the query must be joined to"""
        self.param = name.replace(".", "-")

    @property
    def params(self) -> list[str]:
        return [self.param]

    def inputs(self, args):
        """For the form: dictionaries with param, label, kind (select, date, search, number), value, options."""
        return [{"param": self.param, "label": self.label, "kind": "search", "value": args.get(self.param, "")}]

    def condition(self, args):
        """The condition on rows; None when the filter is not used, or holds an unknown value."""
        value = normalise(args.get(self.param, ""))[:100]
        return self.field.contains(value) if value else None

    def words(self, args) -> str:
        """The filter in words, for the line above the list; '' when it is not used."""
        return f"{self.label}: {args[self.param]}" if args.get(self.param) else ""


class ChoiceFilter(ListFilter):
    """A choice among the labels of a column; codes with the same label are one choice."""

    def options(self):
        words: dict[str, str] = {}
        for key, label in self.plain.choices:
            words.setdefault(label, str(key))
        return [(key, label) for label, key in words.items()]

    def _codes(self, value: str) -> list:
        """The codes with the same label as the chosen one."""
        labels = {str(key): label for key, label in self.plain.choices}
        return [key for key, label in self.plain.choices if label == labels.get(value)]

    def inputs(self, args):
        return [
            {
                "param": self.param,
                "label": self.label,
                "kind": "select",
                "value": args.get(self.param, ""),
                "options": self.options(),
            }
        ]

    def condition(self, args):
        codes = self._codes(args.get(self.param, ""))
        return self.field.in_(codes) if codes else None

    def words(self, args):
        chosen = dict(self.options()).get(args.get(self.param))
        return f"{self.label}: {chosen}" if chosen else ""


class YesNoFilter(ChoiceFilter):
    def options(self):
        return [("1", "Ja"), ("0", "Nee")]

    def condition(self, args):
        value = args.get(self.param)
        return self.field == (value == "1") if value in ("0", "1") else None


class AnyOfFilter(ChoiceFilter):
    """Several yes/no columns as one choice: the rows with yes in the chosen one."""

    def __init__(self, name, label, fields):
        super().__init__(name, label, None, None)
        self.fields = {field.name: field for field in fields}

    def options(self):
        return [(name, field.verbose_name) for name, field in self.fields.items()]

    def condition(self, args):
        field = self.fields.get(args.get(self.param))
        return None if field is None else field == True


class RelatedFilter(ListFilter):
    """A related row, found by search."""

    def condition(self, args):
        model = self.plain.rel_model
        search = Search(model, args.get(self.param, "")[:100])
        if not search:
            return None
        pk = model._meta.primary_key
        # Without scope: the list holds only rows that the user may see, and those already name the related rows.
        matches = model.select(pk).where(search.condition())
        few = [key for (key,) in matches.limit(FEW + 1).tuples()]
        return self.field.in_(few) if len(few) <= FEW else without_index(self.field).in_(matches)


class DateFilter(ListFilter):
    @property
    def params(self):
        return [f"{self.param}_van", f"{self.param}_tot"]

    def inputs(self, args):
        labels = (f"{self.label} vanaf", f"{self.label} tot en met")
        return [_day_input(param, label, args.get(param, "")) for param, label in zip(self.params, labels, strict=True)]

    def _bounds(self, args):
        return [readings.day_or_none(args.get(param)) for param in self.params]

    def condition(self, args):
        first, last = self._bounds(args)
        column, conditions = empty_first(self.field), []
        if first:
            conditions.append(column >= self._start(first))
        if last and last < date.max:
            conditions += [column < self._start(last + timedelta(days=1)), self.field.is_null(False)]
        return reduce(and_, conditions) if conditions else None

    def _start(self, day: date):
        """The first stored value of a day; for a moment, midnight in Brussels."""
        return end_of_day(day - timedelta(days=1)) if isinstance(self.plain, DateTimeField) and day > date.min else day

    def words(self, args):
        first, last = self._bounds(args)
        parts = [f"vanaf {dutch.day(first)}"] * bool(first) + [f"tot en met {dutch.day(last)}"] * bool(last)
        return f"{self.label} {' '.join(parts)}" if parts else ""


def _day_input(param: str, label: str, text: str) -> dict:
    """The input of a day with its value, or with the text as typed and the error when it is not a day."""
    shown = {"param": param, "label": label, "kind": "date", "value": text}
    try:
        return shown | {"value": readings.day(text).isoformat()} if text else shown
    except RuleError as error:
        return shown | {"kind": "text", "problem": str(error)}


class NumberFilter(ListFilter):
    def inputs(self, args):
        return [{"param": self.param, "label": self.label, "kind": "number", "value": args.get(self.param, "")}]

    def condition(self, args):
        number = whole_number(args.get(self.param))
        return None if number is None else self.field == number


class StockFilter(ListFilter):
    """A filter written for Flask-Admin (an instance in `column_filters`), with or without options."""

    def __init__(self, stock: BasePeeweeFilter):
        super().__init__(
            f"f_{stock.name}".lower().replace(" ", "_"), f"{stock.name} {stock.operation()}", stock.column, stock.column
        )
        self.stock = stock

    def inputs(self, args):
        options = self.stock.get_options(None)
        kind = (
            {"kind": "select", "options": [(str(key), str(text)) for key, text in options]}
            if options
            else {"kind": "search"}
        )
        return [{"param": self.param, "label": self.label, "value": args.get(self.param, ""), **kind}]

    def condition(self, args):
        value = args.get(self.param, "")
        if not (value and self.stock.validate(value)):
            return None
        return self.stock.apply(self.stock.column.model.select(), self.stock.clean(value))._where


def make_filter(entry, joins, label, copies) -> ListFilter:
    """The filter for one entry of `column_filters`: a (dotted) column name, a ListFilter or a filter of Flask-Admin. `copies`:
    dotted name → column of this table with the same content. Raises ValueError for an unknown column."""
    if isinstance(entry, ListFilter):
        return entry
    if isinstance(entry, BasePeeweeFilter):
        return StockFilter(entry)
    needs = copies.get(entry, entry)
    field, plain = joins.field(needs), joins.plain(entry)
    if field is None:
        raise ValueError(f"column_filters: {entry} is not a column")
    kinds = {
        BooleanField: YesNoFilter,
        DateField: DateFilter,
        DateTimeField: DateFilter,
        ForeignKeyField: RelatedFilter,
        IntegerField: NumberFilter,
    }
    kind = (
        ChoiceFilter
        if plain.choices
        else next((kind for base, kind in kinds.items() if isinstance(plain, base)), ListFilter)
    )
    return kind(entry, label, field, plain, needs)
