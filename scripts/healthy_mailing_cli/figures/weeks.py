"""The rates of past weeks, from what the function counted of SES's feedback: its metrics in CloudWatch.

The table does not know them. It has only the newest delivery of each address, so a week of the past seems to have few.

``docs/reference.md`` says what the function counts.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing.telemetry import NAMESPACE
from healthy_mailing.timestamp import day_of
from healthy_mailing_cli.figures.rates import BOUNCES, COMPLAINTS, Rate, Window
from healthy_mailing_cli.shell import errors
from healthy_mailing_cli.shell.connection import Connection

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricTypeDef

WEEKS = 8  # how many weeks are shown

_DAYS = 7
_METRICS = {"delivered": "Deliveries", "hard": "HardBounces", "complaints": "Complaints"}
"""By the field of a window, which is the query's id too."""

# A page without weeks is of use too, so nobody waits for them for long.
_PATIENCE = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 2})


@dataclass(frozen=True, slots=True)
class Week:
    """The rates of seven UTC days, as shares of recipients."""

    begin: str  # the first day
    bounces: Rate  # hard bounces, of recipients with a delivery or a hard bounce
    complaints: Rate  # complaints, of the same


Weeks = list[Week] | str  # the weeks, oldest first; or why they are not known, in a sentence or two


OF_ALL_SENDERS = "The function counts the mail of all senders together."  # why there are no weeks of one sender


def read(connection: Connection, function: str | None, at: str) -> Weeks:
    """Ask CloudWatch for the weeks before a time, of which the last ends on its UTC day.

    Needs ``cloudwatch:GetMetricData``.
    """
    name = function or f"{connection.table}-feedback"
    today = date.fromisoformat(day_of(at))
    begin = today - timedelta(days=_DAYS * WEEKS - 1)
    days: dict[date, Window] = {begin + timedelta(days=number): Window() for number in range(_DAYS * WEEKS)}
    try:
        pages = connection.client("cloudwatch", config=_PATIENCE).get_paginator("get_metric_data")
        for page in pages.paginate(
            MetricDataQueries=[_sum_by_day(field, metric, name) for field, metric in _METRICS.items()],
            StartTime=_midnight(begin),
            EndTime=_midnight(today + timedelta(days=1)),
        ):
            for result in page["MetricDataResults"]:
                for time, value in zip(result["Timestamps"], result["Values"], strict=True):
                    day = days.get(time.astimezone(UTC).date())
                    if day is not None:
                        setattr(day, result["Id"], int(value))
    except (BotoCoreError, ClientError) as error:
        return errors.sentence(error)
    if not any(day.delivered or day.hard for day in days.values()):
        return f"CloudWatch has no counts of the function {name}."
    return [
        _week(str(start), [days[start + timedelta(days=number)] for number in range(_DAYS)])
        for start in (begin + timedelta(days=_DAYS * number) for number in range(WEEKS))
    ]


def _week(begin: str, days: list[Window]) -> Week:
    delivered, hard, complaints = (sum(getattr(day, field) for day in days) for field in _METRICS)
    week = Window(reached=delivered + hard, delivered=delivered, hard=hard, complaints=complaints)
    return Week(begin, BOUNCES.rate(hard, week), COMPLAINTS.rate(complaints, week))


def _sum_by_day(name: str, metric: str, function: str) -> "MetricDataQueryTypeDef":
    counted: MetricTypeDef = {
        "Namespace": NAMESPACE,
        "MetricName": metric,
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
    }
    return {"Id": name, "MetricStat": {"Metric": counted, "Period": 86_400, "Stat": "Sum"}}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)
