"""What the table must hold, computed from the multiset of all feedback that was published: JSON in, items out.

Written from docs/rules.md. It differs from the product in every step: it sees all messages at once instead of
merging batch by batch, keeps marks in one list, compares real dates instead of texts, reads addresses with Python's
``email`` package, and takes the state from ``unit.oracle``. Of the product it uses the names of a mark's fields only.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any

from healthy_mailing.evidence import Mark, MarkKind, Rules
from unit import oracle

Json = Mapping[str, Any]
Detail = Mapping[str, str | None]

MESSAGE_AT_FAULT = ("MessageTooLarge", "ContentRejected", "AttachmentRejected")
_ANY_OF = "soft bounces by day"  # of an expected item: no attribute, but for ``difference``
TYPES = {
    "complaint": "Complaint",
    "notSpam": "Complaint",
    "hardBounce": "Bounce",
    "softBounces": "Bounce",
    "undetermined": "Bounce",
    "optOut": "Subscription",
    "optIn": "Subscription",
    "delivery": "Delivery",
}


def table(messages: Iterable[str], rules: Rules | None = None) -> dict[str, dict[str, Any]]:
    """Return the items by address, without ``version`` and ``updatedAt``; messages that are no feedback add nothing.

    They are for ``difference``: each holds more than an item does.
    """
    marks: dict[str, list[Mark]] = {}
    for message in messages:
        for address, mark in marks_of(message):
            marks.setdefault(address, []).append(mark)
    return {
        address: item(address, each, rules or Rules()) | {_ANY_OF: soft_bounces(each)}
        for address, each in marks.items()
    }


def difference(expected: Mapping[str, Json], found: Mapping[str, Json]) -> str:
    """Return how two tables differ, in a sentence; empty if they do not."""
    resolved = {address: settled(each, found.get(address, {})) for address, each in expected.items()}
    differing = [address for address in resolved.keys() | found.keys() if resolved.get(address) != found.get(address)]
    if not differing:
        return ""
    first = min(differing)
    return f"{len(differing)} items differ; the first: expected {resolved.get(first)}, found {found.get(first)}"


def settled(expected: Json, found: Json) -> Json:
    """Return an expected item with the soft bounces of an item found, so far as they are some that there were.

    Which of a day's it holds depends on the order in which they came, and changes no answer (docs/reference.md).
    """
    item = {name: value for name, value in expected.items() if name != _ANY_OF}
    held = found.get("evidence", {}).get("softBounces", {})
    for day, kept in item["evidence"].get("softBounces", {}).items():
        if held.get(day) in expected[_ANY_OF][day]:
            if (item["from"], item["timestamp"]) == (kept["from"], kept["at"]):
                item |= {"from": held[day]["from"], "timestamp": held[day]["at"]}
            days = item["evidence"]["softBounces"] | {day: held[day]}
            item["evidence"] = item["evidence"] | {"softBounces": days}
    return item


def marks_of(message: str) -> list[tuple[str, Mark]]:
    """Return the marks of a message, none unless all of it can be read."""
    try:
        data = json.loads(message)
        kind = data.get("notificationType") or data["eventType"]
        readers = {"Bounce": bounced, "Complaint": complained, "Delivery": delivered, "Subscription": subscribed}
        return list(readers[kind](data))
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def bounced(data: Json) -> Iterator[tuple[str, Mark]]:
    bounce = data["bounce"]
    for recipient in bounce["bouncedRecipients"]:
        kind = bounce_kind(bounce["bounceType"], bounce["bounceSubType"], recipient)
        if kind:
            detail = {name: recipient.get(name) for name in ("action", "status", "diagnosticCode")}
            detail |= {"bounceType": bounce["bounceType"], "subType": bounce["bounceSubType"]}
            yield mark(kind, recipient["emailAddress"], data, bounce["timestamp"], bounce["feedbackId"], detail)


def bounce_kind(kind: str, subtype: str, recipient: Json) -> str:
    """Return the kind of mark for one recipient, empty if there is none."""
    status, action = recipient.get("status", ""), recipient.get("action", "")
    match kind, subtype:
        case "Undetermined", _:
            return "undetermined"
        case "Permanent", "UnsubscribedRecipient":
            return "optOut"
        case "Permanent", _:
            return "softBounces" if action == "delayed" or status.startswith("4.") else "hardBounce"
        case "Transient", _ if subtype in MESSAGE_AT_FAULT:
            return ""
        case "Transient", "General":
            return "softBounces" if action == "failed" or status.startswith(("4.", "5.")) else ""
        case "Transient", _:
            return "softBounces"
    raise ValueError(kind)


def complained(data: Json) -> Iterator[tuple[str, Mark]]:
    complaint = data["complaint"]
    feedback_type, subtype = complaint.get("complaintFeedbackType"), complaint.get("complaintSubType")
    kind = "notSpam" if feedback_type == "not-spam" and not subtype else "complaint"
    detail = {"feedbackType": feedback_type, "subType": subtype, "userAgent": complaint.get("userAgent")}
    for recipient in complaint["complainedRecipients"]:
        yield mark(kind, recipient["emailAddress"], data, complaint["timestamp"], complaint["feedbackId"], detail)


def delivered(data: Json) -> Iterator[tuple[str, Mark]]:
    for recipient in data["delivery"]["recipients"]:
        yield mark("delivery", recipient, data, data["mail"]["timestamp"])


def subscribed(data: Json) -> Iterator[tuple[str, Mark]]:
    subscription = data["subscription"]
    if subscription["newTopicPreferences"]["unsubscribeAll"]:
        kind = "optOut"
    elif subscription["oldTopicPreferences"]["unsubscribeAll"]:
        kind = "optIn"
    else:
        return
    detail = {name: subscription.get(name) for name in ("contactList", "source")}
    for recipient in data["mail"]["destination"]:
        yield mark(kind, recipient, data, subscription["timestamp"], "", detail)


def mark(  # noqa: PLR0913, PLR0917  (each is a field of its own)
    kind: str,
    recipient: str,
    data: Json,
    time: str,
    feedback_id: str = "",
    detail: Mapping[str, str | None] | None = None,
) -> tuple[str, Mark]:
    _, address = parseaddr(recipient)
    if "@" not in address:
        raise ValueError("no address")
    known = tuple(sorted((name, value) for name, value in (detail or {}).items() if value))
    mail = data["mail"]
    return address.lower(), Mark(
        kind=MarkKind(kind),
        at=utc(time),
        feedback_id=feedback_id,
        message_id=mail["messageId"],
        sender=mail["source"],
        detail=known,
    )


def utc(text: str) -> str:
    time = datetime.fromisoformat(text.replace(" +", "+")).astimezone(UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def item(address: str, marks: list[Mark], rules: Rules) -> dict[str, Any]:
    verdict = oracle.verdict(marks, rules)
    kept = oracle.kept(marks)
    (decided,) = [each for each in kept if oracle.order(each) == verdict.order]
    expected: dict[str, Any] = {
        "UserId": address,
        "state": verdict.state,
        "reason": verdict.reason,
        "notificationType": "Bounce" if "bounceType" in dict(decided.detail) else TYPES[str(decided.kind)],
        "from": decided.sender,
        "timestamp": decided.at,
        "evidence": evidence(kept),
    }
    if verdict.state != "enable":
        expected["suppressed"] = verdict.state
    transactional = oracle.verdict(marks, rules, transactional=True).state
    if transactional != verdict.state:
        expected["transactional"] = transactional
    if (expires := oracle.expires(marks, rules)) is not None:
        expected["expiresAt"] = expires
    return expected


def soft_bounces(marks: list[Mark]) -> dict[str, list[dict[str, str]]]:
    """Return all soft bounces there were, by day."""
    found: dict[str, list[dict[str, str]]] = {}
    for each in marks:
        if str(each.kind) == "softBounces":
            found.setdefault(each.at[:10], []).append(value_of(each))
    return found


def value_of(each: Mark) -> dict[str, str]:
    value = {"at": each.at, "from": each.sender, "messageId": each.message_id, **dict(each.detail)}
    return value | ({"feedbackId": each.feedback_id} if each.feedback_id else {})


def evidence(marks: list[Mark]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for each in marks:
        value = value_of(each)
        if str(each.kind) == "softBounces":
            fields.setdefault("softBounces", {})[each.at[:10]] = value
        else:
            fields[str(each.kind)] = value
    return fields
