"""Stacks that earlier commits applied are upgraded to this one: nothing that holds data goes (docs/upgrade.md)."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness import paths, terraform
from harness.emulator import Emulator
from harness.stack import Stack, prepared
from support import ses
from support.deployed import QUICK, Deployed
from support.events import complained
from support.eventually import eventually

GIT = shutil.which("git") or "git"
HOLDS_DATA = ("aws_dynamodb_table", "aws_sns_topic", "aws_sqs_queue")
IDENTITY = "upgrade.example"


@dataclass(frozen=True)
class Earlier:
    """What somebody may have applied: a commit's root, and the values of its variables."""

    commit: str
    variables: Mapping[str, Any]
    goes: tuple[str, ...] = ()
    """What an upgrade may delete, by the end of its address."""
    holds: Mapping[str, int] = field(default_factory=dict)
    """How many there are of each kind that holds data."""


EARLIER = {
    # The first one with Terraform.
    "first root": Earlier(
        "59adacf289e9a411a2a9fc8209eb364e27a66aba",
        QUICK,
        holds={"aws_dynamodb_table": 1, "aws_sns_topic": 1, "aws_sqs_queue": 2},
    ),
    # The last one without the modules `function` and `topic`, with all other modules, and without a queue.
    "before modules function and topic": Earlier(
        "cc4d15dc79a3e1f5a2cd9176b0c456d19c9525ce",
        {
            **QUICK,
            "delivery": "direct",
            "ses": {"identities": {IDENTITY: {}}},
            "lookup": {"access_logs": True},
            "monitoring": {},
        },
        goes=("aws_api_gateway_deployment.this",),  # a changed API has a new one, which is made before the old one goes
        holds={"aws_dynamodb_table": 1, "aws_sns_topic": 1, "aws_sqs_queue": 1},
    ),
}


def checked_out(commit: str, folder: Path) -> Path:
    """Put an earlier commit's tree into a folder, with its zip, and return the folder.

    Skips the test where git has no such commit.
    """
    archived = subprocess.run([GIT, "archive", commit], cwd=paths.ROOT, capture_output=True, check=False)
    if archived.returncode:
        pytest.skip(f"git has no commit {commit[:7]} here, which the upgrade begins at: fetch the whole history")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(folder, filter="data")
    subprocess.run([sys.executable, "scripts/package.py"], cwd=folder, capture_output=True, check=True)
    return folder


def applied_earlier(emulator: Emulator, earlier: Earlier, name: str, folder: Path) -> Stack:
    root = checked_out(earlier.commit, folder) / "terraform"
    values = {"name": name, "table": {"deletion_protection": False}, **earlier.variables}
    (root / "terraform.tfvars.json").write_text(json.dumps(values))
    stack = Stack(emulator, name, root, terraform.find(), {})
    stack.init()
    stack.apply()
    return stack.reread()


def held(stack: Stack) -> dict[str, set[str]]:
    """Return the ARNs of what holds data, by type of resource, as the state has them."""
    found: dict[str, set[str]] = {}

    def collect(module: Mapping[str, Any]) -> None:
        for each in module.get("resources", []):
            if each["mode"] == "managed" and each["type"] in HOLDS_DATA:
                found.setdefault(each["type"], set()).add(each["values"]["arn"])
        for child in module.get("child_modules", []):
            collect(child)

    collect(json.loads(stack.run("show", "-json"))["values"]["root_module"])
    return found


@pytest.mark.parametrize(
    "earlier", [pytest.param(each, marks=pytest.mark.xdist_group(f"upgrade {each}")) for each in EARLIER]
)
def test_an_earlier_stack_keeps_table_topic_queues_and_rows(
    embedded: Emulator, earlier: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    start = EARLIER[earlier]
    name = f"upgrade-{start.commit[:7]}"
    embedded.client("ses").verify_domain_identity(Domain=IDENTITY)
    before = Deployed(applied_earlier(embedded, start, name, tmp_path_factory.mktemp("earlier")))
    known, late = complained(before, "known"), ses.fresh("late")
    before.sqs.send_message(QueueUrl=before.outputs["dead_letter_queue_url"], MessageBody="waiting")
    arns = held(before.stack)
    assert {kind: len(each) for kind, each in arns.items()} == start.holds

    stack = prepared(embedded, {"name": name, **start.variables}, tmp_path_factory.mktemp("new"))
    shutil.copy(before.stack.folder / "terraform.tfstate", stack.folder)
    stack.init()
    planned = stack.planned()
    gone = [each.partition(": ")[0] for each in planned if "delete" in each.partition(": ")[2].split(" ")[0]]
    assert not [each for each in gone if any(f"{kind}." in each for kind in HOLDS_DATA)]
    assert [each for each in gone if not each.endswith(start.goes)] == []

    stack.apply()
    stack = stack.reread()
    after = Deployed(stack)
    try:
        now = held(stack)
        assert {kind: each - now[kind] for kind, each in arns.items()} == {kind: set() for kind in arns}
        assert after.states(known) == {known: "disable"}
        after.publish(ses.text(ses.complaint(late)), ses.text(ses.delivery(known)))
        eventually(lambda: after.states(late, known), dict.fromkeys((late, known), "disable"))
        assert [each["Body"] for each in after.dead_letters()] == ["waiting"]
        assert stack.drift() == []
    finally:
        stack.destroy()
    assert stack.leftovers() == []
