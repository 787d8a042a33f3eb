"""What a cell of a list may show besides plain text."""

from dataclasses import dataclass


@dataclass
class Cell:
    """A cell: its text, a second line in small, a link, or a state with its mark (good, bad, wait, busy, or '' for neutral)."""

    text: str
    small: str = ""
    url: str = ""
    state: str | None = None

    def __str__(self):
        return self.text
