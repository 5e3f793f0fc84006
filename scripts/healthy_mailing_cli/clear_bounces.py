"""``mailing clear-bounces``: bounces that say nothing about an address, such as those of a provider's outage.

Needs what decisions need. An outage needs ``dynamodb:Query`` on the index, or ``dynamodb:Scan`` on a table without it.
``--ses`` needs ``ses:ListSuppressedDestinations`` for an outage, ``ses:GetSuppressedDestination`` for addresses, and
``ses:DeleteSuppressedDestination`` for both.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from healthy_mailing import operations
from healthy_mailing.address import AddressError, canonical
from healthy_mailing.evidence import Purpose, State
from healthy_mailing.operations import Clearing, Outage
from healthy_mailing.table import Outcome, Table, TableError
from healthy_mailing.timestamp import from_datetime, to_utc
from healthy_mailing_cli import addresses, errors, output
from healthy_mailing_cli.connection import Connection, Function, by_tomorrow, connected, soon
from healthy_mailing_cli.decide import WINDOW, Note, check_note
from healthy_mailing_cli.filters import time_of
from healthy_mailing_cli.output import CommandError
from healthy_mailing_cli.suppression_list import SuppressionList

_COLUMNS = ("address", "until", "bounced", "reason", "diagnostic", "then", "ses")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Given = Annotated[
    list[str] | None,
    typer.Argument(metavar="ADDRESS|FILE|-", help="Addresses whose bounces until now to clear; or give a time."),
]
Begin = Annotated[str, typer.Option("--from", help="When the outage began: 2020-12-14T22:16:00Z, or 2020-12-14.")]
End = Annotated[str, typer.Option("--to", help="When it ended.")]
Domain = Annotated[list[str] | None, typer.Option(help="Only addresses of this domain; may be given again.")]
Diagnostic = Annotated[
    str, typer.Option(metavar="REGEX", help="Only bounces whose diagnostic text this regular expression is found in.")
]
Grace = Annotated[str, typer.Option(help="For how long after the end bounces of the outage still came: 90m, 1h, 2d.")]
Selection = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="With --dry-run, where to write what would be cleared (CSV); else what to clear."
    ),
]
Ses = Annotated[bool, typer.Option("--ses", help="First take them off SES's own suppression list of the account.")]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a selection.

    Attributes:
        address: The canonical address.
        until: Until when its bounces are to be hidden.
        ses: How SES's own list spells it, if it is to be taken off; empty if not.
        told: What else a person sees: the columns between these.
    """

    address: str
    until: str
    ses: str = ""
    told: tuple[str, ...] = ("",) * (len(_COLUMNS) - 3)

    def cells(self) -> tuple[str, ...]:
        """Return the row as ``_COLUMNS``."""
        return (self.address, self.until, *self.told, self.ses)


@dataclass
class _Totals:
    """What is in a selection.

    Attributes:
        addresses: How many rows.
        listed: How many are to be taken off SES's list.
        first: The first few addresses.
        then: How many will get which mail, as far as that is known.
    """

    addresses: int = 0
    listed: int = 0
    first: list[str] = field(default_factory=list)
    then: Counter[str] = field(default_factory=Counter)


@connected
def clear_bounces(
    connection: Connection,
    given: Given = None,
    begin: Begin = "",
    end: End = "",
    domain: Domain = None,
    diagnostic: Diagnostic = "",
    grace: Grace = "1h",
    selection: Selection = None,
    ses: Ses = False,
    note: Note = "",
    function: Function = None,
    column: addresses.Column = None,
    encoding: addresses.Encoding = None,
    yes: output.Yes = False,
    dry_run: output.DryRun = False,
    as_json: output.AsJson = False,
) -> None:
    """Undo bounces of good addresses, such as an outage's.

    Complaints, opt-outs and a person's decision stay in force, and so do bounces newer than the outage. An address that
    another bounce blocks too is left alone.

    For an outage, write what would be cleared with --dry-run --selection FILE, look at it, take rows out if you must,
    and give it back with --selection FILE. With --ses, an address is also found that SES itself suppresses since the
    outage, and has not sent to since.
    """
    check_note(note)
    problems: list[tuple[str, str]] = []
    table = connection.open(connection.rules(function))
    suppressed = SuppressionList(connection) if ses else None
    match _chosen(given, begin, end, None if dry_run else selection):
        case "addresses":
            named = addresses.named(given or (), column, encoding, problems)
            rows = _of_addresses(table, named, suppressed, problems)
        case "time":
            domains = frozenset(addresses.canonical_domain(each) for each in domain or ())
            outage = Outage(*_times(begin, end, grace), domains, _pattern(diagnostic))
            rows = _of_outage(table, outage, suppressed)
        case _:
            assert selection is not None, "it was chosen"  # noqa: S101  (for the type checker)
            rows = _in_file(selection)
    with _kept(selection if dry_run else None) as path:
        totals = _write(path, rows, as_json=as_json and dry_run)
        for text, problem in problems:
            output.note(f"{text}: {problem}")
        failed = 0
        if dry_run:
            _tell(totals, selection, ses=ses, as_json=as_json)
        elif totals.addresses:
            if totals.addresses > output.FEW or (ses and totals.listed):
                output.confirm(f"{_what(totals, ses=ses)}?", yes=yes)
            clear = Clear(table, suppressed, connection.caller(), note)
            failed = _clear_all(clear, _in_file(path), totals.addresses, as_json=as_json)
            if totals.listed and not ses:
                output.note(f"SES's own list has {totals.listed:,} of them, so SES sends nothing to them: add --ses.")
        elif not as_json:
            output.line("Nothing to clear.")
    if failed or problems:
        raise typer.Exit(output.NO)


