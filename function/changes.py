"""The function that tells of changes of state: ``changes.handler``, from the table's stream to EventBridge."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from healthy_mailing.address import masked
from healthy_mailing.bus import Bus, connect
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
bus = Bus(connect("events"), settings.event_bus, settings.table_arn)
dead_letters = DeadLetters(connect("sqs"), settings.dead_letter_queue_url)

_RESERVE = 5.0  # seconds before the timeout in which nothing new is begun, so that what failed is still reported


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401  (AWS gives the context no type)
    """Put an event for each change of state in records of the table's stream.

    Returns:
        ``{"batchItemFailures": [{"itemIdentifier": number}]}`` with the sequence number of the first record that
        failed: Lambda hands over the batch again from there on. The list is empty if none did (AWS Lambda Developer
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
    """Tell of records, and return the sequence number of the first that failed, empty if none did."""
    events: list[Event] = []
    places: list[int] = []  # of each event: that of its record
    failed: list[int] = []
    for place, record in enumerate(records):
        try:
            found = event_of(record, new_deliveries=settings.new_deliveries)
        except ImageError as error:
            if not _set_aside(record, str(error)):
                failed.append(place)
            continue
        if found:
            events.append(found)
            places.append(place)
    outcome = bus.put(events, deadline)
    for place, code in outcome.errors.items():
        failed.append(places[place])
        log.error("event not put", id=events[place].detail["id"], address=masked(events[place].address), error=code)
    metrics.add("EventsPut", len(events) - len(outcome.errors))
    metrics.add("EventsRetried", outcome.retries)
    metrics.add("EventsFailed", len(outcome.errors))
    return records[min(failed)]["dynamodb"]["SequenceNumber"] if failed else ""


def _set_aside(record: Mapping[str, Any], problem: str) -> bool:
    """Put a record that cannot be read into the dead-letter queue, so that it holds up no other."""
    metrics.add("UnreadableImages")
    error = dead_letters.send(record, problem)
    log.error("unreadable image", id=record.get("eventID"), problem=problem, error=error)
    return not error
