"""What every form shares: Dutch messages, cleaned text, input restored after a detour, and a key that detects resubmission."""

import secrets
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple

from flask import flash
from flask_security import current_user
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from wtforms import BooleanField, DateField, HiddenField, IntegerField, PasswordField, StringField, TextAreaField
from wtforms.csrf.core import CSRFTokenField
from wtforms.validators import DataRequired
from wtforms.widgets import Select

from database import MAX_INTEGER, Conflict, RuleError, writing
from database.texts import tidy, tidy_lines
from forms import detours, refusing
from forms.fields import WORDS, input_id
from forms.messages import Told, tell_done
from models import AlreadyDone, FormKey, User, passwords

NOT_KEPT = ("PasswordField", "HiddenField", "CSRFTokenField")


class _Dutch:
    def gettext(self, text):
        return WORDS.get(text, text)

    def ngettext(self, one, many, number):
        return self.gettext(one if number == 1 else many)


# workaround: missing-as-empty
# WTForms 3.3.2 gives a field of text that was not sent the value of the row, so a form that leaves it out keeps that unchecked.
def missing_as_empty(kept: Callable[[str], str]) -> Callable[[Any], str]:
    """A filter for a field with text: the text as `kept` makes it, and '' for a field that was not sent at all."""
    return lambda text: kept(text) if isinstance(text, str) else ""


# workaround: clamp-to-column
# WTForms 3.3.2: `NumberRange` raises OverflowError for a whole number beyond any float.
def clamp_to_column(number: Any) -> Any:
    """A filter for a field with a whole number: one that no column holds becomes the nearest that is still out of range, so that
    it is refused. Anything else than a whole number stays as it is."""
    return max(-MAX_INTEGER - 1, min(number, MAX_INTEGER + 1)) if isinstance(number, int) else number


# workaround: typed-stays-in-sight
# WTForms 3.3.2 puts what is no number or day in an input of that type, which browsers then show empty, and makes a choice without
# an empty option required, which is no valid HTML.
def _as_html_allows(field) -> dict:
    """Attributes that keep the HTML valid: input that is not a day or number at all is shown again as text, and a choice that
    cannot be empty is not marked as required."""
    if isinstance(field, DateField | IntegerField) and field.data is None and any(field.raw_data or ()):
        return {"type": "text", "min": False, "max": False, "step": False}
    if type(field.widget) is Select and field.choices and "" not in dict(field.choices):
        return {"required": False}
    return {}


class KavoForm(FlaskForm):
    """Base of all our forms: Dutch messages, cleaned text, and a key that recognises a form sent twice."""

    form_key = HiddenField(default=lambda: secrets.token_hex(16), filters=[lambda key: key[:64]])

    class Meta:
        def get_translations(self, form):
            return _Dutch()

        def wrap_formdata(self, form, formdata):
            """Fill a form reopened after a detour with what was typed in it."""
            sent = super().wrap_formdata(form, formdata)  # type: ignore[misc]  # of the Meta that WTForms adds
            # workaround: nothing-passed
            # Flask-WTF 1.3.0 has no public name for "no `formdata` was passed", which is not the same as None.
            form.typed_before = detours.sent_to_here(getattr(current_user, "id", None)) if formdata is _Auto else None
            return form.typed_before if sent is None and form.typed_before is not None else sent

        def bind_field(self, form, unbound_field, options):
            kind = unbound_field.field_class
            if issubclass(kind, IntegerField):
                clean: Callable[[Any], Any] = clamp_to_column
            elif issubclass(kind, PasswordField):
                clean = missing_as_empty(passwords.normal)
            elif issubclass(kind, StringField) and not issubclass(kind, CSRFTokenField):
                clean = missing_as_empty(tidy_lines if issubclass(kind, TextAreaField) else tidy)
            else:
                return unbound_field.bind(form=form, **options)
            filters = [clean, *unbound_field.kwargs.get("filters", ())]
            return unbound_field.bind(form=form, **{**options, "filters": filters})

        def render_field(self, field, render_kw):
            return super().render_field(field, {**_as_html_allows(field), **render_kw})  # type: ignore[misc]  # idem

    def carry_out(self, act: Callable[[datetime], str | Told | None], by: User | None, now: datetime) -> bool:
        """Run `act(now)` (UTC) once, in one transaction, and flash the sentence that it returns, if any. Returns True when it is
        done, also when this same form did it earlier; False when a rule refused, and the form then shows why. Raises Conflict."""
        try:
            with writing():
                FormKey.claim(self.form_key.data, by, now)
                message = act(now)
        except AlreadyDone as already:
            flash(str(already), "note")
        except Conflict:
            raise
        except RuleError as error:
            self.refuse(error)
            return False
        else:
            if message:
                tell_done(message)
        return True

    @property
    def is_typed(self) -> bool:
        """Whether it holds a user's input: it was sent, or reopened after a detour."""
        return self.is_submitted() or self.typed_before is not None

    @property
    def is_begun(self) -> bool:
        """Whether it holds input or errors: a collapsed form is then shown open."""
        return bool(self.errors) or any(field.data for field in self if field.type not in NOT_KEPT)

    def renew(self):
        """Give a form that was handled in part a new key, so that the rest counts as a new form."""
        self.form_key.data = secrets.token_hex(16)

    def typed(self) -> dict:
        """The input as JSON values (days as ISO text) by field name, to keep as a draft; without passwords."""
        kept = [field for field in self if field.type not in NOT_KEPT]
        return {field.name: field.data.isoformat() if isinstance(field.data, date) else field.data for field in kept}

    def put_back(self, typed: dict):
        """Fill the form with a draft that `typed()` returned."""
        for field in self:
            if field.name in typed and field.type not in NOT_KEPT:
                value = typed[field.name]
                field.data = date.fromisoformat(value) if isinstance(field, DateField) and value else value

    def refuse(self, error: RuleError):
        """Show the error beside its field when it names one, otherwise above the form. The input stays."""
        refusing.note_form(self)
        if error.field in self._fields:
            field = self._fields[error.field]
            field.errors = [*field.errors, str(error)]
        else:
            self.form_errors.append(str(error))


class Problem(NamedTuple):
    """One error of a form; `field_id`: the id of the input to correct, None when no input corrects it."""

    field_id: str | None
    label: str
    sentence: str

    @property
    def url(self) -> str:
        return f"#{self.field_id}" if self.field_id else ""

    @property
    def text(self) -> str:
        return f"{self.label}: {self.sentence}" if self.field_id else self.sentence


def problems(form, parts=None) -> list[Problem]:
    """All errors of a form, for the summary at the top; `parts`: nested forms by their heading."""
    refusing.note_form(form)
    errors = [Problem(None, "", str(text)) for text in form.form_errors] + _of_fields(form)
    for name, part in (parts or {}).items():
        first = next(input_id(field) for field in part if field.name != "csrf_token" and field.type != "HiddenField")
        errors += [Problem(first, name, str(text)) for text in part.form_errors]
        errors += [Problem(where, f"{name}, {label}", text) for where, label, text in _of_fields(part)]
    return errors


def _of_fields(form) -> list[Problem]:
    fields = [field for field in form if field.name != "csrf_token"]
    return [Problem(input_id(field), field.label.text, str(text)) for field in fields for text in field.errors]


DECIDES = "Ik beslis dit zelf"


class DecisionForm(KavoForm):
    """A form behind a mailed link that makes a final decision. It requires a ticked box, since mail scanners press buttons."""

    myself = BooleanField(
        DECIDES,
        [DataRequired("Vink aan dat je dit zelf beslist: ook mailprogramma’s klikken soms op een knop.")],
    )
