"""What Terraform does to live stacks. That is the same on each emulator, so it runs on the embedded one alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from harness.emulator import Emulator, running
from harness.stack import Stack, applied
from support import warm
from support.deployed import QUICK, Deployed, released

OWNED, OWNED_SET = "whole.example", "whole"
OF_WHOLE = {
    "identities": {OWNED: {"create": True, "email_forwarding": False}},
    "configuration_sets": {OWNED_SET: {"create": True}},
}
"""What the root with all modules creates in SES."""


@pytest.fixture(scope="package")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running("embedded", tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture(scope="package")
def kms_key(embedded: Emulator) -> str:
    """ARN of a customer's key."""
    arn: str = embedded.client("kms").create_key(Description="customer's")["KeyMetadata"]["Arn"]
    return arn


@contextmanager
def warmed(stack: Stack) -> Iterator[Deployed]:
    """Give a stack whose commands share a provider that runs already, for a ``with`` block."""
    with warm.provider(stack.terraform, stack.folder, stack.emulator.environment()) as environment:
        yield Deployed(replace(stack, environment=environment))


@pytest.fixture(scope="package")
def encrypted(embedded: Emulator, kms_key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack in direct mode, encrypted with a customer's key; a test that changes its mode changes it back."""
    queue = {**QUICK["queue"], "keep": False}
    variables = {**QUICK, "delivery": "direct", "queue": queue, "kms_key_arn": kms_key}
    with applied(embedded, variables, tmp_path_factory.mktemp("encrypted")) as stack, warmed(stack) as deployed:
        # As the output asks: its statements beside the customer's own, before the topic is used.
        policy = json.loads(stack.outputs["kms_key_policy"])
        administers = {"AWS": f"arn:aws:iam::{kms_key.split(':')[4]}:root"}
        own = {"Sid": "Own", "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": administers}
        policy["Statement"].append(own)
        embedded.client("kms").put_key_policy(KeyId=kms_key, PolicyName="default", Policy=json.dumps(policy))
        yield deployed
    assert stack.leftovers() == []


@pytest.fixture(scope="package")
def whole(embedded: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The root with all modules, both ways of delivery and all options; a test that changes it changes it back."""
    variables = {
        **QUICK,
        "delivery": "both",
        "ses": OF_WHOLE,
        "lookup": {"access_logs": True},
        "changes": {"bus": {"create": True}},
        "monitoring": {},
    }
    with applied(embedded, variables, tmp_path_factory.mktemp("whole")) as stack, warmed(stack) as deployed:
        yield deployed
        # Without what it protects, which destroy would refuse.
        with released(stack):
            pass
    assert stack.leftovers() == []
