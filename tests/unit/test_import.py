"""`mailing import` as a whole, with a table in memory: what becomes of each list, member of an archive, and row."""

import csv
import gzip
import io
import json
import os
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from healthy_mailing.evidence import Evidence, MarkKind, Rules, State, merge
from healthy_mailing.row import Change, Outcome
from healthy_mailing.table import Table, TableError
from healthy_mailing_cli.commands import import_list, options
from healthy_mailing_cli.lists import importing
from healthy_mailing_cli.lists.files import Part, parts
from healthy_mailing_cli.lists.formats import reading
from healthy_mailing_cli.lists.formats.known import FORMATS
from healthy_mailing_cli.lists.formats.reader import Reader
from healthy_mailing_cli.lists.importing import Tally, Writer, marks, merged
from healthy_mailing_cli.lists.refused import refused_rows
from healthy_mailing_cli.shell import errors, output, waiting
from healthy_mailing_cli.shell.connection import Connection

from .called import Ran, called

HEADER = "status,reason,email,created\n"
BOUNCES = ("--as", "sendgrid-bounces")
NOW = "2026-03-01T12:00:00.000Z"

# Each example has files of its own, in a folder of one test.
EACH_ITS_OWN = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@dataclass
class Held:
    """A table in memory."""

    evidence: dict[str, Evidence] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None
    errors: Callable[[str], str] = lambda _: ""

    def add(self, evidence: Mapping[str, Evidence], deadline: float) -> list[Outcome]:
        del deadline
        self.before()
        return [self._add(address, each) for address, each in evidence.items()]

    def _add(self, address: str, evidence: Evidence) -> Outcome:
        if error := self.errors(address):
            return Outcome(address, error=error)
        known = self.evidence.get(address)
        self.evidence[address] = evidence if known is None else merge(known, evidence)
        change = Change(address, None, State.DISABLE, State.DISABLE, "") if known is None else None
        return Outcome(address, written=self.evidence[address] != known, change=change)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """The table that the command writes to."""
    table = Held()
    monkeypatch.setattr(Connection, "open", lambda *_: table)
    monkeypatch.setattr(Connection, "rules", lambda *_: Rules())
    monkeypatch.setattr(Connection, "place", lambda _: "here")
    monkeypatch.setattr("healthy_mailing.calls.time.sleep", lambda _: None)
    return table


def run(*given: Path, **options: Any) -> Ran:
    """Import files, without a question."""
    defaults = {"yes": True, "as_json": True, "as_format": "sendgrid-bounces"}
    return called(import_list.import_list, given=list(given), **defaults | options)


# ---- Archives


@dataclass(frozen=True)
class Member:
    """A file of an archive, and what is done to it."""

    name: str
    text: bytes
    packed: int = zipfile.ZIP_DEFLATED
    is_encrypted: bool = False
    damage: int | None = None

    @property
    def addresses(self) -> set[str]:
        """Who is in it, if it is a list."""
        return {line.split(",")[2] for line in self.text.decode().splitlines()[1:] if "@" in line}


