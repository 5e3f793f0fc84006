"""One address's record: evidence, its merge, and the state that follows from it.

A record is never set to a state. Feedback leaves *marks*; the marks that matter form the *evidence*; the state is a
function of the evidence. Merging evidence is commutative, associative and idempotent, so late, repeated and reordered
feedback, in any split into batches, gives the same record.

Pure: no clock, no environment, no AWS.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from healthy_mailing.timestamp import day_of, days_between, to_utc

SOFT_BOUNCE_DAYS_KEPT = 16
"""How many days with a soft bounce the evidence keeps, the newest ones; the limit cannot be set higher."""


class State(StrEnum):
    """Whether an address may be mailed: yes, no, or only after a person has looked."""

    ENABLE = "enable"
    DISABLE = "disable"
    REVIEW = "review"


class MarkKind(StrEnum):
    """What a mark says about an address; the value is its key in the item's ``evidence``."""

    COMPLAINT = "complaint"
    NOT_SPAM = "notSpam"
    HARD_BOUNCE = "hardBounce"
    SOFT_BOUNCE = "softBounces"
    UNDETERMINED = "undetermined"
    OPT_OUT = "optOut"
    OPT_IN = "optIn"
    DELIVERY = "delivery"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """One piece of evidence. Marks are ordered by time, then by ids, so that any two have one order.

    Attributes:
        at: When it happened, UTC with milliseconds (see ``timestamp``).
        feedback_id: SES's id of the feedback; empty where SES gives none, as for deliveries.
        message_id: SES's id of the mail; empty for an override.
        sender: Who sent the mail; for an override, who made it.
        detail: Sorted (name, text) pairs: ``bounceType``, ``subType``, … or, of an override ``state`` and ``note``.
        kind: What the mark says.
    """

    at: str
    feedback_id: str
    message_id: str
    sender: str
    detail: tuple[tuple[str, str], ...]
    kind: MarkKind

    @property
    def day(self) -> str:
        """The UTC day of the mark."""
        return day_of(self.at)

    def get(self, name: str) -> str:
        """Return one text of the detail, empty if absent."""
        return next((text for key, text in self.detail if key == name), "")


Evidence = Mapping[str, Mark]
"""The marks kept, by slot: the kind, or for soft bounces, which are kept one a day, kind and day."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers that the state depends on.

    Attributes:
        soft_bounce_limit: Days with a soft bounce that disable an address, 1 to ``SOFT_BOUNCE_DAYS_KEPT``.
        soft_bounce_window_days: How far back from the newest soft bounce they count, in days, at least 1.
        delivery_refresh_days: For how many days a delivery that changes no state may go unwritten; 1 is exact.
    """

    soft_bounce_limit: int = 5
    soft_bounce_window_days: int = 30
    delivery_refresh_days: int = 1


@dataclass(frozen=True, slots=True)
class Assessment:
    """The state of an address, the short code of the reason, and the mark that decided it."""

    state: State
    reason: str
    mark: Mark


class RecordError(ValueError):
    """An item of the table that is no record: another program wrote it, or a newer version of this one."""


def override(state: State, at: str, by: str, note: str = "") -> Mark:
    """Return the mark of a person's decision, which outranks all feedback (``disable``) or all so far (``enable``)."""
    return Mark(at, "", "", by, tuple(sorted({"state": str(state), "note": note}.items())), MarkKind.OVERRIDE)


def evidence_of(marks: Iterable[Mark]) -> Evidence:
    """Return the evidence that marks of one address amount to."""
    evidence: Evidence = {}
    for mark in marks:
        evidence = merge(evidence, {_slot(mark): mark})
    return evidence


def merge(first: Evidence, second: Evidence) -> Evidence:
    """Return what two pieces of evidence about one address amount to together: the same in any order and grouping."""
    merged = dict(first)
    for slot, mark in second.items():
        held = merged.get(slot)
        merged[slot] = mark if held is None else _winner(held, mark)
    soft_bounces = sorted(slot for slot in merged if slot.startswith(_SOFT_BOUNCE_PREFIX))
    for slot in soft_bounces[:-SOFT_BOUNCE_DAYS_KEPT]:
        del merged[slot]
    return merged


