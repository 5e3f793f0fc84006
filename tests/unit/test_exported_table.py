"""DynamoDB's export to S3, copied to a folder, as the DynamoDB Developer Guide describes it."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from healthy_mailing.evidence import Mark, MarkKind, Record, Rules, evidence_of
from healthy_mailing.item import to_dynamodb, to_item
from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.exported_table import ExportedTable
from healthy_mailing_cli.output import CommandError

NAME = "AWSDynamoDB/01693685827463-2d8752fd"
KINDS = (MarkKind.OPT_OUT, MarkKind.DELIVERY, MarkKind.COMPLAINT)


def item(number: int) -> dict[str, Any]:
    mark = Mark(
        kind=KINDS[number % 3],
        at="2026-01-31T12:00:00.000Z",
        feedback_id="",
        message_id="m",
        sender="s@example.org",
        detail=(),
    )
    return to_item(f"{number}@example.com", Record.of(evidence_of([mark]), Rules()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export of ten items in two files."""
    export = tmp_path / NAME
    (export / "data").mkdir(parents=True)
    (export / "manifest-summary.json").write_text(
        json.dumps({"version": "2020-06-30", "outputFormat": "DYNAMODB_JSON", "itemCount": 10})
    )
    files = []
    for name, numbers in (("a.json.gz", range(7)), ("b.json.gz", range(7, 10))):
        with gzip.open(export / "data" / name, "wt") as file:
            file.writelines(f"{json.dumps({'Item': to_dynamodb(item(number))})}\n" for number in numbers)
        files.append({"itemCount": len(numbers), "md5Checksum": "x", "dataFileS3Key": f"{NAME}/data/{name}"})
    (export / "manifest-files.json").write_text("\n".join(map(json.dumps, files)))
    return tmp_path


def test_its_items_are_those_of_the_table(folder: Path) -> None:
    assert [each for page, _ in ExportedTable(str(folder)).pages() for each in page] == list(map(item, range(10)))


def test_export_writes_what_it_holds(folder: Path) -> None:
    out = folder / "out.csv"
    options = ["export", "--from-export", str(folder), "--state", "disable", "--output", str(out)]
    done = CliRunner().invoke(app, options, env={"AWS_REGION": "eu-west-1"})
    assert (done.exit_code, done.output) == (0, f"{out}: 7 addresses.\n")
    header, *rows = out.read_text(encoding="utf-8-sig").splitlines()
    assert header == "address,state,transactional,reason,type,sender,time"
    assert rows[0] == "0@example.com,disable,enable,opt-out,Subscription,s@example.org,2026-01-31T12:00:00.000Z"
    assert [row.split("@")[0] for row in rows] == [str(number) for number in range(10) if number % 3 != 1]


def _lose_a_file(export: Path) -> None:
    (export / "data" / "b.json.gz").unlink()


def _cut_a_file(export: Path) -> None:
    path = export / "data" / "a.json.gz"
    path.write_bytes(path.read_bytes()[:-20])


def _lose_items(export: Path) -> None:
    with gzip.open(export / "data" / "a.json.gz", "wt") as file:
        file.write(f"{json.dumps({'Item': to_dynamodb(item(1))})}\n")


def _another_table(export: Path) -> None:
    with gzip.open(export / "data" / "a.json.gz", "wt") as file:
        file.write('{"Item": {"id": {"S": "1"}}}\n' * 7)


def _another_format(export: Path) -> None:
    (export / "manifest-summary.json").write_text('{"outputFormat": "ION"}')


def _changes_alone(export: Path) -> None:
    (export / "manifest-summary.json").write_text(
        '{"outputFormat": "DYNAMODB_JSON", "exportType": "INCREMENTAL_EXPORT"}'
    )


def _lose_the_manifest(export: Path) -> None:
    (export / "manifest-files.json").unlink()


def _two_exports(export: Path) -> None:
    shutil.copytree(export, export.with_name("another"))


def _nothing(export: Path) -> None:
    shutil.rmtree(export)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_lose_a_file, r"lacks b\.json\.gz"),
        (_cut_a_file, r"a\.json\.gz is damaged"),
        (_lose_items, r"a\.json\.gz lacks 6 items"),
        (_another_table, r"a\.json\.gz is damaged"),
        (_another_format, "no full export"),
        (_changes_alone, "no full export"),
        (_lose_the_manifest, "can't be read"),
        (_two_exports, "holds 2 exports"),
        (_nothing, "holds no exports"),
    ],
)
def test_one_that_is_not_whole_is_refused(folder: Path, spoil: Callable[[Path], None], says: str) -> None:
    spoil(folder / NAME)
    with pytest.raises(CommandError, match=says):
        list(ExportedTable(str(folder)).pages())


def test_one_in_s3_is_to_be_copied_first() -> None:
    with pytest.raises(CommandError, match="aws s3 sync s3://bucket/export FOLDER"):
        ExportedTable("s3://bucket/export")
