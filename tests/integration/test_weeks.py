"""The rates of past weeks, from what moto's CloudWatch has of the function."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from healthy_mailing_cli.figures import weeks
from healthy_mailing_cli.shell.connection import Connection

TODAY = datetime(2026, 3, 31, 15, tzinfo=UTC)
AT = "2026-03-31T15:00:00.000Z"


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "s"), ("DEFAULT_REGION", "eu-west-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        yield boto3.client("cloudwatch")


def count(cloudwatch: Any, metric: str, number: int, ago: timedelta, function: str = "mailing-feedback") -> None:
    dimensions = [{"Name": "FunctionName", "Value": function}]
    data = {"MetricName": metric, "Dimensions": dimensions, "Timestamp": TODAY - ago, "Value": number, "Unit": "Count"}
    cloudwatch.put_metric_data(Namespace="HealthyMailing", MetricData=[data])


def test_a_week_has_the_counts_of_its_seven_days(cloudwatch: Any) -> None:
    for days, hours in ((0, 1), (3, 0), (6, 15)):  # the last two are the window's first and last
        count(cloudwatch, "Deliveries", 1000, timedelta(days=days, hours=hours))
        count(cloudwatch, "HardBounces", 50, timedelta(days=days, hours=hours))
    count(cloudwatch, "Complaints", 2, timedelta(days=1))
    count(cloudwatch, "Deliveries", 90, timedelta(days=7))
    count(cloudwatch, "HardBounces", 10, timedelta(days=13, hours=15))
    count(cloudwatch, "HardBounces", 5, timedelta(days=20))
    count(cloudwatch, "Deliveries", 7, timedelta(days=7 * weeks.WEEKS, hours=15))  # the day before the first week
    count(cloudwatch, "Deliveries", 1000, timedelta(days=1), "other-feedback")

    found = weeks.read(Connection("mailing"), None, AT)
    assert not isinstance(found, str)
    begins = [str((TODAY - timedelta(days=7 * ago + 6)).date()) for ago in reversed(range(weeks.WEEKS))]
    assert [week.begin for week in found] == begins
    *before, third, second, last = found
    assert (last.bounces.count, last.bounces.of, last.complaints.count, last.complaints.of) == (150, 3150, 2, 3150)
    assert (last.bounces.verdict, last.complaints.verdict) == ("raised", "good")
    assert (second.bounces.count, second.bounces.of, second.bounces.share) == (10, 100, 0.1)
    # Without deliveries a share would say that everything bounced.
    assert (third.bounces.count, third.bounces.share) == (5, None)
    assert {week.bounces.of for week in before} == {0}


def test_the_function_may_have_another_name(cloudwatch: Any) -> None:
    count(cloudwatch, "Deliveries", 9, timedelta(days=1), "ours")
    assert weeks.read(Connection("mailing"), None, AT) == "CloudWatch has no counts of the function mailing-feedback."
    found = weeks.read(Connection("mailing"), "ours", AT)
    assert found[-1].bounces.of == 9  # type: ignore[union-attr]  # it is a list


def test_who_may_not_ask_cloudwatch_is_told_so(cloudwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetMetricData")

    refusing = boto3.client("cloudwatch")
    monkeypatch.setattr(refusing, "get_metric_data", refuse)
    monkeypatch.setattr(Connection, "client", lambda *_, **__: refusing)
    told = weeks.read(Connection("mailing"), None, AT)
    assert isinstance(told, str)
    assert "may not call GetMetricData" in told
    del cloudwatch
