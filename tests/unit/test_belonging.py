"""What a queue and a topic lead to if several functions take part; tests/integration/commands has two whole stacks."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from healthy_mailing_cli.shell import belonging
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError

HERE = "eu-west-1:123456789012"
QUEUE = f"arn:aws:sqs:{HERE}:mailing-feedback"
TOPIC = f"arn:aws:sns:{HERE}:mailing-feedback"
OURS, THEIRS, OTHER, DENIED, GONE = (
    f"arn:aws:lambda:{HERE}:function:{name}" for name in ("mailing-feedback", "crm-feedback", "audit", "denied", "gone")
)
SETTINGS: Mapping[str, Mapping[str, str]] = {OURS: {"TABLE_NAME": "mailing"}, THEIRS: {"TABLE_NAME": "crm"}, OTHER: {}}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Any service: which functions take from a queue, and who subscribes to a topic, is in its pages."""

    def configuration(*, FunctionName: str) -> Mapping[str, Any]:  # noqa: N803  (botocore's name)
        if FunctionName == DENIED:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetFunctionConfiguration")
        return {"Environment": {"Variables": SETTINGS[FunctionName]}}

    client = Mock()
    client.exceptions.ResourceNotFoundException = KeyError
    client.get_function_configuration.side_effect = configuration
    client.get_caller_identity.return_value = {"Arn": "arn:aws:iam::123456789012:user/dana"}
    monkeypatch.setattr(Connection, "client", lambda *_: client)
    return client


def lead(aws: Mock, *functions: str, subscribers: tuple[tuple[str, str], ...] = ()) -> None:
    """Let these functions take from the queue, and the topic have these subscribers."""
    page = {
        "EventSourceMappings": [{"FunctionArn": each} for each in functions],
        "Subscriptions": [{"Protocol": protocol, "Endpoint": endpoint} for protocol, endpoint in subscribers],
    }
    aws.get_paginator.return_value.paginate.return_value = [page]


CONNECTION = Connection("mailing", "eu-west-1")


@pytest.mark.parametrize(
    ("functions", "refused"),
    [
        ((OURS,), ""),
        ((OURS, OTHER), ""),
        ((), "The queue mailing-feedback leads to no table, not to mailing in eu-west-1: name the table with --table"),
        ((THEIRS,), "leads to the table crm, not to mailing"),
        # A message reaches one of them.
        ((OURS, THEIRS), "leads to the table crm and mailing, not to mailing"),
        ((OURS, DENIED), "AccessDeniedException"),
        ((OURS, GONE), f"There is no function {GONE}"),
    ],
)
def test_a_queue_leads_to_the_table_alone(aws: Mock, functions: tuple[str, ...], refused: str) -> None:
    lead(aws, *functions)
    if not refused:
        belonging.check_queue(CONNECTION, QUEUE, None)
        return
    with pytest.raises((CommandError, ClientError), match=refused):
        belonging.check_queue(CONNECTION, QUEUE, None)


@pytest.mark.parametrize(
    ("subscribers", "refused"),
    [
        ((("lambda", OURS),), ""),
        ((("sqs", QUEUE),), ""),
        # All of them get each message; some may be other teams', or gone.
        ((("email", "a@example.com"), ("lambda", DENIED), ("lambda", GONE), ("lambda", THEIRS), ("lambda", OURS)), ""),
        ((("lambda", THEIRS),), "leads to the table crm, not to mailing"),
        ((("lambda", DENIED),), "AccessDeniedException"),
        ((("lambda", OURS.replace("eu-west-1", "us-east-1")),), "leads to no table"),
        ((("sqs", QUEUE.replace("123456789012", "111111111111")),), "leads to no table"),
    ],
)
def test_a_topic_leads_to_the_table_among_others(
    aws: Mock, subscribers: tuple[tuple[str, str], ...], refused: str
) -> None:
    lead(aws, OURS, subscribers=subscribers)
    if not refused:
        belonging.check_topics(CONNECTION, "The topic", [TOPIC])
        return
    with pytest.raises((CommandError, ClientError), match=refused):
        belonging.check_topics(CONNECTION, "The topic", [TOPIC])


def test_where_no_table_is_named_there_is_nothing_to_compare(aws: Mock) -> None:
    unnamed = Connection("mailing", "eu-west-1", is_named=False)
    belonging.check_queue(unnamed, QUEUE, None)
    belonging.check_topics(unnamed, "The topic", [TOPIC])
    belonging.check_table(unnamed, "The function", [THEIRS])
    assert aws.mock_calls == []
