"""`mailing export`: what it prints, and the file that it writes, whatever is there already."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from healthy_mailing.evidence import Mark, MarkKind, Record, Rules, State, evidence_of
from healthy_mailing.item import to_dynamodb, to_item
from healthy_mailing_cli.lists.exporting import Form, Lines, to_file, to_output
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.table.scan import Scan

STEERING = "news\x1b[2J\u202e@example.org"


# ---- The table read by Scan

PAGE = 4
KINDS = (MarkKind.DELIVERY, MarkKind.HARD_BOUNCE, MarkKind.UNDETERMINED, MarkKind.DELIVERY)
ALL = sorted(f"{number}@example.com" for number in range(40))
BLOCKED = [each for each in ALL if int(each.split("@")[0]) % 4 in {1, 2}]


def item(number: int) -> Any:
    at, detail = "2026-01-01T12:00:00.000Z", (("bounceType", "Permanent"), ("subType", "General"))
    mark = Mark(kind=KINDS[number % 4], at=at, feedback_id="f", message_id="m", sender=STEERING, detail=detail)
    return to_dynamodb(to_item(f"{number}@example.com", Record.of(evidence_of([mark]), Rules())))


class Paged:
    """DynamoDB, which gives few items a page, of the part that is asked for, and notes what it was asked."""

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = sorted(items, key=lambda each: str(each["UserId"]["S"]))
        self.asked: list[str] = []
        self.left = 1_000_000
        self.before: Callable[[], object] = lambda: None
        self.has_index = True

    def scan(self, **asked: Any) -> Any:
        """Return a page of the items whose addresses are of the segment."""
        number, of = asked["Segment"], asked["TotalSegments"]
        return self._page(
            "scan", [each for each in self.items if sum(each["UserId"]["S"].encode()) % of == number], asked
        )

    def query(self, **asked: Any) -> Any:
        if not self.has_index:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "Query")
        state = asked["ExpressionAttributeValues"][":state"]
        return self._page("query", [each for each in self.items if each.get("suppressed") == state], asked)

    def _page(self, what: str, items: list[Any], asked: Any) -> Any:
        self.asked.append(what)
        self.before()
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        begin = asked.get("ExclusiveStartKey", {"UserId": {"S": ""}})["UserId"]["S"]
        rest = [each for each in items if each["UserId"]["S"] > begin]
        page = rest[: asked.get("Limit", PAGE)]
        return {"Items": page} | ({"LastEvaluatedKey": {"UserId": page[-1]["UserId"]}} if len(rest) > len(page) else {})


@pytest.fixture
def paged() -> Paged:
    """A table of 40 addresses, of which 10 are disabled and 10 to be reviewed."""
    return Paged(map(item, range(40)))


def scanned(paged: Paged, *states: State, segments: int = 3) -> Scan:
    return Scan(paged, "mailing", set(states or State), segments, place=lambda: "here")


def lines(form: Form = Form.NDJSON) -> Lines:
    return Lines(form, set(State))


def exported(paged: Paged, path: Path, *states: State, resume: bool = False, segments: int = 3) -> list[str]:
    """Export to a file and return the addresses in it, in order."""
    written = Lines(Form.NDJSON, set(states or State))
    to_file(path, scanned(paged, *states, segments=segments), written, lambda _: None, resume=resume)
    found = [json.loads(line)["address"] for line in path.read_text().splitlines()]
    assert written.count == len(found)
    return sorted(found)


# ---- The terminal, and the file


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_gets_nothing_that_steers_it_and_a_file_gets_every_byte(
    monkeypatch: pytest.MonkeyPatch, form: Form, is_terminal: bool
) -> None:
    out, source, whole = io.StringIO(newline=""), scanned(Paged(map(item, range(8))), segments=1), lines(form)
    monkeypatch.setattr(out, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdout", out)
    to_output(source, lines(form), lambda _: None)
    written = out.getvalue()
    assert is_terminal or written == whole.header + "".join(whole.of(page) for page, _ in source.pages())
    if is_terminal:
        assert all(each.isprintable() for each in written.replace("\n", ""))
        assert written.count("\n") == 8 + (form is Form.CSV)
        assert "news\\x1b[2J" in written or "news\\u001b[2J" in written


def test_what_can_not_be_read_leaves_nothing_and_what_is_empty_has_a_header(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, empty, refused = tmp_path / "all.ndjson", Paged([]), Paged([])
    refused.left = 0
    with pytest.raises(KeyboardInterrupt):
        to_output(scanned(refused), lines(Form.CSV), lambda _: None)
    assert not capsys.readouterr().out
    with pytest.raises(KeyboardInterrupt):
        exported(refused, path)
    assert list(tmp_path.iterdir()) == []
    to_output(scanned(empty), lines(Form.CSV), lambda _: None)
    assert capsys.readouterr().out == lines(Form.CSV).header
    assert exported(empty, path) == []


def interrupted(path: Path) -> None:
    """Leave the beginning of an export: one page of two, and what was written of the next."""
    paged = Paged(map(item, range(8)))
    paged.left = 1
    with pytest.raises(KeyboardInterrupt):
        exported(paged, path, segments=1)
    with path.with_name(f"{path.name}.part").open("a") as part:
        part.write('{"addr')


def resumed(path: Path, before: Callable[[], object] = lambda: None) -> list[str]:
    paged = Paged(map(item, range(8)))
    paged.before = before
    return exported(paged, path, resume=True, segments=1)


def test_an_export_is_readable_by_others_only_once_it_is_whole(tmp_path: Path) -> None:
    path, part = tmp_path / "all.ndjson", tmp_path / "all.ndjson.part"
    interrupted(path)
    assert part.stat().st_mode & 0o777 == 0o600
    path.touch()
    path.chmod(0o640)
    assert len(resumed(path)) == 8
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_an_export_follows_no_link_that_someone_put_there(paged: Paged, tmp_path: Path, link: Any) -> None:
    mine, path = tmp_path / "mine", tmp_path / "all.ndjson"
    mine.write_text("mine")
    for name in ("part", "progress"):
        link(mine, tmp_path / f"all.ndjson.{name}")
    exported(paged, path)
    assert (mine.read_text(), path.is_symlink(), path.stat().st_nlink) == ("mine", False, 1)
    assert set(tmp_path.iterdir()) == {mine, path}

    # Nor does one that goes on.
    interrupted(path)
    part = tmp_path / "all.ndjson.part"
    mine.write_text(part.read_text())
    part.unlink()
    link(mine, part)
    before = mine.read_text()
    with pytest.raises(CommandError):
        resumed(path)
    assert mine.read_text() == before


def test_two_exports_do_not_write_one_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"

    def meanwhile() -> None:
        with pytest.raises(CommandError, match="Another export writes"):
            resumed(path)
        with pytest.raises(CommandError, match="Another export writes"):
            exported(Paged([]), path)

    interrupted(path)
    assert len(resumed(path, meanwhile)) == 8


# ---- Where it goes on


@pytest.mark.parametrize("states", [(), (State.DISABLE, State.REVIEW)])
@pytest.mark.parametrize("requests", range(1, 9))
def test_an_interrupted_export_goes_on_where_it_was(
    paged: Paged, tmp_path: Path, requests: int, states: tuple[State, ...]
) -> None:
    path, wanted = tmp_path / "all.ndjson", BLOCKED if states else ALL
    paged.left = requests
    try:
        assert exported(paged, path, *states) == wanted
    except KeyboardInterrupt:
        assert not path.exists()
        before, paged.left = len(paged.asked), 1_000_000
        if (tmp_path / "all.ndjson.progress").exists():
            assert exported(paged, path, *states, resume=True) == wanted
            # Of what had been read no more than a page of each part is read again.
            whole = len(paged.asked)
            assert exported(paged, tmp_path / "again", *states) == wanted
            assert whole - before < len(paged.asked) - whole + 1
    assert {each.suffix for each in tmp_path.iterdir()} <= {".ndjson", "", ".part"}


def test_an_export_of_who_may_not_be_mailed_reads_the_index_alone(paged: Paged, tmp_path: Path) -> None:
    assert exported(paged, tmp_path / "out", State.DISABLE) == [
        each for each in BLOCKED if int(each.split("@")[0]) % 4 == 1
    ]
    assert set(paged.asked) == {"query"}
    assert exported(paged, tmp_path / "out", State.DISABLE, State.ENABLE) == [
        each for each in ALL if int(each.split("@")[0]) % 4 != 2
    ]
    assert paged.asked[-1] == "scan"


def test_a_table_without_the_index_is_read_whole(paged: Paged, tmp_path: Path) -> None:
    paged.has_index = False
    assert exported(paged, tmp_path / "out", State.DISABLE, State.REVIEW) == BLOCKED
    assert set(paged.asked) == {"scan"}


def test_only_the_same_export_goes_on(paged: Paged, tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(CommandError, match="no interrupted export"):
        exported(paged, path, resume=True)
    paged.left = 5
    with pytest.raises(KeyboardInterrupt):
        exported(paged, path)
    paged.left = 1_000_000
    with pytest.raises(CommandError, match="another states"):
        exported(paged, path, State.DISABLE, resume=True)
    (tmp_path / "out.part").write_text("")
    with pytest.raises(CommandError, match="no interrupted export"):
        exported(paged, path, resume=True)
    assert exported(paged, path) == ALL


def test_what_others_wrote_is_exported_as_what_it_stands_for(paged: Paged) -> None:
    original = {"UserId": "old@example.com", "notificationType": "Bounce", "from": "s", "state": "disable"}
    original["timestamp"] = "2016-01-27T14:59:38.237Z"
    odd = {"UserId": "odd@example.com", "state": "disable", "reason": "theirs", "evidence": {"other": "x"}}
    paged.items = [to_dynamodb(original), to_dynamodb(odd) | {"transactional": {"N": "5"}}]
    rows = {form: "".join(map(lines(form).of, (page for page, _ in scanned(paged).pages()))) for form in Form}
    found = {each["address"]: each for each in map(json.loads, rows[Form.NDJSON].splitlines())}
    assert found["old@example.com"]["evidence"]["hardBounce"]["at"] == original["timestamp"]
    assert (found["odd@example.com"]["state"], found["odd@example.com"]["reason"]) == ("review", "unreadable")
    assert set(rows[Form.CSV].splitlines()) == {
        "old@example.com,disable,disable,bounce:Permanent/Undetermined,Bounce,s,2016-01-27T14:59:38.237Z",
        "odd@example.com,review,review,unreadable,,,",
    }
