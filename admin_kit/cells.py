"""What a cell of a list may show besides plain text."""

from dataclasses import dataclass

from models import Hours, Status


@dataclass
class Cell:
    """A cell: its text, a second line in small, a link, a state with its mark (good, bad, wait, busy,
    or '' for neutral), or the bar of hours."""

    text: str
    small: str = ""
    url: str = ""
    state: str | None = None
    hours: Hours | None = None

    def __str__(self):
        return self.text


def of_status(status: Status) -> Cell:
    """The words of a status in its colour, and below them its day, or whose turn it is."""
    return Cell(status.words, status.small, state=status.tone)
