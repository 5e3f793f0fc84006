"""What ``mailing doctor`` looks at from the table's stream on: what tells of changes by events (docs/events.md)."""

import shlex
from collections.abc import Mapping
from typing import Any

from healthy_mailing.settings import ChangesSettings, SettingsError
from healthy_mailing_cli.doctor.delivery import APPLY, attributes_of
from healthy_mailing_cli.doctor.examination import Examination, Finding, Findings, ok, problem, warning
from healthy_mailing_cli.doctor.function import is_of
from healthy_mailing_cli.shell import belonging, output
from healthy_mailing_cli.shell.stack import name_in, table_in


def look_at_events(seen: Examination) -> Findings:
    """See whether changes become events, where there is a stream for them."""
    table, function = name_in(seen.stack.table), name_in(seen.stack.changes)
    try:
        described = seen.dynamodb.describe_table(TableName=table)["Table"]
    except seen.dynamodb.exceptions.ResourceNotFoundException:
        return  # as the check of the table says
    sources = {each.get("EventSourceArn", "") for each in belonging.mappings(seen.lambda_, FunctionName=function)}
    others = sorted({table_in(each) for each in sources if ":dynamodb:" in each} - {table})
    if others:
        yield problem(
            f"The function {function} reads the stream of the table {', '.join(others)}, and tells of its changes.",
            f"{APPLY} If it is of another stack: --name.",
        )
    if not described.get("StreamSpecification", {}).get("StreamEnabled"):
        yield ok(f"The table {table} has no stream, so its changes give no events.")
        return
    mappings = belonging.mappings(seen.lambda_, EventSourceArn=described["LatestStreamArn"])
    found = next((each for each in mappings if is_of(each, seen.stack.changes)), None)
    if found is not None:
        yield _mapping(function, table, found)
    elif not others:
        yield warning(
            f"{table} has a stream, and no function {function} reads it: changes give no events.",
            f"Unless that is meant so: {APPLY} If it is called otherwise: --name.",
        )
    if found is None:
        return
    yield _function(seen, function)
    yield from _dead_letters(seen, function)


def _mapping(function: str, table: str, mapping: Mapping[str, Any]) -> Finding:
    if mapping["State"] in {"Disabled", "Disabling"}:
        return problem(
            f"{function} does not read the table's stream, as its mapping is disabled: changes wait, for 24 hours.",
            "Unless that is meant so (stream.enabled):",
            f"aws lambda update-event-source-mapping --enabled --uuid {mapping['UUID']}",
        )
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
        return problem(f"{function} can't tell which changes failed, so those are lost.", APPLY)
    if mapping["State"] != "Enabled":
        return warning(f"The mapping from the stream to {function} is {mapping['State']}.", "Run it again in a minute.")
    return ok(f"The function {function} reads the stream of the table {table}.")


def _function(seen: Examination, function: str) -> Finding:
    configuration = seen.lambda_.get_function_configuration(FunctionName=function)
    try:
        settings = ChangesSettings.from_environment(configuration.get("Environment", {}).get("Variables", {}))
    except SettingsError as error:
        return problem(f"{function} fails when it starts: {error}.", APPLY)
    if settings.table_arn != seen.stack.table:
        return problem(
            f"{function} tells of the table {name_in(settings.table_arn)}, not of {name_in(seen.stack.table)}.",
            f"If it is called otherwise: --name. {APPLY}",
        )
    return ok(f"The function {function} puts events on {settings.event_bus}.")


def _dead_letters(seen: Examination, function: str) -> Findings:
    queue = f"{function}-dead-letter"
    attributes = attributes_of(seen, queue)
    if attributes is None:
        yield problem(f"There is no queue {queue}: changes that keep failing are lost.", APPLY)
    elif count := int(attributes["ApproximateNumberOfMessages"]):
        names = ("--table", name_in(seen.stack.table), "--dead-letter-queue", queue, "--function", function)
        yield problem(
            f"{queue} holds about {output.counted(count, 'message')}: changes that gave no event.",
            f"The log /aws/lambda/{function} says why. Fix the cause, then, within 24 hours of the change:",
            shlex.join(["mailing", "redrive", "--changes", *names]),
        )
    else:
        yield ok(f"The dead-letter queue {queue} is empty.")
