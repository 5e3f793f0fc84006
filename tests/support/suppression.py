"""SES's suppression list on the embedded emulator."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any


@contextmanager
def listed_at(sesv2: Any, at: datetime) -> Iterator[None]:
    """Let what a client puts on the list count as put there at this time, for a ``with`` block.

    By a header that the emulator reads (``scripts/harness/emulators/embedded/ministack_gaps/ses.py``); SES has no such.
    """

    def mark(request: Any, **_: object) -> None:
        request.headers["X-Harness-Last-Update-Time"] = at.isoformat()

    event = "before-sign.sesv2.PutSuppressedDestination"
    sesv2.meta.events.register(event, mark)
    try:
        yield
    finally:
        sesv2.meta.events.unregister(event, mark)
