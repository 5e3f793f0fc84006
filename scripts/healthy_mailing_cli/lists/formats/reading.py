"""Rows out of text: CSV of any make, JSON documents and pages of them, NDJSON, and plain lists.

Whatever the text, each row comes out, or is named as refused with why; and memory does not grow with the text.
"""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from healthy_mailing_cli.lists.formats import documents, lines
from healthy_mailing_cli.lists.formats.documents import row_of
from healthy_mailing_cli.lists.formats.lines import NO_ROW, Lines, Record, alone, new, records
from healthy_mailing_cli.lists.formats.rows import Row, has_address, unguarded

REFUSED = "refused"  # the first column of a file of refused rows: why

PLAIN = ("address",)  # the columns of a plain list

HEADLESS = "has no header above it"  # the problem of the only row of a list of several columns that nothing names

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list, to be read once."""

    # The columns, in lower case and without white space around them; of JSON, the keys of the first objects.
    names: tuple[str, ...]
    header: tuple[str, ...]  # the columns as ``Row.cells`` has them
    rows: Iterator[Row]


def read(file: TextIO) -> Listing:
    """Return what a file lists, by its columns; one without a row has no names. Open it with ``newline=""``."""
    found = sheet(file)
    if not isinstance(found, Sheet):
        return _objects(found)
    if not found.delimiter:
        return Listing(
            PLAIN, PLAIN, (Row({"address": each.cells[0]}, each.cells, each.problem) for each in found.records)
        )
    if found.header is None:
        return _without_header(found.records)
    cells = found.header.cells
    names = tuple(cell.strip().lower() for cell in cells)
    return (
        Listing(names, tuple(cells), _fields(found.records, names))
        if names[0] != REFUSED
        else _refused(cells[1:], found.records)
    )


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file of lines, to be read once."""

    header: Record | None  # the record above the others, None if there is none: it holds no address
    above: str  # the text above the header, or the first record
    delimiter: str  # what stands between cells; empty in a plain list, in which quotes belong to the addresses
    records: Iterator[Record]  # the records that hold anything


def sheet(file: TextIO) -> "Sheet | Iterator[Row]":
    """Return what a file lists: lines, or the rows of JSON. Open it with ``newline=""``."""
    left = Lines(file)
    above = ""
    while first := file.readline(lines.LONGEST):
        text = first.removeprefix(_BYTE_ORDER_MARK)
        if text.strip() and not _SEPARATOR.match(text):
            break
        above += first
        left.number += 1
    else:
        return Sheet(None, above, _DELIMITERS[0], iter(()))
    left.number += 1
    left.push_back([text])
    if text.lstrip()[:1] in {"{", "["}:
        return documents.rows(left)
    delimiter = _delimiter(text, above)
    above += first[: len(first) - len(text)]
    if has_address(text):
        left.width = len(alone(text, delimiter or _DELIMITERS[0]))
        return Sheet(None, above, delimiter, records(left, delimiter) if delimiter else left.plain())
    found = records(left, delimiter or _DELIMITERS[0])
    header = next(found, None)
    if header is None:
        return Sheet(None, above, _DELIMITERS[0], found)
    if header.problem or has_address(header.raw):
        return Sheet(None, above, delimiter or _DELIMITERS[0], itertools.chain([header], found))
    left.width = len(header.cells) if header.cells[0].strip().lower() != REFUSED else NO_ROW
    return Sheet(header, above, delimiter or _DELIMITERS[0], found)


_BYTE_ORDER_MARK = "\ufeff"
_SEPARATOR = re.compile(r"^\ufeff?sep=(.)\s*$", re.IGNORECASE)  # the line by which Excel knows the delimiter


def _delimiter(first: str, above: str) -> str:
    """Return what stands between the cells of a first line; empty if nothing does."""
    if (said := _SEPARATOR.search(above)) and said[1] in _DELIMITERS:
        return said[1]
    # Without what is quoted; a quote that is not closed hides nothing.
    bare = _QUOTED.sub("", first)
    # As Outlook shows recipients, "Doe, Jane <jane@example.com>; …".
    most = ";" if ">;" in bare else max(_DELIMITERS, key=bare.count)
    return most if most in bare else ""


_QUOTED = re.compile('"[^"]*"')


def _without_header(records: Iterator[Record]) -> Listing:
    """Return what an import job's file lists (Amazon SES Developer Guide, "Using the account-level suppression list").

    All others need a header.
    """
    first = next(records, None)
    if first is None:
        return Listing((), (REFUSED,), iter(()))
    match first.cells:
        case [_, reason] if reason.strip().upper() in {"BOUNCE", "COMPLAINT"}:
            names = ("emailaddress", "reason")
            return Listing(names, names, _fields(itertools.chain([first], records), names))
        case _:
            return Listing((), _OF_JSON, iter([Row({}, first.cells, first.problem or HEADLESS)]))


def _refused(header: Sequence[str], records: Iterator[Record]) -> Listing:
    """Return what a file of refused rows lists, which someone has fixed: without the column that says why."""
    names = tuple(cell.strip().lower() for cell in header)
    unescaped = (each._replace(cells=[unguarded(cell) for cell in each.cells[1:]]) for each in records)
    if names == _OF_JSON:
        return _objects(map(_row_in, unescaped))
    return Listing(names, tuple(header), _fields(unescaped, names))


def _row_in(record: Record) -> Row:
    """Return the row that the one cell of a refused row of JSON holds."""
    cells, problem = record.cells, record.problem
    try:
        value = json.loads(cells[0]) if cells else None
    except (ValueError, RecursionError):
        problem = problem or "is not JSON"
    else:
        if isinstance(value, dict):
            return row_of(value)
    return Row({}, cells, problem or "is not an object")


def _fields(records: Iterator[Record], names: tuple[str, ...]) -> Iterator[Row]:
    width = len(names)
    for cells, _, _, problem in records:
        if problem:
            yield Row({}, cells, problem)
        elif len(cells) <= width or not any(cells[width:]):
            yield new(Row, (dict(zip(names, cells, strict=False)), cells, ""))
        else:
            yield Row({}, cells, too_many(cells, width))


def too_many(cells: Sequence[str], width: int) -> str:
    """Return what is wrong with a row of more cells than the header has."""
    return f"has {len(cells)} columns, {len(cells) - width} too many"


def _objects(found: Iterator[Row]) -> Listing:
    begun = list(itertools.islice(found, _TRIED))
    names = tuple(dict.fromkeys(name for row in begun for name in row.fields))
    return Listing(names, _OF_JSON, _and_rows(begun, found))


_OF_JSON = ("row",)  # the columns of refused rows of JSON

_TRIED = 20  # how many objects tell which columns there are: not each has all of them


def _and_rows(begun: list[Row], rows: Iterator[Row]) -> Iterator[Row]:
    yield from begun
    begun.clear()  # else they are held until the end
    yield from rows