def archive(members: Sequence[Member]) -> bytes:
    """Return an archive, spoilt where its members say so."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two members with one name
        for member in members:
            opened.writestr(member.name, member.text, member.packed)
        infos = opened.infolist()
        for member, info in zip(members, infos, strict=True):
            info.flag_bits |= member.is_encrypted  # which the directory says that is written now
    data = bytearray(file.getvalue())
    for member, info in zip(members, infos, strict=True):
        if member.damage is not None and info.compress_size:
            name, extra = (int.from_bytes(data[info.header_offset + at :][:2], "little") for at in (26, 28))
            data[info.header_offset + 30 + name + extra + member.damage % info.compress_size] ^= 0xFF
    return bytes(data)


JUNK = [".DS_Store", "lists/.DS_Store", "__MACOSX/a.csv", "__MACOSX/._a.csv", "._a.csv", "Thumbs.db", "a/desktop.ini"]
ALIKE = [
    *("a/b.csv", "a_b.csv", "A_B.csv", "a\\b.csv", "a_b.csv.2", "b" * 300, "b" * 301, "..", "n\n"),
    *("e\u0301.csv", "\u00e9.csv"),
]


@st.composite
def archives(draw: st.DrawFn) -> list[Member]:
    """Return the members of an archive: lists, and all that is none."""
    members = []
    for number in range(draw(st.integers(1, 5))):
        count = draw(st.integers(0, 3))
        rows = [f"5.1.1,x,m{number}-{each}@example.com,1417885600" for each in range(count)]
        refused = [f"5.1.1,x,nobody{number},1417885600"] * draw(st.integers(0, 1))
        a_list = "\n".join([HEADER.strip(), *rows, *refused]).encode()
        text = draw(st.sampled_from([a_list, a_list, a_list, b"", b"no list", b"\x00\x01\xff"]))
        name = draw(
            st.sampled_from(ALIKE) | st.sampled_from(JUNK) | st.text(min_size=1).filter(lambda name: "/" not in name)
        )
        name = name.encode("utf-8", "replace").decode().replace("\0", "_")
        members.append(
            Member(
                name,
                text if name not in JUNK else draw(st.binary(max_size=9)),
                draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])),
                draw(st.integers(0, 9)) == 0,
                draw(st.none() | st.none() | st.integers(0, 200)),
            )
        )
    return members


def readable(data: bytes, place: int, member: Member) -> bool:
    """Return whether a member can be unpacked to what was packed, by the standard library."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened, opened.open(opened.infolist()[place]) as file:
            return file.read() == member.text
    except Exception:  # noqa: BLE001  (whatever it raises)
        return False


@EACH_ITS_OWN
@given(archives())
@example([Member("a/b.csv", b"x,y"), Member("a_b.csv", HEADER.encode() + b"5,x,nobody,1\n")])
@example(
    [
        Member(each, HEADER.encode() + b"5,x,nobody,1\n")
        for each in ("a/b.csv", "a_b.csv", "A_B.csv", "a_b.csv", "l" * 300)
    ]
)
def test_each_member_of_an_archive_is_imported_or_named(held: Held, tmp_path: Path, members: list[Member]) -> None:
    """The exit code is 0 only if all were imported whole. Two members never share a file of refused rows."""
    folder = tmp_path / str(sum(1 for _ in tmp_path.iterdir()))
    folder.mkdir()
    path, data = folder / "lists.zip", archive(members)
    path.write_bytes(data)
    held.evidence.clear()
    ran = run(path)
    code, told, said = ran.code, ran.told, ran.err
    wanted = [(place, each) for place, each in enumerate(members) if each.name not in JUNK]
    if not wanted:
        assert (code, [each["error"] for each in told]) == (2, ["UnreadableList"])
        return
    assert len(told) == len(wanted)
    imported, refused = set(), 0
    for (place, member), answer in zip(wanted, told, strict=True):
        assert answer["list"].startswith(f"{path}:")
        if "error" in answer:
            assert answer["list"] in answer["message"]
            assert output.printable(answer["message"]) in said
            assert not readable(data, place, member) or not member.text.startswith(HEADER.encode()[:9])
            continue
        assert readable(data, place, member)
        assert answer["rows"] == answer["refused"] + sum(answer["marks"].values())
        imported |= member.addresses
        refused += bool(answer["refused"])
        assert (b"nobody" in member.text) == bool(answer["refused"])
    assert imported <= held.evidence.keys()
    # On a file system that takes capitals for small letters too.
    assert len({each.name.lower() for each in folder.iterdir() if each.name.endswith(".refused.csv")}) == refused
    problems = [each for each in told if "error" in each]
    known = [each for each in told if each["format"]]
    expected = 0 if not problems and not refused else 1
    assert code == (2 if problems and all("error" in each for each in known) else expected)


