"""What every form has in common: Dutch words, clean text, Belgian dates, a key against double sending, how much it may hold."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from flask import flash
from flask_security import current_user
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import RequestEntityTooLarge
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
)  # fmt: skip
from wtforms.csrf.core import CSRFTokenField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length, Optional, StopValidation
from wtforms.widgets import CheckboxInput, EmailInput, ListWidget, Select, TelInput

from database import MAX_INTEGER, Conflict, RuleError, readings, writing
from database.texts import says_something, tidy, tidy_lines
from forms import detours, refusing
from models import AlreadyDone, FormKey, User, passwords

MOST_FIELDS, MOST_BYTES = 500, 64 * 1024
LONGEST_TEXT = 10_000  # characters of the longest field to write in
LONGEST_CHARACTER = 12  # bytes of one character in a form that is sent, such as %F0%9F%98%80
NOT_KEPT = ("PasswordField", "HiddenField", "CSRFTokenField")

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
"""The sentences of WTForms as our users read them."""


class _Dutch:
    def gettext(self, text):
        return WORDS.get(text, text)

    def ngettext(self, one, many, number):
        return self.gettext(one if number == 1 else many)


def _there(kept):
    """The text as we keep it, and empty for a field that was left out (no browser does that): WTForms then takes what the row
    calls so."""
    return lambda text: kept(text) if isinstance(text, str) else ""


def _near_enough(number):
    """What no column holds is cut to a number that is still too large: WTForms' `NumberRange` breaks on one beyond any float."""
    return max(-MAX_INTEGER - 1, min(number, MAX_INTEGER + 1)) if isinstance(number, int) else number


def _as_html_allows(field) -> dict:
    """Attributes for HTML that is valid: what was typed that is no day or number at all stays in sight as text, and a choice
    that cannot be empty is not asked to be filled."""
    if isinstance(field, DateField | IntegerField) and field.data is None and any(field.raw_data or ()):
        return {"type": "text", "min": False, "max": False, "step": False}
    if type(field.widget) is Select and field.choices and "" not in dict(field.choices):
        return {"required": False}
    return {}


class TooMuch(RequestEntityTooLarge):
    """More was sent than a form may hold; the text says what to do."""


@dataclass(frozen=True)
class Room:
    """How much a form may hold: fields, bytes of text as a browser sends them, bytes of a file beside it (0: it takes none)."""

    fields: int = MOST_FIELDS
    text: int = MOST_BYTES
    file: int = 0

    def most(self, request) -> int:
        """How many bytes this request may send."""
        return self.text + (self.file if request.mimetype == "multipart/form-data" else 0)

    def read(self, request):
        """Read the form of the request, before anything else does. Raises TooMuch; then nothing is left of the form."""
        request.max_content_length = self.most(request)
        # Of one field; Werkzeug counts the piece of a file that it holds, 64 KiB and more, as one too.
        request.max_form_memory_size = 2 * self.text
        request.max_form_parts = self.fields
        try:
            if (request.content_length or 0) > request.max_content_length:
                raise RequestEntityTooLarge
            sent = list(request.form.items(multi=True))
            text = sum(len(word.encode("utf-8", "replace")) for pair in sent for word in pair if word)
            if len(sent) + len(list(request.files.values())) > self.fields or text > self.text:
                raise RequestEntityTooLarge
        except RequestEntityTooLarge as error:
            request.__dict__.update(form=ImmutableMultiDict(), files=ImmutableMultiDict())
            raise TooMuch(self._sentence(request)) from error

    def _sentence(self, request) -> str:
        if self.file and request.mimetype == "multipart/form-data":
            return (
                "Wat je stuurde is te groot, dus er is niets bewaard. Een bestand mag hoogstens "
                f"{_size(self.file)} zijn: verdeel het over meer bestanden. Plakte je tekst, plak dan minder regels tegelijk."
            )
        return (
            "Wat je stuurde is te groot, dus er is niets bewaard. Ga terug: wat je typte, staat er meestal nog. Maak de "
            "tekst korter of kies minder rijen, en probeer het opnieuw."
        )


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >> 20 else f"{count >> 10} kB"


