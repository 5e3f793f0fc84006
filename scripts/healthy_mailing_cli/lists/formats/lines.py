"""Lines of a file, as records of CSV or of a plain list. Memory does not grow with the file."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

from healthy_mailing_cli.lists.formats.rows import has_address

LONGEST = 1 << 20  # most characters of a line, or of a value in JSON


class Record(NamedTuple):
    """A row of CSV, or a line of a plain list, as it stands in a file."""

    cells: list[str]  # what it holds; of a plain list, the line
    raw: str  # its text with its line ends; what ``problem`` says is too long is cut
    line: int  # the number of its first line
    problem: str = ""  # why it could not be read, empty if it could; then its only cell is the text


def alone(line: str, delimiter: str) -> list[str]:
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
NO_ROW = -1


class Lines:
    """Lines of a file, for a reader of CSV; they may be given back.

    A quote that is not closed would swallow the lines after it. So a row ends with an error where its next line looks
    like a row by itself. It also does where an earlier row that ran through that line ended with one: what a line means
    inside of quotes does not depend on where they were opened. Thus no line is read more than a few times.
    """

    def __init__(self, file: TextIO) -> None:
        """Take none yet."""
        self._file = file
        self._back: deque[str] = deque()
        self._in_vain = 0  # down to this line, what is inside of quotes is never closed
        self.number = 0  # how many lines were taken
        self.taken: list[str] = []  # those of the row that is read
        # How many cells a row has; 0 if that is not known, so that none goes on in a line with an address. No row has
        # ``NO_ROW``: quotes of a file that we wrote are closed, and a line in them may look like a row of it.
        self.width = 0
        self.doubtful = 0  # down to this line, what is read may be of a cell whose quote was taken for open
        self.delimiter = ""

    def __iter__(self) -> Iterator[str]:
        """Return itself, as ``csv`` wants it."""
        return self

    def __next__(self) -> str:
        """Take a line.

        Raises:
            csv.Error: It is not of the row that is read, or is too long.
        """
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
                yield new(Record, ([text], line, self.number, problem))

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
        cells = alone(line, self.delimiter)
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


def records(lines: Lines, delimiter: str) -> Iterator[Record]:
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
            yield new(Record, (cells, line, number, ""))


new = tuple.__new__  # makes a named tuple in a third of the time that its constructor takes