def _chosen(given: list[str] | None, begin: str, end: str, selection: Path | None) -> str:
    """Return what says which addresses: ``addresses``, ``time`` or ``selection``."""
    if bool(begin) != bool(end):
        raise CommandError("An outage has a beginning and an end: give both --from and --to")
    chosen = [name for name, there in (("addresses", given), ("time", begin), ("selection", selection)) if there]
    if len(chosen) != 1:
        raise CommandError(
            "Say which bounces: give addresses, or --from and --to, or --selection with a file that --dry-run wrote"
        )
    return chosen[0]


def _times(begin: str, end: str, grace: str) -> tuple[str, str]:
    """Return when an outage began and when its last bounce came, not in the future."""
    times = [time_of("--from", begin), time_of("--to", end, end=True)]
    length = re.fullmatch("([0-9]{1,4})([smhd])", grace)
    if length is None:
        raise CommandError(f"--grace {grace} is not a length of time such as 90m, 1h or 2d")
    now = datetime.now(UTC)
    # In the future nothing has bounced yet; nor can each time there be added to.
    last = min(datetime.fromisoformat(times[1]), now) + timedelta(**{_UNITS[length[2]]: int(length[1])})
    if times[0] > times[1]:
        raise CommandError(f"--from {begin} is later than --to {end}")
    if datetime.fromisoformat(times[0]) > now:
        raise CommandError(f"--from {begin} is in the future")
    return times[0], from_datetime(min(last, now))


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise CommandError(f"--diagnostic {text} is not a regular expression: {error}") from None


def _of_outage(table: Table, outage: Outage, suppressed: SuppressionList | None) -> Iterator[Row]:
    """Yield what an outage bounced."""
    listed: dict[str, dict[str, str]] = {}  # by canonical address, when SES listed it, by its spelling
    if suppressed is not None:
        with output.progress("SES's list") as counter:
            for entry in suppressed.bounced_between(outage.start, outage.end):
                counter.add()
                try:
                    listed.setdefault(canonical(entry.spelling), {})[entry.spelling] = entry.at
                except AddressError:
                    continue  # so the table has no such address
    since = {address: min(spellings.values()) for address, spellings in listed.items()}
    for page in operations.find_caused_by(table, outage, by_tomorrow(), listed=since):
        for found in page:
            # What stays blocked here may stay on SES's list too.
            spellings = listed.get(found.address, {}) if found.transactional is State.ENABLE else {}
            for spelling in spellings or [""]:
                yield Row(found.address, found.at, spelling, _told(found))


def _told(found: Clearing) -> tuple[str, ...]:
    bounce = found.bounce
    then = "all mail" if found.state is State.ENABLE else "no mail"
    if then == "no mail" and found.transactional is State.ENABLE:
        then = "transactional mail"
    return bounce.at, bounce.get("subType"), bounce.get("diagnosticCode"), then


def _of_addresses(
    table: Table, given: Iterable[tuple[str, str]], suppressed: SuppressionList | None, problems: list[tuple[str, str]]
) -> Iterator[Row]:
    """Yield a row for each address, with its bounces until now; ``problems`` gets those that have none to clear."""
    now = from_datetime(datetime.now(UTC))
    for text, address in _known(table, given, problems):
        entries = suppressed.find([address, parseaddr(text)[1] or address]) if suppressed else ()
        for spelling in [entry.spelling for entry in entries] or [""]:
            yield Row(address, now, spelling)


