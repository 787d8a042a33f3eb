"""Moments and days: stored as naive UTC, counted and shown in Europe/Brussels."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BRUSSELS = ZoneInfo("Europe/Brussels")


def utcnow() -> datetime:
    """The present moment as stored: naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def local(moment: datetime) -> datetime:
    """A stored moment (naive UTC) in the time zone of Brussels."""
    return moment.replace(tzinfo=UTC).astimezone(BRUSSELS)


def local_date(moment: datetime) -> date:
    """The day in Brussels on which a stored moment (naive UTC) falls."""
    return local(moment).date()


def years_after(day: date, years: int) -> date:
    """The same day some years later; 29 February becomes 1 March in a year without one."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def days_after(moment: datetime, days: int) -> date:
    """The calendar day in Brussels that comes `days` days after the day of a stored moment (naive UTC)."""
    return local_date(moment) + timedelta(days=days)


def end_of_day(day: date) -> datetime:
    """The moment (naive UTC) at which a day in Brussels ends: the midnight after it."""
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), BRUSSELS)
    return midnight.astimezone(UTC).replace(tzinfo=None)


def at_hour(day: date, hour: int) -> datetime:
    """The moment (naive UTC) of this hour on this day in Brussels."""
    moment = datetime.combine(day, time(hour), BRUSSELS)
    return moment.astimezone(UTC).replace(tzinfo=None)


def from_local(text: str) -> datetime:
    """A moment in ISO format as stored (naive UTC); without an offset it is in Brussels time. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=BRUSSELS)).astimezone(UTC).replace(tzinfo=None)
