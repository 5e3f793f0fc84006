"""``mailing import``: other systems' lists, and our own export, into the table. ``docs/lists.md`` has the formats.

Needs ``dynamodb:BatchGetItem``, ``dynamodb:PartiQLInsert`` and ``dynamodb:PartiQLUpdate`` on the table, and
``lambda:GetFunctionConfiguration`` on the function, as decisions do; with ``--dry-run``, nothing.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import typer

from healthy_mailing.calls import pause
from healthy_mailing.evidence import Evidence, Mark, evidence_of, merge
from healthy_mailing.table import OUT_OF_TIME, UNREADABLE, Outcome, Table, TableError
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli import errors, files, output
from healthy_mailing_cli.connection import Connection, Function, connected, soon
from healthy_mailing_cli.files import Part
from healthy_mailing_cli.filters import time_of
from healthy_mailing_cli.formats import reading, sources
from healthy_mailing_cli.formats.reading import REFUSED, Listing, Row
from healthy_mailing_cli.formats.sources import FORMATS, Format, Reader, RowError, SkippedError, UnknownError
from healthy_mailing_cli.output import CommandError

WINDOW = 8_000
"""How many addresses are merged at a time: enough that all connections are busy most of the time."""

_SHOWN = 5
"""How many refused rows a person sees; all of them are in the file beside the list."""

_TRIES = 20
"""How often what DynamoDB throttles is tried in a row without any of it being written."""

_SLOWLY = 10
"""As if it were the tenth attempt: a pause of up to half a second."""

_NEVER = frozenset({UNREADABLE, "ValidationError", "ItemCollectionSizeLimitExceeded"})
"""Errors of a single address, which is left out then."""

_WORTH_ANOTHER_TRY = ("Throttl", "ThroughputExceeded", "LimitExceeded", "InternalServer", "Unavailable", "Timeout")
_WORTH_ANOTHER_TRY_WHOLE = frozenset({OUT_OF_TIME, "EndpointConnectionError", "ConnectionClosedError"})

Given = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Lists: CSV, JSON, plain; also in gzip or zip.")]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="FORMAT",
        help="What the lists are, if their columns do not tell: " + ", ".join(FORMATS) + ".",
        autocompletion=lambda incomplete: [name for name in FORMATS if name.startswith(incomplete)],
    ),
]
At = Annotated[str, typer.Option(help="The time of rows that have none: 2026-01-31T12:00:00Z.")]


@dataclass
class Tally:
    """What became of a list's rows.

    Attributes:
        rows: How many were read.
        marks: By kind, how many marks they became.
        skipped: By reason, those that mean nothing here.
        refused: How many could not be understood.
        shown: The first few of them, and why.
        results: By result, what became of the addresses.
    """

    rows: int = 0
    marks: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    shown: list[tuple[str, str]] = field(default_factory=list)
    results: Counter[str] = field(default_factory=Counter)


@connected
def import_list(
    connection: Connection,
    given: Given,
    as_format: As = None,
    at: At = "",
    function: Function = None,
    yes: output.Yes = False,
    dry_run: output.DryRun = False,
    as_json: output.AsJson = False,
) -> None:
    """Take other systems' lists, or an export, into the table.

    Each row becomes a mark and is merged like feedback. So importing twice changes nothing, and newer feedback wins.
    Rows that can't be understood go to FILE.refused.csv, with the reason; fix them there, and import that file.

    After an interruption, the same command goes on where it was.
    """
    time = _time(at)
    plan = [(part, _recognised(part, as_format, time)) for path in given for part in files.parts(path)]
    if not dry_run:
        what = ", ".join(f"{part} ({kind.title})" for part, kind in plan if kind)
        output.confirm(f"Import into {connection.table}: {what or 'nothing'}?", yes=yes)
    table = None if dry_run else connection.open(connection.rules(function))
    place = "" if dry_run else connection.place()
    failed = False
    for part, kind in plan:
        tally = Tally()
        if kind:
            writer = Writer(table, part, _of(place, part, kind, time)) if table else None
            take(part, kind, time, tally, writer)
        _tell(part, kind, tally, dry_run=dry_run, as_json=as_json)
        failed |= bool(tally.refused or tally.results["failed"])
    if failed:
        raise typer.Exit(output.NO)


def _time(text: str) -> str:
    time = time_of("--at", text) if text else ""
    if time > from_datetime(datetime.now(UTC)):
        raise CommandError(f"--at {text} is in the future")
    return time


def _recognised(part: Part, name: str | None, at: str) -> Format | None:
    """Return what a list is; None if it is empty."""
    with part.opened() as file:
        listing = reading.read(file)
        try:
            if not listing.names and next(listing.rows, None) is None:
                return None
            kind = sources.recognised(listing.names, name)
        except UnknownError as error:
            raise CommandError(f"{part} {error}") from None
    if kind.undated and not at:
        raise CommandError(f"{part}: rows of {kind.title} have no time. Say with --at when the list was made")
    return kind


def take(part: Part, kind: Format, at: str, tally: Tally, writer: "Writer | None") -> None:
    """Read a list and merge it; without a writer, only count."""
    with ExitStack() as stack:
        listing = reading.read(stack.enter_context(part.opened()))
        refused = stack.enter_context(RefusedRows(None if writer is None else part.beside(".refused.csv"), listing))
        counter = stack.enter_context(output.progress("Read" if writer is None else "Imported"))
        reader = Reader.of(kind, listing.names, at, from_datetime(datetime.now(UTC)))
        for window in windows(marks(listing, reader, tally, refused)):
            if writer is not None:
                writer.write(window, tally)
            counter.add(tally.rows - counter.done)
        if writer is not None:
            writer.end(tally)


def marks(
    listing: Listing, reader: Reader, tally: Tally, refused: "RefusedRows | None" = None
) -> Iterator[tuple[str, list[Mark]]]:
    """Yield the address and the marks of each row that has some, and count all."""
    counted = tally.marks
    for row in listing.rows:
        tally.rows += 1
        try:
            if row.problem:
                raise RowError(row.problem)  # noqa: TRY301  (it is told as all others are)
            found = reader.marks(row.fields)
        except RowError as error:
            tally.refused += 1
            if len(tally.shown) < _SHOWN:
                tally.shown.append((", ".join(reading.text_of(row.cells)), str(error)))
            if refused is not None:
                refused.add(row, str(error))
            continue
        except SkippedError as error:
            tally.skipped[str(error)] += 1
            continue
        for mark in found[1]:
            counted[mark.kind] += 1
        yield found


def windows(found: Iterator[tuple[str, list[Mark]]]) -> Iterator[dict[str, Evidence]]:
    """Yield evidence by address, of up to ``WINDOW`` addresses at a time."""
    window: dict[str, Evidence] = {}
    for address, each in found:
        evidence = {each[0].slot: each[0]} if len(each) == 1 else evidence_of(each)
        held = window.get(address)
        window[address] = evidence if held is None else merge(held, evidence)
        if len(window) == WINDOW:
            yield window
            window = {}
    if window:
        yield window


class RefusedRows:
    """Writes refused rows to a file, which appears once all are read; one of an earlier import goes."""

    def __init__(self, path: Path | None, listing: Listing) -> None:
        """Write nothing yet; without a path, never."""
        self._path = path
        self._header = listing.header
        self._stack = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let the file appear, unless something went wrong."""
        if self._path is not None and self._writer is None and kind is None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        self._stack.__exit__(kind, error, traceback)

    def add(self, row: Row, problem: str) -> None:
        """Write a row, and why it is refused."""
        if self._path is None:
            return
        if self._writer is None:
            self._writer = csv.writer(self._stack.enter_context(output.replacing(self._path)))
            self._writer.writerow((REFUSED, *map(reading.guarded, self._header)))
        self._writer.writerow((problem, *map(reading.guarded, reading.text_of(row.cells))))


