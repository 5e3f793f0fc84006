"""Rows out of text: CSV of any make, JSON documents and pages of them, NDJSON, and plain lists.

Whatever the text, each row comes out, or is named as refused with why; and memory does not grow with the text.
"""

import csv
import itertools
import json
import re
import unicodedata
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

HEADINGS = ("email", "emailaddress", "emailadresse", "email1value", "mail", "address", "recipient")
"""What programs call the column of the addresses, as ``heading`` has it, the likeliest first."""

HEADLESS = "has no header above it"
"""The problem of the only row of a list of several columns that nothing names."""

_CHUNK = 1 << 16
_DELIMITERS = ",;\t|"

# Keys under which APIs give a page's rows (Amazon SES: SuppressedDestinationSummaries, Postmark: Suppressions, Bounces,
# Brevo: contacts, Mailgun: items, SparkPost and, within data, listmonk: results).
_LISTS = frozenset(
    {"suppresseddestinationsummaries", "suppressions", "bounces", "contacts", "items", "results", "data"}
)

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
    return Listing(names, tuple(cells), _fields(found.records, names)) if names[0] != REFUSED else _refused(found)


def may_be_quoted(address: str) -> bool:
    """Return whether quotation marks, brackets or other signs may be around an address, so that it is another one.

    IDNA takes those beyond ASCII for characters of a domain; a local part may begin with most signs, and few do.
    """
    if address[:1].isalnum() and address.isascii() and "|" not in address:
        return False
    found = _TOKEN.search(address.rpartition("<")[2])
    if found is None:
        return False
    token = found[0]
    begins_well = token[0].isalnum() or token[0] in "_+-." or token[0] > "\x7f"
    return not begins_well or any(
        each == "|" or (each > "\x7f" and unicodedata.category(each) in _AROUND and each not in _IN_WORDS)
        for each in token
    )


_TOKEN = re.compile(r"""[^\s<>"(),;:]+@[^\s<>"(),;:]+""")
_AROUND = frozenset({"Pi", "Pf", "Ps", "Pe", "Po"})
_IN_WORDS = "\u00b7\u30fb"  # middle dots (RFC 5892, A.3 and A.7)


def heading(cell: str) -> str:
    """Return a heading in lower case and without what stands between words, so that ``E-Mail`` is ``email``."""
    return cell.strip().lower().translate(_BETWEEN_WORDS)


_BETWEEN_WORDS = str.maketrans("", "", " -_")


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: one that looks like that gets an apostrophe in front.

    As OWASP's "CSV injection" advises. An apostrophe that stands there already gets another one, so that ``unguarded``
    can tell.
    """
    return f"'{cell}" if cell.lstrip("'")[:1] in _TRIGGERS else cell


def unguarded(cell: str) -> str:
    """Return a cell as it was before ``guarded``."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'")[:1] in _TRIGGERS else cell


