"""`mailing check` on lists as people hand them over: whatever a file holds, what it keeps holds nobody who is blocked.

The table is a stand-in: it blocks each address that begins with ``no``.
"""

import codecs
import csv
import gzip
import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from healthy_mailing.evidence import Rules
from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.commands import check
from healthy_mailing_cli.shell.connection import Connection

from .called import Ran, called

BLOCKED = {"state": "disable", "reason": "opt-out", "UserId": ""}


class Table:
    """Says that nothing is known of an address, or that it is blocked."""

    rules = Rules()

    def answers(self, addresses: Sequence[str], _: float, *, consistent: bool, **_spellings: object) -> dict[str, Any]:
        assert not consistent
        return {each: BLOCKED if each.startswith("no") else None for each in addresses}


@pytest.fixture(autouse=True, scope="module")
def _table() -> Iterator[None]:
    with patch.object(Connection, "open", lambda *_: Table()):
        yield


def run(path: Path | str, **options: Any) -> Ran:
    return called(check.check, given=[str(path)], **options)


# ---- Whatever a file holds

PIECES = (
    # Rows, and quotes that are closed or not
    *("{}", "{}", "{},Jane", "Jane,{}", "Jane,,{}", "Jane;{}", "{}\t{}", "{}|x", '"{}","Doe, Jane"', "\u00e9,{}"),
    *('{},"Tom', '{},"5"" wide', '{},Eve"', 'x","y', '"', '"two\nlines","{}"', '"{}","see\n{} or\n{},x"', "", ",,"),
    # Several on a line, with names and comments
    *("{}, {}", "{};{} {}", "{},{},{}", "{};", "Jane {}", "Jane <{}>", '"Doe, Jane" <{}>, {}', '"{}" <{}>', "x|{},{}"),
    *("Doe, Jane <{}>; Smith, Joe <{}>", "{} (Jane)", "{} (was {})", "nobody", "email", "sep=;"),
    # In other text, or as other programs write it
    *("mailto:{}", "'{}'", "<{}>", "{}.", "*{}", "_{}_", "to={}", "'={}", " \t{} ", "{}@", "@{}", "x@{}"),
    *("https://x.example/?to={}&x=1", '=HYPERLINK("mailto:{}")', '{{"email": "{}"}}', "{}\x00", "{}\x1a"),
    *("Jane,x\\n{}", "Jane,%3C{}%3E,{}", "Jane,&lt;{}&gt;,{}", 'Jane,\\"{}\\",{}', "{}\u200b", "\u00a0{}"),
    *("\u00ab{}\u00bb", "\u2192{}", "Jane,\u00ab{}\u00bb,{}", "\u8fde\u7edc{}\u8c22\u8c22", "\u201c{}\u201d"),
)
HEADERS = (
    *("", "email", "email,name", "name,alt,email", "Name;E-Mail", "email\tname", '"email"', "sep=;\nname;email", "x"),
)
LATIN = "latin-1"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", LATIN)
texts = st.sampled_from(PIECES) | st.text("ab@,;\t|\"'<>\\ \u00fc\u200b{}", max_size=9).map(
    lambda text: text.replace("{", "").replace("}", "")
)


