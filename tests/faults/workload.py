"""Feedback as a sender of much mail gets it: mostly deliveries, some repeated, in no order; the same for one seed."""

import json
import random
from datetime import UTC, datetime, timedelta

from support import ses

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 60

# In 10,000 messages: 95 % deliveries, and of the rest what SES reports in about these proportions.
MIX = {
    "delivery": 9500,
    "hard bounce": 120,
    "retried bounce": 20,
    "soft bounce": 140,
    "auto-reply": 40,
    "message too large": 10,
    "undetermined": 20,
    "suppressed": 20,
    "complaint": 40,
    "not spam": 10,
    "opt-out": 20,
    "opt-in": 10,
    "other": 50,
}


def feedback(count: int, addresses: int, duplicates: float = 0.1, seed: int = 1) -> list[str]:
    """Return ``count`` messages about so many addresses, of which a part repeats others, shuffled."""
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    originals = round(count * (1 - duplicates))
    kinds = chance.choices(list(MIX), list(MIX.values()), k=originals)
    messages = [message(chance, number, kind, addresses) for number, kind in enumerate(kinds)]
    messages += chance.choices(messages, k=count - originals)
    chance.shuffle(messages)
    return messages


def message(chance: random.Random, number: int, kind: str, addresses: int) -> str:  # noqa: C901  (one kind each)
    recipients = [spelled(chance, chance.randrange(addresses)) for _ in range(2 if chance.random() < 0.02 else 1)]
    at = time(chance)
    sender = f"news{chance.randrange(3)}@example.org"
    mail = {"message_id": f"m{number:07d}", "sender": sender}
    ids = {**mail, "feedback_id": f"f{number:07d}"}
    match kind:
        case "delivery":
            built = ses.delivery(*recipients, sent=at, **mail)
        case "hard bounce":
            built = ses.bounce(*recipients, at=at, subtype=chance.choice(("General", "NoEmail")), **ids)
        case "retried bounce":
            built = ses.bounce(*recipients, at=at, action="delayed", status="4.4.1", **ids)
        case "soft bounce":
            # Mostly of a few addresses, or none would reach the limit.
            few = [spelled(chance, chance.randrange(max(1, addresses // 100)))]
            built = ses.bounce(*few, at=at, kind="Transient", subtype="MailboxFull", status="4.2.2", **ids)
        case "auto-reply":
            built = ses.bounce(*recipients, at=at, kind="Transient", action=None, status=None, **ids)
        case "message too large":
            built = ses.bounce(*recipients, at=at, kind="Transient", subtype="MessageTooLarge", **ids)
        case "undetermined":
            built = ses.bounce(*recipients, at=at, kind="Undetermined", subtype="Undetermined", **ids)
        case "suppressed":
            built = ses.bounce(*recipients, at=at, subtype="OnAccountSuppressionList", **ids)
        case "complaint":
            built = ses.complaint(*recipients, at=at, **ids)
        case "not spam":
            built = ses.complaint(*recipients, at=at, feedback_type="not-spam", **ids)
        case "opt-out" | "opt-in":
            built = ses.subscription(*recipients, at=at, unsubscribe_all=kind == "opt-out", **mail)
        case _:
            built = ses.other(chance.choice(("Send", "Open", "Click", "DeliveryDelay")), *recipients)
    return json.dumps(ses.event(built) if chance.random() < 0.1 else built)


def spelled(chance: random.Random, number: int) -> str:
    """Return an address, now and then as SES repeats it when it was written otherwise."""
    address = f"reader-{number}@example.com"
    return chance.choices((address, address.upper(), f"Reader <{address}>"), (96, 2, 2))[0]


def time(chance: random.Random) -> str:
    """Return a time in one of the forms of SES."""
    at = FIRST_DAY + timedelta(milliseconds=chance.randrange(DAYS * 24 * 60 * 60 * 1000))
    match chance.randrange(20):
        case 0:
            return f"{at - timedelta(hours=5):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}-05:00"
        case 1:
            return f"{at:%Y-%m-%dT%H:%M:%S} +0000"
        case _:
            return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
