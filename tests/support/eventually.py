"""Waiting for what another process or thread brings about in its own time."""

from collections.abc import Callable
from typing import Any, TypeVar

from harness.polling import until

SECONDS = 120
"""Only a test that fails waits so long; a busy machine must not make one fail."""

_T = TypeVar("_T")


def eventually(
    probe: Callable[[], _T],
    expected: Any = True,  # noqa: FBT002  (a value to compare with)
    *,
    found: Callable[[_T], object] | None = None,
) -> _T:
    """Wait until a probe returns what is expected, or a value that ``found`` accepts, and return it.

    After ``SECONDS``, fail with the difference or, with ``found``, the last value.
    """
    seen = until(probe, SECONDS, found=found or (lambda value: value == expected))
    if found:
        assert found(seen), seen
    else:
        assert seen == expected
    return seen
