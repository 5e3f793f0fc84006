"""Who gets in: the rendered policies of the real plan, put to ministack's evaluator of policies, request by request.

It stands in for what the emulator does not enforce (``tests/e2e/test_permissions.py`` tries what it does): Lambda's use
of the function's role, and what SES, SNS and strangers may do with the topic and the queues.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, evaluate_resource_policy, parse_policy_document

from harness.emulator import REGION

from .conftest import ACCOUNT, KEY, STREAM, VARIANTS
from .test_policies import arn, listed, policies, resources

pytestmark = pytest.mark.xdist_group("terraform-policies")

FOREIGN = "999999999999"
MINE, THEIRS = f"arn:aws:iam::{ACCOUNT}:user/someone", f"arn:aws:iam::{FOREIGN}:user/someone"
# Actions that are no operations (Amazon DynamoDB Developer Guide, "IAM security policies with PartiQL for DynamoDB").
MORE_ACTIONS = {"dynamodb": ["PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"]}
SERVICES = ("dynamodb", "kms", "lambda", "logs", "ses", "sns", "sqs", "sts", "iam", "s3", "secretsmanager")


def needs(variant: str) -> set[tuple[str, str]]:
    """Return what the function's role must be able to do, as (action, ARN).

    Of the queue: AWS Lambda Developer Guide, "Configuring an SQS event source: execution role permissions". Of the
    destination: "Capturing records of Lambda asynchronous invocations". Of logs: "Sending Lambda function logs to
    CloudWatch Logs". Of keys: Amazon SQS Developer Guide, "Key management".
    """
    table, stream = arn("dynamodb", f"table/{variant}"), f"log-group:/aws/lambda/{variant}-feedback:log-stream:2026/03"
    found = {(f"dynamodb:{name}", table) for name in ("BatchGetItem", "PartiQLInsert", "PartiQLUpdate")}
    found |= {(action, arn("logs", stream)) for action in ("logs:CreateLogStream", "logs:PutLogEvents")}
    if variant.startswith("queue"):
        queue = arn("sqs", f"{variant}-feedback")
        found |= {(f"sqs:{name}", queue) for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
    else:
        found.add(("sqs:SendMessage", arn("sqs", f"{variant}-feedback-dead-letter")))
    if variant.endswith("with_key"):
        found.add(("kms:Decrypt", KEY))
        if variant.startswith("direct"):
            found.add(("kms:GenerateDataKey", KEY))
    return found


def all_requests(variant: str) -> Iterator[tuple[str, str]]:
    """Yield every action of a few services, on each resource of the stack and on some that are others'."""
    names = [f"{variant}-feedback", f"{variant}-feedback-dead-letter"]
    resources = {
        "dynamodb": [arn("dynamodb", f"table/{table}") for table in (variant, "another")]
        + [arn("dynamodb", f"table/{variant}/index/suppressed-updatedAt")],
        "sqs": [arn("sqs", name) for name in [*names, "another"]],
        "sns": [arn("sns", names[0])],
        "lambda": [arn("lambda", f"function:{names[0]}")],
        "logs": [
            arn("logs", f"log-group:/aws/lambda/{group}{rest}")
            for group in (names[0], "another")
            for rest in ("", ":*", ":log-stream:2026/03")
        ],
        "kms": [KEY, arn("kms", "key/another")],
    }
    session = botocore.session.get_session()
    for service in SERVICES:
        for operation in [*session.get_service_model(service).operation_names, *MORE_ACTIONS.get(service, [])]:
            for resource in [*resources.get(service, []), "*"]:
                yield f"{service}:{operation}", resource


def request(
    action: str, resource: str, keys: Mapping[str, str] | None = None, principal: str = MINE, *, tls: bool = True
) -> EvalContext:
    """Return a request to evaluate; ``keys`` are the condition keys that a service sets."""
    return EvalContext(
        principal_arn=principal,
        principal_type="User",
        principal_account=principal.split(":")[4],
        action=action,
        resource_arn=resource,
        region=REGION,
        source_ip="192.0.2.1",
        secure_transport=tls,
        service_context={name.lower(): value for name, value in (keys or {}).items()},
    )


