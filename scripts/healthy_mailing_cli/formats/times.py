"""Points in time as other systems write them."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from healthy_mailing.timestamp import from_datetime

_UNIX = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,9}))?")

# ISO 8601 and RFC 3339, with a blank for the T; Go's time.String() puts the name of the zone behind its offset.
_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?: ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})(?: [A-Z]{1,5})?)?"
)


def to_utc(text: str, zone: str = "UTC") -> str:
    """Return a time as UTC with milliseconds (see ``timestamp``); finer fractions are cut off.

    It is in seconds since 1970, in ISO 8601, in Go's form, or in that of mail (RFC 2822). ``zone`` is that of text
    without one.

    Raises:
        ValueError: The text has another form, or names no possible date and time.
    """
    if match := _UNIX.fullmatch(text):
        seconds, fraction = match.groups()
        try:
            time = datetime.fromtimestamp(int(seconds), UTC)
        except (ValueError, OverflowError, OSError):
            raise ValueError("is not a possible time in seconds since 1970") from None
        return _shown(time, fraction)
    if match := _DATE.fullmatch(text):
        date, clock, fraction, offset = match.groups()
        try:
            time = datetime.fromisoformat(f"{date}T{clock}{'Z' if offset == 'UTC' else offset or ''}")
            time = time.replace(tzinfo=_zone(zone)) if time.tzinfo is None else time
            return _shown(time.astimezone(UTC), fraction)
        except (ValueError, OverflowError):
            raise ValueError("is not a possible date and time") from None
    try:
        time = parsedate_to_datetime(text)
        return from_datetime(time if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        raise ValueError("is not a time in a form that is known") from None


def _shown(time: datetime, fraction: str | None) -> str:
    return f"{time.isoformat()[:19]}.{(fraction or '')[:3].ljust(3, '0')}Z"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        raise ValueError(f"needs the time zone {name}, which this machine lacks: install the package tzdata") from None
