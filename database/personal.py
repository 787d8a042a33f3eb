"""What a table says about people, declared beside its columns; `workflow.privacy.personal_data` puts it in the register."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Personal:
    """A line of the register of personal data, in Dutch, about columns of one table.

    `columns`: their names, with spaces between; `kept`: the key of a rule of `retention`, or how long in words; `ground`: the
    legal ground, '' for the task of public interest."""

    name: str
    columns: str
    whose: str
    why: str
    seen_by: str
    kept: str
    ground: str = ""
