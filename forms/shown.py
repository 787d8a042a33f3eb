"""How a form is shown: attributes of its fields, which of them stand together. `templates/parts` prints what stands here."""

from dataclasses import dataclass

from markupsafe import Markup
from wtforms import Field, Form
from wtforms.widgets import html_params

from forms.fields import shape, width


def attributes(values: dict) -> Markup:
    """Attributes of an element as a template writes them, each after a space: True stands as its name alone; what is empty or
    False is left out."""
    said = [
        html_params(**{name: value}) for name, value in values.items() if value or (value == 0 and value is not False)
    ]
    return Markup("".join(f" {one}" for one in said))  # noqa: S704 - WTForms escaped the values


def frame(field: Field) -> str:
    """The classes of the element around a field."""
    return "field bad" if field.errors else "field"


def hint_ids(field: Field) -> str:
    """The ids of what is said about a field: its hint and its errors."""
    said = {"hint": field.description, "fout": field.errors}
    return " ".join(f"{field.id}-{name}" for name, text in said.items() if text)


def described(field: Field) -> dict:
    """The attribute that points to what is said about a field."""
    ids = hint_ids(field)
    return {"aria-describedby": ids} if ids else {}


def invalid(field: Field) -> dict:
    """The attribute that tells of an error."""
    return {"aria-invalid": "true"} if field.errors else {}


def input_attributes(field: Field, css: str = "") -> dict:
    """The attributes of what one types in or chooses from."""
    values = {"class": f"form-control {css}", **described(field), **invalid(field)}
    if hasattr(field, "suggestions"):
        values |= {"list": f"{field.id}-lijst", "data-suggest": field.name, "autocomplete": "off"}
    return values


def box_attributes(field: Field, unit: str, css: str) -> dict:
    """Those of a field under its label: as wide as its answer is long, unless the page says how wide."""
    return input_attributes(field, css if unit else css or width(field))


def plain_attributes(field: Field, hint: str = "") -> dict:
    """Those of a field of which the page itself gives the hint."""
    said = {"hint": hint, "fout": field.errors}
    ids = " ".join(f"{field.id}-{name}" for name, text in said.items() if text)
    return {"class": "form-control", **({"aria-describedby": ids} if ids else {}), **invalid(field)}


def problems_title(problems: list) -> str:
    return "Kijk dit nog na" if len(problems) == 1 else f"Kijk nog {len(problems)} zaken na"


def fault_words(form: Form | None) -> str:
    """What stands before the title of a page on which something is wrong."""
    return "Fout: " if form and form.errors else ""


@dataclass(frozen=True)
class Line:
    """What stands on one line of a form: one field, or several under a legend; `kind`: 'field', 'ticks' or 'pair'."""

    kind: str
    fields: list[Field]
    legend: str = ""


def in_lines(form: Form, groups: tuple = ()) -> list[Line]:
    """All fields of a form in its order; `groups`: (legend, names) of fields that stand together, where the first one stands."""
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
"""what templates may ask of a form"""
