"""The table's item: the name of every attribute, and the conversion to and from DynamoDB's JSON.

An *item* is what the table holds for one address, as plain strings, integers and maps. Pure: no clock, no
environment, no AWS.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from healthy_mailing.evidence import MADE_BY_PEOPLE, Evidence, Mark, MarkKind, Purpose, Record, State, evidence_of
from healthy_mailing.timestamp import to_utc

Item = Mapping[str, Any]

ADDRESS = "UserId"
"""The partition key. Its name is that of the original article's table."""

STATE = "state"
"""Whether the address may get bulk mail."""

TRANSACTIONAL = "transactional"
"""Whether the address may get transactional mail: a state, present only where it differs from ``state``."""

REASON = "reason"
NOTIFICATION_TYPE = "notificationType"
SENDER = "from"
TIMESTAMP = "timestamp"
EVIDENCE = "evidence"

SUPPRESSED = "suppressed"
"""The state, unless that is ``enable``: the partition key of the index."""

EXPIRES_AT = "expiresAt"
"""When DynamoDB may delete the item, in seconds since 1970: a number, as time to live requires (Amazon DynamoDB
Developer Guide, "Using time to live (TTL) in DynamoDB"). Only an item with nothing but deliveries may have it."""

PUSHED = "pushedToSes"
"""When and why `mailing sync-ses` put the address on SES's own suppression list: a map of strings. It does not depend
on evidence, and writing evidence leaves it alone."""

VERSION = "version"
UPDATED_AT = "updatedAt"

SUMMARY = (STATE, TRANSACTIONAL, REASON, NOTIFICATION_TYPE, SENDER, TIMESTAMP)
"""The attributes that follow from the evidence."""

SHOWN = (ADDRESS, *SUMMARY, UPDATED_AT)
"""The attributes that a list shows for each address."""

NOT_ALWAYS_THERE = (SUPPRESSED, EXPIRES_AT, *SUMMARY[1:])
"""Attributes that a record may lack. Writing such a record removes them from the item."""

_DETAILS = (NOTIFICATION_TYPE, SENDER, TIMESTAMP, UPDATED_AT)

_LONGEST_REASON = 300  # characters; ours have a kind and up to 256 of SES's

_ATTRIBUTES = (*SHOWN, EVIDENCE, VERSION, SUPPRESSED, EXPIRES_AT, PUSHED)

_STATES: Mapping[str, State] = {str(state): state for state in State}


class RecordError(ValueError):
    """Raised for an item that is not a record: another program wrote it, or a newer version of this one."""


def to_item(address: str, record: Record) -> dict[str, Any]:
    """Return the item of a record, without ``version`` and ``updatedAt``."""
    item: dict[str, Any] = {ADDRESS: address, STATE: str(State.ENABLE)}
    if record.assessment:
        state, reason, mark = record.assessment.state, record.assessment.reason, record.assessment.mark
        item |= {
            STATE: str(state),
            REASON: reason,
            NOTIFICATION_TYPE: _notification_type(mark),
            SENDER: mark.sender,
            TIMESTAMP: mark.at,
        }
        if state is not State.ENABLE:
            item[SUPPRESSED] = str(state)
        if record.transactional is not state:
            item[TRANSACTIONAL] = str(record.transactional)
    if record.expires_at is not None:
        item[EXPIRES_AT] = record.expires_at
    item[EVIDENCE] = _to_map(record.evidence)
    return item


def matches(item: Item, record: Record) -> bool:
    """Return whether an item has exactly the evidence of a record, and what follows from it."""
    wanted = to_item(item[ADDRESS], record)
    return all(item.get(name) == wanted.get(name) for name in (STATE, *NOT_ALWAYS_THERE, EVIDENCE))


def evidence_in(item: Item) -> Evidence:
    """Return the evidence in an item. It also reads items that the original article's function wrote.

    The evidence is empty if an operator's override was all that was known and it was removed.

    Raises:
        RecordError: The item is not a record.
    """
    try:
        if EVIDENCE not in item:
            return evidence_of([_original_mark(item)])
        return {mark.slot: mark for mark in _marks(item[EVIDENCE])}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RecordError(f"the item is not a record of this version: {type(error).__name__}") from error


def version_of(item: Item) -> int | None:
    """Return the version of an item, or None if it has none (the original article's function writes none).

    Raises:
        RecordError: The version is not a whole number, so a write could not use it as its condition.
    """
    version = item.get(VERSION)
    if version is not None and type(version) is not int:  # True is an int too
        raise RecordError("the item's version is not a whole number")
    return version


def state_of(item: Item, purpose: Purpose) -> State | None:
    """Return the state in an item for mail of a purpose, or None if it has none."""
    state = item.get(STATE)
    if purpose is Purpose.TRANSACTIONAL:
        state = item.get(TRANSACTIONAL, state)
    return _STATES.get(state) if type(state) is str else None


def is_answer(item: Item) -> bool:
    """Return whether an item has states, a reason and nothing else of another type than this file writes.

    One that another program wrote may not. Its reason may also be too long for an answer about many addresses.
    """
    reason, state = item.get(REASON), item.get(STATE)
    return (
        type(reason) is str
        and len(reason) <= _LONGEST_REASON
        and type(state) is str
        and state in _STATES
        and (TRANSACTIONAL not in item or state_of(item, Purpose.TRANSACTIONAL) is not None)
        and all(type(item[name]) is str for name in _DETAILS if name in item)
    )


