"""Dates, numbers and lists as text for a Belgian reader."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from times import local

WEEKDAYS = ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag")


def day(value: date | None) -> str:
    """23/11/2026; empty for None."""
    return f"{value.day:02}/{value.month:02}/{value.year:04}" if value else ""


def moment(value: datetime | None) -> str:
    """A stored moment (naive UTC) as '23/11/2026 om 14.05 uur' in Brussels; empty for None."""
    if value is None:
        return ""
    brussels = local(value)
    return f"{day(brussels)} om {brussels.hour}.{brussels.minute:02} uur"


def weekday(value: date) -> str:
    """maandag 23/11/2026"""
    return f"{WEEKDAYS[value.weekday()]} {day(value)}"


def number(value: int) -> str:
    """1284 as '1.284'."""
    return f"{value:,}".replace(",", ".")


def signed(value: int) -> str:
    """A number as one writes it in a sum: -8 as '− 8'."""
    return f"− {-value}" if value < 0 else str(value)


def listing(words: Iterable[object]) -> str:
    """Words as 'a, b en c'."""
    texts = [str(word) for word in words]
    return " en ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


def counted(count: int, one: str, many: str) -> str:
    """1 as '1 stageplaats', 1284 as '1.284 stageplaatsen'."""
    return f"{number(count)} {one if count == 1 else many}"


def form_of(count: int, one: str, many: str) -> str:
    """The word for one, or that for several."""
    return one if count == 1 else many


NUMBERS = ("nul", "één", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen", "tien")


def in_words(value: int) -> str:
    """A small number as a word, a larger one in digits."""
    return NUMBERS[value] if 0 <= value < len(NUMBERS) else number(value)


def span(days: int) -> str:
    """A number of days in everyday words: 14 as 'twee weken', 7 as 'één week', 10 as '10 dagen'."""
    weeks, rest = divmod(days, 7)
    if rest or not 0 < weeks < len(NUMBERS):
        return counted(days, "dag", "dagen")
    return f"{in_words(weeks)} {'week' if weeks == 1 else 'weken'}"


def shown(value: Any) -> str:
    """Any value of a row as text: ja/nee, Belgian dates, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "ja" if value else "nee"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    return value if hasattr(value, "__html__") else str(value)
