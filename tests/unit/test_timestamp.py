"""Times in every form that SES writes become UTC text whose order is the order of time."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.timestamp import day_of, days_between, from_datetime, to_utc

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (the oracle below counts without time zones)

moments = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1))  # noqa: DTZ001  (the same)
offsets = st.integers(min_value=-14 * 60, max_value=14 * 60)
"""Minutes east of Greenwich."""


TIMES = """
2016-01-27T14:59:38.237Z        2016-01-27T14:59:38.237Z
2012-05-25T14:59:38.623-07:00   2012-05-25T21:59:38.623Z
2009-12-03T04:24:21.000-05:00   2009-12-03T09:24:21.000Z
2018-10-08T14:05:45 +0000       2018-10-08T14:05:45.000Z
2018-10-08T14:05:45 -0530       2018-10-08T19:35:45.000Z
2018-10-08T14:05:45+02:00       2018-10-08T12:05:45.000Z
2016-01-27T14:59:38Z            2016-01-27T14:59:38.000Z
2016-01-27T14:59:38.5Z          2016-01-27T14:59:38.500Z
2016-01-27T14:59:38.05Z         2016-01-27T14:59:38.050Z
2016-01-27T14:59:38.999999Z     2016-01-27T14:59:38.999Z
2016-01-27T14:59:38.123456789Z  2016-01-27T14:59:38.123Z
2016-12-31T23:30:00.000-01:00   2017-01-01T00:30:00.000Z
2016-03-01T00:30:00.000+01:00   2016-02-29T23:30:00.000Z
0900-01-01T00:00:00.000Z        0900-01-01T00:00:00.000Z
"""


@pytest.mark.parametrize("case", TIMES.strip().splitlines())
def test_each_form_is_brought_to_utc_with_milliseconds(case: str) -> None:
    text, expected = re.split(" {2,}", case)
    assert to_utc(text) == expected


IMPOSSIBLE = """
yesterday 2016-01-27 2016-01-27T14:59:38 2016-01-27T14:59:38.237 2016-01-27T14:59:38.Z
2016-1-27T14:59:38Z 16-01-27T14:59:38Z 12016-01-27T14:59:38Z
2016-13-01T00:00:00Z 2016-00-01T00:00:00Z 2015-02-29T00:00:00Z 2016-04-31T00:00:00Z 0000-01-01T00:00:00Z
2016-01-27T25:00:00Z 2016-01-27T14:60:00Z 2016-01-27T14:59:61Z
2016-01-27T14:59:38+25:00 0001-01-01T00:00:00+01:00 9999-12-31T23:59:59-01:00
٢٠١٦-01-27T14:59:38Z
"""
SPACED = ["", "2016-01-27 14:59:38.237Z", " {}", "{} ", "{}\n", "2016-01-27T14:59:38\x00Z"]


@pytest.mark.parametrize("text", [*IMPOSSIBLE.split(), *(each.format("2016-01-27T14:59:38.237Z") for each in SPACED)])
def test_what_is_no_possible_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is not a "):
        to_utc(text)


def written(moment: datetime, offset: int, colon: str, gap: str, digits: int) -> str:
    """Write a moment in UTC as a clock at an offset shows it, in one of SES's forms."""
    local = moment + timedelta(minutes=offset)
    fraction = f".{local.microsecond:06d}"[: digits + 1] if digits else ""
    sign, distance = "-" if offset < 0 else "+", abs(offset)
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{gap}{sign}{distance // 60:02d}{colon}{distance % 60:02d}"


@given(moments, offsets, st.sampled_from(["", ":"]), st.sampled_from(["", " "]), st.integers(0, 6))
def test_conversion_agrees_with_counting(moment: datetime, offset: int, colon: str, gap: str, digits: int) -> None:
    counted = (moment - EPOCH) // timedelta(seconds=1)
    milliseconds = moment.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits) // 1000
    converted = to_utc(written(moment, offset, colon, gap, digits))
    assert converted[:19] == (EPOCH + timedelta(seconds=counted)).isoformat()
    assert converted[19:] == f".{milliseconds:03d}Z"
    assert to_utc(converted) == converted


@given(moments, moments, offsets, offsets)
def test_order_of_text_is_order_of_time(first: datetime, second: datetime, here: int, there: int) -> None:
    first, second = (each.replace(microsecond=each.microsecond // 1000 * 1000) for each in (first, second))
    texts = [to_utc(written(each, offset, ":", "", 3)) for each, offset in ((first, here), (second, there))]
    assert (texts[0] < texts[1], texts[0] == texts[1]) == (first < second, first == second)


@given(moments, offsets)
def test_a_datetime_is_written_in_the_same_form(moment: datetime, offset: int) -> None:
    aware = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset)))
    assert from_datetime(aware) == to_utc(written(moment, 0, ":", "", 6))


def test_days_are_those_of_the_calendar() -> None:
    assert day_of("2016-02-29T23:59:59.999Z") == "2016-02-29"
    assert days_between("2016-02-28", "2016-03-01") == 2
    assert days_between("2016-02-28", "2016-02-28") == 0
    assert days_between("2015-12-31", "2017-01-01") == 367
    assert days_between("2016-03-01", "2016-02-28") == -2
