"""SES JSON to feedback: which marks a message from SES gives to which addresses.

It reads both formats: identity notifications (``notificationType``) and event publishing (``eventType``). Sources:
Amazon SES Developer Guide, "Amazon SNS notification contents for Amazon SES" and "Contents of event data published by
Amazon SES to Amazon SNS".

What decides must be right: type, time, recipients, and what tells one kind of bounce or choice from another. What only
explains (who sent the mail, SES's ids, the diagnostic text …) is taken where it can be read, and is empty elsewhere, so
that nobody who complained goes on getting mail for want of an id.

Pure: no clock, no environment, no AWS.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from healthy_mailing.address import AddressError, canonical
from healthy_mailing.evidence import Mark, MarkKind
from healthy_mailing.timestamp import to_utc

_DETAIL_LENGTH = 256  # characters kept of a string from SES, so that an item needs few write units
_SENDER_LENGTH = 320

# SES sends these when it connects a topic. They are not feedback about mail.
_SET_UP_TEXT = "Successfully validated SNS topic"
_SET_UP_TYPE = "AmazonSnsSubscriptionSucceeded"

# Event types that say nothing about whether an address may be mailed.
_WITHOUT_MARKS = frozenset({"Send", "Reject", "Open", "Click", "Rendering Failure", "DeliveryDelay"})

# Transient bounces whose cause is the message, not the address.
_MESSAGE_AT_FAULT = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})

_TEMPORARY = re.compile(r"4[.][0-9]+[.][0-9]+")  # RFC 3463, class 4: persistent transient failure
_FAILURE = re.compile(r"[45][.][0-9]+[.][0-9]+")

Json = Mapping[str, Any]


class Ignored(StrEnum):
    """Why a recipient, or a whole message, gets no mark. docs/rules.md says what counts."""

    AUTO_REPLY = "AutoReply"
    CONTENT_REJECTED = "ContentRejected"
    TOPIC_CHANGE = "TopicChange"
    SET_UP = "SetUp"
    SEND = "Send"
    REJECT = "Reject"
    OPEN = "Open"
    CLICK = "Click"
    RENDERING_FAILURE = "RenderingFailure"
    DELIVERY_DELAY = "DeliveryDelay"


class NotificationError(ValueError):
    """Raised for a message that is not complete SES feedback.

    Attributes:
        field: Dotted path of the wrong field, such as ``bounce.timestamp``; ``message`` for the whole message.
    """

    def __init__(self, field: str, problem: str) -> None:
        """Name the field and the problem. ``problem`` must not repeat the value, which may contain an address."""
        super().__init__(f"{field} {problem}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one message from SES says.

    Attributes:
        kind: ``Bounce``, ``Complaint``, ``Delivery``, another event type, or ``SetUp``.
        message_id: SES's id of the mail, empty for ``SetUp`` or if it can't be read.
        marks: (canonical address, mark) for each recipient that the message marks.
        ignored: The reason for each recipient without a mark, or one for a message without recipients.
        unread: Dotted path of each field that only explains and is missing or can't be read.
        spellings: (canonical address, recipient as the message spells it) where the two differ and there is a mark.
    """

    kind: str
    message_id: str
    marks: tuple[tuple[str, Mark], ...] = ()
    ignored: tuple[Ignored, ...] = ()
    unread: tuple[str, ...] = ()
    spellings: tuple[tuple[str, str], ...] = ()


def parse(message: str | Json) -> Feedback:
    """Read one message from SES: its JSON, or the object that EventBridge made from it.

    Raises:
        NotificationError: The message is not SES feedback, or a field that decides is missing or wrong. No part of it
            counts then.
    """
    data = _json(message) if isinstance(message, str) else message
    if data is None:
        return Feedback("SetUp", "", ignored=(Ignored.SET_UP,))
    name = "notificationType" if "notificationType" in data else "eventType"
    kind = _text(data, name)
    if kind == _SET_UP_TYPE:
        return Feedback("SetUp", "", ignored=(Ignored.SET_UP,))
    reader = _READERS.get(kind)
    if reader is None and kind not in _WITHOUT_MARKS:
        raise NotificationError(name, "is not a type that SES documents")
    mail = _Mail.read(data)
    if reader is None:
        return Feedback(kind, mail.message_id, ignored=(Ignored(kind.replace(" ", "")),), unread=tuple(mail.unread))
    marks: list[tuple[str, Mark]] = []
    ignored: list[Ignored] = []
    spellings: list[tuple[str, str]] = []
    for (address, spelling), verdict in reader(data, mail):
        if isinstance(verdict, Mark):
            marks.append((address, verdict))
            if spelling != address:
                spellings.append((address, spelling))
        else:
            ignored.append(verdict)
    return Feedback(kind, mail.message_id, tuple(marks), tuple(ignored), tuple(mail.unread), tuple(spellings))


