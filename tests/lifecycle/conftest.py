"""What Terraform does to live stacks. That is the same on each emulator, so it runs on the embedded one alone."""

import json
from collections.abc import Iterator

import pytest

from harness.emulator import Emulator, running
from harness.stack import applied
from support.deployed import QUICK, Deployed


@pytest.fixture(scope="package")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running("embedded", tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture(scope="package")
def kms_key(embedded: Emulator) -> str:
    """ARN of a customer's key."""
    arn: str = embedded.client("kms").create_key(Description="customer's")["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture(scope="package")
def encrypted(embedded: Emulator, kms_key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack in direct mode, encrypted with a customer's key; whoever changes its mode changes it back."""
    queue = {**QUICK["queue"], "keep": False}
    variables = {**QUICK, "delivery": "direct", "queue": queue, "kms_key_arn": kms_key}
    with applied(embedded, variables, tmp_path_factory.mktemp("encrypted")) as stack:
        # As the output asks: its statements beside the customer's own, before the topic is used.
        policy = json.loads(stack.outputs["kms_key_policy"])
        administers = {"AWS": f"arn:aws:iam::{kms_key.split(':')[4]}:root"}
        own = {"Sid": "Own", "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": administers}
        policy["Statement"].append(own)
        embedded.client("kms").put_key_policy(KeyId=kms_key, PolicyName="default", Policy=json.dumps(policy))
        yield Deployed(stack)
    assert stack.leftovers() == []
