"""DynamoDB as moto stands in for it, reached through a real client, with faults put in between."""

import asyncio
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber
from mypy_boto3_dynamodb import DynamoDBClient
from typer.testing import CliRunner, Result

from harness.emulators import partiql
from healthy_mailing.evidence import Evidence, Mark, Rules, evidence_of
from healthy_mailing.item import to_dynamodb
from healthy_mailing.row import Outcome
from healthy_mailing.table import Table
from healthy_mailing_cli.__main__ import app
from healthy_mailing_cli.shell.connection import Connection
from support.clock import Clock
from support.eventually import SECONDS
from support.faults import Answer as Answered
from support.faults import Fault, Request, refuse, refuse_statements
from support.table import TABLE, create_table

DynamoDB = DynamoDBClient

Answer = Callable[..., AWSResponse | None]
"""Answers a request in DynamoDB's place, or returns None to let it through; takes the fields of botocore's event."""

Faults = dict[str, Answer]
"""By operation, what answers in DynamoDB's place."""


@pytest.fixture
def faults() -> Faults:
    """None at first."""
    return {}


Run = Callable[..., Result]
"""Runs a command of `mailing` in this process."""


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> Iterator[DynamoDB]:
    """A client of an empty table."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr("botocore.endpoint.time", Clock())  # its pauses between retries take seconds
    with mock_aws():
        created = botocore.session.get_session().create_client(
            "dynamodb", config=Config(max_pool_connections=64, retries={"mode": "standard", "total_max_attempts": 2})
        )
        dynamodb = cast("DynamoDBClient", created)
        create_table(dynamodb)
        put_between(dynamodb, faults)
        yield dynamodb


@pytest.fixture
def run(client: DynamoDB, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line, on the table that stands in, with the default rules and an empty list of SES."""
    monkeypatch.setattr(Connection, "open", lambda _, rules=None: Table(client, TABLE, rules or Rules()))
    monkeypatch.setattr(Connection, "rules", lambda *_: Rules())
    monkeypatch.setattr(Connection, "caller", lambda _: "arn:aws:iam::123456789012:user/dana")
    monkeypatch.setattr("healthy_mailing_cli.ses.suppression_list.SuppressionList.find", lambda *_: iter(()))
    monkeypatch.setattr(
        "healthy_mailing_cli.commands.explain._on_list_of_ses", lambda *_: ({"listed": False}, "Not on the list.")
    )
    monkeypatch.setattr("healthy_mailing_cli.table.moving.sleep", lambda _: None)

    def run(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, arguments, input=stdin, env={"COLUMNS": "1000", "AWS_REGION": "eu-west-1"})

    return run


def put_between(client: DynamoDB, faults: Faults) -> None:
    """Let the faults answer first, then what stands in for DynamoDB."""

    def answer(event_name: str, **event: Any) -> AWSResponse | None:
        fault = faults.get(event_name.rpartition(".")[2])
        return (fault and fault(event_name=event_name, **event)) or dynamodb(event_name=event_name, **event)

    # botocore calls every handler and takes the first answer: moto must not act on what a fault answers.
    client.meta.events.unregister("before-send", cast("Any", botocore_stubber))
    client.meta.events.register("before-send", cast("Any", answer))


# Of all clients, since they share the tables.
_ONE_AT_A_TIME = threading.Lock()


def dynamodb(request: AWSPreparedRequest, **_: object) -> AWSResponse:
    """Answer a request by moto: a batch's statements one by one, since moto 5.2.5 does not parse them.

    Requests take effect one after the other, as DynamoDB sees to for each item: moto checks a condition and writes the
    item without a lock in between, so two threads could both pass.
    """

    def call(operation: str, translated: dict[str, Any]) -> str:
        answered = dynamodb(asking(request, operation, translated))
        return "" if answered.status_code == 200 else json.loads(answered.content)["__type"].rpartition("#")[2]

    operation, body = asked(request)
    if operation == "BatchExecuteStatement":
        return response(request, Answered.of(partiql.execute(body["Statements"], call)))
    with _ONE_AT_A_TIME:
        return cast("AWSResponse", botocore_stubber("before-send", request))


def between(fault: Fault) -> Answer:
    """Return a handler of botocore's before-send event that applies a fault. What it forwards goes to moto."""

    numbers = itertools.count(1)

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        operation, body = asked(request)

        async def forward(other: Mapping[str, Any] | None = None) -> Answered:
            answered = dynamodb(request if other is None else asking(request, operation, other))
            return Answered(answered.status_code, answered.content)

        # These faults never wait, so each can run in a loop of its own, in the thread that asks.
        answered = asyncio.run(fault(Request(operation, body, next(numbers)), forward))
        assert answered, "only the proxy can cut a connection"
        return response(request, answered)

    return answer


def refusal(code: str, status: int = 400) -> Answer:
    """Return a handler that refuses a request."""
    return between(refuse(code, status))


def refusal_of(address: str, code: str, times: int | None = None) -> Answer:
    """Return a handler that refuses the statements about one address, always or some times, and executes the others."""
    return between(refuse_statements(code, address.__eq__, times))