@dataclass(frozen=True, slots=True)
class _Mail:
    """The ``mail`` object: what was sent, and which fields of the message that only explain could not be read."""

    fields: Json | None
    message_id: str
    sender: str
    unread: list[str]

    @classmethod
    def read(cls, data: Json) -> "_Mail":
        fields = data.get("mail")
        if not isinstance(fields, Mapping):
            return cls(None, "", "", ["mail"])
        unread: list[str] = []
        return cls(
            fields,
            _clip(_explains(fields, "messageId", "mail", unread, always=True)),
            _clip(_explains(fields, "source", "mail", unread, always=True), _SENDER_LENGTH),
            unread,
        )

    @property
    def known(self) -> Json:
        """The object, where it decides."""
        if self.fields is None:
            raise NotificationError("mail", "is missing or not an object")
        return self.fields

    def explains(self, data: Json, key: str, within: str, *, always: bool = False) -> str:
        return _explains(data, key, within, self.unread, always=always)

    def mark(self, kind: MarkKind, at: str, feedback_id: str = "", **detail: str) -> Mark:
        return Mark(
            kind=kind,
            at=at,
            feedback_id=feedback_id,
            message_id=self.message_id,
            sender=self.sender,
            detail=tuple(sorted((key, _clip(value)) for key, value in detail.items() if value)),
        )


_Verdicts = Iterable[tuple[tuple[str, str], Mark | Ignored]]


def _bounce(data: Json, mail: _Mail) -> _Verdicts:
    bounce = _object(data, "bounce")
    kind = _text(bounce, "bounceType", "bounce")
    subtype = _text(bounce, "bounceSubType", "bounce")
    at = _timestamp(bounce, "bounce")
    feedback_id = _clip(mail.explains(bounce, "feedbackId", "bounce", always=True))
    if kind not in {"Permanent", "Transient", "Undetermined"}:
        raise NotificationError("bounce.bounceType", "is not a type that SES documents")
    for field, recipient in _objects(bounce, "bouncedRecipients", "bounce"):
        address = _address(_text(recipient, "emailAddress", field), f"{field}.emailAddress")
        action = _optional_text(recipient, "action", field)
        status = _optional_text(recipient, "status", field)
        verdict = _bounce_verdict(kind, subtype, action.lower(), status)
        if isinstance(verdict, Ignored):
            yield address, verdict
            continue
        yield (
            address,
            mail.mark(
                verdict,
                at,
                feedback_id,
                bounceType=kind,
                subType=subtype,
                action=action,
                status=status,
                diagnosticCode=mail.explains(recipient, "diagnosticCode", field),
            ),
        )


def _bounce_verdict(kind: str, subtype: str, action: str, status: str) -> MarkKind | Ignored:
    """Return the kind of mark for one bounced recipient, or the reason why it gets none."""
    if kind == "Undetermined":
        return MarkKind.UNDETERMINED
    if kind == "Permanent":
        if subtype == "UnsubscribedRecipient":
            return MarkKind.OPT_OUT
        retried = action == "delayed" or _TEMPORARY.match(status)
        return MarkKind.SOFT_BOUNCE if retried else MarkKind.HARD_BOUNCE
    if subtype in _MESSAGE_AT_FAULT:
        return Ignored.CONTENT_REJECTED
    if subtype == "General" and action != "failed" and not _FAILURE.match(status):
        return Ignored.AUTO_REPLY
    return MarkKind.SOFT_BOUNCE


def _complaint(data: Json, mail: _Mail) -> _Verdicts:
    complaint = _object(data, "complaint")
    at = _timestamp(complaint, "complaint")
    feedback_id = _clip(mail.explains(complaint, "feedbackId", "complaint", always=True))
    feedback_type = mail.explains(complaint, "complaintFeedbackType", "complaint")
    subtype = mail.explains(complaint, "complaintSubType", "complaint")
    # RFC 6430, and RFC 5965, 3.1: in any case. A subtype of any kind, readable or not, makes it a complaint.
    withdrawn = feedback_type.lower() == "not-spam" and complaint.get("complaintSubType") in (None, "")
    mark = mail.mark(
        MarkKind.NOT_SPAM if withdrawn else MarkKind.COMPLAINT,
        at,
        feedback_id,
        feedbackType=feedback_type,
        subType=subtype,
        userAgent=mail.explains(complaint, "userAgent", "complaint"),
    )
    for field, recipient in _objects(complaint, "complainedRecipients", "complaint"):
        yield _address(_text(recipient, "emailAddress", field), f"{field}.emailAddress"), mark


def _delivery(data: Json, mail: _Mail) -> _Verdicts:
    delivery = _object(data, "delivery")
    # The time when the message was sent, not delivered. So an old message that is delivered late clears nothing newer.
    mark = mail.mark(MarkKind.DELIVERY, _timestamp(mail.known, "mail"))
    for field, recipient in _texts(delivery, "recipients", "delivery"):
        yield _address(recipient, field), mark


