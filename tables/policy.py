"""The numbers of the policy by name, for texts: templates and mails ask `policy`, and none writes one by hand. Each number stands
where its rule is, and is told here by that module."""

from collections.abc import Callable

_NUMBERS: dict[str, Callable] = {}


def tell(**numbers: Callable):
    """Make numbers known; each is a function, so that a text says what holds when it is shown."""
    _NUMBERS.update(numbers)


class Policy:
    """`policy.stage_hours` in a template. Raises AttributeError for a number that nobody told."""

    def __getattr__(self, name):
        if name not in _NUMBERS:
            raise AttributeError(name)
        return _NUMBERS[name]()


policy = Policy()
