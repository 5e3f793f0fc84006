"""Changes of the delivery mode and of the index on a live stack."""

import pytest

from support import ses
from support.deployed import Deployed
from support.eventually import eventually
from support.flowing import publishing

from .test_encryption import keys_of

pytestmark = pytest.mark.xdist_group("encrypted")


def test_a_change_of_delivery_and_back_loses_nothing(encrypted: Deployed, kms_key: str) -> None:
    """By way of ``both``, in two applies each way; the queue goes by itself, when it is empty."""
    stack = encrypted.stack
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
            assert keys_of(encrypted).get("feedback") == (kms_key if has_queue else None)
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
