"""Links and actions on rows. A view declares its actions; they are sent by POST for one or more rows, after a form or a
confirmation."""

from dataclasses import dataclass

from flask import flash, g, url_for

import dutch

MOST_IDS = 1000  # rows per action
ANY = 987_654_321  # placeholder for an id while a URL is built


def row_action(
    name, text, confirmation=None, form=None, when=None, danger=False, in_menu=True, many=True, most=MOST_IDS
):
    """Declare a method `(self, ids)` or, with `form`, `(self, ids, form)` as an action; like Flask-Admin's `@action`.

    `name` is also the act that `scope` must grant; `when(row)` tells whether the menu of a row offers it; `confirmation` is
    asked first and says what will happen; `form` is a form class shown with it; not `in_menu`: only for ticked rows and on
    the page of a row, to keep menus short; not `many`: for one row at a time; `most`: the maximum number of rows at once."""

    def declare(method):
        method._action = (name, text, confirmation)
        method.form, method.when, method.danger = form, when, danger
        method.in_menu, method.many, method.most = in_menu, many, most
        return method

    return declare


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
