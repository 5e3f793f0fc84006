"""From publishing to the row and to the event, on the applied stack and the embedded emulator.

The emulator batches at most 10 messages and runs functions in this machine's Python, so the figures say little about
AWS.
"""

import statistics
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness import emulator
from harness.errors import HarnessError
from harness.polling import until
from harness.stack import apply
from support import ses
from support.deployed import Deployed
from support.events import Subscriber, subscribed

_SECONDS = 90  # until what was published must have arrived
_PACE = 0.1  # seconds from one message to the next, for latency
_WARM_UP = 20  # messages


def measure(folder: Path, messages: int, burst: int) -> dict[str, float]:
    """Return milliseconds from publishing a complaint to the row and to the event, and messages a second of a burst."""
    variables = {"queue": {"batch_size": 10, "batching_window_seconds": 0}, "changes": {}}
    with emulator.running("embedded", folder / "emulator") as running:
        deployed = Deployed(apply(running, variables, folder))
        with subscribed(deployed) as subscriber:
            _publish(subscriber, _WARM_UP, _PACE)
            single = _publish(subscriber, messages, _PACE)
            many = _publish(subscriber, burst, 0)
    found: dict[str, float] = {}
    for name, ends in (("row", [each.row for each in single]), ("event", [each.event for each in single])):
        taken = [end - each.published for end, each in zip(ends, single, strict=True)]
        cuts = statistics.quantiles(taken, n=100, method="inclusive")
        found |= {f"{name}, p50 ms": cuts[49] * 1000, f"{name}, p99 ms": cuts[98] * 1000}
    seconds = max(each.row for each in many) - min(each.published for each in many)
    return {**found, "rows a second": burst / seconds}


@dataclass(frozen=True)
class _Way:
    """When a message was published, and when its row was written and its event came, by this machine's clock."""

    published: float
    row: float
    event: float


def _publish(subscriber: Subscriber, count: int, pace: float) -> list[_Way]:
    """Publish complaints, each about an address of its own, and wait for what becomes of them."""
    deployed = subscriber.deployed
    published: dict[str, float] = {}
    arrived: dict[str, float] = {}

    def receive() -> bool:
        subscriber.receive()
        now = time.time()
        for each in subscriber.got:
            arrived.setdefault(each["detail"]["address"], now)
        return published.keys() <= arrived.keys()

    for _ in range(count):
        address = ses.fresh("reader")
        published[address] = time.time()
        deployed.publish(ses.text(ses.complaint(address)))
        if pace:
            until(receive, pace, 0.01, found=lambda _: False)
    if not until(receive, _SECONDS):
        raise HarnessError(f"{len(published.keys() - arrived.keys())} of {count} events did not arrive")
    return [
        _Way(start, datetime.fromisoformat((deployed.item(address) or {})["updatedAt"]).timestamp(), arrived[address])
        for address, start in published.items()
    ]
