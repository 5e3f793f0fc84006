"""The table as Terraform creates it, for whatever stands in for DynamoDB: ``terraform/test_table.py`` compares the two.

A copy, since the module's HCL says it with conditions and dynamic blocks, which only Terraform evaluates, in seconds.
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
    """Create it, empty, with its index."""
    client.create_table(TableName=name, **SCHEMA)
