"""An applied stack as its users reach it, and how tests that share one call it."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from harness.emulator import Emulator
from harness.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

# Of a call's time half is for its work, which is enough on a busy machine. A message that fails all the same comes back
# after 6 x 10 s; a test that waits for that shortens it (see ``quick_redelivery``).
QUICK = {
    "function": {"timeout_seconds": 10},
    "queue": {"batch_size": 10, "batching_window_seconds": 0, "max_receive_count": 3},
}
# All other modules as they come.
MODULES: Mapping[str, Any] = {"lookup": {}, "monitoring": {}, "changes": {}}

OF_SES = ("module.ses[0].aws_sesv2_email_identity.this", "module.ses[0].aws_sesv2_configuration_set.this")
"""How the addresses of what module ses creates end, without the key."""


@contextmanager
def released(stack: Stack) -> Iterator[None]:
    """Take from Terraform what module ses created, which it protects; delete it after the ``with`` block."""
    addresses = [
        each for each in stack.run("state", "list").splitlines() if re.sub(r"\[[^]]*\]$", "", each).endswith(OF_SES)
    ]
    if addresses:
        stack.run("state", "rm", *addresses)
    yield
    for address in addresses:
        name = address.split('"')[-2]
        if "identity" in address:
            stack.emulator.client("sesv2").delete_email_identity(EmailIdentity=name)
        else:
            stack.emulator.client("sesv2").delete_configuration_set(ConfigurationSetName=name)


def taken(sqs: "SQSClient", url: str) -> list[str]:
    """Return and delete all messages of a queue."""
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for each in messages:
            bodies.append(each["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return bodies


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

    def dead_letters(self, queue: str = "dead_letter_queue_url") -> list[Any]:
        """Return all messages in a dead-letter queue, which an output names; they stay there for others to see."""
        sqs, url = self.sqs, self.outputs[queue]
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

    def log(self, group: str = "log_group_name") -> list[str]:
        """Return every line in the log of a function, which an output names."""
        logs = self.emulator.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=self.outputs[group])
        return [event["message"] for page in pages for event in page["events"]]
