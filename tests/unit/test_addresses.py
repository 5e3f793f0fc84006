"""Lists of addresses as the command line reads them: plain, CSV of any make, JSON, and bytes that are none of it."""

import io
from pathlib import Path

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from healthy_mailing_cli.lists.addresses import canonical_ones, is_source, lines, opened
from healthy_mailing_cli.lists.formats import lines as lines_of_files
from healthy_mailing_cli.lists.formats.lines import Lines
from healthy_mailing_cli.lists.source import Line, Source
from healthy_mailing_cli.shell.addresses import canonical_domain
from healthy_mailing_cli.shell.output import CommandError

JANE, JOE = "jane@example.com", "joe@example.com"


def read_rows(text: str, column: str | None = None) -> list[Line]:
    return list(Source(io.StringIO(text, newline=""), "list.csv", column))


def read(text: str, column: str | None = None) -> list[str]:
    """Return what is given, and of a line that was not understood its number."""
    found: list[str] = []
    for row in read_rows(text, column):
        found += [f"line {row.number}"] if row.problem else row.given
    return found


@pytest.mark.parametrize(
    ("text", "column", "addresses"),
    [
        ("", None, []),
        ("\n \n", None, []),
        (JANE, None, [JANE]),
        (f"{JANE}\n{JOE}\n", None, [JANE, JOE]),
        (f"{JANE}\r\n\r\n  {JOE}\r", None, [JANE, JOE]),
        (f"{JANE}\r{JOE}\n", None, [JANE, JOE]),
        (f"\ufeff{JANE}\n{JOE}\n", None, [JANE, JOE]),
        # A plain list: quotes belong to the address, or are around all of it
        (f'"a b"@example.com\n"{JOE}"\n', None, ['"a b"@example.com', JOE]),
        # Several on a line, with names, and what is beside them
        (f"{JANE}\n{JOE}, {JANE};Joe <{JOE}> {JANE}\n", None, [JANE, JOE, JANE, JOE, JANE]),
        (f'"Doe, Jane" <{JANE}>, "Joe"<{JOE}> (at work)\n', None, [JANE, JOE]),
        (f"{JANE}\nJoe {JOE} {JANE}\n{JOE}", None, [JANE, "line 2", JOE]),
        # A heading that is known, in any case and place
        (f"email\n{JANE}\n", None, [JANE]),
        (f"\ufeffEmail\n{JANE}\n", None, [JANE]),
        (f"name,Email Address\nJane,{JANE}\n", None, [JANE]),
        (f"name,E_Mail-Address\nJane,{JANE}\n", None, [JANE]),
        (f'name;E-MAIL;age\n"Doe; Jane";{JANE};3\n', None, [JANE]),
        (f'"Last, first";email\n"Doe, Jane";{JANE}\n', None, [JANE]),
        (f"sep=;\nname;email\nDoe, Jane, Dr;{JANE}\n", None, [JANE]),
        (f"id\temail\n1\t{JANE}\n", None, [JANE]),
        (f"id|email\n1|{JANE}\n", None, [JANE]),
        # A heading that is named
        (f"email,work\n{JANE},{JOE}\n", "Work", [JOE]),
        # Under a single heading, a line is a list
        (f"email\n{JANE}, {JOE}\n", None, [JANE, JOE]),
        (f'email\n"{JANE}; {JOE}"\n', None, [JANE, JOE]),
        # A line with an address is no heading
        (f"mail,{JANE}\n2,{JOE}\n", None, [JANE, JOE]),
        (f",,\n{JANE},x\n", None, [JANE]),
        # No heading: each cell with an @
        (f"1,{JANE}\n2,{JOE}\n", None, [JANE, JOE]),
        (f"1,{JANE},{JOE}\n", None, [JANE, JOE]),
        (f"Doe, Jane <{JANE}>\n{JOE}\n", None, [f"Jane <{JANE}>", JOE]),
        (f"Jane,{JANE}\n1,2\n", None, [JANE, "line 2"]),
        # A cell over several lines, a doubled quote, a row of empty cells
        (f'note,email\n"two\nlines ""here""",{JANE}\n', None, [JANE]),
        (f'email,note\n{JANE},"See {JOE}\nfor more, or ask"\n', None, [JANE]),
        (f"email,name\n{JANE}\n{JOE},Joe\n", None, [JANE, JOE]),
        (f"email,name\n , \n{JOE},Joe\n", None, [JOE]),
        # A row that lacks the column, and one with too many
        (f"name,alt,email\nJoe,{JOE}\nJane,,{JANE}\n", None, ["line 2", JANE]),
        (f"email,name\n{JOE},Doe, Joe\n{JANE},Jane,\n", None, ["line 2", JANE]),
        # An open quote costs its line; so does one that a later line would close
        (f'email,name\n{JANE},"Tom\n{JOE},x\n{JANE},"Eve"\n', None, ["line 2", JOE, JANE]),
        (f'email,name\n{JANE},"Tom\n{JOE},x\n{JANE},Eve"\n', None, ["line 2", JOE, JANE]),
        (f'email,name\n{JANE},"Tom\n{JOE},""\n', None, ["line 2", JOE]),
        (f'email,"name\n{JANE},x"\n', None, ["line 1", JANE]),
        # A shorter row may be swallowed too, or be prose; then it is named
        (
            f'email,name,note\n{JANE},Jane,"left\n{JOE}\n{JOE},Joe\n"\n{JANE},,\n',
            None,
            ["line 2", "line 3", JOE, "line 5", JANE],
        ),
        (f'email,name,note\n{JANE},Jane,"failed:\n{JANE}\nsorry"\n{JOE},,\n', None, [JANE, JOE]),
        # Invisible characters in a note
        (f"email,note\n{JANE},jo\u200be@example.com\n", None, ["line 2"]),
        # A comment, an escape or a tag within one, and what is none
        (f"email,note\n{JANE},joe(work)@example.com\n{JANE},joe\\@example.com\n", None, ["line 2", "line 3"]),
        (f"email,note\n{JANE},joe@(work)example.com\n{JANE},joe@<wbr>example.com\n", None, ["line 2", "line 3"]),
        (f"email,note\n{JANE},on Twitter (@jane)\n", None, [JANE]),
        # What a spreadsheet would take for a formula, as an export writes it
        ("email\n'=a@example.com\n", None, ["=a@example.com"]),
        # What is no address is for the caller to judge
        ("email\nnob@dy@\n", None, ["line 2"]),
        ("email\nnobody\n", None, ["line 2"]),
        # JSON
        (f'[{{"email": "{JANE}"}}, {{"Email": "{JOE}"}}, {{"name": "Joe"}}]', None, [JANE, JOE, "line 3"]),
        (f'{{"mail2": "{JANE}"}}\n{{"mail2": "x"}}\n', "mail2", [JANE, "line 2"]),
    ],
)
def test_addresses_are_found(text: str, column: str | None, addresses: list[str]) -> None:
    assert read(text, column) == addresses


