"""Where a command takes addresses from: its arguments, standard input, or a file with a column of them."""

import csv
import itertools
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TextIO, cast

import typer

from healthy_mailing.address import AddressError, canonical
from healthy_mailing_cli.output import CommandError

Given = Annotated[
    list[str],
    typer.Argument(metavar="ADDRESS|FILE|-", help="Addresses, a list or CSV file of them, - for standard input."),
]
One = Annotated[str, typer.Argument(metavar="ADDRESS", help="The address, in any spelling.")]
Column = Annotated[str | None, typer.Option(help="The CSV column that holds the addresses, if it has no usual name.")]

STDIN = "-"

AS_IT_IS: Any = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}
"""How files are opened, so that what is written is what was read, byte for byte."""

_HEADERS = ("email", "e-mail", "email address", "emailaddress", "email_address", "mail", "address", "recipient")
"""What programs call the column, in lower case."""

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Row:
    """One address of a source, as it stands there.

    Attributes:
        address: What stands in the column, or the line.
        raw: The row's text, with its line end; empty for an argument.
    """

    address: str
    raw: str = ""


class Source:
    """Addresses in a file or on standard input, read row by row: a plain list, or CSV.

    The column is the one that is named, else the one with a usual heading, else the first that holds an @. Where there
    are several and none of that tells, it must be named: of the wrong one, nothing would be an address.

    Attributes:
        header: The line above the addresses, with its line end; empty without one.
    """

    def __init__(self, lines: Iterable[str], name: str, column: str | None) -> None:
        """Look at the first line of a source that messages call ``name``.

        Raises:
            CommandError: The source lacks the column, or it must be named.
        """
        self._name = name
        rest = iter(lines)
        line = next(rest, "")
        first = line.removeprefix("\ufeff")  # as Excel begins a file
        self._delimiter = max(_DELIMITERS, key=first.count)
        cells = next(csv.reader([first], delimiter=self._delimiter), [])
        names = [cell.strip().lower() for cell in cells]
        wanted = _HEADERS if column is None else (column.strip().lower(),)
        index = next((names.index(each) for each in wanted if each in names), None)
        found = ", ".join(filter(None, (cell.strip() for cell in cells))) or "nothing"
        if index is None and column is not None:
            raise CommandError(f"{name} has no column {column}; its first line holds: {found}")
        self.header = "" if index is None else line
        self._lines = rest if self.header else itertools.chain([first], rest)
        if index is None and len(cells) > 1:
            index = next((number for number, cell in enumerate(cells) if "@" in cell), None)
            if index is None:
                raise CommandError(f"Name the column of {name} with --column; its first line holds: {found}")
        # One cell and no heading: a plain list, in which quotes and commas belong to the addresses.
        self._index = index

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows that hold anything.

        Raises:
            CommandError: A quote is never closed.
        """
        if self._index is None:
            for text in self._lines:
                if address := text.strip():
                    yield Row(address, text)
            return
        taken: list[str] = []
        reader = csv.reader(_noted(self._lines, taken), delimiter=self._delimiter)
        try:
            for cells in reader:
                raw = "".join(taken)
                taken.clear()
                if any(cells):
                    yield Row(cells[min(self._index, len(cells) - 1)].strip(), raw)
        except csv.Error as error:
            line = reader.line_num + bool(self.header)
            raise CommandError(f"{self._name}, line {line}: {error}; is a quote not closed?") from None


@contextmanager
def opened(argument: str, column: str | None) -> Iterator[Source]:
    """Open standard input (``-``) or a file. Bytes that are not UTF-8 are kept: what is written is what was read.

    Raises:
        CommandError: There is no such file, or it lacks the column.
    """
    with ExitStack() as stack:
        try:
            name, file = "standard input", cast("TextIO", sys.stdin)
            if argument != STDIN:
                name, file = argument, stack.enter_context(Path(argument).open(**AS_IT_IS))
        except FileNotFoundError:
            raise CommandError(f"{argument} is neither an address nor a file that exists") from None
        except OSError as error:
            raise CommandError(f"{argument} can't be read: {error.strerror}") from None
        yield Source(file, name, column)


def is_source(argument: str) -> bool:
    """Return whether an argument names standard input or a file; anything else is an address."""
    if argument == STDIN or "@" not in argument:
        return True
    try:
        return Path(argument).is_file()
    except OSError:  # an address may be longer than a file's name
        return False


def rows(arguments: Iterable[str], column: str | None = None) -> Iterator[Row]:
    """Yield every address that arguments are or name.

    Raises:
        CommandError: As ``opened``.
    """
    for argument in arguments:
        if is_source(argument):
            with opened(argument, column) as source:
                yield from source
        else:
            yield Row(argument)


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
        addresses: Canonical addresses, each once.
        problems: What is not an address, and why.
    """

    addresses: list[str]
    problems: list[tuple[str, str]]


def canonical_ones(arguments: Iterable[str], column: str | None = None) -> Read:
    """Return all that arguments are or name.

    Raises:
        CommandError: As ``opened``.
    """
    found: dict[str, None] = {}
    problems: list[tuple[str, str]] = []
    for row in rows(arguments, column):
        try:
            found[canonical(row.address)] = None
        except AddressError as error:
            problems.append((row.address, str(error)))
    return Read(list(found), problems)


def _noted(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    """Yield lines, each noted as taken: a row of CSV may take several."""
    for text in lines:
        taken.append(text)
        yield text
