"""The handler of changes as Lambda calls it, with real clients whose requests are answered here."""

import importlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from healthy_mailing.evidence import MarkKind
from healthy_mailing.settings import SettingsError
from support import wire
from support.clock import Clock
from support.faults import Answer
from support.marks import image, mark
from support.stream import BUS_ARN, TABLE_ARN, delivered, problems, record

from .conftest import asked, counts, output, response

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/mailing-changes-dead-letter"
SECONDS = 30

Handler = Callable[..., Any]


class Aws:
    """EventBridge and SQS: keep what they take, and refuse what a test tells them to."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.letters: list[dict[str, Any]] = []
        self.refused: Callable[[Mapping[str, Any]], str] = lambda _: ""
        """Returns the code of the error of an entry, empty for none."""
        self.answers: dict[str, Answer] = {}
        """By operation, what is answered in place of the service."""

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        operation, body = asked(request)
        return response(request, self.answers.get(operation) or getattr(self, operation)(body))

    def PutEvents(self, body: Mapping[str, Any]) -> Answer:  # noqa: N802  (the operation's name)
        codes = [self.refused(json.loads(each["Detail"])) for each in body["Entries"]]
        self.entries += [entry for entry, code in zip(body["Entries"], codes, strict=True) if not code]
        entries = [{"ErrorCode": code, "ErrorMessage": "no"} if code else {"EventId": "1"} for code in codes]
        return Answer.of({"FailedEntryCount": len([code for code in codes if code]), "Entries": entries})

    def SendMessage(self, body: Mapping[str, Any]) -> Answer:  # noqa: N802  (the same)
        self.letters.append(dict(body))
        return Answer.of({"MessageId": "1", "MD5OfMessageBody": "0"})

    @property
    def details(self) -> list[dict[str, Any]]:
        """The details of what EventBridge took, each of which fits the schema."""
        events = [delivered(each) for each in self.entries]
        assert [problems(each) for each in events] == [[]] * len(events)
        return [event["detail"] for event in events]

    @property
    def told(self) -> list[tuple[str, str]]:
        """Of each event: the local part of its address, and its state now."""
        return [(each["address"].partition("@")[0], each["after"]) for each in self.details]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "EVENT_BUS": BUS_ARN,
        "TABLE_ARN": TABLE_ARN,
        "DEAD_LETTER_QUEUE_URL": QUEUE_URL,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "changes", raising=False)


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Moves by the function's pauses alone."""
    clock = Clock()
    monkeypatch.setattr("healthy_mailing.calls.time", clock)
    return clock


@pytest.fixture
def handler(environment: None, aws: Aws, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Handler:
    """The handler, freshly started, as it is called with records."""
    del environment  # it is set
    changes = importlib.import_module("changes")
    monkeypatch.setattr(changes, "time", clock)
    for client in (changes.bus._client, changes.dead_letters._client):  # noqa: SLF001  (where a test comes between)
        client.meta.events.register("before-send", aws)

    def call(*records: Any) -> Any:
        context = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: SECONDS * 1000)
        return changes.handler({"Records": list(records)}, context)

    return call


FINE = image(mark(MarkKind.DELIVERY))
BLOCKED = image(mark(MarkKind.COMPLAINT, feedbackType="abuse"))
UNREADABLE = {"UserId": {"S": "x"}, "state": {"S": "paused"}, "reason": {"S": "?"}}


def blocked(name: str, number: int) -> dict[str, Any]:
    return record(f"{name}@example.com", FINE, BLOCKED, number)


def freed(name: str, number: int) -> dict[str, Any]:
    return record(f"{name}@example.com", BLOCKED, FINE, number)


def number_of(answer: Mapping[str, Any]) -> str:
    """Return the sequence number from which Lambda is to go on, empty if all is done."""
    failures: Sequence[Mapping[str, str]] = answer["batchItemFailures"]
    assert len(failures) <= 1
    return failures[0]["itemIdentifier"] if failures else ""


def sequence(number: int) -> str:
    return str(record("a", None, FINE, number)["dynamodb"]["SequenceNumber"])


def metrics(capsys: pytest.CaptureFixture[str]) -> tuple[Counter[str], list[dict[str, Any]]]:
    """Return the metrics and the log."""
    lines = output(capsys)
    return counts(lines), [line for line in lines if "level" in line]


