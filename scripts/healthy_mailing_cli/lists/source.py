"""A list of addresses, whatever its make, line by line.

Whatever it holds: each address that occurs on a line, in any column, is in the ``Line``, or the ``Line`` says why it
could not be understood.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TextIO

from healthy_mailing.address import AddressError, canonical
from healthy_mailing_cli.lists.formats import lines, reading
from healthy_mailing_cli.lists.formats.lines import Record
from healthy_mailing_cli.lists.formats.reading import Sheet, too_many
from healthy_mailing_cli.lists.formats.rows import HEADINGS, Row, heading, text_of, unguarded
from healthy_mailing_cli.lists.occurring import consists_of, is_one, occurring, ways
from healthy_mailing_cli.shell.output import CommandError

_PLAIN = re.compile(r"\s*[A-Za-z0-9][A-Za-z0-9_.+'-]*@[A-Za-z0-9.-]*[A-Za-z0-9]\s*")  # what has one reading alone

_LINE_END = re.compile(r"\r\n|\r|\n")


class Line(NamedTuple):
    """One line of a list, or an argument."""

    given: tuple[str, ...]  # the addresses in its column, as they stand there; without a header, all of them
    # What else looks like an address, in other columns, names or comments: each in all possible readings.
    others: tuple[tuple[str, ...], ...] = ()
    raw: str = ""  # the line's text, with its line end; empty for an argument
    number: int = 0  # its own; of JSON, the row's; 0 for an argument
    name: str = ""  # what messages call the list; empty for an argument
    problem: str = ""  # why the line could not be understood; empty if it could. Then ``given`` has nothing

    @property
    def text(self) -> str:
        """What a person is shown of it."""
        return ", ".join(self.given) or self.raw.strip()

    @property
    def last_line(self) -> int:
        """The number of the row's last line: a cell may have several."""
        return self.number + len(_LINE_END.findall(self.raw.rstrip("\r\n")))

    @property
    def where(self) -> str:
        """How messages begin that are about it; empty for an argument."""
        numbers = f"line {self.number}" if self.last_line == self.number else f"lines {self.number}-{self.last_line}"
        return f"{self.name}, {numbers}: " if self.name else ""


class Source:
    """A list of addresses, to be read once.

    The column is the one that is named, else the one with a usual heading. Where there are several and none of that
    tells, it must be named: of the wrong one, nothing would be an address. A line with an address is not a heading.

    Attributes:
        name: What messages call it.
        encoding: How it is encoded, so that what is written can be what was read.
        errors: What Python is to do with what the encoding does not know.
        above: The text above the first row, with its line ends: the header.
        has_lines: Whether its rows are lines; those of JSON are not.
    """

    def __init__(self, file: TextIO, name: str, column: str | None) -> None:
        """Look at the first line.

        Raises:
            CommandError: The list lacks the column, or it must be named.
        """
        self.name = name
        self.encoding, self.errors = file.encoding or "utf-8", file.errors or "strict"
        found = reading.sheet(file)
        self.has_lines = isinstance(found, Sheet)
        self.above = ""
        if not isinstance(found, Sheet):
            self._rows = _of_json(found, column, name)
            return
        self.above = found.above
        if found.header is not None:
            index = self._index(found.header.cells, column)
            if index is None:
                self._rows = _of_lines(found, name)
            else:
                self.above += found.header.raw
                self._rows = _of_columns(found, found.header, index, name)
            return
        self._rows = _of_lines(found, name)
        if column is not None:
            first = next(self._rows, None)
            raise self._lacks(column, first.text if first else "")

    def __iter__(self) -> Iterator[Line]:
        """Yield the rows that hold anything."""
        return self._rows

    def _index(self, cells: list[str], column: str | None) -> int | None:
        """Return the number of the column; None if the header is a single word and no usual heading."""
        names = [heading(cell) for cell in cells]
        wanted = HEADINGS if column is None else (heading(column),)
        index = next((names.index(each) for each in wanted if each in names), None)
        found = ", ".join(filter(None, (cell.strip() for cell in cells)))
        if index is None and column is not None:
            raise self._lacks(column, found)
        if index is None and len(names) > 1:
            raise CommandError(f"Name the column of {self.name} with --column; its first line holds: {found}")
        return index

    def _lacks(self, column: str, found: str) -> CommandError:
        return CommandError(f"{self.name} has no column {column}; its first line holds: {found or 'nothing'}")


