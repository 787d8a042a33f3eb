"""Actions on rows: declared on a view, sent by POST, for one row or for several, with a form or a question first."""

from dataclasses import dataclass


def row_action(name, text, confirmation=None, form=None, when=None, danger=False):
    """Declare a method `(self, ids)` or, with `form`, `(self, ids, form)` as an action; like Flask-Admin's `@action`.

    `name` is also the act that `scope` must grant; `when(row)` says whether a row's menu offers it; `confirmation` is asked
    first and says what will happen; `form` is a form class shown with it."""

    def declare(method):
        method._action = (name, text, confirmation)
        method.form, method.when, method.danger = form, when, danger
        return method

    return declare


@dataclass
class Outcome:
    """What became of one row in an action."""

    name: str
    done: bool
    text: str
