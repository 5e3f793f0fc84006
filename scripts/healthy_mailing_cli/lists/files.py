"""Lists in files: as they are, compressed by gzip, or in a zip archive."""

import codecs
import gzip
import hashlib
import io
import os
import re
import struct
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TextIO, cast

from botocore.exceptions import BotoCoreError

from healthy_mailing_cli.shell.output import CommandError

_GZIP, _ZIPS = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")  # the second begins an archive of nothing
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOK = "xl/workbook.xml"

# What desktops put into folders, and so into archives, in lower case: macOS and Windows.
_JUNK = frozenset({".ds_store", "thumbs.db", "desktop.ini"})

_BUFFER = 1 << 16
_LONGEST_NAME = 255  # octets that file systems take

_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, ValueError)
"""What reading the directory of an archive may raise, beside ``OSError``."""


@dataclass(frozen=True, slots=True)
class Part:
    """A list: a file, or a file in an archive."""

    path: Path
    member: str  # how messages call it in the archive; empty if the file is none
    size: str  # how many bytes the file has, and when it was changed: another list has others. Empty for a pipe
    place: int = 0  # which of the archive's files it is, from 0; two may have one name
    label: str = ""  # how the names of files about it call it; no other of the archive has it
    encoding: str | None = None  # how it is encoded; None for UTF-8 or, with its mark, UTF-16

    def __str__(self) -> str:
        """Return how messages call it."""
        return f"{self.path}:{self.member}" if self.label else str(self.path)

    def beside(self, suffix: str) -> Path:
        """Return the path of a file about it, in the file's folder."""
        name = f"{self.path.name}.{self.label}" if self.label else self.path.name
        octets = os.fsencode(name)
        if len(octets) + len(suffix) > _LONGEST_NAME:
            digest = hashlib.sha256(octets).hexdigest()[:16]  # which tells it from others that begin alike
            name = f"{octets[: _LONGEST_NAME - len(suffix) - 17].decode(errors='ignore')}.{digest}"
        return self.path.with_name(f"{name}{suffix}")

    @contextmanager
    def opened(self, on_read: Callable[[float], None] = lambda _: None) -> Iterator[TextIO]:
        """Open it as text.

        What its encoding does not know is kept: what is written in the same encoding is what was read. ``on_read`` is
        called now and then, with the share of the file that was read, from 0 to 1.

        Raises:
            CommandError: It can't be read, then or later, or it is not text.
        """
        try:
            with self._bytes(on_read) as file:
                text = _text(file, self.encoding)
                try:
                    yield text
                finally:
                    text.detach()  # or it would close standard input
        except (BrokenPipeError, BotoCoreError):  # of what is printed or asked meanwhile
            raise
        except OSError as error:
            raise CommandError(f"{self} can't be read: {error.strerror or error}") from None
        except UnicodeError as error:
            raise CommandError(f"{self} is not text in {getattr(error, 'encoding', self.encoding)}: {error}") from None
        except _NoTextError as error:
            raise CommandError(f"{self} {error}") from None
        except (zlib.error, EOFError) as error:
            raise CommandError(f"{self} can't be unpacked: {error}") from None

    @contextmanager
    def _bytes(self, on_read: Callable[[float], None]) -> Iterator[IO[bytes]]:
        with ExitStack() as stack:
            if self.label:
                source, total = stack.enter_context(self._packed())
            elif self.path == _STDIN:
                yield stack.enter_context(_unpacked(sys.stdin.buffer))
                return
            else:
                source = stack.enter_context(self.path.open("rb", buffering=0))
                total = os.fstat(source.fileno()).st_size
            raw = _Source(self, source, lambda: on_read(source.tell() / total) if total else None)
            yield stack.enter_context(_unpacked(cast("IO[bytes]", io.BufferedReader(raw, _BUFFER))))

    @contextmanager
    def _packed(self) -> Iterator[tuple[IO[bytes], int]]:
        """Open it in its archive, and tell how long it is."""
        with ExitStack() as stack:
            try:
                archive = stack.enter_context(zipfile.ZipFile(self.path))
                info = archive.infolist()[self.place]
                member = stack.enter_context(archive.open(info))
            except (*_BROKEN, IndexError) as error:
                raise CommandError(f"{self} can't be unpacked: {error}") from None
            yield member, info.file_size

    def must_be_as_it_was(self) -> None:
        """Make sure that nothing was written to the file since it was found.

        Raises:
            CommandError: Something was, so that what was read may be half of it.
        """
        if self.size and _size(self.path.stat()) != self.size:
            raise CommandError(f"{self} was changed while it was read. Run the command again")


_STDIN = Path("standard input")