def test_changes_become_events_and_the_rest_does_not(
    handler: Handler, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = handler(
        blocked("a", 1), record("b@example.com", None, FINE, 2), record("c@example.com", FINE, FINE, 3), freed("a", 4)
    )
    assert answer == {"batchItemFailures": []}
    assert aws.told == [("a", "disable"), ("a", "enable")]
    assert {each["EventBusName"] for each in aws.entries} == {BUS_ARN}
    assert [each["Resources"] for each in aws.entries] == [[TABLE_ARN]] * 2
    assert metrics(capsys) == (Counter({"EventsPut": 2}), [])


def test_new_deliveries_are_events_where_they_are_asked_for(
    environment: None, aws: Aws, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    del environment
    monkeypatch.setenv("NEW_DELIVERIES", "true")
    request.getfixturevalue("handler")(record("b@example.com", None, FINE, 2))
    assert aws.told == [("b", "enable")]


@pytest.mark.parametrize("name", ["EVENT_BUS", "TABLE_ARN", "DEAD_LETTER_QUEUE_URL", "NEW_DELIVERIES", "LOG_LEVEL"])
def test_an_invalid_setting_stops_it_at_startup(environment: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    del environment
    monkeypatch.setenv(name, "nonsense")
    with pytest.raises(SettingsError, match=name):
        importlib.import_module("changes")


def test_of_a_batch_that_fails_in_part_lambda_goes_on_from_the_first_failure(
    handler: Handler, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = [blocked("a", 1), blocked("b", 2), freed("b", 3), blocked("c", 4), freed("a", 5), blocked("b", 6)]
    aws.refused = lambda detail: "MalformedDetail" if detail["address"] == "b@example.com" else ""

    assert number_of(handler(*batch)) == sequence(2)

    assert aws.told == [("a", "disable"), ("c", "disable"), ("a", "enable")], "the others' go through, in order"
    total, log = metrics(capsys)
    assert total == {"EventsPut": 3, "EventsFailed": 3}
    assert [line["error"] for line in log] == ["MalformedDetail", "HeldBack", "HeldBack"]
    assert {line["address"] for line in log} == {"b***@example.com"}

    aws.refused = lambda _: ""
    assert number_of(handler(*batch[1:])) == ""
    of_b = [after for name, after in aws.told if name == "b"]
    assert of_b == ["disable", "enable", "disable"]
    ids = [detail["id"] for detail in aws.details]
    assert len(ids) - len(set(ids)) == 2, "what came through twice has the same id"


def test_throttling_is_waited_out_within_the_deadline(
    handler: Handler, aws: Aws, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    start = clock.monotonic()
    aws.refused = lambda _: "ThrottlingException" if clock.monotonic() < start + 3 else ""
    assert number_of(handler(blocked("a", 1), blocked("b", 2))) == ""
    assert sorted(aws.told) == [("a", "disable"), ("b", "disable")]
    assert metrics(capsys)[0]["EventsRetried"] > 2


def test_what_is_throttled_for_longer_is_reported_in_time(handler: Handler, aws: Aws, clock: Clock) -> None:
    start = clock.monotonic()
    aws.refused = lambda detail: "ThrottlingException" if detail["address"] == "b@example.com" else ""
    assert number_of(handler(blocked("a", 1), blocked("b", 2), blocked("c", 3))) == sequence(2)
    assert aws.told == [("a", "disable"), ("c", "disable")]
    assert start + SECONDS - 6 < clock.monotonic() < start + SECONDS - 4


@pytest.mark.parametrize(("status", "code"), [(400, "AccessDeniedException"), (500, "InternalException")])
def test_a_bus_that_takes_nothing_loses_nothing(handler: Handler, aws: Aws, status: int, code: str) -> None:
    aws.answers["PutEvents"] = Answer.of(wire.error(code, "no"), status)
    batch = [record("z@example.com", FINE, FINE, 1), *(blocked(f"a{n}", n) for n in range(2, 30))]
    assert number_of(handler(*batch)) == sequence(2)
    assert aws.entries == []
    del aws.answers["PutEvents"]
    assert number_of(handler(*batch[1:])) == ""
    assert len(aws.entries) == 28


def test_an_unreadable_image_is_set_aside_whole_and_holds_up_nobody(
    handler: Handler, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    poison, junk = record("b@example.com", FINE, UNREADABLE, 2), {"eventID": "junk"}
    assert number_of(handler(blocked("a", 1), poison, junk, record("b@example.com", UNREADABLE, FINE, 4))) == ""
    assert [json.loads(each["MessageBody"]) for each in aws.letters] == [poison, junk]
    assert {each["QueueUrl"] for each in aws.letters} == {QUEUE_URL}
    problem = aws.letters[0]["MessageAttributes"]["problem"]
    assert problem == {"DataType": "String", "StringValue": "the item has no state that this version knows"}
    assert aws.told == [("a", "disable"), ("b", "enable")]
    assert aws.details[1]["before"] is None
    total, log = metrics(capsys)
    assert total == {"EventsPut": 2, "UnreadableImages": 2}
    assert "b@example.com" not in json.dumps(log)


def test_what_cannot_be_set_aside_is_handed_over_again(handler: Handler, aws: Aws) -> None:
    aws.answers["SendMessage"] = Answer.of(wire.error("AccessDenied", "no"), 403)
    batch = [blocked("a", 1), record("b@example.com", FINE, UNREADABLE, 2), blocked("c", 3)]
    assert number_of(handler(*batch)) == sequence(2)
    assert sorted(aws.told) == [("a", "disable"), ("c", "disable")]


def test_a_queue_that_does_not_answer_holds_up_no_event_and_not_the_answer(
    handler: Handler, aws: Aws, clock: Clock
) -> None:
    tried: list[str] = []

    def slow(body: Mapping[str, Any]) -> Answer:
        tried.append(json.loads(body["MessageBody"])["eventID"])
        clock.sleep(4)
        return Answer.of(wire.error("ServiceUnavailable", "no"), 503)

    aws.SendMessage = slow  # type: ignore[method-assign]  # for this test
    start = clock.monotonic()
    poison = [record("b@example.com", FINE, UNREADABLE, number) for number in range(2, 30)]

    assert number_of(handler(*poison, blocked("a", 30))) == sequence(2)

    assert aws.told == [("a", "disable")]
    assert len(tried) == 7, "nothing is begun in the last five seconds"
    assert clock.monotonic() < start + SECONDS


def test_a_wrong_event_fails_as_a_whole(handler: Handler) -> None:
    del handler
    changes = sys.modules["changes"]
    context = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: SECONDS * 1000)
    with pytest.raises(KeyError):
        changes.handler({}, context)
