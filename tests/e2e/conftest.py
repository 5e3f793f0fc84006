"""The real Terraform root, applied once in each delivery mode to one emulator, side by side; and other stacks."""

import json
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from harness import paths, run_folder
from harness.emulator import Emulator, running
from harness.stack import Stack, applied

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

MODES = ("queue", "direct")
EXAMPLE = "complete"
"""The group of the tests that use the example; with an emulator and a stack of their own they need not wait."""
AROUND = "around"
"""The same, of those that change what stands around the pipeline."""
ENCRYPTED = "encrypted"
"""The same, of those that use the stack with a customer's key."""
CHANGES = "changes"
"""The same, of those that change a stack as a platform team does."""
ADOPTED = "adopted"
"""The same, of those that take over what exists."""
DOCTOR = "doctor"
"""The same, of those that look at stacks made without Terraform."""
LEAVING = "leaving"
"""The same, of those that destroy stacks."""
UPGRADE = "upgrade"
"""The same, of those that upgrade stacks of earlier commits."""

# Of a call's time half is for its work, which is enough on a busy machine. A message that fails all the same comes back
# after 6 x 10 s; a test that waits for that shortens it (see ``quick_redelivery``).
QUICK = {
    "function": {"timeout_seconds": 10},
    "queue": {"batch_size": 10, "batching_window_seconds": 0, "max_receive_count": 3},
}


# All other modules as they come.
MODULES: Mapping[str, Any] = {"lookup": {}, "monitoring": {}, "changes": {}}


OF_SES = ("module.ses[0].aws_sesv2_email_identity.this", "module.ses[0].aws_sesv2_configuration_set.this")
"""Addresses of what module ses creates."""


def ses_of(mode: str) -> Mapping[str, Any]:
    """Return what module ses creates and points at the topic; an identity has one topic, so each stack its own."""
    quiet = {"create": True, "delivery": False, "original_headers": True, "email_forwarding": False}
    return {
        "identities": {f"{mode}.example": {"create": True}, f"quiet@{mode}.example": quiet},
        "configuration_sets": {mode: {"create": True}},
    }


@contextmanager
def released(stack: Stack) -> Iterator[None]:
    """Take from Terraform what module ses created, which it protects; delete it after the ``with`` block."""
    addresses = [each for each in stack.run("state", "list").splitlines() if each.startswith(OF_SES)]
    if addresses:
        stack.run("state", "rm", *addresses)
    yield
    for address in addresses:
        name = address.split('"')[1]
        if "identity" in address:
            stack.emulator.client("sesv2").delete_email_identity(EmailIdentity=name)
        else:
            stack.emulator.client("sesv2").delete_configuration_set(ConfigurationSetName=name)


@dataclass(frozen=True)
class Deployed:
    """One applied stack, as its users reach it."""

    stack: Stack

    @property
    def dynamodb(self) -> "DynamoDBClient":
        return self.emulator.client("dynamodb")

    @property
    def lambda_(self) -> "LambdaClient":
        return self.emulator.client("lambda")

    @property
    def logs(self) -> "CloudWatchLogsClient":
        return self.emulator.client("logs")

    @property
    def sns(self) -> "SNSClient":
        return self.emulator.client("sns")

    @property
    def sqs(self) -> "SQSClient":
        return self.emulator.client("sqs")

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.stack.outputs

    @property
    def mode(self) -> str:
        return "direct" if self.outputs.get("queue_url") is None else "queue"

    @property
    def emulator(self) -> Emulator:
        return self.stack.emulator

    def publish(self, *messages: str) -> None:
        """Publish messages to the topic, in order."""
        for message in messages:
            self.sns.publish(TopicArn=self.outputs["topic_arn"], Message=message)

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Call the function with an event and return its answer."""
        answer = self.lambda_.invoke(FunctionName=self.outputs["function_name"], Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    def item(self, address: str) -> dict[str, Any] | None:
        """Return an address's item as plain Python, or None."""
        answer = self.dynamodb.get_item(
            TableName=self.outputs["table_name"], Key={"UserId": {"S": address}}, ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        return {name: TypeDeserializer().deserialize(value) for name, value in answer["Item"].items()}

    def states(self, *addresses: str) -> dict[str, str | None]:
        """Return the state of each address, None where there is no item."""
        items = {address: self.item(address) for address in addresses}
        return {address: item["state"] if item else None for address, item in items.items()}

    def dead_letters(self) -> list[Any]:
        """Return all messages in the dead-letter queue, which stay there for others to see."""
        sqs, url = self.sqs, self.outputs["dead_letter_queue_url"]
        found: dict[str, Any] = {}
        # Hidden meanwhile, so that each call gives others than those before; the first that gives no other is the last.
        while new := {
            message["MessageId"]: message
            for message in sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=600,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            if message["MessageId"] not in found
        }:
            found |= new
        for message in found.values():
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
        return list(found.values())

    @contextmanager
    def quick_redelivery(self, tries: int) -> Iterator[None]:
        """Let the queue give a message again after a second, so often, for a ``with`` block."""
        sqs, url = self.sqs, self.outputs["queue_url"]
        held: Any = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout", "RedrivePolicy"])[
            "Attributes"
        ]
        redrive = json.dumps({**json.loads(held["RedrivePolicy"]), "maxReceiveCount": tries})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1", "RedrivePolicy": redrive})
        try:
            yield
        finally:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=held)

    def log(self) -> list[str]:
        """Return every line that the function has logged."""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=self.outputs["log_group_name"])
        return [event["message"] for page in pages for event in page["events"]]


