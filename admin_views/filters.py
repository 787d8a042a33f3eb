"""Filters above a list: made from the name of a column, typed by its field, kept in the URL under readable names."""

from datetime import date, timedelta

from flask_admin.contrib.peewee.filters import BasePeeweeFilter
from peewee import BooleanField, DateField, DateTimeField, ForeignKeyField, IntegerField

import dutch
import scope
from database import normalise, whole_number
from searching import Search
from times import end_of_day

FEW = 500


class ListFilter:
    """One filter on one column. `inputs` describes what the form shows; `apply` narrows a query by what the URL holds."""

    def __init__(self, name: str, label: str, field, plain):
        self.name, self.label, self.field, self.plain = name, label, field, plain
        self.param = name.replace(".", "-")

    @property
    def params(self) -> list[str]:
        return [self.param]

    def inputs(self, args, by):
        """For the form: dictionaries with param, label, kind (select, date, search, number), value, options."""
        return [{"param": self.param, "label": self.label, "kind": "search", "value": args.get(self.param, "")}]

    def apply(self, query, args, by):
        value = normalise(args.get(self.param, ""))[:100]
        return query.where(self.field.contains(value)) if value else query

    def words(self, args, by) -> str:
        """What the filter now says, for the line above the list; empty when it is not used."""
        return f"{self.label}: {args[self.param]}" if args.get(self.param) else ""


class ChoiceFilter(ListFilter):
    def options(self, by):
        return [(str(key), label) for key, label in self.plain.choices]

    def inputs(self, args, by):
        return [
            {
                "param": self.param,
                "label": self.label,
                "kind": "select",
                "value": args.get(self.param, ""),
                "options": self.options(by),
            }
        ]

    def apply(self, query, args, by):
        value = args.get(self.param)
        return query.where(self.field == value) if value and value in dict(self.options(None)) else query

    def words(self, args, by):
        return f"{self.label}: {dict(self.options(None)).get(args.get(self.param), '')}" if args.get(self.param) else ""


class YesNoFilter(ChoiceFilter):
    def options(self, by):
        return [("1", "Ja"), ("0", "Nee")]

    def apply(self, query, args, by):
        value = args.get(self.param)
        return query.where(self.field == (value == "1")) if value in ("0", "1") else query


class RelatedFilter(ListFilter):
    """A related row, by the words by which one finds it."""

    def apply(self, query, args, by):
        model = self.plain.rel_model
        search = Search(model, args.get(self.param, "")[:100])
        if not search:
            return query
        pk = model._meta.primary_key
        found = model.select(pk).where(search.condition(), scope.listed(by, model))
        few = [key for (key,) in found.limit(FEW + 1).tuples()]
        if len(few) <= FEW:
            return query.where(self.field.in_(few))
        return query.where(
            (self.field + 0).in_(found)
        )  # so many: the order of the list leads, not the index of this column


class DateFilter(ListFilter):
    @property
    def params(self):
        return [f"{self.param}_van", f"{self.param}_tot"]

    def inputs(self, args, by):
        words = (f"{self.label} vanaf", f"{self.label} tot en met")
        return [
            {"param": param, "label": label, "kind": "date", "value": args.get(param, "")}
            for param, label in zip(self.params, words, strict=True)
        ]

    def _bounds(self, args):
        bounds = []
        for param in self.params:
            try:
                bounds.append(date.fromisoformat(args.get(param, "")))
            except ValueError:
                bounds.append(None)
        return bounds

    def apply(self, query, args, by):
        first, last = self._bounds(args)
        if first:
            query = query.where(self.field >= self._start(first))
        if last and last < date.max:
            query = query.where(self.field < self._start(last + timedelta(days=1)))
        return query

    def _start(self, day: date):
        """The stored value with which a day begins: a moment begins with the midnight in Brussels."""
        return end_of_day(day - timedelta(days=1)) if isinstance(self.plain, DateTimeField) and day > date.min else day

    def words(self, args, by):
        first, last = self._bounds(args)
        told = [f"vanaf {dutch.day(first)}"] * bool(first) + [f"tot en met {dutch.day(last)}"] * bool(last)
        return f"{self.label} {' '.join(told)}" if told else ""


class NumberFilter(ListFilter):
    def inputs(self, args, by):
        return [{"param": self.param, "label": self.label, "kind": "number", "value": args.get(self.param, "")}]

    def apply(self, query, args, by):
        number = whole_number(args.get(self.param))
        return query if number is None else query.where(self.field == number)


class StockFilter(ListFilter):
    """A filter written for Flask-Admin (an instance in `column_filters`), with or without options."""

    def __init__(self, stock: BasePeeweeFilter):
        super().__init__(
            f"f_{stock.name}".lower().replace(" ", "_"), f"{stock.name} {stock.operation()}", stock.column, stock.column
        )
        self.stock = stock

    def inputs(self, args, by):
        options = self.stock.get_options(None)
        kind = (
            {"kind": "select", "options": [(str(key), str(text)) for key, text in options]}
            if options
            else {"kind": "search"}
        )
        return [{"param": self.param, "label": self.label, "value": args.get(self.param, ""), **kind}]

    def apply(self, query, args, by):
        value = args.get(self.param, "")
        return self.stock.apply(query, self.stock.clean(value)) if value and self.stock.validate(value) else query


def make_filter(entry, joins, label) -> ListFilter:
    """The filter for one entry of `column_filters`: the (dotted) name of a column, or a filter of Flask-Admin."""
    if isinstance(entry, BasePeeweeFilter):
        return StockFilter(entry)
    field, plain = joins.field(entry), joins.plain(entry)
    if field is None:
        raise ValueError(f"column_filters: {entry} is no column")
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
    return kind(entry, label, field, plain)