def room(fields: int = 0, characters: int = 0, file: int = 0):
    """Declare on a view that its form may hold more than any other: so many fields and characters on top, and a file of so many
    bytes. It holds for who is logged in."""

    def declare(view):
        view.room = Room(MOST_FIELDS + fields, MOST_BYTES + LONGEST_CHARACTER * characters, file)
        return view

    return declare


class KavoForm(FlaskForm):
    """A form of ours: in Dutch, with clean text, and with a key by which the same form sent twice is recognised."""

    form_key = HiddenField(default=lambda: secrets.token_hex(16), filters=[lambda key: key[:64]])

    class Meta:
        def get_translations(self, form):
            return _Dutch()

        def wrap_formdata(self, form, formdata):
            """A form reopened after a detour holds what was typed in it."""
            sent = super().wrap_formdata(form, formdata)
            form.typed_before = detours.sent_to_here(getattr(current_user, "id", None)) if formdata is _Auto else None
            return form.typed_before if sent is None and form.typed_before is not None else sent

        def bind_field(self, form, unbound_field, options):
            kind = unbound_field.field_class
            if issubclass(kind, IntegerField):
                kept = _near_enough
            elif issubclass(kind, PasswordField):
                kept = _there(passwords.normal)
            elif issubclass(kind, StringField) and not issubclass(kind, CSRFTokenField):
                kept = _there(tidy_lines if issubclass(kind, TextAreaField) else tidy)
            else:
                return unbound_field.bind(form=form, **options)
            filters = [kept, *unbound_field.kwargs.get("filters", ())]
            return unbound_field.bind(form=form, **{**options, "filters": filters})

        def render_field(self, field, render_kw):
            return super().render_field(field, {**_as_html_allows(field), **render_kw})

    def carry_out(self, act: Callable[[datetime], str | None], by: User, now: datetime) -> bool:
        """Run `act(now)` once, in one transaction, and tell the sentence that it returns. True when it is done, also when the
        same form did it before; False when a rule refused, and then the form says why. Raises Conflict."""
        try:
            with writing():
                FormKey.claim(self.form_key.data, by, now)
                told = act(now)
        except AlreadyDone as already:
            flash(str(already), "note")
        except Conflict:
            raise
        except RuleError as error:
            self.refuse(error)
            return False
        else:
            if told:
                flash(told, "good")
        return True

    @property
    def is_typed(self) -> bool:
        """Whether it holds what somebody typed: it was sent, or is opened again after a detour."""
        return self.is_submitted() or self.typed_before is not None

    def renew(self):
        """Give a form that was partly done a new key: what is left is sent as a new form."""
        self.form_key.data = secrets.token_hex(16)

    def typed(self) -> dict:
        """What was typed, as plain values, to keep as a draft: never a password."""
        kept = [one for one in self if one.type not in NOT_KEPT]
        return {one.name: one.data.isoformat() if isinstance(one.data, date) else one.data for one in kept}

    def put_back(self, typed: dict):
        """Fill the form with a draft."""
        for one in self:
            if one.name in typed and one.type not in NOT_KEPT:
                value = typed[one.name]
                one.data = date.fromisoformat(value) if isinstance(one, DateField) and value else value

    def refuse(self, error: RuleError):
        """Show a refused rule: beside its field when it has one, otherwise above the form; what was typed stays."""
        refusing.note_form(self)
        if error.field in self._fields:
            field = self._fields[error.field]
            field.errors = [*field.errors, str(error)]
        else:
            self.form_errors.append(str(error))


def problems(form, parts=None) -> list[tuple[str | None, str, str]]:
    """All that is wrong with a form, for the summary on top: (id of what one mends, label, sentence). No id: nothing on the form
    mends it. `parts`: forms inside this one, by the name of what each is about."""
    refusing.note_form(form)
    found = [(None, "", str(text)) for text in form.form_errors] + _of_fields(form)
    for name, part in (parts or {}).items():
        first = next(input_id(field) for field in part if field.name != "csrf_token" and field.type != "HiddenField")
        found += [(first, name, str(text)) for text in part.form_errors]
        found += [(where, f"{name}, {label}", text) for where, label, text in _of_fields(part)]
    return found