def _known(
    table: Table, given: Iterable[tuple[str, str]], problems: list[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Yield what is given where something is known, with the canonical address; ``problems`` gets the others."""
    for window in output.windows(given, WINDOW):
        for answer, (label, text) in zip(
            operations.check(table, [text for _, text in window], soon(), purpose=Purpose.BULK, consistent=True),
            window,
            strict=True,
        ):
            if answer.item is None:
                problems.append((label, answer.problem or "nothing is known of it, so there is nothing to clear"))
            else:
                yield text, answer.address


@contextmanager
def _kept(path: Path | None) -> Iterator[Path]:
    """Give a file for a selection, however large; one without a path is gone after the ``with`` block."""
    if path is not None:
        yield path
        return
    with TemporaryDirectory() as folder:
        yield Path(folder) / "selection.csv"


def _write(path: Path, rows: Iterable[Row], *, as_json: bool) -> _Totals:
    totals = _Totals()
    with output.replacing(path) as file, output.progress("Found") as counter:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for row in rows:
            writer.writerow(row.cells())
            counter.add()
            totals.addresses += 1
            totals.listed += bool(row.ses)
            totals.then[row.told[-1]] += 1
            if len(totals.first) < output.FEW:
                totals.first.append(row.address)
            if as_json:
                output.ndjson({name: cell for name, cell in zip(_COLUMNS, row.cells(), strict=True) if cell})
    return totals


def _in_file(path: Path) -> Iterator[Row]:
    """Yield the rows of a selection.

    Raises:
        CommandError: It is none.
    """
    now = from_datetime(datetime.now(UTC))
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.DictReader(file, delimiter=max(",;\t", key=first.count), restval="")
            if not {"address", "until"} <= set(reader.fieldnames or ()):
                raise CommandError(
                    f"{path} is not a selection that --dry-run wrote: it lacks the columns address and until"
                )
            for cells in reader:
                try:
                    told = tuple(cells.get(name) or "" for name in _COLUMNS[2:-1])
                    # Not in the future, where bounces are yet to come.
                    yield Row(
                        canonical(cells["address"]), min(to_utc(cells["until"]), now), cells.get("ses") or "", told
                    )
                except ValueError as error:
                    raise CommandError(f"{path}, line {reader.line_num}: {error}") from None
    except csv.Error as error:
        raise CommandError(f"{path}: {error}; is a quote not closed?") from None
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}") from None


def _what(totals: _Totals, *, ses: bool) -> str:
    count = output.counted(totals.addresses, "address")
    what = f"clear the bounces of {count}: {output.some(totals.first, totals.addresses)}"
    return f"{what}, and take {totals.listed:,} off SES's own list" if ses and totals.listed else what


def _tell(totals: _Totals, selection: Path | None, *, ses: bool, as_json: bool) -> None:
    if as_json:
        return
    if not totals.addresses:
        output.line("Nothing to clear.")
        return
    output.line(f"Without --dry-run: {_what(totals, ses=ses)}.")
    allowed = ", ".join(f"{then}: {count:,}" for then, count in sorted(totals.then.items()) if then)
    if allowed:
        output.line(f"Then they may get {allowed}.")
    if selection is None:
        output.note("--selection FILE writes all of them with their bounces.")
    else:
        output.line(f"`mailing clear-bounces --selection {selection}` clears what is in that file.")


@dataclass(frozen=True)
class Clear:
    """How to clear.

    Attributes:
        table: The table.
        suppressed: SES's own list; None if it is to be left alone.
        by: Who clears.
        note: Why.
    """

    table: Table
    suppressed: SuppressionList | None
    by: str
    note: str

    def __call__(self, rows: Iterable[Row]) -> Iterator[Outcome]:
        """Clear what is in some rows, and yield what became of each address."""
        listed = []
        until: dict[str, str] = {}
        for row in rows:
            if self.suppressed and row.ses:
                listed.append(row)
            else:
                until[row.address] = max(row.until, until.get(row.address, ""))
        yield from self._mark(until)
        for row in listed:
            yield from self._take_off(row)

    def _take_off(self, row: Row) -> list[Outcome]:
        """Take an address off SES's list, and clear its bounces until then.

        While it was on the list, SES sent nothing to it, so all its bounces since the outage say just that. An
        interruption in between would leave it off the list and blocked, and no later run would find it.
        """
        assert self.suppressed is not None, "else there is nothing to take off"  # noqa: S101  (for the type checker)
        until = row.until
        with output.finishing():
            try:
                until = max(until, self.suppressed.remove(row.ses))
            finally:
                outcomes = self._mark({row.address: until})
        return outcomes

    def _mark(self, until: dict[str, str]) -> list[Outcome]:
        return operations.clear_bounces(self.table, until, soon(), by=self.by, note=self.note) if until else []


def _clear_all(clear: Clear, rows: Iterable[Row], count: int, *, as_json: bool) -> int:
    """Clear, say so, and return how many could not be cleared."""
    done: Counter[str] = Counter()
    with output.progress("Clear") as counter:
        counter.expect(count)
        for window in output.windows(rows, WINDOW):
            for outcome in clear(window):
                counter.add()
                result = _result(outcome)
                done[result] += 1
                if as_json:
                    output.ndjson({"address": outcome.address, "result": result, **errors.told(outcome.error)})
                elif outcome.error:
                    output.note(f"{outcome.address}: not cleared. {errors.sentence(TableError(outcome.error))}.")
    if not as_json:
        for result, words in _RESULTS.items():
            if done[result]:
                output.line(f"{words}: {done[result]:,}.")
    return done["failed"]


_RESULTS = {
    "all mail": "May get all mail again",
    "transactional mail": "May get transactional mail again, since only an opt-out is in force",
    "unchanged": "Cleared, and otherwise as before",
    "cleared before": "Had been cleared",
    "failed": "Not cleared; run the command again",
}


def _result(outcome: Outcome) -> str:
    """Return what clearing came to for an address, a key of ``_RESULTS``."""
    if outcome.error:
        return "failed"
    if not outcome.written:
        return "cleared before"
    change = outcome.change
    if change and change.before is not None and State.ENABLE in {change.after, change.transactional}:
        return "all mail" if change.after is State.ENABLE else "transactional mail"
    return "unchanged"