# Of the package, not the session: what is to be destroyed is while other processes still test.
@pytest.fixture(scope="package")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    # Where the next run finds what is left of this one if it is killed.
    with run_folder.kept_on_failure("e2e") as folder:
        with running(None, folder) as started:
            yield started
        log = folder / "emulator.log"
        if log.exists():  # one at a URL keeps its own
            shutil.copy(log, tmp_path_factory.mktemp("emulator"))


@pytest.fixture(scope="package")
def embedded(emulator: Emulator) -> Emulator:
    """The embedded emulator, for stacks that show what Terraform does: that is the same on each, and takes minutes."""
    if not emulator.simulates_ses:
        pytest.skip("what Terraform does is the same on each emulator: `make test` shows it on the embedded one")
    return emulator


@pytest.fixture(scope="package")
def deployments(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Deployed]]:
    """The root in both modes at once: most of an apply's time is the provider waiting for SQS."""
    root = {**QUICK, **MODULES}
    # Here: pytest makes the folder above them when it makes the first, and two threads would do it twice.
    folders = {mode: tmp_path_factory.mktemp(mode) for mode in MODES}
    with ThreadPoolExecutor(len(MODES)) as pool:

        def apply(mode: str) -> tuple[Any, Stack]:
            # LocalStack 4.14.0 lacks the API (v2) that module ses is made of.
            ses = {"ses": ses_of(mode)} if emulator.simulates_ses else {}
            queue = {**QUICK["queue"], "keep": mode == "queue"}
            variables = {**root, **ses, "delivery": mode, "queue": queue}
            context = applied(emulator, variables, folders[mode])
            return context, context.__enter__()

        entered = dict(zip(MODES, pool.map(apply, MODES), strict=True))
        try:
            yield {mode: Deployed(stack) for mode, (_, stack) in entered.items()}
        finally:

            def destroy(context: Any, stack: Stack) -> None:
                with released(stack):
                    context.__exit__(None, None, None)

            list(pool.map(lambda each: destroy(*each), entered.values()))
        left = {mode: stack.leftovers() for mode, (_, stack) in entered.items()}
        assert left == {mode: [] for mode in MODES}, "destroy left something behind"


@pytest.fixture(params=MODES)
def deployed(request: pytest.FixtureRequest, deployments: Mapping[str, Deployed]) -> Deployed:
    """A stack in each delivery mode."""
    return deployments[request.param]


@pytest.fixture(scope="package")
def example(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    if not emulator.simulates_ses:
        pytest.skip("this emulator lacks version 2 of SES, which the example uses")
    variables = {"domain": f"{EXAMPLE}.example", "deletion_protection": False}
    folder = tmp_path_factory.mktemp(EXAMPLE)
    with applied(emulator, variables, folder, paths.TERRAFORM / "examples" / EXAMPLE) as stack:
        yield Deployed(stack)
    assert stack.leftovers() == []


@pytest.fixture(scope="package")
def kms_key(emulator: Emulator) -> str:
    """ARN of a customer's key."""
    arn: str = emulator.client("kms").create_key(Description="customer's")["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture(scope="package")
def encrypted(emulator: Emulator, kms_key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack in direct mode, encrypted with a customer's key; whoever changes its mode changes it back."""
    queue = {**QUICK["queue"], "keep": False}
    variables = {**QUICK, "delivery": "direct", "queue": queue, "kms_key_arn": kms_key}
    with applied(emulator, variables, tmp_path_factory.mktemp(ENCRYPTED)) as stack:
        # As the output asks: its statements beside the customer's own, before the topic is used.
        policy = json.loads(stack.outputs["kms_key_policy"])
        administers = {"AWS": f"arn:aws:iam::{kms_key.split(':')[4]}:root"}
        own = {"Sid": "Own", "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": administers}
        policy["Statement"].append(own)
        emulator.client("kms").put_key_policy(KeyId=kms_key, PolicyName="default", Policy=json.dumps(policy))
        yield Deployed(stack)
    assert stack.leftovers() == []


@pytest.fixture
def queue_mode(deployments: Mapping[str, Deployed]) -> Deployed:
    return deployments["queue"]


@pytest.fixture
def direct_mode(deployments: Mapping[str, Deployed]) -> Deployed:
    return deployments["direct"]


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one worker process, so that the stacks are applied once; a test may have another group."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("e2e"))
