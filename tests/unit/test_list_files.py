"""Lists in files of every make: compressed, archived, in another encoding, damaged, or no lists at all."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.lists.files import parts
from healthy_mailing_cli.shell.output import CommandError

TEXT = 'address,created_at\nj\u00fcrgen@example.com,"Fri, 21 Oct 2011 11:02:55 GMT"\n'


def archive(members: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in members.items():
            opened.writestr(name, text)
    return file.getvalue()


def encrypted() -> bytes:
    """Return an archive whose one file says that it is encrypted."""
    data = bytearray(archive({"a": TEXT}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flags of each header (APPNOTE 4.3)
        data[data.index(signature) + offset] |= 1
    return bytes(data)


def texts(path: Path) -> list[str]:
    found = []
    for part in parts(path):
        with part.opened() as file:
            found.append(file.read())
    return found


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (TEXT.encode(), [TEXT]),
        (TEXT.encode("utf-16"), [f"\ufeff{TEXT}"]),  # as in UTF-8, the mark is for readers to pass over
        (gzip.compress(TEXT.encode()), [TEXT]),
        (archive({"a": TEXT, "folder/": "", "folder/b": "x"}), [TEXT, "x"]),
        (archive({"a": TEXT, "__MACOSX/a": "x"}), [TEXT]),
        (b"", [""]),
        (b"\xff", ["\udcff"]),
    ],
    ids=["utf-8", "utf-16", "gzip", "zip", "zip of macOS", "empty", "no text"],
)
def test_a_list_is_read_however_it_is_packed(tmp_path: Path, content: bytes, found: list[str]) -> None:
    path = tmp_path / "list"
    path.write_bytes(content)
    assert texts(path) == found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(TEXT.encode())[:-9], "list can't be"),
        (gzip.compress(TEXT.encode())[:12] + b"\xff" * 9, "list can't be"),
        (archive({"a": TEXT * 99})[:40], "list can't be unpacked"),
        (archive({"a": "x" * 99}).replace(b"PK\x01\x02", b"PK\x01\x03"), "list can't be unpacked"),
        (encrypted(), "list:a can't be unpacked: .*encrypted"),
        (archive({"[Content_Types].xml": "x", "xl/workbook.xml": "x"}), "is a workbook: save its sheet as CSV"),
    ],
    ids=["gzip cut off", "gzip spoilt", "zip cut off", "zip spoilt", "encrypted", "workbook"],
)
def test_a_file_that_cannot_be_read_is_named_with_why(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=says):
        texts(path)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", Path("/dev/null")):
        with pytest.raises(CommandError, match="is not a file"):
            parts(path)


def imported(path: Path, *options: str) -> Any:
    """Return what a dry run says: its exit code and JSON, or its message."""
    done = CliRunner().invoke(app, ["import", str(path), "--dry-run", "--json", *options])
    if isinstance(done.exception, CommandError):
        return 2, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]


_PACKED: list[Callable[[bytes], bytes]] = [
    lambda data: data,
    gzip.compress,
    lambda data: archive({"a": data.decode("latin-1")}),
    lambda data: TEXT.encode() + data,
    lambda data: b'{"items": [{"address": "a@example.com", "created_at": "x"}, ' + data,
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from(_PACKED), st.sampled_from([None, 3, 20]), st.booleans())
def test_any_bytes_are_counted_or_refused_in_a_sentence(
    tmp_path: Path,
    data: bytes,
    packed: Callable[[bytes], bytes],
    cut: int | None,
    plain: bool,  # noqa: FBT001  (generated)
) -> None:
    path = tmp_path / "list"
    path.write_bytes(packed(data)[: -cut if cut else None])
    options = ["--as", "complaints", "--at", "2026-01-31T12:00:00Z"] if plain else []
    code, told = imported(path, *options)
    if code == 2:
        assert told.startswith(str(path)), told
        return
    (found,) = told
    assert found["rows"] == sum(found["marks"].values()) + sum(found["skipped"].values()) + found["refused"]
    assert code == (1 if found["refused"] else 0)
    assert len(found["firstRefused"]) == min(5, found["refused"])
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_list_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "list"
    for content in ("", " \n", '{"Suppressions": []}', "[]"):
        path.write_text(content)
        code, (told,) = imported(path)
        assert (code, told["rows"], told["format"]) == (0, 0, None)


def test_a_list_in_another_encoding_is_read_if_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(TEXT.encode("latin-1"))
    assert imported(path)[1][0]["refused"] == 1
    code, (told,) = imported(path, "--encoding", "latin-1")
    assert (code, told["refused"], told["rows"]) == (0, 0, 1)
    code, told = imported(path, "--encoding", "latin-99")
    assert (code, "--encoding latin-99 is none that Python knows" in told) == (2, True)