def archived(data: bytes, *names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names or ("list.csv",):
            archive.writestr(name, data)
    return file.getvalue()


PACKED: list[Callable[[bytes], bytes]] = [bytes, bytes, gzip.compress, archived]


@st.composite
def lists(draw: st.DrawFn) -> str:
    """Return a list in which each address is another one, so that one can follow it."""
    lines = draw(st.lists(texts, max_size=8))
    blocked = iter(draw(st.lists(st.booleans(), min_size=40, max_size=40)))
    capitals = draw(st.booleans())
    text = draw(st.sampled_from(("\n", "\r\n", "\r"))).join([*filter(None, [draw(st.sampled_from(HEADERS))]), *lines])
    numbers = iter(range(99))

    def address(_: re.Match[str]) -> str:
        found = f"{'no' if next(blocked, False) else 'ok'}{next(numbers)}@{'X.Example' if capitals else 'x.example'}"
        return found.upper() if capitals else found

    return re.sub(r"\{\}", address, text.replace("{{", "").replace("}}", "")) + draw(st.sampled_from(("", "\n")))


def occurring(text: str) -> list[tuple[int, str]]:
    """Return each address of the generated ones in a text, with the number of its line."""
    lines = re.split(r"\r\n|\r|\n", text)
    return [
        (number, each.lower())
        for number, line in enumerate(lines, 1)
        for each in re.findall(r"(?i)(?:no|ok)\d+@x\.example", line)
    ]


def stored(folder: Path, text: str, encoding: str, packed: Callable[[bytes], bytes]) -> Path:
    path = folder / "list"
    path.write_bytes(packed(text.encode(encoding, "replace")))
    return path


@given(lists(), st.sampled_from(ENCODINGS), st.sampled_from(PACKED))
@example('email,name\nok0@x.example,"Tom\nno1@x.example,x\nok2@x.example,"Eve"\n', "utf-8", bytes)
@example("email\nok0@x.example, no1@x.example\n", "utf-8", bytes)
@example("no0@x.example,mail\nok1@x.example,x\n", "utf-8", bytes)
@example("name,alt,email\nBob,no0@x.example\n", "utf-8", bytes)
def test_what_is_kept_holds_no_address_that_was_not_judged_mailable(
    tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str, packed: Callable[[bytes], bytes]
) -> None:
    folder = tmp_path_factory.mktemp("check")
    path, kept, dropped = stored(folder, text, encoding, packed), folder / "kept", folder / "dropped"
    code, _, told = run(path, keep=kept, dropped=dropped, encoding=LATIN if encoding == LATIN else None)
    if code == 2:
        assert told
        assert not kept.exists()
        assert not dropped.exists()
        return
    found = occurring(kept.read_bytes().decode(encoding))
    assert [each for _, each in found if each.startswith("no")] == []
    assert {each for _, each in found} <= {each for _, each in occurring(text)}
    left_out = [*csv.reader(io.StringIO(dropped.read_bytes().decode(), newline=""))][1:]
    assert {each for _, each in occurring(text)} == {each for _, each in found} | {
        each for cells in left_out for _, each in occurring(cells[-1])
    }


@given(lists(), st.sampled_from(ENCODINGS), st.sampled_from(PACKED))
def test_each_address_is_judged_or_its_line_is_named(
    tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str, packed: Callable[[bytes], bytes]
) -> None:
    path = stored(tmp_path_factory.mktemp("check"), text, encoding, packed)
    code, out, _ = run(path, as_json=True, encoding=LATIN if encoding == LATIN else None)
    if code == 2:
        return
    said = [json.loads(line) for line in out.splitlines()]
    judged = {each["address"] for each in said if "error" not in each}
    named = {
        line for each in said if "error" in each for line in range(each["line"], each.get("lastLine", each["line"]) + 1)
    }
    assert [(line, each) for line, each in occurring(text) if each not in judged and line not in named] == []
    assert code == (0 if all(each["mayBeMailed"] for each in said) else 1)


# ---- What is printed, and the exit code


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("ok@x.example\n", 0, "1  may be mailed"),
        ("email\n", 0, "0  may be mailed"),
        ("", 0, "0  may be mailed"),
        ("ok@x.example\nno@x.example\n", 1, "1  may not: opt-out"),
        ("ok@x.example\nnobody\n", 1, "line 2: nobody: has no @"),
        ("email\nok@x.example\na@x..example\n", 1, "1  not an address"),
        ('email,name\nok@x.example,"Tom\n', 1, 'line 2: ok@x.example,"Tom: is not CSV'),
        ("email,manager\nok@x.example,no@x.example\n", 1, "1  may not: opt-out"),
        ('email,name\n"a\nb",c\n', 1, "lines 2-3: "),
        (f"email,name\nok@x.example,{'x' * 200_000}\n", 0, "1  may be mailed"),
        ("Name,Adresse\n", 2, "--column"),
        ("email\nok@x.example;\nok@x.example,,\n", 0, "2  may be mailed"),
        ("Doe, Jane <ok@x.example>; Smith, Joe <ok@x.example>\n", 0, "2  may be mailed"),
        ("Name;Address;E-Mail-Adresse\nJane;High Street;ok@x.example\n", 0, "1  may be mailed"),
        ('{"email": "ok@x.example", "items": []}\n{"email": "no@x.example"}\n', 1, "1  may not: opt-out"),
        ('{"email": "ok@x.example", "note": "or\\nno@x.example"}\n', 1, "1  may not: opt-out"),
        ('{"email": "o@x.example", "note": "no@x.example"}\n', 1, "1  may not: opt-out"),
    ],
)
def test_it_says_what_may_not_be_mailed_or_was_not_understood(tmp_path: Path, text: str, code: int, says: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    ran = run(path)
    assert (ran[0], says in ran[1] + ran[2]) == (code, True), ran


def test_of_many_lines_that_were_not_understood_some_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("ok@x.example\n" + "nobody\n" * 30)
    code, out, err = run(path)
    assert (code, len(err.splitlines())) == (1, 21)
    assert err.splitlines()[-1] == "And 10 lines more: --dropped FILE or --json has them all."
    assert "30  not understood" in out


def test_nothing_understood_is_no_success(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("a page\nof text\n")
    assert run(path, keep=tmp_path / "kept")[0] == 1
    path.write_text("a page\nof text\nok@x.example")
    assert run(path, keep=tmp_path / "kept")[0] == 0


LIST = b"ok@x.example\n"
NO_TEXT = {
    "program": b"\x7fELF\x02\x01\x01\x00" + LIST,
    "picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "UTF-16 without its mark": LIST.decode().encode("utf-16-le"),
    "UTF-16 cut off": "\ufeffok@x.example\n".encode("utf-16-le") + b"x",
    "gzip cut off": gzip.compress(LIST * 99)[:-12],
    "gzip of no text": gzip.compress(b"\x00\x01\x02"),
    "gzip spoilt": gzip.compress(LIST * 99)[:12] + b"\xff" * 9,
    "gzip with more behind it": gzip.compress(LIST) + b"rubbish",
    "zip cut off": archived(LIST)[:-30],
    "zip spoilt": archived(LIST).replace(b"PK\x01\x02", b"PK\x01\x03"),
    "workbook": archived(b"x", "xl/workbook.xml"),
}


@pytest.mark.parametrize("content", NO_TEXT.values(), ids=NO_TEXT.keys())
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path, kept = tmp_path / "list", tmp_path / "kept"
    path.write_bytes(content)
    code, out, told = run(path, keep=kept)
    assert (code, out, told.startswith(str(path))) == (2, "", True), told
    assert [each.name for each in tmp_path.iterdir()] == ["list"]


@pytest.mark.parametrize("options", [{}, {"as_json": True}])
def test_a_list_of_nothing_is_told_and_an_archive_of_no_list_is_refused(tmp_path: Path, options: Any) -> None:
    path = tmp_path / "list"
    for content in (b"", b"\n\n", b"email\n", b"[]", archived(b"")):
        path.write_bytes(content)
        code, out, err = run(path, **options)
        assert (code, out) == (0, "" if options else "0  may be mailed\n")
        assert re.fullmatch(rf"{path}(:\S+)? holds no addresses\.\n", err)
    path.write_bytes(archived(b"x", ".DS_Store"))
    for keep in (None, tmp_path / "kept"):
        assert run(path, keep=keep, **options) == (2, "", f"{path} is an archive that holds no list\n")


@pytest.mark.parametrize(
    ("encoding", "stored"),
    [
        (each, mark + "email,name\nok@x.example,\u00fc\n".encode(other))
        for each, other, *marks in (
            ("utf-8-sig", "utf-8", b"", codecs.BOM_UTF8),
            ("utf-16", f"utf-16-{sys.byteorder[0]}e", b"", codecs.BOM_UTF16),
            ("utf-32", f"utf-32-{sys.byteorder[0]}e", b"", codecs.BOM_UTF32),
            ("utf-16-be", "utf-16-be", b"", codecs.BOM_UTF16_BE),
            ("latin-1", "latin-1", b""),
        )
        for mark in marks
    ],
)
def test_a_list_in_an_encoding_that_is_named_is_kept_byte_for_byte(
    tmp_path: Path, encoding: str, stored: bytes
) -> None:
    path, kept = tmp_path / "list.csv", tmp_path / "kept"
    path.write_bytes(stored)
    code, out, _ = run(path, keep=kept, encoding=encoding)
    assert (code, out, kept.read_bytes()) == (0, "1  may be mailed\n", stored)


def test_the_list_itself_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list.csv"
    path.write_text("ok@x.example\nno@x.example\n")
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "hard").hardlink_to(path)
    monkeypatch.chdir(tmp_path)
    for name in ("list.csv", "./list.csv", "../" + tmp_path.name + "/list.csv", "link", "hard"):
        for option in ("keep", "dropped"):
            code, _, told = run(path, **{option: Path(name)})
            assert (code, "is the list itself" in told) == (2, True), (name, told)
            with path.open() as standard_input, patch.object(sys, "stdin", standard_input):
                assert run("-", **{option: Path(name)})[0] == 2
    assert run(path, keep=Path("kept"), dropped=Path("./kept")).err == "--keep and --dropped name the same file\n"
    assert path.read_text() == "ok@x.example\nno@x.example\n"
    assert {each.name for each in tmp_path.iterdir()} == {"list.csv", "link", "hard"}


def test_what_is_kept_may_go_to_standard_output_and_the_summary_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"\xef\xbb\xbfemail;name\r\nok@x.example;\xe9\r\nno@x.example;\r\n")
    for name in (str(path), "-"):
        ran = CliRunner().invoke(app, ["check", name, "--keep", "-"], input=path.read_bytes())
        assert ran.stdout_bytes == path.read_bytes()[:-15]
    assert run(path, keep=Path("-"), as_json=True)[0] == 2
    assert run(path, dropped=Path("-"))[0] == 2
    assert run(path, keep=tmp_path / "no" / "folder")[0] == 2


