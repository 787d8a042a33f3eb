"""The numbers of the policy by name, for pages and mails: these use `policy` and never write a number by hand. Each number is
defined beside its rule; the module of the rule registers it here."""

from collections.abc import Callable
from typing import Any

_NUMBERS: dict[str, Callable[..., Any]] = {}


def declare(**numbers: Callable[..., Any]) -> None:
    """Register numbers; each is a function, so that a text shows the present value."""
    _NUMBERS.update(numbers)


class Policy:
    """`policy.stage_hours` in a template. Raises AttributeError for a number that is not registered."""

    def __getattr__(self, name: str) -> Any:
        if name not in _NUMBERS:
            raise AttributeError(name)
        return _NUMBERS[name]()


policy = Policy()
