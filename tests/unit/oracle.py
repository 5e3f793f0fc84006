"""The seven rules once more, said as plainly as the design says them: over a list of all marks, with real dates.

Slow and simple on purpose, and independent of ``healthy_mailing.evidence``, of which it uses no function.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from healthy_mailing.evidence import Mark, Rules

NEWEST_COUNTS = ("complaint", "notSpam", "hardBounce", "undetermined", "optOut", "optIn", "override", "bouncesCleared")
BOUNCES = ("hardBounce", "softBounces", "undetermined")
DAYS_KEPT = 16

PLAIN = {
    "notSpam": "not-spam",
    "optOut": "opt-out",
    "optIn": "opt-in",
    "override": "operator",
    "bouncesCleared": "bounces-cleared",
}

Order = tuple[datetime, str, str]


@dataclass(frozen=True)
class Verdict:
    """A state, its reason, and the place in the order of marks of the one that the item shows."""

    state: str
    reason: str
    order: Order


def when(mark: Mark) -> datetime:
    return datetime.strptime(mark.at, "%Y-%m-%dT%H:%M:%S.%f%z")


def day(mark: Mark) -> date:
    return when(mark).date()


def order(mark: Mark) -> Order:
    return when(mark), mark.feedback_id, mark.message_id


def kept(marks: list[Mark]) -> list[Mark]:
    """Return the marks that evidence keeps."""
    of_kind: dict[str, list[Mark]] = {}
    for mark in marks:
        of_kind.setdefault(str(mark.kind), []).append(mark)
    result = [max(of_kind[kind], key=order) for kind in NEWEST_COUNTS if kind in of_kind]
    soft_bounces = of_kind.get("softBounces", [])
    days = sorted({day(mark) for mark in soft_bounces}, reverse=True)[:DAYS_KEPT]
    result += [min((mark for mark in soft_bounces if day(mark) == each), key=order) for each in days]
    if "delivery" in of_kind:
        newest_day = max(day(mark) for mark in of_kind["delivery"])
        result.append(min((mark for mark in of_kind["delivery"] if day(mark) == newest_day), key=order))
    return result


def verdict(marks: list[Mark], rules: Rules, *, transactional: bool = False) -> Verdict:
    """Return what the rules say of marks."""
    marks = kept(marks)
    override = next((mark for mark in marks if mark.kind == "override"), None)
    if override is not None:
        if dict(override.detail)["state"] == "disable":
            return Verdict("disable", "operator", order(override))
        marks = [mark for mark in marks if when(mark) > when(override)]
    cleared = [when(mark) for mark in marks if mark.kind == "bouncesCleared"]
    marks = [mark for mark in marks if mark.kind not in BOUNCES or all(when(mark) > each for each in cleared)]

    def the(kind: str) -> Mark | None:
        return next((mark for mark in marks if mark.kind == kind), None)

    counted = counted_soft_bounces(marks, the("delivery"), rules)
    rule_by_rule: list[tuple[str, Mark | None]] = [
        ("disable", unless_later(the("complaint"), the("notSpam"))),
        ("disable", None if transactional else unless_later(the("optOut"), the("optIn"))),
        ("disable", unless_on_a_later_day(the("hardBounce"), the("delivery"))),
        ("disable", counted[-1] if len(counted) >= rules.soft_bounce_limit else None),
        ("review", unless_on_a_later_day(the("undetermined"), the("delivery"))),
    ]
    for state, mark in rule_by_rule:
        if mark is not None:
            return Verdict(state, reason(mark, len(counted)), order(mark))

    if not marks and override is not None:
        return Verdict("enable", "operator", order(override))
    # Evidence has one mark of a kind and a time, so this leaves one.
    newest = max(marks, key=lambda mark: (when(mark), str(mark.kind)))
    return Verdict("enable", reason(newest, len(counted)), order(newest))


def expires(marks: list[Mark], rules: Rules) -> int | None:
    """Return when the item may be deleted, as seconds since 1970; None if never, as where anything is no delivery."""
    if rules.expire_days is None or any(mark.kind != "delivery" for mark in marks):
        return None
    newest_day = max(when(mark) for mark in marks).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((newest_day + timedelta(days=rules.expire_days + 1)).timestamp())


def unless_later(bad: Mark | None, good: Mark | None) -> Mark | None:
    """Return the bad mark unless the good one is later; of one millisecond, the bad one counts."""
    return bad if bad and not (good and when(good) > when(bad)) else None


def unless_on_a_later_day(bad: Mark | None, good: Mark | None) -> Mark | None:
    """Return the bad mark unless the good one is of a later day; within a day the worse wins."""
    return bad if bad and not (good and day(good) > day(bad)) else None


def counted_soft_bounces(marks: list[Mark], delivery: Mark | None, rules: Rules) -> list[Mark]:
    """Return the soft bounces of days after the last delivery's, and near enough to the newest, oldest first."""
    counted = [mark for mark in marks if mark.kind == "softBounces" and (not delivery or day(mark) > day(delivery))]
    counted.sort(key=order)
    return [mark for mark in counted if (day(counted[-1]) - day(mark)).days <= rules.soft_bounce_window_days]


def reason(mark: Mark, soft_bounces: int = 0) -> str:
    detail = dict(mark.detail)
    match str(mark.kind):
        case "complaint":
            kind = detail.get("subType") or detail.get("feedbackType")
            return f"complaint:{kind}" if kind else "complaint"
        case "hardBounce":
            return f"bounce:{detail['bounceType']}/{detail['subType']}"
        case "softBounces":
            return f"soft-bounces:{soft_bounces}"
        case kind:
            return PLAIN.get(kind, kind)
