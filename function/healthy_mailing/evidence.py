"""What is known about an address: marks, their merge, and the state that follows from them.

Nothing ever sets the state of a record. Feedback leaves *marks*, the marks that matter form the *evidence*, and the
state is a function of the evidence. Merging evidence is commutative, associative and idempotent. So late, repeated and
reordered feedback gives the same record, in whatever batches it arrives.

Pure: no clock, no environment, no AWS.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from healthy_mailing.timestamp import day_of, days_between, epoch_seconds

SOFT_BOUNCE_DAYS_KEPT = 16
"""How many days with a soft bounce the evidence keeps: the newest ones. The limit cannot be higher."""


OPT_OUT = "opt-out"
"""The reason code of an opt-out."""


class State(StrEnum):
    """Whether an address may be mailed: yes, no, or only after someone checked."""

    ENABLE = "enable"
    DISABLE = "disable"
    REVIEW = "review"


class Purpose(StrEnum):
    """What a mail is for. An opt-out counts only for bulk mail; ``docs/rules.md`` says which mail is which."""

    BULK = "bulk"
    TRANSACTIONAL = "transactional"


class MarkKind(StrEnum):
    """What a mark says about an address. The value is its key in the item's ``evidence``."""

    COMPLAINT = "complaint"
    NOT_SPAM = "notSpam"
    HARD_BOUNCE = "hardBounce"
    SOFT_BOUNCE = "softBounces"
    UNDETERMINED = "undetermined"
    OPT_OUT = "optOut"
    OPT_IN = "optIn"
    DELIVERY = "delivery"
    OVERRIDE = "override"
    BOUNCES_CLEARED = "bouncesCleared"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Mark:
    """One piece of evidence. Marks are ordered by time, then by ids, so that there is one total order.

    Attributes:
        at: When it happened, UTC with milliseconds (see ``timestamp``).
        feedback_id: SES's id of the feedback; empty if SES gives none, as for deliveries.
        message_id: SES's id of the mail; empty for a decision (``MADE_BY_PEOPLE``).
        sender: Who sent the mail, or made the decision.
        detail: Sorted (name, value) pairs: ``bounceType``, ``subType``, …; for a decision ``note`` and, with an
            override, ``state``.
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

    @property
    def slot(self) -> str:
        """The key of the mark in the evidence: its kind, or kind and day for soft bounces (one per day)."""
        return _SOFT_BOUNCE_PREFIX + self.day if self.kind is MarkKind.SOFT_BOUNCE else self.kind

    def get(self, name: str) -> str:
        """Return one value of the detail, or an empty string."""
        for key, value in self.detail:
            if key == name:
                return value
        return ""


BOUNCES = frozenset({MarkKind.HARD_BOUNCE, MarkKind.SOFT_BOUNCE, MarkKind.UNDETERMINED})
"""The marks that ``BOUNCES_CLEARED`` hides and a delivery clears."""

MADE_BY_PEOPLE = frozenset({MarkKind.OVERRIDE, MarkKind.BOUNCES_CLEARED})
"""Decisions by people. All other marks come from SES."""

ERASED = "~erased"
"""Replaces an erased id or name. It sorts after everything from SES and IAM, which is ASCII without a tilde."""

Evidence = Mapping[str, Mark]
"""The recorded marks, by ``Mark.slot``."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers that the state depends on.

    Attributes:
        soft_bounce_limit: How many days with a soft bounce disable an address, 1 to ``SOFT_BOUNCE_DAYS_KEPT``.
        soft_bounce_window_days: How many days before the newest soft bounce earlier ones still count, at least 1.
        delivery_refresh_days: How old the recorded delivery may get, in days, before a newer one that changes no state
            is written.
        expire_days: How many days after its newest delivery DynamoDB may delete an address with nothing but deliveries;
            None for never.
    """

    soft_bounce_limit: int = 5
    soft_bounce_window_days: int = 30
    delivery_refresh_days: int = 1
    expire_days: int | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The state of an address for one purpose, the reason code, and the mark that decided it."""

    state: State
    reason: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Record:
    """The evidence about one address, and what follows from it.

    Attributes:
        evidence: The marks.
        assessment: The assessment for bulk mail; None without marks.
        transactional: The state for transactional mail; ``enable`` without marks.
        expires_at: When DynamoDB may delete the record, in seconds since 1970; None for never.
    """

    evidence: Evidence
    assessment: Assessment | None
    transactional: State
    expires_at: int | None

    @classmethod
    def of(cls, evidence: Evidence, rules: Rules) -> "Record":
        """Assess evidence."""
        if not evidence:
            return cls(evidence, None, State.ENABLE, None)
        assessment = other = assess(evidence, rules)
        if assessment.mark.kind is MarkKind.OPT_OUT:  # otherwise both purposes follow the same rules
            other = assess(evidence, rules, Purpose.TRANSACTIONAL)
        return cls(evidence, assessment, other.state, expires_at(evidence, rules))


