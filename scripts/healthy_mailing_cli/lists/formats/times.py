"""Points in time as other systems write them."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from healthy_mailing.timestamp import from_datetime

EARLIEST = "2000-01-01T00:00:00.000Z"
"""No list is older. What is, stands for no time: programs write an empty one as 1970, or as the year 1."""

# Ten digits are seconds from September 2001 on, thirteen are milliseconds. Fewer are something else: 20260131 is a day,
# and 45688.5 is the same day as spreadsheets count them; read as seconds, both would be in 1970.
_UNIX = re.compile(r"([0-9]{10})(?:\.([0-9]{1,9})|([0-9]{3}))?")

# ISO 8601 and RFC 3339, with a blank for the T; Go's time.String() puts the name of the zone behind its offset.
_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:(?<=:[0-9]{2}:[0-9]{2})\.([0-9]{1,9}))?"
    r"(?: ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})(?: [A-Z]{1,5})?)?)?"
)

# RFC 5322, 3.3, with the zones of 4.3 that have a meaning. The parser of the standard library reads much more, some of
# it wrongly: it ignores "PM", and takes a zone that it does not know for UTC.
_MAIL = re.compile(
    r"(?:[A-Za-z]{3}, ?)?[0-9]{1,2} [A-Za-z]{3} [0-9]{4} [0-9]{2}:[0-9]{2}(?::[0-9]{2})?"
    r"(?: (?:[+-][0-9]{4}|GMT|UTC?|Z|[ECMP][SD]T)(?: \([A-Za-z ]{1,40}\))?)?"
)


def to_utc(text: str, zone: str = "UTC") -> str:
    """Return a time as UTC with milliseconds (see ``timestamp``); finer fractions are cut off.

    It is in seconds or milliseconds since 1970, in ISO 8601, in Go's form, or in that of mail (RFC 5322). A date alone
    is the beginning of that day. ``zone`` is that of text without one.

    Raises:
        ValueError: The text has another form, or names no possible date and time, or one before ``EARLIEST``.
    """
    if match := _UNIX.fullmatch(text):
        seconds, fraction, milliseconds = match.groups()
        time = _shown(datetime.fromtimestamp(int(seconds), UTC), fraction or milliseconds)
    else:
        time = _read(text, zone)
    if time < EARLIEST:
        raise ValueError("is before the year 2000")
    return time


def _read(text: str, zone: str) -> str:
    if match := _DATE.fullmatch(text):
        date, clock, fraction, offset = match.groups()
        where = None if offset else _zone(zone)
        try:
            time = datetime.fromisoformat(f"{date}T{clock or '00:00'}{'Z' if offset == 'UTC' else offset or ''}")
            return _shown((time.replace(tzinfo=where) if where else time).astimezone(UTC), fraction)
        except (ValueError, OverflowError):
            raise ValueError("is not a possible date and time") from None
    if not _MAIL.fullmatch(text):
        raise ValueError("is not a time in a form that is known, such as 2026-01-31T12:00:00Z")
    try:
        time = parsedate_to_datetime(text)
        return from_datetime(time if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        raise ValueError("is not a possible date and time") from None


def _shown(time: datetime, fraction: str | None) -> str:
    return f"{time.isoformat()[:19]}.{(fraction or '')[:3].ljust(3, '0')}Z"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        raise ValueError(f"needs the time zone {name}, which this machine lacks: install the package tzdata") from None
