"""What ``mailing doctor`` reads from CloudWatch: when feedback last came, and what failed since."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthy_mailing.telemetry import NAMESPACE
from healthy_mailing_cli.doctor.examination import Examination, Findings, ok, problem, warning
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.stack import name_in

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricStatTypeDef

_BACK = timedelta(days=14)
_DAY = timedelta(days=1)
_RECENTLY = timedelta(minutes=15)
_LATELY = "in the last 15 minutes"
_MINUTE, _HOUR = 60, 3600

_OLD = 900  # seconds that feedback may wait in the queue, the default of module monitoring's alarm

Series = dict[datetime, float]  # values by the beginning of their period

_OWN = ("Failed", "Malformed", "Written", "Unchanged")
"""Metrics of the function itself (docs/reference.md): of addresses; ``Malformed``, of messages."""

_FAILURES = {
    "errors": ("call", "failed"),
    "throttles": ("call", "throttled"),
    "failed": ("address", "not written"),
    "malformed": ("message", "not understood"),
}


def look_at_calls(seen: Examination) -> Findings:
    """See when feedback last came, by when the function was last called.

    Lambda's own metric: one request, and deliveries count. The newest ``updatedAt`` in the index would be exact to the
    millisecond, but of blocked addresses alone. Neither knows whether there was mail to report on.
    """
    name = name_in(seen.stack.function)
    asked = {"calls": _of_function("AWS/Lambda", "Invocations", name, _HOUR)}
    last = max((at for at, count in _series(seen, asked, _BACK)["calls"].items() if count), default=None)
    mails = "" if seen.sent is None else output.counted(int(seen.sent), "mail")
    sent = mails and f" SES sent {mails} in the last 24 hours, of whichever identity."
    simulate = ("Send a mail whose feedback must come:", "mailing simulate --from ADDRESS")
    if last is None:
        yield warning(f"{name} was not called in the last {_BACK.days} days: no feedback came.{sent}", *simulate)
    elif seen.now - last > _DAY and seen.sent:
        yield warning(f"No feedback came since the hour of {last:%Y-%m-%d %H}:00 UTC.{sent}", *simulate)
    else:
        yield ok(f"Feedback last came in the hour of {last:%Y-%m-%d %H}:00 UTC.{sent}")


def look_at_failures(seen: Examination) -> Findings:
    """See what failed of late, before it becomes a dead letter.

    A call that stores nothing is none of Lambda's errors, since the function says which messages failed. So its own
    metrics are read too. The age of the oldest message shows feedback that nothing takes.
    """
    name, queue = name_in(seen.stack.function), name_in(seen.stack.queue)
    asked = {each.lower(): _of_function("AWS/Lambda", each, name) for each in ("Invocations", "Errors", "Throttles")}
    asked |= {each.lower(): _of_function(NAMESPACE, each, name) for each in _OWN}
    asked["age"] = _metric(
        "AWS/SQS", "ApproximateAgeOfOldestMessage", {"Name": "QueueName", "Value": queue}, _MINUTE, "Maximum"
    )
    found = _series(seen, asked, _DAY)
    recent = {
        each: {at: value for at, value in series.items() if seen.now - at <= _RECENTLY}
        for each, series in found.items()
    }
    log = (
        "The log says why:",
        f"aws logs filter-log-events --log-group-name /aws/lambda/{name} --filter-pattern '{{ $.level = \"ERROR\" }}'",
    )
    sums = {each: int(sum(series.values())) for each, series in recent.items()}
    problems = []
    if sums["errors"] and sums["errors"] >= sums["invocations"]:
        problems.append(problem(f"Every call of {name} failed {_LATELY}.", *log))
    elif sums["failed"] + sums["malformed"] and not sums["written"] + sums["unchanged"]:
        problems.append(problem(f"No feedback reached the table {_LATELY}: {_failures(sums)}.", *log))
    if recent["age"] and (oldest := max(recent["age"].items())[1]) > _OLD:
        problems.append(
            problem(
                f"Feedback waits in {queue}, the oldest for {oldest:,.0f} s.",
                "If the checks above find nothing, the function does not keep up: raise queue.maximum_concurrency.",
            )
        )
    failures = _failures({each: int(sum(series.values())) for each, series in found.items()})
    if problems:
        yield from problems
    elif failures:
        yield warning(f"{name} in the last 24 hours: {failures}. What fails is tried again, then a dead letter.", *log)
    else:
        yield ok(f"{name} failed at nothing in the last 24 hours.")


def _failures(sums: Mapping[str, int]) -> str:
    counted = ((output.counted(sums[each], noun), what) for each, (noun, what) in _FAILURES.items() if sums[each])
    return ", ".join(f"{count} {what}" for count, what in counted)


def _series(seen: Examination, asked: Mapping[str, "MetricStatTypeDef"], back: timedelta) -> dict[str, Series]:
    """Return metrics of some time back until now."""
    pages = seen.cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[{"Id": each, "MetricStat": metric} for each, metric in asked.items()],
        StartTime=seen.now - back,
        EndTime=seen.now,
    )
    found: dict[str, Series] = {each: {} for each in asked}
    for page in pages:
        for each in page["MetricDataResults"]:
            found[each["Id"]] |= dict(zip(each["Timestamps"], each["Values"], strict=True))
    return found


def _of_function(namespace: str, name: str, function: str, period: int = _MINUTE) -> "MetricStatTypeDef":
    return _metric(namespace, name, {"Name": "FunctionName", "Value": function}, period, "Sum")


def _metric(namespace: str, name: str, of: "DimensionTypeDef", period: int, stat: str) -> "MetricStatTypeDef":
    return {
        "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": [of]},
        "Period": period,
        "Stat": stat,
    }
