"""Turns a record of the table's stream into an event, or into nothing.

Pure: no clock, no environment, no AWS.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB Streams and AWS Lambda triggers"; Amazon DynamoDB Streams API
Reference, "Record" and "StreamRecord"; AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from healthy_mailing.address import canonical_or_same
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
"""The version of an event's detail. A version may gain fields; existing fields keep their name and meaning."""

REDRIVEN = "REDRIVE"
"""The ``eventName`` of a record that `mailing redrive` made from the item as it is now and the item before the lost
change. It always becomes an event, even if both say the same, because readers may have got another event in between."""

REDRIVEN_DELIVERY = "REDRIVE_DELIVERY"
"""The same for lost changes that are news only with ``new_deliveries``. It becomes an event exactly if that is set,
whatever the item says: after one such event, a later record must be able to correct it."""

UNKNOWN, ERASED, EXPIRED = "unknown", "erased", "expired"
"""Reasons of an address that nothing is known about: its evidence was removed, someone deleted the item, or DynamoDB
deleted it at the end of its time to live."""

_DIGITS = 40  # of the longest sequence number (Amazon DynamoDB Streams API Reference, StreamRecord)

_REDRIVEN = (REDRIVEN, REDRIVEN_DELIVERY)

# Whether a record has an old and a new image, if the stream's view is NEW_AND_OLD_IMAGES.
_IMAGES = {"INSERT": (False, True), "MODIFY": (True, True), "REMOVE": (True, False)}

# Longest string from an item, in characters. Ours are shorter. A string from another program must not make an event too
# long: ten events share a request of at most 256 KB (Amazon EventBridge API Reference, PutEvents).
_LONGEST = 1024

_STATES = (STATE, TRANSACTIONAL)
_WHY = (REASON, NOTIFICATION_TYPE, TIMESTAMP, UPDATED_AT)


class ImageError(ValueError):
    """Raised for a record whose new state is unclear. The message says why, and repeats nothing from the item."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change of an address's state.

    Attributes:
        address: The canonical address. Its events must stay in order.
        at: When the item changed: UTC with milliseconds.
        detail: The event's ``detail``, as ``terraform/modules/changes/address-state-changed.schema.json`` has it.
    """

    address: str
    at: str
    detail: Mapping[str, Any]


_States = tuple[State, State]
"""The states of an item for bulk mail and for transactional mail."""

_ENABLED = (State.ENABLE, State.ENABLE)


def event_of(record: Mapping[str, Any], *, new_deliveries: bool) -> Event | None:
    """Return the event for a record of the stream, or None if the record is not news.

    A change is news if one of the item's two states changed. In addition:

    - A new item is news if mail is blocked, or with ``new_deliveries``.
    - A deleted item is always news, so that readers with a copy can drop it. An expired item only said that mail may be
      sent, which is true without it, so it is news only with ``new_deliveries``.
    - An item that was unreadable before is always news, because readers cannot know its old state.
    - Of an item under another spelling than the canonical one, only a state that blocks mail is news, and not that it
      is gone: another item may block the address. The event names the canonical address.

    Args:
        record: A record from Lambda, with both images in DynamoDB's JSON.
        new_deliveries: Whether new addresses that may be mailed are news.

    Raises:
        ImageError: The new image has no valid state, or the record is not from a stream.
    """
    try:
        change = record["dynamodb"]
        address, sequence = change["Keys"][ADDRESS]["S"], change["SequenceNumber"]
        event_id, name = record["eventID"], record["eventName"]
        old, new = change.get("OldImage"), change.get("NewImage")
        if not (address and event_id and type(event_id) is type(name) is str and sequence.isdecimal()):
            raise ValueError  # noqa: TRY301  (one place says what is wrong)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ImageError(f"is not a record of a DynamoDB stream: {type(error).__name__}") from None
    if name not in _REDRIVEN and _IMAGES.get(name) != (old is not None, new is not None):
        # Otherwise images that another view of the stream leaves out would look like new or deleted items.
        raise ImageError("the record lacks an image; set the stream's view to NEW_AND_OLD_IMAGES")
    before = None if old is None else _before(old)
    after = _ENABLED if new is None else _states(new)
    expired = new is None and _is_service(record.get("userIdentity"))
    if name in _REDRIVEN:
        is_news = name == REDRIVEN or new_deliveries
    elif old is None:
        is_news = after != _ENABLED or new_deliveries
    elif new is None:
        is_news = before != _ENABLED or not expired or new_deliveries
    else:
        is_news = before != after
    # Of a row in another spelling it does not follow that the address may be mailed. `mailing reassess` merges it into
    # the canonical row, whose record tells, and deletes it.
    key, address = address, canonical_or_same(address)
    if not is_news or (key != address and after == _ENABLED):
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


def _before(image: Mapping[str, Any]) -> _States | None:
    """Return what an item said before; None, which differs from all that it may say now, if it said no state."""
    try:
        return _states(image)
    except ImageError:
        return None


def _states(image: Mapping[str, Any]) -> _States:
    """Return the states in an image.

    Raises:
        ImageError: It has no valid state.
    """
    try:
        item = from_dynamodb(image, _STATES)
    except (TypeError, AttributeError, ValueError) as error:
        raise ImageError(f"the image is not in DynamoDB's JSON: {type(error).__name__}") from None
    bulk, transactional = state_of(item, Purpose.BULK), state_of(item, Purpose.TRANSACTIONAL)
    if bulk is None or transactional is None:
        raise ImageError("the item has no state that this version knows")
    return bulk, transactional


def _why(image: Mapping[str, Any]) -> tuple[str, str | None, str | None, str]:
    """Return the reason for an image's state, the type and time of the feedback, and when the item changed.

    The last is empty if the image does not have it (the original article's function writes none).

    Raises:
        ImageError: It has no reason, and none follows from its evidence.
    """
    try:
        item = from_dynamodb(image, _WHY)
        reason = item.get(REASON)
        if type(reason) is not str:
            reason = _reason(image)
    except RecordError:
        raise ImageError("the item has no reason, and its evidence is not a record of this version") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise ImageError(f"the image is not in DynamoDB's JSON: {type(error).__name__}") from None
    if len(reason) > _LONGEST:
        raise ImageError(f"the item's reason has {len(reason)} characters; the maximum is {_LONGEST}")
    return reason, _text(item.get(NOTIFICATION_TYPE)), _text(item.get(TIMESTAMP)), _time(item.get(UPDATED_AT))


def _created(change: Mapping[str, Any]) -> str:
    """Return the time of the change in the stream.

    Raises:
        ImageError: The record has no valid time.
    """
    try:
        return from_datetime(datetime.fromtimestamp(change["ApproximateCreationDateTime"], UTC))
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise ImageError(f"is not a record of a DynamoDB stream: {type(error).__name__}") from None


def _reason(image: Mapping[str, Any]) -> str:
    """Return the reason for an item without one: the original article's function wrote it, or nothing is known.

    The numbers in the rules make no difference to either.

    Raises:
        RecordError: The item is not a record.
    """
    assessment = Record.of(evidence_in(from_dynamodb(image)), Rules()).assessment
    return assessment.reason if assessment else UNKNOWN


def _text(value: object) -> str | None:
    return value if type(value) is str and len(value) <= _LONGEST else None


def _time(value: object) -> str:
    """Return a time in our format, or an empty string for any other value."""
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
