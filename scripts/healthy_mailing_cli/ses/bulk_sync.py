"""The steps that bring the table and SES's own suppression list together, many addresses at a time, by import jobs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from healthy_mailing.row import Outcome
from healthy_mailing.table import Table
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.ses.difference import Known, Pushed, may_go, suppression
from healthy_mailing_cli.ses.import_jobs import MOST, Action, Batch, Ended, ImportJobs
from healthy_mailing_cli.ses.suppression_list import Entry, SesReason, SuppressionList
from healthy_mailing_cli.ses.syncing import Done, Result, known_now, note, noted
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import WINDOW

_THREADS = 16
_JOB_FAILED = "ImportJobFailed"
_TOLERANCE = timedelta(seconds=5)  # by how much the clocks of S3 and of SES may differ


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

        def reason(_: str, known: Known) -> SesReason | None:
            return suppression(known.evidence, self.table.rules)

        return self._carried_out(Action.PUT, addresses, reason, self._put)

    def take_off(self, entries: Mapping[str, Entry], since: str) -> Iterator[Done]:
        """Take entries that a push made off SES's list.

        Both sides are asked once more: the table for each address, and SES for what changed on its list ``since`` it
        was read. Someone who complained meanwhile must not be mailed.
        """
        changed = {entry.spelling: entry for entry in self.suppressed.since(since)}

        def reason(address: str, known: Known) -> SesReason | None:
            entry = entries[address]
            is_changed = changed.get(address, entry) != entry
            return None if is_changed or not may_go(address, known, entry, self.table.rules) else entry.reason

        return self._carried_out(Action.DELETE, entries, reason, self._took_off)

    def settle(self, jobs: Iterable[Ended], entries: Mapping[str, Sequence[Entry]]) -> None:
        """Note what jobs of earlier runs did, by SES's list as it is now, by canonical address."""
        for ended in jobs:
            batch = ended.job.batch
            now = {entry.spelling: entry for each in batch.reasons for entry in entries.get(each, ())}
            if batch.action is Action.PUT:
                outcomes = self._note(_made(ended, now))
            else:
                outcomes = self._note(dict.fromkeys(batch.reasons.keys() - now))
            if all(noted(each, Result.PUT).result is Result.PUT for each in outcomes):
                self.jobs.forget(ended.job)

    def _carried_out(
        self,
        action: Action,
        addresses: Iterable[str],
        reason: Callable[[str, Known], SesReason | None],
        done: Callable[[Ended], Iterator[Done]],
    ) -> Iterator[Done]:
        """Carry out an action by jobs, for the addresses that there still is a reason for; ``done`` notes each job."""
        for ended in self.jobs.carry_out(self._batches(action, addresses, reason)):
            yield from self._left()
            yield from done(ended)
        yield from self._left()

    def _batches(
        self, action: Action, addresses: Iterable[str], reason: Callable[[str, Known], SesReason | None]
    ) -> Iterator[Batch]:
        for part in output.windows(addresses, MOST[action]):
            reasons: dict[str, SesReason] = {}
            for address, known in known_now(self.table, part):
                if known and (found := reason(address, known)):
                    reasons[address] = found
                else:
                    self._changed.append(Done(address, Result.CHANGED))
            if reasons:
                yield Batch(action, reasons)

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
        with ThreadPoolExecutor(_THREADS) as threads:
            for window in output.windows(pushed.items(), WINDOW):  # so that Ctrl-C need not wait for all
                yield from threads.map(lambda each: note(self.table, *each), window)


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
