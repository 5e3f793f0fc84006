"""What is known of an address: marks, their merge, and the state that follows from them.

A record is never set to a state. Feedback leaves *marks*; the marks that matter form the *evidence*; the state is a
function of the evidence. Merging evidence is commutative, associative and idempotent, so late, repeated and reordered
feedback, in any split into batches, gives the same record.

Pure: no clock, no environment, no AWS.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from healthy_mailing.timestamp import day_of, days_between, epoch_seconds

SOFT_BOUNCE_DAYS_KEPT = 16
"""How many days with a soft bounce the evidence keeps, the newest ones; the limit cannot be set higher."""


OPT_OUT = "opt-out"
"""The reason of what an opt-out decided."""


class State(StrEnum):
    """Whether an address may be mailed: yes, no, or only after a person has looked."""

    ENABLE = "enable"
    DISABLE = "disable"
    REVIEW = "review"


class Purpose(StrEnum):
    """What a mail is for. An opt-out counts for bulk mail alone; ``docs/rules.md`` says which mail is which."""

    BULK = "bulk"
    TRANSACTIONAL = "transactional"


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
    BOUNCES_CLEARED = "bouncesCleared"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Mark:
    """One piece of evidence. Marks are ordered by time, then by ids, so that any two have one order.

    Attributes:
        at: When it happened, UTC with milliseconds (see ``timestamp``).
        feedback_id: SES's id of the feedback; empty where SES gives none, as for deliveries.
        message_id: SES's id of the mail; empty for what a person decided (``MADE_BY_PEOPLE``).
        sender: Who sent the mail; of a decision, who made it.
        detail: Sorted (name, value) pairs: ``bounceType``, ``subType``, … or, of a decision, ``note`` and perhaps
            ``state``.
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
        """Where evidence keeps the mark: under its kind; soft bounces, kept one a day, under kind and day."""
        return _SOFT_BOUNCE_PREFIX + self.day if self.kind is MarkKind.SOFT_BOUNCE else self.kind

    def get(self, name: str) -> str:
        """Return one value of the detail, empty if absent."""
        return next((value for key, value in self.detail if key == name), "")


BOUNCES = frozenset({MarkKind.HARD_BOUNCE, MarkKind.SOFT_BOUNCE, MarkKind.UNDETERMINED})
"""What ``BOUNCES_CLEARED`` hides, and a delivery outweighs."""

MADE_BY_PEOPLE = frozenset({MarkKind.OVERRIDE, MarkKind.BOUNCES_CLEARED})
"""Decisions. All other marks are SES's feedback."""

ERASED = "~erased"
"""In place of an id or a name that was erased. It sorts behind all that SES and IAM give: ASCII without a tilde."""

Evidence = Mapping[str, Mark]
"""The marks kept, by ``Mark.slot``."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers that the state depends on.

    Attributes:
        soft_bounce_limit: Days with a soft bounce that disable an address, 1 to ``SOFT_BOUNCE_DAYS_KEPT``.
        soft_bounce_window_days: How far back from the newest soft bounce they count, in days, at least 1.
        delivery_refresh_days: For how many days a delivery that changes no state may go unwritten; 1 is exact.
        expire_days: How many days after the newest delivery DynamoDB may delete an address of which nothing but
            deliveries is known; None for never.
    """

    soft_bounce_limit: int = 5
    soft_bounce_window_days: int = 30
    delivery_refresh_days: int = 1
    expire_days: int | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The state of an address for one purpose, the short code of the reason, and the mark that decided it."""

    state: State
    reason: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Record:
    """The evidence about one address, and what follows from it.

    Attributes:
        evidence: The marks.
        assessment: What they amount to for bulk mail; None without any.
        transactional: The state for transactional mail; without marks, ``enable``.
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
        if assessment.mark.kind is MarkKind.OPT_OUT:  # else the rules are the same for all mail
            other = assess(evidence, rules, Purpose.TRANSACTIONAL)
        return cls(evidence, assessment, other.state, expires_at(evidence, rules))


def override(state: State, at: str, by: str, note: str = "") -> Mark:
    """Return the mark of a person's decision, which outranks all feedback (``disable``) or all so far (``enable``)."""
    return Mark(
        kind=MarkKind.OVERRIDE,
        at=at,
        feedback_id="",
        message_id="",
        sender=by,
        detail=(("note", note), ("state", str(state))),
    )


def bounces_cleared(at: str, by: str, note: str = "") -> Mark:
    """Return the mark of a person's decision that the bounces until then say nothing about the address."""
    return Mark(
        kind=MarkKind.BOUNCES_CLEARED, at=at, feedback_id="", message_id="", sender=by, detail=(("note", note),)
    )


def evidence_of(marks: Iterable[Mark]) -> Evidence:
    """Return the evidence that marks of one address amount to."""
    evidence: Evidence = {}
    for mark in marks:
        evidence = merge(evidence, {mark.slot: mark})
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


