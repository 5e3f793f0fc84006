"""`mailing import` and `mailing export` as people run them, by the policies that docs/operate.md gives."""

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.emulator import Emulator
from support import ses
from support.command_line import Mailing
from support.hand_made import Filled
from support.iam import as_user, user
from support.runbook import named_by, operating
from support.table import create_table

from .test_exports import ACTIONS

FRIDAY, MOMENT = "Fri, 21 Oct 2011 11:02:55 GMT", "2011-10-21T11:02:55.000Z"


@pytest.fixture(scope="module")
def mailing(stack: Filled) -> Iterator[Mailing]:
    """The command line of an operator."""
    with user(stack.emulator, *operating(stack)[1]) as operator:
        yield as_user(stack, operator)


# What tells when and how often an item was written, and what follows from no evidence.
NOT_IMPORTED = {"version", "updatedAt", "pushedToSes"}


def items(stack: Filled, table: str) -> dict[str, Any]:
    """Return a table by address, of each item what an import makes again."""
    found = {}
    for page in stack.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            address = item["UserId"]["S"]
            found[address] = {name: value for name, value in item.items() if name not in NOT_IMPORTED}
    return found


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


def test_an_export_imports_again_to_identical_items(
    mailing: Mailing, stack: Filled, emulator: Emulator, tmp_path: Path
) -> None:
    left, gone, soft, cleared = (ses.fresh(name) for name in ("left", "gone", "soft", "cleared"))
    mailbox_full = {"kind": "Transient", "subtype": "MailboxFull"}
    messages = [
        ses.subscription(left),
        ses.subscription(gone),
        ses.bounce(gone),
        ses.bounce(cleared),
        *(ses.bounce(soft, **mailbox_full, at=f"2026-01-{day:02}T12:00:00.000Z") for day in range(1, 9)),
    ]
    stack.publish(*map(ses.text, messages))
    assert stack.states(left, gone, soft, cleared) == dict.fromkeys((left, gone, soft, cleared), "disable")
    assert "transactional" not in (stack.item(gone) or {})
    assert mailing("clear-bounces", cleared).code == 0
    assert mailing("disable", ses.fresh("by-hand"), "--note", "=1+1").code == 0

    file = tmp_path / "all.ndjson"
    exported = mailing("export", "--format", "ndjson", "--output", str(file))
    assert exported.code == 0, exported
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    before = items(stack, stack.outputs["table_name"])
    assert {each["address"] for each in lines} == before.keys()
    assert len(lines) == len(before)
    assert {left, gone, soft, cleared} <= before.keys()

    other = f"copy-{datetime.now(UTC):%f}"
    create_table(stack.dynamodb, other)
    try:
        anyone = Mailing(emulator.environment(), other)
        function = stack.outputs["function_name"]
        assert anyone("import", str(file), "--yes", "--function", function).code == 0
        assert items(stack, other) == before
        assert anyone("import", str(file), "--yes", "--function", function, "--json").json[0]["addresses"] == {
            "knownBefore": len(before)
        }
    finally:
        stack.dynamodb.delete_table(TableName=other)


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
