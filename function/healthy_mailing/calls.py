"""Calls AWS in parallel, with pauses between attempts, and never waits beyond a deadline.

A deadline is a time of ``time.monotonic()``, in seconds.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5  # seconds

_T = TypeVar("_T")
_R = TypeVar("_R")


class Calls:
    """Makes up to ``limit`` calls at once, each in a thread."""

    def __init__(self, limit: int) -> None:
        """Start no thread yet."""
        self._limit = limit
        self._threads = ThreadPoolExecutor(limit)

    def make(
        self, call: Callable[[_T], _R], arguments: Iterable[_T], deadline: float
    ) -> tuple[list[tuple[_T, _R]], list[_T]]:
        """Call with each argument. Return the arguments that finished in time, with their results, and the others.

        botocore may retry for longer than the function has left. Such a call is abandoned, and the next calls get new
        threads. If it writes after all, that does no harm: merging the same evidence again changes nothing.

        Raises the exception of any call that finished in time.
        """
        under_way = [(each, self._threads.submit(call, each)) for each in arguments]
        finished, late = wait([future for _, future in under_way], max(0, deadline - time.monotonic()))
        if late:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = ThreadPoolExecutor(self._limit)
        ended = [(each, future.result()) for each, future in under_way if future in finished]
        return ended, [each for each, future in under_way if future in late]


def is_past(deadline: float) -> bool:
    """Return whether the deadline has passed, so that nothing new may start."""
    return time.monotonic() >= deadline


def chunks(values: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Yield values in parts of up to a size, as many as one call takes."""
    return (values[start : start + size] for start in range(0, len(values), size))


def pause(attempt: int) -> None:
    """Sleep for a random part of a time that doubles with each attempt ("full jitter", AWS Builders' Library)."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt - 1, 10))
    time.sleep(random.uniform(0, longest))  # noqa: S311  (not for secrets)
