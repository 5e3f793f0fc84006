"""Clears bounces, first on SES's own list where that is wanted, and says what that came to for each address."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from healthy_mailing.evidence import MarkKind, Purpose, State
from healthy_mailing.item import REASON, Item, evidence_in, state_of
from healthy_mailing.row import Outcome
from healthy_mailing.table import Table
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.decisions.selection import Contents, Selected
from healthy_mailing_cli.ses.suppression_list import SuppressionList
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import WINDOW, step_deadline
from healthy_mailing_cli.shell.explanation import followed, moment, other_row
from healthy_mailing_cli.shell.outcomes import Failures, Outcomes
from healthy_mailing_cli.table import clearing, lookups

RESULTS = {
    "allMail": "May get all mail again: {}.",
    "transactionalMail": "May get transactional mail again, since only an opt-out is in force: {}.",
    "listed": "The table allows mail again, but SES's own list does not: {}.",
    "unchanged": "Cleared; state unchanged: {}.",
    "clearedBefore": "Already cleared: {}.",
    "nothing": "Nothing to clear: {}.",
    "bounced": "Cleared, but a bounce still keeps mail back: {}.",
    "failed": "Not cleared; run the command again: {}.",
}
"""What clearing comes to for an address, and how the sum says it."""

_UNFINISHED = ("bounced", "failed")
_BLOCKED = ("unchanged", "clearedBefore", "nothing", "bounced")

_AHEAD = timedelta(seconds=1)
"""How far ahead a clearing may be that no bounce is the reason for: SES tells its time to the second."""


@dataclass(frozen=True)
class Clear:
    """How to clear."""

    table: Table
    suppressed: SuppressionList | None  # SES's own list; None if it is to be left alone
    by: str  # who clears
    note: str  # why

    def __call__(self, rows: Iterable[Selected]) -> Iterator[tuple[Outcome, Item]]:
        """Clear what is in some rows, and yield what became of each address, with the item by which lookups answer."""
        listed: dict[str, list[str]] = {}
        until: dict[str, str] = {}
        others: dict[str, set[str]] = {}
        for row in rows:
            until[row.address] = max(row.until, until.get(row.address, ""))
            if row.spelling:
                others.setdefault(row.address, set()).add(row.spelling)
            if self.suppressed and row.ses:
                listed.setdefault(row.address, []).append(row.ses)
        yield from self._mark({address: at for address, at in until.items() if address not in listed}, others, _now())
        if self.suppressed is not None:
            for address, spellings in listed.items():
                yield from self._take_off(self.suppressed, address, spellings, until[address], others)

    def _take_off(
        self,
        suppressed: SuppressionList,
        address: str,
        listed: Iterable[str],
        until: str,
        others: Mapping[str, set[str]],
    ) -> list[tuple[Outcome, Item]]:
        """Take an address off SES's list, in some spellings, and clear its bounces until then.

        While it was on the list, SES sent nothing to it, so all its bounces since the outage say just that. An
        interruption in between would leave it off the list and blocked, and no later run would find it.
        """
        now = _now()
        with output.finishing():
            try:
                for spelling in dict.fromkeys(listed):
                    removed = suppressed.remove(spelling)
                    until, now = max(until, removed), max(now, removed)
            finally:
                outcomes = self._mark({address: until}, others, now, always=True)
        return outcomes

    def _mark(
        self, until: Mapping[str, str], others: Mapping[str, set[str]], now: str, *, always: bool = False
    ) -> list[tuple[Outcome, Item]]:
        if not until:
            return []
        outcomes = clearing.clear_bounces(
            self.table, until, step_deadline(), now=now, by=self.by, note=self.note, spellings=others, always=always
        )
        return lookups.weighed(self.table, outcomes, step_deadline(), spellings=others)


def _now() -> str:
    return from_datetime(datetime.now(UTC))


def clear_all(clear: Clear, rows: Iterable[Selected], contents: Contents, *, is_told: bool, as_json: bool) -> bool:
    """Clear, print what followed, and return whether no bounce is left in force.

    ``is_told`` says whether SES was asked about its own list.
    """
    words = dict(RESULTS)
    if not is_told:
        for result in ("allMail", "transactionalMail"):
            words[result] = words[result].replace(":", ", unless SES's own list has them, which --ses tells:")
    outcomes = Outcomes(words, as_json, Failures("not cleared"), _UNFINISHED)
    results: dict[str, str] = {}
    blocked, latest = Counter[str](), ""
    with output.progress("Clear") as counter:
        counter.expect(len(contents.seen))
        for window in output.windows(rows, WINDOW):
            for outcome, item in clear(window):
                counter.add()
                address, until = outcome.address, _cleared_until(outcome)
                result = _result(outcome, item, clear.table, contents.kept)
                fields = {} if outcome.error else followed(address, item) | ({"until": until} if until else {})
                other = other_row(address, item, "clear-bounces" if result == "bounced" else "explain")
                notes = [other] if other and not outcome.error else []
                outcomes.add(address, result, error=outcome.error, fields=fields, notes=notes)
                latest = max(latest, until)
                # Rows of it may be far apart: then its first result counts, unless something is left to do.
                if address in results:
                    outcomes.counts[results[address] if result in _UNFINISHED else result] -= 1
                    if result not in _UNFINISHED:
                        continue
                results[address] = result
                if result in _BLOCKED and item and state_of(item, Purpose.BULK) is not State.ENABLE:
                    blocked[str(item.get(REASON))] += 1
    outcomes.sum_up()
    if blocked and not as_json:
        output.line(f"Still blocked: {', '.join(f'{reason} {count:,}' for reason, count in sorted(blocked.items()))}.")
    if latest > from_datetime(datetime.now(UTC) + _AHEAD) and not as_json:
        output.note(
            f"Bounces until {moment(latest)} do not count, those to come too: one that is known is dated later than "
            "now."
        )
    return outcomes.is_done


def _cleared_until(outcome: Outcome) -> str:
    """Return until when bounces were cleared just now; empty if none were."""
    mark = evidence_in(outcome.item).get(MarkKind.BOUNCES_CLEARED) if outcome.written else None
    return mark.at if mark else ""


def _result(outcome: Outcome, item: Item, table: Table, kept: Collection[str]) -> str:
    """Return what clearing came to for an address, a key of ``RESULTS``; ``kept`` are those on SES's own list."""
    if outcome.error:
        return "failed"
    if clearing.is_kept_back_by_bounces(item, table.rules):
        return "bounced"
    if outcome.address in kept and state_of(item, Purpose.TRANSACTIONAL) is State.ENABLE:
        return "listed"
    if not outcome.written:
        return "clearedBefore" if MarkKind.BOUNCES_CLEARED in outcome.held else "nothing"
    if outcome.change and outcome.change.before is not None:
        for purpose in Purpose:
            if state_of(item, purpose) is State.ENABLE:
                return "allMail" if purpose is Purpose.BULK else "transactionalMail"
    return "unchanged"
