"""``mailing import``: other systems' lists, and our own export, into the table. ``docs/lists.md`` has the formats.

Needs ``dynamodb:BatchGetItem``, ``dynamodb:PartiQLInsert`` and ``dynamodb:PartiQLUpdate`` on the table, and
``lambda:GetFunctionConfiguration`` on the function, as decisions do; with ``--dry-run``, nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from healthy_mailing.timestamp import from_datetime
from healthy_mailing_cli.commands import options
from healthy_mailing_cli.lists import importing
from healthy_mailing_cli.lists.formats import recognition
from healthy_mailing_cli.lists.formats.known import FORMATS
from healthy_mailing_cli.lists.formats.reader import in_the_future
from healthy_mailing_cli.lists.formats.recognition import UnknownError
from healthy_mailing_cli.lists.importing import REFUSED_ROWS, Planned, Tally, Writer
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.filters import time_of
from healthy_mailing_cli.shell.output import CommandError

LOOKED_AT = 100_000  # how many rows are read for the question: a few seconds. Longer lists have "more than" so many

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
    plan = importing.planned(given, encoding, as_format, time)
    known = [each for each in plan if each.kind]
    if known and not dry_run and not yes:
        _ask(connection.table, plan, time)
    table = connection.open(connection.rules(function)) if known and not dry_run else None
    place = connection.place() if table else ""
    failed = False
    for each in plan:
        tally = Tally()
        if each.kind:
            writer = Writer(table, place, each.part, each.kind, time) if table else None
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
    options.end(done=not failed and not last)


def _time(text: str) -> str:
    time = time_of("--at", text) if text else ""
    if in_the_future(time, from_datetime(datetime.now(UTC))):
        raise CommandError(f"--at {text} is in the future")
    return time


def _check_format(name: str | None) -> None:
    try:
        if name is not None:
            recognition.named(name)
    except UnknownError as error:
        raise CommandError(f"The lists {error}") from None


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
    "nowDisable": "Now blocked",
    "nowReview": "Now in review",
    "nowEnable": "Now mailable",
    "sameState": "New evidence, same state",
    "knownBefore": "Already recorded",
    "importedBefore": "Imported before the interruption",
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
        output.note(f"All refused rows are in {part.beside(REFUSED_ROWS)}.")


_WIDTH = 200


def _tell_json(planned: Planned, tally: Tally, *, dry_run: bool) -> None:
    fields = {
        "list": str(planned.part),
        "format": planned.kind.name if planned.kind else None,
        "rows": tally.rows,
        "marks": dict(tally.marks),
        "skipped": [{"message": reason, "rows": count} for reason, count in tally.skipped.items()],
        "refused": tally.refused,
        "firstRefused": [{"row": row, "message": problem} for row, problem in tally.shown],
    }
    if planned.problem:
        fields |= {"error": planned.code, "message": planned.problem}
    output.ndjson(fields if dry_run else fields | {"addresses": dict(tally.results)})
