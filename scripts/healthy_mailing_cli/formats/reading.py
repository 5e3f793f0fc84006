"""Rows out of text: CSV of any make, JSON documents and pages of them, NDJSON, and plain lists.

Whatever the text, each row comes out, or is named as refused with why; and memory does not grow with the text.
"""

import csv
import itertools
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO

Fields = Mapping[str, Any]
"""What a row holds, by name in lower case: strings, or whatever JSON has."""

LONGEST = 1 << 20
"""Most characters of a line, or of a value in JSON."""

REFUSED = "refused"
"""The first column of a file of refused rows: why."""

PLAIN = ("address",)
"""The columns of a plain list."""

_CHUNK = 1 << 16
_DELIMITERS = ",;\t|"

# Keys under which APIs give a page's rows (Amazon SES: SuppressedDestinationSummaries, Postmark: Suppressions, Brevo:
# contacts, Mailgun: items, SparkPost and, within data, listmonk: results).
_LISTS = frozenset({"suppresseddestinationsummaries", "suppressions", "contacts", "items", "results", "data"})

_TRIGGERS = frozenset("=+-@\t\r\n")


class Row(NamedTuple):
    """One row.

    Attributes:
        fields: What it holds; empty if it could not be read.
        cells: The row as it stands in the file: strings, or one object of JSON. See ``text_of``.
        problem: Why it could not be read; empty if it could.
    """

    fields: Fields
    cells: Sequence[Any]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list, to be read once.

    Attributes:
        names: The columns, in lower case and without white space around them; of JSON, the keys of the first objects.
        header: The columns as ``Row.cells`` has them.
        rows: The rows.
    """

    names: tuple[str, ...]
    header: tuple[str, ...]
    rows: Iterator[Row]


def read(file: TextIO) -> Listing:
    """Return what a file lists; one without a row has no names. Open it with ``newline=""``."""
    lines = _Lines(file)
    first = next((line for line in lines if line.strip("\ufeff \t\r\n")), "").removeprefix("\ufeff")
    lines.push_back([first] if first else [])
    if first.lstrip()[:1] in {"{", "["}:
        return _json(lines)
    return _csv(lines, first)


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: one that looks like that gets an apostrophe in front.

    As OWASP's "CSV injection" advises. An apostrophe that stands there already gets another one, so that ``unguarded``
    can tell.
    """
    return f"'{cell}" if cell.lstrip("'")[:1] in _TRIGGERS else cell


def unguarded(cell: str) -> str:
    """Return a cell as it was before ``guarded``."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'")[:1] in _TRIGGERS else cell


class _Lines:
    """Lines of a file, up to ``LONGEST`` characters each; they may be given back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._back: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._file.readline(LONGEST)
        if not line:
            raise StopIteration
        self.taken.append(line)
        return line

    def push_back(self, lines: Iterable[str]) -> None:
        """Let lines be read next; nothing counts as taken."""
        self._back.extendleft(reversed(list(lines)))
        self.taken.clear()

    def read(self, size: int) -> str:
        """Return some text, empty at the end."""
        return self._back.popleft() if self._back else self._file.read(size)


def _csv(lines: _Lines, first: str) -> Listing:
    delimiter = max(_DELIMITERS, key=first.count)
    rows = _cells(lines, delimiter)
    if "@" in first and delimiter not in first:  # a plain list, in which quotes belong to the addresses
        return Listing(PLAIN, PLAIN, _plain(lines))
    cells, problem = next(rows, ([], ""))
    if problem or not cells:
        return Listing((), (REFUSED,), iter([Row({}, cells, problem)] if problem else []))
    if not any("@" in cell for cell in cells):
        names = tuple(cell.strip().lower() for cell in cells)
        return Listing(names, tuple(cells), _fields(rows, names)) if names[0] != REFUSED else _refused(rows, cells)
    # No header: an import job's file (Amazon SES Developer Guide, "Using the account-level suppression list").
    if len(cells) == 2 and cells[1].strip().upper() in {"BOUNCE", "COMPLAINT"}:  # noqa: PLR2004  (address and reason)
        names = ("emailaddress", "reason")
        return Listing(names, names, _fields(_and_then(cells, rows), names))
    return Listing((), _OF_JSON, iter([Row({}, cells, "has no header above it")]))


