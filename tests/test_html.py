"""The HTML of every page of all roles, refused forms included: the errors that a validator would report, and the links from the
errors of a form. `make html` runs the validator itself."""

import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from bs4 import BeautifulSoup

from tests.pages import every_page

pytestmark = pytest.mark.one_database

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
INLINE_ONLY = "p, span, h1, h2, h3, h4, label, button, a, small, strong, time"
BLOCKS = "p, div, ul, ol, dl, table, form, fieldset, section, h1, h2, h3, details"
LABELABLE = {"input", "select", "textarea", "button", "meter", "output", "progress"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z?)?")
TYPED = {"date": re.compile(r"(\d{4}-\d\d-\d\d)?"), "number": re.compile(r"(-?\d+(\.\d+)?)?")}
REFERENCES = ("aria-labelledby", "aria-describedby", "aria-controls", "for", "list", "form", "headers")
TOLD_AT = "h1, h2, h3, h4"


class Nesting(HTMLParser):
    """Elements closed in the wrong order, and duplicate attributes."""

    def __init__(self, html):
        super().__init__()
        self.open, self.wrong = [], []
        self.feed(html)
        self.wrong += [f"<{name}> is never closed" for name in self.open]

    def handle_starttag(self, name, attributes):
        self.wrong += [
            f"<{name}> has {one} twice" for one, times in Counter(name for name, _ in attributes).items() if times > 1
        ]
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        pass

    def handle_endtag(self, name):
        if not self.open or self.open.pop() != name:
            self.wrong.append(f"</{name}> closes nothing")


def wrong_in(page, html) -> list[str]:
    """The validator errors that we once made."""
    ids = [one["id"] for one in page.select("[id]")]
    found = Nesting(html).wrong
    found += [f"id {one!r} stands twice" for one, times in Counter(ids).items() if times > 1 or not one or " " in one]
    for name in REFERENCES:
        for one in page.select(f"[{name}]"):
            words = one[name].split() if isinstance(one[name], str) else one[name]
            found += [f"{name} of {one} is empty"] * (not words)
            found += [f"{name} {word!r} is nowhere" for word in words if word not in ids]
    found += [f"{one} is no moment" for one in page.select("[datetime]") if not MOMENT.fullmatch(one["datetime"])]
    found += [f"{one} is a label of nothing" for one in page.select("label") if not labels(page, one)]
    found += [
        f"{one} has no type" for one in page.select("button") if one.get("type") not in ("submit", "button", "reset")
    ]
    for kind, form in TYPED.items():
        fields = page.select(f"input[type={kind}]")
        found += [f"{one} holds no {kind}" for one in fields if not form.fullmatch(one.get("value", ""))]
    found += [f"{one} starts with a choice" for one in page.select("select[required]") if one.option.get("value") != ""]
    found += [f"a block in {one}" for one in page.select(INLINE_ONLY) if one.select_one(BLOCKS)]
    found += [f"a link in {one}" for one in page.select("a, button") if one.select_one("a, button, input, summary")]
    return found + headings(page)


def labels(page, label) -> bool:
    field = page.find(id=label["for"]) if label.has_attr("for") else label.find(list(LABELABLE))
    return field is not None and field.name in LABELABLE and field.get("type") != "hidden"


def headings(page) -> list[str]:
    """WCAG 1.3.1: one h1, first, and no level skipped below it."""
    levels = [int(one.name[1]) for one in page.select(TOLD_AT)]
    found = [f"{levels.count(1)} h1"] * (levels.count(1) != 1)
    return found + [f"h{two} after h{one}" for one, two in zip([0, *levels], levels, strict=False) if two > one + 1]


def unled(page) -> list[str]:
    """Errors of a form without a link in the summary, and links to elements that cannot be filled in."""
    summary = page.select_one(".error-summary")
    if not summary:
        return [f"no summary above {one}" for one in page.select("main form [aria-invalid=true]:not([autofocus])")]
    found, told = [], {link["href"][1:]: link for link in summary.select("a[href]")}
    for name in told:
        field = page.find(id=name)
        if field is None or field.name not in LABELABLE or field.get("type") == "hidden":
            found.append(f"#{name} is no field")
        elif any(one is not field and not one.has_attr("open") for one in field.find_parents("details")):
            found.append(f"#{name} is folded away")
    for error in page.select("main form .field-error"):
        group = error.find_parent(class_=["field", "bad"]) or error.find_parent(["fieldset", "li", "form"])
        if not any(one.get("id") in told for one in group.select("input, select, textarea")):
            found.append(f"nothing leads to {error}")
    return found


def test_every_page_is_valid_and_every_error_of_a_form_is_led_to(app):
    wrong, summaries = {}, 0
    for one in every_page(app):
        page = BeautifulSoup(one.html, "html.parser")
        summaries += bool(page.select_one(".error-summary"))
        for what in wrong_in(page, one.html) + unled(page):
            wrong.setdefault(what[:300], str(one))
    assert wrong == {}
    assert summaries > 40
