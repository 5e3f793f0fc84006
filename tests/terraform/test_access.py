"""Who gets in: the rendered policies of the real plan, put to ministack's evaluator of policies, request by request.

It stands in for what the emulator does not enforce (``tests/e2e/test_permissions.py`` tries what it does): Lambda's use
of the function's role, and what SES, SNS and strangers may do with the topic and the queues. The modules' own tests
compare each statement.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import botocore.session
import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, evaluate_resource_policy, parse_policy_document

from harness import paths
from harness.emulator import REGION
from support.iam import SOMEONE, request

from .conftest import ACCOUNT, KEY, STREAM, VARIANTS

pytestmark = pytest.mark.xdist_group("terraform-policies")

FOREIGN = "999999999999"
MINE, THEIRS = SOMEONE, SOMEONE.replace(ACCOUNT, FOREIGN)
# Actions that are no operations (Amazon DynamoDB Developer Guide, "IAM security policies with PartiQL for DynamoDB").
MORE_ACTIONS = {"dynamodb": ["PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"]}
SERVICES = (
    *("dynamodb", "dynamodbstreams", "events", "iam", "kms", "lambda"),
    *("logs", "s3", "secretsmanager", "ses", "sns", "sqs", "sts"),
)
# What AWS gives no resource for, and what is denied; modules/function says why.
ON_ALL_RESOURCES = {"AllowDescribeNetwork", "AllowSendTraces", "DenyNetworkToCode"}


def resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


def policies(plan: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the statements of each policy in a plan, by the address and name of the attribute that holds it."""
    return {
        f"{resource['address']}.{name}": json.loads(value)["Statement"]
        for resource in resources(plan["planned_values"]["root_module"])
        for name, value in resource.get("values", {}).items()
        if isinstance(value, str) and value.startswith("{") and "Statement" in json.loads(value)
    }


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def decision(statements: list[Any], service: str | None, asked: EvalContext) -> str:
    """Return what a resource's policy says of a request by a service, or by the request's principal."""
    return str(evaluate_resource_policy({"Statement": statements}, asked, service=service).decision)


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


def needed(role: str) -> set[tuple[str, str]]:
    """Return what a function's role must be able to do, as (action, ARN).

    Of the queue: AWS Lambda Developer Guide, "Configuring an SQS event source: execution role permissions". Of the
    destination: "Capturing records of Lambda asynchronous invocations". Of logs: "Sending Lambda function logs to
    CloudWatch Logs". Of a stream: "Process DynamoDB records with Lambda". Of keys: Amazon SQS Developer Guide, "Key
    management".
    """
    name = f"{role}-feedback" if role in VARIANTS else f"mailing-{role}"
    log = arn("logs", f"log-group:/aws/lambda/{name}:log-stream:2026/03")
    found = {(action, log) for action in ("logs:CreateLogStream", "logs:PutLogEvents")}
    if role == "changes":
        found |= {(f"dynamodb:{each}", STREAM) for each in ("DescribeStream", "GetRecords", "GetShardIterator")}
        # Which streams a table has had is all that one of its streams tells of another.
        found |= {("dynamodb:ListStreams", each) for each in (STREAM, STREAM.replace("12:00", "13:00"))}
        found.add(("events:PutEvents", arn("events", "event-bus/mailing-changes")))
    else:
        table = arn("dynamodb", f"table/{role if role in VARIANTS else 'mailing'}")
        found |= {(f"dynamodb:{each}", table) for each in ("BatchGetItem", "PartiQLInsert", "PartiQLUpdate")}
    if role == "lookup":
        found.add(("dynamodb:Query", f"{table}/index/suppressed-updatedAt"))
    if role.startswith("queue"):
        takes = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        found |= {(f"sqs:{each}", arn("sqs", name)) for each in takes}
    if sends := role.startswith(("direct", "changes")):
        found.add(("sqs:SendMessage", arn("sqs", f"{name}-dead-letter")))
    if role.endswith("with_key") or role not in VARIANTS:
        found.add(("kms:Decrypt", KEY))
        found |= {("kms:GenerateDataKey", KEY)} if sends else set()
    return found


def actions() -> Iterator[tuple[str, str]]:
    """Yield a service and an action for every action of a few services."""
    session = botocore.session.get_session()
    for service in SERVICES:
        model = session.get_service_model(service)
        for operation in [*model.operation_names, *MORE_ACTIONS.get(service, [])]:
            yield model.signing_name, f"{model.signing_name}:{operation}"


def around(named: Iterable[str], stack: str, function: str) -> set[str]:
    """Return ARNs, all else that a stack has, and the same of another stack."""
    of_stack = {
        *named,
        KEY,
        arn("dynamodb", f"table/{stack}"),
        arn("dynamodb", f"table/{stack}/index/suppressed-updatedAt"),
        arn("events", "event-bus/default"),
        arn("lambda", f"function:{function}"),
        *(arn("logs", f"log-group:/aws/lambda/{function}{rest}") for rest in ("", ":*")),
        arn("sns", function),
        *(arn("sqs", f"{function}{rest}") for rest in ("", "-dead-letter")),
    }
    return of_stack | {each.replace(stack, "another").replace("key/1", "key/2") for each in of_stack}


