"""The file between `clear-bounces --dry-run --selection` and the run that clears: whatever mail servers wrote."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing_cli.decisions.search import looked_up
from healthy_mailing_cli.decisions.selection import Selected, read, write
from healthy_mailing_cli.ses.suppression_list import Entry, SesReason
from healthy_mailing_cli.shell.output import CommandError

UNTIL = "2026-03-10T12:00:00.000Z"
said = st.text(max_size=30) | st.sampled_from(
    ["=HYPERLINK(1)", "\x00\x1b[2J", "a\nb@example.com,x,,,,,\n", '"', "'=1", "550 5.1.1 <a@example.com>\r\n-"]
)
addresses = st.sampled_from(["a@example.com", "=cmd@example.com", "+b@example.com", "o'neil@example.com"])
rows = st.builds(Selected, addresses, st.just(UNTIL), st.sampled_from(["", "A@Example.com"]), said, said, said, said)


@given(st.lists(rows, max_size=5))
def test_what_is_written_is_read_and_no_cell_is_a_formula(
    tmp_path_factory: pytest.TempPathFactory, written: list[Selected]
) -> None:
    file = tmp_path_factory.mktemp("selection") / "selection.csv"
    write(file, written, ses=True)
    assert [each.cells() for each in read(file)] == [each.cells() for each in written]
    with file.open(newline="") as opened:
        cells = [cell for row in csv.reader(opened) for cell in row]
    assert [cell for cell in cells if cell[:1] in set("=+-@\t\r\n")] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"address,until\na@example.com,{UNTIL}\na@example.com,soon\n", "line 3"),
        (f'address,until\na@example.com,"{UNTIL}\nb@example.com,{UNTIL}\n', "line 2: is not CSV"),
        (f"address,until\n,{UNTIL}\n", "line 2"),
        ("address,until\na@example.com\n", "line 2"),
        (f"until,address\n{UNTIL}\n", "line 2"),
        ("address\na@example.com\n", "lacks the columns"),
        (f"a@example.com,{UNTIL}\n", "lacks the columns"),
        ('[{"address": "a@example.com"}]', "lacks the columns"),
        ("", "lacks the columns"),
        ("\0", "is not text"),
    ],
)
def test_a_file_that_was_spoilt_is_refused_with_the_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "selection.csv"
    file.write_text(text)
    with pytest.raises(CommandError, match=says):
        list(read(file))


def test_no_row_hides_bounces_of_later_than_a_time(tmp_path: Path) -> None:
    file = tmp_path / "selection.csv"
    write(file, [Selected("a@example.com", "2999-01-01T00:00:00.000Z")], ses=True)
    assert [each.until for each in read(file)] == ["2999-01-01T00:00:00.000Z"]
    assert [each.until for each in read(file, latest=UNTIL)] == [UNTIL]


def test_a_selection_of_another_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "selection.csv"
    crm, mailing = (f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}" for name in ("crm", "mailing"))
    write(file, [Selected("a@example.com", UNTIL)], ses=True, table=crm)
    assert [each.address for each in read(file, table=crm)] == ["a@example.com"]
    with pytest.raises(CommandError, match=f"was written for the table {crm}, not for {mailing}: name that one with"):
        list(read(file, table=mailing))


def test_who_is_on_the_list_of_ses_for_a_complaint_since_stays_there() -> None:
    """Whatever the file says of its day."""
    entries = [
        Entry("A@example.com", "2026-03-10T11:00:00.000Z", SesReason.COMPLAINT),
        Entry("b@example.com", "2026-03-10T11:00:00.000Z", SesReason.BOUNCE),
        Entry("c@example.com", "2026-03-20T11:00:00.000Z", SesReason.BOUNCE),
    ]
    suppressed: Any = SimpleNamespace(entries=lambda: iter(entries))
    written = [
        Selected(f"{name.lower()}@example.com", UNTIL, f"{name}@example.com", then="all mail") for name in "Abcd"
    ]
    kept: set[str] = set()
    assert [each.ses for each in looked_up(written, suppressed, kept)] == ["", "b@example.com", "", ""]
    assert kept == {"a@example.com", "c@example.com"}
