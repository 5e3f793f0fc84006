"""Locks between processes, which end with the process that holds them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError


@contextmanager
def alone(path: Path, refusal: str = "") -> Iterator[None]:
    """Let one process at a time into a ``with`` block, by a lock file. The others wait, or are refused.

    Raises:
        HarnessError: another process is in it, and there is a ``refusal``, which becomes the message.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if refusal else 0))
        except BlockingIOError as error:
            raise HarnessError(refusal) from error
        yield
