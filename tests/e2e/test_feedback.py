"""The whole chain: SNS, SQS or not, the real zip in a Lambda function under its own role, DynamoDB."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from harness.stack import Stack
from support import ses
from support.deployed import Deployed
from support.eventually import eventually


def texts(*messages: ses.Message) -> list[str]:
    return [ses.text(message) for message in messages]


def bodies(deployed: Deployed) -> list[str]:
    return [message["Body"] for message in deployed.dead_letters()]


def test_each_kind_of_feedback_marks_each_of_its_recipients(deployed: Deployed) -> None:
    bounced, bounced_too, complained, delivered, delivered_too, doubtful, left = map(ses.fresh, "abcdefg")

    deployed.publish(
        *texts(
            ses.bounce(bounced, bounced_too),
            ses.complaint(complained),
            ses.delivery(delivered, delivered_too),
            ses.bounce(doubtful, kind="Undetermined", subtype="Undetermined"),
            ses.subscription(left),
        )
    )

    eventually(
        lambda: deployed.states(bounced, bounced_too, complained, delivered, delivered_too, doubtful, left),
        {
            bounced: "disable",
            bounced_too: "disable",
            complained: "disable",
            delivered: "enable",
            delivered_too: "enable",
            doubtful: "review",
            left: "disable",
        },
    )
    item = deployed.item(complained)
    assert item is not None
    assert (item["reason"], item["notificationType"], item["from"]) == ("complaint:abuse", "Complaint", ses.SENDER)
    assert item["timestamp"] == ses.AT
    assert item["suppressed"] == "disable"


def test_malformed_feedback_ends_whole_in_the_dead_letter_queue_and_its_neighbours_do_not(queue_mode: Deployed) -> None:
    before, after = map(ses.fresh, "ab")
    message = json.dumps({"notificationType": "Bounce", "mark": uuid.uuid4().hex})

    with queue_mode.quick_redelivery(tries=2):
        queue_mode.publish(*texts(ses.delivery(before)), message, *texts(ses.delivery(after)))

        eventually(lambda: queue_mode.states(before, after), {before: "enable", after: "enable"})
        eventually(lambda: message in bodies(queue_mode))


def test_feedback_that_fails_in_every_try_ends_whole_in_the_dead_letter_queue(direct_mode: Deployed) -> None:
    good = ses.fresh("a")
    malformed = json.dumps({"notificationType": "Bounce", "mark": uuid.uuid4().hex})

    direct_mode.publish(malformed, *texts(ses.delivery(good)))

    eventually(lambda: direct_mode.states(good), {good: "enable"})
    eventually(
        lambda: [
            (body["requestContext"]["condition"], body["requestContext"]["approximateInvokeCount"])
            for body in map(json.loads, bodies(direct_mode))
            if malformed in (record["Sns"]["Message"] for record in body.get("requestPayload", {}).get("Records", []))
        ],
        expected=[("RetriesExhausted", 3)],
    )


@contextmanager
def out_of_reach(deployed: Deployed) -> Iterator[None]:
    """Keep SNS from calling the function: without its permission, or without the function where none is asked for."""
    client, name = deployed.lambda_, deployed.outputs["function_name"]
    if not deployed.emulator.enforces_iam:
        client.delete_function(FunctionName=name)
        try:
            yield
        finally:
            deployed.stack.apply()
        return
    (permission,) = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]
    client.remove_permission(FunctionName=name, StatementId=permission["Sid"])
    try:
        yield
    finally:
        client.add_permission(
            FunctionName=name,
            StatementId=permission["Sid"],
            Action=permission["Action"],
            Principal=permission["Principal"]["Service"],
            SourceArn=deployed.outputs["topic_arn"],
        )


def test_feedback_that_sns_can_not_hand_over_ends_in_the_dead_letter_queue(direct_mode: Deployed) -> None:
    message = ses.text(ses.delivery(ses.fresh("a")))
    with out_of_reach(direct_mode):
        direct_mode.publish(message)

        eventually(lambda: message in [json.loads(body).get("Message") for body in bodies(direct_mode)], expected=True)


def test_the_log_tells_of_changes_and_has_the_metrics(deployed: Deployed) -> None:
    address = ses.fresh("private")
    deployed.publish(*texts(ses.complaint(address)))
    eventually(lambda: deployed.states(address), {address: "disable"})

    def lines() -> list[Mapping[str, Any]]:
        return [json.loads(line) for line in deployed.log() if line.startswith("{")]

    def changes() -> list[str]:
        return [each["reason"] for each in lines() if each.get("address") == "p***@example.com" and "reason" in each]

    eventually(lambda: "complaint:abuse" in changes())
    metrics = [each["_aws"]["CloudWatchMetrics"] for each in lines() if "_aws" in each]
    assert {each["Namespace"] for found in metrics for each in found} == {"HealthyMailing"}


@pytest.mark.needs("large_batches")
def test_a_function_gets_more_messages_of_the_queue_at_once_than_sqs_hands_out(queue_mode: Deployed) -> None:
    addresses = [ses.fresh("batch") for _ in range(40)]
    queue_mode.publish(*texts(*(ses.bounce(each) for each in addresses)))
    eventually(lambda: set(queue_mode.states(*addresses).values()), {"disable"})

    def most() -> int:
        return max((json.loads(line).get("HardBounces", 0) for line in queue_mode.log() if '"_aws"' in line), default=0)

    eventually(lambda: most() > 10)


def test_a_second_plan_shows_no_drift(configuration: Stack) -> None:
    assert configuration.drift() == []
