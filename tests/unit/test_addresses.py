"""Lists of addresses as the command line reads them: plain, CSV of any make, and bytes that are neither."""

import io
from pathlib import Path

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from healthy_mailing_cli.addresses import AS_IT_IS, Source, canonical_domain, canonical_ones, is_source, opened, rows
from healthy_mailing_cli.output import CommandError

JANE, JOE = "jane@example.com", "joe@example.com"


def read(text: str, column: str | None = None) -> list[str]:
    return [row.address for row in Source(io.StringIO(text, newline=""), "list.csv", column)]


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
        # A plain list: quotes belong to the address
        (f'"a b"@example.com\n{JOE}\n', None, ['"a b"@example.com', JOE]),
        # A heading that is known, in any case and place
        (f"email\n{JANE}\n", None, [JANE]),
        (f"\ufeffEmail\n{JANE}\n", None, [JANE]),
        (f"name,Email Address\nJane,{JANE}\n", None, [JANE]),
        (f'name;E-MAIL;age\n"Doe; Jane";{JANE};3\n', None, [JANE]),
        (f"id\temail\n1\t{JANE}\n", None, [JANE]),
        (f"id|email\n1|{JANE}\n", None, [JANE]),
        # A heading that is named
        (f"email,work\n{JANE},{JOE}\n", "Work", [JOE]),
        # No heading: the first cell with an @
        (f"1,{JANE}\n2,{JOE}\n", None, [JANE, JOE]),
        (f"Doe, Jane <{JANE}>\n{JOE}\n", None, [f"Jane <{JANE}>", JOE]),
        (f"Jane,{JANE}\n1,2\n", None, [JANE, "2"]),
        # A cell over several lines, a doubled quote, a short row, a row of empty cells
        (f'note,email\n"two\nlines ""here""",{JANE}\n', None, [JANE]),
        (f"email,name\n{JANE}\n{JOE},Joe\n", None, [JANE, JOE]),
        (f"email,name\n,\n{JOE},Joe\n", None, [JOE]),
        # What is no address is for the caller to judge
        ("email\nnobody\n", None, ["nobody"]),
    ],
)
def test_addresses_are_found(text: str, column: str | None, addresses: list[str]) -> None:
    assert read(text, column) == addresses


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
    assert [row.address for row in rows([address])] == [address]
    with pytest.raises(CommandError, match="can't be read"):
        list(rows(["a" * 300]))


@pytest.mark.parametrize("text", ["bücher.example", "@Bücher.Example", "xn--bcher-kva.example"])
def test_a_domain_is_read_as_it_stands_in_the_table(text: str) -> None:
    assert canonical_domain(text) == "xn--bcher-kva.example"


def test_what_is_no_domain_is_named() -> None:
    with pytest.raises(CommandError, match="--domain a b is not a domain"):
        canonical_domain("a b")


def test_a_quote_that_is_never_closed_is_an_error_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text('id,email\n1,a@example.com\n2,"' + "x" * 200_000)
    with (
        pytest.raises(CommandError, match=r"list\.csv, line 3: .*; is a quote not closed\?"),
        opened(str(file), None) as source,
    ):
        list(source)


@pytest.mark.parametrize("name", ["absent.csv", "folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(CommandError, match=name), opened(str(tmp_path / name), None):
        pass


LINES = st.lists(
    st.binary(max_size=12)
    | st.sampled_from([b"a@example.com", b"email,name", b"a@b.c,x", b'"q\nq",a@b.c', b"\xff@x.org", b""]),
    max_size=8,
)


@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans())
def test_rows_are_kept_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    end: bytes,
    ended: bool,  # noqa: FBT001  (generated)
) -> None:
    """Of any bytes: all rows together, with the header, are the file, but for rows that hold nothing."""
    content = end.join(lines) + (end if ended else b"")
    file = tmp_path_factory.mktemp("lists") / "list.csv"
    file.write_bytes(content)
    try:
        with opened(str(file), None) as source:
            kept = source.header + "".join(row.raw for row in source)
    except CommandError as error:
        assert "--column" in str(error)  # noqa: PT017  (other files are read)
        reject()
    written = kept.encode(AS_IT_IS["encoding"], AS_IT_IS["errors"])

    def solid(data: bytes) -> bytes:
        return data.removeprefix(b"\xef\xbb\xbf").translate(None, b'\r\n\t ,;|"\x0b\x0c\x1c\x1d\x1e\x1f\x85')

    assert solid(written) == solid(content)


def test_addresses_are_made_canonical_once_each_and_what_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text(f"{JANE}\nnobody\nJane <JANE@Example.com>\n")
    read_all = canonical_ones([str(file), JOE, "a@b@"])
    assert read_all.addresses == [JANE, JOE]
    assert [text for text, _ in read_all.problems] == ["nobody", "a@b@"]
