"""Lines of lists and the answers for their addresses, and where lines are kept that may be mailed."""

import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from healthy_mailing import operations
from healthy_mailing.evidence import Purpose
from healthy_mailing.operations import Answer
from healthy_mailing.table import Table
from healthy_mailing_cli.lists.addresses import STDIN
from healthy_mailing_cli.lists.source import Line, Source
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import step_deadline
from healthy_mailing_cli.shell.output import CommandError

WINDOW = 8_000  # how many lines are held at a time: enough that all connections are busy most of the time


def answers(
    table: Table, lines: Iterable[Line], purpose: Purpose, *, consistent: bool
) -> Iterator[tuple[Line, list[Answer]]]:
    """Yield each line with the answers for its addresses, in order; memory does not grow with their number.

    Of several readings of one, that which may not be mailed counts, else the last.

    Raises:
        TableError: DynamoDB refused, or did not answer in time.
    """
    with output.progress("Checked") as counter:
        for window in output.windows(lines, WINDOW):
            given: list[str] = []
            for line in window:
                given += line.given
                for readings in line.others:
                    given += readings
            found = operations.check(table, given, step_deadline(), purpose=purpose, consistent=consistent)
            end = 0
            for line in window:
                start, end = end, end + len(line.given)
                answers = found[start:end]
                if line.others:
                    start, end = end, end + sum(map(len, line.others))
                    answers += _of_others(answers, line.others, iter(found[start:end]))
                yield line, answers
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


def check_places(given: str, source: Source, keep: Path | None, dropped: Path | None, *, as_json: bool) -> None:
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
def kept(keep: Path, source: Source) -> Iterator[TextIO]:
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
