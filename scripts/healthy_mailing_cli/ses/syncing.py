"""The steps that bring the table and SES's own suppression list together, one address after the other."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from healthy_mailing.evidence import Mark, evidence_of
from healthy_mailing.item import PUSHED
from healthy_mailing.row import Outcome
from healthy_mailing.table import Table, TableError
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.ses.difference import Known, Pushed, may_go, suppression
from healthy_mailing_cli.ses.suppression_list import Entry, SuppressionList
from healthy_mailing_cli.shell import errors, output
from healthy_mailing_cli.shell.connection import WINDOW, step_deadline
from healthy_mailing_cli.table.annotating import annotate


class Result(StrEnum):
    """What becomes of an address, as ``--json`` says it."""

    MARKED = "marked"
    TAKEN_OFF = "takenOff"
    PUT = "put"
    LEFT = "left"
    CHANGED = "changed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an address.

    Where it failed, ``error`` is a code. ``message`` says why in a sentence, if an error of the table is not all.
    """

    address: str
    result: Result
    error: str = ""
    message: str = ""


@dataclass(frozen=True)
class Sync:
    """Carries out a plan, one address after the other, so that an interruption loses nothing."""

    table: Table
    suppressed: SuppressionList

    def mark(self, marks: Mapping[str, tuple[Mark, ...]]) -> Iterator[Done]:
        """Merge marks into the table."""
        for window in output.windows(marks.items(), WINDOW):
            for outcome in self.table.add({address: evidence_of(each) for address, each in window}, step_deadline()):
                yield Done(outcome.address, Result.FAILED if outcome.error else Result.MARKED, outcome.error)

    def take_off(self, address: str, entry: Entry) -> Done:
        """Take an entry that a push made off SES's list.

        The list and the table were read some time ago. Someone who complained since must not be mailed, so both are
        asked once more.
        """
        ((_, known),) = known_now(self.table, [address])
        if not may_go(address, known, self.suppressed.look_up(entry.spelling), self.table.rules):
            return Done(address, Result.CHANGED)
        with output.finishing():
            self.suppressed.remove(entry.spelling)
            return noted(note(self.table, address, None), Result.TAKEN_OFF)

    def put(self, address: str) -> Done:
        """Put an address on SES's list, if the table still says so, and note that in its item.

        An interruption while SES is asked leaves open whether the address is there. So it is noted all the same: the
        note does no harm if it is not, since an entry that another makes later has another time.
        """
        ((_, known),) = known_now(self.table, [address])
        reason = suppression(known.evidence, self.table.rules) if known else None
        if reason is None:
            return Done(address, Result.CHANGED)
        with output.finishing():
            try:
                at = self.suppressed.put(address, reason)
            except ValueError as error:
                message = f"SES refuses it: {str(error).rstrip('.')}"
                return Done(address, Result.FAILED, "RefusedBySes", message)
            except KeyboardInterrupt:
                note(self.table, address, Pushed(from_datetime(datetime.now(UTC)), reason))
                raise
            return noted(note(self.table, address, Pushed(at, reason)), Result.PUT)


def known_now(table: Table, addresses: Iterable[str]) -> Iterator[tuple[str, Known | None]]:
    """Yield what the table knows of addresses; None of an item that can't be read."""
    for window in output.windows(addresses, WINDOW):
        for address, item in table.read(window, step_deadline(), consistent=True).items():
            yield address, Known.of(item)


def note(table: Table, address: str, pushed: Pushed | None) -> Outcome:
    """Note a push in an address's item, or that it was undone."""
    return annotate(table, address, PUSHED, pushed.to_map() if pushed else None, step_deadline())


def noted(outcome: Outcome, result: Result) -> Done:
    """Return what became of an address once SES's list was changed and the table was to note it."""
    if not outcome.error or outcome.error == _NO_ITEM:
        return Done(outcome.address, result)
    why = errors.sentence(TableError(outcome.error))
    message = f"SES's list was changed, but the table could not note it. {why}"
    return Done(outcome.address, Result.FAILED, outcome.error, message)


_NO_ITEM = "ConditionalCheckFailed"  # it was forgotten meanwhile, and with it that a push put it on the list
