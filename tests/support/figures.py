"""Tables that are made up for the figures of `mailing stats` and the page of `mailing report`."""

import random
from datetime import UTC, datetime, timedelta

from healthy_mailing.evidence import Mark, MarkKind, Record, Rules, evidence_of
from healthy_mailing.item import to_item
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.figures.census import Census, Figures
from healthy_mailing_cli.figures.rates import BOUNCES, COMPLAINTS, Window
from healthy_mailing_cli.figures.weeks import WEEKS, Week
from healthy_mailing_cli.table.scan import known

NOW = datetime(2026, 3, 31, 15, tzinfo=UTC)
TODAY = NOW.date()

Row = tuple[str, list[Mark]]
"""An address and its marks."""


def mark(kind: MarkKind, days_ago: float, **detail: str) -> Mark:
    """Return a mark; a bounce is of an address that does not exist."""
    if kind is MarkKind.HARD_BOUNCE:
        detail = {"bounceType": "Permanent", "subType": "NoEmail", **detail}
    at = from_datetime(NOW - timedelta(days=days_ago))
    details = tuple(sorted(detail.items()))
    return Mark(kind=kind, at=at, feedback_id="f", message_id="m", sender="news@example.org", detail=details)


def figures(*table: Row, days: int = 30, sender: str | None = None) -> Figures:
    """Return the figures of a table, in which each row changed by its newest mark."""
    census = Census(from_datetime(NOW), days, sender)
    for address, marks in table:
        item = to_item(address, Record.of(evidence_of(marks), Rules()))
        census.add(*known({**item, "updatedAt": max(mark.at for mark in marks)}))
    return census.figures()


_DOMAINS = (
    ["gmail.com"] * 9 + ["outlook.com"] * 4 + ["yahoo.com"] * 3 + [f"company{each}.example" for each in range(30)]
)
_OUTAGE, _BOUNCED = "gmx.example", 140
_OF_THOUSAND = {  # how many of a thousand addresses have such a mark
    MarkKind.HARD_BOUNCE: 24,
    MarkKind.SOFT_BOUNCE: 40,
    MarkKind.COMPLAINT: 0.7,
    MarkKind.OPT_OUT: 9,
}


def made_up(*more: Row, addresses: int = 20_000) -> Figures:
    """Return the figures of a table in which one provider has an outage."""
    chance = random.Random(1)  # noqa: S311  (the same figures each time)
    table = list(more)
    for number in range(addresses):
        marks = [mark(MarkKind.DELIVERY, chance.uniform(0, 45))]
        for kind, of_thousand in _OF_THOUSAND.items():
            if chance.uniform(0, 1000) < of_thousand:
                marks.append(mark(kind, chance.uniform(0, 60)))
        table.append((f"{number}@{chance.choice(_DOMAINS)}", marks))
    for number in range(_BOUNCED):
        bounce = mark(MarkKind.HARD_BOUNCE, chance.uniform(1.2, 1.4))
        table.append((f"{number}@{_OUTAGE}", [mark(MarkKind.DELIVERY, chance.uniform(3, 20)), bounce]))
    fine = ((f"fine{number}@{_OUTAGE}", [mark(MarkKind.DELIVERY, chance.uniform(0, 20))]) for number in range(560))
    return figures(*table, *fine)


def past() -> list[Week]:
    """Return the weeks before, which were as good as this one but for the outage."""
    chance = random.Random(2)  # noqa: S311  (the same figures each time)
    found = []
    for ago in reversed(range(WEEKS)):
        hard = round(chance.uniform(60, 110)) + (_BOUNCED if ago == 0 else 0)
        complaints, delivered = round(chance.uniform(1, 7)), round(chance.uniform(6_500, 8_000))
        found.append(week(ago, delivered=delivered, hard=hard, complaints=complaints))
    return found


def week(ago: int, *, delivered: int, hard: int, complaints: int) -> Week:
    """Return the rates of a week."""
    window = Window(reached=delivered + hard, delivered=delivered, hard=hard, complaints=complaints)
    begin = str(TODAY - timedelta(days=7 * ago + 6))
    return Week(begin, BOUNCES.rate(hard, window), COMPLAINTS.rate(complaints, window))
