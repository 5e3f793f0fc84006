"""BatchExecuteStatement in terms of PutItem and UpdateItem, for what stands in for DynamoDB and has only those.

moto (5.1.54 and 5.2.5) parses neither an ``INSERT`` with parameters nor an ``UPDATE`` of several attributes. This knows
the statements that this project sends and refuses all others.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

KEY = "UserId"

Json = dict[str, Any]
Call = Callable[[str, Json], str]
"""Sends a request of an operation and returns the code of DynamoDB's error, empty if there is none."""

_CODES = {"ConditionalCheckFailed": {"PutItem": "DuplicateItem", "UpdateItem": "ConditionalCheckFailed"}}
_NAMES = {"Throttling": "ThrottlingError", "Validation": "ValidationError"}


def execute(statements: Iterable[Mapping[str, Any]], call: Call) -> Json:
    """Return the answer to a BatchExecuteStatement.

    Codes as in the Amazon DynamoDB API Reference, BatchStatementError.

    Raises:
        ValueError: A statement is none of this project's.
    """
    responses: list[Json] = []
    for each in statements:
        operation, request = translate(each["Statement"], each["Parameters"])
        name = call(operation, request).removesuffix("Exception")
        code = _CODES.get(name, {}).get(operation) or _NAMES.get(name, name)
        error = {"Error": {"Code": code, "Message": code}} if code else {}
        responses.append({"TableName": request["TableName"], **error})
    return {"Responses": responses}


def translate(statement: str, parameters: Sequence[Json]) -> tuple[str, Json]:
    """Return the operation and the request that do what a statement does.

    ``INSERT`` fails on an item that exists, ``UPDATE`` on one that does not or is not as ``WHERE`` says (Amazon
    DynamoDB Developer Guide, "PartiQL insert statements" and "PartiQL update statements").

    Raises:
        ValueError: The statement is none of this project's.
    """
    if match := re.fullmatch(r'INSERT INTO "([^"]+)" VALUE \{(.+)\}', statement):
        names = [name.removeprefix("'").removesuffix("': ?") for name in match[2].split(", ")]
        item = dict(zip(names, parameters, strict=True))
        return "PutItem", {"TableName": match[1], "Item": item, "ConditionExpression": f"attribute_not_exists({KEY})"}
    match = re.fullmatch(
        r'UPDATE "([^"]+)" ((?:SET "\w+"=\? ?)*)((?:REMOVE "\w+" ?)*)'
        r'WHERE "UserId"=\?((?: AND "\w+"(?:=\?| IS MISSING))*)',
        statement,
    )
    if match is None:
        raise ValueError(f"not a statement of this project: {statement}")
    assigned, removed = re.findall(r'"(\w+)"', match[2]), re.findall(r'"(\w+)"', match[3])
    held, missing = re.findall(r'"(\w+)"=', match[4]), re.findall(r'"(\w+)" IS', match[4])
    if len(parameters) != len(assigned) + 1 + len(held):
        raise ValueError(f"{len(parameters)} parameters do not fit the statement: {statement}")
    values = {f":{name}": value for name, value in zip(assigned, parameters, strict=False)}
    values |= {f":held_{name}": value for name, value in zip(held, parameters[len(assigned) + 1 :], strict=True)}
    conditions = [f"attribute_exists({KEY})"]
    conditions += [f"#{name} = :held_{name}" for name in held]
    conditions += [f"attribute_not_exists(#{name})" for name in missing]
    clauses = ["SET " + ", ".join(f"#{name} = :{name}" for name in assigned)] if assigned else []
    clauses += ["REMOVE " + ", ".join(f"#{name}" for name in removed)] if removed else []
    request = {
        "TableName": match[1],
        "Key": {KEY: parameters[len(assigned)]},
        "UpdateExpression": " ".join(clauses),
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": {f"#{name}": name for name in {*assigned, *removed, *held, *missing}},
    }
    # DynamoDB refuses an empty map.
    return "UpdateItem", request | ({"ExpressionAttributeValues": values} if values else {})
