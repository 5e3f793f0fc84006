"""Who may do what, in the policies of the root's real plan: both ways of delivery, with and without a key."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from harness import paths
from harness.emulator import REGION

from .conftest import ACCOUNT, KEY, STREAM, VARIANTS

pytestmark = pytest.mark.xdist_group("terraform-policies")

Statement = Mapping[str, Any]

TOPIC = "module.topic[0].aws_sns_topic_policy.this.policy"


def resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


def policies(plan: Mapping[str, Any]) -> dict[str, list[Statement]]:
    """Return the statements of each policy in a plan, by the address and name of the attribute that holds it."""
    return {
        f"{resource['address']}.{name}": json.loads(value)["Statement"]
        for resource in resources(plan["planned_values"]["root_module"])
        for name, value in resource.get("values", {}).items()
        if isinstance(value, str) and value.startswith("{") and "Statement" in json.loads(value)
    }


def statements(plan: Mapping[str, Any], variant: str, attribute: str, effect: str) -> list[Statement]:
    found = policies(plan)[f"module.{variant}.module.feedback.{attribute}"]
    return [statement for statement in found if statement["Effect"] == effect]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else sorted(value)


def allowed(found: list[Statement]) -> list[tuple[str, str]]:
    """Return each action that statements name, with its resource."""
    return sorted(
        (resource, action)
        for statement in found
        for resource in listed(statement["Resource"])
        for action in listed(statement["Action"])
    )


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def permissions(variant: str) -> dict[str, set[str]]:
    """Return all that the function's role may do, as actions by the ARN that they are allowed on."""
    common = {
        arn("dynamodb", f"table/{variant}"): {
            "dynamodb:BatchGetItem",
            "dynamodb:PartiQLInsert",
            "dynamodb:PartiQLUpdate",
        },
        arn("logs", f"log-group:/aws/lambda/{variant}-feedback:log-stream:*"): {
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        },
    }
    takes = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
    queue = arn("sqs", f"{variant}-feedback")
    dead_letter = arn("sqs", f"{variant}-feedback-dead-letter")
    return {
        "queue": common | {queue: takes},
        "direct": common | {dead_letter: {"sqs:SendMessage"}},
        "queue_with_key": common | {queue: takes, KEY: {"kms:Decrypt"}},
        "direct_with_key": common | {dead_letter: {"sqs:SendMessage"}, KEY: {"kms:Decrypt", "kms:GenerateDataKey"}},
    }[variant]


def queues(variant: str) -> list[str]:
    """Return the attributes that hold a queue's policy."""
    return [
        "aws_sqs_queue.dead_letter.policy",
        *(["aws_sqs_queue.this[0].policy"] if variant.startswith("queue") else []),
    ]


THIS_QUEUE = arn("sqs", "*")
"""In a queue's policy: the queue that has it."""


# What AWS gives no resource for, and what is denied; modules/function says why.
ON_ALL_RESOURCES = {"AllowDescribeNetwork", "AllowSendTraces", "DenyNetworkToCode"}


def test_every_policy_names_its_actions_and_resources(plan: dict[str, Any]) -> None:
    for address, found in policies(plan).items():
        for statement in found:
            if statement["Sid"] in ON_ALL_RESOURCES and address.startswith("module.options."):
                continue
            assert not {"NotAction", "NotResource", "NotPrincipal"} & statement.keys(), address
            assert not any("*" in action for action in listed(statement["Action"])), address
            assert "*" not in listed(statement.get("Resource", [])), address
            if statement["Effect"] == "Allow":
                assert "AWS" not in statement.get("Principal", {}), address


