"""A record of the table's stream -> the event that tells of it, or nothing.

Pure: no clock, no environment, no AWS.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB Streams and AWS Lambda triggers"; Amazon DynamoDB Streams API
Reference, "Record" and "StreamRecord"; AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from healthy_mailing.evidence import Purpose, Record, Rules, State
from healthy_mailing.item import (
    ADDRESS,
    NOTIFICATION_TYPE,
    REASON,
    STATE,
    TIMESTAMP,
    TRANSACTIONAL,
    UPDATED_AT,
    RecordError,
    evidence_in,
    from_dynamodb,
    state_of,
)
from healthy_mailing.timestamp import from_datetime, to_utc

SOURCE = "healthy-mailing"
DETAIL_TYPE = "Address State Changed"

VERSION = "1"
"""The version of an event's detail. A field may be added to it; what a version has keeps its name and its meaning."""

REDRIVEN = "REDRIVE"
"""The ``eventName`` of a record that `mailing redrive` made: the item as it is now, beside the one before the change
that was lost. It is told even where the two say the same, since something else may have been told in between."""

UNKNOWN, ERASED, EXPIRED = "unknown", "erased", "expired"
"""Reasons of an address of which nothing is known: what was is gone from its item, someone deleted the item, or
DynamoDB did when its time to live ended."""

_DIGITS = 40  # of the longest sequence number (Amazon DynamoDB Streams API Reference, StreamRecord)

# Which images a record has, the old one and the new one, where the stream's view is NEW_AND_OLD_IMAGES.
_IMAGES = {"INSERT": (False, True), "MODIFY": (True, True), "REMOVE": (True, False)}

# Longest text from an item, in characters. Ours are shorter; another program's must not make an event, of which ten go
# into one request, too long for EventBridge: 256 KB (Amazon EventBridge API Reference, PutEvents).
_LONGEST = 1024

_SAID = (STATE, TRANSACTIONAL, REASON, NOTIFICATION_TYPE, TIMESTAMP, UPDATED_AT)