def role(plan: Mapping[str, Any], variant: str) -> list[Any]:
    return policies(plan)[f"module.{variant}.module.feedback.module.function.aws_iam_role_policy.this.policy"]


def allowed(statements: list[Any], action: str, resource: str) -> bool:
    parsed = parse_policy_document({"Statement": statements})
    return bool(evaluate(request(action, resource), [parsed]).decision == "Allow")


def without(statements: list[Any], action: str) -> list[Any]:
    reduced = [{**each, "Action": [one for one in listed(each["Action"]) if one != action]} for each in statements]
    return [each for each in reduced if each["Action"]]


def decision(plan: Mapping[str, Any], address: str, service: str | None, asked: EvalContext) -> str:
    """Return what a resource's policy says of a request by a service, or by the request's principal."""
    return str(evaluate_resource_policy({"Statement": policies(plan)[address]}, asked, service=service).decision)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_role_suffices(plan: dict[str, Any], variant: str) -> None:
    assert [need for need in sorted(needs(variant)) if not allowed(role(plan, variant), *need)] == []


@pytest.mark.parametrize(
    ("variant", "action"), sorted({(variant, action) for variant in VARIANTS for action, _ in needs(variant)})
)
def test_without_any_one_action_it_does_not(plan: dict[str, Any], variant: str, action: str) -> None:
    reduced = without(role(plan, variant), action)
    assert [need for need in sorted(needs(variant)) if not allowed(reduced, *need)] != []


@pytest.mark.parametrize("variant", VARIANTS)
def test_of_all_actions_of_these_services_no_other_is_allowed(plan: dict[str, Any], variant: str) -> None:
    statements = parse_policy_document({"Statement": role(plan, variant)})
    found = {asked for asked in all_requests(variant) if evaluate(request(*asked), [statements]).decision == "Allow"}
    assert found == needs(variant)


