"""What invokes the function, unwrapped: the messages from SES in an event of SNS, SQS or EventBridge, or sent directly.

Sources: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" and "… Amazon SNS"; Amazon SNS Developer Guide, "Raw
message delivery"; Amazon SES Developer Guide, "Monitoring … using Amazon EventBridge".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class EnvelopeError(ValueError):
    """An event that is none of the forms this function is invoked with."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message from SES.

    Attributes:
        id: What SQS, SNS or EventBridge calls the message; empty if it came directly.
        content: SES's JSON text, or the object that EventBridge made of it.
    """

    id: str
    content: str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Envelope:
    """The messages of one invocation, and whether failures can be reported one by one (SQS) or only as a whole."""

    messages: tuple[Message, ...]
    reports_failures: bool


def unwrap(event: object) -> Envelope:
    """Return the messages in an event.

    Raises:
        EnvelopeError: The event is of no known form; the message says which forms are.
    """
    if isinstance(event, Mapping):
        records = event.get("Records")
        if isinstance(records, list) and records:
            return _records(records)
        if "notificationType" in event or "eventType" in event:
            return Envelope((Message("", event),), reports_failures=False)
        if _is_from_event_bridge(event):
            return Envelope((Message(str(event.get("id", "")), event["detail"]),), reports_failures=False)
    raise EnvelopeError(
        "the event is neither records of SNS or SQS, nor an SES event of EventBridge, nor SES's own JSON"
    )


def content(body: str) -> str | Mapping[str, Any]:
    """Return the message in an SQS body: the body itself, or what SNS (not raw) or EventBridge wrapped."""
    # SES's JSON is read once, by the parser: only a body that may be a wrapping is read here.
    if '"Type"' not in body and '"detail-type"' not in body:
        return body
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return body  # left to the parser to refuse
    match data:
        case {"notificationType": _} | {"eventType": _}:
            return body
        case {"Type": "Notification", "TopicArn": str(), "Message": str() as message}:
            return message
        case {"detail": Mapping() as detail} if _is_from_event_bridge(data):
            return detail
        case _:
            return body


def _records(records: list[Any]) -> Envelope:
    sources = {_source(record) for record in records}
    if sources == {"aws:sqs"}:
        return Envelope(
            tuple(Message(record["messageId"], content(record["body"])) for record in records), reports_failures=True
        )
    if sources == {"aws:sns"}:
        return Envelope(
            tuple(Message(record["Sns"]["MessageId"], record["Sns"]["Message"]) for record in records),
            reports_failures=False,
        )
    raise EnvelopeError("the event's records are neither all of SQS nor all of SNS, or lack their id or body")


def _source(record: object) -> str:
    """Return the service that a complete record is from, empty for anything else."""
    match record:
        case {"eventSource": "aws:sqs", "messageId": str(), "body": str()}:
            return "aws:sqs"
        case {"EventSource": "aws:sns", "Sns": {"MessageId": str(), "Message": str()}}:
            return "aws:sns"
        case _:
            return ""


def _is_from_event_bridge(event: Mapping[str, Any]) -> bool:
    return event.get("source") == "aws.ses" and isinstance(event.get("detail"), Mapping)
