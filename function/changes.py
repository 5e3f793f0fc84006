"""The function that sends changes of state from the table's stream to EventBridge: ``changes.handler``."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from healthy_mailing.address import masked
from healthy_mailing.bus import Bus, client_without_retries
from healthy_mailing.calls import is_past
from healthy_mailing.changes import ImageError, event_of
from healthy_mailing.dead_letters import DeadLetters
from healthy_mailing.settings import ChangesSettings
from healthy_mailing.telemetry import Log, Metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from healthy_mailing.changes import Event

settings = ChangesSettings.from_environment(os.environ)
log = Log(settings.log_level)
metrics = Metrics(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "changes"))
bus = Bus(client_without_retries("events"), settings.event_bus, settings.table_arn)
dead_letters = DeadLetters(client_without_retries("sqs"), settings.dead_letter_queue_url)

_RESERVE = 5.0  # seconds before the timeout in which nothing new starts, so that failures are still reported


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401  (AWS gives the context no type)
    """Put an event for each change of state in records of the table's stream.

    Returns:
        ``{"batchItemFailures": [{"itemIdentifier": number}]}`` with the sequence number of the first record that
        failed. Lambda passes the batch again from there. The list is empty if nothing failed (AWS Lambda Developer
        Guide, "Configuring partial batch response with DynamoDB and Lambda").
    """
    log.bind(context.aws_request_id)
    remaining = context.get_remaining_time_in_millis() / 1000
    deadline = time.monotonic() + remaining - min(_RESERVE, remaining / 2)
    try:
        failed = _tell(event["Records"], deadline)
    finally:
        metrics.flush()
    return {"batchItemFailures": [{"itemIdentifier": failed}] if failed else []}


def _tell(records: Sequence[Mapping[str, Any]], deadline: float) -> str:
    """Send the events for records. Return the sequence number of the first that failed, or an empty string."""
    events: list[Event] = []
    places: list[int] = []  # of each event: that of its record
    unreadable: dict[int, str] = {}
    for place, record in enumerate(records):
        try:
            found = event_of(record, new_deliveries=settings.new_deliveries)
        except ImageError as error:
            unreadable[place] = str(error)
            continue
        if found:
            events.append(found)
            places.append(place)
    failed: list[int] = []
    outcome = bus.put(events, deadline)
    for place, code in outcome.errors.items():
        failed.append(places[place])
        log.error("event not put", id=events[place].detail["id"], address=masked(events[place].address), error=code)
    metrics.add("EventsPut", len(events) - len(outcome.errors))
    metrics.add("EventsRetried", outcome.retries)
    metrics.add("EventsFailed", len(outcome.errors))
    # Only now, so that a queue that does not answer holds up no event.
    for place, problem in unreadable.items():
        if is_past(deadline) or not _set_aside(records[place], problem):
            failed.append(place)
    return records[min(failed)]["dynamodb"]["SequenceNumber"] if failed else ""


def _set_aside(record: Mapping[str, Any], problem: str) -> bool:
    """Send an unreadable record to the dead-letter queue, so that the others need not wait."""
    metrics.add("UnreadableImages")
    error = dead_letters.send(record, problem)
    log.error("unreadable image", id=record.get("eventID"), problem=problem, error=error)
    return not error