class Record(NamedTuple):
    """A row of CSV, or a line of a plain list, as it stands in a file.

    Attributes:
        cells: What it holds; of a plain list, the line.
        raw: Its text with its line ends; what ``problem`` says is too long is cut.
        line: The number of its first line.
        problem: Why it could not be read, empty if it could; then its only cell is the text.
    """

    cells: list[str]
    raw: str
    line: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file of lines, to be read once.

    Attributes:
        header: The record above the others, None if there is none: it holds no address.
        above: The text above the header, or the first record.
        delimiter: What stands between cells; empty in a plain list, in which quotes belong to the addresses.
        records: The records that hold anything.
    """

    header: Record | None
    above: str
    delimiter: str
    records: Iterator[Record]


def sheet(file: TextIO) -> "Sheet | Iterator[Row]":
    """Return what a file lists: lines, or the rows of JSON. Open it with ``newline=""``."""
    lines = _Lines(file)
    above = ""
    while first := file.readline(LONGEST):
        text = first.removeprefix(_BYTE_ORDER_MARK)
        if text.strip() and not _SEPARATOR.match(text):
            break
        above += first
        lines.number += 1
    else:
        return Sheet(None, above, _DELIMITERS[0], iter(()))
    lines.number += 1
    lines.push_back([text])
    if text.lstrip()[:1] in {"{", "["}:
        return _Documents(lines).rows()
    delimiter = _delimiter(text, above)
    above += first[: len(first) - len(text)]
    if has_address(text):
        lines.width = len(_alone(text, delimiter or _DELIMITERS[0]))
        return Sheet(None, above, delimiter, _records(lines, delimiter) if delimiter else lines.plain())
    records = _records(lines, delimiter or _DELIMITERS[0])
    header = next(records, None)
    if header is None:
        return Sheet(None, above, _DELIMITERS[0], records)
    if header.problem or has_address(header.raw):
        return Sheet(None, above, delimiter or _DELIMITERS[0], itertools.chain([header], records))
    lines.width = len(header.cells) if header.cells[0].strip().lower() != REFUSED else _NO_ROW
    return Sheet(header, above, delimiter or _DELIMITERS[0], records)


_BYTE_ORDER_MARK = "\ufeff"
_SEPARATOR = re.compile(r"^\ufeff?sep=(.)\s*$", re.IGNORECASE)
"""The line by which Excel knows the delimiter."""

_ADDRESS_LIKE = re.compile(r"[^\s@,;|]@[^\s@,;|]")


def has_address(text: str) -> bool:
    """Return whether something in a string looks like an address."""
    return "@" in text and bool(_ADDRESS_LIKE.search(text))


def several(text: str) -> int:
    """Return how many different addresses there seem to be in a string, whatever stands between them."""
    return len({each.lower() for each in _BETWEEN.split(text) if has_address(each)})


_BETWEEN = re.compile(r"[\s,;<>()\"']+")


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


def _alone(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line by itself; none if a quote makes it no row."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


csv.field_size_limit(LONGEST)


class _TooLong(str):
    """The beginning of a line of more than ``LONGEST`` characters, whose rest was passed over."""

    __slots__ = ()


_TOO_LONG = f"has more than {LONGEST:,} characters"
_NOT_SIMPLE = "not simple"
_NO_ROW = -1


class _Lines:
    """Lines of a file, for a reader of CSV; they may be given back.

    A quote that is not closed would swallow the lines after it. So a row ends with an error where its next line looks
    like a row by itself. It also does where an earlier row that ran through that line ended with one: what a line means
    inside of quotes does not depend on where they were opened. Thus no line is read more than a few times.

    Attributes:
        number: How many lines were taken.
        taken: Those of the row that is read.
        doubtful: Down to this line, what is read may be of a cell whose quote was taken for open.
        width: How many cells a row has; 0 if that is not known, so that none goes on in a line with an address. No row
            has ``_NO_ROW``: quotes of a file that we wrote are closed, and a line in them may look like a row of it.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._back: deque[str] = deque()
        self._in_vain = 0  # down to this line, what is inside of quotes is never closed
        self.number = 0
        self.taken: list[str] = []
        self.width = 0
        self.doubtful = 0
        self.delimiter = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._file.readline(LONGEST)
        if not line:
            raise StopIteration
        if self.taken and (self.number < self._in_vain or ("@" in line and self._is_row(line))):
            self._back.appendleft(line)
            self.doubtful = max(self.doubtful, self.number + 1)
            raise csv.Error("a quote is not closed")
        self.number += 1
        if len(line) >= LONGEST - 1:  # the first line may have lost a byte order mark
            line = self._whole(line)
            if isinstance(line, _TooLong):
                self.taken.append(line)
                raise csv.Error(_TOO_LONG)
        self.taken.append(line)
        return line

    def plain(self) -> Iterator[Record]:
        """Yield each line that is left and not blank as one cell."""
        back, readline = self._back, self._file.readline
        while line := back.popleft() if back else readline(LONGEST):
            self.number += 1
            problem = ""
            if len(line) >= LONGEST - 1 and isinstance(line := self._whole(line), _TooLong):
                problem = _TOO_LONG
            if text := line.strip():
                yield _new(Record, ([text], line, self.number, problem))

    def simple(self) -> str:
        """Return the next line, empty at the end. One that needs more than a look stays the next: ``_NOT_SIMPLE``."""
        line = self._back.popleft() if self._back else self._file.readline(LONGEST)
        if '"' in line or len(line) >= LONGEST - 1:
            self._back.appendleft(line)
            return _NOT_SIMPLE
        self.number += 1
        return line

    def _whole(self, line: str) -> str:
        if isinstance(line, _TooLong) or line[-1] in "\r\n":
            return line
        while (rest := self._file.readline(LONGEST)) and rest[-1] not in "\r\n":
            pass
        return _TooLong(line)

    def _is_row(self, line: str) -> bool:
        if not self.width:
            return has_address(line)
        cells = _alone(line, self.delimiter)
        if len(cells) > self.width or '"' in "".join(cells):
            return False
        found = list(filter(_ADDRESS.fullmatch, cells))
        # A shorter one may be a mail server's text, which names the row's own address.
        return bool(found) and (len(cells) == self.width or not all(each.strip() in self.taken[0] for each in found))

    def push_back(self, lines: Iterable[str]) -> None:
        """Let lines be read next; nothing counts as taken."""
        given = list(lines)
        self._back.extendleft(reversed(given))
        self.number -= len(given)
        self.taken.clear()

    def give_up(self) -> str:
        """Return the first line of a row that can't be read; the others are read next."""
        self._in_vain = max(self._in_vain, self.number)
        self.doubtful = max(self.doubtful, self.number)
        first, *others = self.taken
        self.push_back(others)
        return first

    def read(self, size: int) -> str:
        """Return some text, empty at the end."""
        return self._back.popleft() if self._back else self._file.read(size)


