"""SQS's part: at least once, in batches, several functions at once, and after some tries the dead-letter queue."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from support import ses

from .function import Function


@dataclass
class Result:
    """What became of messages: how many calls it took, how many failed whole, and what ended as dead letters."""

    calls: int = 0
    failed_calls: int = 0
    dead_letters: list[str] = field(default_factory=list)


def deliver(
    messages: Sequence[str],
    functions: Sequence[Function],
    *,
    batch_size: int = 100,
    tries: int = 5,
    progress: Callable[[int], object] = lambda _: None,
) -> Result:
    """Hand messages to functions until each was taken or failed ``tries`` times; ``progress`` gets what is done."""
    waiting = deque((message, tries) for message in messages)
    changed = threading.Condition()
    result = Result()
    under_way = 0

    def take() -> list[tuple[str, int]]:
        """Wait for a batch, since others may still give back what they took. Return an empty one when all is done."""
        nonlocal under_way
        with changed:
            changed.wait_for(lambda: waiting or not under_way)
            batch = [waiting.popleft() for _ in range(min(batch_size, len(waiting)))]
            under_way += len(batch)
            return batch

    def settle(batch: list[tuple[str, int]], failed: set[int], *, whole: bool) -> None:
        nonlocal under_way
        with changed:
            result.calls += 1
            result.failed_calls += whole
            for number in sorted(failed):
                message, left = batch[number]
                if left > 1:
                    waiting.append((message, left - 1))
                else:
                    result.dead_letters.append(message)
            under_way -= len(batch)
            changed.notify_all()
        progress(len(batch) - len(failed))

    def poll(function: Function) -> None:
        while batch := take():
            answer = function.invoke(ses.sqs_event(*(message for message, _ in batch)))
            if "answer" in answer:
                ids = [failure["itemIdentifier"] for failure in answer["answer"]["batchItemFailures"]]
                settle(batch, {int(each.removeprefix("sqs-")) for each in ids}, whole=False)
            else:
                settle(batch, set(range(len(batch))), whole=True)

    with ThreadPoolExecutor(len(functions)) as pool:
        list(pool.map(poll, functions))
    return result