def _and_then(cells: list[str], rows: Iterator[tuple[list[str], str]]) -> Iterator[tuple[list[str], str]]:
    yield cells, ""
    yield from rows


def _refused(rows: Iterator[tuple[list[str], str]], header: list[str]) -> Listing:
    """Return what a file of refused rows lists, which someone has fixed: without the column that says why."""
    names = tuple(cell.strip().lower() for cell in header[1:])
    mended = (([unguarded(cell) for cell in cells[1:]], problem) for cells, problem in rows)
    if names == _OF_JSON:
        return _objects(_row_in(cells, problem) for cells, problem in mended)
    return Listing(names, tuple(header[1:]), _fields(mended, names))


def _row_in(cells: list[str], problem: str) -> Row:
    """Return the row that the one cell of a refused row of JSON holds."""
    try:
        value = json.loads(cells[0]) if cells else None
    except (ValueError, RecursionError):
        problem = problem or "is not JSON"
    else:
        if isinstance(value, dict):
            return _row_of(value)
    return Row({}, cells, problem or "is not an object")


def _cells(lines: _Lines, delimiter: str) -> Iterator[tuple[list[str], str]]:
    """Yield the cells of each row, and why they could not be read.

    A quote that is not closed would swallow the lines after it. Only the first is refused then, and the others are read
    for themselves.
    """
    while True:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if cells:
                    yield cells, ""
                lines.taken.clear()
        except csv.Error as error:
            line, *others = lines.taken
            lines.push_back(others)
            yield [line.rstrip("\r\n")], f"is not CSV: {error}"
        else:
            return


def _fields(rows: Iterator[tuple[list[str], str]], names: tuple[str, ...]) -> Iterator[Row]:
    width = len(names)
    for cells, problem in rows:
        if problem:
            yield Row({}, cells, problem)
        elif len(cells) <= width or not any(cells[width:]):
            yield Row(dict(zip(names, cells, strict=False)), cells)
        else:
            yield Row({}, cells, f"has {len(cells)} columns, {len(cells) - width} too many")


def _plain(lines: _Lines) -> Iterator[Row]:
    for line in lines:
        lines.taken.clear()
        if text := line.strip():
            yield Row({"address": text}, [text])


def _json(lines: _Lines) -> Listing:
    return _objects(_Documents(lines).rows())


def _objects(found: Iterator[Row]) -> Listing:
    begun = list(itertools.islice(found, _TRIED))
    names = tuple(dict.fromkeys(name for row in begun for name in row.fields))
    return Listing(names, _OF_JSON, _and_rows(begun, found))


_OF_JSON = ("row",)
"""The columns of refused rows of JSON."""

_TRIED = 20
"""How many objects tell which columns there are: not each has all of them."""


def _and_rows(begun: list[Row], rows: Iterator[Row]) -> Iterator[Row]:
    yield from begun
    begun.clear()  # else they are held until the end
    yield from rows


class _BrokenError(Exception):
    """What is next is not JSON, or too long."""


