"""Where a command takes addresses from: its arguments, standard input, or a list in a file.

A list is read as it comes: CSV of any make, one or several addresses a line, JSON, compressed or in an archive.
Whatever it holds: each address that occurs on a line, in any column, is in the line's ``Row``, or the row says that the
line could not be understood.
"""

import html
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TextIO
from urllib.parse import unquote

from healthy_mailing.address import AddressError, canonical, forms, spelled
from healthy_mailing_cli.lists import files
from healthy_mailing_cli.lists.files import Part
from healthy_mailing_cli.lists.formats import reading
from healthy_mailing_cli.lists.formats.reading import HEADINGS, Record, Sheet, heading, text_of, too_many, unguarded
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.output import CommandError

STDIN = "-"

_PLAIN = re.compile(r"\s*[A-Za-z0-9][A-Za-z0-9_.+'-]*@[A-Za-z0-9.-]*[A-Za-z0-9]\s*")
"""What has one reading alone."""

_LINE_END = re.compile(r"\r\n|\r|\n")


class Row(NamedTuple):
    """One line of a list, or an argument.

    Attributes:
        given: The addresses in its column, as they stand there; without a header, all of them.
        others: What else looks like an address, in other columns, names or comments: each in all possible readings.
        raw: The line's text, with its line end; empty for an argument.
        line: The line's number; of JSON, the row's; 0 for an argument.
        name: What messages call the list; empty for an argument.
        problem: Why the line could not be understood; empty if it could. Then ``given`` has nothing.
    """

    given: tuple[str, ...]
    others: tuple[tuple[str, ...], ...] = ()
    raw: str = ""
    line: int = 0
    name: str = ""
    problem: str = ""

    @property
    def text(self) -> str:
        """What a person is shown of it."""
        return ", ".join(self.given) or self.raw.strip()

    @property
    def last_line(self) -> int:
        """The number of the row's last line: a cell may have several."""
        return self.line + len(_LINE_END.findall(self.raw.rstrip("\r\n")))

    @property
    def where(self) -> str:
        """How messages begin that are about it; empty for an argument."""
        lines = f"line {self.line}" if self.last_line == self.line else f"lines {self.line}-{self.last_line}"
        return f"{self.name}, {lines}: " if self.name else ""


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

    def __iter__(self) -> Iterator[Row]:
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


def _of_columns(found: Sheet, header: Record, index: int, name: str) -> Iterator[Row]:
    """Yield the rows under a header."""
    width = len(header.cells)
    for record in found.records:
        cells, raw, line, problem = record
        if problem:
            yield Row((), (), raw, line, name, problem)
        elif len(cells) > width and any(map(str.strip, cells[width:])):
            # Under a single heading each line is a list.
            yield _row(raw, record, name) if width == 1 else Row((), (), raw, line, name, too_many(cells, width))
        elif len(cells) <= index:
            problem = f"has no column {index + 1}, which is that of the addresses"
            yield Row((), (), raw, line, name, problem)
        elif raw.count("@") == 1 and _PLAIN.fullmatch(cell := cells[index]):  # as almost every line
            yield tuple.__new__(Row, ((cell.strip(),), (), raw, line, name, ""))  # in a third of the time
        else:
            others = [cell for number, cell in enumerate(cells) if number != index and "@" in cell]
            yield _row(cells[index], record, name, others)


def _of_lines(found: Sheet, name: str) -> Iterator[Row]:
    """Yield the rows of a list without a header, of which each cell may be an address."""
    for record in found.records if found.header is None else itertools.chain([found.header], found.records):
        cells, raw, line, problem = record
        if problem:
            # Perhaps no CSV, such as "Doe, Jane" <jane@example.com>; of a line that is too long, the end is missing.
            row = _row(raw, record, name)
            yield Row((), (), raw, line, name, problem) if row.problem or len(raw) >= reading.LONGEST - 1 else row
        elif len(cells) == 1 and _PLAIN.fullmatch(cell := cells[0]):
            yield tuple.__new__(Row, ((cell.strip(),), (), raw, line, name, ""))
        else:
            yield _of_cells(record, name)


