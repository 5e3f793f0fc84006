"""``mailing clear-bounces``: bounces that say nothing about an address, such as those of a provider's outage.

Needs what decisions need. An outage needs ``dynamodb:Query`` on the index, or ``dynamodb:Scan`` on a table without it.
``--ses`` needs ``ses:ListSuppressedDestinations`` for an outage and for a selection, ``ses:GetSuppressedDestination``
for addresses, and ``ses:DeleteSuppressedDestination`` for all of these. Without ``--ses``, a few addresses are looked
up on SES's own list if ``ses:GetSuppressedDestination`` is allowed.
"""

import csv
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from healthy_mailing.address import AddressError, canonical
from healthy_mailing.evidence import MarkKind, Purpose, State
from healthy_mailing.item import REASON, Item, RecordError, evidence_in, state_of
from healthy_mailing.row import Outcome
from healthy_mailing.table import Table, TableError
from healthy_mailing.timestamp import from_datetime, to_utc
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.commands.decide import WINDOW, check_note, decided_by
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.lists.files import Part
from healthy_mailing_cli.lists.formats import reading
from healthy_mailing_cli.lists.formats.reading import Sheet
from healthy_mailing_cli.lists.formats.rows import guarded, unguarded
from healthy_mailing_cli.ses.suppression_list import Asking, Entry, Reason, SuppressionList
from healthy_mailing_cli.shell import errors, output
from healthy_mailing_cli.shell.addresses import canonical_domain
from healthy_mailing_cli.shell.connection import Connection, step_deadline
from healthy_mailing_cli.shell.explanation import moment, other_row
from healthy_mailing_cli.shell.filters import time_of
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.stack import Place
from healthy_mailing_cli.table import clearing, lookups
from healthy_mailing_cli.table.outage import Clearing, Outage, find_caused_by

