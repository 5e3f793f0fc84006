"""The feedback that the contenders get: five mixes, each a list of SES's JSON texts in order of arrival.

The same seed gives the same texts. Addresses, ids and details are as long as real ones.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
SENDER = "news@example.com"

Json = dict[str, Any]


def newsletter(count: int) -> list[str]:
    """Each address once: 96 % delivered, 3 % bounced (two thirds of them for good), 0.1 % complaints.

    The rest of what is heard of a newsletter is deliveries as well.
    """
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
        yield json.dumps(_delivery(f"reader-{number}@example.com", number, number % 50_000))


def small_delivery(number: int) -> str:
    """Return a delivery with no more fields than SES always sends: 10,000 of them make an event of 6 MB."""
    message = _delivery(f"r{number}@example.com", number, number)
    for optional in ("sourceArn", "sendingAccountId"):
        del message["mail"][optional]
    return json.dumps({**message, "delivery": {"recipients": message["delivery"]["recipients"]}})


def _one(chance: random.Random, number: int, address: str, seconds: int, bounces: float) -> str:
    drawn = chance.random()
    if drawn < bounces:
        message = _bounce(address, number, seconds, permanent=chance.random() < 2 / 3)
    elif drawn < bounces + 0.001:
        message = _complaint(address, number, seconds)
    else:
        message = _delivery(address, number, seconds)
    return json.dumps(message)


def _time(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _mail(address: str, number: int, seconds: int) -> Json:
    return {
        "timestamp": _time(seconds),
        "source": SENDER,
        "sourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/example.com",
        "sendingAccountId": "123456789012",
        "messageId": f"01020195{number:08x}-7a5433e7-8edb-42ae-af10-f0181f34d6ee-000000",
        "destination": [address],
    }


def _delivery(address: str, number: int, seconds: int) -> Json:
    return {
        "notificationType": "Delivery",
        "mail": _mail(address, number, seconds),
        "delivery": {
            "timestamp": _time(seconds + 2),
            "processingTimeMillis": 2000,
            "recipients": [address],
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": "a8-70.smtp-out.amazonses.com",
        },
    }


def _bounce(address: str, number: int, seconds: int, *, permanent: bool) -> Json:
    status = "5.1.1" if permanent else "4.2.2"
    text = "550 5.1.1 user unknown" if permanent else "452 4.2.2 mailbox full"
    return {
        "notificationType": "Bounce",
        "mail": _mail(address, number, seconds),
        "bounce": {
            "bounceType": "Permanent" if permanent else "Transient",
            "bounceSubType": "General" if permanent else "MailboxFull",
            "bouncedRecipients": [
                {"emailAddress": address, "action": "failed", "status": status, "diagnosticCode": f"smtp; {text}"}
            ],
            "timestamp": _time(seconds + 3),
            "feedbackId": f"01020195{number:08x}-18c07c78-fa81-4a58-9dd1-fedc3cb8f49a-000000",
            "reportingMTA": "dsn; a8-70.smtp-out.amazonses.com",
        },
    }


def _complaint(address: str, number: int, seconds: int) -> Json:
    return {
        "notificationType": "Complaint",
        "mail": _mail(address, number, seconds),
        "complaint": {
            "complainedRecipients": [{"emailAddress": address}],
            "timestamp": _time(seconds + 600),
            "feedbackId": f"01020195{number:08x}-18c07c78-fa81-4a58-9dd1-fedc3cb8f49b-000000",
            "complaintFeedbackType": "abuse",
            "userAgent": "ExampleISP-Feedback-Loop/1.0",
        },
    }
