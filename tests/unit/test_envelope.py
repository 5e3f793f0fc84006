"""Messages are found in every form in which the function is invoked, and nothing else is taken for one."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from healthy_mailing.envelope import EnvelopeError, Message, unwrap
from support import ses

BOUNCE = ses.bounce("a@example.com")
MESSAGES: list[ses.Message] = [BOUNCE, ses.event(ses.complaint("b@example.com")), ses.SET_UP_TEXT, "not JSON", ""]
"""SES's JSON in both contracts, its plain text, and what is none of SES's, which is for the parser to refuse."""

OBJECTS = [BOUNCE, ses.event(ses.complaint("b@example.com")), ses.subscription("c@example.com")]


def said(message: Message) -> Any:
    """Return what a message says, whether it came as text or as an object."""
    return message.content if isinstance(message.content, str) else json.dumps(message.content)


def id_of(record: dict[str, Any]) -> str:
    """Return the id of SQS's or SNS's record, or of an event; a direct call has none."""
    return str(record.get("messageId") or record.get("Sns", {}).get("MessageId") or record.get("id", ""))


def with_each_wrapping(message: ses.Message) -> dict[str, Any]:
    """Return one batch of SQS with each wrapping."""
    wrapped = ses.sqs_event(message, raw=False), ses.sqs_event_bridge_event(message)
    return {"Records": ses.sqs_event(message)["Records"] + [each["Records"][0] for each in wrapped]}


WAYS: dict[str, tuple[Callable[..., dict[str, Any]], list[Any], bool]] = {
    "SNS": (ses.sns_event, MESSAGES, False),
    "SQS raw": (ses.sqs_event, MESSAGES, True),
    "SQS wrapped": (partial(ses.sqs_event, raw=False), MESSAGES, True),
    "SQS of EventBridge": (ses.sqs_event_bridge_event, OBJECTS, True),
    "SQS of all kinds": (with_each_wrapping, [BOUNCE], True),
    "EventBridge": (ses.event_bridge_event, OBJECTS[:1], False),
    "direct": (dict, OBJECTS[:1], False),
    "direct event": (dict, OBJECTS[1:2], False),
    "direct set-up": (dict, [ses.set_up()], False),
}
"""What wraps messages, the messages, and whether failures are reported by message."""


@pytest.mark.parametrize(("wrap", "messages", "reports"), WAYS.values(), ids=WAYS)
def test_every_message_is_found_with_its_id_whatever_wraps_it(
    wrap: Callable[..., dict[str, Any]], messages: list[Any], reports: bool
) -> None:
    event = wrap(*messages)
    records = event.get("Records", [event])
    envelope = unwrap(event)
    repeated = len(records) // len(messages)
    assert [said(message) for message in envelope.messages] == [ses.text(each) for each in messages] * repeated
    assert [message.id for message in envelope.messages] == [id_of(each) for each in records]
    assert envelope.reports_failures is reports


def test_words_of_wrappings_inside_ses_json_mislead_nobody() -> None:
    tricky = ses.event(ses.bounce("a@example.com"))
    tricky |= {"Type": "Notification", "TopicArn": "x", "Message": "y"}
    tricky |= {"source": "aws.ses", "detail": {}, "detail-type": "z"}
    for event in (ses.sqs_event(tricky), ses.sqs_event(tricky, raw=False), ses.sns_event(tricky), tricky):
        (message,) = unwrap(event).messages
        assert json.loads(said(message)) == tricky


@pytest.mark.parametrize(
    "body",
    [
        '{"Type": "SubscriptionConfirmation", "TopicArn": "x", "Message": "You have chosen …", "Token": "t"}',
        '{"Type": "Notification", "TopicArn": "x"}',
        '{"Type": "Notification", "Message": "y"}',
        '{"Type": "Notification", "TopicArn": "x", "Message": {"notificationType": "Bounce"}}',
        '{"detail-type": "Email Bounced", "source": "someone.else", "detail": {}}',
        '{"detail-type": "Email Bounced", "source": "aws.ses", "detail": "text"}',
        '{"Type": ' * 100_000,
        '"Type"',
        '["Type"]',
        '{"Type": ' + "9" * 5000 + "}",
    ],
    ids=lambda body: body[:60],
)
def test_a_body_of_no_known_wrapping_is_left_for_the_parser(body: str) -> None:
    assert unwrap(ses.sqs_event(body, BOUNCE)).messages[0] == Message("sqs-0", body)


# ---- What is refused


def without(event: dict[str, Any], path: str) -> dict[str, Any]:
    """Return an event whose second record lacks a field."""
    *parents, last = path.split(".")
    parent = event["Records"][1]
    for key in parents:
        parent = parent[key]
    del parent[last]
    return event


@pytest.mark.parametrize(
    "event",
    [
        None,
        5,
        "text",
        [],
        {},
        {"Records": []},
        {"Records": None},
        {"Records": {}},
        {"Records": [None]},
        {"Records": [{}]},
        {"Records": ses.sqs_event(BOUNCE)["Records"] + ses.sns_event(BOUNCE)["Records"]},
        {"Records": [*ses.sqs_event(BOUNCE)["Records"], None]},
        {"Records": [{"eventSource": "aws:s3", "s3": {}}]},
        {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": {}}]},
        {"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "1", "Message": {}}}]},
        {"Records": [{"EventSource": "aws:sns", "Sns": "text"}]},
        *(
            without(ses.sns_event(BOUNCE, BOUNCE), path)
            for path in ("Sns.Message", "Sns.MessageId", "Sns", "EventSource")
        ),
        *(without(ses.sqs_event(BOUNCE, BOUNCE), path) for path in ("body", "messageId", "eventSource")),
        {**ses.event_bridge_event(BOUNCE), "source": "aws.s3"},
        {**ses.event_bridge_event(BOUNCE), "detail": "text"},
        {**ses.event_bridge_event(BOUNCE), "detail": None},
        {"httpMethod": "GET", "path": "/"},
    ],
    ids=lambda event: json.dumps(event)[:50],
)
def test_an_event_of_no_known_form_is_refused(event: object) -> None:
    with pytest.raises(EnvelopeError):
        unwrap(event)
