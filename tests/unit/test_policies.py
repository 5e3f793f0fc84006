"""What a resource's policy lets AWS services do, as the IAM User Guide has it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from healthy_mailing_cli.doctor.policies import lets
from healthy_mailing_cli.shell.stack import sent_for

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mailing-feedback"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:mailing-feedback"
ALLOW: Mapping[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "sns.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": QUEUE,
    "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}},
}
DENY_PLAIN = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"],
    "Resource": QUEUE,
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
DENY_OTHERS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sqs:*",
    "Resource": QUEUE,
    "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}},
}


def asked(*statements: Mapping[str, Any]) -> bool | None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return lets(policy, "sns.amazonaws.com", "sqs:SendMessage", QUEUE, sent_for(TOPIC))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"Service": ["ses.amazonaws.com", "sns.amazonaws.com"]}},
        {"Action": "*"},
        {"Action": "SQS:Send*"},
        {"Resource": "*"},
        {"Resource": ["arn:aws:sqs:*:123456789012:mailing-feedbac?"]},
        {"Condition": {}},
        {"Condition": {"ArnLike": {"AWS:SourceArn": ["arn:aws:sns:*:*:other", "arn:aws:sns:*:*:mailing-*"]}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}, "Bool": {"aws:SecureTransport": True}}},
        {"Condition": {"StringEqualsIfExists": {"aws:SourceAccount": ["1", "123456789012"]}}},
        {"Condition": {"StringEqualsIgnoreCase": {"aws:SourceArn": TOPIC.upper()}}},
    ],
)
def test_a_statement_that_applies_allows(changed: Mapping[str, Any]) -> None:
    assert asked({**ALLOW, **changed}) is True
    assert asked({**ALLOW, "Action": "sqs:DeleteMessage"}, {**ALLOW, **changed}, DENY_PLAIN) is True


@pytest.mark.parametrize(
    "changed",
    [
        {"Effect": "Deny"},
        {"Principal": {"Service": "ses.amazonaws.com"}},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Action": "sqs:ReceiveMessage"},
        {"Resource": f"{QUEUE}-dead-letter"},
        {"Condition": {"ArnLike": {"aws:SourceArn": f"{TOPIC}.*"}}},
        {"Condition": {"StringEquals": {"aws:SourceArn": "*"}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}, "Bool": {"aws:SecureTransport": False}}},
        # One condition that does not hold is enough, whatever the other means.
        {"Condition": {"StringEquals": {"aws:SourceAccount": "1"}, "Null": {"aws:TokenIssueTime": "true"}}},
    ],
)
def test_a_statement_that_does_not_apply_allows_nothing(changed: Mapping[str, Any]) -> None:
    assert asked({**ALLOW, **changed}) is False


def test_nothing_is_allowed_without_a_policy() -> None:
    for policy in (None, "", "{}"):
        assert lets(policy, "sns.amazonaws.com", "sqs:SendMessage", QUEUE, sent_for(TOPIC)) is False


def test_a_denial_wins() -> None:
    assert asked(ALLOW, {**DENY_PLAIN, "Condition": {}}) is False
    assert asked(ALLOW, {**ALLOW, "Effect": "Deny"}) is False


@pytest.mark.parametrize(
    "statements",
    [
        [{**ALLOW, "Condition": {"StringEquals": {"aws:SourceOrgID": "o-1"}}}],
        [{**ALLOW, "Condition": {"StringNotLike": {"aws:SourceArn": TOPIC}}}],
        [{"Effect": "Allow", "NotPrincipal": {"AWS": "1"}, "Action": "*", "Resource": "*"}],
        [ALLOW, DENY_OTHERS],
    ],
)
def test_what_is_not_understood_is_not_guessed_at(statements: list[Mapping[str, Any]]) -> None:
    assert asked(*statements) is None