@pytest.mark.parametrize(
    ("line", "others"),
    [
        (f"{JANE},Jane,", []),
        (f"{JANE},Jane,{JOE}", [JOE]),
        (f"{JANE},Jane,see {JOE}. Or <{JANE}>", [JOE]),
        (f'"""{JOE}"" <{JANE}>",Jane,', [JOE]),
        (f"{JANE} (was {JOE}),Jane,", [JOE]),
        (f"{JANE},Jane,\u00ab{JOE}\u00bb", [f"{a}{JOE}{b}" for a in ("", "\u00ab") for b in ("", "\u00bb")]),
        (f"{JANE},Jane,joe@bu\u0308cher.de", ["joe@bu\u0308cher.de", "joe@bu"]),
        (f"{JANE},Jane,joe@\u0915\u0949\u092b\u0940.com!", ["joe@\u0915\u0949\u092b\u0940.com"]),
        (f"{JANE},Jane,joe@example\u3002com", ["joe@example\u3002com", "joe@example"]),
        (f"{JANE},Jane,joe@exam\u00adple.com", ["joe@exam\u00adple.com", "joe@exam"]),
        (f"{JANE},Jane,joe@\u200bexample.com", ["joe@\u200bexample.com", JOE]),
        (f"{JANE},Jane,mailto:{JOE}?subject=x", [JOE]),
        (f"{JANE},Jane,\u8fde\u7edc{JOE}", [f"\u8fde\u7edc{JOE}", JOE]),
        (f"{JANE},Jane,see\\n{JOE}", [f"n{JOE}", JOE]),
        (f"{JANE},Jane,%3C{JOE}%3E", [f"%3C{JOE}", f"3C{JOE}", JOE]),
        (f"{JANE},Jane,&lt;{JOE}", [JOE]),
        (f"{JANE},Jane,?to=o'{JOE}", [f"?to=o'{JOE}", f"to=o'{JOE}", f"o'{JOE}", JOE]),
        (f"{JANE},Jane,?to=_{JOE}", [f"?to=_{JOE}", f"to=_{JOE}", f"_{JOE}", JOE]),
        (f"{JANE},Jane,'{JOE}'", [f"'{JOE}", JOE]),
        (f"{JANE},Jane,https://x.example/?to={JOE}&x", [f"//x.example/?to={JOE}", f"x.example/?to={JOE}", JOE]),
        (f'{JANE},Jane,"""a b""@example.com"', ['"a b"@example.com']),
        (f"{JANE},Jane,@jane and 3 @ 4", []),
        (f"'{JANE},Jane,", [f"'{JANE}", JANE]),
    ],
)
def test_what_else_may_be_an_address_is_told_in_each_reading(line: str, others: list[str]) -> None:
    (row,) = read_rows(f"email,name,note\n{line}\n")
    assert not row.problem
    assert sorted({*others}) == sorted({each for readings in row.others for each in readings})