class Writer:
    """Merges a list into the table, and keeps a note beside it of how far it is, to go on after an interruption."""

    def __init__(self, table: Table, part: Part, of: dict[str, str]) -> None:
        """Go on where an interrupted import ``of`` the same list into the same table was."""
        self._table = table
        self._part = part
        self._of = of
        self._path = part.beside(".progress")
        self._done = self._noted()
        self._failed = False
        self._notes = True
        if self._done:
            output.note(f"{part}: going on behind the first {self._done:,} rows, which are imported.")

    def write(self, window: dict[str, Evidence], tally: Tally) -> None:
        """Merge what the rows since the last call amount to; ``tally`` counts rows and results.

        Raises:
            TableError: DynamoDB takes nothing.
        """
        if tally.rows <= self._done:
            tally.results["imported before"] += len(window)
            return
        for outcome in merged(self._table, window):
            tally.results[_result(outcome)] += 1
            if outcome.error:
                self._failed = True
                output.note(f"{outcome.address}: not imported. {errors.sentence(TableError(outcome.error))}.")
        if not self._failed:
            self._note(tally.rows)

    def end(self, tally: Tally) -> None:
        """Forget how far it is, unless something is left to do."""
        if not tally.results["failed"]:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _note(self, rows: int) -> None:
        try:
            with output.replacing(self._path) as file:
                json.dump({**self._of, "rows": rows}, file)
        except CommandError as error:  # such as where lists can only be read
            if self._notes:
                output.note(f"{error}. If the import is interrupted, it begins again.")
            self._notes = False

    def _noted(self) -> int:
        try:
            noted = json.loads(self._path.read_text(encoding="utf-8"))
            return int(noted.pop("rows")) if noted.items() >= self._of.items() else 0
        except (OSError, ValueError, AttributeError, KeyError, TypeError):
            return 0


