"""How a form is displayed: the attributes of its fields and their grouping. The templates in `templates/parts` print it."""

from dataclasses import dataclass

from markupsafe import Markup
from wtforms import Field, Form
from wtforms.widgets import html_params

from forms.fields import shape, width


def attributes(values: dict) -> Markup:
    """The HTML attributes of an element, each preceded by a space: True becomes the bare name; empty and False are left out."""
    pairs = [
        html_params(**{name: value}) for name, value in values.items() if value or (value == 0 and value is not False)
    ]
    return Markup("".join(f" {pair}" for pair in pairs))  # noqa: S704 - WTForms escaped the values


def frame(field: Field) -> str:
    """The classes of the element around a field."""
    return "field bad" if field.errors else "field"


def hint_ids(field: Field) -> str:
    """The ids of the elements that describe a field, its hint and its errors, separated by spaces."""
    descriptions = {"hint": field.description, "fout": field.errors}
    return " ".join(f"{field.id}-{name}" for name, text in descriptions.items() if text)


def described(field: Field) -> dict:
    """The attribute that points to a field's hint and errors."""
    ids = hint_ids(field)
    return {"aria-describedby": ids} if ids else {}


def invalid(field: Field) -> dict:
    """The attribute that marks a field with errors."""
    return {"aria-invalid": "true"} if field.errors else {}


def input_attributes(field: Field, css: str = "") -> dict:
    """The attributes of an input or select element."""
    values = {"class": f"form-control {css}", **described(field), **invalid(field)}
    if hasattr(field, "suggestions"):
        values |= {"list": f"{field.id}-lijst", "data-suggest": field.name, "autocomplete": "off"}
    return values


def box_attributes(field: Field, unit: str, css: str) -> dict:
    """The attributes of a field under its label: its width fits the answer, unless the page sets a width or a unit."""
    return input_attributes(field, css if unit else css or width(field))


def plain_attributes(field: Field, hint: str = "") -> dict:
    """The attributes of a field whose hint the page itself prints."""
    descriptions = {"hint": hint, "fout": field.errors}
    ids = " ".join(f"{field.id}-{name}" for name, text in descriptions.items() if text)
    return {"class": "form-control", **({"aria-describedby": ids} if ids else {}), **invalid(field)}


def problems_title(problems: list) -> str:
    """The title of the error summary."""
    return "Kijk dit nog na" if len(problems) == 1 else f"Kijk nog {len(problems)} zaken na"


def fault_words(form: Form | None) -> str:
    """The prefix of the title of a page whose form has errors."""
    return "Fout: " if form and form.errors else ""


@dataclass(frozen=True)
class Line:
    """One line of a form: a single field, or several under a legend; `kind`: 'field', 'ticks' or 'pair'."""

    kind: str
    fields: list[Field]
    legend: str = ""


def in_lines(form: Form, groups: tuple = ()) -> list[Line]:
    """The fields of a form as lines, in order; `groups`: (legend, names) of fields shown together at the place of the first."""
    lines = []
    group_of = {name: (legend, names) for legend, names in groups for name in names}
    for field in form:
        if field.name in ("csrf_token", "form_key"):
            continue
        legend, names = group_of.get(field.short_name, ("", ()))
        if not names:
            lines.append(Line("field", [field]))
        elif field.short_name == names[0]:
            kind = "ticks" if shape(field) == "tick" else "pair"
            lines.append(Line(kind, [form[name] for name in names if name in form], legend))
    return lines


FILTERS = {
    "attributes": attributes,
    "box_attributes": box_attributes,
    "described": described,
    "fault_words": fault_words,
    "frame": frame,
    "in_lines": in_lines,
    "input_attributes": input_attributes,
    "plain_attributes": plain_attributes,
    "problems_title": problems_title,
}
"""the filters that templates apply to a form or field"""
