"""`mailing export`: what it prints, and the file that it writes, whatever is there already."""

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from healthy_mailing.evidence import State
from healthy_mailing.item import Item
from healthy_mailing_cli.lists import exporting
from healthy_mailing_cli.lists.exporting import Form, Lines, to_output
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.table.scan import Scan

STEERING = "news\x1b[2J\u202e@example.org"


class Source:
    """A table of two pages, and what happens behind the first."""

    of: dict[str, Any] = {"table": "here"}  # noqa: RUF012  (as a Scan has it)

    def __init__(self, *, ends: bool = False) -> None:
        self.ends = ends

    def pages(self, positions: Any = None) -> Iterator[tuple[list[Item], Any]]:
        if positions is None:
            yield [self.item(0)], [1]
            if self.ends:
                raise KeyboardInterrupt
        yield [self.item(1)], [2]

    @staticmethod
    def item(number: int) -> Item:
        return {
            "UserId": f"{number}@example.com",
            "state": "disable",
            "reason": "complaint",
            "from": STEERING,
            "timestamp": "2026-01-01T00:00:00.000Z",
            "evidence": {"complaint": {"at": "2026-01-01T00:00:00.000Z", "from": STEERING, "messageId": ""}},
        }


SOURCE = cast("Scan", Source())


def lines(form: Form = Form.NDJSON) -> Lines:
    return Lines(form, set(State))


def to_file(path: Path, source: Scan = SOURCE, *, resume: bool = False) -> None:
    exporting.to_file(path, source, lines(), lambda _: None, resume=resume)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_gets_nothing_that_steers_it_and_a_file_gets_every_byte(
    monkeypatch: pytest.MonkeyPatch,
    form: Form,
    is_terminal: bool,  # noqa: FBT001  (generated)
) -> None:
    out = io.StringIO(newline="")
    monkeypatch.setattr(out, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdout", out)
    to_output(SOURCE, lines(form), lambda _: None)
    written = out.getvalue()
    whole = lines(form)
    assert is_terminal or written == whole.header + "".join(whole.of(page) for page, _ in Source().pages())
    if is_terminal:
        assert all(each.isprintable() for each in written.replace("\n", ""))
        assert written.count("\n") == 2 + (form is Form.CSV)
        assert "news\\x1b[2J" in written or "news\\u001b[2J" in written


def test_what_can_not_be_read_leaves_no_header_and_what_is_empty_has_one(capsys: pytest.CaptureFixture[str]) -> None:
    def refused() -> Iterator[Any]:
        yield from ()
        raise CommandError("no access")

    with pytest.raises(CommandError):
        to_output(cast("Scan", SimpleNamespace(pages=refused)), lines(Form.CSV), lambda _: None)
    assert not capsys.readouterr().out
    empty = cast("Scan", SimpleNamespace(pages=lambda: iter(())))
    to_output(empty, lines(Form.CSV), lambda _: None)
    assert capsys.readouterr().out == lines(Form.CSV).header


def test_what_can_not_be_read_leaves_no_file(tmp_path: Path) -> None:
    def refused(_: Any) -> Iterator[Any]:
        yield from ()
        raise CommandError("no access")

    with pytest.raises(CommandError):
        to_file(tmp_path / "all.ndjson", cast("Scan", SimpleNamespace(of={}, pages=refused)))
    assert list(tmp_path.iterdir()) == []
    to_file(tmp_path / "all.ndjson", cast("Scan", SimpleNamespace(of={}, pages=lambda _: iter(()))))
    assert [path.name for path in tmp_path.iterdir()] == ["all.ndjson"]


def test_an_export_is_readable_by_others_only_once_it_is_whole(tmp_path: Path) -> None:
    path, part = tmp_path / "all.ndjson", tmp_path / "all.ndjson.part"
    with pytest.raises(KeyboardInterrupt):
        to_file(path, cast("Scan", Source(ends=True)))
    assert part.stat().st_mode & 0o777 == 0o600
    path.touch()
    path.chmod(0o640)
    to_file(path, resume=True)
    assert [json.loads(line)["address"] for line in path.read_text().splitlines()] == ["0@example.com", "1@example.com"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_an_export_follows_no_link_that_someone_put_there(tmp_path: Path, link: Any) -> None:
    mine, path = tmp_path / "mine", tmp_path / "all.ndjson"
    mine.write_text("mine")
    for name in ("part", "progress"):
        link(mine, tmp_path / f"all.ndjson.{name}")
    to_file(path)
    assert (mine.read_text(), path.is_symlink(), path.stat().st_nlink) == ("mine", False, 1)
    assert set(tmp_path.iterdir()) == {mine, path}

    # Nor does one that goes on.
    with pytest.raises(KeyboardInterrupt):
        to_file(path, cast("Scan", Source(ends=True)))
    part = tmp_path / "all.ndjson.part"
    mine.write_text(part.read_text())
    part.unlink()
    link(mine, part)
    before = mine.read_text()
    with pytest.raises(CommandError):
        to_file(path, resume=True)
    assert mine.read_text() == before


def test_two_exports_do_not_write_one_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"

    class Meanwhile(Source):
        def pages(self, positions: Any = None) -> Iterator[tuple[list[Item], Any]]:
            for page in super().pages(positions):
                for resume in (False, True):
                    with pytest.raises(CommandError, match="Another export writes"):
                        to_file(path, resume=resume)
                yield page

    with pytest.raises(CommandError, match="no interrupted export"):
        to_file(path, resume=True)
    to_file(path)  # so that a note of how far it is would be found
    with pytest.raises(KeyboardInterrupt):
        to_file(path, cast("Scan", Source(ends=True)))
    to_file(path, cast("Scan", Meanwhile()), resume=True)
    assert len(path.read_text().splitlines()) == 2
