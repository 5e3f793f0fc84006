"""What ``mailing doctor`` looks at from the table's stream on: what publishes changes as events (docs/events.md)."""

import shlex

from healthy_mailing.settings import ChangesSettings, SettingsError
from healthy_mailing_cli.doctor.examination import APPLY, Examination, Finding, Findings, ok, problem, warning
from healthy_mailing_cli.doctor.function import is_of, mapping_finding
from healthy_mailing_cli.shell import belonging, output
from healthy_mailing_cli.shell.stack import name_in, table_in


def look_at_events(seen: Examination) -> Findings:
    """See whether changes become events, where there is a stream for them."""
    table, function = name_in(seen.stack.table), name_in(seen.stack.changes)
    if seen.table is None:
        return
    sources = {each.get("EventSourceArn", "") for each in belonging.mappings(seen.lambda_, FunctionName=function)}
    others = sorted({table_in(each) for each in sources if ":dynamodb:" in each} - {table})
    if others:
        yield problem(
            f"The function {function} reads the stream of the table {', '.join(others)}, and publishes its changes.",
            f"{APPLY} If it is of another stack: --name.",
        )
    if not seen.table.get("StreamSpecification", {}).get("StreamEnabled"):
        yield ok(f"The table {table} has no stream, so its changes give no events.")
        return
    mappings = belonging.mappings(seen.lambda_, EventSourceArn=seen.table["LatestStreamArn"])
    found = next((each for each in mappings if is_of(each, seen.stack.changes)), None)
    if found is None:
        if not others:
            yield warning(
                f"{table} has a stream, and no function {function} reads it: changes give no events.",
                f"Unless that is meant so: {APPLY} If it is called otherwise: --name.",
            )
        return
    yield mapping_finding(
        found,
        ok(f"The function {function} reads the stream of the table {table}."),
        stopped=f"{function} does not read the table's stream, as its mapping is disabled: changes wait, for 24 hours.",
        setting="stream.enabled",
        lost=f"{function} can't report which changes failed, so those are lost.",
    )
    yield _function(seen, function)
    yield from _dead_letters(seen, function)


def _function(seen: Examination, function: str) -> Finding:
    configuration = seen.configuration_of(function)
    environment = configuration.get("Environment", {}) if configuration else {}
    try:
        settings = ChangesSettings.from_environment(environment.get("Variables", {}))
    except SettingsError as error:
        return problem(f"{function} fails when it starts: {error}.", APPLY)
    if settings.table_arn != seen.stack.table:
        return problem(
            f"{function} publishes changes of {name_in(settings.table_arn)}, not of {name_in(seen.stack.table)}.",
            f"If it is called otherwise: --name. {APPLY}",
        )
    return ok(f"The function {function} puts events on {settings.event_bus}.")


def _dead_letters(seen: Examination, function: str) -> Findings:
    queue = f"{function}-dead-letter"
    attributes = seen.attributes_of(queue)
    if attributes is None:
        yield seen.missing("dead-letter queue", queue, "--name")
    elif count := int(attributes["ApproximateNumberOfMessages"]):
        names = ("--table", name_in(seen.stack.table), "--dead-letter-queue", queue, "--function", function)
        yield problem(
            f"{queue} holds about {output.counted(count, 'message')}: changes that gave no event.",
            f"The log /aws/lambda/{function} says why. Fix the cause, then, within 24 hours of the change:",
            shlex.join(["mailing", "redrive", "--changes", *names]),
        )
    else:
        yield ok(f"The dead-letter queue {queue} is empty.")