def assess(evidence: Evidence, rules: Rules) -> Assessment:  # noqa: PLR0911  (one return a rule)
    """Return the state that evidence amounts to: the first rule that applies.

    Raises:
        ValueError: There is no evidence.
    """
    decision = evidence.get(MarkKind.OVERRIDE)
    if decision is not None and decision.get("state") == State.DISABLE:
        return Assessment(State.DISABLE, "operator", decision)
    # An override to enable hides what it was made in the light of.
    seen = {slot: mark for slot, mark in evidence.items() if decision is None or mark.at > decision.at}

    complaint, not_spam = seen.get(MarkKind.COMPLAINT), seen.get(MarkKind.NOT_SPAM)
    if complaint is not None and (not_spam is None or complaint.at > not_spam.at):
        return Assessment(State.DISABLE, _reason(complaint), complaint)

    opt_out, opt_in = seen.get(MarkKind.OPT_OUT), seen.get(MarkKind.OPT_IN)
    if opt_out is not None and (opt_in is None or opt_out.at > opt_in.at):
        return Assessment(State.DISABLE, _reason(opt_out), opt_out)

    # Bounces and deliveries are weighed by day: their order within one says little, and then the worse counts.
    delivery = seen.get(MarkKind.DELIVERY)
    delivered = "" if delivery is None else delivery.day
    hard_bounce = seen.get(MarkKind.HARD_BOUNCE)
    if hard_bounce is not None and hard_bounce.day >= delivered:
        return Assessment(State.DISABLE, _reason(hard_bounce), hard_bounce)

    soft_bounces = _counted_soft_bounces(seen, delivered, rules.soft_bounce_window_days)
    if len(soft_bounces) >= rules.soft_bounce_limit:
        return Assessment(State.DISABLE, f"soft-bounces:{len(soft_bounces)}", soft_bounces[-1])

    undetermined = seen.get(MarkKind.UNDETERMINED)
    if undetermined is not None and undetermined.day >= delivered:
        return Assessment(State.REVIEW, _reason(undetermined), undetermined)

    newest = max(seen.values(), default=decision)
    if newest is None:
        raise ValueError("no evidence, so no state")
    reason = f"soft-bounces:{len(soft_bounces)}" if newest.kind is MarkKind.SOFT_BOUNCE else _reason(newest)
    return Assessment(State.ENABLE, reason, newest)


def worth_writing(held: Evidence, merged: Evidence, rules: Rules) -> bool:
    """Return whether merged evidence must replace what the table holds.

    It must if it differs, unless all that differs is a delivery which decides nothing, as no bounce is as new as the
    one held, and which is less than ``rules.delivery_refresh_days`` newer than it.
    """
    if held == merged:
        return False
    old, new = held.get(MarkKind.DELIVERY), merged.get(MarkKind.DELIVERY)
    if old is None or new is None or {**held, MarkKind.DELIVERY: new} != merged:
        return True
    return (
        rules.delivery_refresh_days == 1
        or days_between(old.day, new.day) >= rules.delivery_refresh_days
        or any(mark.kind in _BOUNCES and mark.day >= old.day for mark in held.values())
    )


def to_item(address: str, evidence: Evidence, rules: Rules) -> dict[str, Any]:
    """Return the item of a record, without ``version`` and ``updatedAt``: texts, and maps of texts in ``evidence``."""
    assessment = assess(evidence, rules)
    item: dict[str, Any] = {
        "UserId": address,
        "state": str(assessment.state),
        "reason": assessment.reason,
        "notificationType": _notification_type(assessment.mark),
        "from": assessment.mark.sender,
        "timestamp": assessment.mark.at,
        "evidence": _to_map(evidence),
    }
    if assessment.state is not State.ENABLE:
        item["suppressed"] = str(assessment.state)
    return item


def from_item(item: Mapping[str, Any]) -> Evidence:
    """Return the evidence in an item of the table; one written by the original article's function is understood too.

    Raises:
        RecordError: The item is no record.
    """
    try:
        if "evidence" not in item:
            return evidence_of([_original_mark(item)])
        evidence = {_slot(mark): mark for mark in _marks(item["evidence"])}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RecordError(f"the table's item is no record of this version: {type(error).__name__}") from error
    if not evidence:
        raise RecordError("the table's item holds no evidence")
    return evidence