def _of_cells(record: Record, name: str) -> Row:
    rows = [_row(cell, record, name) for cell in record.cells if "@" in cell]
    problem = next((row.problem for row in rows if row.problem), "") if rows else "has no @"
    if problem and not (whole := _row(record.raw, record, name)).problem:
        return whole
    given = () if problem else tuple(each for row in rows for each in row.given)
    others = tuple(each for row in rows for each in row.others)
    return Row(given, others, record.raw, record.line, name, problem)


def _of_json(rows: Iterator[reading.Row], column: str | None, name: str) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        text = text_of(row.cells)[0]
        fields = {heading(name): value for name, value in row.fields.items()}
        wanted = HEADINGS if column is None else (heading(column),)
        cell = next((fields[each] for each in wanted if isinstance(fields.get(each), str)), None)
        record = Record([text], text, number)
        if row.problem or cell is None:
            problem = row.problem or "has no address under a usual name; name it with --column"
            yield Row((), (), text, number, name, problem)
        else:
            yield _row(cell, record, name, _strings(row.cells))


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


def _ways(text: str) -> Iterable[str]:
    """Return a string as it is, and what it means in a URL, in HTML, or in a program."""
    ways = [text]
    if "%" in text:
        ways.append(unquote(text, errors="surrogateescape"))
    if "&" in text:
        ways.append(html.unescape(text))
    if "\\" in text:
        ways.append(_ESCAPE.sub(" ", text))
    return dict.fromkeys(ways)


def _row(text: str, record: Record, name: str, others: Iterable[str] = ()) -> Row:
    """Return the row whose addresses are in a string, and perhaps in other cells."""
    text = text.strip()
    try:
        given = _addresses(unguarded(text))
        known = {canonical(each) for each in given}
        # Names and comments too: a sending program may read them otherwise. An apostrophe may be of the address.
        found = [each for cell in (text, *others) for way in _ways(cell) for each in _occurring(way)]
        seen = [each for each in found if not known.issuperset(map(canonical, each))]
    except AddressError as error:
        if (
            record.raw.count("@") == 1 and "@" in text and not _is_one(unguarded(text))
        ):  # as it stands; an answer about it says why it is none
            return Row((text,), (), record.raw, record.line, name)
        return Row((), (), record.raw, record.line, name, str(error))
    return Row(tuple(given), tuple(seen), record.raw, record.line, name)


_BETWEEN = " \t\r\n,;"
_ITEM = re.compile(
    r"""[\s,;]*
    (?: (?: "[^"]*" | [^<>@,;"]* ) \s* <(?P<angle>[^<>]*)>      # Jane <jane@example.com>
      | (?P<local>"(?:[^"\\]|\\.)*"@[^\s,;<>"]+)                  # "jane doe"@example.com
      | "(?P<quoted>[^"]*)"                                     # a cell that is quoted
      | (?P<bare>[^\s,;<>"]+)
    )
    (?: \s* \( [^()]* \) )?                                     # a comment (RFC 5322, 3.4)
    (?=[\s,;]|$)""",
    re.VERBOSE,
)


def _addresses(text: str) -> list[str]:
    """Return the addresses that a string consists of: one, or several with commas, semicolons or blanks between them.

    Raises:
        AddressError: There is none, or something else beside them.
    """
    text = text.strip(_BETWEEN)
    try:
        canonical(text)
    except AddressError:
        if text.count("@") < 2 and '"' not in text:  # noqa: PLR2004  (not several)
            raise
    else:
        if text.count("@") == 1:
            return [text]
    found: list[str] = []
    position = 0
    while position < len(text):
        item = _ITEM.match(text, position)
        if item is None:
            raise AddressError("has something beside addresses")
        each = item["angle"] or item["local"] or item["bare"] or ""
        if item["quoted"] is not None:
            found += _addresses(item["quoted"].strip())
        else:
            canonical(each)
            found.append(each.strip())
        position = item.end()
    if not found:
        raise AddressError("has no @")
    return found


