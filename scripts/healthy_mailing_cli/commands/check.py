"""``mailing check``: may these addresses be mailed? Needs ``dynamodb:BatchGetItem`` on the table."""

import csv
import io
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from healthy_mailing import api, operations
from healthy_mailing.evidence import Purpose
from healthy_mailing.operations import Answer
from healthy_mailing.table import Table
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.lists import addresses
from healthy_mailing_cli.lists.addresses import STDIN, Row, Source
from healthy_mailing_cli.lists.formats.reading import guarded
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection, step_deadline
from healthy_mailing_cli.shell.output import CommandError

WINDOW = 8_000
"""How many lines are held at a time: enough that all connections are busy most of the time."""

_SHOWN = 20
"""How many lines that were not understood a person sees; all of them are in the file of --dropped."""

Transactional = Annotated[
    bool, typer.Option("--transactional", help="For mail that people asked for or need: an opt-out does not count.")
]
Keep = Annotated[
    Path | None,
    typer.Option(metavar="FILE|-", help="Write the list here, without lines with an address that may not be mailed."),
]
Dropped = Annotated[Path | None, typer.Option(metavar="FILE", help="Write here what --keep leaves out, and why (CSV).")]
Consistent = Annotated[bool, typer.Option("--consistent", help="See every change made before, at twice the cost.")]


@options.connected
def check(
    connection: Connection,
    given: options.Addresses,
    transactional: Transactional = False,
    column: options.Column = None,
    encoding: options.Encoding = None,
    keep: Keep = None,
    dropped: Dropped = None,
    consistent: Consistent = False,
    as_json: options.AsJson = False,
) -> None:
    """Say whether addresses may be mailed.

    Prints a line for each address, or a summary of a list. In a list each address counts, whatever column it is in: a
    line is kept only if all of it was understood and each of its addresses may be mailed.

    Exits with 0 if all may and each line was understood, and with 1 if not. With --keep, it exits with 0 once the list
    is written, unless no line was understood.
    """
    purpose = Purpose.TRANSACTIONAL if transactional else Purpose.BULK
    listed = any(map(addresses.is_source, given))
    with ExitStack() as stack:
        rows = addresses.rows(given, column, encoding)
        verdicts = _Verdicts(purpose, as_json=as_json, listed=listed)
        if keep is not None or dropped is not None:
            if len(given) != 1 or not listed:
                raise CommandError("--keep and --dropped are of one list: name its file alone, or - for standard input")
            source = stack.enter_context(addresses.opened(given[0], column, encoding))
            _check_places(given[0], source, keep, dropped, as_json=as_json)
            rows = iter(source)
            if keep is not None:
                verdicts.kept = stack.enter_context(_kept(keep, source))
                verdicts.kept.write(source.above)
            if dropped is not None:
                verdicts.dropped = csv.writer(stack.enter_context(output.replacing(dropped)))
                verdicts.dropped.writerow(_DROPPED)
        for row, found in answers(connection.open(), rows, purpose, consistent=consistent):
            verdicts.add(row, found)
    verdicts.tell(sys.stderr if keep == Path(STDIN) else sys.stdout)
    if verdicts.nothing_understood or (keep is None and not verdicts.all_may):
        raise typer.Exit(output.NO)


def answers(
    table: Table, rows: Iterable[Row], purpose: Purpose, *, consistent: bool
) -> Iterator[tuple[Row, list[Answer]]]:
    """Yield each row with the answers for its addresses, in order; memory does not grow with their number.

    Of several readings of one, that which may not be mailed counts, else the last.

    Raises:
        TableError: DynamoDB refused, or did not answer in time.
    """
    with output.progress("Checked") as counter:
        for window in output.windows(rows, WINDOW):
            given: list[str] = []
            for row in window:
                given += row.given
                for readings in row.others:
                    given += readings
            found = operations.check(table, given, step_deadline(), purpose=purpose, consistent=consistent)
            end = 0
            for row in window:
                start, end = end, end + len(row.given)
                answers = found[start:end]
                if row.others:
                    start, end = end, end + sum(map(len, row.others))
                    answers += _of_others(answers, row.others, iter(found[start:end]))
                yield row, answers
            counter.add(len(window))


def _of_others(
    answers: Iterable[Answer], others: Iterable[tuple[str, ...]], found: Iterator[Answer]
) -> Iterator[Answer]:
    """Yield what counts of the readings of each other address, unless that is known already and may be mailed."""
    known = {each.address for each in answers}
    for readings in others:
        last = [next(found) for _ in readings][::-1]
        decisive = next((each for each in last if not each.may_be_mailed), last[0])
        if not decisive.may_be_mailed or decisive.address not in known:
            yield decisive
        known.add(decisive.address)


_MAY = "may be mailed"
_DROPPED = ("dropped", "line", "address", "text")


