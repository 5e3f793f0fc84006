"""``mailing check``: may these addresses be mailed? Needs ``dynamodb:BatchGetItem`` on the table."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from healthy_mailing import api, operations
from healthy_mailing.evidence import Purpose
from healthy_mailing.operations import Answer
from healthy_mailing.table import Table
from healthy_mailing_cli import addresses, output
from healthy_mailing_cli.addresses import Row
from healthy_mailing_cli.connection import Connection, connected, soon
from healthy_mailing_cli.output import CommandError

WINDOW = 8_000
"""How many addresses are held at a time: enough that all connections are busy most of the time."""

Transactional = Annotated[
    bool, typer.Option("--transactional", help="For mail that people asked for or need: an opt-out does not count.")
]
Keep = Annotated[Path | None, typer.Option(help="Write the file's rows here, without those that may not be mailed.")]
Consistent = Annotated[bool, typer.Option("--consistent", help="See every change made before, at twice the cost.")]


@connected
def check(
    connection: Connection,
    given: addresses.Given,
    transactional: Transactional = False,
    column: addresses.Column = None,
    keep: Keep = None,
    consistent: Consistent = False,
    as_json: output.AsJson = False,
) -> None:
    """Say whether addresses may be mailed.

    Prints a line for each address, or a summary of a file.

    Exits with 0 if all may and with 1 if some may not. With --keep, it exits with 0 once the file is written.
    """
    purpose = Purpose.TRANSACTIONAL if transactional else Purpose.BULK
    listed = any(map(addresses.is_source, given))
    tally: Counter[str] = Counter()
    lines: list[tuple[str, str, str]] = []
    with ExitStack() as stack:
        rows: Iterable[Row] = addresses.rows(given, column)
        kept = None
        if keep is not None:
            if len(given) != 1 or not listed:
                raise CommandError("--keep takes the rows of one file: name that file alone, or - for standard input")
            source = stack.enter_context(addresses.opened(given[0], column))
            kept = stack.enter_context(output.replacing(keep))
            kept.write(source.header)
            rows = source
        for row, answer in answers(connection.open(), rows, purpose, consistent=consistent):
            tally[_outcome(answer)] += 1
            if kept is not None and answer.may_be_mailed:
                kept.write(row.raw)
            if as_json:
                output.ndjson(api.verdict(answer))
            elif not listed:
                lines.append((answer.given, "yes" if answer.may_be_mailed else "no", answer.problem or answer.reason))
    if not as_json:
        output.rows(_summary(tally) if listed else lines)
    if keep is None and tally.keys() - {_MAY}:
        raise typer.Exit(output.NO)


_MAY = "may be mailed"


def answers(table: Table, rows: Iterable[Row], purpose: Purpose, *, consistent: bool) -> Iterator[tuple[Row, Answer]]:
    """Yield each row with its answer, in order; memory does not grow with their number.

    Raises:
        TableError: DynamoDB refused, or did not answer in time.
    """
    with output.progress("Checked") as counter:
        for window in output.windows(rows, WINDOW):
            given = [row.address for row in window]
            answers = operations.check(table, given, soon(), purpose=purpose, consistent=consistent)
            yield from zip(window, answers, strict=True)
            counter.add(len(window))


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
