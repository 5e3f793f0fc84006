"""DynamoDB as moto stands in for it, reached through a real client, with faults put in between."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from moto import mock_aws
from moto.core.models import botocore_stubber

from harness.emulators import partiql
from support.clock import Clock
from support.eventually import SECONDS

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
    monkeypatch.setattr("botocore.endpoint.time", Clock())  # its pauses between retries take seconds
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


def put_between(client: "DynamoDBClient", faults: dict[str, Answer]) -> None:
    """Let the faults answer first, then what stands in for DynamoDB."""

    def answer(event_name: str, **event: Any) -> AWSResponse | None:
        fault = faults.get(event_name.rpartition(".")[2])
        return (fault and fault(event_name=event_name, **event)) or dynamodb(event_name=event_name, **event)

    # botocore calls every handler and takes the first answer: moto must not act on what a fault answers.
    client.meta.events.unregister("before-send", cast("Any", botocore_stubber))
    client.meta.events.register("before-send", cast("Any", answer))


# Of all clients, since they share the tables.
_ONE_AT_A_TIME = threading.Lock()


def dynamodb(event_name: str, request: AWSPreparedRequest, **_: object) -> AWSResponse:
    """Answer a request by moto: a batch's statements one by one, since moto 5.2.5 does not parse them.

    Requests take effect one after the other, as DynamoDB sees to for each item: moto checks a condition and writes the
    item without a lock in between, so two threads could both pass.
    """
    if event_name.endswith(".BatchExecuteStatement"):
        return _batch(request, [_execute(event_name, request, each) for each in _statements(request)])
    with _ONE_AT_A_TIME:
        return cast("AWSResponse", botocore_stubber(event_name, request))


def refusal_of(address: str, code: str, times: int | None = None) -> Answer:
    """Return a handler that refuses the statements about one address, always or some times, and executes the others."""
    left = repeat(code) if times is None else repeat(code, times)

    def answer(event_name: str, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        def respond(statement: dict[str, Any]) -> dict[str, Any]:
            refused = next(left, None) if {"S": address} in statement["Parameters"] else None
            return {"Error": {"Code": refused}} if refused else _execute(event_name, request, statement)

        return _batch(request, [respond(each) for each in _statements(request)])

    return answer


def _statements(request: AWSPreparedRequest) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", json.loads(cast("bytes", request.body))["Statements"])


def _execute(event_name: str, request: AWSPreparedRequest, statement: dict[str, Any]) -> dict[str, Any]:
    def call(operation: str, translated: dict[str, Any]) -> str:
        headers = HTTPHeaders()
        for name, value in request.headers.items():
            headers[name] = f"DynamoDB_20120810.{operation}" if name == "X-Amz-Target" else value
        asked = AWSPreparedRequest(request.method, request.url, headers, json.dumps(translated), stream_output=False)
        answered = dynamodb(event_name.replace("BatchExecuteStatement", operation), asked)
        return "" if answered.status_code == 200 else json.loads(answered.content)["__type"].rpartition("#")[2]

    (response,) = partiql.execute([statement], call)["Responses"]
    return cast("dict[str, Any]", response)


def _batch(request: AWSPreparedRequest, responses: list[dict[str, Any]]) -> AWSResponse:
    body = RawAnswer(json.dumps({"Responses": responses}).encode())
    return AWSResponse(request.url, 200, HTTPHeaders(), cast("Any", body))


def meet_after_reading(parties: int, *clients: "DynamoDBClient") -> None:
    """Let so many reads, whichever client's, come to an end together; later ones meet nobody."""
    barrier, numbers = threading.Barrier(parties), itertools.count()

    def meet(**_: object) -> None:
        if next(numbers) < parties:
            barrier.wait(SECONDS)

    for client in clients:
        client.meta.events.register("after-call.dynamodb.BatchGetItem", meet)


def items(client: "DynamoDBClient") -> dict[str, dict[str, Any]]:
    """Return the table by address, in DynamoDB's JSON."""
    return {item["UserId"]["S"]: item for item in client.scan(TableName=TABLE, ConsistentRead=True)["Items"]}
