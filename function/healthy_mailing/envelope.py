"""Unwraps an event: returns the messages from SES in an event from SNS, SQS or EventBridge, or one sent directly.

Sources: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" and "… Amazon SNS"; Amazon SNS Developer Guide, "Raw
message delivery"; Amazon SES Developer Guide, "Monitoring … using Amazon EventBridge".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class EnvelopeError(ValueError):
    """Raised for an event in a form that this function does not know."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message from SES.

    Attributes:
        id: The id of the message in SQS, SNS or EventBridge; empty if it came directly.
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
        EnvelopeError: The event has an unknown form. The message lists the known ones.
    """
    if isinstance(event, Mapping):
        records = event.get("Records")
        if isinstance(records, list) and records:
            return _records(records)
        if "notificationType" in event or "eventType" in event:
            return Envelope((Message("", event),), reports_failures=False)
        if _is_from_event_bridge(event):
            return Envelope((Message(str(event.get("id", "")), event["detail"]),), reports_failures=False)
    raise EnvelopeError("the event is not from SNS, SQS or EventBridge, and is not SES's own JSON")


def content(body: str) -> str | Mapping[str, Any]:
    """Return the message in an SQS body: the body itself, or what SNS (not raw) or EventBridge wrapped."""
    # The parser reads SES's JSON, so only a body that may be wrapped is read here.
    if '"Type"' not in body and '"detail-type"' not in body:
        return body
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return body  # the parser rejects it
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
    raise EnvelopeError("the event's records are not all from SQS or all from SNS, or one lacks its id or body")


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