def _of_columns(found: Sheet, header: Record, index: int, name: str) -> Iterator[Line]:
    """Yield the rows under a header."""
    width = len(header.cells)
    for record in found.records:
        cells, raw, line, problem = record
        if problem:
            yield Line((), (), raw, line, name, problem)
        elif len(cells) > width and any(map(str.strip, cells[width:])):
            # Under a single heading each line is a list.
            yield _line(raw, record, name) if width == 1 else Line((), (), raw, line, name, too_many(cells, width))
        elif len(cells) <= index:
            problem = f"has no column {index + 1}, which is that of the addresses"
            yield Line((), (), raw, line, name, problem)
        elif raw.count("@") == 1 and _PLAIN.fullmatch(cell := cells[index]):  # as almost every line
            yield tuple.__new__(Line, ((cell.strip(),), (), raw, line, name, ""))  # in a third of the time
        else:
            others = [cell for number, cell in enumerate(cells) if number != index and "@" in cell]
            yield _line(cells[index], record, name, others)


def _of_lines(found: Sheet, name: str) -> Iterator[Line]:
    """Yield the rows of a list without a header, of which each cell may be an address."""
    for record in found.records if found.header is None else itertools.chain([found.header], found.records):
        cells, raw, line, problem = record
        if problem:
            # Perhaps no CSV, such as "Doe, Jane" <jane@example.com>; of a line that is too long, the end is missing.
            row = _line(raw, record, name)
            yield Line((), (), raw, line, name, problem) if row.problem or len(raw) >= lines.LONGEST - 1 else row
        elif len(cells) == 1 and _PLAIN.fullmatch(cell := cells[0]):
            yield tuple.__new__(Line, ((cell.strip(),), (), raw, line, name, ""))
        else:
            yield _of_cells(record, name)


def _of_cells(record: Record, name: str) -> Line:
    rows = [_line(cell, record, name) for cell in record.cells if "@" in cell]
    problem = next((row.problem for row in rows if row.problem), "") if rows else "has no @"
    if problem and not (whole := _line(record.raw, record, name)).problem:
        return whole
    given = () if problem else tuple(each for row in rows for each in row.given)
    others = tuple(each for row in rows for each in row.others)
    return Line(given, others, record.raw, record.line, name, problem)


def _of_json(rows: Iterator[Row], column: str | None, name: str) -> Iterator[Line]:
    for number, row in enumerate(rows, 1):
        text = text_of(row.cells)[0]
        fields = {heading(name): value for name, value in row.fields.items()}
        wanted = HEADINGS if column is None else (heading(column),)
        cell = next((fields[each] for each in wanted if isinstance(fields.get(each), str)), None)
        record = Record([text], text, number)
        if row.problem or cell is None:
            problem = row.problem or "has no address under a usual name; name it with --column"
            yield Line((), (), text, number, name, problem)
        else:
            yield _line(cell, record, name, _strings(row.cells))


def _strings(value: object) -> Iterator[str]:
    """Yield all strings in JSON, keys too."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            left += [*each, *each.values()]
        elif isinstance(each, Sequence):
            left += each


def _line(text: str, record: Record, name: str, others: Iterable[str] = ()) -> Line:
    """Return the row whose addresses are in a string, and perhaps in other cells."""
    text = text.strip()
    try:
        given = consists_of(unguarded(text))
        known = {canonical(each) for each in given}
        # Names and comments too: a sending program may read them otherwise. An apostrophe may be of the address.
        found = [each for cell in (text, *others) for way in ways(cell) for each in occurring(way)]
        seen = [each for each in found if not known.issuperset(map(canonical, each))]
    except AddressError as error:
        if (
            record.raw.count("@") == 1 and "@" in text and not is_one(unguarded(text))
        ):  # as it stands; an answer about it says why it is none
            return Line((text,), (), record.raw, record.line, name)
        return Line((), (), record.raw, record.line, name, str(error))
    return Line(tuple(given), tuple(seen), record.raw, record.line, name)