def merged(table: Table, evidence: dict[str, Evidence]) -> Iterator[Outcome]:
    """Merge evidence, by address, and yield what became of it; what DynamoDB throttles is tried again for minutes.

    Raises:
        TableError: DynamoDB takes none of it.
    """
    attempt = 1
    while True:
        outcomes = table.add(evidence, soon())
        codes = {outcome.error for outcome in outcomes}
        if len(codes) == 1 and not codes & {"", *_NEVER} and not any(map(_is_worth_another_try, codes)):
            raise TableError(codes.pop())
        again = [each.address for each in outcomes if attempt < _TRIES and _is_worth_another_try(each.error)]
        left = set(again)
        yield from (each for each in outcomes if each.address not in left)
        if not again:
            return
        attempt = attempt + 1 if len(again) == len(evidence) else 1
        evidence = {address: evidence[address] for address in again}
        for _ in range(attempt):
            pause(_SLOWLY)


def _is_worth_another_try(code: str) -> bool:
    return code in _WORTH_ANOTHER_TRY_WHOLE or any(each in code for each in _WORTH_ANOTHER_TRY)


def _of(place: str, part: Part, kind: Format, at: str) -> dict[str, str]:
    """Return what an import must be of to go on with an interrupted one."""
    return {
        "list": f"{part} {part.size}",
        "as": kind.name,
        "at": at,
        "table": place,
    }


def _result(outcome: Outcome) -> str:
    if outcome.error:
        return "failed"
    if not outcome.written:
        return "known before"
    return f"now {outcome.change.after}" if outcome.change else "same state"


_KINDS = {
    "complaint": "complaints",
    "notSpam": "withdrawn complaints",
    "hardBounce": "hard bounces",
    "softBounces": "soft bounces",
    "undetermined": "bounces of unknown cause",
    "optOut": "opt-outs",
    "optIn": "opt-ins",
    "delivery": "deliveries",
    "override": "operators' decisions",
    "bouncesCleared": "cleared bounces",
}

_RESULTS = {
    "now disable": "May not be mailed now",
    "now review": "To be reviewed now",
    "now enable": "May be mailed now",
    "same state": "Same state, more evidence",
    "known before": "Known before",
    "imported before": "Imported before the interruption",
    "failed": "Not imported; run the command again",
}


def _tell(part: Part, kind: Format | None, tally: Tally, *, dry_run: bool, as_json: bool) -> None:
    """Say what became of a list."""
    if as_json:
        _tell_json(part, kind, tally, dry_run=dry_run)
        return
    if kind is None:
        output.line(f"{part} holds nothing.")
        return
    output.line(f"{part}: {kind.title}, {output.counted(tally.rows, 'row')}.")
    lines = [(_KINDS[name], count) for name, count in tally.marks.most_common()]
    lines += [(f"skipped: {reason}", count) for reason, count in tally.skipped.most_common()]
    lines += [("refused", tally.refused)] if tally.refused else []
    results = [(words, tally.results[name]) for name, words in _RESULTS.items() if tally.results[name]]
    width = max((len(f"{count:,}") for _, count in lines + results), default=0)
    output.rows([(f"{count:>{width},}", words) for words, count in lines])
    if results:
        output.line("Addresses:")
        output.rows([(f"{count:>{width},}", words) for words, count in results])
    for row, problem in tally.shown:
        output.note(f"refused: {row[:_WIDTH]}: {problem}")
    if tally.refused and not dry_run:
        output.note(f"All refused rows are in {part.beside('.refused.csv')}.")


_WIDTH = 200


def _tell_json(part: Part, kind: Format | None, tally: Tally, *, dry_run: bool) -> None:
    told = {
        "list": str(part),
        "format": kind.name if kind else None,
        "rows": tally.rows,
        "marks": dict(tally.marks),
        "skipped": dict(tally.skipped),
        "refused": tally.refused,
        "firstRefused": [{"row": row, "problem": problem} for row, problem in tally.shown],
    }
    results = {output.camel(name): count for name, count in tally.results.items()}
    output.ndjson(told if dry_run else told | {"addresses": results})