def test_what_one_member_refuses_is_not_lost_by_another(held: Held, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    names = ["a/b.csv", "a_b.csv", "A_B.csv", "a_b.csv", "l" * 300]
    path.write_bytes(archive([Member(name, f"{HEADER}5,x,nobody{n},1\n".encode()) for n, name in enumerate(names)]))
    assert run(path).code == 1
    written = {each.name: each.read_text() for each in tmp_path.glob("*.refused.csv")}
    assert sorted(text.count(f"nobody{n}") for text in written.values() for n in range(5)) == [0] * 20 + [1] * 5
    assert len({name.lower() for name in written}) == 5
    assert max(map(len, written)) <= 255
    assert not held.evidence


def test_a_list_is_not_overwritten_by_what_another_refuses(held: Held, tmp_path: Path) -> None:
    path, mended = tmp_path / "a.csv", tmp_path / "a.csv.refused.csv"
    path.write_text(f"{HEADER}5,x,nobody,1\n")
    mended.write_text(f"refused,{HEADER}why,5,x,jane@example.com,1417885600\n")
    assert run(path, mended).code == 2
    assert "jane@example.com" in mended.read_text()
    assert run(mended).code == 0
    assert held.evidence.keys() == {"jane@example.com"}


def test_what_holds_no_list_is_named_and_the_others_are_imported(held: Held, tmp_path: Path) -> None:
    path, good = tmp_path / "x.zip", bounces(tmp_path / "good.csv", 3)
    path.write_bytes(archive([Member(".DS_Store", b"x"), Member("Thumbs.db", b"x")]))
    assert run(path, yes=False, as_json=False) == (2, "", f"{path} is an archive that holds no list\n")
    for bad in (path, tmp_path / "missing.csv", tmp_path, Path("/dev/null")):
        held.evidence.clear()
        ran = run(bad, good)
        of_bad, of_good = ran.told
        assert (ran.code, of_bad["message"] in ran.err) == (1, True)
        assert (of_bad["error"], of_good["rows"], len(held.evidence)) == ("UnreadableList", 3, 3)


PACKED: list[Callable[[bytes], bytes]] = [
    lambda data: data,
    gzip.compress,
    lambda data: archive([Member("a", data)]),
    lambda data: b'address,created_at\nj\xc3\xbcrgen@example.com,"Fri, 21 Oct 2011 11:02:55 GMT"\n' + data,
    lambda data: b'{"items": [{"address": "a@example.com", "created_at": "x"}, ' + data,
]
PLAIN = {"as_format": "complaints", "at": "2026-01-31T12:00:00Z"}


@EACH_ITS_OWN
@given(st.binary(max_size=200), st.sampled_from(PACKED), st.sampled_from([None, 3, 20]), st.sampled_from([{}, PLAIN]))
def test_any_bytes_are_counted_or_refused_in_a_sentence(
    tmp_path: Path, data: bytes, packed: Callable[[bytes], bytes], cut: int | None, options: dict[str, str]
) -> None:
    path = tmp_path / "list"
    path.write_bytes(packed(data)[: -cut if cut else None])
    ran = run(path, **{"as_format": None, "dry_run": True} | options)
    (found,) = ran.told
    assert list(tmp_path.iterdir()) == [path]
    if ran.code == 2:
        assert found["message"].startswith(str(path))
        assert ran.err == f"{output.printable(found['message'])}\n"
        return
    skipped = sum(each["rows"] for each in found["skipped"])
    assert found["rows"] == sum(found["marks"].values()) + skipped + found["refused"]
    assert (ran.code, len(found["firstRefused"])) == (1 if found["refused"] else 0, min(5, found["refused"]))


def test_a_list_of_nothing_is_none_and_one_in_another_encoding_is_read_if_that_is_named(
    held: Held, tmp_path: Path
) -> None:
    path = tmp_path / "list"
    for content in ("", " \n", '{"Suppressions": []}', "[]"):
        path.write_text(content)
        assert [each["format"] for each in run(path).told] == [None]
    path.write_bytes('address,created_at\nj\u00fcrgen@example.com,"Fri, 21 Oct 2011 11:02:55 GMT"\n'.encode("latin-1"))
    ran = [run(path, as_format=None, encoding=each) for each in (None, "latin-1", "latin-99")]
    assert [each.code for each in ran] == [1, 0, 2]
    assert held.evidence.keys() == {"j\u00fcrgen@example.com"}
    assert "--encoding latin-99 is none that Python knows" in ran[2].err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a@example.com, b@example.com\nc@example.com\n", "has 2 addresses on its first line: a@example.com,"),
        ("a@example.com;Jane;2026\n", "has no header above its first line: a@example.com, Jane, 2026."),
    ],
)
def test_a_line_of_several_cells_without_a_header_is_named(held: Held, tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    for name in (None, "opt-outs"):
        ran = run(path, as_format=name, at="2026-01-01")
        assert (ran.code, f"{path} {says}" in ran.err) == (2, True)
    assert held.evidence == {}


# ---- Rows

VALUES = st.sampled_from(
    (
        *("jane@example.com", "nobody", "", " ", "5.1.1", "4.2.2", "\ud800", "\udcff", "=1+1", '"'),
        *("1417885600", "20260131", "45688.5", "2999-01-01", "2017-10-01"),
    )
)
OBJECTS = st.fixed_dictionaries(
    {name: VALUES | st.none() | st.integers() for name in ("status", "reason", "email", "created")}
)
JSON_LINES = st.lists(OBJECTS.map(json.dumps) | st.sampled_from(["{", "[1", "{}", '{"email": "\\ud800@example.com"}']))
CSV_LINES = st.lists(st.lists(VALUES, max_size=5).map(",".join) | st.sampled_from([" ", ",,,", '"', '"a', "\t"]))


def taken(text: bytes, path: Path | None) -> tuple[Tally, list[list[str]]]:
    """Return what becomes of the rows of a list, and the refused ones as they were written to a file."""
    file = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", errors="surrogateescape", newline="")
    listing, tally = reading.read(file), Tally()
    if "email" not in listing.names:
        return tally, []
    reader = Reader.of(FORMATS["sendgrid-bounces"], listing.names, "", NOW)
    with refused_rows(path, listing) as refused:
        for address, found in marks(listing, reader, tally, refused):
            f"{address}{found}".encode()  # as the table would
    if path is None or not path.exists():
        return tally, []
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as written:
        return tally, [cells[1:] for cells in csv.reader(written)]


@EACH_ITS_OWN
@given(JSON_LINES.map("\n".join) | CSV_LINES.map(lambda each: HEADER + "\n".join(each)))
@example('{"status": "5", "reason": "\\ud800", "email": "\\ud800@example.com", "created": 1417885600}')
@example(f'{HEADER}"\njane@example.com,jane@example.com,jane@example.com,jane@example.com,jane@example.com\n"')
def test_each_row_is_counted_once_and_what_is_refused_is_refused_again(tmp_path: Path, text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    looked, _ = taken(data, None)
    first, second = tmp_path / "first", tmp_path / "second"
    tally, refused = taken(data, first)
    assert tally == looked  # a dry run says what an import does
    assert tally.rows == sum(tally.marks.values()) + sum(tally.skipped.values()) + tally.refused
    if tally.refused:
        again, refused_again = taken(first.read_bytes(), second)
        assert (again.rows, again.refused) == (tally.refused, tally.refused)
        assert refused_again == refused
    first.unlink(missing_ok=True)
    second.unlink(missing_ok=True)


def test_a_row_with_half_a_character_is_refused_alone(held: Held, tmp_path: Path) -> None:
    path = tmp_path / "bounces.json"
    row = {"status": "5.1.1", "reason": "\ud800", "created": 1417885600}
    path.write_text(
        json.dumps([row | {"email": each} for each in ("a@example.com", "\ud800@example.com", "b@example.com")])
    )
    assert run(path).code == 1
    assert held.evidence.keys() == {"a@example.com", "b@example.com"}
    (header, (_, cell)) = csv.reader((tmp_path / "bounces.json.refused.csv").read_text().splitlines())
    assert (header, json.loads(cell)["email"]) == (["refused", "row"], "\ud800@example.com")


def test_a_row_of_utf_16_with_half_a_character_is_refused_alone(held: Held, tmp_path: Path) -> None:
    path = tmp_path / "bounces.csv"
    text = f"{HEADER}5.1.1,\ud800,a@example.com,1417885600\n5.1.1,\ud800\udcff,\ud800@example.com,1417885600\n"
    path.write_bytes(b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass"))
    assert run(path).code == 1
    assert held.evidence.keys() == {"a@example.com"}
    assert "\\ud800@example.com" in (tmp_path / "bounces.csv.refused.csv").read_text(errors="surrogateescape")


def test_rows_in_which_nothing_stands_are_none(held: Held, tmp_path: Path) -> None:
    path = tmp_path / "bounces.csv"
    path.write_text(f"{HEADER}5,x,jane@example.com,1417885600\n  \n\n\t\n,,,\n")
    (told,) = run(path).told
    assert (told["rows"], told["refused"], len(held.evidence)) == (1, 0, 1)


@pytest.mark.parametrize("name", [kind for kind in MarkKind if kind is not MarkKind.SOFT_BOUNCE])
def test_an_export_of_the_future_is_refused(held: Held, tmp_path: Path, name: MarkKind) -> None:
    path = tmp_path / "all.ndjson"
    good = {"at": "2026-01-01T00:00:00.000Z", "from": "s", "by": "s", "messageId": "m", "state": "disable"}
    evidence = {
        "good": {"delivery": good},
        "late": {"delivery": good, name: good | {"at": "9999-12-31T23:59:59.999Z"}},
        "soft": {"softBounces": {"9999-01-01": good | {"at": "9999-01-01T00:00:00.000Z"}}},
        "long": {"delivery": good | {"messageId": "m" * 500_000}},
    }
    rows = ({"address": f"{name}@example.com", "evidence": each} for name, each in evidence.items())
    path.write_text("\n".join(map(json.dumps, rows)))
    assert run(path, as_format=None).code == 1
    assert held.evidence.keys() == {"good@example.com"}
    reasons = (tmp_path / "all.ndjson.refused.csv").read_text()
    assert reasons.count("evidence of the future") == 2
    assert "octets of evidence" in reasons


def test_a_time_that_is_given_is_a_past_one(held: Held, tmp_path: Path) -> None:
    path = tmp_path / "left.txt"
    path.write_text("jane@example.com\n")
    for at, says in {"2999-01-01": "is in the future", "soon": "is not a time", "20260131": "is not a time"}.items():
        ran = run(path, as_format="opt-outs", at=at)
        assert (ran.code, f"--at {at} {says}" in ran.err) == (2, True)
    assert run(path, as_format="opt-outs").told[0]["error"] == "ListWithoutTime"
    assert run(path, as_format="opt-outs", at="2026-01-31").code == 0
    assert [mark.at for each in held.evidence.values() for mark in each.values()] == ["2026-01-31T00:00:00.000Z"]


# ---- Files that change or can't be read


def bounces(path: Path, rows: int) -> Path:
    text = HEADER + "".join(f"5.1.1,x,b{each}@example.com,1417885600\n" for each in range(rows))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["bounces.csv", "bounces.csv.gz"])
@pytest.mark.parametrize(
    "change", [lambda path: os.truncate(path, path.stat().st_size // 2), lambda path: os.utime(path, (1, 1))]
)
def test_a_list_that_changes_while_it_is_read_is_named(
    held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(importing, "WINDOW", 100)
    path = bounces(tmp_path / name, 5_000)
    held.before = lambda: change(path) if not held.evidence else None
    ran = run(path)
    assert (ran.code, "was changed while it was read" in ran.err or name.endswith(".gz")) == (2, True)
    assert len(held.evidence) >= 100  # what was imported stays
    held.before = lambda: None
    monkeypatch.setattr(importing, "WINDOW", 5_000)
    assert run(bounces(path, 5_000)).code == 0
    assert len(held.evidence) == 5_000


def test_what_was_refused_of_a_list_that_changes_is_kept(
    held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "WINDOW", 1)
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}5.1.1,x,nobody,1417885600\n5.1.1,x,jane@example.com,1417885600\n")
    held.before = lambda: os.utime(path, (1, 1))
    assert run(path).code == 2
    assert "nobody" in (tmp_path / "list.csv.refused.csv").read_text()


def test_of_several_lists_those_that_are_known_are_imported(held: Held, tmp_path: Path) -> None:
    path = tmp_path / "lists.zip"
    members = {
        "complaints.csv": b"address,created_at\njane@example.com,2026-01-01T00:00:00Z\n",
        "README.txt": b"What is in here",
        "job.csv": b"joe@example.com,BOUNCE\n",
    }
    path.write_bytes(archive([Member(*each) for each in members.items()]))
    ran = run(path, as_format=None)
    assert [each.get("error") for each in ran.told] == [None, "UnknownList", "ListWithoutTime"]
    assert f"error: {path}:README.txt is not a known list" in ran.err
    assert f"error: {path}:job.csv: rows of SES's import jobs have no time" in ran.err
    assert ran.code == 1
    assert held.evidence.keys() == {"jane@example.com"}


def test_a_format_that_is_none_is_told_once_with_the_nearest(held: Held, tmp_path: Path) -> None:
    path = bounces(tmp_path / "bounces.csv", 1)
    (said,) = run(path, path, as_format="sendgrid-bounce").err.splitlines()
    assert "sendgrid-bounces" in said
    assert "mailman" not in said
    assert not held.evidence


# ---- The question, and the display


def test_the_question_has_what_the_lists_hold(held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many, one = bounces(tmp_path / "many.csv", 2_000), tmp_path / "one.csv"
    one.write_text(f"{HEADER}5,x,jane@example.com,1417885600\n5,x,nobody,1417885600\n")
    asked: list[str] = []
    monkeypatch.setattr(options, "confirm", lambda question, **_: asked.append(question))
    ran = run(one, many, yes=False, as_json=False)
    assert (ran.code, asked) == (1, ["Import into mailing: 2 lists, 2,002 rows?"])
    assert f"{one}: SendGrid's bounces, 2 rows, 1 hard bounce, 1 refused.\n" in ran.err
    assert f"{many}: SendGrid's bounces, 2,000 rows, 2,000 hard bounces.\n" in ran.err
    assert len(held.evidence) == 2_001

    # Very long lists are looked at to a certain row alone.
    monkeypatch.setattr(import_list, "LOOKED_AT", 100)
    run(many, yes=False)
    assert asked[1:] == ["Import into mailing: 1 list, 100 rows or more?"]


def test_without_a_terminal_the_question_is_told_and_nothing_is_imported(
    held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ran = run(bounces(tmp_path / "bounces.csv", 3), yes=False)
    assert "Import into mailing: 1 list, 3 rows? There is no terminal to ask at" in ran.err
    assert (ran.code, ran.out) == (2, "")
    assert not held.evidence


@pytest.mark.parametrize("name", ["bounces.csv", "bounces.csv.gz", "bounces.zip"])
def test_the_display_says_how_much_there_is(
    held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shown: list[tuple[int, int]] = []
    monkeypatch.setattr(output.Counter, "expect", lambda counter, total: shown.append((counter.done, total)))
    monkeypatch.setattr(importing, "WINDOW", 500)
    path = bounces(tmp_path / name, 8_000)
    if path.suffix == ".zip":
        path.write_bytes(archive([Member("a", path.read_bytes())]))
    assert run(path).code == 0
    assert shown[-1] == (8_000, 8_000)
    # Half-way it is known from how much was read; so short a file is unpacked at once.
    assert name.endswith(".gz") or all(6_000 < total < 10_000 for done, total in shown if done > 4_000)
    assert len(held.evidence) == 8_000


def test_what_marks_are_called_is_known_of_every_kind() -> None:
    assert import_list._KINDS.keys() == set(MarkKind)  # noqa: SLF001  (else a new kind ends the command)


# ---- What gets in between


def take(table: Held, part: Part) -> Mapping[str, int]:
    """Import a list and return what became of its addresses."""
    tally, kind = Tally(), FORMATS["sendgrid-bounces"]
    importing.take(part, kind, "", tally, Writer(cast("Table", table), "here", part, kind, ""))
    return tally.results


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Part:
    """A list of eight bounces, and a row that is refused; three are merged at a time."""
    monkeypatch.setattr(importing, "WINDOW", 3)
    path = bounces(tmp_path / "list.csv", 8)
    path.write_text(f"{path.read_text()}5.1.1,x,nobody,1417885600")
    return parts(path)[0]


def test_an_interrupted_import_goes_on_where_it_was(held: Held, part: Part, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> None:
        if held.evidence:
            raise KeyboardInterrupt

    held.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        take(held, part)
    assert [path.name for path in sorted(part.path.parent.iterdir())] == ["list.csv", "list.csv.progress"]
    held.before = lambda: None
    assert take(held, part) == {"importedBefore": 3, "nowDisable": 5}
    assert "behind the first 3 rows" in capsys.readouterr().err
    # Nothing is left but what was refused, also before the interruption.
    assert [path.name for path in sorted(part.path.parent.iterdir())] == ["list.csv", "list.csv.refused.csv"]


@pytest.mark.parametrize("noted", ["", "[]", "{}", '{"rows": 3}', "another", "no number"])
def test_a_note_of_another_import_is_none(held: Held, part: Part, noted: str) -> None:
    held.errors = lambda address: "ValidationError" if address.startswith("b7") else ""
    take(held, part)
    note = part.beside(".progress")
    written = json.loads(note.read_text())
    others = {"another": written | {"table": "there"}, "no number": written | {"rows": "x"}}
    note.write_text(json.dumps(others[noted]) if noted in others else noted)
    assert take(held, part) == {"knownBefore": 7, "failed": 1}


def test_an_address_that_dynamodb_refuses_is_named_and_comes_again(
    held: Held, part: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    held.errors = lambda address: "ValidationError" if address[1] in "345" else ""  # all that are merged at a time
    assert take(held, part) == {"nowDisable": 5, "failed": 3}
    assert "b4@example.com: not imported. DynamoDB refused: ValidationError." in capsys.readouterr().err
    held.errors = lambda _: ""
    # From the first window on that was not whole.
    assert take(held, part) == {"importedBefore": 3, "nowDisable": 3, "knownBefore": 2}
    assert not part.beside(".progress").exists()


def test_an_import_that_dynamodb_does_not_let_write_ends_at_once(held: Held, part: Part) -> None:
    held.errors = lambda _: "AccessDeniedException"
    with pytest.raises(TableError, match="AccessDeniedException"):
        take(held, part)


@pytest.mark.parametrize("code", ["EndpointConnectionError", "ConnectTimeoutError", "ProvisionedThroughputExceeded"])
def test_an_import_that_reaches_nothing_says_so_once_and_ends(
    held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(importing, "WINDOW", 100)
    (part,) = parts(bounces(tmp_path / "bounces.csv", 1_133))
    held.errors = lambda _: code if len(held.evidence) >= 300 else ""
    waits, stops, why = run(part.path).err.splitlines()
    assert "Trying again" in waits
    assert stops == f"{part}: the first 300 rows are imported; the same command goes on there."
    assert why == errors.sentence(TableError(code))
    held.errors = lambda _: ""
    assert take(held, part) == {"importedBefore": 300, "nowDisable": 833}
    assert len(held.evidence) == 1_133


def test_addresses_refused_for_one_reason_are_counted(
    held: Held, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (part,) = parts(bounces(tmp_path / "bounces.csv", 1_000))
    held.errors = lambda address: "ValidationError" if "7" in address else ""
    results = take(held, part)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 6
    assert said[-1] == f"{results['failed']} addresses: not imported. DynamoDB refused: ValidationError."


def test_a_network_lost_in_the_middle_of_a_step_ends_the_import_too(held: Held) -> None:
    """Else each of the other addresses would be told as one that failed, and each step after it would wait as long."""
    evidence: dict[str, Evidence] = {f"{number}@example.com": {} for number in range(10)}
    held.errors = lambda address: "EndpointConnectionError" if address > "5" else ""
    with pytest.raises(TableError, match="EndpointConnectionError"):
        list(merged(cast("Table", held), evidence, lambda _: None))
    # One address that is throttled for long is left out, and the others are imported.
    held.errors = lambda address: "ProvisionedThroughputExceeded" if address > "9" else ""
    outcomes = Counter(each.error for each in merged(cast("Table", held), evidence, lambda _: None))
    assert outcomes == {"": 9, "ProvisionedThroughputExceeded": 1}


def test_a_person_hears_what_a_silent_import_waits_for(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SILENT", 0)
    heard, said = Event(), []

    def say(text: str) -> None:
        said.append(text)
        heard.set()

    held.before = lambda: heard.wait(60)
    assert len(list(merged(cast("Table", held), {"a@example.com": {}}, say))) == 1
    assert said[0].startswith("Waiting for DynamoDB")