class _Verdicts:
    """What becomes of the lines of a list, and of arguments.

    Attributes:
        kept: Where lines go of which all may be mailed; None for nowhere.
        dropped: Where the others go, with why.
        all_may: Whether each line was understood, and each address may be mailed.
    """

    def __init__(self, purpose: Purpose, *, as_json: bool, listed: bool) -> None:
        self.kept: TextIO | None = None
        self.dropped: Any = None
        self.all_may = True
        self._purpose = purpose
        self._as_json = as_json
        self._listed = listed
        self._tally: Counter[str] = Counter()
        self._lines: list[tuple[str, str, str]] = []
        self._count = 0
        self._not_understood = 0

    @property
    def nothing_understood(self) -> bool:
        """Whether there were lines, and none was understood."""
        return 0 < self._count == self._not_understood

    def add(self, row: Row, found: Sequence[Answer]) -> None:
        """Count a line of a list, or an argument."""
        if row.problem:
            found = [Answer(row.text, "", self._purpose, problem=row.problem)]
        self._count += 1
        against = [answer for answer in found if not answer.may_be_mailed]
        place = _place(row) if self._as_json else {}
        for answer in found:
            self._tally["not understood" if row.problem else _outcome(answer)] += 1
            if self._as_json:
                output.ndjson(api.verdict(answer) | place)
            elif not self._listed:
                self._lines.append(
                    (answer.given, "no" if answer in against else "yes", answer.problem or answer.reason)
                )
        if not against:
            if self.kept is not None:
                self.kept.write(row.raw)
            return
        self.all_may = False
        if self.dropped is not None:
            for each in against:
                cells = (each.problem or each.reason, str(row.line), each.given, row.raw.rstrip("\r\n"))
                self.dropped.writerow(map(guarded, cells))
        if problem := next((each.problem for each in against if each.problem), ""):
            self._name(f"{row.where}{row.text}: {problem}" if row.name else "")

    def _name(self, problem: str) -> None:
        self._not_understood += 1
        if problem and not self._as_json and self._not_understood <= _SHOWN:
            output.note(problem)

    def tell(self, to: TextIO) -> None:
        """Say what became of them."""
        if self._as_json:
            return
        if self._listed and (more := self._not_understood - _SHOWN) > 0:
            output.note(f"And {output.counted(more, 'line')} more: --dropped FILE or --json has them all.")
        output.rows(_summary(self._tally) if self._listed else self._lines, to)


def _place(row: Row) -> dict[str, int]:
    if not row.name:
        return {}
    return {"line": row.line} | ({"lastLine": row.last_line} if row.last_line > row.line else {})


def _check_places(given: str, source: Source, keep: Path | None, dropped: Path | None, *, as_json: bool) -> None:
    """Check where is to be written to.

    Raises:
        CommandError: That is the list itself, in any spelling, or both are the same, or it can't be written so.
    """
    if keep is not None and not source.has_lines:
        raise CommandError(f"--keep takes the lines of a list, and {source.name} is JSON: check it without --keep")
    if as_json and keep == Path(STDIN):
        raise CommandError("--keep - and --json both write to standard output: leave one out")
    if dropped == Path(STDIN):
        raise CommandError("--dropped needs a file")
    read = _status(sys.stdin if given == STDIN else given)
    shown = _status(sys.stdout) if keep == Path(STDIN) else None
    if read and shown and os.path.samestat(read, shown):
        raise CommandError("--keep - writes to the list itself: send it to another file")
    places = [(name, path) for name, path in (("--keep", keep), ("--dropped", dropped)) if path and path != Path(STDIN)]
    for name, path in places:
        written = _status(path)
        if read and written and os.path.samestat(read, written):
            raise CommandError(f"{name} {path} is the list itself: name another file")
    if len({path.resolve() for _, path in places}) < len(places):
        raise CommandError("--keep and --dropped name the same file")


def _status(file: str | Path | TextIO) -> os.stat_result | None:
    try:
        status = Path(file).stat() if isinstance(file, str | Path) else os.fstat(file.fileno())
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None  # /dev/null may be both


@contextmanager
def _kept(keep: Path, source: Source) -> Iterator[TextIO]:
    """Open where kept lines go, encoded as they were read."""
    if keep != Path(STDIN):
        with output.replacing(keep, source.encoding, source.errors) as file:
            yield file
        return
    text = io.TextIOWrapper(sys.stdout.buffer, source.encoding, source.errors, newline="")
    try:
        yield text
    finally:
        text.detach()


def _outcome(answer: Answer) -> str:
    if answer.problem:
        return "not an address"
    return _MAY if answer.may_be_mailed else f"may not: {answer.reason}"


def _summary(tally: Mapping[str, int]) -> list[tuple[str, str]]:
    counts = [(_MAY, tally.get(_MAY, 0)), *sorted((each for each in tally.items() if each[0] != _MAY), key=_most_first)]
    width = max(len(f"{count:,}") for _, count in counts)
    return [(f"{count:>{width},}", name) for name, count in counts]


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]
