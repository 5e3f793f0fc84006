"""SES's suppression list: on the embedded emulator, and in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from healthy_mailing.evidence import Mark, evidence_of
from healthy_mailing.item import PUSHED
from healthy_mailing.table import Table
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.ses.suppression_list import Entry, SesReason
from healthy_mailing_cli.shell.connection import step_deadline
from healthy_mailing_cli.table.annotating import annotate


class FakeList:
    """The list in memory; something happens each time that an address is put there."""

    def __init__(self, *entries: Entry, at: str = "", on_put: Callable[[], object] = lambda: None) -> None:
        """Begin with some entries; ``at`` is the time of new ones, if not now."""
        self.held = {entry.spelling: entry for entry in entries}
        self._at = at
        self._on_put = on_put

    def entries(self) -> list[Entry]:
        """Return the list."""
        return list(self.held.values())

    def since(self, start: str) -> list[Entry]:
        """Return what is newer."""
        return [entry for entry in self.held.values() if entry.at >= start]

    def look_up(self, spelling: str) -> Entry | None:
        """Return an entry."""
        return self.held.get(spelling)

    def put(self, spelling: str, reason: SesReason, at: str = "") -> str:
        """Put an address there, and return when."""
        self._on_put()
        self.held[spelling] = Entry(spelling, at or self._at or from_datetime(datetime.now(UTC)), reason)
        return self.held[spelling].at

    def remove(self, spelling: str) -> str:
        """Take an address off, and return when."""
        return self.held.pop(spelling).at


def known(table: Table, address: str, *marks: Mark, pushed: Entry | None = None) -> None:
    """Let the table know marks of an address, and that a push made an entry."""
    assert not table.add({address: evidence_of(marks)}, step_deadline())[0].error
    if pushed:
        assert annotate(
            table, address, PUSHED, {"at": pushed.at, "reason": str(pushed.reason)}, step_deadline()
        ).written


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
