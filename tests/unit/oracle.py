"""The seven rules of docs/rules.md once more, as plainly as they are written: over all marks of a history.

Slow and simple on purpose, and independent of ``healthy_mailing.evidence``, of which it uses no function. It weighs
every mark there ever was, where the product weighs what its evidence keeps. ``kept`` says what that is, after the table
in docs/reference.md; no rule depends on it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from healthy_mailing.evidence import Mark, Rules

NEWEST_COUNTS = ("complaint", "notSpam", "hardBounce", "undetermined", "optOut", "optIn", "override", "bouncesCleared")
BOUNCES = ("hardBounce", "softBounces", "undetermined")
MOST_DAYS = 16

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


def of(kind: str, marks: list[Mark]) -> list[Mark]:
    """Return the marks of a kind, oldest first."""
    return sorted((mark for mark in marks if mark.kind == kind), key=order)


def kept(marks: list[Mark]) -> list[Mark]:
    """Return the marks that evidence keeps."""
    result = [of(kind, marks)[-1] for kind in NEWEST_COUNTS if of(kind, marks)]
    soft_bounces = of("softBounces", marks)
    days = sorted({day(mark) for mark in soft_bounces})[-MOST_DAYS:]
    result += [max((mark for mark in soft_bounces if day(mark) == each), key=order) for each in days]
    return result + deliveries(marks)[-1:]


def changes_no_answer(held: list[Mark], merged: list[Mark]) -> bool:
    """Return whether all that is new are later soft bounces of days that say no more than those held.

    A decision between the two hides one of them, and an opt-in or "not spam" is newer than one of them.
    """
    between = [when(each) for each in merged if each.kind in {"override", "bouncesCleared", "optIn", "notSpam"}]

    def repeats(mark: Mark) -> bool:
        earlier = [each for each in held if mark.kind == each.kind == "softBounces" and day(each) == day(mark)]
        return bool(earlier) and not any(when(earlier[0]) <= other <= when(mark) for other in between)

    return all(repeats(mark) for mark in merged if mark not in held)


def deliveries(marks: list[Mark]) -> list[Mark]:
    """Return the deliveries, oldest first. Those of one day are one, with the time of the first."""
    firsts: dict[date, Mark] = {}
    for mark in of("delivery", marks):
        firsts.setdefault(day(mark), mark)
    return list(firsts.values())


def verdict(marks: list[Mark], rules: Rules, *, transactional: bool = False) -> Verdict:
    """Return what the rules say of marks."""
    override = newest(of("override", marks))
    if override is not None and dict(override.detail)["state"] == "disable":
        return Verdict("disable", "operator", order(override))
    delivered = deliveries(marks)
    others = [mark for mark in marks if mark.kind != "delivery"]
    if override is not None:
        others = [mark for mark in others if when(mark) > when(override)]
        # A delivery counts for its whole day.
        delivered = [mark for mark in delivered if day(mark) >= day(override)]
    cleared = [when(mark) for mark in of("bouncesCleared", others)]
    seen = [mark for mark in others if mark.kind not in BOUNCES or all(when(mark) > each for each in cleared)]

    last_day = max(map(day, delivered), default=date.min)
    soft_bounces, days = counted_soft_bounces(of("softBounces", seen), last_day, rules)
    rule_by_rule: list[tuple[str, Mark | None]] = [
        ("disable", unless_later(newest(of("complaint", seen)), newest(of("notSpam", seen)))),
        ("disable", None if transactional else unless_later(newest(of("optOut", seen)), newest(of("optIn", seen)))),
        ("disable", newest([mark for mark in of("hardBounce", seen) if day(mark) >= last_day])),
        ("disable", soft_bounces[-1] if days >= rules.soft_bounce_limit else None),
        ("review", newest([mark for mark in of("undetermined", seen) if day(mark) >= last_day])),
    ]
    for state, mark in rule_by_rule:
        if mark is not None:
            return Verdict(state, reason(mark, days), order(mark))

    shown = [mark for mark in seen if mark.kind != "softBounces"] + soft_bounces + delivered
    shown += [override] if override else []
    last = max(shown, key=lambda mark: (when(mark), str(mark.kind), order(mark)))
    return Verdict("enable", reason(last, days), order(last))


def expires(marks: list[Mark], rules: Rules) -> int | None:
    """Return when the item may be deleted, as seconds since 1970; None if never, as where anything is no delivery."""
    if rules.expire_days is None or any(mark.kind != "delivery" for mark in marks):
        return None
    newest_day = max(when(mark) for mark in marks).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((newest_day + timedelta(days=rules.expire_days + 1)).timestamp())


def newest(marks: list[Mark]) -> Mark | None:
    return max(marks, key=order, default=None)


def unless_later(bad: Mark | None, good: Mark | None) -> Mark | None:
    """Return the bad mark unless the good one is later; of one millisecond, the bad one counts."""
    return bad if bad and not (good and when(good) > when(bad)) else None


def counted_soft_bounces(marks: list[Mark], delivered: date, rules: Rules) -> tuple[list[Mark], int]:
    """Return the soft bounces of days after the last delivery's and near enough to the newest, and on how many days."""
    after = [mark for mark in marks if day(mark) > delivered]
    counted = [mark for mark in after if (day(after[-1]) - day(mark)).days <= rules.soft_bounce_window_days]
    return counted, min(len(set(map(day, counted))), MOST_DAYS)


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
