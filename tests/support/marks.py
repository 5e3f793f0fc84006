"""Marks as feedback makes them, and the item that they amount to."""

from typing import Any

from healthy_mailing.evidence import Mark, MarkKind, Record, Rules, evidence_of
from healthy_mailing.item import to_dynamodb, to_item

AT = "2026-03-01T12:00:00.000Z"
JANE = "jane@example.com"


def mark(kind: MarkKind, when: int | str = 1, number: int = 0, **detail: str) -> Mark:
    """Return a mark of a time, or of a day of March 2026, with ids and seconds by its number."""
    if kind is MarkKind.HARD_BOUNCE:
        detail = {"bounceType": "Permanent", "subType": "General"} | detail
    return Mark(
        kind=kind,
        at=when if isinstance(when, str) else f"2026-03-{when:02d}T12:00:{number % 60:02d}.000Z",
        feedback_id=f"f{number}",
        message_id=f"m{number}",
        sender="news@example.org",
        detail=tuple(sorted(detail.items())),
    )


def item_of(*marks: Mark, rules: Rules = Rules()) -> dict[str, Any]:  # noqa: B008  (frozen)
    """Return the item of an address."""
    return to_item(JANE, Record.of(evidence_of(marks), rules))


def image(*marks: Mark, version: int = 1, **more: Any) -> dict[str, Any]:
    """Return the item of an address as the table's stream has it."""
    return to_dynamodb({**item_of(*marks), "version": version, "updatedAt": "2026-03-10T11:59:59.123Z", **more})
