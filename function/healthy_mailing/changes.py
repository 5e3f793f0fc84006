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

_STATES = (STATE, TRANSACTIONAL)
_WHY = (REASON, NOTIFICATION_TYPE, TIMESTAMP, UPDATED_AT)


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


_States = tuple[State, State]
"""What an item says of bulk mail, and of transactional mail."""

_ENABLED = (State.ENABLE, State.ENABLE)


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
        address, sequence = change["Keys"][ADDRESS]["S"], change["SequenceNumber"]
        event_id, name = record["eventID"], record["eventName"]
        old, new = change.get("OldImage"), change.get("NewImage")
        if not (address and type(event_id) is type(name) is str and sequence.isdecimal()):
            raise ValueError  # noqa: TRY301  (one place says what is wrong)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ImageError(f"is no record of a DynamoDB stream: {type(error).__name__}") from None
    if name != REDRIVEN and _IMAGES.get(name) != (old is not None, new is not None):
        # Without this, the images that another view of the stream leaves out would be taken for new and deleted items.
        raise ImageError("the record lacks an image: the stream's view must be NEW_AND_OLD_IMAGES")
    before, was_readable = _before(old)
    after = _ENABLED if new is None else _states(new)
    expired = new is None and _is_service(record.get("userIdentity"))
    if name != REDRIVEN and was_readable:
        if old is None:
            is_news = after != _ENABLED or new_deliveries
        elif new is None:
            is_news = before != _ENABLED or not expired or new_deliveries
        else:
            is_news = before != after
        if not is_news:
            return None
    bulk, transactional = after
    bulk_before, transactional_before = before or (None, None)
    if new is None:
        reason, notification_type, timestamp, at = EXPIRED if expired else ERASED, None, None, ""
    else:
        reason, notification_type, timestamp, at = _why(new)
    at = at or _created(change)
    changed = ((Purpose.BULK, bulk_before, bulk), (Purpose.TRANSACTIONAL, transactional_before, transactional))
    return Event(
        address,
        at,
        {
            "version": VERSION,
            "id": event_id,
            "sequence": sequence.zfill(_DIGITS),
            "address": address,
            "domain": address.rpartition("@")[2],
            "changed": [purpose for purpose, one, other in changed if one is not other],
            "before": bulk_before,
            "after": bulk,
            "mayBeMailed": bulk is State.ENABLE,
            "transactional": {
                "before": transactional_before,
                "after": transactional,
                "mayBeMailed": transactional is State.ENABLE,
            },
            "reason": reason,
            "notificationType": notification_type,
            "timestamp": timestamp,
            "changedAt": at,
        },
    )


def _before(image: Mapping[str, Any] | None) -> tuple[_States | None, bool]:
    """Return what an item said before, None if there was none or if it says no state, and whether that is known."""
    if image is None:
        return None, True
    try:
        return _states(image), True
    except ImageError:
        return None, False


def _states(image: Mapping[str, Any]) -> _States:
    """Return what an image says.

    Raises:
        ImageError: It says no state that we know.
    """
    try:
        item = from_dynamodb(image, _STATES)
    except (TypeError, AttributeError, ValueError) as error:
        raise ImageError(f"the image is not in DynamoDB's JSON: {type(error).__name__}") from None
    bulk, transactional = state_of(item, Purpose.BULK), state_of(item, Purpose.TRANSACTIONAL)
    if bulk is None or transactional is None:
        raise ImageError("the item says no state that this version knows")
    return bulk, transactional


def _why(image: Mapping[str, Any]) -> tuple[str, str | None, str | None, str]:
    """Return the reason of an image's state, of what and when the feedback was, and when the item changed.

    The last is empty if it does not say, as where the original article's function wrote it.

    Raises:
        ImageError: It has no reason, and none can be told.
    """
    try:
        item = from_dynamodb(image, _WHY)
        reason = item.get(REASON)
        if type(reason) is not str:
            reason = _reason(image)
    except RecordError:
        raise ImageError("the item has no reason, and its evidence is no record of this version") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise ImageError(f"the image is not in DynamoDB's JSON: {type(error).__name__}") from None
    if len(reason) > _LONGEST:
        raise ImageError(f"the item has a reason of {len(reason)} characters")
    return reason, _text(item.get(NOTIFICATION_TYPE)), _text(item.get(TIMESTAMP)), _time(item.get(UPDATED_AT))


def _created(change: Mapping[str, Any]) -> str:
    """Return when the stream says that an item changed.

    Raises:
        ImageError: It says no time.
    """
    try:
        return from_datetime(datetime.fromtimestamp(change["ApproximateCreationDateTime"], UTC))
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise ImageError(f"is no record of a DynamoDB stream: {type(error).__name__}") from None


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
