"""What companies demand, on a live stack: a role with a boundary and a path, tracing, addresses that expire."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import pytest

from harness.emulator import Emulator
from harness.errors import HarnessError
from harness.stack import Stack
from support import ses
from support.deployed import Deployed
from support.eventually import eventually
from support.iam import user

pytestmark = pytest.mark.xdist_group("encrypted")

PATH = "/team/mail/"
NO_OPTIONS = {"permissions_boundary": None, "role_path": "/", "tracing": False}


@dataclass(frozen=True)
class AsUser(Emulator):
    """The emulator, as an IAM user reaches it."""

    keys: tuple[str, str] = ("", "")

    def environment(self) -> dict[str, str]:
        access, secret = self.keys
        return {**super().environment(), "AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}


@contextmanager
def boundary(emulator: Emulator) -> Iterator[str]:
    """Create a policy that allows what the function needs, and give its ARN."""
    iam = emulator.client("iam")
    services = ["dynamodb:*", "kms:*", "logs:*", "sqs:*", "xray:*"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": services, "Resource": "*"}]}
    name = ses.fresh("boundary").partition("@")[0]
    arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
    try:
        yield arn
    finally:
        iam.delete_policy(PolicyArn=arn)


@contextmanager
def deployer(stack: Stack, *statements: Mapping[str, Any]) -> Iterator[Stack]:
    """Give the stack as a user works with it who may do everything but what statements deny."""
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    with user(stack.emulator, allowed, *map(dict, statements)) as session:
        found = session.get_credentials()
        assert found
        emulator = {each.name: getattr(stack.emulator, each.name) for each in fields(Emulator)}
        keys = (found.access_key, found.secret_key)
        yield Stack(AsUser(**emulator, keys=keys), stack.name, stack.folder, stack.terraform, stack.outputs)


def works(deployed: Deployed) -> bool:
    """Publish a complaint and wait until the table has it."""
    address = ses.fresh("a")
    deployed.publish(ses.text(ses.complaint(address)))
    eventually(lambda: deployed.states(address), {address: "disable"})
    return True


def test_a_deployer_who_must_set_boundary_and_path_can(encrypted: Deployed) -> None:
    """Roles may only be created with the boundary, and below a path: as company policies demand.

    Another path means another role, which takes the old one's place on the live stack.
    """
    iam, stack = encrypted.emulator.client("iam"), encrypted.stack
    with boundary(encrypted.emulator) as bound:
        denied = {"Effect": "Deny", "Action": "iam:CreateRole"}
        unless_bound = {**denied, "Resource": "*", "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": bound}}}
        elsewhere = {**denied, "NotResource": f"arn:aws:iam::*:role{PATH}*"}
        try:
            with deployer(stack, unless_bound, elsewhere) as theirs:
                for options in ({"role_path": PATH}, {"role_path": "/team/", "permissions_boundary": bound}):
                    with pytest.raises(HarnessError, match="AccessDenied"):
                        theirs.change({"function": {**NO_OPTIONS, **options}})
                theirs.change({"function": {"role_path": PATH, "permissions_boundary": bound}})
                assert theirs.drift() == []
            role = iam.get_role(RoleName=f"{stack.name}-feedback-{encrypted.emulator.region}")["Role"]
            assert (role["Path"], role["PermissionsBoundary"]["PermissionsBoundaryArn"]) == (PATH, bound)
            assert works(encrypted)
        finally:
            stack.change({"function": NO_OPTIONS})
    assert works(encrypted)


def test_tracing_goes_on_and_off(encrypted: Deployed) -> None:
    stack, lambda_ = encrypted.stack, encrypted.lambda_
    for tracing, mode in ((True, "Active"), (False, "PassThrough")):
        stack.change({"function": {"tracing": tracing}})
        assert stack.drift() == []
        configuration = lambda_.get_function_configuration(FunctionName=encrypted.outputs["function_name"])
        assert configuration["TracingConfig"]["Mode"] == mode


def test_addresses_expire_once_asked_for_until_anything_else_is_known(encrypted: Deployed) -> None:
    stack, dynamodb, table = encrypted.stack, encrypted.dynamodb, encrypted.outputs["table_name"]
    forgotten, complained = ses.fresh("a"), ses.fresh("b")

    def setting() -> tuple[str, bool]:
        found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        return found["TimeToLiveStatus"], found.get("AttributeName") == "expiresAt"

    def expires(address: str) -> bool:
        return "expiresAt" in (encrypted.item(address) or {})

    assert stack.drift() == []
    assert setting() == ("DISABLED", False)
    # As long as possible: ministack removes what has expired within a minute, and the sample's day is long past.
    stack.change({"table": {"expire_days": 3650}})
    assert stack.drift() == []
    assert setting() == ("ENABLED", True)

    encrypted.publish(*(ses.text(ses.delivery(each)) for each in (forgotten, complained)))
    eventually(lambda: (expires(forgotten), expires(complained)), (True, True))
    encrypted.publish(ses.text(ses.complaint(complained)))
    eventually(lambda: (expires(forgotten), expires(complained)), (True, False))

    stack.change({"table": {"expire_days": None}})
    assert stack.drift() == []
    assert setting()[0] == "DISABLED"