_LOCAL = r"""(?<![^\s,;:<>()\[\]"\\@])[^\s,;:<>()\[\]"\\@]+"""
# A domain goes on to the first ASCII character that none has: IDNA takes others, or drops them.
_PLACE = r"@(?=([A-Za-z0-9._-]*[^\x00-\x7f\s][^\x00-,/:-@\[-^`{-\x7f\s]*|[A-Za-z0-9._-]+|\[[^\]\s]+\]))"
_OCCURRING = re.compile(f"({_LOCAL}){_PLACE}")
_OCCURRING_IN_QUOTES = re.compile(rf"""("(?:[^"\\]|\\.)+"|{_LOCAL}){_PLACE}""")

_UNCLEAR = re.compile(r"[)\\>]@\S|[^\s(]@[(<]")
"""What may stand within an address: a comment (RFC 5322, 3.2.2), an escape of Markdown, a tag of HTML."""

_PUNCTUATION = re.compile(r"[!-*,/:-?\[-^`{-~]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_SPLITS = (_PUNCTUATION.split, re.compile(r"[^\w.+-]").split, re.compile(r"[^\w.+'&-]").split, _BEYOND_ASCII.split)
_ESCAPE = re.compile(r"\\(?:[nrtvf]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})")


def _occurring(text: str) -> list[tuple[str, ...]]:
    """Return what looks like addresses in any text, each in all readings, since it may be quoted or part of a URL.

    The last reading is the shortest.

    Raises:
        AddressError: Something that looks like one is not an address.
    """
    if _UNCLEAR.search(text):
        raise AddressError("has a comment, a tag or a backslash beside an @")
    found = []
    # Looking for quotes takes time where there are many.
    for local, domain in (_OCCURRING_IN_QUOTES if '"@' in text else _OCCURRING).findall(text):
        place = domain if domain[0] == "[" else domain.strip(".-_")
        if not place:
            continue
        whole = f"{local}@{place}"
        if not _is_one(whole):
            raise AddressError(f"also has {local}@{domain}, which is not an address")
        ends = (local, *(split(local)[-1] for split in _SPLITS), _bare(local))
        parts = dict.fromkeys(part for one in ends for part in (one, one.lstrip(".+-_")))
        places = (place, *(each.strip(".-_") for each in (_BEYOND_ASCII.split(place)[0], _bare(place))))
        readings = (f"{one}@{other}" for other in places for one in parts if one and other)
        found.append((whole, *(each for each in dict.fromkeys(readings) if each != whole and _is_one(each))))
    return found


def _bare(text: str) -> str:
    return re.sub(r"^\W+|\W+$", "", text)


def _is_one(text: str) -> bool:
    try:
        canonical(text)
    except AddressError:
        return False
    return True


@contextmanager
def opened(argument: str, column: str | None = None, encoding: str | None = None) -> Iterator[Source]:
    """Open standard input (``-``) or a file that holds one list.

    Raises:
        CommandError: There is no such file, it can't be read, it holds several, or it lacks the column.
    """
    parts = _parts(argument, encoding)
    if len(parts) != 1:
        raise CommandError(f"{argument} holds {len(parts)} lists: unpack it, and name one of them")
    with parts[0].opened() as file:
        yield Source(file, str(parts[0]), column)


def is_source(argument: str) -> bool:
    """Return whether an argument names standard input or a file; anything else is an address."""
    if argument == STDIN or "@" not in argument:
        return True
    try:
        return Path(argument).is_file()
    except OSError:  # an address may be longer than a file's name
        return False


def rows(arguments: Iterable[str], column: str | None = None, encoding: str | None = None) -> Iterator[Row]:
    """Yield every row of the lists that arguments name, and each other argument.

    Raises:
        CommandError: As ``opened``, but for several lists in one file.
    """
    for argument in arguments:
        if not is_source(argument):
            yield Row((argument,))
            continue
        for part in _parts(argument, encoding):
            with part.opened() as file:
                found = iter(Source(file, str(part), column))
                if (first := next(found, None)) is None:
                    output.note(f"{part} holds no addresses.")
                    continue
                yield first
                yield from found


def _parts(argument: str, encoding: str | None) -> list[Part]:
    try:
        if argument == STDIN:
            return [files.standard_input(encoding)]
        path = Path(argument)
        if not argument:
            raise CommandError("An argument is empty, and names neither an address nor a file")
        if not path.exists():
            raise CommandError(f"{argument} is neither an address nor a file that exists")
        if path.is_dir():
            raise CommandError(f"{argument} can't be read: it is a folder")
        if not path.is_file():  # such as a pipe
            return [Part(path, "", "", encoding=encoding)]
        return files.parts(path, encoding)
    except OSError as error:
        raise CommandError(f"{argument} can't be read: {error.strerror}") from None


def canonical_one(text: str) -> str:
    """Return the canonical form of an address that a person typed.

    Raises:
        CommandError: It is not an address.
    """
    try:
        return canonical(text)
    except AddressError as error:
        raise CommandError(f"{text} is not an address: it {error}") from None


def canonical_domain(text: str) -> str:
    """Return the domain, as it stands in canonical addresses, that ``--domain`` names.

    Raises:
        CommandError: It is not a domain.
    """
    try:
        return canonical(f"a@{text.removeprefix('@')}").rpartition("@")[2]
    except AddressError as error:
        raise CommandError(f"--domain {text} is not a domain: an address of it {error}") from None


@dataclass(frozen=True, slots=True)
class Read:
    """What was read.

    Attributes:
        addresses: Canonical addresses, each once. Those that lookups know under more keys are last: of these, another
            key may be given too.
        problems: What is not an address, and why.
        spellings: By canonical address, how else it was spelled.
    """

    addresses: list[str]
    problems: list[tuple[str, str]]
    spellings: dict[str, set[str]] = field(default_factory=dict)


def canonical_ones(arguments: Iterable[str], column: str | None = None, encoding: str | None = None) -> Read:
    """Return all that arguments are, or that lists name in their column.

    Raises:
        CommandError: As ``rows``.
    """
    found: dict[str, None] = {}
    problems: list[tuple[str, str]] = []
    others: dict[str, set[str]] = {}
    several: set[str] = set()
    for label, text in named(arguments, column, encoding, problems):
        try:
            address, *more = forms(text)
        except AddressError as error:
            problems.append((label, str(error)))
            continue
        found[address] = None
        if text != address:
            others.setdefault(address, set()).update(*spelled([(address, text)]).values())
        if more:
            several.add(address)
    return Read(sorted(found, key=several.__contains__) if several else list(found), problems, others)


def named(
    arguments: Iterable[str], column: str | None, encoding: str | None, problems: list[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Yield each address that is to be acted on, as it stands there, behind what messages call it.

    ``problems`` gets the lines that could not be understood. What stands beside them is not acted on, and said once.

    Raises:
        CommandError: As ``rows``.
    """
    others = 0
    for row in rows(arguments, column, encoding):
        where = row.where
        if row.problem:
            problems.append((f"{where}{row.text}", row.problem))
        elif any(unguarded(each) not in row.given for each, *_ in row.others):
            if any(map(reading.has_address, row.raw.splitlines()[1:])):
                problem = "has addresses in a cell of several lines; is a quote not closed?"
                problems.append((f"{where}{row.text}", problem))
            else:
                others += 1
        for each in row.given:
            if row.name and reading.may_be_quoted(each) and f"'{each}" not in row.raw:  # not one that is guarded
                problems.append((f"{where}{each}", "may be in quotation marks; if not, name it as an argument"))
            else:
                yield f"{where}{each}", each
    if others:
        lines = output.counted(others, "line")
        output.note(f"{lines} with addresses in other columns, in names or in comments: those are left alone.")
