"""Where a command takes addresses from: its arguments, standard input, or lists in files."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from healthy_mailing.address import AddressError, forms, spelled
from healthy_mailing_cli.lists import files
from healthy_mailing_cli.lists.files import Part
from healthy_mailing_cli.lists.formats.rows import has_address, may_be_quoted, unguarded
from healthy_mailing_cli.lists.source import Line, Source
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.output import CommandError

STDIN = "-"


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


def lines(arguments: Iterable[str], column: str | None = None, encoding: str | None = None) -> Iterator[Line]:
    """Yield every row of the lists that arguments name, and each other argument.

    Raises:
        CommandError: As ``opened``, but for several lists in one file.
    """
    for argument in arguments:
        if not is_source(argument):
            yield Line((argument,))
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


@dataclass(frozen=True, slots=True)
class Read:
    """What was read."""

    # Canonical addresses, each once. Those that lookups know under more keys are last: of these, another key may be
    # given too.
    addresses: list[str]
    problems: list[tuple[str, str]]  # what is not an address, and why
    spellings: dict[str, set[str]] = field(default_factory=dict)  # by canonical address, how else it was spelled


def canonical_ones(arguments: Iterable[str], column: str | None = None, encoding: str | None = None) -> Read:
    """Return all that arguments are, or that lists name in their column.

    Raises:
        CommandError: As ``lines``.
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
        CommandError: As ``lines``.
    """
    others = 0
    for line in lines(arguments, column, encoding):
        where = line.where
        if line.problem:
            problems.append((f"{where}{line.text}", line.problem))
        elif any(unguarded(each) not in line.given for each, *_ in line.others):
            if any(map(has_address, line.raw.splitlines()[1:])):
                problem = "has addresses in a cell of several lines; is a quote not closed?"
                problems.append((f"{where}{line.text}", problem))
            else:
                others += 1
        for each in line.given:
            if line.name and may_be_quoted(each) and f"'{each}" not in line.raw:  # not one that is guarded
                problems.append((f"{where}{each}", "may be in quotation marks; if not, name it as an argument"))
            else:
                yield f"{where}{each}", each
    if others:
        count = output.counted(others, "line")
        output.note(f"{count} with addresses in other columns, in names or in comments: those are left alone.")
