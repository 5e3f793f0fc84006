"""Records of a table's stream as Lambda hands them over, and what their events must look like."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema_rs import Draft4Validator, Draft7Validator

from support.table import create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

SCHEMA_FILE = Path(__file__).parents[2] / "terraform" / "modules" / "changes" / "address-state-changed.schema.json"
SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
VALIDATORS = (
    Draft4Validator(SCHEMA),
    Draft7Validator({**SCHEMA, "$schema": "http://json-schema.org/draft-07/schema#"}),
)

TABLE_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
BUS_ARN = "arn:aws:events:eu-west-1:123456789012:event-bus/default"
TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}

Image = Mapping[str, Any]


def record(
    address: str, old: Image | None, new: Image | None, number: int = 1, *, created: float = 1_773_144_000, **more: Any
) -> dict[str, Any]:
    """Return the record of a change (AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB").

    Args:
        address: The key.
        old: The item before, in DynamoDB's JSON, None if there was none.
        new: The item after, None if it was deleted.
        number: From which come the record's id and its sequence number.
        created: When, in seconds since 1970, by default 2026-03-10T12:00:00Z.
        more: Other fields, such as ``userIdentity``.
    """
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": created,
        "Keys": {"UserId": {"S": address}},
        "SequenceNumber": str(4421584500000000017450439091 + number),
        "SizeBytes": 26,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    change |= {name: image for name, image in (("OldImage", old), ("NewImage", new)) if image is not None}
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": change,
        "eventSourceARN": f"{TABLE_ARN}/stream/2026-03-01T00:00:00.000",
        **more,
    }


def create_streamed(client: "DynamoDBClient", name: str) -> str:
    """Create a table with a stream, and return the stream's ARN."""
    view: Any = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    create_table(client, name)
    client.update_table(TableName=name, StreamSpecification=view)
    return client.describe_table(TableName=name)["Table"]["LatestStreamArn"]


def changes_in(client: "DynamoDBStreamsClient", stream_arn: str) -> list[tuple[str, Any, Any]]:
    """Return what a stream of one shard holds: what happened, the old and the new image, None where there is none."""
    (shard,) = client.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]
    iterator = client.get_shard_iterator(
        StreamArn=stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return [
        (each["eventName"], each["dynamodb"].get("OldImage"), each["dynamodb"].get("NewImage"))
        for each in client.get_records(ShardIterator=iterator)["Records"]
    ]


def delivered(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event that EventBridge makes of an entry of PutEvents; its time is in seconds since 1970."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": "123456789012",
        "time": "2026-03-10T12:00:00Z",
        "region": "eu-west-1",
        "resources": entry["Resources"],
        "detail": json.loads(entry["Detail"]),
    }


def problems(event: Mapping[str, Any]) -> list[str]:
    """Return in what an event does not fit the schema, in either draft that reads it."""
    return [str(error) for validator in VALIDATORS for error in validator.iter_errors(event)]