def asked(request: AWSPreparedRequest) -> tuple[str, dict[str, Any]]:
    """Return the operation and the body of a request."""
    target, body = cast("tuple[bytes, bytes]", (request.headers["X-Amz-Target"], request.body))
    return target.decode().rpartition(".")[2], json.loads(body)


def asking(request: AWSPreparedRequest, operation: str, body: Mapping[str, Any]) -> AWSPreparedRequest:
    """Return a copy of a request with another operation and body."""
    headers = HTTPHeaders.from_dict({**request.headers, "X-Amz-Target": f"DynamoDB_20120810.{operation}".encode()})
    return AWSPreparedRequest(request.method, request.url, headers, json.dumps(body).encode(), stream_output=False)


def response(request: AWSPreparedRequest, answer: Answered) -> AWSResponse:
    return AWSResponse(request.url, answer.status, HTTPHeaders(), cast("Any", MockRawResponse(answer.body)))


def meet_after_reading(parties: int, *clients: DynamoDB) -> None:
    """Let so many reads, whichever client's, come to an end together; later ones meet nobody."""
    barrier, numbers = threading.Barrier(parties), itertools.count()

    def meet(**_: object) -> None:
        if next(numbers) < parties:
            barrier.wait(SECONDS)

    for client in clients:
        client.meta.events.register("after-call.dynamodb.BatchGetItem", meet)


def items(client: DynamoDB) -> dict[str, dict[str, Any]]:
    """Return the table by address, in DynamoDB's JSON."""
    return {item["UserId"]["S"]: item for item in client.scan(TableName=TABLE, ConsistentRead=True)["Items"]}


ADDRESS = "a@example.com"
JANE, SPELLED = "jane.doe@example.com", "Jane.Doe@Example.com"
RULES = Rules()
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


def soon() -> float:
    """Return a deadline that no machine is too slow for."""
    return time.monotonic() + 600


def table_of(client: DynamoDB, rules: Rules = RULES, now: datetime = NOON) -> Table:
    return Table(client, TABLE, rules, now=lambda: now)


def write(
    client: DynamoDB, evidence: Mapping[str, Evidence], rules: Rules = RULES, now: datetime = NOON
) -> dict[str, Outcome]:
    """Merge evidence into the table."""
    return {outcome.address: outcome for outcome in table_of(client, rules, now).add(evidence, soon())}


def add(client: DynamoDB, *marks: Mark, address: str = ADDRESS, rules: Rules = RULES, now: datetime = NOON) -> Outcome:
    """Merge marks into the item of one address."""
    return write(client, {address: evidence_of(marks)}, rules, now)[address]


def article(
    client: DynamoDB, key: str = SPELLED, kind: str = "Complaint", more: Mapping[str, Any] | None = None
) -> None:
    """Write a row as the function of the original article does (PutItem, so that it replaces what is there)."""
    row = {
        "UserId": key,
        "notificationType": kind,
        "from": "news@example.org",
        "timestamp": "2017-08-02T10:20:00.000-07:00",
        "state": "enable" if kind == "Delivery" else "disable",
    }
    client.put_item(TableName=TABLE, Item={**to_dynamodb(row), **(more or {})})


def output(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the lines of JSON that a function printed."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def counts(lines: list[dict[str, Any]]) -> Counter[str]:
    """Return the sum of the metrics in what a function printed."""
    total: Counter[str] = Counter()
    for line in lines:
        for definition in line.get("_aws", {}).get("CloudWatchMetrics", []):
            total.update({metric["Name"]: line[metric["Name"]] for metric in definition["Metrics"]})
    return total


def plain(client: DynamoDB, address: str = ADDRESS) -> Any:
    """Return an item as Python has it, its numbers as strings."""

    def value(attribute: Mapping[str, Any]) -> Any:
        ((kind, held),) = attribute.items()
        return {name: value(each) for name, each in held.items()} if kind == "M" else held

    return value({"M": items(client)[address]})


def calls(client: DynamoDB, operation: str) -> list[Mapping[str, Any]]:
    """Return a list that grows with each request of an operation from now on."""
    seen: list[Mapping[str, Any]] = []

    def note(params: Mapping[str, Any], **_: object) -> None:
        seen.append(params)

    client.meta.events.register(f"provide-client-params.dynamodb.{operation}", note)
    return seen


def consistency(reads: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Return of each read of ``calls`` whether it is a consistent one."""
    return [read["RequestItems"][TABLE]["ConsistentRead"] for read in reads]


@pytest.fixture
def longest_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each pause between two attempts might have been; none takes any time."""
    longest: list[float] = []

    def note(_: float, to: float) -> float:
        longest.append(to)
        return 0.0

    monkeypatch.setattr("healthy_mailing.calls.random.uniform", note)
    return longest


def once_before(client: DynamoDB, operation: str, act: Callable[[], object]) -> None:
    """Act before the next request of an operation is sent, and not before those of the act."""
    left = iter([act])

    def before(**_: object) -> None:
        for each in left:
            each()
            break

    client.meta.events.register(f"before-call.dynamodb.{operation}", before)
