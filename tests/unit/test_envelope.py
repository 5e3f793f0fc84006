"""Messages are found in every form in which the function is invoked, and nothing else is taken for one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.envelope import EnvelopeError, Message, unwrap
from healthy_mailing.notification import parse
from support import ses

BOUNCE = ses.bounce("a@example.com")
MESSAGES: list[ses.Message] = [BOUNCE, ses.event(ses.complaint("b@example.com")), ses.SET_UP_TEXT, "not JSON", ""]
"""SES's JSON in both contracts, its plain text, and what is none of SES's, which is for the parser to refuse."""

OBJECTS = [BOUNCE, ses.event(ses.complaint("b@example.com")), ses.subscription("c@example.com")]


def said(message: Message) -> Any:
    """Return what a message says, whether it came as text or as an object."""
    return message.content if isinstance(message.content, str) else json.dumps(message.content)


def test_sns() -> None:
    event = ses.sns_event(*MESSAGES)
    envelope = unwrap(event)
    assert [said(message) for message in envelope.messages] == [ses.text(each) for each in MESSAGES]
    assert [message.id for message in envelope.messages] == [each["Sns"]["MessageId"] for each in event["Records"]]
    assert not envelope.reports_failures


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "wrapped"])
def test_sqs(raw: bool) -> None:  # noqa: FBT001  (a table's column)
    envelope = unwrap(ses.sqs_event(*MESSAGES, raw=raw))
    assert [said(message) for message in envelope.messages] == [ses.text(each) for each in MESSAGES]
    assert [message.id for message in envelope.messages] == [f"sqs-{number}" for number in range(len(MESSAGES))]
    assert envelope.reports_failures


def test_sqs_as_target_of_event_bridge() -> None:
    envelope = unwrap(ses.sqs_event_bridge_event(*OBJECTS))
    assert [json.loads(said(message)) for message in envelope.messages] == OBJECTS
    assert [message.id for message in envelope.messages] == ["sqs-0", "sqs-1", "sqs-2"]
    assert envelope.reports_failures


def test_sqs_with_each_wrapping_in_one_batch() -> None:
    event = ses.sqs_event(BOUNCE)
    event["Records"] += ses.sqs_event(BOUNCE, raw=False)["Records"] + ses.sqs_event_bridge_event(BOUNCE)["Records"]
    assert [json.loads(said(message)) for message in unwrap(event).messages] == [BOUNCE] * 3


def test_event_bridge() -> None:
    event = ses.event_bridge_event(BOUNCE)
    envelope = unwrap(event)
    assert envelope.messages == (Message(event["id"], BOUNCE),)
    assert not envelope.reports_failures


@pytest.mark.parametrize("message", [*OBJECTS, ses.set_up()])
def test_direct_invocation(message: dict[str, Any]) -> None:
    envelope = unwrap(message)
    assert envelope.messages == (Message("", message),)
    assert not envelope.reports_failures


@pytest.mark.parametrize(
    "event",
    [
        ses.sns_event(BOUNCE),
        ses.sqs_event(BOUNCE),
        ses.sqs_event(BOUNCE, raw=False),
        ses.sqs_event_bridge_event(BOUNCE),
        ses.event_bridge_event(BOUNCE),
        BOUNCE,
    ],
    ids=["SNS", "SQS raw", "SQS wrapped", "SQS of EventBridge", "EventBridge", "direct"],
)
def test_every_way_leads_to_the_same_feedback(event: dict[str, Any]) -> None:
    (message,) = unwrap(event).messages
    assert parse(message.content) == parse(BOUNCE)


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


def without(event: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return an event whose second record lacks a field."""
    parent = event["Records"][1]
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    return event


TWO_OF_SNS = json.dumps(ses.sns_event(BOUNCE, BOUNCE))
TWO_OF_SQS = json.dumps(ses.sqs_event(BOUNCE, BOUNCE))


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
        without(json.loads(TWO_OF_SNS), "Sns", "Message"),
        without(json.loads(TWO_OF_SNS), "Sns", "MessageId"),
        without(json.loads(TWO_OF_SNS), "Sns"),
        without(json.loads(TWO_OF_SNS), "EventSource"),
        without(json.loads(TWO_OF_SQS), "body"),
        without(json.loads(TWO_OF_SQS), "messageId"),
        without(json.loads(TWO_OF_SQS), "eventSource"),
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


KEYS = st.sampled_from(
    [
        "Records",
        "eventSource",
        "EventSource",
        "messageId",
        "body",
        "Sns",
        "MessageId",
        "Message",
        "Type",
        "source",
        "detail",
        "eventType",
        "id",
    ]
)
WORDS = st.sampled_from(["aws:sqs", "aws:sns", "aws.ses", "Notification", '{"Type": "Notification", "Message": 1}'])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5),
    max_leaves=20,
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "eventSource": st.just("aws:sqs") | JSON,
        "messageId": st.text() | JSON,
        "body": st.text() | JSON.map(json.dumps) | JSON,
        "EventSource": st.just("aws:sns") | JSON,
        "Sns": st.fixed_dictionaries({"MessageId": st.text() | JSON, "Message": st.text() | JSON}) | JSON,
    },
)


@given(JSON | st.fixed_dictionaries({"Records": st.lists(RECORDS | JSON, max_size=3)}))
def test_arbitrary_json_is_unwrapped_or_refused(event: Any) -> None:
    try:
        envelope = unwrap(event)
    except EnvelopeError:
        return
    assert envelope.messages
    for message in envelope.messages:
        assert isinstance(message.id, str)
        assert isinstance(message.content, (str, dict))