def assess(  # noqa: PLR0911  (one return a rule)
    evidence: Evidence, rules: Rules, purpose: Purpose = Purpose.BULK
) -> Assessment:
    """Return the state that evidence amounts to: the first rule that applies.

    For transactional mail the rule of the opt-out is left out. So it is never stricter than the state for bulk mail.

    Raises:
        ValueError: There is no evidence.
    """
    decision = evidence.get(MarkKind.OVERRIDE)
    if decision is not None and decision.get("state") == State.DISABLE:
        return Assessment(State.DISABLE, "operator", decision)
    seen = unhidden(evidence)

    complaint, not_spam = seen.get(MarkKind.COMPLAINT), seen.get(MarkKind.NOT_SPAM)
    if complaint is not None and (not_spam is None or complaint.at > not_spam.at):
        return Assessment(State.DISABLE, _reason(complaint), complaint)

    opt_out, opt_in = seen.get(MarkKind.OPT_OUT), seen.get(MarkKind.OPT_IN)
    if purpose is Purpose.BULK and opt_out is not None and (opt_in is None or opt_out.at > opt_in.at):
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


def unhidden(evidence: Evidence) -> Evidence:
    """Return the evidence that decisions leave to be seen.

    An override to enable hides what it was made in the light of, itself included. ``BOUNCES_CLEARED`` does so with
    bounces.
    """
    decision, cleared = evidence.get(MarkKind.OVERRIDE), evidence.get(MarkKind.BOUNCES_CLEARED)
    if decision is not None and decision.get("state") == State.ENABLE:
        evidence = {slot: mark for slot, mark in evidence.items() if mark.at > decision.at}
    if cleared is not None:
        evidence = {slot: mark for slot, mark in evidence.items() if mark.kind not in BOUNCES or mark.at > cleared.at}
    return evidence


def expires_at(evidence: Evidence, rules: Rules) -> int | None:
    """Return when DynamoDB may delete a record, in seconds since 1970; None for never.

    Only a record that holds nothing but a delivery expires: without it, the address may be mailed just the same. Of the
    delivery only the day counts, to its end, because a later one on the same day is not kept.
    """
    if rules.expire_days is None or evidence.keys() != {MarkKind.DELIVERY}:
        return None
    return epoch_seconds(evidence[MarkKind.DELIVERY].day) + (rules.expire_days + 1) * 86_400


def without_override(evidence: Evidence) -> Evidence:
    """Return evidence without a person's decision. Unlike a merge, this takes something away."""
    return {slot: mark for slot, mark in evidence.items() if mark.kind is not MarkKind.OVERRIDE}


def erased(evidence: Evidence) -> Evidence:
    """Return evidence that amounts to the same without what it says of a person beyond that. It is no merge either.

    Of each mark stay its kind, its time and the details that a reason or a state names. The state stays, for every kind
    of mail. So does the reason, except where no mark decided and the two newest are of the same millisecond.

    Feedback that comes once more does not bring back what was erased. It has the time of the mark that it left, and of
    two marks of one time the erased one is kept: it sorts before all others where the first is kept, and behind them
    where the newest is.
    """
    return {slot: _erased(mark) for slot, mark in evidence.items()}


def worth_writing(held: Evidence, merged: Evidence, rules: Rules) -> bool:
    """Return whether merged evidence must replace what the table holds.

    It must if they differ. One exception: all that differs is the delivery, the new one is less than
    ``rules.delivery_refresh_days`` newer, and no bounce is as new as the old one, so neither decides anything.
    """
    if held == merged:
        return False
    old, new = held.get(MarkKind.DELIVERY), merged.get(MarkKind.DELIVERY)
    if old is None or new is None or {**held, MarkKind.DELIVERY: new} != merged:
        return True
    return (
        rules.delivery_refresh_days == 1
        or days_between(old.day, new.day) >= rules.delivery_refresh_days
        or any(mark.kind in BOUNCES and mark.day >= old.day for mark in held.values())
    )


_SOFT_BOUNCE_PREFIX = f"{MarkKind.SOFT_BOUNCE}/"


_REASON_DETAILS = frozenset({"bounceType", "subType", "feedbackType", "state"})


def _erased(mark: Mark) -> Mark:
    detail = tuple((name, value) for name, value in mark.detail if name in _REASON_DETAILS)
    if mark.kind in MADE_BY_PEOPLE:
        return replace(mark, sender=ERASED, detail=tuple(sorted((*detail, ("note", "")))))
    first_is_kept = mark.kind in {MarkKind.SOFT_BOUNCE, MarkKind.DELIVERY}
    return replace(mark, feedback_id="" if first_is_kept else ERASED, message_id="", sender="", detail=detail)


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
    MarkKind.OPT_OUT: OPT_OUT,
    MarkKind.OPT_IN: "opt-in",
    MarkKind.DELIVERY: "delivery",
    MarkKind.OVERRIDE: "operator",
    MarkKind.BOUNCES_CLEARED: "bounces-cleared",
}
