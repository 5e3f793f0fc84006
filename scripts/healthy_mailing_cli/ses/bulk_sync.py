"""The steps that bring the table and SES's own suppression list together, many addresses at a time, by import jobs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from healthy_mailing.item import PUSHED, RecordError
from healthy_mailing.row import Outcome
from healthy_mailing.table import Table
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.ses.difference import Known, Pushed, suppression
from healthy_mailing_cli.ses.import_jobs import MOST, Action, Batch, Ended, ImportJobs
from healthy_mailing_cli.ses.suppression_list import Entry, Reason, SuppressionList
from healthy_mailing_cli.ses.syncing import Done, Result, noted
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import WINDOW, step_deadline
from healthy_mailing_cli.table.annotating import annotate

_THREADS = 16
_JOB_FAILED = "ImportJobFailed"
_TOLERANCE = timedelta(seconds=5)
"""By how much the clocks of S3 and of SES may differ."""


@dataclass(frozen=True)
class BulkSync:
    """Carries out a plan by import jobs.

    An interruption loses nothing: what a job did is noted before its object goes, by the next run if need be.
    """

    table: Table
    suppressed: SuppressionList
    jobs: ImportJobs
    _changed: list[Done] = field(default_factory=list)

    def put(self, addresses: Iterable[str]) -> Iterator[Done]:
        """Put addresses on SES's list that the table still says should be there, and note those that SES took."""
        for ended in self.jobs.carry_out(self._to_put(addresses)):
            yield from self._left()
            yield from self._put(ended)
        yield from self._left()

    def take_off(self, entries: Sequence[tuple[str, Entry]], since: str) -> Iterator[Done]:
        """Take entries that a push made off SES's list.

        Both sides are asked once more: the table for each address, and SES for what changed on its list ``since`` it
        was read. Someone who complained meanwhile must not be mailed.
        """
        changed = {entry.spelling: entry for entry in self.suppressed.since(since)}
        for ended in self.jobs.carry_out(self._to_take_off(entries, changed)):
            yield from self._left()
            yield from self._took_off(ended)
        yield from self._left()

    def settle(self, ended: Ended, listed: Mapping[str, Sequence[Entry]]) -> None:
        """Note what a job of an earlier run did, by SES's list as it is now, by canonical address."""
        job = ended.job
        if job.batch.action is Action.PUT:
            entries = {entry.spelling: entry for each in job.batch.reasons for entry in listed.get(each, ())}
            outcomes = self._note(_made(ended, entries))
        else:
            spellings = {entry.spelling for each in job.batch.reasons for entry in listed.get(each, ())}
            outcomes = self._note(dict.fromkeys(job.batch.reasons.keys() - spellings))
        if all(noted(each, Result.PUT).result is Result.PUT for each in outcomes):
            self.jobs.forget(job)

    def _to_put(self, addresses: Iterable[str]) -> Iterator[Batch]:
        """Yield what is still to be put on the list."""
        for part in output.windows(addresses, MOST[Action.PUT]):
            reasons: dict[str, Reason] = {}
            for address, known in self._known(part):
                reason = suppression(known.evidence, self.table.rules) if known else None
                if reason is None:
                    self._changed.append(Done(address, Result.CHANGED))
                else:
                    reasons[address] = reason
            if reasons:
                yield Batch(Action.PUT, reasons)

    def _to_take_off(self, entries: Sequence[tuple[str, Entry]], changed: Mapping[str, Entry]) -> Iterator[Batch]:
        """Yield what may still be taken off."""
        for part in output.windows(entries, MOST[Action.DELETE]):
            reasons: dict[str, Reason] = {}
            held = dict(part)
            for address, known in self._known(list(held)):
                entry = held[address]
                if (
                    known is None
                    or suppression(known.evidence, self.table.rules) is not None
                    or known.pushed is None
                    or not known.pushed.made(address, entry)
                    or changed.get(entry.spelling, entry) != entry
                ):
                    self._changed.append(Done(address, Result.CHANGED))
                else:
                    reasons[entry.spelling] = entry.reason
            if reasons:
                yield Batch(Action.DELETE, reasons)

    def _known(self, addresses: Sequence[str]) -> Iterator[tuple[str, Known | None]]:
        """Yield what the table knows now; None of an item that can't be read."""
        for window in output.windows(addresses, WINDOW):
            for address, item in self.table.read(window, step_deadline(), consistent=True).items():
                try:
                    yield address, Known.of(item)
                except RecordError:
                    yield address, None

    def _left(self) -> Iterator[Done]:
        """Yield those that were left alone since the last call."""
        while self._changed:
            yield self._changed.pop()

    def _put(self, ended: Ended) -> Iterator[Done]:
        job = ended.job
        entries: dict[str, Entry] = {}
        if ended.processed or not ended.error:
            # The list alone tells exactly what SES took, and when: that is by what a later push knows its own entries.
            entries = {
                entry.spelling: entry
                for entry in self.suppressed.since(_later(job.since, -_TOLERANCE))
                if entry.spelling in job.batch.reasons
            }
        made = _made(ended, entries)
        done = [noted(outcome, Result.PUT) for outcome in self._note(made)]
        yield from done
        missing = [address for address in job.batch.reasons if address not in made]
        message = ended.error or "SES's list does not show it yet; the next run with --bucket looks again"
        error = _JOB_FAILED if ended.error else "NotListedYet"
        yield from (Done(address, Result.FAILED, error, message) for address in missing)
        if len(missing) <= ended.failed and all(each.result is Result.PUT for each in done):
            self.jobs.forget(job)

    def _took_off(self, ended: Ended) -> Iterator[Done]:
        spellings = ended.job.batch.reasons
        left: set[str] = set()
        if ended.error:
            # Which ones failed, SES does not say in a documented form.
            left = {entry.spelling for entry in self.suppressed.entries()} if ended.processed else set(spellings)
        gone = [spelling for spelling in spellings if spelling not in left]
        done = [noted(outcome, Result.TAKEN_OFF) for outcome in self._note(dict.fromkeys(gone))]
        yield from done
        yield from (Done(each, Result.FAILED, _JOB_FAILED, ended.error) for each in spellings if each in left)
        if all(each.result is Result.TAKEN_OFF for each in done):
            self.jobs.forget(ended.job)

    def _note(self, pushed: Mapping[str, Pushed | None]) -> Iterator[Outcome]:
        """Set the notes of addresses, or take them away."""

        def note(each: tuple[str, Pushed | None]) -> Outcome:
            address, made = each
            return annotate(self.table, address, PUSHED, made.to_map() if made else None, step_deadline())

        with ThreadPoolExecutor(_THREADS) as threads:
            for window in output.windows(pushed.items(), WINDOW):  # so that Ctrl-C need not wait for all
                yield from threads.map(note, window)


def _made(ended: Ended, entries: Mapping[str, Entry]) -> dict[str, Pushed]:
    """Return those entries, by spelling, that a job made: with its reason, and while it ran.

    Whether a mail made SES put an address there in that time, the list does not tell; the table has heard of it then.
    """
    since = _later(ended.job.since, -_TOLERANCE)
    until = _later(ended.until, _TOLERANCE) if ended.until else ""
    found = {}
    for address, reason in ended.job.batch.reasons.items():
        entry = entries.get(address)
        if entry is not None and entry.reason is reason and since <= entry.at <= (until or entry.at):
            found[address] = Pushed(entry.at, reason)
    return found


def _later(time: str, by: timedelta) -> str:
    return from_datetime(datetime.fromisoformat(time) + by)
