"""Changes of the delivery mode and of the index on a live stack that is encrypted with a customer's key.

ministack 1.5.33 stores the setting and encrypts nothing, so who may use the key is shown by the policies alone
(``tests/terraform/test_access.py``).
"""

import pytest

from support import ses
from support.deployed import Deployed
from support.eventually import eventually
from support.flowing import publishing

pytestmark = pytest.mark.xdist_group("encrypted")


def keys_of(deployed: Deployed) -> dict[str, str]:
    """Return the key that each resource is encrypted with."""
    outputs, emulator = deployed.outputs, deployed.emulator
    topic = emulator.client("sns").get_topic_attributes(TopicArn=outputs["topic_arn"])["Attributes"]
    urls = emulator.client("sqs").list_queues(QueueNamePrefix=deployed.stack.name)["QueueUrls"]
    queues = {
        url.rsplit("/", 1)[-1].removeprefix(f"{deployed.stack.name}-"): emulator.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["KmsMasterKeyId"]
        )["Attributes"]["KmsMasterKeyId"]
        for url in urls
    }
    table = emulator.client("dynamodb").describe_table(TableName=outputs["table_name"])["Table"]["SSEDescription"]
    (group,) = emulator.client("logs").describe_log_groups(logGroupNamePrefix=outputs["log_group_name"])["logGroups"]
    return {
        "topic": topic["KmsMasterKeyId"],
        "table": table["KMSMasterKeyArn"],
        "log group": group["kmsKeyId"],
        **queues,
    }


def test_a_change_of_delivery_and_back_loses_nothing(encrypted: Deployed, kms_key: str) -> None:
    """By way of ``both``, in two applies each way; the queue goes by itself, when it is empty."""
    stack, with_key = encrypted.stack, {"topic", "table", "log group", "feedback-dead-letter"}
    assert keys_of(encrypted) == dict.fromkeys(with_key, kms_key)
    assert stack.drift() == []
    with publishing(encrypted.emulator, encrypted.outputs["topic_arn"]) as addresses:
        for change in (
            {"delivery": "both"},
            {"delivery": "queue"},
            {"delivery": "both", "queue": {"keep": True}},
            {"delivery": "direct"},
            {"queue": {"keep": False}},
        ):
            stack.change(change)
            has_queue = change.get("queue") != {"keep": False}
            assert keys_of(encrypted) == dict.fromkeys(with_key | ({"feedback"} if has_queue else set()), kms_key)
            addresses.wait_for_more(8)

    assert len(addresses) > 40
    eventually(lambda: set(encrypted.states(*addresses).values()), {"disable"})
    assert stack.drift() == []


def test_the_index_goes_and_comes_back_filled(encrypted: Deployed) -> None:
    stack, name = encrypted.stack, encrypted.outputs["table_name"]
    dynamodb = encrypted.emulator.client("dynamodb")
    addresses = ses.fresh("a"), ses.fresh("b")
    for address, index in zip(addresses, (False, True), strict=True):
        stack.change({"table": {"index": index}})
        assert stack.drift() == []
        assert bool(dynamodb.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes")) is index
        encrypted.publish(ses.text(ses.complaint(address)))
        eventually(lambda address=address: encrypted.states(address), {address: "disable"})  # type: ignore[misc]  # mypy takes no type from a default

    listed = dynamodb.query(
        TableName=name,
        IndexName="suppressed-updatedAt",
        KeyConditionExpression="suppressed = :disable",
        ExpressionAttributeValues={":disable": {"S": "disable"}},
    )["Items"]
    assert {item["UserId"]["S"] for item in listed} >= set(addresses)