_BOUNCES = frozenset({MarkKind.HARD_BOUNCE, MarkKind.SOFT_BOUNCE, MarkKind.UNDETERMINED})
_SOFT_BOUNCE_PREFIX = f"{MarkKind.SOFT_BOUNCE}/"


def _slot(mark: Mark) -> str:
    return _SOFT_BOUNCE_PREFIX + mark.day if mark.kind is MarkKind.SOFT_BOUNCE else mark.kind


def _winner(first: Mark, second: Mark) -> Mark:
    if first.kind is MarkKind.SOFT_BOUNCE:
        return min(first, second)
    if first.kind is MarkKind.DELIVERY and first.day == second.day:
        # The first of the day, so that another delivery on it changes nothing and costs no write.
        return min(first, second)
    return max(first, second)


def _counted_soft_bounces(seen: Evidence, delivered: str, window_days: int) -> list[Mark]:
    """Return the soft bounces that count, oldest first: on days after the last delivery, near enough to the newest."""
    marks = sorted(mark for mark in seen.values() if mark.kind is MarkKind.SOFT_BOUNCE and mark.day > delivered)
    return [mark for mark in marks if days_between(mark.day, marks[-1].day) <= window_days]


def _reason(mark: Mark) -> str:
    match mark.kind:
        case MarkKind.COMPLAINT:
            return ":".join(filter(None, ("complaint", mark.get("subType") or mark.get("feedbackType"))))
        case MarkKind.HARD_BOUNCE:
            return f"bounce:{mark.get('bounceType')}/{mark.get('subType')}"
        case _:
            return _REASONS[mark.kind]


_REASONS = {
    MarkKind.NOT_SPAM: "not-spam",
    MarkKind.UNDETERMINED: "undetermined",
    MarkKind.OPT_OUT: "opt-out",
    MarkKind.OPT_IN: "opt-in",
    MarkKind.DELIVERY: "delivery",
    MarkKind.OVERRIDE: "operator",
}

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
}


def _notification_type(mark: Mark) -> str:
    # SES reports a recipient who used its own unsubscribe link before as a bounce.
    return "Bounce" if mark.get("bounceType") else _NOTIFICATION_TYPES[mark.kind]


def _to_map(evidence: Evidence) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for mark in evidence.values():
        if mark.kind is MarkKind.OVERRIDE:
            fields[mark.kind] = {"at": mark.at, "by": mark.sender, **dict(mark.detail)}
            continue
        # A detail cannot take the place of a mark's own fields: their names differ from all of SES's that are kept.
        value = dict(mark.detail) | {"at": mark.at, "from": mark.sender, "messageId": mark.message_id}
        if mark.feedback_id:
            value["feedbackId"] = mark.feedback_id
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
    if not all(isinstance(text, str) for text in detail.values()) or to_utc(detail["at"]) != detail["at"]:
        raise ValueError("a mark holds what no mark does")
    if kind is MarkKind.OVERRIDE:
        State(detail["state"])
    at, sender = detail.pop("at"), detail.pop("by" if kind is MarkKind.OVERRIDE else "from")
    feedback_id, message_id = detail.pop("feedbackId", ""), detail.pop("messageId", "")
    return Mark(at, feedback_id, message_id, sender, tuple(sorted(detail.items())), kind)


def _original_mark(item: Mapping[str, Any]) -> Mark:
    """Return the mark that an item of the original article's table stands for; its bounces were all taken for hard."""
    at, sender = to_utc(item["timestamp"]), item["from"]
    if item["state"] == State.ENABLE:
        return Mark(at, "", "", sender, (), MarkKind.DELIVERY)
    if item["notificationType"] == "Complaint":
        return Mark(at, "", "", sender, (), MarkKind.COMPLAINT)
    return Mark(at, "", "", sender, (("bounceType", "Permanent"), ("subType", "Undetermined")), MarkKind.HARD_BOUNCE)
