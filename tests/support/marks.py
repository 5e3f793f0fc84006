"""Marks as feedback makes them."""

from healthy_mailing.evidence import Mark, MarkKind


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
