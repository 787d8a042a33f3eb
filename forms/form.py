"""What every form has in common: Dutch words, clean text, what was typed before a detour, a key against double sending."""

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
    """Attributes for HTML that is valid: what was typed that is no day or number at all stays in sight as text, and a choice
    that cannot be empty is not asked to be filled."""
    if isinstance(field, DateField | IntegerField) and field.data is None and any(field.raw_data or ()):
        return {"type": "text", "min": False, "max": False, "step": False}
    if type(field.widget) is Select and field.choices and "" not in dict(field.choices):
        return {"required": False}
    return {}


class KavoForm(FlaskForm):
    """A form of ours: in Dutch, with clean text, and with a key by which the same form sent twice is recognised."""

    form_key = HiddenField(default=lambda: secrets.token_hex(16), filters=[lambda key: key[:64]])

    class Meta:
        def get_translations(self, form):
            return _Dutch()

        def wrap_formdata(self, form, formdata):
            """A form reopened after a detour holds what was typed in it."""
            sent = super().wrap_formdata(form, formdata)  # type: ignore[misc]  # of the Meta that WTForms adds
            # workaround: nothing-passed
            # Flask-WTF 1.3.0 has no public name for "no `formdata` was passed", which is not the same as None.
            form.typed_before = detours.sent_to_here(getattr(current_user, "id", None)) if formdata is _Auto else None
            return form.typed_before if sent is None and form.typed_before is not None else sent

        def bind_field(self, form, unbound_field, options):
            kind = unbound_field.field_class
            if issubclass(kind, IntegerField):
                kept: Callable[[Any], Any] = clamp_to_column
            elif issubclass(kind, PasswordField):
                kept = missing_as_empty(passwords.normal)
            elif issubclass(kind, StringField) and not issubclass(kind, CSRFTokenField):
                kept = missing_as_empty(tidy_lines if issubclass(kind, TextAreaField) else tidy)
            else:
                return unbound_field.bind(form=form, **options)
            filters = [kept, *unbound_field.kwargs.get("filters", ())]
            return unbound_field.bind(form=form, **{**options, "filters": filters})

        def render_field(self, field, render_kw):
            return super().render_field(field, {**_as_html_allows(field), **render_kw})  # type: ignore[misc]  # idem

    def carry_out(self, act: Callable[[datetime], str | None], by: User | None, now: datetime) -> bool:
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

    @property
    def is_begun(self) -> bool:
        """Whether something stands in it, or is wrong with it: a folded form is then shown open."""
        return bool(self.errors) or any(one.data for one in self if one.type not in NOT_KEPT)

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


class Problem(NamedTuple):
    """What is wrong with a form; `field_id`: of what one mends, None when nothing on the form mends it."""

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
    """All that is wrong with a form, for the summary on top; `parts`: forms inside it, by the name of what each is about."""
    refusing.note_form(form)
    found = [Problem(None, "", str(text)) for text in form.form_errors] + _of_fields(form)
    for name, part in (parts or {}).items():
        first = next(input_id(field) for field in part if field.name != "csrf_token" and field.type != "HiddenField")
        found += [Problem(first, name, str(text)) for text in part.form_errors]
        found += [Problem(where, f"{name}, {label}", text) for where, label, text in _of_fields(part)]
    return found


def _of_fields(form) -> list[Problem]:
    fields = [field for field in form if field.name != "csrf_token"]
    return [Problem(input_id(field), field.label.text, str(text)) for field in fields for text in field.errors]


DECIDES = "Ik beslis dit zelf"


class DecisionForm(KavoForm):
    """A form behind a link in a mail that decides something for good. It asks for a tick, since mail scanners press buttons."""

    myself = BooleanField(
        DECIDES,
        [DataRequired("Vink aan dat je dit zelf beslist: ook mailprogramma’s klikken soms op een knop.")],
    )
