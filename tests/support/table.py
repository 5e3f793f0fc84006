"""The schema of the table, for emulators. ``terraform/test_table.py`` fails where it differs from Terraform's plan.

It is a copy because only Terraform can evaluate the module's conditions and dynamic blocks, and that takes seconds.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "mailing"
KEY = "UserId"
INDEX_KEYS = ("suppressed", "updatedAt")

SCHEMA: dict[str, Any] = {
    "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in (KEY, *INDEX_KEYS)],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "suppressed-updatedAt",
            "KeySchema": [
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(INDEX_KEYS, ("HASH", "RANGE"), strict=True)
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def create_table(client: "DynamoDBClient", name: str = TABLE) -> None:
    """Create the table, empty and with its index."""
    client.create_table(TableName=name, **SCHEMA)
