"""DynamoDB's export to S3, there and copied to a folder, as the DynamoDB Developer Guide describes it."""

import base64
import gzip
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from typer.testing import CliRunner

from healthy_mailing.evidence import Mark, MarkKind, Record, Rules, evidence_of
from healthy_mailing.item import to_dynamodb, to_item
from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.lists.exported_table import ExportedTable
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError

NAME = "AWSDynamoDB/01693685827463-2d8752fd"
KINDS = (MarkKind.OPT_OUT, MarkKind.DELIVERY, MarkKind.COMPLAINT)


def item(name: int | str) -> dict[str, Any]:
    mark = Mark(
        kind=KINDS[name % 3 if isinstance(name, int) else 0],
        at="2026-01-31T12:00:00.000Z",
        feedback_id="",
        message_id="m",
        sender="s@example.org",
        detail=(),
    )
    return to_item(f"{name}@example.com" if isinstance(name, int) else name, Record.of(evidence_of([mark]), Rules()))


def write(export: Path, name: str, body: bytes, count: int) -> None:
    """Write a file of items and say so in the manifest."""
    (export / "data" / name).write_bytes(body)
    md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    said = {"itemCount": count, "md5Checksum": md5, "etag": "x-1", "dataFileS3Key": f"{NAME}/data/{name}"}
    with (export / "manifest-files.json").open("a") as manifest:
        manifest.write(f"{json.dumps(said)}\n")


INCREMENTAL = b'{"exportType": "INCREMENTAL_EXPORT", '


def packed(names: Iterable[int | str]) -> bytes:
    return gzip.compress("".join(f"{json.dumps({'Item': to_dynamodb(item(each))})}\n" for each in names).encode())


SUMMARY = {
    "version": "2020-06-30",
    "tableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/mailing",
    "outputFormat": "DYNAMODB_JSON",
    "itemCount": 10,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export of ten items in two files, and a third of an empty partition."""
    export = tmp_path / "copy" / NAME
    (export / "data").mkdir(parents=True)
    (export / "manifest-summary.json").write_text(json.dumps(SUMMARY))
    (export / "_started").touch()
    for name, numbers in (("a.json.gz", range(7)), ("b.json.gz", range(7, 10))):
        write(export, name, packed(numbers), len(numbers))
    write(export, "c.json.gz", b"", 0)
    return tmp_path / "copy"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let S3 be moto's."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


@pytest.fixture(params=["folder", "S3"])
def opened(request: pytest.FixtureRequest, aws: None) -> Callable[[Path], ExportedTable]:
    """Opens an export: a folder, or the same in S3."""
    del aws
    place = str if request.param == "folder" else in_s3
    return lambda folder: ExportedTable(place(folder), Connection("mailing", "us-east-1"))


def in_s3(folder: Path) -> str:
    """Put a folder's files into a bucket, and return the place."""
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="exports")
    for path in folder.rglob("*"):
        if path.is_file():
            client.put_object(Bucket="exports", Key=f"2026/{path.relative_to(folder)}", Body=path.read_bytes())
    client.put_object(Bucket="exports", Key="2026-other/manifest-summary.json", Body=b"of another export")
    return "s3://exports/2026"


def addresses(table: ExportedTable) -> list[str]:
    return [each["UserId"] for page, _ in table.pages() for each in page]


def test_its_items_are_those_of_the_table(opened: Callable[[Path], ExportedTable], folder: Path) -> None:
    assert [each for page, _ in opened(folder).pages() for each in page] == list(map(item, range(10)))


def test_an_export_of_another_table_than_the_one_that_was_named_is_refused(folder: Path) -> None:
    with pytest.raises(CommandError, match=r"is an export of the table mailing, not of crm: name it with --table mail"):
        ExportedTable(str(folder), Connection("crm", "us-east-1"))
    assert len(addresses(ExportedTable(str(folder), Connection("crm", "us-east-1", is_named=False)))) == 10


@pytest.mark.parametrize("place", ["2026", "2026/AWSDynamoDB/", f"2026/{NAME}"])
@pytest.mark.usefixtures("aws")
def test_its_own_folder_is_found_in_the_one_that_was_given(folder: Path, place: str) -> None:
    in_s3(folder)
    found = ExportedTable(f"s3://exports/{place}", Connection("mailing", "us-east-1"))
    assert found.of == {"export": f"s3://exports/2026/{NAME}"}


@pytest.mark.parametrize("place", ["s3://", "s3:///x", "s3://a", "s3://bucket with space/x"])
def test_what_is_no_place_is_refused(place: str) -> None:
    with pytest.raises(CommandError, match="is not a place in S3"):
        ExportedTable(place, Connection("mailing", "us-east-1"))


def run(*options: str) -> tuple[int, str]:
    """Run `mailing export` and return its exit code, and what it says."""
    done = CliRunner().invoke(app, ["export", *options], env={"AWS_REGION": "eu-west-1"})
    return (2, str(done.exception)) if isinstance(done.exception, CommandError) else (done.exit_code, done.output)