def override(state: State, at: str, by: str, note: str = "") -> Mark:
    """Return the mark of an operator's decision. It outranks all feedback (``disable``) or all so far (``enable``)."""
    return Mark(
        kind=MarkKind.OVERRIDE,
        at=at,
        feedback_id="",
        message_id="",
        sender=by,
        detail=(("note", note), ("state", str(state))),
    )


def bounces_cleared(at: str, by: str, note: str = "") -> Mark:
    """Return the mark of an operator's decision to ignore the bounces of an address up to a time."""
    return Mark(
        kind=MarkKind.BOUNCES_CLEARED, at=at, feedback_id="", message_id="", sender=by, detail=(("note", note),)
    )


def evidence_of(marks: Iterable[Mark]) -> Evidence:
    """Return the evidence from the marks of one address."""
    evidence: Evidence = {}
    for mark in marks:
        evidence = merge(evidence, {mark.slot: mark})
    return evidence


def merge(first: Evidence, second: Evidence) -> Evidence:
    """Merge evidence about one address. The result is the same in any order and grouping."""
    merged = dict(first)
    for slot, mark in second.items():
        held = merged.get(slot)
        merged[slot] = mark if held is None else _winner(held, mark)
    soft_bounces = sorted(slot for slot in merged if slot.startswith(_SOFT_BOUNCE_PREFIX))
    for slot in soft_bounces[:-SOFT_BOUNCE_DAYS_KEPT]:
        del merged[slot]
    return merged


def assess(  # noqa: PLR0911  (one return a rule)
    evidence: Evidence, rules: Rules, purpose: Purpose = Purpose.BULK
) -> Assessment:
    """Return the state by the first rule that matches the evidence.

    Transactional mail skips the rule about opt-outs, so its state is never stricter than that for bulk mail.

    Raises:
        ValueError: The evidence is empty.
    """
    decision = evidence.get(MarkKind.OVERRIDE)
    if decision is not None and decision.get("state") == State.DISABLE:
        return Assessment(State.DISABLE, "operator", decision)
    seen = unhidden(evidence)

    # Of two opposites in one millisecond, the one that blocks counts.
    complaint, not_spam = seen.get(MarkKind.COMPLAINT), seen.get(MarkKind.NOT_SPAM)
    if complaint is not None and (not_spam is None or complaint.at >= not_spam.at):
        return Assessment(State.DISABLE, _reason(complaint), complaint)

    opt_out, opt_in = seen.get(MarkKind.OPT_OUT), seen.get(MarkKind.OPT_IN)
    if purpose is Purpose.BULK and opt_out is not None and (opt_in is None or opt_out.at >= opt_in.at):
        return Assessment(State.DISABLE, _reason(opt_out), opt_out)

    # Bounces and deliveries are compared by day. Their order within one day says little, so the bounce counts.
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

    # Without soft bounces that do not count. With a decision, since the delivery of its day may be earlier.
    shown = [mark for mark in seen.values() if mark.kind is not MarkKind.SOFT_BOUNCE] + soft_bounces
    if decision is not None:
        shown.append(decision)
    if not shown:
        raise ValueError("no evidence, so no state")
    newest = max(shown, key=lambda mark: (mark.at, mark.kind))  # not by ids, which an erasure removes
    reason = f"soft-bounces:{len(soft_bounces)}" if newest.kind is MarkKind.SOFT_BOUNCE else _reason(newest)
    return Assessment(State.ENABLE, reason, newest)