_ADDRESS = re.compile(r"\s*[^\s@,;|<>\"]+@[^\s@,;|<>\"]+\s*")


def _records(lines: _Lines, delimiter: str) -> Iterator[Record]:
    """Yield the rows of CSV. Of one that can't be read, only the first line counts, and the others are read again."""
    lines.delimiter = delimiter
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while line := lines.simple():
        if line is _NOT_SIMPLE:
            try:
                cells = next(reader)
            except csv.Error as error:
                line, number = lines.give_up(), lines.number
                yield Record([line.rstrip("\r\n")], line, number, f"is not CSV: {error}")
                reader = csv.reader(lines, delimiter=delimiter, strict=True)
                continue
            taken = lines.taken
            number = lines.number - len(taken) + 1
            line = taken[0] if len(taken) == 1 else "".join(taken)
            taken.clear()
        else:
            cells, number = line.rstrip("\r\n").split(delimiter), lines.number
        if number <= lines.doubtful and lines.width and len(cells) != lines.width:
            yield Record([line.rstrip("\r\n")], line, number, "may be of a cell above whose quote is not closed")
        elif "!" <= cells[0][:1] <= "~" or any(map(str.strip, cells)):  # almost all begin with other than white space
            yield _new(Record, (cells, line, number, ""))


_new = tuple.__new__
"""Makes a named tuple in a third of the time that its constructor takes."""


def _without_header(records: Iterator[Record]) -> Listing:
    """Return what an import job's file lists (Amazon SES Developer Guide, "Using the account-level suppression list").

    All others need a header.
    """
    first = next(records, None)
    if first is None:
        return Listing((), (REFUSED,), iter(()))
    if len(first.cells) == 2 and first.cells[1].strip().upper() in {"BOUNCE", "COMPLAINT"}:  # noqa: PLR2004  (address and reason)
        names = ("emailaddress", "reason")
        return Listing(names, names, _fields(itertools.chain([first], records), names))
    return Listing((), _OF_JSON, iter([Row({}, first.cells, first.problem or HEADLESS)]))


def _refused(found: Sheet) -> Listing:
    """Return what a file of refused rows lists, which someone has fixed: without the column that says why."""
    assert found.header is not None, "it says that these are refused rows"  # noqa: S101  (for the type checker)
    header = tuple(found.header.cells[1:])
    names = tuple(cell.strip().lower() for cell in header)
    mended = (each._replace(cells=[unguarded(cell) for cell in each.cells[1:]]) for each in found.records)
    if names == _OF_JSON:
        return _objects(map(_row_in, mended))
    return Listing(names, header, _fields(mended, names))


def _row_in(record: Record) -> Row:
    """Return the row that the one cell of a refused row of JSON holds."""
    cells, problem = record.cells, record.problem
    try:
        value = json.loads(cells[0]) if cells else None
    except (ValueError, RecursionError):
        problem = problem or "is not JSON"
    else:
        if isinstance(value, dict):
            return _row_of(value)
    return Row({}, cells, problem or "is not an object")


def _fields(records: Iterator[Record], names: tuple[str, ...]) -> Iterator[Row]:
    width = len(names)
    for cells, _, _, problem in records:
        if problem:
            yield Row({}, cells, problem)
        elif len(cells) <= width or not any(cells[width:]):
            yield _new(Row, (dict(zip(names, cells, strict=False)), cells, ""))
        else:
            yield Row({}, cells, too_many(cells, width))


def too_many(cells: Sequence[str], width: int) -> str:
    """Return what is wrong with a row of more cells than the header has."""
    return f"has {len(cells)} columns, {len(cells) - width} too many"


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
            if self._is_list(key) and not _is_row(members):
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


def _is_row(value: Mapping[str, Any]) -> bool:
    """Return whether an object has an address of its own, so that a list in it is of that row."""
    return any(isinstance(each, str) and "@" in each and heading(key) in HEADINGS for key, each in value.items())


def _rows_of(value: Any) -> Iterator[Row]:  # noqa: ANN401  (JSON)
    """Yield the rows in an object: those of the list in it, or itself."""
    for key, each in () if _is_row(value) else value.items():
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