def test_a_line_is_as_long_as_the_file_has_it_or_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a line that was cut would be another address."""
    monkeypatch.setattr(lines_of_files, "LONGEST", 1 << 12)
    long = f"{'x' * lines_of_files.LONGEST},{JANE}\n"
    assert read(f"name,email\n{long}Joe,{JOE}\n") == ["line 2", JOE]
    assert read(f"{JOE}\n{long}{JOE}\n") == [JOE, "line 2", JOE]
    cut = "ab@example.com, "  # as many as fit, so that all that is read of the line are addresses
    assert read(f"{JOE}\n{cut * (lines_of_files.LONGEST // len(cut) + 1)}\n{JOE}\n") == [JOE, "line 2", JOE]
    assert read(f'name,email\n"Joe\n{long}Joe,{JOE}\n') == ["line 2", "line 3", JOE]


def test_open_quotes_are_not_read_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line opens a quote that the next one closes and opens again."""
    taken = 0
    take = Lines.__next__

    def counted(lines: Lines) -> str:
        nonlocal taken
        taken += 1
        return take(lines)

    monkeypatch.setattr(Lines, "__next__", counted)
    count = 10_000
    assert len(read("email,name\n" + 'x","y\n' * count)) == count
    assert taken <= 4 * count


def test_a_column_that_is_missing_is_named_with_those_that_are_there() -> None:
    with pytest.raises(CommandError, match=r"list\.csv has no column work; its first line holds: id, email"):
        read("id,email\n", "work")


def test_the_column_must_be_named_where_nothing_tells_which_it_is() -> None:
    """Else nothing would be an address, and `check --keep` would write a file without rows."""
    with pytest.raises(CommandError, match=r"column of list\.csv with --column; its first line holds: Name, Adresse"):
        read(f"Name,Adresse\nJane,{JANE}\n")
    assert read(f"Name,Adresse\nJane,{JANE}\n", "adresse") == [JANE]


def test_an_address_may_be_longer_than_a_file_s_name() -> None:
    address = f"{'a' * 300}@example.com"
    assert not is_source(address)
    assert [row.given for row in lines([address])] == [(address,)]
    with pytest.raises(CommandError, match="can't be read"):
        list(lines(["a" * 300]))


