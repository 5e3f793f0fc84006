"""The whole table read: answers as botocore reads them, only sooner, and what is waited for if there are none."""

import json
from collections.abc import Mapping
from threading import Event
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError
from botocore.parsers import create_parser

from healthy_mailing.evidence import State
from healthy_mailing_cli.shell import waiting
from healthy_mailing_cli.table.scan import Scan, _Parsers

ITEM = {
    "UserId": {"S": "jürgen@example.com"},
    "version": {"N": "3"},
    "evidence": {"M": {"softBounces": {"M": {"2026-01-31": {"M": {"at": {"S": "2026-01-31T12:00:00.000Z"}}}}}}},
    "theirs": {"L": [{"BOOL": True}, {"NULL": True}, {"SS": ["a", "b"]}]},
}
MORE = {"Items": [ITEM, {}], "Count": 2, "ScannedCount": 5, "LastEvaluatedKey": {"UserId": {"S": "a@example.com"}}}
LAST = {"Items": [ITEM], "Count": 1, "ConsumedCapacity": {"TableName": "mailing", "CapacityUnits": 0.5}}
NO_TABLE = {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no table"}


@pytest.mark.parametrize("operation", ["Scan", "Query"])
@pytest.mark.parametrize(("status", "answer"), [(200, MORE), (200, LAST), (200, {"Items": []}), (400, NO_TABLE)])
def test_an_answer_is_read_as_botocore_reads_it(operation: str, status: int, answer: Mapping[str, Any]) -> None:
    model: Any = botocore.session.get_session().get_service_model("dynamodb").operation_model(operation)
    response = {"body": json.dumps(answer).encode(), "headers": {}, "status_code": status}
    ours = _Parsers().create_parser("json").parse(response, model.output_shape)
    assert ours == create_parser("json").parse(response, model.output_shape)
    assert ours.get("Items") == answer.get("Items")


# ---- No answer

LOST = EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
SILENT = ConnectTimeoutError(endpoint_url="http://127.0.0.1:9")
BUSY = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "InternalServerError")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "Scan")


class Client:
    """DynamoDB, which answers what it is given, then always the last of it; what it is asked is counted."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked = 0

    def scan(self, **_: object) -> Any:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    query = scan


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("healthy_mailing.calls.time.sleep", lambda _: None)


def scan(client: Any, *states: State) -> Scan:
    return Scan(client, "mailing", set(states or State), 1)


@pytest.mark.parametrize("error", [LOST, SILENT, refused("AccessDeniedException")])
@pytest.mark.parametrize("states", [set(State), {State.DISABLE}], ids=["table", "index"])
def test_without_a_way_to_dynamodb_it_ends_at_once(
    states: set[State], error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(error)
    with pytest.raises(type(error)):
        list(scan(client, *states).pages())
    assert (client.asked, capsys.readouterr().err) == (1, "")


@pytest.mark.parametrize(
    ("answers", "sentences"),
    [
        ([MORE, LOST, SILENT, LOST, LAST], 1),
        ([*map(refused, BUSY), MORE, LOST, refused(BUSY[0]), LAST], 5),
    ],
)
def test_a_way_that_ends_later_and_a_busy_table_are_waited_for(
    answers: list[Any], sentences: int, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(*answers)
    pages = list(scan(client).pages())
    assert (client.asked, [len(items) for items, _ in pages]) == (len(answers), [2, 1])
    said = capsys.readouterr().err.splitlines()
    assert "AWS can't be reached. Trying again for some minutes." in said
    assert len(said) == len(set(said)) == sentences


def test_a_way_that_stays_away_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    client = Client(MORE, LOST)
    with pytest.raises(BotoCoreError):
        list(scan(client).pages())
    assert client.asked == 1 + waiting.TRIES
    assert capsys.readouterr().err.count("\n") == 1


def test_a_person_hears_what_a_silent_reading_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SILENT", 0)
    heard, said = Event(), []

    def say(text: str) -> None:
        said.append(text)
        heard.set()

    class Silent(Client):
        def scan(self, **asked: object) -> Any:
            assert heard.wait(60)
            return super().scan(**asked)

    reading = scan(Silent(LAST))
    reading._say = waiting.once(say)  # noqa: SLF001  (what a terminal would show)
    assert len(list(reading.pages())) == 1
    assert said == ["Waiting for DynamoDB."]
