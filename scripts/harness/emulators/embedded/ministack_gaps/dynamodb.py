"""Gaps of ministack 1.5.33's DynamoDB, and of its IAM."""

import json
import re
import zlib
from typing import Any, cast

from ministack.core import iam_actions
from ministack.services import dynamodb

_ACTIONS = {"DELETE": "PartiQLDelete", "INSERT": "PartiQLInsert", "SELECT": "PartiQLSelect", "UPDATE": "PartiQLUpdate"}


def fill() -> None:
    """Add them."""
    _authorize_statements()
    _divide_scans()


def _divide_scans() -> None:
    """Answer a Scan of a segment with the items of that segment alone: ministack answers with all.

    Which these are, nobody may rely on; each item is in one segment (Amazon DynamoDB Developer Guide, "Parallel scan").
    """
    original = dynamodb._scan

    def scan(data: dict[str, Any]) -> tuple[int, dict[str, str], bytes | str]:
        status, headers, body = original(data)
        answer = json.loads(body)
        if "Segment" not in data or "Items" not in answer:
            return status, headers, body
        items = [item for item in answer["Items"] if _segment(item, data["TotalSegments"]) == data["Segment"]]
        return status, headers, json.dumps({**answer, "Items": items, "Count": len(items)}).encode()

    dynamodb._scan = scan


def _segment(item: dict[str, Any], total: int) -> int:
    return zlib.crc32(json.dumps(item.get("UserId")).encode()) % total


def _authorize_statements() -> None:
    """Authorize each statement of a BatchExecuteStatement as what it does to its table.

    ministack asks for ``dynamodb:BatchExecuteStatement``, which IAM does not know. Actions as in the Amazon DynamoDB
    Developer Guide, "IAM security policies with PartiQL for DynamoDB".
    """
    original = iam_actions.dynamodb_transaction_checks

    def checks(iam_action: str, body: bytes, region: str, account_id: str) -> list[tuple[str, str]]:
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