@pytest.mark.parametrize("text", ["bücher.example", "@Bücher.Example", "xn--bcher-kva.example"])
def test_a_domain_is_read_as_it_stands_in_the_table(text: str) -> None:
    assert canonical_domain(text) == "xn--bcher-kva.example"


def test_what_is_no_domain_is_named() -> None:
    with pytest.raises(CommandError, match="--domain a b is not a domain"):
        canonical_domain("a b")


@pytest.mark.parametrize("name", ["absent.csv", "folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(CommandError, match=name), opened(str(tmp_path / name)):
        pass


LINES = st.lists(
    st.binary(max_size=12)
    | st.sampled_from([b"a@example.com", b"email,name", b"a@b.c,x", b'"q\nq",a@b.c', b"\xff@x.org", b"", b'x","y']),
    max_size=8,
)


@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans())
def test_rows_are_kept_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bytes, ended: bool
) -> None:
    """Of any bytes: all rows together, with the header, are the file, but for rows that hold nothing."""
    content = end.join(lines) + (end if ended else b"")
    file = tmp_path_factory.mktemp("lists") / "list.csv"
    file.write_bytes(content)
    try:
        with opened(str(file)) as source:
            kept = source.above + "".join(row.raw for row in source)
            assume(source.has_lines)
    except CommandError as error:
        assert any(each in str(error) for each in ("--column", "is not text", "can't be", "UTF-16", "utf-16"))  # noqa: PT017  (other files are read)
        reject()
    written = kept.encode(source.encoding, source.errors)

    def solid(data: bytes) -> bytes:
        return data.removeprefix(b"\xef\xbb\xbf").translate(None, b'\r\n\t ,;|"\x0b\x0c\x1c\x1d\x1e\x1f\x85')

    assert solid(written) == solid(content)


def test_addresses_are_made_canonical_once_each_and_what_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text(f"{JANE}\nnobody\nJane <JANE@Example.com>\n")
    read_all = canonical_ones([str(file), JOE, "a@b@"])
    assert read_all.addresses == [JANE, JOE]
    assert [text for text, _ in read_all.problems] == [f"{file}, line 2: nobody", "a@b@"]


@pytest.mark.parametrize(
    ("text", "addresses", "problems", "note"),
    [
        (f'email,name\n{JANE},"Tom\n{JOE},x\n', [JOE], ['line 2: jane@example.com,"Tom'], ""),
        (
            f"email,manager\n{JANE},{JOE}\n",
            [JANE],
            [],
            "1 line with addresses in other columns, in names or in comments: those are left alone.\n",
        ),
        (f'email,note\n{JANE},"see\nor {JOE} or so"\n', [JANE], [f"lines 2-3: {JANE}"], ""),
        (f"{JANE}, {JOE}\n", [JANE, JOE], [], ""),
        # Quotation marks that IDNA takes for letters, one that nobody closed, and what is no mark
        (f"email\n\u201c{JANE}\u201d\n", [], [f"line 2: \u201c{JANE}\u201d"], ""),
        (f"email\n'{JANE}\n{JOE}\n", [JOE], [f"line 2: '{JANE}"], ""),
        (f"email\nx|{JANE}\n", [], [f"line 2: x|{JANE}"], ""),
        (f"email\n'={JANE}\nj\u00fc{JOE}\no'{JOE}\n", [f"={JANE}", f"j\u00fc{JOE}", f"o'{JOE}"], [], ""),
        (f"email\n\u201cJane\u201d <{JANE}>\n", [JANE], [], ""),
    ],
)
def test_what_is_acted_on_is_in_the_column_and_the_rest_is_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    addresses: list[str],
    problems: list[str],
    note: str,
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text)
    found = canonical_ones([str(file)])
    assert (found.addresses, [where for where, _ in found.problems]) == (
        addresses,
        [f"{file}, {problem}" for problem in problems],
    )
    assert capsys.readouterr().err == note
