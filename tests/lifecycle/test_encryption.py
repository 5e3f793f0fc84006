"""A customer's KMS key: everything is encrypted with it, and works.

ministack 1.5.33 stores the setting and encrypts nothing, so who may use the key is shown by the policies alone
(``tests/terraform/test_access.py``).
"""

import pytest

from support import ses
from support.deployed import Deployed
from support.eventually import eventually

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


def test_everything_is_encrypted_with_the_key(encrypted: Deployed, kms_key: str) -> None:
    expected = ("topic", "table", "log group", "feedback-dead-letter")
    assert keys_of(encrypted) == dict.fromkeys(expected, kms_key)


def test_feedback_comes_through(encrypted: Deployed) -> None:
    address = ses.fresh("a")
    encrypted.publish(ses.text(ses.complaint(address)))
    eventually(lambda: encrypted.states(address), {address: "disable"})
    eventually(lambda: any("complaint:abuse" in line for line in encrypted.log()), expected=True)


def test_the_key_causes_no_drift(encrypted: Deployed) -> None:
    assert encrypted.stack.drift() == []
