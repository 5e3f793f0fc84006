"""``mailing check``: may these addresses be mailed? Needs ``dynamodb:BatchGetItem`` on the table."""

import csv
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from healthy_mailing import api
from healthy_mailing.evidence import Purpose
from healthy_mailing.operations import Answer
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.lists import addresses, checking
from healthy_mailing_cli.lists.addresses import STDIN
from healthy_mailing_cli.lists.formats.rows import guarded
from healthy_mailing_cli.lists.source import Line
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError

_SHOWN = 20  # how many lines that were not understood a person sees; all of them are in the file of --dropped

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
        lines = addresses.lines(given, column, encoding)
        verdicts = _Verdicts(purpose, as_json=as_json, listed=listed)
        if keep is not None or dropped is not None:
            if len(given) != 1 or not listed:
                raise CommandError("--keep and --dropped are of one list: name its file alone, or - for standard input")
            source = stack.enter_context(addresses.opened(given[0], column, encoding))
            checking.check_places(given[0], source, keep, dropped, as_json=as_json)
            lines = iter(source)
            if keep is not None:
                verdicts.kept = stack.enter_context(checking.kept(keep, source))
                verdicts.kept.write(source.above)
            if dropped is not None:
                verdicts.dropped = csv.writer(stack.enter_context(output.replacing(dropped)))
                verdicts.dropped.writerow(_DROPPED)
        for line, found in checking.answers(connection.open(), lines, purpose, consistent=consistent):
            verdicts.add(line, found)
    verdicts.tell(sys.stderr if keep == Path(STDIN) else sys.stdout)
    options.end(done=not verdicts.nothing_understood and (keep is not None or verdicts.all_may))


_MAY = "may be mailed"
_DROPPED = ("dropped", "line", "address", "text")


@dataclass
class _Verdicts:
    """What becomes of the lines of a list, and of arguments."""

    purpose: Purpose
    as_json: bool
    listed: bool
    kept: TextIO | None = None  # where lines go of which all may be mailed; None for nowhere
    dropped: Any = None  # where the others go, with why
    all_may: bool = True  # whether each line was understood, and each address may be mailed
    _tally: Counter[str] = field(default_factory=Counter)
    _lines: list[tuple[str, str, str]] = field(default_factory=list)
    _count: int = 0
    _not_understood: int = 0

    @property
    def nothing_understood(self) -> bool:
        """Whether there were lines, and none was understood."""
        return 0 < self._count == self._not_understood

    def add(self, line: Line, found: Sequence[Answer]) -> None:
        """Count a line of a list, or an argument."""
        if line.problem:
            found = [Answer(line.text, "", self.purpose, problem=line.problem)]
        self._count += 1
        against = [answer for answer in found if not answer.may_be_mailed]
        for answer in found:
            self._tally["not understood" if line.problem else _outcome(answer)] += 1
            if self.as_json:
                output.ndjson(_as_json(answer, line))
            elif not self.listed:
                self._lines.append(
                    (answer.given, "no" if answer in against else "yes", answer.problem or answer.reason)
                )
        if not against:
            if self.kept is not None:
                self.kept.write(line.raw)
            return
        self.all_may = False
        if self.dropped is not None:
            for each in against:
                cells = (each.problem or each.reason, str(line.number), each.given, line.raw.rstrip("\r\n"))
                self.dropped.writerow(map(guarded, cells))
        if problem := next((each.problem for each in against if each.problem), ""):
            self._name(f"{line.where}{line.text}: {problem}" if line.name else "")

    def _name(self, problem: str) -> None:
        self._not_understood += 1
        if problem and not self.as_json and self._not_understood <= _SHOWN:
            output.note(problem)

    def tell(self, to: TextIO) -> None:
        """Say what became of them."""
        if self.as_json:
            return
        if self.listed and (more := self._not_understood - _SHOWN) > 0:
            output.note(f"And {output.counted(more, 'line')} more: --dropped FILE or --json has them all.")
        output.rows(_summary(self._tally) if self.listed else self._lines, to)


def _as_json(answer: Answer, line: Line) -> dict[str, Any]:
    """Return an answer as the lookup API has it, with a code for what is wrong, and the lines of a list."""
    fields = api.verdict(answer)
    if answer.problem:
        code = "NotUnderstood" if line.problem else "InvalidAddress"
        fields |= {"error": code, "message": fields.pop("problem")}
    if line.name:
        fields |= {"line": line.number} | ({"lastLine": line.last_line} if line.last_line > line.number else {})
    return fields


def _outcome(answer: Answer) -> str:
    if answer.problem:
        return "not an address"
    return _MAY if answer.may_be_mailed else f"may not: {answer.reason}"


def _summary(tally: Mapping[str, int]) -> list[tuple[str, str]]:
    names = [_MAY, *sorted(tally.keys() - {_MAY}, key=lambda name: (-tally[name], name))]
    width = max(len(f"{count:,}") for count in (0, *tally.values()))
    return [(f"{tally.get(name, 0):>{width},}", name) for name in names]