def unreadable(address: str) -> Item:
    """Return what to show for an address whose item is not a record: someone should check it."""
    return {ADDRESS: address, STATE: str(State.REVIEW), REASON: "unreadable"}


def to_dynamodb(item: Item) -> dict[str, Any]:
    """Return an item in DynamoDB's JSON."""
    return {name: {"S": value} if type(value) is str else to_attribute(value) for name, value in item.items()}


def from_dynamodb(item: Mapping[str, Any], names: Iterable[str] = _ATTRIBUTES) -> Item:
    """Convert attributes of an item from DynamoDB's JSON, by default all that this file names."""
    return {name: _from_attribute(item[name]) for name in names if name in item}


def beside_evidence(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an item in DynamoDB's JSON has that does not follow from its evidence.

    That is ``PUSHED``, and what other programs keep there.
    """
    return {name: value for name, value in item.items() if name == PUSHED or name not in _ATTRIBUTES}


def to_attribute(value: str | int | Mapping[str, Any]) -> dict[str, Any]:
    """Return a value of an item in DynamoDB's JSON."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"M": to_dynamodb(value)}


def _from_attribute(attribute: Mapping[str, Any]) -> Any:  # noqa: ANN401  (as nested as DynamoDB's own JSON)
    ((kind, value),) = attribute.items()
    if kind == "M":
        return {name: _from_attribute(each) for name, each in value.items()}
    return int(value) if kind == "N" and value.isdecimal() else value


# A mark's own fields in the evidence; all others are its detail.
_AT, _FROM, _BY, _MESSAGE_ID, _FEEDBACK_ID = "at", "from", "by", "messageId", "feedbackId"

_NOTIFICATION_TYPES = {
    MarkKind.COMPLAINT: "Complaint",
    MarkKind.NOT_SPAM: "Complaint",
    MarkKind.HARD_BOUNCE: "Bounce",
    MarkKind.SOFT_BOUNCE: "Bounce",
    MarkKind.UNDETERMINED: "Bounce",
    MarkKind.OPT_OUT: "Subscription",
    MarkKind.OPT_IN: "Subscription",
    MarkKind.DELIVERY: "Delivery",
    MarkKind.OVERRIDE: "Override",
    MarkKind.BOUNCES_CLEARED: "Override",
}


def _notification_type(mark: Mark) -> str:
    # SES reports a recipient who used SES's own unsubscribe link earlier as a bounce.
    return "Bounce" if mark.get("bounceType") else _NOTIFICATION_TYPES[mark.kind]


def _to_map(evidence: Evidence) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for mark in evidence.values():
        if mark.kind in MADE_BY_PEOPLE:
            fields[mark.kind] = {_AT: mark.at, _BY: mark.sender, **dict(mark.detail)}
            continue
        # A detail cannot overwrite a mark's own fields, because no detail that is kept has such a name.
        value = dict(mark.detail) | {_AT: mark.at, _FROM: mark.sender, _MESSAGE_ID: mark.message_id}
        if mark.feedback_id:
            value[_FEEDBACK_ID] = mark.feedback_id
        if mark.kind is MarkKind.SOFT_BOUNCE:
            fields.setdefault(mark.kind, {})[mark.day] = value
        else:
            fields[mark.kind] = value
    return fields


def _marks(fields: Mapping[str, Any]) -> Iterable[Mark]:
    for name, value in fields.items():
        kind = MarkKind(name)
        if kind is MarkKind.SOFT_BOUNCE:
            yield from (_from_map(kind, daily) for daily in value.values())
        else:
            yield _from_map(kind, value)


def _from_map(kind: MarkKind, value: Mapping[str, str]) -> Mark:
    detail = dict(value)
    if not all(isinstance(text, str) for text in detail.values()) or to_utc(detail[_AT]) != detail[_AT]:
        raise ValueError("a mark has invalid values")
    if kind is MarkKind.OVERRIDE:
        State(detail["state"])
    return Mark(
        kind=kind,
        at=detail.pop(_AT),
        feedback_id=detail.pop(_FEEDBACK_ID, ""),
        message_id=detail.pop(_MESSAGE_ID, ""),
        sender=detail.pop(_BY if kind in MADE_BY_PEOPLE else _FROM),
        detail=tuple(sorted(detail.items())),
    )


def _original_mark(item: Item) -> Mark:
    """Return the mark for an item of the original article's table. The article counted every bounce as permanent."""
    detail: tuple[tuple[str, str], ...] = ()
    if item[STATE] == State.ENABLE:
        kind = MarkKind.DELIVERY
    elif item[NOTIFICATION_TYPE] == "Complaint":
        kind = MarkKind.COMPLAINT
    else:
        kind, detail = MarkKind.HARD_BOUNCE, (("bounceType", "Permanent"), ("subType", "Undetermined"))
    return Mark(
        kind=kind, at=to_utc(item[TIMESTAMP]), feedback_id="", message_id="", sender=item[SENDER], detail=detail
    )