def test_statement_ids_say_what_they_allow_or_deny() -> None:
    files = [*paths.TERRAFORM.rglob("*.tf"), *paths.TERRAFORM.rglob("README.md")]
    found = re.findall(
        r'\bsid *= "(.*)"', "\n".join(file.read_text() for file in files if ".terraform" not in file.parts)
    )
    assert {"AllowSESPublish", "DenyInsecureTransport"} <= set(found)
    # The last is what AWS itself calls the statement that gives a key to its account. A hash may follow a name.
    pattern = r"(Allow|Deny)[A-Z]\w+(\$\{local\.body_hash\})?|EnableIAMUserPermissions"
    assert [sid for sid in found if not re.fullmatch(pattern, sid)] == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_these_are_all_policies_of_feedback(plan: dict[str, Any], variant: str) -> None:
    prefix = f"module.{variant}.module.feedback."
    assert {name.removeprefix(prefix) for name in policies(plan) if name.startswith(prefix)} == {
        "module.function.aws_iam_role.this.assume_role_policy",
        "module.function.aws_iam_role_policy.this.policy",
        TOPIC,
        *queues(variant),
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_role_may_do_exactly_this(plan: dict[str, Any], variant: str) -> None:
    role = statements(plan, variant, "module.function.aws_iam_role_policy.this.policy", "Allow")
    assert allowed(role) == sorted(
        (resource, action) for resource, actions in permissions(variant).items() for action in actions
    )


def test_options_add_to_the_role_what_they_need_and_nothing_else(plan: dict[str, Any]) -> None:
    role = "module.function.aws_iam_role_policy.this.policy"
    found = allowed(statements(plan, "options", role, "Allow"))
    interfaces = arn("ec2", "network-interface/*")
    assert [each for each in found if each[1].startswith(("ec2:", "xray:"))] == sorted(
        [
            ("*", "ec2:DescribeNetworkInterfaces"),
            ("*", "ec2:DescribeSubnets"),
            (f"arn:aws:ec2:{REGION}:*:subnet/subnet-0a", "ec2:CreateNetworkInterface"),
            (f"arn:aws:ec2:{REGION}:*:security-group/sg-0b", "ec2:CreateNetworkInterface"),
            (interfaces, "ec2:CreateNetworkInterface"),
            (interfaces, "ec2:AssignPrivateIpAddresses"),
            (interfaces, "ec2:UnassignPrivateIpAddresses"),
            (arn("ec2", "*/*"), "ec2:DeleteNetworkInterface"),
            ("*", "xray:PutTelemetryRecords"),
            ("*", "xray:PutTraceSegments"),
        ]
    )
    others = [action for _, action in found if not action.startswith(("ec2:", "xray:"))]
    assert others == [action for _, action in allowed(statements(plan, "queue", role, "Allow"))]


def test_the_role_of_the_lookup_api_may_do_exactly_this(plan: dict[str, Any]) -> None:
    table = arn("dynamodb", "table/mailing")
    log = arn("logs", "log-group:/aws/lambda/mailing-lookup:log-stream:*")
    assert allowed(policies(plan)["module.lookup.module.function.aws_iam_role_policy.this.policy"]) == sorted(
        [
            *((table, f"dynamodb:{name}") for name in ("BatchGetItem", "PartiQLInsert", "PartiQLUpdate")),
            (f"{table}/index/suppressed-updatedAt", "dynamodb:Query"),
            (log, "logs:CreateLogStream"),
            (log, "logs:PutLogEvents"),
            (KEY, "kms:Decrypt"),
        ]
    )


def test_the_role_of_the_events_may_do_exactly_this(plan: dict[str, Any]) -> None:
    log = arn("logs", "log-group:/aws/lambda/mailing-changes:log-stream:*")
    assert allowed(policies(plan)["module.changes.module.function.aws_iam_role_policy.this.policy"]) == sorted(
        [
            *((STREAM, f"dynamodb:{name}") for name in ("DescribeStream", "GetRecords", "GetShardIterator")),
            (arn("dynamodb", "table/mailing/stream/*"), "dynamodb:ListStreams"),
            (arn("events", "event-bus/mailing-changes"), "events:PutEvents"),
            (arn("sqs", "mailing-changes-dead-letter"), "sqs:SendMessage"),
            (log, "logs:CreateLogStream"),
            (log, "logs:PutLogEvents"),
            (KEY, "kms:Decrypt"),
            (KEY, "kms:GenerateDataKey"),
        ]
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_lambda_may_take_the_role(plan: dict[str, Any], variant: str) -> None:
    (statement,) = statements(plan, variant, "module.function.aws_iam_role.this.assume_role_policy", "Allow")
    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_ses_of_this_account_may_publish(plan: dict[str, Any], variant: str) -> None:
    (statement,) = statements(plan, variant, TOPIC, "Allow")
    assert statement["Action"] == "sns:Publish"
    assert statement["Resource"] == arn("sns", f"{variant}-feedback")
    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    assert statement["Condition"].keys() == {"StringEquals", "ArnLike"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert statement["Condition"]["ArnLike"].keys() == {"aws:SourceArn"}
    assert listed(statement["Condition"]["ArnLike"]["aws:SourceArn"]) == [
        arn("ses", "configuration-set/*"),
        arn("ses", "identity/*"),
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_the_topic_may_send_to_the_queues(plan: dict[str, Any], variant: str) -> None:
    for attribute in queues(variant):
        (statement,) = statements(plan, variant, attribute, "Allow")
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Resource"] == THIS_QUEUE
        assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": arn("sns", f"{variant}-feedback")}}


@pytest.mark.parametrize("variant", VARIANTS)
def test_plain_text_is_denied_to_everybody(plan: dict[str, Any], variant: str) -> None:
    message_actions = [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
    ]
    expected = {TOPIC: (arn("sns", f"{variant}-feedback"), ["sns:Publish"])}
    expected |= dict.fromkeys(queues(variant), (THIS_QUEUE, message_actions))
    for attribute, (resource, actions) in expected.items():
        (statement,) = statements(plan, variant, attribute, "Deny")
        assert listed(statement["Action"]) == actions
        assert statement["Resource"] == resource
        assert statement["Principal"] in ("*", {"AWS": "*"})
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_the_topic_may_call_the_function(plan: dict[str, Any], variant: str) -> None:
    prefix = f"module.{variant}.module.feedback."
    granted = [
        resource["values"]
        for resource in resources(plan["planned_values"]["root_module"])
        if resource["address"].startswith(prefix) and resource["type"] == "aws_lambda_permission"
    ]
    if variant.startswith("queue"):
        assert granted == []
        return
    assert [(each["principal"], each["action"]) for each in granted] == [("sns.amazonaws.com", "lambda:InvokeFunction")]
    # The topic's ARN is not known before it exists, but where it comes from is.
    called = plan["configuration"]["root_module"]["module_calls"][variant]["module"]["module_calls"]["feedback"]
    (permission,) = [each for each in called["module"]["resources"] if each["type"] == "aws_lambda_permission"]
    assert permission["expressions"]["source_arn"]["references"] == ["local.topic_arn"]