_COLUMNS = ("address", "until", "bounced", "reason", "diagnostic", "then", "ses")
_TABLE = "table"
_LISTED_LATE = timedelta(hours=1)
"""For how long after a bounce SES may put its address on the list."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Cleared = Annotated[
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
        shown: What else a person sees: the columns between these.
        spelling: How else a row of the table may spell the address; empty if not.
    """

    address: str
    until: str
    ses: str = ""
    shown: tuple[str, ...] = ("",) * (len(_COLUMNS) - 3)
    spelling: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the row as ``_COLUMNS``; what mail servers wrote is made safe to show."""
        return (self.spelling or self.address, self.until, *map(output.printable, self.shown), self.ses)


@dataclass
class _Totals:
    """What is in a selection.

    Attributes:
        seen: The addresses.
        listed: How many are to be taken off SES's list.
        first: The first few addresses.
        then: How many will get which mail, as far as that is known.
        kept: Those that stay on SES's list, as far as that is known.
    """

    seen: set[str] = field(default_factory=set)
    listed: int = 0
    first: list[str] = field(default_factory=list)
    then: Counter[str] = field(default_factory=Counter)
    kept: set[str] = field(default_factory=set)

    @property
    def addresses(self) -> int:
        """How many addresses."""
        return len(self.seen)


@options.connected
def clear_bounces(
    connection: Connection,
    given: Cleared = None,
    begin: Begin = "",
    end: End = "",
    domain: Domain = None,
    diagnostic: Diagnostic = "",
    grace: Grace = "1h",
    selection: Selection = None,
    ses: Ses = False,
    note: options.Note = "",
    function: options.Function = None,
    column: options.Column = None,
    encoding: options.Encoding = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Undo bounces of good addresses, such as an outage's.

    Complaints, opt-outs and a person's decision stay in force, and so do bounces newer than the outage. An address that
    another bounce blocks too is left alone.

    For an outage, write what would be cleared with --dry-run --selection FILE, look at it, take rows out if you must,
    and give it back with --selection FILE. With --ses, an address is also found that SES itself suppresses since the
    outage, and has not sent to since; and what is in the file is looked up on SES's list now. Exits with 1 if a bounce
    still keeps mail back from an address.
    """
    check_note(note)
    problems: list[tuple[str, str]] = []
    kept: set[str] = set()
    table = connection.open(connection.rules(function))
    suppressed = SuppressionList(connection) if ses else None
    # A selection is of one table; applied to another, it would hide bounces there that nobody looked at.
    arn = Place.of(connection).arn("dynamodb", f"table/{connection.table}") if selection else ""
    match _chosen(given, begin, end, None if dry_run else selection):
        case "addresses":
            read = addresses.canonical_ones(given or (), column, encoding)
            problems += read.problems
            rows = _of_addresses(table, read, suppressed, problems, kept, dry_run=dry_run)
        case "time":
            domains = frozenset(canonical_domain(each) for each in domain or ())
            outage = Outage(*_times(begin, end, grace), domains, _pattern(diagnostic))
            rows = _of_outage(table, outage, suppressed)
        case _:
            assert selection is not None, "it was chosen"  # noqa: S101  (for the type checker)
            # Bounces further ahead than any clock are yet to come.
            rows = _in_file(selection, latest=from_datetime(datetime.now(UTC) + timedelta(days=1)), table=arn)
            rows = rows if suppressed is None else _looked_up(rows, suppressed, kept)
    with _kept(selection if dry_run else None) as path:
        totals = _write(path, rows, as_json=as_json and dry_run, ses=ses, table=arn)
        totals.kept |= kept
        for text, problem in problems:
            output.note(f"{text}: {problem}")
        failed = 0
        if dry_run:
            _tell(totals, selection, ses=ses, as_json=as_json)
        elif totals.addresses:
            if totals.addresses > output.FEW or (ses and totals.listed):
                options.confirm(f"{_what(totals, ses=ses)}?", yes=yes)
            clear = Clear(table, suppressed, connection.caller(), note)
            is_told = ses or _ask_about_few(connection, path, totals)
            failed = _clear_all(clear, _in_file(path), totals, is_told=is_told, as_json=as_json)
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
    for page in find_caused_by(table, outage, listed=since):
        for found in page:
            # What stays blocked here may stay on SES's list too.
            spellings = listed.get(found.address, {}) if found.transactional is State.ENABLE else {}
            for spelling in spellings or [""]:
                yield Row(found.address, found.at, spelling, _told(found), _otherwise(found.key, found.address))


def _told(found: Clearing) -> tuple[str, ...]:
    bounce = found.bounce
    then = "all mail" if found.state is State.ENABLE else "no mail"
    if then == "no mail" and found.transactional is State.ENABLE:
        then = "transactional mail"
    return bounce.at, bounce.get("subType"), bounce.get("diagnosticCode"), then


def _of_addresses(
    table: Table,
    given: addresses.Read,
    suppressed: SuppressionList | None,
    problems: list[tuple[str, str]],
    kept: set[str],
    *,
    dry_run: bool,
) -> Iterator[Row]:
    """Yield rows for each address, with its bounces so far; with ``dry_run`` only for those that have any.

    ``problems`` gets those of which nothing is known, and ``kept`` those that are on SES's list for a complaint.
    """
    now = from_datetime(datetime.now(UTC))
    for address, item in _known(table, given, problems):
        spellings = sorted(given.spellings.get(address, ()))
        entries = list(suppressed.find([address, *spellings])) if suppressed else []
        kept |= {address for entry in entries if entry.reason is not Reason.BOUNCE}
        until, has_bounces = now, True
        with suppress(RecordError):  # the table will say so when it is to be changed
            evidence = evidence_in(item)
            until = max(now, clearing.newest_bounce(evidence))  # SES's clock, or another, may be ahead
            has_bounces = clearing.has_bounces(evidence)
        listed = [entry.spelling for entry in entries if entry.reason is Reason.BOUNCE]
        if dry_run and not has_bounces and not listed:
            continue
        for spelling, entry in zip_longest(spellings or [""], listed or [""], fillvalue=""):
            yield Row(address, until, entry, spelling=spelling)