@pytest.mark.parametrize("role", [*VARIANTS, "lookup", "changes"])
def test_a_role_suffices_and_allows_nothing_else(plan: dict[str, Any], role: str) -> None:
    module = f"module.{role}.module.feedback" if role in VARIANTS else f"module.{role}"
    stack, function = (role, f"{role}-feedback") if role in VARIANTS else ("mailing", f"mailing-{role}")
    found = policies(plan)[f"{module}.module.function.aws_iam_role_policy.this.policy"]
    parsed = parse_policy_document({"Statement": found})
    known = around({each for _, each in needed(role)}, stack, function)
    assert needed(role) == {
        (action, resource)
        for service, action in actions()
        for resource in [*(each for each in known if each.split(":")[2] == service), "*"]
        if evaluate(request(action, resource), [parsed]).decision == "Allow"
    }


TOPIC = "module.queue.module.feedback.module.topic[0].aws_sns_topic_policy.this.policy"
SES, SNS = "ses.amazonaws.com", "sns.amazonaws.com"
IDENTITY = arn("ses", "identity/example.com")


def said(account: str, source: str) -> dict[str, str]:
    """Return the condition keys that a service sets when it acts for a resource of an account."""
    return {"aws:SourceAccount": account, "aws:SourceArn": source}


PUBLISHERS: dict[str, tuple[str | None, str, dict[str, str]]] = {
    "an identity": (SES, MINE, said(ACCOUNT, IDENTITY)),
    "a configuration set": (SES, MINE, said(ACCOUNT, arn("ses", "configuration-set/default"))),
    "SES of another account": (SES, MINE, said(FOREIGN, IDENTITY.replace(ACCOUNT, FOREIGN))),
    "SES of another account, for an identity of ours": (SES, MINE, said(FOREIGN, IDENTITY)),
    "SES for an identity of another account": (SES, MINE, said(ACCOUNT, IDENTITY.replace(ACCOUNT, FOREIGN))),
    "SES of another region": (SES, MINE, said(ACCOUNT, IDENTITY.replace(REGION, "eu-west-3"))),
    "SES for something else": (SES, MINE, said(ACCOUNT, arn("ses", "template/x"))),
    "SES that does not say for whom": (SES, MINE, {}),
    "another service": ("events.amazonaws.com", MINE, said(ACCOUNT, IDENTITY)),
    "a stranger": (None, THEIRS, {}),
    "a stranger who says what SES says": (None, THEIRS, said(ACCOUNT, IDENTITY)),
    "a user without a policy": (None, MINE, {}),
}


@pytest.mark.parametrize("who", PUBLISHERS)
def test_who_may_publish(plan: dict[str, Any], who: str) -> None:
    service, principal, keys = PUBLISHERS[who]
    asked = request("sns:Publish", arn("sns", "queue-feedback"), keys, principal)
    expected = "Allow" if who in {"an identity", "a configuration set"} else "ImplicitDeny"
    assert decision(policies(plan)[TOPIC], service, asked) == expected


QUEUES = {
    "module.queue.module.feedback.aws_sqs_queue.this[0].policy": arn("sqs", "queue-feedback"),
    "module.queue.module.feedback.aws_sqs_queue.dead_letter.policy": arn("sqs", "queue-feedback-dead-letter"),
}


@pytest.mark.parametrize("address", QUEUES)
def test_who_may_send_to_the_queues(plan: dict[str, Any], address: str) -> None:
    def asked(service: str | None, source: str = "", action: str = "sqs:SendMessage", principal: str = MINE) -> str:
        keys = {"aws:SourceArn": source} if source else {}
        return decision(policies(plan)[address], service, request(action, QUEUES[address], keys, principal))

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
        (address, queue, f"sqs:{name}")
        for address, queue in QUEUES.items()
        for name in ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility")
    ]
    for address, resource, action in cases:
        asked = request(action, resource, principal=principal, tls=False)
        assert decision(policies(plan)[address], None, asked) == "Deny"


@pytest.mark.parametrize("variant", ["queue_with_key", "direct_with_key"])
def test_who_may_use_the_key(plan: dict[str, Any], variant: str) -> None:
    """The statements that the module gives for a customer's key policy."""
    (found,) = [
        resource["values"]["json"]
        for resource in resources(plan["prior_state"]["values"]["root_module"])
        if resource["address"] == f"module.{variant}.module.feedback.data.aws_iam_policy_document.key"
    ]
    every = [*botocore.session.get_session().get_service_model("kms").operation_names, "ReEncryptFrom", "ReEncryptTo"]

    def allowed(service: str | None, keys: Mapping[str, str]) -> set[str]:
        asked = {action: request(f"kms:{action}", KEY, keys) for action in every}
        return {each for each in every if decision(json.loads(found)["Statement"], service, asked[each]) == "Allow"}

    ses = said(ACCOUNT, IDENTITY)
    topic = {"aws:SourceArn": arn("sns", f"{variant}-feedback")}
    group = {"kms:EncryptionContext:aws:logs:arn": arn("logs", f"log-group:/aws/lambda/{variant}-feedback")}
    logs = f"logs.{REGION}.amazonaws.com"
    used = {"Decrypt", "GenerateDataKey"}
    assert allowed(SES, ses) == allowed(SNS, topic) == used
    assert allowed(logs, group) == used | {"DescribeKey", "Encrypt", "ReEncryptFrom", "ReEncryptTo"}
    for service, keys in (
        (SES, {**ses, "aws:SourceAccount": FOREIGN}),
        (SES, {}),
        (SNS, {"aws:SourceArn": arn("sns", "another").replace(ACCOUNT, FOREIGN)}),
        (logs, {name: value.replace(ACCOUNT, FOREIGN) for name, value in group.items()}),
        (None, {}),
        ("lambda.amazonaws.com", ses),
    ):
        assert allowed(service, keys) == set()
