"""DynamoDB as moto stands in for it, reached through a real client, with faults put in between."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from moto import mock_aws
from moto.core.models import botocore_stubber

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "mailing"


class RawAnswer:
    """The body of an answer, as botocore reads it from a connection."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._body


def refusal(code: str, status: int = 400) -> Callable[..., AWSResponse]:
    """Return a handler of botocore's before-send event that answers in DynamoDB's place with an error."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "refused by the test"}).encode()

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return AWSResponse(request.url, status, HTTPHeaders(), cast("Any", RawAnswer(body)))

    return answer


Answer = Callable[..., AWSResponse | None]
"""Answers a request in DynamoDB's place, or returns None to let it through; takes the fields of botocore's event."""


@pytest.fixture
def faults() -> dict[str, Answer]:
    """By operation, what answers in DynamoDB's place; empty at first."""
    return {}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, faults: dict[str, Answer]) -> Iterator["DynamoDBClient"]:
    """A client of an empty table with the keys that the Terraform module gives it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        created = botocore.session.get_session().create_client(
            "dynamodb", config=Config(max_pool_connections=64, retries={"mode": "standard", "total_max_attempts": 2})
        )
        dynamodb = cast("DynamoDBClient", created)
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "UserId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "UserId", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        put_between(dynamodb, faults)
        yield dynamodb


# Of all clients, since they share the tables.
_ONE_AT_A_TIME = threading.Lock()


def put_between(client: "DynamoDBClient", faults: dict[str, Answer]) -> None:
    """Let the faults answer first, and requests take effect one after the other, as DynamoDB does for each item.

    moto 5.2.5 checks a condition and writes the item without a lock in between, so two threads could both pass.
    """

    def answer(event_name: str, **event: Any) -> AWSResponse | None:
        fault = faults.get(event_name.rpartition(".")[2])
        answered = fault and fault(event_name=event_name, **event)
        if answered:
            return answered
        with _ONE_AT_A_TIME:
            return botocore_stubber(event_name, **event)

    # botocore calls every handler and takes the first answer: moto must not act on what a fault answers.
    client.meta.events.unregister("before-send", cast("Any", botocore_stubber))
    client.meta.events.register("before-send", cast("Any", answer))


def items(client: "DynamoDBClient") -> dict[str, dict[str, Any]]:
    """Return the table by address, in DynamoDB's JSON."""
    return {item["UserId"]["S"]: item for item in client.scan(TableName=TABLE, ConsistentRead=True)["Items"]}
