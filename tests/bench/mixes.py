"""The feedback that the contenders get: five mixes, each a list of SES's JSON texts in order of arrival.

The same seed gives the same texts.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from support import ses

START = datetime(2026, 3, 2, 6, tzinfo=UTC)


def newsletter(count: int) -> list[str]:
    """Each address once: 3 % bounced (two thirds of them for good), 0.1 % complaints, the rest deliveries."""
    chance = random.Random(1)
    return [_one(chance, number, f"reader-{number}@example.com", number, bounces=0.03) for number in range(count)]


def transactional(count: int) -> list[str]:
    """Addresses by Zipf's law, as many as a seventh of the messages, all within one UTC day: several a day each."""
    chance = random.Random(2)
    weights = list(accumulate(1 / rank for rank in range(1, count // 7 + 2)))
    ranks = chance.choices(range(len(weights)), cum_weights=weights, k=count)
    return [
        _one(chance, number, f"customer-{rank}@example.com", number * 50_000 // count, bounces=0.01)
        for number, rank in enumerate(ranks)
    ]


def cleanup(count: int) -> list[str]:
    """Each address once, of an old list: 30 % bounced."""
    chance = random.Random(3)
    return [_one(chance, number, f"forgotten-{number}@example.com", number, bounces=0.3) for number in range(count)]


def storm(count: int) -> list[str]:
    """All about one address, over some hours: deliveries, bounces, complaints."""
    chance = random.Random(4)
    return [
        _one(chance, number, "alerts@example.com", number * 10_000 // count, bounces=0.3) for number in range(count)
    ]


def replays(count: int) -> list[str]:
    """A newsletter's feedback, every message three times: all of it, again, and once more; at most ``count`` in all."""
    return newsletter(count // 3) * 3


MIXES: Mapping[str, Callable[[int], list[str]]] = {
    "newsletter": newsletter,
    "transactional": transactional,
    "cleanup": cleanup,
    "storm": storm,
    "replays": replays,
}


def deliveries(first: int, count: int) -> Iterator[str]:
    """Give deliveries to addresses that no other number has, one by one."""
    for number in range(first, first + count):
        yield _delivery(f"reader-{number}@example.com", number, number % 50_000)


def _one(chance: random.Random, number: int, address: str, seconds: int, bounces: float) -> str:
    drawn = chance.random()
    ids = {"message_id": _id(number), "feedback_id": _id(-number - 1)}
    if drawn < bounces:
        temporary = {"kind": "Transient", "subtype": "MailboxFull", "status": "4.2.2"}
        detail = temporary if chance.random() > 2 / 3 else {}
        return ses.text(ses.bounce(address, at=_time(seconds + 3), **detail, **ids))
    if drawn < bounces + 0.001:
        return ses.text(ses.complaint(address, at=_time(seconds + 600), **ids))
    return _delivery(address, number, seconds)


def _delivery(address: str, number: int, seconds: int) -> str:
    message = ses.delivery(address, sent=_time(seconds), arrived=_time(seconds + 2), message_id=_id(number))
    return ses.text(message)


def _id(number: int) -> str:
    return f"01020195{number & 0xFFFFFFFF:08x}-7a5433e7-8edb-42ae-af10-f0181f34d6ee-000000"


def _time(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