def standard_input(encoding: str | None) -> Part:
    """Return the list on standard input."""
    return Part(_STDIN, "", "", encoding=encoding)


class _Source(io.RawIOBase):
    """The bytes of a list; what goes wrong with them is told in a sentence."""

    def __init__(self, part: Part, file: Any, on_read: Callable[[], None]) -> None:  # noqa: ANN401  (any of three)
        self._part = part
        self._file = file
        self._on_read = on_read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (what BufferedReader lends)
        try:
            count: int = self._file.readinto(buffer)
        except OSError as error:
            raise CommandError(f"{self._part} can't be read: {error.strerror or error}") from None
        except Exception as error:  # noqa: BLE001  (decompressors raise what they like, such as LZMAError, MemoryError)
            raise CommandError(f"{self._part} can't be unpacked: {str(error) or type(error).__name__}") from None
        self._on_read()
        if not count:
            self._part.must_be_as_it_was()
        return count


class _NoTextError(Exception):
    """Why something is not text, to be read behind its name."""


@contextmanager
def _unpacked(file: IO[bytes]) -> Iterator[IO[bytes]]:
    buffered = file if hasattr(file, "peek") else io.BufferedReader(cast("io.RawIOBase", file))
    if _begins(buffered, *_ZIPS):
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
        name = _as_marked(codecs.lookup(encoding).name, file)
        is_wide = name.startswith(_WIDE)
        text = io.TextIOWrapper(file, name, "surrogatepass" if is_wide else "surrogateescape", newline="")
    except LookupError:
        raise _NoTextError(f"can't be read: --encoding {encoding} is none that Python knows, such as latin-1") from None
    if not is_wide and _CONTROLS.search(file.peek(_LOOKED_AT)[:_LOOKED_AT]):
        raise _NoTextError("is not text, or in another encoding: save it as CSV in UTF-8, or say --encoding utf-16")
    return text


def _as_marked(encoding: str, file: Any) -> str:  # noqa: ANN401  (each of them can peek)
    """Return an encoding that writes a byte order mark, and that order, only if the file has it.

    A mark is read as a character, which readers of lists pass over.
    """
    if encoding not in _WIDE:
        return encoding.removesuffix("-sig")
    if _begins(file, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE):
        return f"{encoding}-be"
    is_marked = _begins(file, codecs.BOM_UTF16_LE)  # that of UTF-32 begins with it
    return f"{encoding}-le" if is_marked else f"{encoding}-{sys.byteorder[0]}e"


_WIDE = ("utf-16", "utf-32")


_CONTROLS = re.compile(rb"[\x00-\x07\x0e-\x19\x1c-\x1f]")
"""Bytes that no text has, but for white space, the escapes of terminals, and the Ctrl-Z at the end of DOS's files."""

_LOOKED_AT = 8192


def parts(path: Path, encoding: str | None = None) -> list[Part]:
    """Return the lists in a file: those of an archive in its order, without what desktops add to one.

    Raises:
        CommandError: It can't be read, or is an archive that holds none.
    """
    try:
        if not path.is_file():
            raise CommandError(f"{path} is not a file")
        size = _size(path.stat())
        with path.open("rb") as file:
            if not file.read(4).startswith(_ZIPS):
                return [Part(path, "", size, encoding=encoding)]
        with zipfile.ZipFile(path) as archive:
            names = [each.filename for each in archive.infolist()]
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror or error}") from None
    except _BROKEN as error:
        raise CommandError(f"{path} can't be unpacked: {error}") from None
    if _WORKBOOK in names:
        raise CommandError(f"{path} is a workbook: save its sheet as CSV")
    found = [replace(each, encoding=encoding) for each in _members(path, size, names)]
    if not found:
        raise CommandError(f"{path} is an archive that holds no list")
    return found


def _members(path: Path, size: str, names: Sequence[str]) -> Iterator[Part]:
    labels: set[str] = set()
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        if name.endswith("/") or _is_junk(name):
            continue
        seen[name] = number = seen.get(name, 0) + 1
        label = first = "".join(char if char.isprintable() and char not in "/\\" else "_" for char in name) or "_"
        again = 1
        while _folded(label) in labels:
            again += 1
            label = f"{first}.{again}"
        labels.add(_folded(label))
        yield Part(path, f"{name} ({number})" if number > 1 else name, size, place, label)


def _is_junk(name: str) -> bool:
    *folders, last = name.split("/")
    return folders[:1] == ["__MACOSX"] or last.startswith("._") or last.lower() in _JUNK


def _folded(name: str) -> str:
    """Return what two names have in common that some file systems take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _size(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns}"
