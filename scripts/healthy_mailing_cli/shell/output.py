"""What commands print: results to standard output, progress and questions to standard error."""

import io
import itertools
import json
import os
import re
import signal
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TextIO, TypeVar

from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

FEW = 10  # how many addresses a command changes without asking

_SHOWN = 3

YES, NO, ERROR = 0, 1, 2  # exit codes: yes, or all done; no, or some failed; misuse, or the question could not be asked

_T = TypeVar("_T")


class CommandError(Exception):
    """Why a command can't do what it was asked; the message says so in a sentence, with the remedy."""


def use_any_bytes() -> None:
    """Let addresses hold bytes that are not UTF-8, and let output go to where not every character exists."""
    for stream, settings in (
        (sys.stdin, {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}),
        (sys.stdout, {"errors": "backslashreplace"}),
        (sys.stderr, {"errors": "backslashreplace"}),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(**settings)  # type: ignore[arg-type]  # each is a setting of its own


def printable(text: str) -> str:
    """Return text that is safe to show: mail servers and senders wrote it, and a terminal obeys control characters."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def line(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{printable(text)}\n")


def rows(table: Sequence[Sequence[str]], to: TextIO | None = None) -> None:
    """Print rows in columns that are as wide as their content, but for the last."""
    shown = [[printable(cell) for cell in row] for row in table]
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))] if shown else []
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        (to or sys.stdout).write(f"{'  '.join(cells).rstrip()}\n")


def columns(table: Sequence[Sequence[str]], *, style: str = "") -> None:
    """Print rows in columns; the last one is wrapped to the width of the terminal, or to 80 characters.

    The first one is in a style such as ``red``, on a terminal alone, and not where ``NO_COLOR`` is set.
    """
    grid = Table.grid(*[""] * len(table[0]), padding=(0, 2))
    for column in grid.columns[:-1]:
        column.no_wrap = True
    grid.columns[-1].overflow = "fold"
    for row in table:
        first, *others = (Text(printable(cell)) for cell in row)
        first.stylize(style)
        grid.add_row(first, *others)
    console = Console(highlight=False)
    with console.capture() as captured:
        console.print(grid)
    sys.stdout.write("".join(f"{each.rstrip()}\n" for each in captured.get().splitlines()))


def ndjson(value: Any) -> None:  # noqa: ANN401  (whatever JSON holds)
    """Print a value as one line of JSON."""
    sys.stdout.write(f"{json.dumps(value)}\n")


def would(what: str, each: Iterable[Any], *, as_json: bool) -> None:
    """Print what would be done without ``--dry-run``: in a sentence, or each in JSON."""
    if as_json:
        for value in each:
            ndjson(value)
    else:
        line(f"Without --dry-run: {what}.")


def note(text: str) -> None:
    """Print a line for the person at the terminal, beside the results."""
    sys.stderr.write(f"{printable(text)}\n")


def error(text: str) -> None:
    """Print what is wrong, in red where that can be seen."""
    console = Console(stderr=True, highlight=False)
    console.print(Text.assemble(("error:", "red"), " ", printable(text)), soft_wrap=True)


@contextmanager
def replacing(
    path: Path, encoding: str = "utf-8", errors: str = "surrogateescape", *, ours: bool = False
) -> Iterator[TextIO]:
    """Write a file that appears only once it is whole, so that an interruption leaves what was there.

    Until then it has a name of its own, which no other run has, and nobody else may read it.

    What is there and no regular file, such as ``/dev/null``, is written to. A link stays one. ``ours``: the user did
    not name the file, so whatever has its name is replaced, a link too: someone else may have put it there.

    Raises:
        CommandError: It can't be written.
    """
    try:
        if not ours and path.exists() and not path.is_file():
            with path.open("w", encoding=encoding, errors=errors, newline="") as file:
                yield file
            return
        target = path if ours else path.resolve()
        # Made as nothing that exists, and without following a link (O_EXCL, O_NOFOLLOW), for its owner alone (0600).
        number, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name[:50]}.", suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(number, "w", encoding=encoding, errors=errors, newline="") as file:
                yield file
                file.flush()
                let_have(file, mode_of(target))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except (BrokenPipeError, BotoCoreError):  # of what is printed or asked meanwhile: some of botocore's are OSErrors
        raise
    except OSError as error:
        if error.errno is None:  # of what is unpacked meanwhile
            raise
        raise CommandError(f"{path} can't be written: {error.strerror}") from None


def let_have(file: IO[Any], mode: int) -> None:
    """Give an open file its permissions, on a file system that has some."""
    with suppress(OSError):
        os.fchmod(file.fileno(), mode)


def mode_of(path: Path) -> int:
    """Return which permissions a file is to have that replaces another: the same; a new one, those that are usual."""
    with suppress(OSError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode):
            return found.st_mode & 0o777
    umask = os.umask(0o077)  # it can't be read without being set
    os.umask(umask)
    return 0o666 & ~umask


@contextmanager
def finishing() -> Iterator[None]:
    """Let Ctrl-C wait for the end of a ``with`` block, whose steps belong together. A second one does not wait."""
    pressed = False

    def note(*_: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


@contextmanager
def progress(what: str, *, left: bool = False) -> Iterator["Counter"]:
    """Show how many are done, on a terminal alone, and for how long; with ``left``, how long it will still take."""
    console = Console(stderr=True)
    time = TimeRemainingColumn() if left else TimeElapsedColumn()
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), time)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        yield Counter(shown)


class Counter:
    """Counts what is done, and says how much there is."""

    def __init__(self, shown: Progress) -> None:
        """Count on a display."""
        self.done = 0
        self._shown = shown
        self._task = shown.add_task("", total=None)

    def expect(self, total: int) -> None:
        """Say how many there are, if that is known."""
        self._shown.update(self._task, total=total)

    def add(self, count: int = 1) -> None:
        """Count some as done."""
        self.done += count
        self._shown.advance(self._task, count)


def some(found: Sequence[str], count: int | None = None) -> str:
    """Return the first few addresses, and that there are more; ``count`` says how many if these are not all."""
    total = len(found) if count is None else count
    return ", ".join(found[:_SHOWN]) + (" …" if total > _SHOWN else "")


def those(found: Sequence[str]) -> str:
    """Return how many addresses there are, and the first few."""
    return counted(len(found), "address") + (f": {some(found)}" if found else "")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 address`` or ``2,000 addresses``."""
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{ending}"


def camel(words: str) -> str:
    """Return words as JSON names them: ``now disable`` and ``now_disable`` as ``nowDisable``."""
    first, *others = re.split("[^A-Za-z0-9]+", words)
    return (first.lower() if first.isupper() else first) + "".join(f"{each[:1].upper()}{each[1:]}" for each in others)


def windows(values: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Yield values in lists of up to ``size``, so that memory does not grow with their number."""
    rest = iter(values)
    while window := list(itertools.islice(rest, size)):
        yield window
