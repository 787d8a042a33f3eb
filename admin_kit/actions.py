"""Links and actions on rows. A view declares its actions; they are sent by POST for one or more rows, after a form or a
confirmation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import flash, g, request, url_for

import dutch
from forms import KavoForm

MOST_IDS = 1000  # rows per action
ANY = 987_654_321  # placeholder for an id while a URL is built


@dataclass(frozen=True)
class Action:
    """What a person can do with rows of a list, and how it is offered."""

    name: str
    """also the act that `scope` must grant"""
    label: str
    question: str | None = None
    """what will happen, shown for confirmation first; None: it happens at once"""
    form: type[KavoForm] | None = None
    """a form shown with the question; the method then takes it as a second argument"""
    when: Callable[[Any], bool] = lambda row: True
    """whether the menu of a row offers it"""
    danger: bool = False
    in_menu: bool = True
    """False keeps the menus of a list short: offered for ticked rows and on the page of a row only"""
    many: bool = True
    """False: for one row at a time"""
    most: int = MOST_IDS
    """rows at once"""

    @property
    def button(self) -> str:
        """The look of the button that confirms it."""
        return "btn-danger" if self.danger else "btn-primary"

    def ask(self) -> KavoForm | None:
        """The form to confirm it by, filled in as posted; None when it needs no confirmation."""
        form = self.form or KavoForm
        return form() if self.question or self.form else None


def row_action(name: str, label: str, question: str | None = None, **values):
    """Declare a method `(self, ids)`, or with a form `(self, ids, form)`, as an `Action`; like Flask-Admin's `@action`."""

    def declare(method):
        method.action = Action(name, label, question, **values)
        method._action = (name, label, question)  # where Flask-Admin looks for it
        return method

    return declare


def chosen_ids() -> list[str]:
    """The ids of the rows chosen for an action, as sent: one row, or the ticked ones."""
    single = request.form.get("one", "").partition(":")[2]
    return [single] if single else request.form.getlist("rowid")


def too_many(ids, most: int) -> bool:
    """Whether more rows were chosen than an action accepts; if so, flash a message that says it."""
    if len(ids) > most:
        flash(f"Je koos er {dutch.number(len(ids))}. Kies er hoogstens {dutch.number(most)} tegelijk.", "warn")
    return len(ids) > most


def row_url(endpoint: str, pk: int, name: str = "id") -> str:
    """The URL of a page about a row, with the id as argument `name`. Built once per request, since a list has hundreds."""
    known = g.setdefault("row_urls", {})
    if endpoint not in known:
        known[endpoint] = url_for(endpoint, **{name: ANY})  # type: ignore[arg-type]  # the name is not an option of Flask
    return known[endpoint].replace(str(ANY), str(pk))


@dataclass
class Outcome:
    """The outcome of an action for one row."""

    name: str
    done: bool
    text: str
