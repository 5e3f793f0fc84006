"""`mailing import` and `mailing export` as people run them, by the policies that docs/operate.md gives."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.emulator import Emulator
from support import ses
from support.command_line import Mailing
from support.eventually import eventually
from support.table import create_table

from .conftest import Deployed
from .test_command_line import as_user, named_by, statements, without
from .test_exports import ACTIONS
from .test_feedback import fresh
from .test_permissions import user

FRIDAY = "Fri, 21 Oct 2011 11:02:55 GMT"


@pytest.fixture(autouse=True)
def _iam_is_enforced(emulator: Emulator) -> None:
    if not emulator.enforces_iam:
        pytest.skip(f"{emulator.name} enforces no permission")


@pytest.fixture(scope="module")
def mailing(deployments: Mapping[str, Deployed]) -> Iterator[Mailing]:
    """The command line of an operator."""
    deployed = deployments["queue"]
    with user(deployed.emulator, *statements(deployed)["operate"]) as operator:
        yield as_user(deployed, operator)


# What tells when and how often an item was written, and what follows from no evidence.
NOT_IMPORTED = {"version", "updatedAt", "pushedToSes"}


def items(deployed: Deployed, table: str) -> dict[str, Any]:
    """Return a table by address, of each item what an import makes again."""
    found = {}
    for page in deployed.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            address = item["UserId"]["S"]
            found[address] = {name: value for name, value in item.items() if name not in NOT_IMPORTED}
    return found


def test_an_archive_of_lists_is_imported_once(mailing: Mailing, queue_mode: Deployed, tmp_path: Path) -> None:
    bounced, complained, left, some = (fresh(name) for name in ("bounced", "complained", "left", "some"))
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
    assert queue_mode.states(bounced) == {bounced: None}

    asked = mailing("import", str(archive))
    assert (asked.code, "--yes" in asked.err) == (2, True)
    done = mailing("import", str(archive), "--yes")
    assert done.code == 1, done
    assert queue_mode.states(bounced, complained, left, some) == {
        bounced: "disable",
        complained: "disable",
        left: "disable",
        some: None,
    }
    item = queue_mode.item(bounced) or {}
    assert item["evidence"]["hardBounce"]["diagnosticCode"] == "550 No such\nuser, sorry"
    assert item["timestamp"] == "2011-10-21T11:02:55.000Z"
    assert (queue_mode.item(left) or {})["transactional"] == "enable"
    (refused,) = [path for path in tmp_path.iterdir() if path != archive]
    assert refused.name == "mailgun.zip.bounces.csv.refused.csv"
    assert list(csv.reader(io.StringIO(refused.read_text()))) == [
        ["refused", "address", "code", "error", "created_at"],
        ["has an address that has no @", "gmail.com", "550", "", FRIDAY],
    ]

    again = mailing("import", str(archive), "--yes", "--json")
    assert [each["addresses"] for each in again.json] == [{"known before": 1}] * 3
    assert queue_mode.item(bounced) == item


def test_newer_feedback_wins_over_an_import_and_an_older_list_over_nothing(
    mailing: Mailing, queue_mode: Deployed, tmp_path: Path
) -> None:
    address, file = fresh("works"), tmp_path / "bounces.csv.gz"
    queue_mode.publish(ses.text(ses.delivery(address)))
    eventually(lambda: queue_mode.states(address), {address: "enable"})
    with gzip.open(file, "wt") as opened:
        opened.write(f"status,reason,email,created\n5.1.1,550,{address},1300000000\n")
    assert mailing("import", str(file), "--yes").code == 2
    done = mailing("import", str(file), "--yes", "--as", "sendgrid-bounces")
    assert (done.code, "Same state, more evidence" in done.out) == (0, True)
    assert queue_mode.states(address) == {address: "enable"}


def test_rows_without_a_time_get_the_one_that_is_given(mailing: Mailing, queue_mode: Deployed, tmp_path: Path) -> None:
    first, second = fresh("first"), fresh("second")
    file = tmp_path / "job.csv"
    file.write_text(f"{first},BOUNCE\n{second},COMPLAINT\n")
    refused = mailing("import", str(file), "--yes")
    assert (refused.code, "--at" in refused.err) == (2, True)
    assert mailing("import", str(file), "--yes", "--at", "2999-01-01T00:00:00Z").code == 2
    assert mailing("import", str(file), "--yes", "--at", "2025-01-01T00:00:00Z").code == 0
    reasons = [(queue_mode.item(each) or {})["reason"] for each in (first, second)]
    assert reasons == ["bounce:Permanent/OnAccountSuppressionList", "complaint:OnAccountSuppressionList"]


def test_an_export_imports_again_to_identical_items(
    mailing: Mailing, queue_mode: Deployed, emulator: Emulator, tmp_path: Path
) -> None:
    left, gone, soft, cleared = (fresh(name) for name in ("left", "gone", "soft", "cleared"))
    mailbox_full = {"kind": "Transient", "subtype": "MailboxFull"}
    messages = [
        ses.subscription(left),
        ses.subscription(gone),
        ses.bounce(gone),
        ses.bounce(cleared),
        *(ses.bounce(soft, **mailbox_full, at=f"2026-01-{day:02}T12:00:00.000Z") for day in range(1, 9)),
    ]
    queue_mode.publish(*map(ses.text, messages))
    eventually(
        lambda: queue_mode.states(left, gone, soft, cleared), dict.fromkeys((left, gone, soft, cleared), "disable")
    )
    eventually(lambda: "transactional" in (queue_mode.item(gone) or {}), expected=False)
    assert mailing("clear-bounces", cleared).code == 0
    assert mailing("disable", fresh("by-hand"), "--note", "=1+1").code == 0

    file = tmp_path / "all.ndjson"
    exported = mailing("export", "--format", "ndjson", "--output", str(file))
    assert exported.code in {0, 1}, exported  # other tests write items that are no records
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    before = items(queue_mode, queue_mode.outputs["table_name"])
    assert {each["address"] for each in lines} == before.keys()
    assert len(lines) == len(before)
    before = {each["address"]: before[each["address"]] for each in lines if each.get("evidence")}
    assert {left, gone, soft, cleared} <= before.keys()

    other = f"copy-{datetime.now(UTC):%f}"
    create_table(queue_mode.dynamodb, other)
    try:
        anyone = Mailing(emulator.environment(), other)
        function = queue_mode.outputs["function_name"]
        assert anyone("import", str(file), "--yes", "--function", function).code == exported.code
        assert items(queue_mode, other) == before
        assert anyone("import", str(file), "--yes", "--function", function, "--json").json[0]["addresses"] == {
            "known before": len(before)
        }
    finally:
        queue_mode.dynamodb.delete_table(TableName=other)


def test_a_csv_has_the_states_for_both_kinds_of_mail(mailing: Mailing, queue_mode: Deployed, tmp_path: Path) -> None:
    left, fine, risky = fresh("left"), fresh("fine"), f"=cmd|' /c calc'!{fresh('a')}".replace(" ", "")
    queue_mode.publish(*map(ses.text, (ses.subscription(left), ses.delivery(fine), ses.complaint(risky))))
    eventually(lambda: queue_mode.states(left, fine, risky), {left: "disable", fine: "enable", risky: "disable"})

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


def test_each_action_is_needed(queue_mode: Deployed, tmp_path: Path) -> None:
    operate = statements(queue_mode)["operate"]

    def told(policy: list[dict[str, Any]], address: str) -> list[int]:
        file = tmp_path / "list.txt"
        file.write_text(address)
        with user(queue_mode.emulator, *policy) as session:
            mailing = as_user(queue_mode, session)
            imports = [("import", str(file), "--yes", "--as", each) for each in ("opt-outs", "complaints")]
            options = ["--at", "2026-01-01T00:00:00Z"]
            runs = [mailing(*each, *options) for each in imports]
            runs += [mailing("export", *each) for each in ((), ("--state", "disable"))]
        assert "Traceback" not in "".join(run.err for run in runs)
        return [run.code for run in runs]

    assert told(operate, fresh("a")) == [0] * 4
    for action in sorted(named_by("import_list", "export") - ACTIONS):  # of which test_exports.py shows it
        assert told(without(operate, action), fresh("a")) != [0] * 4, f"nothing needs {action}"


def test_two_imports_and_feedback_at_once_lose_nothing(mailing: Mailing, queue_mode: Deployed, tmp_path: Path) -> None:
    addresses = [fresh(f"at-once{number}") for number in range(40)]
    lists = {"complaints": tmp_path / "complained.txt", "opt-outs": tmp_path / "left.txt"}
    for file in lists.values():
        file.write_text("".join(f"{address}\n" for address in addresses))
    imports = [
        mailing.started("import", str(file), "--yes", "--as", name, "--at", "2026-01-01T00:00:00Z")
        for name, file in lists.items()
    ]
    queue_mode.publish(*(ses.text(ses.bounce(address)) for address in addresses))
    told = [process.communicate() for process in imports]
    assert [process.returncode for process in imports] == [0, 0], told

    def kinds() -> set[frozenset[str]]:
        return {frozenset((queue_mode.item(address) or {}).get("evidence", {})) for address in addresses}

    eventually(kinds, {frozenset({"complaint", "optOut", "hardBounce"})})
    assert queue_mode.states(*addresses) == dict.fromkeys(addresses, "disable")
