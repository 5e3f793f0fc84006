"""What ``mailing doctor`` looks at from the function on: what calls it, its settings, the table, its last call."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from healthy_mailing.item import ADDRESS
from healthy_mailing.settings import Settings, SettingsError
from healthy_mailing.table import INDEX
from healthy_mailing_cli.checks_delivery import APPLY
from healthy_mailing_cli.examination import Examination, Finding, Findings, ok, problem, unknown, warning
from healthy_mailing_cli.policies import lets
from healthy_mailing_cli.stack import name_in, sent_for

_BACK = timedelta(days=14)
_RECENTLY = timedelta(days=1)


def look_at_function(seen: Examination) -> Findings:
    """See whether the function can run, with settings that it accepts."""
    name = name_in(seen.stack.function)
    try:
        found = seen.lambda_.get_function_configuration(FunctionName=name)
    except seen.lambda_.exceptions.ResourceNotFoundException:
        yield problem(
            f"There is no function {name} in {seen.place.region}.",
            f"{APPLY} If it is called otherwise: --name or --function.",
        )
        return
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    environment = found.get("Environment", {})
    if state not in {"Active", "Inactive"} or update == "Failed":
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or "without a reason"
        yield problem(f"{name} can't run: {state}, last update {update} ({reason}).", "Fix that, then apply again.")
    elif seen.lambda_.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions") == 0:
        yield problem(
            f"{name} may not run: its reserved concurrency is 0.",
            "Unless that is meant so (function.reserved_concurrency):",
            f"aws lambda delete-function-concurrency --function-name {name}",
        )
    elif "Error" in environment:
        yield unknown(
            f"The settings of {name}: {environment['Error'].get('ErrorCode', '')}",
            "Use credentials that allow kms:Decrypt with the function's key.",
        )
    else:
        yield _settings(name, environment.get("Variables", {}), name_in(seen.stack.table))


def _settings(name: str, variables: Mapping[str, str], table: str) -> Finding:
    try:
        settings = Settings.from_environment(variables)
    except SettingsError as error:
        return problem(f"{name} fails when it starts: {error}.", APPLY)
    if settings.table_name != table:
        return problem(
            f"{name} writes to the table {settings.table_name}, not to {table}.",
            f"If that is the stack's table, name it: --table {settings.table_name}. Otherwise apply.",
        )
    return ok(f"{name} is ready, and writes to {table}.")


def look_at_mapping(seen: Examination) -> Findings:
    """See whether the function is given what is in the queue."""
    if seen.queue is None:
        return
    function, queue = name_in(seen.stack.function), name_in(seen.stack.queue)
    # Not by function: its absence would be an error here.
    pages = seen.lambda_.get_paginator("list_event_source_mappings").paginate(EventSourceArn=seen.stack.queue)
    mappings = [each for page in pages for each in page["EventSourceMappings"]]
    found: Any = next(
        (each for each in mappings if f"{each['FunctionArn']}:".startswith(f"{seen.stack.function}:")), None
    )
    if found is None:
        yield problem(f"Nothing takes messages from {queue} to {function}: they wait, for up to 14 days.", APPLY)
    elif found["State"] in {"Disabled", "Disabling"}:
        yield problem(
            f"{function} takes no messages from {queue}, as its mapping is disabled: they wait, for up to 14 days.",
            "Unless that is meant so (queue.enabled):",
            f"aws lambda update-event-source-mapping --enabled --uuid {found['UUID']}",
        )
    elif "ReportBatchItemFailures" not in found.get("FunctionResponseTypes", []):
        yield problem(f"{function} can't tell {queue} which messages failed, so those are lost.", APPLY)
    elif found["State"] != "Enabled":
        yield warning(f"The mapping from {queue} to {function} is {found['State']}.", "Run it again in a minute.")
    else:
        yield ok(f"{function} takes messages from {queue}.")


def look_at_direct_calls(seen: Examination) -> Findings:
    """See whether the topic may call the function, and where that goes which fails."""
    if not seen.to_function:
        return
    function = name_in(seen.stack.function)
    not_there = seen.lambda_.exceptions.ResourceNotFoundException
    try:
        policy: str | None = seen.lambda_.get_policy(FunctionName=function)["Policy"]
    except not_there:
        policy = None
    sender = sent_for(seen.stack.topic)
    may = lets(policy, "sns.amazonaws.com", "lambda:InvokeFunction", seen.stack.function, sender)
    if not may:
        yield (problem if may is False else unknown)(
            f"The topic may not call {function}, as far as its policy is understood here.", APPLY
        )
        return
    try:
        settings = seen.lambda_.get_function_event_invoke_config(FunctionName=function)
        target = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    except not_there:
        target = None
    if target != seen.stack.dead_letter_queue:
        yield warning(
            f"What {function} keeps failing at does not go to {name_in(seen.stack.dead_letter_queue)}: it is lost.",
            APPLY,
        )
    else:
        yield ok(f"The topic may call {function}.")


def look_at_table(seen: Examination) -> Findings:
    """See whether the table can be used, listed and restored."""
    name = name_in(seen.stack.table)
    try:
        table = seen.dynamodb.describe_table(TableName=name)["Table"]
    except seen.dynamodb.exceptions.ResourceNotFoundException:
        yield problem(
            f"There is no table {name} in {seen.place.region}.",
            f"{APPLY} If it is called otherwise, or is elsewhere: --table, --region.",
        )
        return
    key = ", ".join(each["AttributeName"] for each in table["KeySchema"])
    if table["TableStatus"] not in {"ACTIVE", "UPDATING"} or key != ADDRESS:
        yield problem(
            f"{name} can't be used: it is {table['TableStatus']}, with the key {key}.",
            f"It must be ACTIVE, with the partition key {ADDRESS} and no sort key.",
        )
        return
    yield ok(f"{name} is {table['TableStatus']}.")
    index: Any = next((each for each in table.get("GlobalSecondaryIndexes", []) if each["IndexName"] == INDEX), None)
    if index is None:
        yield warning(
            f"{name} lacks the index {INDEX}, so nobody can list addresses.",
            "Unless that is meant so, set table.index to true, and apply.",
        )
    elif index.get("IndexStatus", "ACTIVE") != "ACTIVE":
        yield warning(f"The index {INDEX} is {index['IndexStatus']}: lists may lack addresses.", "Run it again later.")
    if not table.get("DeletionProtectionEnabled"):
        yield warning(f"{name} is not protected from deletion.", "Set table.deletion_protection to true, and apply.")
    backups = seen.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    if recovery != "ENABLED":
        yield warning(
            f"{name} can't be restored to an earlier time.", "Set table.point_in_time_recovery to true, and apply."
        )


def look_at_calls(seen: Examination) -> Findings:
    """Tell when feedback last came, by when the function was last called, and how many calls failed.

    Lambda's own metrics: one request, and deliveries count. The newest ``updatedAt`` in the index would tell to the
    millisecond, but of suppressed addresses alone. Neither knows whether there was mail to report on.
    """
    name = name_in(seen.stack.function)
    metrics = {"calls": "Invocations", "errors": "Errors"}
    answer = seen.cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": each, "MetricStat": _sum(name, metric)} for each, metric in metrics.items()],
        StartTime=seen.now - _BACK,
        EndTime=seen.now,
    )
    sums: dict[str, dict[Any, float]] = {each: {} for each in metrics}
    for each in answer["MetricDataResults"]:
        sums[each["Id"]] |= {at: sum_ for at, sum_ in zip(each["Timestamps"], each["Values"], strict=True) if sum_}
    last = max(sums["calls"], default=None)
    sent = "" if seen.sent is None else f" SES sent {seen.sent:,.0f} mails in the last 24 hours, of whichever identity."
    simulate = ("Send a mail whose feedback must come:", "mailing simulate --from ADDRESS")
    if last is None:
        yield warning(f"{name} was not called in the last {_BACK.days} days: no feedback came.{sent}", *simulate)
    elif seen.now - last > _RECENTLY and seen.sent:
        yield warning(f"No feedback came since the hour of {last:%Y-%m-%d %H}:00 UTC.{sent}", *simulate)
    else:
        yield ok(f"Feedback last came in the hour of {last:%Y-%m-%d %H}:00 UTC.{sent}")
    failed = sum(sum_ for at, sum_ in sums["errors"].items() if seen.now - at <= _RECENTLY)
    if failed:
        yield warning(
            f"{failed:,.0f} calls of {name} failed in the last 24 hours; what they had is tried again.",
            "The log says why:",
            f"aws logs filter-log-events --log-group-name /aws/lambda/{name} "
            "--filter-pattern '{ $.level = \"ERROR\" }'",
        )


def _sum(function: str, metric: str) -> Mapping[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": function}]
    return {
        "Metric": {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions},
        "Period": 3600,
        "Stat": "Sum",
    }