def unhidden(evidence: Evidence) -> Evidence:
    """Return the evidence that no decision hides.

    An override to enable hides everything up to its own time, itself included, except a delivery of its own UTC day: a
    delivery counts for its whole day, and the evidence has only the first of that day. ``BOUNCES_CLEARED`` hides
    bounces up to its time.
    """
    decision, cleared = evidence.get(MarkKind.OVERRIDE), evidence.get(MarkKind.BOUNCES_CLEARED)
    if decision is not None and decision.get("state") == State.ENABLE:
        evidence = {
            slot: mark
            for slot, mark in evidence.items()
            if mark.at > decision.at or (mark.kind is MarkKind.DELIVERY and mark.day == decision.day)
        }
    if cleared is not None:
        evidence = {slot: mark for slot, mark in evidence.items() if mark.kind not in BOUNCES or mark.at > cleared.at}
    return evidence


def expires_at(evidence: Evidence, rules: Rules) -> int | None:
    """Return when DynamoDB may delete a record, in seconds since 1970; None for never.

    Only a record with nothing but a delivery expires: without the record, the address may be mailed just the same. The
    time counts from the end of the delivery's day, because the record does not keep later deliveries of that day.
    """
    if rules.expire_days is None or evidence.keys() != {MarkKind.DELIVERY}:
        return None
    return epoch_seconds(evidence[MarkKind.DELIVERY].day) + (rules.expire_days + 1) * 86_400


def without_override(evidence: Evidence) -> Evidence:
    """Return evidence without the override. This is not a merge, because it removes something."""
    return {slot: mark for slot, mark in evidence.items() if mark.kind is not MarkKind.OVERRIDE}


def worth_writing(held: Evidence, merged: Evidence, rules: Rules) -> bool:
    """Return whether merged evidence must replace the evidence in the table.

    It must if they differ, with two exceptions, which change no answer:

    - A later soft bounce of a day, if nothing that tells the two apart lies between it and the one held: no decision,
      which may hide only the earlier one, and no opt-in or "not spam", which may be newer than the earlier one alone.
    - A delivery that is less than ``rules.delivery_refresh_days`` newer, if no bounce is as new as the one held, so
      neither delivery decides anything.
    """
    if held.keys() != merged.keys():
        return True
    for slot, new in merged.items():
        old = held[slot]
        if old is new or old == new:
            continue
        if new.kind is MarkKind.SOFT_BOUNCE:
            if any(old.at <= mark.at <= new.at for mark in merged.values() if mark.kind in _TELLS_SOFT_BOUNCES_APART):
                return True
        elif (
            new.kind is not MarkKind.DELIVERY
            or rules.delivery_refresh_days == 1
            or days_between(old.day, new.day) >= rules.delivery_refresh_days
            or any(mark.kind in BOUNCES and mark.day >= old.day for mark in held.values())
        ):
            return True
    return False


_TELLS_SOFT_BOUNCES_APART = MADE_BY_PEOPLE | {MarkKind.OPT_IN, MarkKind.NOT_SPAM}

_SOFT_BOUNCE_PREFIX = f"{MarkKind.SOFT_BOUNCE}/"


def _winner(first: Mark, second: Mark) -> Mark:
    if first.at == second.at:
        if first.kind is MarkKind.DELIVERY:
            return min(first, second)
        return max(first, second, key=lambda mark: (_is_erased(mark), mark))
    earlier, later = (first, second) if first.at < second.at else (second, first)
    # The first delivery of a day, so that a second one on that day changes nothing and costs no write.
    return earlier if later.kind is MarkKind.DELIVERY and earlier.day == later.day else later


def _is_erased(mark: Mark) -> bool:
    # Earlier versions kept the first soft bounce of a day, so that an erased one has no id at all.
    return mark.feedback_id == ERASED or (
        mark.kind is MarkKind.SOFT_BOUNCE and (mark.feedback_id, mark.message_id, mark.sender) == ("", "", "")
    )


def _counted_soft_bounces(seen: Evidence, delivered: str, window_days: int) -> list[Mark]:
    """Return the soft bounces that count, oldest first: after the last delivery's day and within the window."""
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
    MarkKind.OPT_OUT: OPT_OUT,
    MarkKind.OPT_IN: "opt-in",
    MarkKind.DELIVERY: "delivery",
    MarkKind.OVERRIDE: "operator",
    MarkKind.BOUNCES_CLEARED: "bounces-cleared",
}
