"""Waiting for what another process or thread brings about, which tells nobody when it has."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def until(probe: Callable[[], _T], seconds: float, pause: float = 0.05, *, found: Callable[[_T], object] = bool) -> _T:
    """Call ``probe`` until its value is what is waited for, and return the last value.

    Args:
        probe: Called at least once.
        seconds: The value after this time is the last one. It costs nothing when all is well, so be generous.
        pause: Seconds between two calls.
        found: Says of a value whether it is waited for; by default any that is true.
    """
    deadline = time.monotonic() + seconds
    while not found(value := probe()) and time.monotonic() < deadline:
        time.sleep(pause)
    return value
