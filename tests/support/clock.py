"""A clock that only sleeping moves, so that a test of a deadline takes no time and does not depend on the machine."""

import threading


class Clock:
    """Stands in for the module ``time`` where the code under test looks at a deadline and sleeps."""

    def __init__(self) -> None:
        """Begin at some time."""
        self._now = 1000.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        """Return how much was slept."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on, and return at once."""
        with self._lock:
            self._now += seconds
