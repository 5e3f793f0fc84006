"""Simulate how Lambda's event source mapping batches a queue and how many invocations run at once.

    PYTHONPATH=tests python -m bench.scale

Prints the table of ``docs/scale.md``. The model (AWS Lambda Developer Guide, "Configuring scaling behavior for SQS
event source mappings"): batches are gathered side by side, five at first; a batch is sent once it holds ``batch_size``
messages or its first message has waited for the batching window; while messages are left in the queue, up to 300 more
a minute are gathered side by side, up to a maximum. The function takes a fixed time and one for each message, at one
processor, which is stretched to the function's memory. Nothing fails, and nothing takes time between queue and Lambda.
"""

from collections import deque
from dataclasses import dataclass

_STEP = 0.02  # seconds
_START = 5
_MORE_A_SECOND = 300 / 60
_VCPU_MEGABYTES = 1_769


@dataclass(frozen=True)
class Function:
    """The function and its queue; times are seconds at one processor."""

    memory: int = 512
    batch_size: int = 1_000
    window: float = 5.0
    most_at_once: int = 1_000
    fixed: float = 0.02
    each: float = 0.0002

    def seconds(self, messages: int) -> float:
        """Return how long a batch takes."""
        return self.fixed + messages * self.each * max(1.0, _VCPU_MEGABYTES / self.memory)


@dataclass(frozen=True)
class Behaviour:
    """What was seen once the start was over (batch, waiting, in flight), and in all (most at once, longest wait).

    Attributes:
        batch: Messages a batch, on average.
        at_once: Most invocations at a time.
        in_flight: Most messages received and not yet deleted; SQS allows 120,000.
        wait: Seconds from the queue to the end of the invocation, on average.
        longest_wait: The longest of all, the start included.
        settled: Seconds until no message was left in the queue for the first time since load began, None if never.
    """

    batch: float
    at_once: int
    in_flight: int
    wait: float
    longest_wait: float
    settled: float | None


@dataclass(slots=True, eq=False)
class _Messages:
    """Some messages: how many, when the first arrived, and the sum of all arrivals."""

    count: int = 0
    first: float = 0.0
    arrivals: float = 0.0

    def take(self, count: int, arrived: float) -> None:
        if not self.count:
            self.first = arrived
        self.count += count
        self.arrivals += count * arrived


def simulate(rate: int, function: Function, seconds: float = 120.0) -> Behaviour:
    """Return what happens when so many messages a second arrive, evenly, at an idle function."""
    waiting: deque[tuple[float, int]] = deque()  # arrival, messages
    gathering: deque[_Messages] = deque()
    running: list[tuple[float, _Messages]] = []  # end, batch
    allowed = float(_START)
    at_once = in_flight = batches = messages = 0
    waited = longest = due = 0.0
    settled: float | None = None
    for step in range(int(seconds / _STEP)):
        now = step * _STEP
        due += rate * _STEP
        waiting.append((now, int(due)))
        due -= int(due)
        for end, batch in running:
            if end <= now:
                longest = max(longest, end - batch.first)
                if now > seconds / 2:
                    batches += 1
                    messages += batch.count
                    waited += batch.count * end - batch.arrivals
        running = [each for each in running if each[0] > now]
        _gather(waiting, gathering, int(allowed) - len(running), function.batch_size)
        if waiting:
            allowed = min(function.most_at_once, allowed + _MORE_A_SECOND * _STEP)
        elif settled is None and now > function.window:
            settled = now
        for batch in [each for each in gathering if _ready(each, now, function)]:
            gathering.remove(batch)
            running.append((now + function.seconds(batch.count), batch))
        at_once = max(at_once, len(running))
        in_flight = max(in_flight, sum(each.count for each in gathering) + sum(batch.count for _, batch in running))
    return Behaviour(messages / max(1, batches), at_once, in_flight, waited / max(1, messages), longest, settled)


def _gather(waiting: deque[tuple[float, int]], gathering: deque[_Messages], allowed: int, batch_size: int) -> None:
    """Deal what waits to the batches that are being gathered, ten messages at a time, as SQS hands them out."""
    while len(gathering) < allowed:
        gathering.append(_Messages())
    full = 0
    while waiting and full < len(gathering):
        batch = gathering[0]
        gathering.rotate(-1)
        room = min(10, batch_size - batch.count)
        if room <= 0:
            full += 1
            continue
        full = 0
        arrived, count = waiting.popleft()
        if count:
            batch.take(min(room, count), arrived)
        if count > room:
            waiting.appendleft((arrived, count - room))


def _ready(batch: _Messages, now: float, function: Function) -> bool:
    return batch.count >= function.batch_size or (batch.count > 0 and now - batch.first >= function.window)


def main() -> None:
    """Print a table."""
    head = "a second", "memory MB", "allowed at once", "batch", "at once", "in flight", "wait s", "longest s"
    print(f"| {' | '.join((*head, 'caught up after s'))} |")
    print(f"|{'---|' * (len(head) + 1)}")
    for rate in (1_000, 10_000, 100_000):
        for memory, allowed in ((512, 1_000), (1_769, 1_000), (512, 20)):
            seen = simulate(rate, Function(memory=memory, most_at_once=allowed))
            settled = "never" if seen.settled is None else f"{seen.settled:.0f}"
            print(
                f"| {rate:,} | {memory:,} | {allowed:,} | {seen.batch:,.0f} | {seen.at_once} | {seen.in_flight:,} "
                f"| {seen.wait:.1f} | {seen.longest_wait:.1f} | {settled} |"
            )


if __name__ == "__main__":
    main()
