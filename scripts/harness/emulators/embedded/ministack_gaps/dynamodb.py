"""Gaps of ministack 1.5.33's DynamoDB: the actions of PartiQL in its IAM, and its writes in a table's stream."""

import copy
import json
import re
from typing import TYPE_CHECKING, Any, cast

from ministack.core import iam_actions
from ministack.services import dynamodb

from harness.emulators.embedded.ministack_gaps.handlers import OK, Response

if TYPE_CHECKING:
    from collections.abc import Callable

_ACTIONS = {"DELETE": "PartiQLDelete", "INSERT": "PartiQLInsert", "SELECT": "PartiQLSelect", "UPDATE": "PartiQLUpdate"}
_WRITES = ("insert", "update", "delete")


def fill() -> None:
    """Fill them."""
    _name_actions()
    for write in _WRITES:
        _stream(f"_partiql_{write}")


def _name_actions() -> None:
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
