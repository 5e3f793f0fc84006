"""A selection: whose bounces `mailing clear-bounces` is to clear, in a file that a person may look at and change."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from healthy_mailing.address import canonical
from healthy_mailing.timestamp import to_utc
from healthy_mailing_cli.lists.files import Part
from healthy_mailing_cli.lists.formats import reading
from healthy_mailing_cli.lists.formats.reading import Sheet
from healthy_mailing_cli.lists.formats.rows import guarded, unguarded
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.output import CommandError

_COLUMNS = ("address", "until", "bounced", "reason", "diagnostic", "then", "ses", "table")
_JSON = ("address", "until", "bouncedAt", "subType", "diagnosticCode", "then", "sesSpelling")

ALL_MAIL, TRANSACTIONAL_MAIL, NO_MAIL = "all mail", "transactional mail", "no mail"
"""Which mail an address may get once its bounces are cleared, as a selection says it."""


@dataclass(frozen=True, slots=True)
class Selected:
    """One row of a selection."""

    address: str  # canonical
    until: str  # until when its bounces are to be hidden
    ses: str = ""  # how SES's own list spells it, if it is to be taken off; empty if not
    bounced: str = ""  # when it bounced. Like the next two, it is there for a person to see
    sub_type: str = ""  # SES's sub-type of the bounce
    diagnostic: str = ""  # what the mail server said
    then: str = ""  # which mail it may then get; empty if that is not known
    spelling: str = ""  # how else a row of the table may spell the address; empty if not

    def cells(self) -> tuple[str, ...]:
        """Return its cells but for the table; what mail servers wrote is made safe to show."""
        shown = map(output.printable, (self.bounced, self.sub_type, self.diagnostic, self.then))
        return (self.spelling or self.address, self.until, *shown, self.ses)

    def as_json(self) -> dict[str, str]:
        """Return what JSON has of it."""
        known = {name: cell for name, cell in zip(_JSON, self.cells(), strict=True) if cell}
        return known | {"address": self.address} | ({"then": output.camel(self.then)} if self.then else {})


@dataclass
class Contents:
    """What is in a selection."""

    seen: dict[str, None] = field(default_factory=dict)
    listed: int = 0  # how many are to be taken off SES's list
    then: Counter[str] = field(default_factory=Counter)  # how many will get which mail, as far as that is known
    kept: set[str] = field(default_factory=set)  # those that stay on SES's list, as far as that is known


@contextmanager
def place(path: Path | None) -> Iterator[Path]:
    """Give a file for a selection, however large; one without a path is gone after the ``with`` block."""
    if path is not None:
        yield path
        return
    with TemporaryDirectory() as folder:
        yield Path(folder) / "selection.csv"


def write(path: Path, rows: Iterable[Selected], *, ses: bool, table: str = "") -> Contents:
    """Write a selection of a table, given by its ARN, and return what is in it.

    ``ses`` says whether those that SES's own list has are to be taken off.
    """
    contents = Contents()
    with output.replacing(path) as file, output.progress("Found") as counter:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for row in rows:
            writer.writerow([*map(guarded, row.cells()), table])
            contents.listed += bool(row.ses)
            if row.ses and not ses:
                contents.kept.add(row.address)
            if row.address not in contents.seen:
                counter.add()
                contents.seen[row.address] = None
                contents.then[row.then] += 1
    return contents


def read(path: Path, latest: str = "9999", table: str = "") -> Iterator[Selected]:
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
            cells = dict.fromkeys(_COLUMNS, "") | dict(zip(names, map(unguarded, record.cells), strict=False))
            if table and cells["table"] not in {"", table}:
                raise CommandError(
                    f"{path} was written for the table {cells['table']}, not for {table}: name that one with --table "
                    "and --region, or write another with --dry-run"
                )
            try:
                yield _selected(cells, record.problem, latest)
            except ValueError as error:
                raise CommandError(f"{path}, line {record.line}: {error}") from None


def _selected(cells: Mapping[str, str], problem: str, latest: str) -> Selected:
    if problem:
        raise ValueError(problem)
    text = cells["address"].strip()
    address = canonical(text)
    return Selected(
        address,
        min(to_utc(cells["until"].strip()), latest),
        cells["ses"],
        cells["bounced"],
        cells["reason"],
        cells["diagnostic"],
        cells["then"],
        otherwise(text, address),
    )


def otherwise(spelling: str, address: str) -> str:
    """Return a spelling of an address, empty if it is the canonical one."""
    return "" if spelling == address else spelling
