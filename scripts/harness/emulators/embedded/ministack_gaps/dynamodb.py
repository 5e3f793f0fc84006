"""Gaps of ministack 1.5.33's DynamoDB: what IAM asks for, writes by PartiQL in a table's stream, exports to S3."""

import base64
import copy
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from ministack.core import iam_actions
from ministack.services import dynamodb, s3

from harness.emulators.embedded.ministack_gaps.handlers import OK, Original, Request, Response, answer_before

if TYPE_CHECKING:
    from collections.abc import Callable

_ACTIONS = {"DELETE": "PartiQLDelete", "INSERT": "PartiQLInsert", "SELECT": "PartiQLSelect", "UPDATE": "PartiQLUpdate"}
_WRITES = ("insert", "update", "delete")
_EXPORT = "dynamodb:ExportTableToPointInTime"
_WRITES_OF_EXPORTS = ("s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl")


def fill() -> None:
    """Fill them."""
    _authorize()
    for write in _WRITES:
        _stream(f"_partiql_{write}")
    answer_before(dynamodb, _export)


def _authorize() -> None:
    """Authorize each statement of a BatchExecuteStatement as what it does to its table, and what an export writes.

    ministack asks for ``dynamodb:BatchExecuteStatement``, which IAM does not know. Actions as in the Amazon DynamoDB
    Developer Guide, "IAM security policies with PartiQL for DynamoDB". DynamoDB writes an export with the caller's
    access (the same guide, "Requesting a table export in DynamoDB").
    """
    original = iam_actions.dynamodb_transaction_checks

    def checks(iam_action: str, body: bytes, region: str, account_id: str) -> list[tuple[str, str]]:
        if iam_action == _EXPORT:
            data = json.loads(body)
            objects = f"arn:aws:s3:::{data.get('S3Bucket')}/{_folder(data)}*"
            return [(iam_action, str(data.get("TableArn"))), *((each, objects) for each in _WRITES_OF_EXPORTS)]
        if iam_action != "dynamodb:BatchExecuteStatement":
            return cast("list[tuple[str, str]]", original(iam_action, body, region, account_id))
        found = []
        for each in json.loads(body)["Statements"]:
            match = re.match(r'(DELETE|INSERT|SELECT|UPDATE)\b[^"]*"([^"]+)"', each["Statement"], re.IGNORECASE)
            # What it does not know is refused: no policy allows the operation itself.
            action, table = (_ACTIONS[match[1].upper()], match[2]) if match else ("BatchExecuteStatement", "*")
            found.append((f"dynamodb:{action}", f"arn:aws:dynamodb:{region}:{account_id}:table/{table}"))
        return found

    iam_actions.dynamodb_transaction_checks = checks


def _stream(name: str) -> None:
    """Let a write by PartiQL appear in its table's stream, as all others do.

    The table has a partition key alone, which is all that this project's tables have.
    """
    original: Callable[..., Response] = getattr(dynamodb, name)

    def write(table: dict[str, Any], parsed: dict[str, Any], *rest: object) -> Response:
        key = _key(table, parsed)
        before = copy.deepcopy(_item(table, key))
        answer = original(table, parsed, *rest)
        after = copy.deepcopy(_item(table, key))
        if answer[0] == OK and (before or after):
            event = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
            dynamodb._emit_stream_event(table["TableName"], event, before, after)
        return answer

    setattr(dynamodb, name, write)


def _key(table: dict[str, Any], parsed: dict[str, Any]) -> str | None:
    """Return the value of the partition key of the item that a statement writes, None if it names none."""
    if parsed["op"] == "INSERT":
        item = parsed.get("item") or {}
        return cast("str | None", dynamodb._extract_key_val(item.get("M", item).get(table["pk_name"])))
    found: str | None
    found, _, _, _ = dynamodb._partiql_key_target(table, parsed)
    return found


def _item(table: dict[str, Any], key: str | None) -> dict[str, Any] | None:
    items: dict[str, dict[str, Any]] = table["items"].get(key, {})
    return next(iter(items.values()), None)


async def _export(request: Request, original: Original) -> Response:
    """Write what an export holds, at once, and refuse one of a table without point-in-time recovery.

    ministack only keeps that there is an export. Layout as in the Amazon DynamoDB Developer Guide, "DynamoDB table
    export output format". Each file has a partition's items; here are two partitions.
    """
    if not request.headers.get("x-amz-target", "").endswith(".ExportTableToPointInTime"):
        return await original()
    data = json.loads(request.body)
    name = str(data.get("TableArn", "")).rpartition("/")[2]
    if name in dynamodb._tables and not dynamodb._pitr_settings.get(name):
        refused: Response = dynamodb.error_response_json(
            "PointInTimeRecoveryUnavailableException", f"Point in time recovery is not enabled for table '{name}'", 400
        )
        return refused
    response = await original()
    if response[0] == OK:
        _write(data, name, json.loads(response[2])["ExportDescription"]["ExportArn"])
    return response


def _write(data: Mapping[str, Any], name: str, arn: str) -> None:
    folder = f"{_folder(data)}AWSDynamoDB/{arn.rpartition('/')[2]}"
    items = [item for by_sort_key in dynamodb._tables[name]["items"].values() for item in by_sort_key.values()]

    def put(key: str, body: bytes) -> None:
        s3._put_object(data["S3Bucket"], f"{folder}/{key}", body, {})

    put("_started", b"")
    files = [_file(folder, number, items[number::2]) for number in range(2)]
    for key, body, _ in files:
        put(key, body)
    manifest = "".join(f"{json.dumps(each)}\n" for _, _, each in files)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    summary = {
        "version": "2020-06-30",
        "exportArn": arn,
        "startTime": now,
        "endTime": now,
        "tableArn": data["TableArn"],
        "tableId": dynamodb._tables[name].get("TableId"),
        "exportTime": now,
        "s3Bucket": data["S3Bucket"],
        "s3Prefix": data.get("S3Prefix"),
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": f"{folder}/manifest-files.json",
        "billedSizeBytes": 0,
        "itemCount": len(items),
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    for key, text in (("manifest-files", manifest), ("manifest-summary", f"{json.dumps(summary)}\n")):
        put(f"{key}.json", text.encode())
        put(f"{key}.checksum", _md5(text.encode()).encode())


def _file(folder: str, number: int, items: list[Any]) -> tuple[str, bytes, dict[str, Any]]:
    """Return the name of a file of items, its content, and what the manifest says of it."""
    body = gzip.compress("".join(f"{json.dumps({'Item': each})}\n" for each in items).encode())
    key = f"data/partition{number}.json.gz"
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    said = {"itemCount": len(items), "md5Checksum": _md5(body), "etag": f"{etag}-1", "dataFileS3Key": f"{folder}/{key}"}
    return key, body, said


def _folder(data: Mapping[str, Any]) -> str:
    return f"{data['S3Prefix'].strip('/')}/" if data.get("S3Prefix") else ""


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
