"""Fields that parse and normalise their input, and validators for what may be left out."""

from collections.abc import Callable
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import EqualTo, InputRequired, Length, Optional, StopValidation
from wtforms.widgets import CheckboxInput, EmailInput, ListWidget, TelInput

from database import RuleError, readings
from database.texts import has_text, tidy

WORDS = {
    "This field is required.": "Vul dit in.",
    "Not a valid integer value.": "Typ een heel getal, zonder komma.",
    "Not a valid decimal value.": "Typ een getal.",
    "Not a valid date value.": "Typ een datum als dag/maand/jaar, bijvoorbeeld 23/11/2026.",
    "Not a valid choice.": "Kies een van de mogelijkheden.",
    "Not a valid choice": "Kies een van de mogelijkheden.",
    "Invalid Choice: could not coerce.": "Kies een van de mogelijkheden.",
    "'%(value)s' is not a valid choice for this field.": "Kies een van de mogelijkheden.",
    "Invalid email address.": "Typ een e-mailadres zoals naam@voorbeeld.be.",
    "Number must be between %(min)s and %(max)s.": "Kies %(min)s tot %(max)s.",
    "Number must be at least %(min)s.": "Typ %(min)s of meer.",
    "Number must be at most %(max)s.": "Typ hoogstens %(max)s.",
    "Field must be at least %(min)d character long.": "Gebruik minstens %(min)d teken.",
    "Field must be at least %(min)d characters long.": "Gebruik minstens %(min)d tekens.",
    "Field cannot be longer than %(max)d character.": "Gebruik hoogstens %(max)d teken.",
    "Field cannot be longer than %(max)d characters.": "Gebruik hoogstens %(max)d tekens.",
    "Field must be equal to %(other_name)s.": "Typ twee keer hetzelfde.",
}
"""the messages of WTForms → ours"""


WIDTHS = ((DateField, "mid"), (IntegerField, "short"), (TextAreaField, "area"))


def input_id(field) -> str:
    """The id of a field's input; of a group, its first input."""
    return next((option.id for option in field), field.id) if shape(field) == "group" else field.id


class DayField(DateField):
    """A day: from the browser's date picker, or typed in any notation that `readings.day` reads."""

    data: Any

    def __init__(self, label=None, validators=None, **kwargs):
        super().__init__(label, validators or [Optional()], format=["%Y-%m-%d"], **kwargs)

    def process_formdata(self, valuelist):
        text = tidy(" ".join(valuelist))
        self.data, self.raw_data = None, [text]
        if text:
            try:
                self.data = readings.day(text)
            except RuleError as error:
                raise ValueError(str(error)) from error
            self.raw_data = [self.data.isoformat()]


class ReadField(StringField):
    """A text that `reader` normalises for storage. Unreadable input is shown as typed, with the error of `reader`; a stored
    value stays as it is until somebody changes it."""

    reader: Callable[[str], str] = staticmethod(str)
    shown: Callable[[str | None], str] = staticmethod(str)
    problem = ""

    def process_formdata(self, valuelist):
        text = tidy(valuelist[0]) if valuelist else ""
        self.data, self.raw_data, self.problem = text, [text], ""
        if text:
            try:
                self.data = self.reader(text)
            except RuleError as error:
                self.problem = str(error)
        self.keep(self.object_data)

    def keep(self, stored: str | None):
        """Show the stored value while nothing was sent, and leave it untouched when an equivalent value was sent."""
        same = readings.same(self.reader, self.data) == readings.same(self.reader, stored)
        if self.raw_data is None or (stored and same):
            self.data, self.problem = stored, ""

    def pre_validate(self, form):
        if self.problem:
            raise StopValidation(self.problem)

    def _value(self):
        return str(self.shown(self.data or ""))


class EmailField(ReadField):
    widget = EmailInput()
    reader = staticmethod(readings.email)


class PhoneField(ReadField):
    widget = TelInput()
    reader, shown = staticmethod(readings.phone), staticmethod(readings.shown_phone)


class KavoIdField(ReadField):
    reader = staticmethod(readings.kavo_id)


class ChoiceField(SelectField):
    """A select of code → label that starts empty. With `blank` None it starts at the first choice and cannot be left out."""

    def __init__(self, label=None, validators=None, choices=None, blank="Kies …", coerce=str, **kwargs):
        self.is_chosen = blank is None
        options = list(choices.items()) if isinstance(choices, dict) else list(choices or ())
        if blank is not None:
            options.insert(0, ("", blank))
        super().__init__(
            label, validators, choices=options, coerce=lambda value: coerce(value) if value else None, **kwargs
        )


class Sometimes:
    """Marks a field that is required in some cases only: its hint says in which, and the rule behind the form enforces it."""

    field_flags = {"sometimes": True}

    def __call__(self, form, field):
        pass


sometimes = Sometimes()


class ReasonField(TextAreaField):
    """The reason for a decision: required for one of the two answers only."""

    def __init__(self, label="Reden", validators=None, description="Alleen nodig als je afkeurt.", **kwargs):
        checks = [sometimes, *(validators or [Length(max=2000)])]
        super().__init__(label, checks, description=description, **kwargs)


class CheckList(SelectMultipleField):
    """A multiple choice shown as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class _Required(InputRequired):
    """Requires input; a text must hold at least one letter or digit."""

    def __call__(self, form, field):
        super().__call__(form, field)
        typed = isinstance(field, StringField) and not isinstance(field, PasswordField)
        if typed and not has_text(field.data):
            field.errors = []
            raise StopValidation(self.message or "")


def required(text="Vul dit in."):
    """The validator of a field that must be filled in; `text`: its message."""
    return _Required(text)


def same_as(name: str, text: str) -> list:
    """The validators of a field that repeats the password in field `name`; `text`: the message when it is empty."""
    return [required(text), EqualTo(name, "Typ twee keer hetzelfde wachtwoord.")]


def shape(field) -> str:
    """How a field is displayed: 'hidden', 'tick', 'group' (checkboxes or radio buttons) or 'box'."""
    if isinstance(field, HiddenField):
        return "hidden"
    if isinstance(field, BooleanField):
        return "tick"
    return "group" if isinstance(field, RadioField | SelectMultipleField) else "box"


def width(field) -> str:
    """The CSS class for the width that fits the answer; "" when any width does."""
    return next((name for kind, name in WIDTHS if isinstance(field, kind)), "")


def is_optional(field) -> bool:
    """Whether the form is always accepted without this field: no rule requires it, and the user can clear it again."""
    fixed = isinstance(field, BooleanField | RadioField) or getattr(field, "is_chosen", False)
    return not (fixed or field.flags.required or field.flags.sometimes)