def _known(table: Table, given: addresses.Read, problems: list[tuple[str, str]]) -> Iterator[tuple[str, Item]]:
    """Yield the addresses of which something is known, with their items; ``problems`` gets the others."""
    for window in output.windows(given.addresses, WINDOW):
        items = table.read(window, step_deadline(), spellings=given.spellings, consistent=True)
        unknown = [address for address in window if items[address] is None]
        beside = lookups.rows_beside(table, unknown, step_deadline(), spellings=given.spellings)
        for address in window:
            if (item := items[address]) is not None:
                yield address, item
                continue
            problem = "nothing is known of it, so there is nothing to clear"
            if other := next((other_row(address, each, "clear-bounces") for each in beside.get(address, ())), ""):
                problem = f"{problem}. {other}"
            problems.append((address, problem))


def _otherwise(spelling: str, address: str) -> str:
    return "" if spelling == address else spelling


def _looked_up(rows: Iterable[Row], suppressed: SuppressionList, kept: set[str]) -> Iterator[Row]:
    """Yield the rows of a selection with what SES's list has of them now; ``kept`` gets who is to stay on it.

    That is who is on it for a complaint, whom another mark keeps from mail, and who came onto it after the outage.
    """
    entries: dict[str, list[Entry]] = {}
    with output.progress("SES's list") as counter:
        for entry in suppressed.entries():
            counter.add()
            with suppress(AddressError):  # the table has no such address
                entries.setdefault(canonical(entry.spelling), []).append(entry)
    for row in rows:
        found = entries.get(row.address, [])
        off = {
            entry.spelling
            for entry in found
            if entry.reason is Reason.BOUNCE
            and row.shown[-1] != "no mail"
            and datetime.fromisoformat(entry.at) <= datetime.fromisoformat(row.until) + _LISTED_LATE
        }
        if len(off) < len(found):
            kept.add(row.address)
        # A row that names a spelling is one of several of its address.
        for spelling in ([row.ses] if row.ses in off else [""]) if row.ses else sorted(off) or [""]:
            yield replace(row, ses=spelling)


def _ask_about_few(connection: Connection, path: Path, totals: _Totals) -> bool:
    """See which of a few addresses are on SES's list, and return whether that could be told."""
    if totals.addresses > output.FEW:
        return False
    ask = Asking(connection)
    for row in _in_file(path):
        told = ask(dict.fromkeys((row.address, row.spelling or row.address)))
        if told.entries:
            totals.kept.add(row.address)
        if told.problem:
            return False
    return True


@contextmanager
def _kept(path: Path | None) -> Iterator[Path]:
    """Give a file for a selection, however large; one without a path is gone after the ``with`` block."""
    if path is not None:
        yield path
        return
    with TemporaryDirectory() as folder:
        yield Path(folder) / "selection.csv"


def _write(path: Path, rows: Iterable[Row], *, as_json: bool, ses: bool, table: str = "") -> _Totals:
    """Write a selection of a table, given by its ARN, and return what is in it."""
    totals = _Totals()
    with output.replacing(path) as file, output.progress("Found") as counter:
        writer = csv.writer(file)
        writer.writerow([*_COLUMNS, _TABLE])
        for row in rows:
            writer.writerow([*map(guarded, row.cells()), table])
            totals.listed += bool(row.ses)
            if row.ses and not ses:
                totals.kept.add(row.address)
            if row.address not in totals.seen:
                counter.add()
                totals.seen.add(row.address)
                totals.then[row.shown[-1]] += 1
                if len(totals.first) < output.FEW:
                    totals.first.append(row.address)
            if as_json:
                cells = {name: cell for name, cell in zip(_COLUMNS, row.cells(), strict=True) if cell}
                output.ndjson(cells | {"address": row.address})
    return totals


