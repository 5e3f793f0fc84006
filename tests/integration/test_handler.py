"""The handler as Lambda calls it, with a table that moto stands in for."""

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from healthy_mailing.row import Outcome
from support import ses
from support.clock import Clock
from support.table import TABLE

from .conftest import DynamoDB, Faults, counts, items, output, put_between, refusal_of

Handler = Callable[[object], Any]


@pytest.fixture
def handler(client: DynamoDB, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Handler:
    """The handler, freshly started, as it is called with an event."""
    del client  # the table is there
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.delitem(sys.modules, "feedback", raising=False)
    feedback = importlib.import_module("feedback")
    put_between(feedback.client, faults)
    context = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 30_000)
    return lambda event: feedback.handler(event, context)


@pytest.mark.parametrize(("remaining", "reserve"), [(900, 5), (30, 5), (10, 5), (4, 2), (0, 0)])
def test_nothing_is_begun_in_the_last_of_its_time_so_that_failures_are_reported(
    handler: Handler, monkeypatch: pytest.MonkeyPatch, remaining: int, reserve: int
) -> None:
    del handler  # it is there
    feedback, clock = sys.modules["feedback"], Clock()
    deadlines: list[float] = []
    monkeypatch.setattr(feedback, "time", clock)

    def add(_: object, deadline: float, **_also: object) -> list[Outcome]:
        deadlines.append(deadline)
        return []

    monkeypatch.setattr(feedback.table, "add", add)
    context = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: remaining * 1000)

    feedback.handler(ses.sns_event(ses.delivery("a@example.com")), context)

    assert deadlines == [clock.monotonic() + remaining - reserve]


def states(client: DynamoDB) -> dict[str, str]:
    return {address: item["state"]["S"] for address, item in items(client).items()}


WRAPPINGS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "SNS": ses.sns_event,
    "SQS, raw": ses.sqs_event,
    "SQS, wrapped by SNS": lambda *messages: ses.sqs_event(*messages, raw=False),
    "SQS, wrapped by EventBridge": lambda *messages: ses.sqs_event_bridge_event(*map(ses.event, messages)),
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS.keys())
def test_all_records_and_all_recipients_are_taken_in(client: DynamoDB, handler: Handler, wrap: Any) -> None:
    result = handler(
        wrap(
            ses.bounce("bounced@example.com", "bounced-too@example.com"),
            ses.complaint("complained@example.com"),
            ses.delivery("delivered@example.com", "Delivered Too <DELIVERED-TOO@Example.com>"),
        )
    )

    assert result == {"batchItemFailures": []}
    assert states(client) == {
        "bounced@example.com": "disable",
        "bounced-too@example.com": "disable",
        "complained@example.com": "disable",
        "delivered@example.com": "enable",
        "delivered-too@example.com": "enable",
    }


@pytest.mark.parametrize("wrap", [ses.event_bridge_event, lambda message: message], ids=["EventBridge", "direct"])
def test_a_single_event_is_taken_in(client: DynamoDB, handler: Handler, wrap: Any) -> None:
    handler(wrap(ses.event(ses.complaint("a@example.com"))))
    assert states(client) == {"a@example.com": "disable"}


def test_a_malformed_record_fails_alone(client: DynamoDB, handler: Handler, capsys: pytest.CaptureFixture[str]) -> None:
    half_bad = ses.bounce("whole@example.com", "not an address")

    result = handler(ses.sqs_event(ses.delivery("a@example.com"), "not JSON", half_bad, ses.complaint("b@example.com")))

    assert result == {"batchItemFailures": [{"itemIdentifier": "sqs-1"}, {"itemIdentifier": "sqs-2"}]}
    assert states(client) == {"a@example.com": "enable", "b@example.com": "disable"}  # nothing half-applied
    lines = output(capsys)
    assert counts(lines)["Malformed"] == 2
    problems = {line["id"]: line["problem"] for line in lines if line.get("message") == "malformed message"}
    assert problems["sqs-1"].startswith("message ")
    assert problems["sqs-2"].startswith("bounce.bouncedRecipients[1].emailAddress ")