class ImageError(ValueError):
    """A record whose new state cannot be told; the message says why, and repeats nothing of the item."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change of an address's state.

    Attributes:
        address: The canonical address, whose events are to stay in order.
        at: When the item changed: UTC with milliseconds.
        detail: The event's ``detail``, as ``terraform/modules/changes/address-state-changed.schema.json`` has it.
    """

    address: str
    at: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an item says of an address."""

    bulk: State
    transactional: State
    reason: str
    notification_type: str | None = None
    timestamp: str | None = None
    updated_at: str = ""  # empty: it does not say, as where the original article's function wrote it


def event_of(record: Mapping[str, Any], *, new_deliveries: bool) -> Event | None:
    """Return the event that tells of a record of the stream, None if it is no news.

    It is news if one of the item's two states differs from what it was, and:

    - of a new item, if mail is held back, or ``new_deliveries``;
    - of a deleted one, always, so that whoever keeps a copy can drop it. One that expired said nothing but that mail
      may be sent, as it may without it: that it is gone is news if ``new_deliveries``, as was that it came.

    An item that was not readable before may have said anything: what it says now is news.

    Args:
        record: A record as Lambda hands it over, with both images in DynamoDB's JSON.
        new_deliveries: Whether new addresses that may be mailed are news.

    Raises:
        ImageError: The item as it is now says no state, or the record is none of the stream's.
    """
    try:
        change = record["dynamodb"]
        address = change["Keys"][ADDRESS]["S"]
        sequence = change["SequenceNumber"]
        created = from_datetime(datetime.fromtimestamp(change["ApproximateCreationDateTime"], UTC))
        event_id, name = record["eventID"], record["eventName"]
        old, new = change.get("OldImage"), change.get("NewImage")
        if not (address and type(event_id) is str and sequence.isdecimal()):
            raise ValueError  # noqa: TRY301  (one place says what is wrong)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError) as error:
        raise ImageError(f"is no record of a DynamoDB stream: {type(error).__name__}") from None
    if name != REDRIVEN and _IMAGES.get(name) != (old is not None, new is not None):
        # Without this, the images that another view of the stream leaves out would be taken for new and deleted items.
        raise ImageError("the record lacks an image: the stream's view must be NEW_AND_OLD_IMAGES")
    before, was_readable = _before(old)
    expired = new is None and _is_service(record.get("userIdentity"))
    after = _Answer(State.ENABLE, State.ENABLE, EXPIRED if expired else ERASED) if new is None else _answer(new)
    changed = [
        purpose
        for purpose, one, other in (
            (Purpose.BULK, before and before.bulk, after.bulk),
            (Purpose.TRANSACTIONAL, before and before.transactional, after.transactional),
        )
        if one is not other
    ]
    if name != REDRIVEN and was_readable:
        holds_back = {State.ENABLE} != {after.bulk, after.transactional}
        if old is None:
            is_news = holds_back or new_deliveries
        elif new is None:
            is_news = bool(changed) or not expired or new_deliveries
        else:
            is_news = bool(changed)
        if not is_news:
            return None
    at = after.updated_at or created
    return Event(
        address,
        at,
        {
            "version": VERSION,
            "id": event_id,
            "sequence": sequence.zfill(_DIGITS),
            "address": address,
            "domain": address.rpartition("@")[2],
            "changed": changed,
            "before": before and before.bulk,
            "after": after.bulk,
            "mayBeMailed": after.bulk is State.ENABLE,
            "transactional": {
                "before": before and before.transactional,
                "after": after.transactional,
                "mayBeMailed": after.transactional is State.ENABLE,
            },
            "reason": after.reason,
            "notificationType": after.notification_type,
            "timestamp": after.timestamp,
            "changedAt": at,
        },
    )


def _before(image: Mapping[str, Any] | None) -> tuple[_Answer | None, bool]:
    """Return what an item said before, None if there was none or if it says no state, and whether that is known."""
    if image is None:
        return None, True
    try:
        return _answer(image), True
    except ImageError:
        return None, False


def _answer(image: Mapping[str, Any]) -> _Answer:
    """Return what an image says.

    Raises:
        ImageError: It says no state, or its reason cannot be told.
    """
    try:
        item = from_dynamodb(image, _SAID)
        bulk, transactional = state_of(item, Purpose.BULK), state_of(item, Purpose.TRANSACTIONAL)
        reason = item.get(REASON)
        if type(reason) is not str:
            reason = _reason(image)
    except RecordError:
        raise ImageError("the item has no reason, and its evidence is no record of this version") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise ImageError(f"the image is not in DynamoDB's JSON: {type(error).__name__}") from None
    if bulk is None or transactional is None:
        raise ImageError("the item says no state that this version knows")
    if len(reason) > _LONGEST:
        raise ImageError(f"the item has a reason of {len(reason)} characters")
    return _Answer(
        bulk,
        transactional,
        reason,
        _text(item.get(NOTIFICATION_TYPE)),
        _text(item.get(TIMESTAMP)),
        _time(item.get(UPDATED_AT)),
    )


def _reason(image: Mapping[str, Any]) -> str:
    """Return the reason where an item has none: the original article's function wrote it, or nothing is known.

    What the rules' numbers are makes no difference to either.

    Raises:
        RecordError: The item is no record.
    """
    assessment = Record.of(evidence_in(from_dynamodb(image)), Rules()).assessment
    return assessment.reason if assessment else UNKNOWN


def _text(value: object) -> str | None:
    return value if type(value) is str and len(value) <= _LONGEST else None


def _time(value: object) -> str:
    """Return a time of ours, empty if it is another program's."""
    try:
        return value if type(value) is str and to_utc(value) == value else ""
    except ValueError:
        return ""


def _is_service(identity: object) -> bool:
    """Return whether DynamoDB itself deleted an item, because its time to live ended.

    Amazon DynamoDB Developer Guide, "DynamoDB Streams and Time to Live".
    """
    match identity:
        case {"type": "Service", "principalId": "dynamodb.amazonaws.com"}:
            return True
        case _:
            return False