class _Documents:
    """The objects in JSON documents, one after the other: those in the lists of pages, in arrays, or by themselves.

    Brackets, commas, and what else a page says beside its list are passed over. What is not JSON is refused to the end
    of its line.
    """

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._text = ""
        self._at = 0
        self._start = 0  # of what would be refused
        self._ended = False
        self._decoder = json.JSONDecoder(strict=False)

    def rows(self) -> Iterator[Row]:
        while char := self._peek(between=True):
            self._start = self._at
            if char in "[],}":
                self._at += 1
                continue
            try:
                yield from self._value(char)
            except _BrokenError:
                yield Row({}, [self._rest_of_line()], "is not JSON")

    def _value(self, char: str) -> Iterator[Row]:
        if char == "{":
            yield from self._object()
            return
        value = self._decoded()
        if char == '"' and self._peek() == ":":  # of a page, behind its list
            self._member(value)
        else:
            yield Row({}, [json.dumps(value)], "is not an object")

    def _object(self) -> Iterator[Row]:
        value = self._decoded_at_once()
        if value is not None:
            yield from _rows_of(value)
            return
        self._at += 1
        members: dict[str, Any] = {}
        while (char := self._peek()) != "}":
            if char == ",":
                self._at += 1
                continue
            if char != '"':
                raise _BrokenError
            key = self._decoded()
            if self._peek() != ":":
                raise _BrokenError
            if self._is_list(key):
                return
            members[key] = self._decoded()
        self._at += 1
        yield _row_of(members)

    def _member(self, key: str) -> None:
        """Pass over the value of a page's key, or enter its list."""
        if not self._is_list(key):
            self._decoded()

    def _is_list(self, key: str) -> bool:
        """Pass over a colon; return whether the page's rows are behind it."""
        self._at += 1
        return self._peek() in {"[", "{"} and key.lower() in _LISTS

    def _decoded_at_once(self) -> Any:  # noqa: ANN401  (JSON)
        """Return the value that is next, if all of it was read already; None if not."""
        try:
            value, end = self._decoder.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            return None
        self._at = end
        return value

    def _decoded(self) -> Any:  # noqa: ANN401  (JSON)
        """Return the value that is next."""
        if self._peek() not in _BEGINNINGS:
            raise _BrokenError
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError:
                raise _BrokenError from None
            except ValueError:
                if self._ended:
                    raise _BrokenError from None
            else:
                if self._ended or self._text[end : end + 1] not in _GOES_ON:
                    self._at = end
                    return value
            if len(self._text) - self._start > LONGEST:
                raise _BrokenError
            self._fill()

    def _peek(self, *, between: bool = False) -> str:
        """Return the next character that is not white space; empty at the end. White space between rows is not kept."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            if between:
                self._start = self._at
            elif len(self._text) - self._start > LONGEST:
                raise _BrokenError
            self._fill()

    def _rest_of_line(self) -> str:
        """Pass over the line in which an object began that is broken, and return it."""
        while True:
            line = _LINE.match(self._text, self._start)
            if line or self._ended or len(self._text) - self._start > LONGEST:
                break
            self._fill()
        text = line[0] if line else self._text[self._start :]
        self._at = self._start = self._start + max(1, len(text))
        return text.strip()

    def _fill(self) -> None:
        chunk = self._lines.read(_CHUNK)
        self._ended = not chunk
        start = min(self._start, self._at)
        self._text = self._text[start:] + chunk
        self._at -= start
        self._start -= start


_BEGINNINGS = frozenset('"-0123456789tfn[{')
_GOES_ON = frozenset({"", ".", "e", "E"})
"""What may stand behind the beginning of a number, if that is all that was read; "" is the end of that."""

_BLANK = re.compile(r"[ \t\r\n\ufeff]*")
_LINE = re.compile(r"[^\r\n]*[\r\n]")


def _rows_of(value: Any) -> Iterator[Row]:  # noqa: ANN401  (JSON)
    """Yield the rows in an object: those of the list in it, or itself."""
    for key, each in value.items():
        if key.lower() in _LISTS and isinstance(each, dict):
            yield from _rows_of(each)
            return
        if key.lower() in _LISTS and isinstance(each, list):
            for element in each:
                if isinstance(element, dict):
                    yield _row_of(element)
                else:
                    yield Row({}, [json.dumps(element)], "is not an object")
            return
    yield _row_of(value)


def _row_of(value: dict[str, Any]) -> Row:
    return Row({name.lower(): each for name, each in value.items()}, [value])


def text_of(cells: Iterable[Any]) -> list[str]:
    """Return the cells of a row as text: of JSON, made only if it is needed."""
    return [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in cells]
