"""Form fields for the fields of a model: Dutch dates, choices, and related rows that the user may choose."""

from flask import has_request_context
from flask_admin.contrib.peewee.form import CustomModelConverter
from flask_security import current_user
from peewee import IntegerField
from wtforms import StringField, ValidationError
from wtforms.validators import InputRequired, Optional
from wtfpeewee.orm import FieldInfo

import scope
from database import MAX_INTEGER, readings
from database.searching import Search
from forms import ChoiceField, DayField, EmailField, KavoIdField, PhoneField
from models import own_address

MOST_OPTIONS = 500
SUGGESTIONS = 10
SEPARATOR = " – "
READ_BY = {
    readings.email: EmailField,
    own_address: EmailField,
    readings.phone: PhoneField,
    readings.kavo_id: KavoIdField,
}
"""reader of a column → its form field"""


def _mine(model):
    """The rows of a related table that the current user may act on."""
    if not has_request_context():
        return model.select().where(scope.own(None, model))
    return model.select().where(scope.own(current_user._get_current_object(), model))


class RelatedChoice(ChoiceField):
    """A related row, chosen from the rows that the user may act on."""

    def __init__(self, label=None, validators=None, model=None, **kwargs):
        self.model = model
        kwargs.pop("allow_blank", None)
        super().__init__(label, validators, choices=[], coerce=str, **kwargs)

    def _query(self):
        order = self.model._meta.fields.get("search") or self.model._meta.primary_key
        return _mine(self.model).order_by(order).limit(MOST_OPTIONS)

    def process(self, formdata, data=None, extra_filters=None):
        self.rows = {str(row.pk): row for row in self._query()}
        super().process(formdata, data, extra_filters)
        self.choices = [("", "Kies …"), *((key, str(row)) for key, row in self.rows.items())]

    def process_data(self, value):
        self.data = str(value.pk) if value is not None else None

    def populate_obj(self, obj, name):
        setattr(obj, name, self.rows.get(self.data or ""))


class RelatedLookup(StringField):
    """A related row from a large table, by its exact name (a KAVO-ID, an e-mail address); with suggestions while
    typing."""

    def __init__(self, label=None, validators=None, model=None, by_field="id", **kwargs):
        kwargs.pop("allow_blank", None)
        super().__init__(label, validators, **kwargs)
        self.model, self.by_field, self.row = model, by_field, None

    def process_data(self, value):
        self.row = value
        self.data = f"{getattr(value, self.by_field)}{SEPARATOR}{value}" if value is not None else ""

    def pre_validate(self, form):
        text = (self.data or "").strip()
        reader = self.model.readers.get(self.by_field, str.lower)
        meant = {readings.same(reader, part) for part in (text, text.split(SEPARATOR)[0])}
        self.row = _mine(self.model).where(getattr(self.model, self.by_field) << meant).first() if text else None
        if text and self.row is None:
            name = self.model._meta.fields[self.by_field].verbose_name
            raise ValidationError(
                f"We vinden niemand met {name} ‘{text[:50]}’. Kijk het na." if name else "Kies een rij die bestaat."
            )

    def populate_obj(self, obj, name):
        setattr(obj, name, self.row)

    suggestions = True
    """the page suggests rows while typing, see `suggest`"""


def suggest(unbound, text: str) -> list[str]:
    """At most ten suggestions that match the text typed so far; `unbound`: the declared RelatedLookup."""
    model, name = unbound.kwargs["model"], unbound.kwargs.get("by_field", "id")
    search = Search(model, text)
    if not search:
        return []
    rows = list(_mine(model).where(search.begins()).order_by(model.search).limit(SUGGESTIONS))
    if len(rows) < SUGGESTIONS:
        others = _mine(model).where(search.condition(), model.id.not_in([row.id for row in rows]))
        rows += list(others.limit(SUGGESTIONS - len(rows)))
    return [f"{getattr(row, name)}{SEPARATOR}{row}" for row in rows]


class Converter(CustomModelConverter):
    """Flask-Admin's converter, with our fields for dates, choices and related rows."""

    def convert(self, model, field, field_args):
        if field.choices and field.name not in self.overrides:
            arguments = {"label": field.verbose_name, "choices": list(field.choices), **(field_args or {})}
            arguments.setdefault(
                "validators", [Optional() if field.null or field.default is not None else InputRequired()]
            )
            return FieldInfo(field.name, ChoiceField(**arguments))
        if kind := READ_BY.get(model.readers.get(field.name)):
            needed = not (field.null or field.default is not None)
            checks = [InputRequired("Vul dit in.") if needed else Optional()]
            return FieldInfo(
                field.name, kind(**{"label": field.verbose_name, "validators": checks, **(field_args or {})})
            )
        info = super().convert(model, field, field_args)
        if isinstance(field, IntegerField) and info.field is not None:
            info.field.kwargs["render_kw"] = {"max": MAX_INTEGER, **(info.field.kwargs.get("render_kw") or {})}
        return info

    def handle_date(self, model, field, **kwargs):
        return FieldInfo(field.name, DayField(**kwargs))

    # workaround: choice-of-every-row
    # Flask-Admin 2.2.1 offers every row of the related table, whatever the user may see and however many there are.
    def handle_foreign_key(self, model, field, **kwargs):
        by_field = (self.view.form_ajax_refs or {}).get(field.name, {}).get("fields", (None,))[0]
        if by_field:
            return FieldInfo(field.name, RelatedLookup(model=field.rel_model, by_field=by_field, **kwargs))
        return FieldInfo(field.name, RelatedChoice(model=field.rel_model, **kwargs))