def test_the_role_of_the_events_suffices_and_allows_nothing_else(plan: dict[str, Any]) -> None:
    """What Lambda needs to read a stream: AWS Lambda Developer Guide, "Process DynamoDB records with Lambda"."""
    bus, queue = arn("events", "event-bus/mailing-changes"), arn("sqs", "mailing-changes-dead-letter")
    another = STREAM.replace("12:00", "13:00")
    log = arn("logs", "log-group:/aws/lambda/mailing-changes:log-stream:2026/03")
    needed = {(f"dynamodb:{name}", STREAM) for name in ("DescribeStream", "GetRecords", "GetShardIterator")}
    needed |= {("dynamodb:ListStreams", STREAM), ("events:PutEvents", bus), ("sqs:SendMessage", queue)}
    needed |= {("logs:CreateLogStream", log), ("logs:PutLogEvents", log)}
    needed |= {("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)}
    others = {
        "dynamodb": [arn("dynamodb", "table/mailing"), another, STREAM.replace("mailing", "x")],
        "events": [arn("events", "event-bus/default"), arn("events", "rule/mailing-changes")],
        "sqs": [arn("sqs", "mailing-feedback-dead-letter")],
        "logs": [log.replace("mailing", "other")],
        "kms": [arn("kms", "key/another")],
    }
    session = botocore.session.get_session()
    actions = {
        f"{service}:{operation}"
        for service in SERVICES
        for operation in [*session.get_service_model(service).operation_names, *MORE_ACTIONS.get(service, [])]
    }
    actions |= {f"events:{each}" for each in session.get_service_model("events").operation_names}
    actions |= {f"dynamodb:{each}" for each in session.get_service_model("dynamodbstreams").operation_names}
    named = [STREAM, bus, queue, log, KEY, "*", *(each for listed in others.values() for each in listed)]
    role = policies(plan)["module.changes.module.function.aws_iam_role_policy.this.policy"]
    statements = parse_policy_document({"Statement": role})
    may = {
        (action, resource)
        for action in actions
        for resource in named
        if evaluate(request(action, resource), [statements]).decision == "Allow"
    }
    # Which streams a table has had is all that one of its streams tells of another.
    assert may - {("dynamodb:ListStreams", another)} == needed


def test_only_lambda_may_use_the_network_and_not_the_functions_code(plan: dict[str, Any]) -> None:
    """Lambda says for which function's code a request is made; it says so of none that it makes by itself."""
    function = arn("lambda", "function:options-feedback")
    statements = parse_policy_document({"Statement": role(plan, "options")})

    def may(action: str, resource: str, source: str = "") -> bool:
        keys = {"lambda:SourceFunctionArn": source} if source else {}
        return bool(evaluate(request(action, resource, keys), [statements]).decision == "Allow")

    used = [
        ("ec2:CreateNetworkInterface", arn("ec2", "subnet/subnet-0a")),
        ("ec2:CreateNetworkInterface", arn("ec2", "security-group/sg-0b").replace(ACCOUNT, FOREIGN)),
        ("ec2:CreateNetworkInterface", arn("ec2", "network-interface/*")),
        ("ec2:DeleteNetworkInterface", arn("ec2", "network-interface/eni-0c")),
        ("ec2:AssignPrivateIpAddresses", arn("ec2", "network-interface/eni-0c")),
        ("ec2:UnassignPrivateIpAddresses", arn("ec2", "network-interface/eni-0c")),
        ("ec2:DescribeNetworkInterfaces", "*"),
        ("ec2:DescribeSubnets", "*"),
    ]
    assert [each for each in used if not may(*each)] == []
    assert [each for each in used if may(*each, function)] == []
    assert not may("ec2:CreateNetworkInterface", arn("ec2", "subnet/subnet-0d"))
    assert not may("ec2:CreateNetworkInterface", arn("ec2", "security-group/sg-0d"))
    assert may("xray:PutTraceSegments", "*", function)


TOPIC = "module.queue.module.feedback.module.topic[0].aws_sns_topic_policy.this.policy"
SES = "ses.amazonaws.com"
IDENTITY = arn("ses", "identity/example.com")


def said(account: str, source: str) -> dict[str, str]:
    """Return the condition keys that a service sets when it acts for a resource of an account."""
    return {"aws:SourceAccount": account, "aws:SourceArn": source}


@pytest.mark.parametrize(
    ("service", "principal", "keys", "expected"),
    [
        (SES, MINE, said(ACCOUNT, IDENTITY), "Allow"),
        (SES, MINE, said(ACCOUNT, arn("ses", "configuration-set/default")), "Allow"),
        (
            SES,
            MINE,
            {"aws:SourceAccount": FOREIGN, "aws:SourceArn": IDENTITY.replace(ACCOUNT, FOREIGN)},
            "ImplicitDeny",
        ),
        (SES, MINE, said(FOREIGN, IDENTITY), "ImplicitDeny"),
        (
            SES,
            MINE,
            {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": IDENTITY.replace(ACCOUNT, FOREIGN)},
            "ImplicitDeny",
        ),
        (
            SES,
            MINE,
            {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": IDENTITY.replace(REGION, "eu-west-3")},
            "ImplicitDeny",
        ),
        (SES, MINE, said(ACCOUNT, arn("ses", "template/x")), "ImplicitDeny"),
        (SES, MINE, {}, "ImplicitDeny"),
        ("events.amazonaws.com", MINE, said(ACCOUNT, IDENTITY), "ImplicitDeny"),
        (None, THEIRS, {}, "ImplicitDeny"),
        (None, THEIRS, said(ACCOUNT, IDENTITY), "ImplicitDeny"),
        (None, MINE, {}, "ImplicitDeny"),
    ],
    ids=[
        "an identity",
        "a configuration set",
        "SES of another account",
        "SES of another account, for an identity of ours",
        "SES for an identity of another account",
        "SES of another region",
        "SES for something else",
        "SES that does not say for whom",
        "another service",
        "a stranger",
        "a stranger who says what SES says",
        "a user without a policy",
    ],
)
def test_who_may_publish(
    plan: dict[str, Any], service: str | None, principal: str, keys: dict[str, str], expected: str
) -> None:
    asked = request("sns:Publish", arn("sns", "queue-feedback"), keys, principal)
    assert decision(plan, TOPIC, service, asked) == expected


QUEUES = {
    "aws_sqs_queue.this[0].policy": arn("sqs", "queue-feedback"),
    "aws_sqs_queue.dead_letter.policy": arn("sqs", "queue-feedback-dead-letter"),
}
SNS = "sns.amazonaws.com"


@pytest.mark.parametrize("attribute", QUEUES)
def test_who_may_send_to_the_queues(plan: dict[str, Any], attribute: str) -> None:
    address, queue = f"module.queue.module.feedback.{attribute}", QUEUES[attribute]

    def asked(service: str | None, source: str = "", action: str = "sqs:SendMessage", principal: str = MINE) -> str:
        keys = {"aws:SourceArn": source} if source else {}
        return decision(plan, address, service, request(action, queue, keys, principal))

    ours, another = arn("sns", "queue-feedback"), arn("sns", "another")
    assert asked(SNS, ours) == "Allow"
    assert asked(SNS, another) == "ImplicitDeny"
    assert asked(SNS, ours.replace(ACCOUNT, FOREIGN)) == "ImplicitDeny"
    assert asked(SNS) == "ImplicitDeny"
    assert asked(SNS, ours, "sqs:ReceiveMessage") == "ImplicitDeny"
    assert asked("events.amazonaws.com", ours) == "ImplicitDeny"
    assert asked(None, ours, principal=THEIRS) == "ImplicitDeny"
    assert asked(None) == "ImplicitDeny"


@pytest.mark.parametrize("principal", [MINE, THEIRS], ids=["ours", "a stranger"])
def test_plain_http_is_denied_whatever_else_allows_it(plan: dict[str, Any], principal: str) -> None:
    """An explicit Deny outweighs any policy of the caller's own."""
    cases = [(TOPIC, arn("sns", "queue-feedback"), "sns:Publish")] + [
        (f"module.queue.module.feedback.{attribute}", queue, f"sqs:{name}")
        for attribute, queue in QUEUES.items()
        for name in ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility")
    ]
    for address, resource, action in cases:
        assert decision(plan, address, None, request(action, resource, principal=principal, tls=False)) == "Deny"


@pytest.mark.parametrize("variant", ["queue_with_key", "direct_with_key"])
def test_who_may_use_the_key(plan: dict[str, Any], variant: str) -> None:
    """The statements that the module gives for a customer's key policy."""
    statements = key_policy(plan, variant)

    def allows(service: str | None, action: str, keys: Mapping[str, str]) -> bool:
        asked = request(f"kms:{action}", KEY, keys)
        return bool(evaluate_resource_policy({"Statement": statements}, asked, service=service).decision == "Allow")

    ses = said(ACCOUNT, IDENTITY)
    topic = {"aws:SourceArn": arn("sns", f"{variant}-feedback")}
    group = {"kms:EncryptionContext:aws:logs:arn": arn("logs", f"log-group:/aws/lambda/{variant}-feedback")}
    logs = f"logs.{REGION}.amazonaws.com"
    every = [*botocore.session.get_session().get_service_model("kms").operation_names, "ReEncryptFrom", "ReEncryptTo"]
    used = {"Decrypt", "GenerateDataKey"}
    assert {action for action in every if allows(SES, action, ses)} == used
    assert {action for action in every if allows(SNS, action, topic)} == used
    assert {action for action in every if allows(logs, action, group)} == used | {
        "DescribeKey",
        "Encrypt",
        "ReEncryptFrom",
        "ReEncryptTo",
    }
    others: list[tuple[str | None, dict[str, str]]] = [
        (SES, {**ses, "aws:SourceAccount": FOREIGN}),
        (SES, {}),
        (SNS, {"aws:SourceArn": arn("sns", "another").replace(ACCOUNT, FOREIGN)}),
        (logs, {name: value.replace(ACCOUNT, FOREIGN) for name, value in group.items()}),
        (None, {}),
        ("lambda.amazonaws.com", ses),
    ]
    assert [case for case in others if any(allows(case[0], action, case[1]) for action in every)] == []


def key_policy(plan: Mapping[str, Any], variant: str) -> list[Any]:
    """Return the statements that the module gives for a customer's key policy."""
    (found,) = [
        resource["values"]["json"]
        for resource in resources(plan["prior_state"]["values"]["root_module"])
        if resource["address"] == f"module.{variant}.module.feedback.data.aws_iam_policy_document.key"
    ]
    statements: list[Any] = json.loads(found)["Statement"]
    return statements
