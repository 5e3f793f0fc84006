"""``mailing import``: other systems' lists, and our own export, into the table. ``docs/lists.md`` has the formats.

Needs ``dynamodb:BatchGetItem``, ``dynamodb:PartiQLInsert`` and ``dynamodb:PartiQLUpdate`` on the table, and
``lambda:GetFunctionConfiguration`` on the function, as decisions do; with ``--dry-run``, nothing.
"""

import csv
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import typer

from healthy_mailing.evidence import Evidence, Mark, evidence_of, merge
from healthy_mailing.table import UNREADABLE, Outcome, Table, TableError
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.lists import files
from healthy_mailing_cli.lists.files import Part
from healthy_mailing_cli.lists.formats import reading, sources
from healthy_mailing_cli.lists.formats.reading import REFUSED, Listing, Row
from healthy_mailing_cli.lists.formats.sources import FORMATS, Format, Reader, RowError, SkippedError, UnknownError
from healthy_mailing_cli.shell import errors, output, waiting
from healthy_mailing_cli.shell.connection import Connection, step_deadline
from healthy_mailing_cli.shell.filters import time_of
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.waiting import is_lost, is_worth_another_try

WINDOW = 8_000
"""How many addresses are merged at a time: enough that all connections are busy most of the time."""

LOOKED_AT = 100_000
"""How many rows are read for the question: a few seconds. Longer lists have "more than" so many."""

_SHOWN = 5
"""How many refused rows a person sees, all of which are in the file beside the list, and how many addresses that
DynamoDB refuses for one reason."""

_NEVER = frozenset({UNREADABLE, "ValidationError", "ItemCollectionSizeLimitExceeded"})
"""Errors of a single address, which is left out then."""

_HINT = "After Ctrl-C, the same command goes on where it was."

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Lists: CSV, JSON, plain; also in gzip or zip.")]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="FORMAT",
        help="What the lists are, if their columns do not tell: " + ", ".join(FORMATS) + ".",
        autocompletion=lambda incomplete: [name for name in FORMATS if name.startswith(incomplete)],
    ),
]
At = Annotated[str, typer.Option(help="The time of rows that have none: 2026-01-31, or 2026-01-31T12:00:00Z.")]


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


