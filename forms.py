"""What every form has in common: Dutch words, clean text, Belgian dates, a key against double sending."""

import secrets
import unicodedata
from collections.abc import Callable
from datetime import date, datetime

from flask import flash
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)  # fmt: skip
from wtforms.csrf.core import CSRFTokenField
from wtforms.validators import DataRequired, InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

import refusing
from database import MAX_INTEGER, Conflict, RuleError, writing
from people import User
from records import AlreadyDone, FormKey

EARLIEST_YEAR, LATEST_YEAR = 1900, 2100
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


def clean(text):
    """Typed text without spaces around it and without characters that nobody can type (controls, lone surrogates)."""
    if not isinstance(text, str):
        return text
    kept = (
        char for char in text.replace("\r\n", "\n") if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs")
    )
    return "".join(kept).strip()


def clean_line(text):
    """Typed text that stands on one line: as `clean`, with single spaces."""
    return " ".join(clean(text).split()) if isinstance(text, str) else text


def _there(tidy):
    """The same, and empty for a field that was left out (no browser does that): WTForms then takes what the row calls so."""
    return lambda text: tidy(text) if isinstance(text, str) else ""


def _near_enough(number):
    """What no column holds is cut to a number that is still too large: WTForms' `NumberRange` breaks on one beyond any float."""
    return max(-MAX_INTEGER - 1, min(number, MAX_INTEGER + 1)) if isinstance(number, int) else number


class KavoForm(FlaskForm):
    """A form of ours: in Dutch, with clean text, and with a key by which the same form sent twice is recognised."""

    form_key = HiddenField(default=lambda: secrets.token_hex(16), filters=[lambda key: key[:64]])

    class Meta:
        def get_translations(self, form):
            return _Dutch()

        def bind_field(self, form, unbound_field, options):
            kind = unbound_field.field_class
            if issubclass(kind, IntegerField):
                tidy = _near_enough
            elif issubclass(kind, StringField) and not issubclass(kind, PasswordField | CSRFTokenField):
                tidy = _there(clean if issubclass(kind, TextAreaField) else clean_line)
            else:
                return unbound_field.bind(form=form, **options)
            filters = [tidy, *unbound_field.kwargs.get("filters", ())]
            return unbound_field.bind(form=form, **{**options, "filters": filters})

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


def problems(form) -> list[tuple[str | None, str, str]]:
    """All that is wrong with a form, for the summary on top: (id of the field or None, label, sentence)."""
    refusing.note_form(form)
    above = [(None, "", str(text)) for text in form.form_errors]
    fields = [field for field in form if field.name != "csrf_token"]
    return above + [(field.id, field.label.text, str(text)) for field in fields for text in field.errors]


class DayField(DateField):
    """A day: the browser's own date field, or typed as 23/11/2026."""

    def __init__(self, label=None, validators=None, **kwargs):
        super().__init__(label, validators or [Optional()], format=["%Y-%m-%d", "%d/%m/%Y"], **kwargs)

    @staticmethod
    def parse(text: str | None) -> date | None:
        """A day in an address (2026-11-23); None when it is none."""
        try:
            day = date.fromisoformat(text or "")
        except ValueError:
            return None
        return day if EARLIEST_YEAR <= day.year <= LATEST_YEAR else None

    def pre_validate(self, form):
        if isinstance(self.data, date) and not EARLIEST_YEAR <= self.data.year <= LATEST_YEAR:
            raise ValidationError(f"Kies een jaar tussen {EARLIEST_YEAR} en {LATEST_YEAR}.")


class ChoiceField(SelectField):
    """A drop-down of code → words that starts empty unless a choice is needed nowhere."""

    def __init__(self, label=None, validators=None, choices=None, blank="Kies …", coerce=str, **kwargs):
        words = list(choices.items()) if isinstance(choices, dict) else list(choices or ())
        if blank is not None:
            words.insert(0, ("", blank))
        super().__init__(
            label, validators, choices=words, coerce=lambda value: coerce(value) if value else None, **kwargs
        )


class ReasonField(TextAreaField):
    """Why somebody decides so: needed for one of the two answers only, so it is neither obligatory nor free."""

    def __init__(self, label="Reden", validators=None, description="Alleen nodig als je afkeurt.", **kwargs):
        super().__init__(label, validators or [Length(max=2000)], description=description, **kwargs)


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


def required(text="Vul dit in."):
    """The validator of a field that must be filled, with its own sentence."""
    return InputRequired(text)


__all__ = [
    "CheckList",
    "ChoiceField",
    "DayField",
    "DecisionForm",
    "EmailField",
    "KavoForm",
    "Length",
    "ReasonField",
    "clean",
    "required",
]
