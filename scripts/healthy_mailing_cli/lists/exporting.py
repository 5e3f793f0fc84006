"""What the table knows, as CSV or NDJSON: to the terminal, or to a file that appears once it is whole."""

import csv
import errno
import fcntl
import io
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError

from healthy_mailing import api
from healthy_mailing.evidence import State
from healthy_mailing.item import (
    ADDRESS,
    EVIDENCE,
    NOTIFICATION_TYPE,
    REASON,
    SENDER,
    STATE,
    TIMESTAMP,
    TRANSACTIONAL,
    Item,
)
from healthy_mailing_cli.lists.exported_table import ExportedTable
from healthy_mailing_cli.lists.formats.recognition import EXPORTED_COLUMNS
from healthy_mailing_cli.lists.formats.rows import guarded
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.table.scan import Scan, known

_BYTE_ORDER_MARK = "\ufeff"  # by which Excel knows that a file is UTF-8


class Form(StrEnum):
    """How addresses are written."""

    CSV = "csv"
    NDJSON = "ndjson"


@dataclass
class Lines:
    """Turns items into lines, and counts them."""

    form: Form
    states: set[State]  # of which items there are to be lines
    count: int = 0
    unreadable: int = 0

    @property
    def header(self) -> str:
        """The line above all others; empty if there is none."""
        return _csv_line(EXPORTED_COLUMNS) if self.form is Form.CSV else ""

    def of(self, items: Sequence[Item]) -> str:
        """Return the lines of those items that are in one of the states."""
        lines = []
        for item in items:
            record, _ = known(item)
            if record[STATE] not in self.states:
                continue
            self.count += 1
            self.unreadable += EVIDENCE not in record
            lines.append(_csv_line(_cells(record)) if self.form is Form.CSV else f"{json.dumps(api.record(record))}\n")
        return "".join(lines)


def _cells(item: Item) -> list[str]:
    state = item[STATE]
    names = (REASON, NOTIFICATION_TYPE, SENDER, TIMESTAMP)
    return [item[ADDRESS], state, item.get(TRANSACTIONAL, state), *(str(item.get(name, "")) for name in names)]


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(map(guarded, cells))
    return line.getvalue()


def to_output(source: Scan | ExportedTable, lines: Lines, count: Callable[[int], None]) -> None:
    """Print all. A file or a program gets it byte for byte; of a terminal, what others wrote must not take control."""
    shown = _printable if sys.stdout.isatty() else str
    header = lines.header
    for items, _ in source.pages():  # what can't be read at all leaves no header
        sys.stdout.write(shown(header + lines.of(items)))
        header = ""
        count(len(items))
    sys.stdout.write(shown(header))  # of an export without a file of items
    sys.stdout.flush()


def _printable(text: str) -> str:
    return "\n".join(output.printable(each.removesuffix("\r")) for each in text.split("\n"))


def to_file(
    to: Path, source: Scan | ExportedTable, lines: Lines, count: Callable[[int], None], *, resume: bool
) -> None:
    """Write a file that appears once it is whole; until then, beside it are its beginning and how far that is."""
    to = to.resolve()  # a link stays one
    part, note = to.with_name(f"{to.name}.part"), to.with_name(f"{to.name}.progress")
    of = {**source.of, "format": lines.form}
    noted = _noted(note, part, of) if resume else None
    with _reported(to, part), _opened(part, to, is_new=noted is None) as file, ExitStack() as nothing_read:
        if noted:
            file.truncate(noted["bytes"])
            file.seek(0, os.SEEK_END)
            lines.count, lines.unreadable = noted["count"], noted["unreadable"]
            count(lines.count)
        else:
            header = lines.header and f"{_BYTE_ORDER_MARK}{lines.header}"
            _write(file, header)
            nothing_read.callback(part.unlink)  # until a page is there, which one may go on behind
        for items, positions in source.pages(noted["positions"] if noted else None):
            _write(file, lines.of(items))
            count(len(items))
            _note(note, file, {**of, "count": lines.count, "unreadable": lines.unreadable, "positions": positions})
            nothing_read.pop_all()
        nothing_read.pop_all()
        output.let_have(file, output.mode_of(to))
        os.fsync(file.fileno())
        part.replace(to)
    note.unlink(missing_ok=True)


def _opened(part: Path, to: Path, *, is_new: bool) -> BinaryIO:
    """Open the file that is being written: one of our own, which nobody else may read and no other export writes.

    Someone else may have put a link there, or a file to read later what is written to it. Neither is written to. What
    an interrupted export left is removed, unless this one goes on with it.

    Raises:
        CommandError: Another export writes it, or it is not ours to go on with.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    if is_new:
        with suppress(FileNotFoundError):
            if part.is_symlink() or not part.is_file():
                part.unlink()
            else:
                with part.open("rb") as found:
                    _lock(found, to)
                    part.unlink()
        flags |= os.O_CREAT | os.O_EXCL
    with ExitStack() as stack:
        file = stack.enter_context(os.fdopen(os.open(part, flags, 0o600), "r+b"))
        _lock(file, to)
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
            raise CommandError(f"{part} is not a file that an export of yours left: leave --resume out")
        stack.pop_all()
        return file


def _lock(file: BinaryIO, to: Path) -> None:
    """Make sure that no other export writes a file, and let none until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(f"Another export writes {to}: wait for it, or name another file") from None
    except OSError as error:  # some network file systems lock nothing
        if error.errno not in {errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.EBADF}:
            raise


def _write(file: BinaryIO, text: str) -> None:
    file.write(text.encode("utf-8", "surrogateescape"))


def _note(note: Path, file: BinaryIO, noted: dict[str, Any]) -> None:
    """Note how far the export is; what the note counts is in the file before the note is there."""
    file.flush()
    with output.replacing(note, ours=True) as written:
        json.dump({**noted, "bytes": file.tell()}, written)


def _noted(note: Path, part: Path, of: dict[str, Any]) -> dict[str, Any]:
    """Return how far an interrupted export was.

    Raises:
        CommandError: There is none, or it was of something else.
    """
    noted: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        noted = json.loads(note.read_text(encoding="utf-8"))
        if part.stat().st_size < noted["bytes"]:
            noted = {}
    if not noted:
        raise CommandError(f"There is no interrupted export beside {note.with_suffix('')}: leave --resume out")
    other = [name for name, value in of.items() if noted.get(name) != value]
    if other:
        raise CommandError(f"The interrupted export had another {' and '.join(other)}: repeat its options")
    return noted


@contextmanager
def _reported(to: Path, part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, BrokenPipeError | BotoCoreError):  # of what is printed or asked meanwhile
            raise
        raise CommandError(f"{to} can't be written: {error.strerror}") from None
    except KeyboardInterrupt:
        if part.exists():
            output.note(f"The beginning of {to} is kept. Add --resume to go on.")
        raise
