"""Points in time as strings: UTC with milliseconds, ``2026-01-31T12:00:00.000Z``, so that they sort by time."""

import re
from datetime import UTC, date, datetime, timedelta

# SES writes "2012-05-25T14:59:38.623Z", "2012-05-25T14:59:38.623-07:00" and, in some events,
# "2018-10-08T14:05:45 +0000".
_FORM = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.]([0-9]{1,9}))? ?(Z|[+-][0-9]{2}:?[0-9]{2})"
)


_EPOCH = date(1970, 1, 1).toordinal()


def to_utc(text: str) -> str:
    """Convert a time in any format that SES uses to UTC with milliseconds; finer fractions are cut off.

    Raises:
        ValueError: The string has another format, or is not a possible date and time.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError("is not a time in a format that SES uses")
    seconds, fraction, zone = match.groups()
    try:
        time = datetime.fromisoformat(seconds + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a possible date and time") from None
    return f"{time.isoformat()[:19]}.{(fraction or '')[:3].ljust(3, '0')}Z"


def from_datetime(time: datetime) -> str:
    """Return an aware datetime as UTC with milliseconds."""
    return f"{time.astimezone(UTC).isoformat(timespec='milliseconds')[:23]}Z"


def just_after(time: str) -> str:
    """Return the time a millisecond later; the same at the end of the year 9999, after which there is none."""
    try:
        return from_datetime(datetime.fromisoformat(time) + timedelta(milliseconds=1))
    except OverflowError:
        return time


def day_of(time: str) -> str:
    """Return the UTC day of a time, ``2026-01-31``."""
    return time[:10]


def epoch_seconds(day: str) -> int:
    """Return when a UTC day begins, in seconds since 1970-01-01T00:00:00Z."""
    return (date.fromisoformat(day).toordinal() - _EPOCH) * 86_400


def days_between(earlier: str, later: str) -> int:
    """Return the number of days from one UTC day to another: 0 for the same day, negative if ``later`` is earlier."""
    return date.fromisoformat(later).toordinal() - date.fromisoformat(earlier).toordinal()
