"""Lists of other systems, and our own export, into the table: each row becomes marks, merged like feedback."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from healthy_mailing.evidence import Evidence, Mark, evidence_of, merge
from healthy_mailing.row import UNREADABLE, Outcome
from healthy_mailing.table import Table, TableError
from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.lists import files
from healthy_mailing_cli.lists.files import Part
from healthy_mailing_cli.lists.formats import reading, recognition
from healthy_mailing_cli.lists.formats.reader import Format, Reader
from healthy_mailing_cli.lists.formats.reading import Listing
from healthy_mailing_cli.lists.formats.recognition import UnknownError
from healthy_mailing_cli.lists.formats.rows import text_of
from healthy_mailing_cli.lists.formats.verdicts import RowError, SkippedError
from healthy_mailing_cli.lists.refused import Refuse, refused_rows
from healthy_mailing_cli.shell import errors, output, waiting
from healthy_mailing_cli.shell.connection import step_deadline
from healthy_mailing_cli.shell.outcomes import Failures
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.waiting import is_lost, is_worth_another_try

WINDOW = 8_000  # how many addresses are merged at a time: enough that all connections are busy most of the time

_SHOWN = 5
"""How many refused rows a person sees, all of which are in the file beside the list, and how many addresses that
DynamoDB refuses for one reason."""

_NEVER = frozenset({UNREADABLE, "ValidationError", "ItemCollectionSizeLimitExceeded"})
"""Errors of a single address, which is left out then."""

_HINT = "After Ctrl-C, the same command goes on where it was."


@dataclass
class Tally:
    """What became of a list's rows."""

    rows: int = 0  # how many were read
    marks: Counter[str] = field(default_factory=Counter)  # by kind, how many marks they became
    skipped: Counter[str] = field(default_factory=Counter)  # by reason, those that mean nothing here
    refused: int = 0  # how many could not be understood
    shown: list[tuple[str, str]] = field(default_factory=list)  # the first few of them, and why
    results: Counter[str] = field(default_factory=Counter)  # by result, a code, how many addresses came to it


_UNKNOWN, _UNREADABLE, _WITHOUT_TIME = "UnknownList", "UnreadableList", "ListWithoutTime"


@dataclass
class Planned:
    """A list that is to be imported."""

    part: Part  # where it is
    kind: Format | None = None  # what it is; None if it holds nothing, or if that is not known
    problem: str = ""  # why it can't be imported, or only in part; empty if it can
    code: str = ""  # the same in a word

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


REFUSED_ROWS, _PROGRESS = ".refused.csv", ".progress"  # how the names of the files beside a list end


def planned(given: Sequence[Path], encoding: str | None, name: str | None, at: str) -> list[Planned]:
    """Return the lists in files, and what each is; of a file in which none can be found, that it can't be imported.

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
    written = {part.beside(suffix).resolve(): part for part in parts for suffix in (REFUSED_ROWS, _PROGRESS)}
    for part in parts:
        if other := written.get(part.path.resolve()):
            raise CommandError(f"{part.path} would be overwritten by what is kept of {other}. Import it by itself")
    return [each if isinstance(each, Planned) else _recognised(each, name, at) for each in found]


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
                    raise recognition.without_header(first.cells)
            kind = recognition.recognised(listing.names, name)
    except UnknownError as error:
        return Planned(part, problem=f"{part} {error}", code=_UNKNOWN)
    except CommandError as error:
        return Planned(part, problem=str(error), code=_UNREADABLE)
    if not at and not kind.is_dated(listing.names):
        problem = f"{part}: rows of {kind.title} have no time. Say with --at when the list was made"
        return Planned(part, problem=problem, code=_WITHOUT_TIME)
    return Planned(part, kind)


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
        refuse = stack.enter_context(refused_rows(None if writer is None else part.beside(REFUSED_ROWS), listing))
        counter = stack.enter_context(output.progress("Read" if writer is None else "Imported"))
        reader = Reader.of(kind, listing.names, at, from_datetime(datetime.now(UTC)))
        for window in windows(marks(listing, reader, tally, refuse)):
            if writer is not None:
                writer.write(window, tally)
            counter.add(tally.rows - counter.done)
            if share:
                counter.expect(round(tally.rows / share))
        if writer is not None:
            writer.end(tally)


def marks(
    listing: Listing, reader: Reader, tally: Tally, refuse: Refuse = lambda *_: None
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
                tally.shown.append((", ".join(text_of(row.cells)), str(error)))
            refuse(row, str(error))
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


class Writer:
    """Merges a list into the table, and keeps a note beside it of how far it is, to go on after an interruption."""

    def __init__(self, table: Table, place: str, part: Part, kind: Format, at: str) -> None:
        """Go on where an interrupted import of the same list into the same table, which is in a place, was."""
        self._table = table
        self._of = {
            "list": f"{part} {part.size}",
            "as": kind.name,
            "at": at,
            "encoding": part.encoding or "",
            "table": place,
        }
        self._path = part.beside(_PROGRESS)
        self._failures = Failures("not imported", _SHOWN)
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
            tally.results["importedBefore"] += len(window)
            return
        for outcome in merged(self._table, window, self._say):
            tally.results[_result(outcome)] += 1
            if outcome.error:
                self._failures.add(outcome.address, errors.sentence(TableError(outcome.error)))
        if not tally.results["failed"]:
            self.done = tally.rows
            self._note(tally.rows)

    def end(self, tally: Tally) -> None:
        """Forget how far it is, unless something is left to do."""
        self._failures.sum_up()
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


def _result(outcome: Outcome) -> str:
    if outcome.error:
        return "failed"
    if not outcome.written:
        return "knownBefore"
    return f"now{outcome.change.after.capitalize()}" if outcome.change else "sameState"