@options.connected
def import_list(
    connection: Connection,
    given: Files,
    as_format: As = None,
    at: At = "",
    encoding: options.Encoding = None,
    function: options.Function = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Take other systems' lists, or an export, into the table.

    Each row becomes a mark and is merged like feedback. So importing twice changes nothing, and newer feedback wins.
    Rows that can't be understood go to FILE.refused.csv, with the reason; fix them there, and import that file.

    After an interruption, the same command goes on where it was.
    """
    time = _time(at)
    _check_format(as_format)
    plan = [
        each if isinstance(each, Planned) else _recognised(each, as_format, time) for each in _parts(given, encoding)
    ]
    known = [each for each in plan if each.kind]
    if known and not dry_run and not yes:
        _ask(connection.table, plan, time)
    table = connection.open(connection.rules(function)) if known and not dry_run else None
    place = connection.place() if table else ""
    failed = False
    for each in plan:
        tally = Tally()
        if each.kind:
            writer = Writer(table, each.part, _of(place, each.part, each.kind, time)) if table else None
            each.take(time, tally, writer)
        _tell(each, tally, dry_run=dry_run, as_json=as_json)
        failed |= bool(tally.refused or tally.results["failed"])
    *problems, last = [each.problem for each in plan if each.problem] or [""]
    for problem in problems:
        output.error(problem)
    if last and all(each.problem for each in known):  # so nothing else could be done
        raise CommandError(last)
    if last:
        output.error(last)
    if failed or last:
        raise typer.Exit(output.NO)


_UNKNOWN, _UNREADABLE, _WITHOUT_TIME = "UnknownList", "UnreadableList", "ListWithoutTime"


@dataclass
class Planned:
    """A list that is to be imported.

    Attributes:
        part: Where it is.
        kind: What it is; None if it holds nothing, or if that is not known.
        problem: Why it can't be imported, or only in part; empty if it can.
        code: The same in a word.
    """

    part: Part
    kind: Format | None = None
    problem: str = ""
    code: str = ""

    def take(self, at: str, tally: Tally, writer: "Writer | None", most: int | None = None) -> None:
        """Read it and merge it, as ``take`` does; that it can't be read to its end is a problem of it alone."""
        if self.kind is None:
            return
        self.problem = ""
        try:
            take(self.part, self.kind, at, tally, writer, most)
        except CommandError as error:
            self.problem, self.code = str(error), _UNREADABLE
        except TableError:
            if writer is not None and writer.done:
                output.note(
                    f"{self.part}: the first {writer.done:,} rows are imported; the same command goes on there."
                )
            raise


def _time(text: str) -> str:
    time = time_of("--at", text) if text else ""
    if sources.in_the_future(time, from_datetime(datetime.now(UTC))):
        raise CommandError(f"--at {text} is in the future")
    return time


def _check_format(name: str | None) -> None:
    try:
        if name is not None:
            sources.named(name)
    except UnknownError as error:
        raise CommandError(f"The lists {error}") from None


_REFUSED, _PROGRESS = ".refused.csv", ".progress"
"""How the names of the files beside a list end."""


def _parts(given: Sequence[Path], encoding: str | None) -> "list[Part | Planned]":
    """Return the lists in files; of a file in which none can be found, that it can't be imported.

    Raises:
        CommandError: The import of another would overwrite a file.
    """
    found: list[Part | Planned] = []
    for path in given:
        try:
            found += files.parts(path, encoding)
        except CommandError as error:
            found.append(Planned(Part(path, "", ""), problem=str(error), code=_UNREADABLE))
    parts = [each for each in found if isinstance(each, Part)]
    written = {part.beside(suffix).resolve(): part for part in parts for suffix in (_REFUSED, _PROGRESS)}
    for part in parts:
        if other := written.get(part.path.resolve()):
            raise CommandError(f"{part.path} would be overwritten by what is kept of {other}. Import it by itself")
    return found


def _recognised(part: Part, name: str | None, at: str) -> Planned:
    """Find out what a list is."""
    try:
        with part.opened() as file:
            listing = reading.read(file)
            if not listing.names:
                first = next(listing.rows, None)
                if first is None:
                    return Planned(part)
                if first.problem == reading.HEADLESS:
                    raise sources.without_header(first.cells)
            kind = sources.recognised(listing.names, name)
    except UnknownError as error:
        return Planned(part, problem=f"{part} {error}", code=_UNKNOWN)
    except CommandError as error:
        return Planned(part, problem=str(error), code=_UNREADABLE)
    if not at and not kind.is_dated(listing.names):
        problem = f"{part}: rows of {kind.title} have no time. Say with --at when the list was made"
        return Planned(part, problem=problem, code=_WITHOUT_TIME)
    return Planned(part, kind)


def _ask(table: str, plan: Sequence[Planned], at: str) -> None:
    """Say what the lists hold, as far as a look at their beginning tells, and ask whether to import it."""
    left, rows = LOOKED_AT, 0
    known = [each for each in plan if each.kind]
    for each in plan:
        tally = Tally()
        each.take(at, tally, None, left)
        left -= tally.rows
        rows += tally.rows
        if each.kind:
            found = [_rows(tally.rows, left), *(f"{count:,} {words}" for words, count in _amounts(tally))]
            output.note(f"{each.part}: {each.kind.title}, {', '.join(found)}.")
        if each.problem:
            output.note(each.problem)
    options.confirm(f"Import into {table}: {output.counted(len(known), 'list')}, {_rows(rows, left)}?", yes=False)


def _rows(count: int, left: int) -> str:
    """Return how many rows there are; none are ``left`` to be looked at where there may be more."""
    return output.counted(count, "row") if left else f"{count:,} rows or more"


def take(part: Part, kind: Format, at: str, tally: Tally, writer: "Writer | None", most: int | None = None) -> None:
    """Read a list, or its first ``most`` rows, and merge it; without a writer, only count.

    Raises:
        CommandError: It can't be read to its end.
        TableError: DynamoDB takes nothing.
    """
    share = 0.0

    def note_share(read: float) -> None:
        nonlocal share
        share = read

    with ExitStack() as stack:
        listing = reading.read(stack.enter_context(part.opened(on_read=note_share)))
        listing = replace(listing, rows=itertools.islice(listing.rows, most))
        refused = stack.enter_context(RefusedRows(None if writer is None else part.beside(_REFUSED), listing))
        counter = stack.enter_context(output.progress("Read" if writer is None else "Imported"))
        reader = Reader.of(kind, listing.names, at, from_datetime(datetime.now(UTC)))
        for window in windows(marks(listing, reader, tally, refused)):
            if writer is not None:
                writer.write(window, tally)
            counter.add(tally.rows - counter.done)
            if share:
                counter.expect(round(tally.rows / share))
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
        """Let the file appear, also if the list could be read in part alone; but not if it is to be read again."""
        if self._path is not None and self._writer is None and kind is None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        if kind is not None and issubclass(kind, CommandError):
            self._stack.close()
        else:
            self._stack.__exit__(kind, error, traceback)

    def add(self, row: Row, problem: str) -> None:
        """Write a row, and why it is refused."""
        if self._path is None:
            return
        if self._writer is None:
            self._writer = csv.writer(self._stack.enter_context(output.replacing(self._path, ours=True)))
            self._writer.writerow((REFUSED, *map(_written, self._header)))
        self._writer.writerow((problem, *map(_written, row.cells)))


def _written(cell: Any) -> str:  # noqa: ANN401  (a string, or an object of JSON)
    return reading.guarded(_in_utf_8(cell))


def _in_utf_8(cell: Any) -> str:  # noqa: ANN401  (a string, or an object of JSON)
    """Return a cell as text that a file can hold, and that is read as the same cell."""
    (text,) = reading.text_of([cell])
    try:
        text.encode()
    except UnicodeEncodeError:
        if not isinstance(cell, str):  # JSON may name halves of characters (RFC 8259, 8.2)
            return json.dumps(cell)
        # They stand for bytes that are not UTF-8. Those of UTF-16 can't be written: they become "\ud800".
        return _HALVES.sub(lambda half: half[0].encode("unicode_escape").decode(), text)
    return text


_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class Writer:
    """Merges a list into the table, and keeps a note beside it of how far it is, to go on after an interruption."""

    def __init__(self, table: Table, part: Part, of: dict[str, str]) -> None:
        """Go on where an interrupted import ``of`` the same list into the same table was."""
        self._table = table
        self._of = of
        self._path = part.beside(_PROGRESS)
        self._failures: Counter[str] = Counter()
        self._say = waiting.once()
        self._notes = True
        self.done = self._noted()
        if self.done:
            output.note(f"{part}: going on behind the first {self.done:,} rows, which are imported.")

    def write(self, window: dict[str, Evidence], tally: Tally) -> None:
        """Merge what the rows since the last call amount to; ``tally`` counts rows and results.

        Raises:
            TableError: DynamoDB takes nothing.
        """
        if tally.rows <= self.done:
            tally.results["imported before"] += len(window)
            return
        for outcome in merged(self._table, window, self._say):
            tally.results[_result(outcome)] += 1
            if outcome.error:
                self._failures[outcome.error] += 1
                if self._failures[outcome.error] <= _SHOWN:
                    output.note(f"{outcome.address}: not imported. {errors.sentence(TableError(outcome.error))}.")
        if not self._failures:
            self.done = tally.rows
            self._note(tally.rows)

    def end(self, tally: Tally) -> None:
        """Forget how far it is, unless something is left to do."""
        for code, count in self._failures.items():
            if count > _SHOWN:
                output.note(f"{count:,} addresses were not imported. {errors.sentence(TableError(code))}.")
        if not tally.results["failed"]:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _note(self, rows: int) -> None:
        try:
            with output.replacing(self._path, ours=True) as file:
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


def merged(table: Table, evidence: dict[str, Evidence], say: Callable[[str], None] = output.note) -> Iterator[Outcome]:
    """Merge evidence, by address, and yield what became of it; what DynamoDB throttles is tried again for minutes.

    ``say`` hears what is waited for.

    Raises:
        TableError: DynamoDB takes none of it, or can't be reached.
    """
    attempt, takes = 1, False
    while True:
        with waiting.heard(say, _HINT):
            outcomes = table.add(evidence, step_deadline())
        codes = {outcome.error for outcome in outcomes}
        if len(codes) == 1 and not codes & {"", *_NEVER} and not any(map(is_worth_another_try, codes)):
            raise TableError(codes.pop())
        again = {each.address: each.error for each in outcomes if is_worth_another_try(each.error)}
        takes = takes or len(again) < len(outcomes)
        if attempt == waiting.TRIES:
            if again and (not takes or all(map(is_lost, again.values()))):
                raise TableError(next(iter(again.values())))
            again = {}
        yield from (each for each in outcomes if each.address not in again)
        if not again:
            return
        if len(again) == len(evidence):
            waiting.again(say, next(iter(again.values())), _HINT)
            attempt += 1
        else:
            attempt = 1
        evidence = {address: evidence[address] for address in again}
        waiting.rest_before(attempt)


def _of(place: str, part: Part, kind: Format, at: str) -> dict[str, str]:
    """Return what an import must be of to go on with an interrupted one."""
    return {
        "list": f"{part} {part.size}",
        "as": kind.name,
        "at": at,
        "encoding": part.encoding or "",
        "table": place,
    }


def _result(outcome: Outcome) -> str:
    if outcome.error:
        return "failed"
    if not outcome.written:
        return "known before"
    return f"now {outcome.change.after}" if outcome.change else "same state"


_KINDS = {
    "complaint": ("complaint", "complaints"),
    "notSpam": ("withdrawn complaint", "withdrawn complaints"),
    "hardBounce": ("hard bounce", "hard bounces"),
    "softBounces": ("soft bounce", "soft bounces"),
    "undetermined": ("bounce of unknown cause", "bounces of unknown cause"),
    "optOut": ("opt-out", "opt-outs"),
    "optIn": ("opt-in", "opt-ins"),
    "delivery": ("delivery", "deliveries"),
    "override": ("operator's decision", "operators' decisions"),
    "bouncesCleared": ("clearing of bounces", "clearings of bounces"),
}
"""What one mark of a kind is called, and what several are."""

_RESULTS = {
    "now disable": "May not be mailed now",
    "now review": "To be reviewed now",
    "now enable": "May be mailed now",
    "same state": "Same state, more evidence",
    "known before": "Known before",
    "imported before": "Imported before the interruption",
    "failed": "Not imported; run the command again",
}


def _amounts(tally: Tally) -> list[tuple[str, int]]:
    """Return what the rows of a list are, and how many."""
    found = [(_KINDS[name][count != 1], count) for name, count in tally.marks.most_common()]
    found += [(f"skipped: {reason}", count) for reason, count in tally.skipped.most_common()]
    return found + ([("refused", tally.refused)] if tally.refused else [])


def _tell(planned: Planned, tally: Tally, *, dry_run: bool, as_json: bool) -> None:
    """Say what became of a list."""
    part, kind = planned.part, planned.kind
    if as_json:
        _tell_json(planned, tally, dry_run=dry_run)
        return
    if kind is None:
        if not planned.problem:
            output.line(f"{part} holds nothing.")
        return
    output.line(f"{part}: {kind.title}, {output.counted(tally.rows, 'row')}.")
    lines = _amounts(tally)
    results = [(words, tally.results[name]) for name, words in _RESULTS.items() if tally.results[name]]
    width = max((len(f"{count:,}") for _, count in lines + results), default=0)
    output.rows([(f"{count:>{width},}", words) for words, count in lines])
    if results:
        output.line("Addresses:")
        output.rows([(f"{count:>{width},}", words) for words, count in results])
    for row, problem in tally.shown:
        output.note(f"refused: {row[:_WIDTH]}: {problem}")
    if tally.refused and not dry_run:
        output.note(f"All refused rows are in {part.beside(_REFUSED)}.")


_WIDTH = 200


def _tell_json(planned: Planned, tally: Tally, *, dry_run: bool) -> None:
    fields = {
        "list": str(planned.part),
        "format": planned.kind.name if planned.kind else None,
        "rows": tally.rows,
        "marks": dict(tally.marks),
        "skipped": dict(tally.skipped),
        "refused": tally.refused,
        "firstRefused": [{"row": row, "problem": problem} for row, problem in tally.shown],
    }
    if planned.problem:
        fields |= {"error": planned.code, "message": planned.problem}
    results = {output.camel(name): count for name, count in tally.results.items()}
    output.ndjson(fields if dry_run else fields | {"addresses": results})