def _in_file(path: Path, latest: str = "9999", table: str = "") -> Iterator[Row]:
    """Yield the rows of a selection, none of which hides bounces that are later than a time.

    Raises:
        CommandError: It is none, or one of another table than the one of an ARN.
    """
    with Part(path, "", "").opened() as file:
        found = reading.sheet(file)
        header = found.header if isinstance(found, Sheet) else None
        names = [cell.strip().lower() for cell in header.cells] if header else []
        if not isinstance(found, Sheet) or not {"address", "until"} <= set(names):
            raise CommandError(
                f"{path} is not a selection that --dry-run wrote: it lacks the columns address and until"
            )
        for record in found.records:
            cells = dict(zip(names, map(unguarded, record.cells), strict=False))
            written_for = cells.get(_TABLE, "")
            if table and written_for not in {"", table}:
                raise CommandError(
                    f"{path} was written for the table {written_for}, not for {table}: name that one with --table and "
                    "--region, or write another with --dry-run"
                )
            try:
                yield _row_of(cells, record.problem, latest)
            except ValueError as error:
                raise CommandError(f"{path}, line {record.line}: {error}") from None


def _row_of(cells: Mapping[str, str], problem: str, latest: str) -> Row:
    if problem:
        raise ValueError(problem)
    text = cells.get("address", "").strip()
    address = canonical(text)
    until = min(to_utc(cells.get("until", "").strip()), latest)
    return Row(
        address,
        until,
        cells.get("ses", ""),
        tuple(cells.get(name, "") for name in _COLUMNS[2:-1]),
        _otherwise(text, address),
    )


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
        by_table = "" if ses else " by the table; --ses looks at SES's own list too"
        output.line(f"Then they may get {allowed}{by_table}.")
    if selection is None:
        output.note("--selection FILE writes all of them with their bounces.")
    else:
        too = " --ses" if ses else ""
        output.line(f"`mailing clear-bounces --selection {shlex.quote(str(selection))}{too}` clears what is in it.")


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

    def __call__(self, rows: Iterable[Row]) -> Iterator[tuple[Outcome, Item]]:
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
        for address, spellings in listed.items():
            yield from self._take_off(address, spellings, until[address], others)

    def _take_off(
        self, address: str, listed: Iterable[str], until: str, others: Mapping[str, set[str]]
    ) -> list[tuple[Outcome, Item]]:
        """Take an address off SES's list, in some spellings, and clear its bounces until then.

        While it was on the list, SES sent nothing to it, so all its bounces since the outage say just that. An
        interruption in between would leave it off the list and blocked, and no later run would find it.
        """
        assert self.suppressed is not None, "else there is nothing to take off"  # noqa: S101  (for the type checker)
        now = _now()
        with output.finishing():
            try:
                for spelling in dict.fromkeys(listed):
                    removed = self.suppressed.remove(spelling)
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


def _clear_all(clear: Clear, rows: Iterable[Row], totals: _Totals, *, is_told: bool, as_json: bool) -> int:
    """Clear, say what followed, and return how many could not be cleared, or still have a bounce in force.

    ``is_told`` says whether SES was asked about its own list.
    """
    done = _Done()
    with output.progress("Clear") as counter:
        counter.expect(totals.addresses)
        for window in output.windows(rows, WINDOW):
            for outcome, item in clear(window):
                counter.add()
                result = _result(outcome, item, clear.table, totals.kept)
                done.add(outcome, item, result)
                if as_json:
                    output.ndjson({"address": outcome.address, "result": result, **_followed(outcome, item)})
                elif outcome.error:
                    output.note(f"{outcome.address}: not cleared. {errors.sentence(TableError(outcome.error))}.")
                elif row := other_row(outcome.address, item, "clear-bounces" if result == "bounced" else "explain"):
                    output.note(f"{outcome.address}: {row}")
    if not as_json:
        done.tell(is_told=is_told)
    return sum(result in _FAILURES for result in done.results.values())


