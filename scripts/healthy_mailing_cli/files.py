"""Lists in files: as they are, compressed by gzip, or in a zip archive."""

import codecs
import gzip
import io
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO, cast

from healthy_mailing_cli.output import CommandError

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOK = "xl/workbook.xml"


@dataclass(frozen=True, slots=True)
class Part:
    """A list: a file, or a file in an archive.

    Attributes:
        path: The file.
        member: Its name in the archive; empty if the file is none.
        size: How many bytes the file has, and when it was changed: another list has others.
    """

    path: Path
    member: str
    size: str

    def __str__(self) -> str:
        """Return how messages call it."""
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def beside(self, suffix: str) -> Path:
        """Return the path of a file about it, in the file's folder."""
        member = "." + self.member.replace("/", "_").replace("\\", "_") if self.member else ""
        return self.path.with_name(f"{self.path.name}{member}{suffix}")

    @contextmanager
    def opened(self, encoding: str | None = None) -> Iterator[TextIO]:
        """Open it as text; without an encoding, UTF-8 or, with its mark, UTF-16.

        What the encoding does not know is kept: what is written in the same encoding is what was read.

        Raises:
            CommandError: It can't be read, then or later, or it is not text.
        """
        try:
            with self._bytes() as file:
                text = _text(file, encoding)
                try:
                    yield text
                finally:
                    text.detach()  # or it would close standard input
        except BrokenPipeError:  # of what is printed meanwhile
            raise
        except OSError as error:
            raise CommandError(f"{self} can't be read: {error.strerror or error}") from None
        except UnicodeError as error:
            raise CommandError(f"{self} is not text in {getattr(error, 'encoding', encoding)}: {error}") from None
        except _NoTextError as error:
            raise CommandError(f"{self} {error}") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise CommandError(f"{self} can't be unpacked: {error}") from None

    @contextmanager
    def _bytes(self) -> Iterator[IO[bytes]]:
        if self.member:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as packed, _unpacked(packed) as file:
                yield file
        elif self.path == _STDIN:
            with _unpacked(sys.stdin.buffer) as file:
                yield file
        else:
            with self.path.open("rb") as packed, _unpacked(packed) as file:
                yield file


_STDIN = Path("standard input")

STANDARD_INPUT = Part(_STDIN, "", "")


class _NoTextError(Exception):
    """Why something is not text, to be read behind its name."""


@contextmanager
def _unpacked(file: IO[bytes]) -> Iterator[IO[bytes]]:
    buffered = file if hasattr(file, "peek") else io.BufferedReader(cast("io.RawIOBase", file))
    if _begins(buffered, _ZIP):
        raise _NoTextError("is an archive: save it as a file, and name that")
    if _begins(buffered, _GZIP):
        with gzip.GzipFile(fileobj=buffered) as unpacked:
            yield cast("IO[bytes]", unpacked)
    else:
        yield buffered


def _begins(file: Any, *marks: bytes) -> bool:  # noqa: ANN401  (each of them can peek)
    return bool(file.peek(4).startswith(marks))


def _text(file: Any, encoding: str | None) -> io.TextIOWrapper:  # noqa: ANN401  (each of them can peek)
    """Return the text in a file."""
    if encoding is None:
        encoding = "utf-16" if _begins(file, *_UTF_16) else "utf-8"
    try:
        name = codecs.lookup(encoding).name
        is_wide = name.startswith(_WIDE)
        text = io.TextIOWrapper(file, name, "surrogatepass" if is_wide else "surrogateescape", newline="")
    except LookupError:
        raise _NoTextError(f"can't be read: --encoding {encoding} is none that Python knows, such as latin-1") from None
    if not is_wide and _CONTROLS.search(file.peek(_LOOKED_AT)[:_LOOKED_AT]):
        raise _NoTextError("is not text, or in another encoding: save it as CSV in UTF-8, or say --encoding utf-16")
    return text


_WIDE = ("utf-16", "utf-32")


_CONTROLS = re.compile(rb"[\x00-\x07\x0e-\x19\x1c-\x1f]")
"""Bytes that no text has, but for white space, the escapes of terminals, and the Ctrl-Z at the end of DOS's files."""

_LOOKED_AT = 8192


def parts(path: Path) -> list[Part]:
    """Return the lists in a file.

    Raises:
        CommandError: It can't be read.
    """
    try:
        if not path.is_file():
            raise CommandError(f"{path} is not a file")
        status = path.stat()
        size = f"{status.st_size} {status.st_mtime_ns}"
        if not _beginning(path).startswith(_ZIP):
            return [Part(path, "", size)]
        with zipfile.ZipFile(path) as archive:
            names = [each.filename for each in archive.infolist() if not each.is_dir()]
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror or error}") from None
    except zipfile.BadZipFile as error:
        raise CommandError(f"{path} can't be unpacked: {error}") from None
    if _WORKBOOK in names:
        raise CommandError(f"{path} is a workbook: save its sheet as CSV")
    return [Part(path, name, size) for name in names if not name.startswith("__MACOSX/")]  # as macOS adds


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)
