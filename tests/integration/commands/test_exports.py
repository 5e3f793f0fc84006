"""`mailing export` by DynamoDB's own export to S3, as an operator runs it, with signed calls."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.emulator import Emulator
from healthy_mailing.evidence import Mark, MarkKind, Rules, evidence_of
from healthy_mailing.table import Table
from support.command_line import Mailing
from support.hand_made import HandMade, filled, hand_made
from support.iam import as_user, user
from support.runbook import BUCKET, bucket_for_jobs, named_by, operating, without

EXPORTS = f"s3://{BUCKET}/exports"
ACTIONS = {
    "dynamodb:DescribeTable",
    "dynamodb:ExportTableToPointInTime",
    "s3:AbortMultipartUpload",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "s3:PutObjectAcl",
}

WRITTEN_BY_DYNAMODB = {"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"}
"""What DynamoDB does with the access of who starts the export."""


@pytest.fixture(scope="module")
def made(emulator: Emulator) -> Iterator[HandMade]:
    """A stack whose table has some items, and a bucket."""
    made = hand_made(emulator)
    kinds = (MarkKind.COMPLAINT, MarkKind.OPT_OUT, MarkKind.DELIVERY)
    at = "2026-03-01T10:00:00.000Z"
    marks = [Mark(kind=kind, at=at, feedback_id="f", message_id="m", sender="s", detail=()) for kind in kinds]
    evidence = {f"{number}@example.com": evidence_of([marks[number % 3]]) for number in range(50)}
    Table(emulator.client("dynamodb"), made.name, Rules()).add(evidence, time.monotonic() + 60)
    with bucket_for_jobs(emulator.client("s3")):
        yield made


def test_what_dynamodb_exports_is_what_the_table_has(emulator: Emulator, made: HandMade, tmp_path: Path) -> None:
    mailing = Mailing(emulator.environment(), made.name)
    started = mailing("export", "--start-export", EXPORTS)
    assert started.code == 0, started
    arn, said, command = started.out.splitlines()
    assert f"table/{made.name}/export/" in arn
    assert "minutes to hours" in said
    program, *arguments = command.split()
    assert (program, arguments[:2]) == ("mailing", ["export", "--from-export"])
    assert arguments[2] == f"{EXPORTS}/AWSDynamoDB/{arn.rpartition('/')[2]}"

    # What is typed next, with the options that an export has.
    for options in (["--format", "ndjson"], ["--state", "disable"]):
        files = [tmp_path / name for name in ("of-export", "of-table")]
        assert mailing(*arguments, *options, "--output", str(files[0])).code == 0
        assert mailing("export", *options, "--output", str(files[1])).code == 0
        of_export, of_table = (sorted(file.read_text().splitlines()) for file in files)
        assert of_export == of_table
        assert len(of_export) == (50 if "ndjson" in options else 1 + 34)


def test_a_table_without_point_in_time_recovery_is_not_exported(emulator: Emulator) -> None:
    other = hand_made(emulator)
    off: Any = {"PointInTimeRecoveryEnabled": False}
    emulator.client("dynamodb").update_continuous_backups(TableName=other.name, PointInTimeRecoverySpecification=off)
    ran = Mailing(emulator.environment(), other.name)("export", "--start-export", EXPORTS)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "table.point_in_time_recovery" in ran.err
    missing = Mailing(emulator.environment(), "missing")("export", "--start-export", EXPORTS)
    assert (missing.code, "There is no table missing in" in missing.err) == (2, True)


def test_it_asks_for_what_the_module_names_and_for_nothing_else(made: HandMade, tmp_path: Path) -> None:
    stack, noted = filled(made), tmp_path / "actions"
    _, policy = operating(stack)
    with user(stack.emulator, *policy) as operator:
        mailing = as_user(stack, operator).noting(noted)
        (started,) = mailing("export", "--start-export", f"s3://{BUCKET}/noted", "--json").json
        assert started.keys() == {"exportArn", "folder"}
        assert mailing("export", "--from-export", f"s3://{BUCKET}/noted").code == 0
    assert set(noted.read_text().split()) == ACTIONS - WRITTEN_BY_DYNAMODB
    assert named_by("export") >= ACTIONS
    for action in sorted(WRITTEN_BY_DYNAMODB):
        with user(stack.emulator, *without(policy, action)) as lacking:
            refused = as_user(stack, lacking)("export", "--start-export", f"s3://{BUCKET}/refused")
        assert (refused.code, refused.err.count("\n")) == (2, 1), f"nothing needs {action}"
