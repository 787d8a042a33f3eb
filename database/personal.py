"""What a table says of people, declared beside its columns; `workflow.privacy.personal_data` gathers it in the register."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Personal:
    """A line of the register of personal data, in Dutch, for columns of one table.

    `columns`: their names; `kept`: the key of a rule of `retention`, or in words how long; `ground`: the legal ground, '' for the
    task of public interest that most data serve."""

    name: str
    columns: str
    whose: str
    why: str
    seen_by: str
    kept: str
    ground: str = ""