def test_a_malformed_record_of_sns_is_an_error_after_its_neighbours_are_in(client: DynamoDB, handler: Handler) -> None:
    with pytest.raises(Exception, match="1 of 2 messages failed"):
        handler(ses.sns_event("not JSON", ses.delivery("a@example.com")))
    assert states(client) == {"a@example.com": "enable"}


def test_an_unknown_event_is_an_error(handler: Handler) -> None:
    with pytest.raises(ValueError, match="not from SNS, SQS or EventBridge"):
        handler({"hello": "world"})


def test_a_message_is_done_only_when_all_its_recipients_are(
    client: DynamoDB, handler: Handler, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    faults["BatchExecuteStatement"] = refusal_of("bad@example.com", "ValidationError")
    result = handler(
        ses.sqs_event(
            ses.delivery("a@example.com"),
            ses.delivery("b@example.com", "bad@example.com"),
            ses.delivery("c@example.com"),
        )
    )

    assert result == {"batchItemFailures": [{"itemIdentifier": "sqs-1"}]}
    assert states(client).keys() == {"a@example.com", "b@example.com", "c@example.com"}
    lines = output(capsys)
    assert [line["errors"] for line in lines if line.get("message") == "feedback not written"] == [["ValidationError"]]
    assert counts(lines) == {"FeedbackDelivery": 3, "Deliveries": 4, "Written": 3, "Failed": 1, "StateToEnable": 3}

    faults.clear()
    assert handler(ses.sqs_event(ses.delivery("b@example.com", "bad@example.com"))) == {"batchItemFailures": []}
    assert "bad@example.com" in states(client)


def test_one_address_many_times_in_a_batch_is_one_write(client: DynamoDB, handler: Handler) -> None:
    handler(
        ses.sqs_event(*(ses.bounce("a@example.com", at=f"2026-03-{day:02d}T12:00:00.000Z") for day in range(1, 21)))
    )
    assert items(client)["a@example.com"]["version"] == {"N": "1"}


def test_the_same_feedback_in_any_split_gives_the_same_items(client: DynamoDB, handler: Handler) -> None:
    messages = [
        ses.delivery("a@example.com", sent="2026-03-02T12:00:00.000Z"),
        ses.bounce("a@example.com", "b@example.com", at="2026-03-01T12:00:00.000Z"),
        ses.complaint("b@example.com", at="2026-03-03T12:00:00.000Z"),
        ses.bounce("a@example.com", kind="Transient", subtype="MailboxFull", at="2026-03-04T12:00:00.000Z"),
    ]

    def without_history() -> dict[str, dict[str, Any]]:
        return {
            address: {name: value for name, value in item.items() if name not in {"version", "updatedAt"}}
            for address, item in items(client).items()
        }

    handler(ses.sqs_event(*messages))
    at_once = without_history()
    for address in at_once:
        client.delete_item(TableName=TABLE, Key={"UserId": {"S": address}})
    for message in [*reversed(messages), *messages]:
        handler(ses.sns_event(message))

    assert without_history() == at_once


def test_rates_are_made_of_the_recipients_that_ses_tried(handler: Handler, capsys: pytest.CaptureFixture[str]) -> None:
    not_tried = "OnAccountSuppressionList"
    handler(
        ses.sqs_event(
            ses.delivery("a@example.com", "b@example.com"),
            ses.bounce("c@example.com", "d@example.com"),
            ses.bounce("e@example.com", subtype="Suppressed"),  # by SES's own list, which counts
            ses.bounce("f@example.com", subtype=not_tried),
            ses.bounce("g@example.com", kind="Transient", subtype="MailboxFull"),
            ses.complaint("a@example.com"),
            ses.complaint("h@example.com", subtype=not_tried),
            ses.complaint("i@example.com", feedback_type="not-spam"),
            ses.delivery("success@simulator.amazonses.com"),
            ses.bounce("bounce@simulator.amazonses.com"),
            ses.complaint("complaint@simulator.amazonses.com"),
        )
    )

    found = counts(output(capsys))
    assert [found[name] for name in ("Deliveries", "HardBounces", "Complaints")] == [2, 3, 1]


def test_metrics_and_logs_tell_what_happened_without_a_whole_address(
    handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    handler(
        ses.sqs_event(
            ses.bounce("secret.person@example.com"),
            ses.bounce("secret.person@example.com", kind="Transient", action=None, status=None),
            ses.bounce("secret.person@example.com", kind="Transient", subtype="MessageTooLarge"),
            ses.delivery("other.person@example.com"),
            ses.other("Open", "other.person@example.com"),
            ses.set_up(),
            ses.SET_UP_TEXT,
            json.dumps({"notificationType": "Bounce", "mail": "secret.person@example.com"}),
        )
    )

    printed = capsys.readouterr().out
    assert ".person" not in printed
    lines = [json.loads(line) for line in printed.splitlines()]
    assert counts(lines) == {
        "FeedbackBounce": 3,
        "FeedbackDelivery": 1,
        "FeedbackOpen": 1,
        "FeedbackSetUp": 2,
        "Deliveries": 1,
        "HardBounces": 1,
        "IgnoredAutoReply": 1,
        "IgnoredContentRejected": 1,
        "IgnoredOpen": 1,
        "IgnoredSetUp": 2,
        "Malformed": 1,
        "StateToDisable": 1,
        "StateToEnable": 1,
        "Written": 2,
    }
    changes = {line["address"]: line for line in lines if line.get("message") == "state changed"}
    assert changes["s***@example.com"]["reason"] == "bounce:Permanent/General"
    assert {line["requestId"] for line in lines if "_aws" not in line} == {"request-1"}


def test_details_that_can_not_be_read_hold_nothing_back_and_are_counted(
    client: DynamoDB, handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = ses.complaint("a@example.com", message_id="m1")
    del bare["mail"]["source"], bare["complaint"]["feedbackId"]

    assert handler(ses.sqs_event(bare, ses.delivery("b@example.com"))) == {"batchItemFailures": []}

    assert states(client) == {"a@example.com": "disable", "b@example.com": "enable"}
    lines = output(capsys)
    assert counts(lines)["UnreadDetails"] == 1
    assert [(line["messageId"], line["fields"]) for line in lines if line.get("message") == "details not read"] == [
        ("m1", ["mail.source", "complaint.feedbackId"])
    ]


def test_another_soft_bounce_of_a_day_is_not_written_and_counted(
    handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    for hour in ("08", "10"):
        handler(ses.sqs_event(ses.bounce("a@example.com", kind="Transient", at=f"2026-03-01T{hour}:00:00.000Z")))
    found = counts(output(capsys))
    assert (found["Written"], found["Unchanged"]) == (1, 1)


def test_a_change_for_transactional_mail_alone_is_told_apart(
    handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    """The metrics count changes of the state, and so does the dashboard, by the message."""
    address = "jane@example.com"
    handler(ses.sqs_event(ses.subscription(address, at="2026-03-01T12:00:00.000Z")))
    handler(ses.sqs_event(ses.bounce(address, at="2026-03-02T12:00:00.000Z")))

    lines = output(capsys)
    assert counts(lines)["StateToDisable"] == 1
    changes = [
        (line["message"], line.get("before"), line["after"], line["transactional"]) for line in lines if "after" in line
    ]
    assert changes == [
        ("state changed", None, "disable", "enable"),
        ("transactional state changed", "disable", "disable", "disable"),
    ]


@pytest.mark.parametrize("name", ["TABLE_NAME", "SOFT_BOUNCE_LIMIT"])
def test_a_wrong_setting_stops_the_start(handler: Handler, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    del handler
    monkeypatch.setenv(name, "")
    monkeypatch.delitem(sys.modules, "feedback")
    with pytest.raises(ValueError, match=name):
        importlib.import_module("feedback")
