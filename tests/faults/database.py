"""The table as the faults' tests and the soak use it: on the embedded emulator, read whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from harness.emulator import Emulator, running

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "mailing"


@contextmanager
def database(folder: Path) -> Iterator[Emulator]:
    """Start an emulator with an empty table in it."""
    with running("embedded", folder) as emulator:
        create(emulator.client("dynamodb"))
        yield emulator


def create(client: "DynamoDBClient") -> None:
    """Create the table with the keys and the index that the Terraform module gives it."""
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "UserId", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("UserId", "suppressed", "updatedAt")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "suppressed-updatedAt",
                "KeySchema": [
                    {"AttributeName": "suppressed", "KeyType": "HASH"},
                    {"AttributeName": "updatedAt", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


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