def test_export_writes_what_it_holds(folder: Path) -> None:
    out, formula = folder / "out.csv", "=cmd|calc@example.com"
    again(folder / NAME, packed([*range(6), formula]))
    options = ["--from-export", str(folder), "--state", "disable", "--output", str(out)]
    assert run(*options) == (0, f"{out}: 7 addresses.\n")
    assert out.read_text(encoding="utf-8")[:1] == "\ufeff"
    header, *rows = out.read_text(encoding="utf-8-sig").splitlines()
    assert header == "address,state,transactional,reason,type,sender,time"
    assert rows[2] == "0@example.com,disable,enable,opt-out,Subscription,s@example.org,2026-01-31T12:00:00.000Z"
    assert [row.split("@")[0] for row in rows] == ["8", "9", "0", "2", "3", "5", "'=cmd|calc"]
    assert json.loads(run(*options, "--json")[1]) == {"file": str(out), "addresses": 7, "unreadable": 0}
    assert {path.name for path in folder.iterdir()} == {"AWSDynamoDB", "out.csv"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--resume"], "name it with --output"),
        (["--resume", "--output", "FOLDER/x", "--from-export", "FOLDER"], "leave it out with --from-export"),
        (["--from-export", "FOLDER", "--output", "FOLDER/no/folder"], "can't be written"),
        (["--output", "FOLDER"], "is not a regular file"),
        (["--start-export", "folder"], "is not a place in S3"),
        (["--start-export", "s3://exports", "--output", "x"], "leave the other options"),
        (["--start-export", "s3://exports", "--state", "disable"], "leave the other options"),
        (["--start-export", "s3://exports", "--format", "ndjson"], "leave the other options"),
        (["--start-export", "s3://exports", "--from-export", "x"], "leave the other options"),
    ],
)
def test_options_that_do_not_fit_are_named(folder: Path, options: list[str], says: str) -> None:
    code, said = run(*(each.replace("FOLDER", str(folder)) for each in options))
    assert (code, says in said) == (2, True), said


def again(export: Path, body: bytes) -> None:
    """Replace the first file by another, which the manifest says to be right."""
    _, *others = (export / "manifest-files.json").read_text().splitlines(keepends=True)
    (export / "manifest-files.json").write_text("".join(others))
    write(export, "a.json.gz", body, 7)


@pytest.mark.parametrize(
    ("name", "spoil", "says"),
    [
        ("data/b.json.gz", None, r"lacks b\.json\.gz"),
        ("data/a.json.gz", lambda body: body[:-20], r"a\.json\.gz has another MD5"),
        ("items", lambda _: b"x" * 100, r"a\.json\.gz is damaged"),
        ("items", lambda _: packed(range(1)), r"a\.json\.gz lacks 6 items"),
        ("items", lambda _: packed(range(9)), r"a\.json\.gz has 2 items too many"),
        ("items", lambda _: gzip.compress(b'{"Item": {"id": {"S": "1"}}}\n' * 7), r"a\.json\.gz is damaged"),
        ("manifest-files.json", lambda body: body.splitlines()[0], "has files of 7 items, of 10"),
        ("manifest-files.json", lambda body: body.replace(b": 7", b': "x"'), "manifest-files.json is damaged"),
        ("manifest-files.json", None, "manifest-files.json (can't be read|is missing)"),
        ("manifest-summary.json", lambda _: b'{"outputFormat": "ION"}', "not a full export"),
        ("manifest-summary.json", lambda body: body.replace(b"{", INCREMENTAL), "not a full export"),
        ("two", None, "holds 2 exports"),
        (".", None, "holds no exports"),
    ],
)
def test_one_that_is_not_whole_is_refused(
    opened: Callable[[Path], ExportedTable],
    folder: Path,
    name: str,
    spoil: Callable[[bytes], bytes] | None,
    says: str,
) -> None:
    path = folder / NAME / name
    if name == "items":
        assert spoil
        again(folder / NAME, spoil(b""))
    elif name == "two":
        shutil.copytree(folder / NAME, path.parents[1] / name)
    elif spoil:
        path.write_bytes(spoil(path.read_bytes()))
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    with pytest.raises(CommandError, match=says):
        list(opened(folder).pages())


@pytest.mark.usefixtures("aws")
def test_one_that_dynamodb_has_not_finished_is_to_be_waited_for(folder: Path) -> None:
    (folder / NAME / "manifest-summary.json").unlink()
    place = in_s3(folder)
    with pytest.raises(CommandError, match=rf"{NAME} is not a finished export.*try again later"):
        ExportedTable(place, Connection("mailing", "us-east-1"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(), which=st.sampled_from(["manifest-summary.json", "manifest-files.json", "data/a.json.gz", "items"])
)
def test_any_bytes_are_refused_in_a_sentence(folder: Path, data: st.DataObject, which: str) -> None:
    """Or they are the items that the manifests tell of: none is left out without a word."""
    export = folder / NAME
    whole = {path: path.read_bytes() for path in export.rglob("*") if path.is_file()}
    try:
        if which == "items":  # right by its checksum, whatever it holds
            lines = gzip.decompress(whole[export / "data" / "a.json.gz"])
            again(export, gzip.compress(damaged(data, lines)))
        else:
            (export / which).write_bytes(damaged(data, whole[export / which]))
        outcome = outcome_of(folder)
        assert outcome == "10" or outcome.startswith(str(folder)), outcome
    finally:
        for path, body in whole.items():
            path.write_bytes(body)


def outcome_of(folder: Path) -> str:
    """Return how many items an export has, or why it is refused."""
    try:
        return str(len(addresses(ExportedTable(str(folder), Connection("mailing", "us-east-1")))))
    except CommandError as error:
        return str(error)


def damaged(data: st.DataObject, body: bytes) -> bytes:
    """Return what is left of bytes if some in the middle become others."""
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    return body[:start] + data.draw(st.binary(max_size=20)) + body[end:]