@dataclass
class _Done:
    """What clearing came to.

    Attributes:
        results: By address, a key of ``_RESULTS``.
        blocked: How many get no bulk mail for another reason than bounces that were cleared, by reason.
        until: The latest time until when bounces were cleared.
    """

    results: dict[str, str] = field(default_factory=dict)
    blocked: Counter[str] = field(default_factory=Counter)
    until: str = ""

    def add(self, outcome: Outcome, item: Item, result: str) -> None:
        """Count an address once, even if rows of it are far apart: its first result, unless one failed."""
        self.until = max(self.until, _cleared_until(outcome))
        if outcome.address in self.results and result not in _FAILURES:
            return
        self.results[outcome.address] = result
        if result in _BLOCKED and item:
            self.blocked[str(item.get(REASON))] += state_of(item, Purpose.BULK) is not State.ENABLE

    def tell(self, *, is_told: bool) -> None:
        """Say so."""
        counts = Counter(self.results.values())
        for result, words in _RESULTS.items():
            if counts[result]:
                asked = "" if is_told or result not in _MAIL else ", unless SES's own list has them, which --ses tells"
                output.line(f"{words}{asked}: {counts[result]:,}.")
        if blocked := ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.blocked.items()) if count):
            output.line(f"Still not mailed: {blocked}.")
        if self.until > from_datetime(datetime.now(UTC) + _AHEAD):
            output.note(
                f"Bounces until {moment(self.until)} do not count, those to come too: one that is known is dated later "
                "than now."
            )


_RESULTS = {
    "all mail": "May get all mail again",
    "transactional mail": "May get transactional mail again, since only an opt-out is in force",
    "listed": "The table allows mail again, but SES's own list does not",
    "unchanged": "Cleared, and otherwise as before",
    "cleared before": "Had been cleared",
    "nothing": "Nothing to clear",
    "bounced": "Cleared, but a bounce still keeps mail back",
    "failed": "Not cleared; run the command again",
}
_MAIL = frozenset({"all mail", "transactional mail"})
_BLOCKED = frozenset({"unchanged", "cleared before", "nothing", "bounced"})
_FAILURES = frozenset({"failed", "bounced"})

_AHEAD = timedelta(seconds=1)
"""How far ahead a clearing may be that no bounce is the reason for: SES tells its time to the second."""


def _followed(outcome: Outcome, item: Item) -> dict[str, object]:
    if outcome.error:
        return {**errors.as_json(outcome.error)}
    bulk, transactional = (state_of(item, purpose) if item else State.ENABLE for purpose in Purpose)
    followed = {"state": bulk, "transactional": transactional, "reason": item.get(REASON)}
    until = _cleared_until(outcome)
    return followed | decided_by(outcome.address, item) | ({"until": until} if until else {})


def _cleared_until(outcome: Outcome) -> str:
    """Return until when bounces were cleared just now; empty if none were."""
    mark = evidence_in(outcome.item).get(MarkKind.BOUNCES_CLEARED) if outcome.written else None
    return mark.at if mark else ""


def _result(outcome: Outcome, item: Item, table: Table, kept: set[str]) -> str:
    """Return what clearing came to for an address, a key of ``_RESULTS``; ``kept`` are those on SES's own list."""
    if outcome.error:
        return "failed"
    if clearing.is_kept_back_by_bounces(item, table.rules):
        return "bounced"
    if outcome.address in kept and state_of(item, Purpose.TRANSACTIONAL) is State.ENABLE:
        return "listed"
    if not outcome.written:
        return "cleared before" if MarkKind.BOUNCES_CLEARED in outcome.held else "nothing"
    if outcome.change and outcome.change.before is not None:
        for purpose in Purpose:
            if state_of(item, purpose) is State.ENABLE:
                return f"{'all' if purpose is Purpose.BULK else purpose} mail"
    return "unchanged"
