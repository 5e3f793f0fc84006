"""Lists in files: as they are, compressed by gzip, or in a zip archive."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO, cast

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
    def opened(self) -> Iterator[TextIO]:
        """Open it as text. Bytes that are not UTF-8 are kept: what is written is what was read.

        Raises:
            CommandError: It can't be read, then or later.
        """
        try:
            with self._bytes() as file:
                utf_16 = cast("io.BufferedReader", file).peek(2)[:2] in _UTF_16  # as some spreadsheets save text
                encoding, errors = ("utf-16", "replace") if utf_16 else ("utf-8", "surrogateescape")
                with io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="") as text:
                    yield text
        except BrokenPipeError:  # of what is printed meanwhile
            raise
        except OSError as error:
            raise CommandError(f"{self} can't be read: {error.strerror or error}") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise CommandError(f"{self} can't be unpacked: {error}") from None

    @contextmanager
    def _bytes(self) -> Iterator[IO[bytes]]:
        if self.member:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
                yield file
        elif _beginning(self.path).startswith(_GZIP):
            with gzip.open(self.path) as file:
                yield cast("IO[bytes]", file)
        else:
            with self.path.open("rb") as file:
                yield file


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
