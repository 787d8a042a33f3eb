"""What the next page tells of an act: a sentence in its colour, and the way to take the act back."""

from typing import NamedTuple

from flask import flash

TONES = {"good": "good", "success": "good", "warn": "warn", "error": "warn", "danger": "warn"}
"""category of a message, as we or Flask-Security name it → its colour"""


class Told(NamedTuple):
    """The sentence of an act that can be undone, and our own URL that undoes it by POST."""

    text: str
    undo_url: str = ""


def tell_done(told: str | Told):
    """Tell of an act that succeeded. The URL goes along as the second word of the category."""
    done = Told(told) if isinstance(told, str) else told
    flash(done.text, f"good {done.undo_url}".strip())


def tone(category: str) -> str:
    """The colour of a message."""
    return TONES.get(category.partition(" ")[0], "")


def undo_url(category: str) -> str:
    """Where one undoes what a message tells; '' when that is nowhere."""
    return category.partition(" ")[2]


FILTERS = {"tone": tone, "undo_url": undo_url}
"""what templates may ask of the category of a message"""