def _of_fields(form):
    fields = [field for field in form if field.name != "csrf_token"]
    return [(input_id(field), field.label.text, str(text)) for field in fields for text in field.errors]


def input_id(field) -> str:
    """The id of what one types in or ticks; of a group the first of its inputs."""
    return next((option.id for option in field), field.id) if shape(field) == "group" else field.id


class DayField(DateField):
    """A day: the browser's own date field, or typed in another way that `readings.day` reads."""

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
    """A text that `reader` brings to the form in which we keep it. What cannot be read stays as it was typed, and is told what to
    do; what stood there from before stays as it is while nobody changes it."""

    reader, shown = staticmethod(str), staticmethod(str)
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
        """What the row holds: shown while nothing was sent, and left as it is when the same was sent."""
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
    """A drop-down of code → words that starts empty; with `blank` None it starts with the first, and cannot be left out."""

    def __init__(self, label=None, validators=None, choices=None, blank="Kies …", coerce=str, **kwargs):
        self.is_chosen = blank is None
        words = list(choices.items()) if isinstance(choices, dict) else list(choices or ())
        if blank is not None:
            words.insert(0, ("", blank))
        super().__init__(
            label, validators, choices=words, coerce=lambda value: coerce(value) if value else None, **kwargs
        )


class Sometimes:
    """The validator of a field that is needed in some cases: its hint says in which, and the rule behind the form decides."""

    field_flags = {"sometimes": True}

    def __call__(self, form, field):
        pass


sometimes = Sometimes()


class ReasonField(TextAreaField):
    """Why somebody decides so: needed for one of the two answers only."""

    def __init__(self, label="Reden", validators=None, description="Alleen nodig als je afkeurt.", **kwargs):
        checks = [sometimes, *(validators or [Length(max=2000)])]
        super().__init__(label, checks, description=description, **kwargs)


DECIDES = "Ik beslis dit zelf"


class DecisionForm(KavoForm):
    """A form behind a link in a mail that decides something for good. It asks for a tick, since mail scanners press buttons."""

    myself = BooleanField(
        DECIDES,
        [DataRequired("Vink aan dat je dit zelf beslist: ook mailprogramma’s klikken soms op een knop.")],
    )


class CheckList(SelectMultipleField):
    """Several choices, each with a box to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class _Required(InputRequired):
    """Something was sent, and in a text one reads at least a letter or digit."""

    def __call__(self, form, field):
        super().__call__(form, field)
        typed = isinstance(field, StringField) and not isinstance(field, PasswordField)
        if typed and not says_something(field.data):
            field.errors = []
            raise StopValidation(self.message)


def required(text="Vul dit in."):
    """The validator of a field that must be filled, with its own sentence."""
    return _Required(text)


def same_as(name: str, text: str) -> list:
    """The validators of a field in which one types once more what stands in another."""
    return [required(text), EqualTo(name, "Typ twee keer hetzelfde wachtwoord.")]


# ---- how a field is shown

WIDTHS = ((DateField, "mid"), (IntegerField, "short"), (TextAreaField, "area"))


def shape(field) -> str:
    """How a field is shown, by what it is: 'hidden', 'tick', 'group' (several boxes to tick or choose from) or 'box'."""
    if isinstance(field, HiddenField):
        return "hidden"
    if isinstance(field, BooleanField):
        return "tick"
    return "group" if isinstance(field, RadioField | SelectMultipleField) else "box"


def width(field) -> str:
    """The class for the width that fits the answer; empty when any does."""
    return next((name for kind, name in WIDTHS if isinstance(field, kind)), "")


def may_be_left_out(field) -> bool:
    """Whether a form is accepted without an answer here, in every case: nothing asks for it, and one can take it back."""
    fixed = isinstance(field, BooleanField | RadioField) or getattr(field, "is_chosen", False)
    return not (fixed or field.flags.required or field.flags.sometimes)


__all__ = [
    "LONGEST_TEXT",
    "CheckList",
    "ChoiceField",
    "DayField",
    "DecisionForm",
    "EmailField",
    "KavoForm",
    "KavoIdField",
    "Length",
    "PhoneField",
    "ReasonField",
    "Room",
    "TooMuch",
    "required",
    "room",
    "same_as",
    "sometimes",
]