def _subscription(data: Json, mail: _Mail) -> _Verdicts:
    subscription = _object(data, "subscription")
    at = _timestamp(subscription, "subscription")
    kind = _choice(subscription)
    verdict: Mark | Ignored = Ignored.TOPIC_CHANGE
    if kind:
        verdict = mail.mark(
            kind,
            at,
            contactList=mail.explains(subscription, "contactList", "subscription"),
            source=mail.explains(subscription, "source", "subscription"),
        )
    for field, recipient in _texts(mail.known, "destination", "mail"):
        yield _address(recipient, field), verdict


def _choice(subscription: Json) -> MarkKind | None:
    """Return the kind of mark for a change of a recipient's preferences; None if it only concerns single topics."""
    leaves = _leaves_all(subscription, "newTopicPreferences")
    if leaves is None:
        raise NotificationError("subscription.newTopicPreferences.unsubscribeAll", "is missing")
    if leaves:
        return MarkKind.OPT_OUT
    # Only who had left all topics comes back. If SES does not say what was before, an earlier opt-out stays in force.
    if subscription.get("oldTopicPreferences") is None or not _leaves_all(subscription, "oldTopicPreferences"):
        return None
    return MarkKind.OPT_IN


def _leaves_all(subscription: Json, name: str) -> bool | None:
    value = _object(subscription, name, "subscription").get("unsubscribeAll")
    if value is not None and not isinstance(value, bool):
        raise NotificationError(f"subscription.{name}.unsubscribeAll", "is neither true nor false")
    return value


_READERS: Mapping[str, Callable[[Json, _Mail], _Verdicts]] = {
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "Subscription": _subscription,
}


def _json(text: str) -> Json | None:
    """Return the object in a message, or None for SES's plain text saying that the topic works."""
    if text.startswith(_SET_UP_TEXT):
        return None
    try:
        data = json.loads(text)
    except RecursionError:
        raise NotificationError("message", "is nested too deeply") from None
    except ValueError:
        # Also raised for integers of thousands of digits. The error's own text would repeat part of the message.
        raise NotificationError("message", "is not JSON") from None
    if not isinstance(data, dict):
        raise NotificationError("message", "is not a JSON object")
    return data


def _object(data: Json, key: str, within: str = "") -> Json:
    value = data.get(key)
    if not isinstance(value, Mapping):
        raise NotificationError(f"{within}.{key}".lstrip("."), "is missing or not an object")
    return value


def _text(data: Json, key: str, within: str = "") -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise NotificationError(f"{within}.{key}".lstrip("."), "is missing, empty or not a string")
    return value


def _optional_text(data: Json, key: str, within: str) -> str:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise NotificationError(f"{within}.{key}", "is not a string")
    return value or ""


def _explains(data: Json, key: str, within: str, unread: list[str], *, always: bool) -> str:
    """Return a field that only explains, empty where it can't be read; SES ``always`` sends it, or not always."""
    value = data.get(key)
    if isinstance(value, str) and (value or not always):
        return value
    if always or value is not None:
        unread.append(f"{within}.{key}")
    return ""


def _list(data: Json, key: str, within: str) -> Iterable[tuple[str, Any]]:
    """Return the path and the value of each entry."""
    values = data.get(key)
    if not isinstance(values, list) or not values:
        raise NotificationError(f"{within}.{key}", "is missing, empty or not a list")
    return ((f"{within}.{key}[{index}]", value) for index, value in enumerate(values))


def _objects(data: Json, key: str, within: str) -> Iterable[tuple[str, Json]]:
    for field, value in _list(data, key, within):
        if not isinstance(value, Mapping):
            raise NotificationError(field, "is not an object")
        yield field, value


def _texts(data: Json, key: str, within: str) -> Iterable[tuple[str, str]]:
    for field, value in _list(data, key, within):
        if not isinstance(value, str):
            raise NotificationError(field, "is not a string")
        yield field, value


def _address(text: str, field: str) -> tuple[str, str]:
    """Return the canonical form of a recipient, and the recipient as it is."""
    try:
        return canonical(text), text
    except AddressError as error:
        raise NotificationError(field, str(error)) from None


def _timestamp(data: Json, within: str) -> str:
    text = _text(data, "timestamp", within)
    try:
        return to_utc(text)
    except ValueError as error:
        raise NotificationError(f"{within}.timestamp", str(error)) from None


def _clip(text: str, length: int = _DETAIL_LENGTH) -> str:
    """Cut a string from SES to a length, and replace lone surrogates, which DynamoDB cannot store."""
    return text[:length].encode("utf-8", "replace").decode("utf-8")
