"""`mailing import` and `mailing export` as people run them, by the policies that docs/operate.md gives."""

import csv
import gzip
import io
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
from support.eventually import eventually
from support.hand_made import Filled
from support.iam import as_user, user
from support.runbook import named_by, operating
from support.table import create_table

from .test_exports import ACTIONS

FRIDAY = "Fri, 21 Oct 2011 11:02:55 GMT"


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
    bounced, complained, left, some = (ses.fresh(name) for name in ("bounced", "complained", "left", "some"))
    archive = tmp_path / "mailgun.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(
            "bounces.csv",
            f'address,code,error,created_at\r\n{bounced.upper()},550,"No such\nuser, sorry","{FRIDAY}"\r\n'
            f'gmail.com,550,,"{FRIDAY}"\r\n',
        )
        opened.writestr("complaints.csv", f'created_at,address\n"{FRIDAY}",{complained}\n')
        opened.writestr("unsubscribes.csv", f'address,tags,created_at\n{left},*,"{FRIDAY}"\n{some},news,"{FRIDAY}"\n')

    looked = mailing("import", str(archive), "--dry-run", "--json")
    assert looked.code == 1
    assert [each["marks"] for each in looked.json] == [{"hardBounce": 1}, {"complaint": 1}, {"optOut": 1}]
    assert looked.json[0]["firstRefused"] == [
        {"row": f"gmail.com, 550, , {FRIDAY}", "problem": "has an address that has no @"}
    ]
    assert looked.json[2]["skipped"] == {"opt-outs of some tags alone": 1}
    assert list(tmp_path.iterdir()) == [archive]
    assert stack.states(bounced) == {bounced: None}

    asked = mailing("import", str(archive))
    assert (asked.code, "--yes" in asked.err) == (2, True)
    done = mailing("import", str(archive), "--yes")
    assert done.code == 1, done
    assert stack.states(bounced, complained, left, some) == {
        bounced: "disable",
        complained: "disable",
        left: "disable",
        some: None,
    }
    item = stack.item(bounced) or {}
    assert item["evidence"]["hardBounce"]["diagnosticCode"] == "550 No such\nuser, sorry"
    assert item["timestamp"] == "2011-10-21T11:02:55.000Z"
    assert (stack.item(left) or {})["transactional"] == "enable"
    (refused,) = [path for path in tmp_path.iterdir() if path != archive]
    assert refused.name == "mailgun.zip.bounces.csv.refused.csv"
    assert list(csv.reader(io.StringIO(refused.read_text()))) == [
        ["refused", "address", "code", "error", "created_at"],
        ["has an address that has no @", "gmail.com", "550", "", FRIDAY],
    ]

    again = mailing("import", str(archive), "--yes", "--json")
    assert [each["addresses"] for each in again.json] == [{"knownBefore": 1}] * 3
    assert stack.item(bounced) == item


def test_newer_feedback_wins_over_an_import_and_an_older_list_over_nothing(
    mailing: Mailing, stack: Filled, tmp_path: Path
) -> None:
    address, file = ses.fresh("works"), tmp_path / "bounces.csv.gz"
    stack.publish(ses.text(ses.delivery(address)))
    assert stack.states(address) == {address: "enable"}
    with gzip.open(file, "wt") as opened:
        opened.write(f"status,reason,email,created\n5.1.1,550,{address},1300000000\n")
    assert mailing("import", str(file), "--yes").code == 2
    done = mailing("import", str(file), "--yes", "--as", "sendgrid-bounces")
    assert (done.code, "Same state, more evidence" in done.out) == (0, True)
    assert stack.states(address) == {address: "enable"}


def test_rows_without_a_time_get_the_one_that_is_given(mailing: Mailing, stack: Filled, tmp_path: Path) -> None:
    first, second = ses.fresh("first"), ses.fresh("second")
    file = tmp_path / "job.csv"
    file.write_text(f"{first},BOUNCE\n{second},COMPLAINT\n")
    refused = mailing("import", str(file), "--yes")
    assert (refused.code, "--at" in refused.err) == (2, True)
    assert mailing("import", str(file), "--yes", "--at", "2999-01-01T00:00:00Z").code == 2
    assert mailing("import", str(file), "--yes", "--at", "2025-01-01T00:00:00Z").code == 0
    reasons = [(stack.item(each) or {})["reason"] for each in (first, second)]
    assert reasons == ["bounce:Permanent/OnAccountSuppressionList", "complaint:OnAccountSuppressionList"]


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


def test_a_csv_has_the_states_for_both_kinds_of_mail(mailing: Mailing, stack: Filled, tmp_path: Path) -> None:
    left, fine, risky = ses.fresh("left"), ses.fresh("fine"), f"=cmd|' /c calc'!{ses.fresh('a')}".replace(" ", "")
    stack.publish(*map(ses.text, (ses.subscription(left), ses.delivery(fine), ses.complaint(risky))))
    assert stack.states(left, fine, risky) == {left: "disable", fine: "enable", risky: "disable"}

    out = mailing("export").out
    rows = {row["address"]: row for row in csv.DictReader(io.StringIO(out))}
    assert (rows[left]["state"], rows[left]["transactional"], rows[left]["reason"]) == ("disable", "enable", "opt-out")
    assert (rows[fine]["state"], rows[fine]["type"], rows[fine]["sender"]) == ("enable", "Delivery", "news@example.org")
    assert f"'{risky}" in rows
    assert not any(cell[:1] in set("=+-@") for row in csv.reader(io.StringIO(out)) for cell in row)

    file = tmp_path / "blocked.csv"
    told = mailing("export", "--state", "disable", "--state", "review", "-o", str(file), "--json")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("\ufeff")
    listed = {row["address"] for row in csv.DictReader(io.StringIO(text[1:]))}
    assert {left, f"'{risky}"} <= listed
    assert fine not in listed
    assert (told.json[0]["file"], told.json[0]["addresses"]) == (str(file), len(listed))
    assert [path.name for path in tmp_path.iterdir()] == ["blocked.csv"]

    refused = mailing("import", str(file), "--dry-run")
    assert (refused.code, "--format ndjson" in refused.err) == (2, True)
    assert mailing("export", "--resume").code == 2
    assert mailing("export", "--resume", "-o", str(file)).code == 2
    assert mailing("export", "-o", str(tmp_path / "no" / "folder")).code == 2


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


def test_two_imports_and_feedback_at_once_lose_nothing(mailing: Mailing, stack: Filled, tmp_path: Path) -> None:
    addresses = [ses.fresh(f"at-once{number}") for number in range(40)]
    lists = {"complaints": tmp_path / "complained.txt", "opt-outs": tmp_path / "left.txt"}
    for file in lists.values():
        file.write_text("".join(f"{address}\n" for address in addresses))
    imports = [
        mailing.started("import", str(file), "--yes", "--as", name, "--at", "2026-01-01T00:00:00Z")
        for name, file in lists.items()
    ]
    # Once an import writes: they meet.
    eventually(lambda: any(stack.item(address) for address in addresses))
    stack.publish(*(ses.text(ses.bounce(address)) for address in addresses))
    told = [process.communicate() for process in imports]
    assert [process.returncode for process in imports] == [0, 0], told
    kinds = {frozenset((stack.item(address) or {}).get("evidence", {})) for address in addresses}
    assert kinds == {frozenset({"complaint", "optOut", "hardBounce"})}
    assert stack.states(*addresses) == dict.fromkeys(addresses, "disable")
