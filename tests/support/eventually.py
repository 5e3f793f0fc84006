"""What another process or thread brings about in its own time."""

from collections.abc import Callable
from typing import Any

from harness.polling import until

SECONDS = 120
"""Only a test that fails waits so long; a busy machine must not make one fail."""


def eventually(probe: Callable[[], Any], expected: Any = True, seconds: float = SECONDS) -> None:  # noqa: FBT002  (a value to compare with)
    """Wait, up to a bound, until a probe returns what is expected; fail with the difference."""
    seen = until(probe, seconds, found=lambda value: value == expected)
    assert seen == expected