def test_the_lines_of_json_can_not_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text('[{"email": "ok@x.example"}, {"email": "ok1@x.example", "cc": "no@x.example"}]')
    code, out, _ = run(path)
    assert (code, "2  may be mailed" in out, "1  may not: opt-out" in out) == (1, True, True)
    assert run(path, keep=tmp_path / "kept")[0] == 2
    assert run(path, dropped=tmp_path / "dropped")[0] == 1
    assert "no@x.example" in (tmp_path / "dropped").read_text()


def test_an_archive_of_several_lists_is_checked_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "lists.zip"
    path.write_bytes(archived(b"ok@x.example\nnobody", "a.csv", "b.csv"))
    code, out, err = run(path)
    assert (code, "2  may be mailed" in out, "b.csv, line 2: nobody" in err) == (1, True, True)
    assert "holds 2 lists" in run(path, keep=tmp_path / "kept")[2]


def test_a_list_may_come_through_a_pipe(tmp_path: Path) -> None:
    for content in (b"ok@x.example\nno@x.example\n", gzip.compress(b"ok@x.example\nno@x.example\n")):
        reading, writing = os.pipe()
        os.write(writing, content)
        os.close(writing)
        code, _, told = run(f"/dev/fd/{reading}", keep=tmp_path / "kept")
        os.close(reading)
        assert (code, (tmp_path / "kept").read_text()) == (0, "ok@x.example\n"), told
