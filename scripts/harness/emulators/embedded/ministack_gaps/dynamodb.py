"""A gap of ministack 1.5.33's DynamoDB, or rather of its IAM."""

import json
import re
from typing import cast

from ministack.core import iam_actions

_ACTIONS = {"DELETE": "PartiQLDelete", "INSERT": "PartiQLInsert", "SELECT": "PartiQLSelect", "UPDATE": "PartiQLUpdate"}


def fill() -> None:
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
