"""`mailing import` and `mailing export` as people run them, by the policies that docs/operate.md gives."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import ses
from support.command_line import Mailing
from support.hand_made import Filled
from support.iam import as_user, user
from support.runbook import named_by, operating

from .test_exports import ACTIONS

FRIDAY, MOMENT = "Fri, 21 Oct 2011 11:02:55 GMT", "2011-10-21T11:02:55.000Z"


@pytest.fixture(scope="module")
def mailing(stack: Filled) -> Iterator[Mailing]:
    """The command line of an operator."""
    with user(stack.emulator, *operating(stack)[1]) as operator:
        yield as_user(stack, operator)


def test_an_archive_of_lists_is_imported_once(mailing: Mailing, stack: Filled, tmp_path: Path) -> None:
    bounced, left, some = (ses.fresh(name) for name in ("bounced", "left", "some"))
    archive = tmp_path / "mailgun.zip"
    row = f'{bounced.upper()},550,"No\nuser","{FRIDAY}"'
    rows = [f'{left},*,"{FRIDAY}"', f'{some},news,"{FRIDAY}"', "gmail.com,*,"]
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("bounces.csv", f"address,code,error,created_at\r\n{row}\r\n")
        opened.writestr("unsubscribes.csv", "\n".join(["address,tags,created_at", *rows]))

    looked = mailing("import", str(archive), "--dry-run", "--json")
    assert (looked.code, [each["marks"] for each in looked.json]) == (1, [{"hardBounce": 1}, {"optOut": 1}])
    assert list(tmp_path.iterdir()) == [archive]
    assert stack.states(bounced) == {bounced: None}

    done = mailing("import", str(archive), "--yes")
    assert done.code == 1, done
    assert stack.states(bounced, left, some) == {bounced: "disable", left: "disable", some: None}
    item = stack.item(bounced) or {}
    assert (item["timestamp"], item["evidence"]["hardBounce"]["diagnosticCode"]) == (MOMENT, "550 No\nuser")
    assert [path.name for path in tmp_path.iterdir() if path != archive] == ["mailgun.zip.unsubscribes.csv.refused.csv"]

    again = mailing("import", str(archive), "--yes", "--json")
    assert [each["addresses"] for each in again.json] == [{"knownBefore": 1}] * 2
    assert stack.item(bounced) == item


def test_import_and_export_ask_for_what_their_modules_name_and_for_nothing_else(
    mailing: Mailing, tmp_path: Path
) -> None:
    file, noted = tmp_path / "list.txt", tmp_path / "actions"
    file.write_text(ses.fresh("a"))
    noting = mailing.noting(noted)
    for each in ("opt-outs", "complaints"):  # of a new address, and of a known one
        assert noting("import", str(file), "--yes", "--as", each, "--at", "2026-01-01T00:00:00Z").code == 0
    for options in ((), ("--state", "disable")):
        assert noting("export", *options).code == 0
    # test_exports.py has the rest of them.
    assert set(noted.read_text().split()) == named_by("import_list", "export") - ACTIONS
