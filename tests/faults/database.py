"""The table as the faults' tests and the soak use it: on the embedded emulator, read whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from harness.emulator import Emulator, running
from support.table import TABLE, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@contextmanager
def database(folder: Path) -> Iterator[Emulator]:
    """Start an emulator with an empty table in it."""
    with running("embedded", folder) as emulator:
        create_table(emulator.client("dynamodb"))
        yield emulator


def items(client: "DynamoDBClient", table: str = TABLE) -> dict[str, dict[str, Any]]:
    """Return all items by address as plain Python, without what tells one way of getting there from another."""
    found = {}
    deserializer = TypeDeserializer()
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for each in page["Items"]:
            item = {name: deserializer.deserialize(value) for name, value in each.items()}
            del item["version"], item["updatedAt"]
            found[item["UserId"]] = item
    return found
