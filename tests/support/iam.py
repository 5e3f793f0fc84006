"""Users and roles of the emulator that may do just so much, and requests for its evaluator of policies."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from ministack.core.iam_evaluator import EvalContext

from harness.emulator import REGION, Emulator
from support import ses
from support.command_line import Mailing
from support.deployed import Deployed
from support.runbook import without

SOMEONE = "arn:aws:iam::000000000000:user/someone"


@contextmanager
def role_without(deployed: Deployed, action: str, role_output: str = "role_arn") -> Iterator[None]:
    """Take one action out of a function's role, which an output names, for a ``with`` block."""
    iam = deployed.emulator.client("iam")
    role = deployed.outputs[role_output].rpartition("/")[2]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy: Any = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    reduced = {**policy, "Statement": without(policy["Statement"], action)}
    assert reduced != policy
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(reduced))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


@contextmanager
def user(emulator: Emulator, *statements: dict[str, Any]) -> Iterator[boto3.Session]:
    """Create an IAM user with a policy, and give a session as that user."""
    iam = emulator.client("iam")
    name = ses.fresh("user").partition("@")[0]
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        yield boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=emulator.region)
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        if statements:
            iam.delete_user_policy(UserName=name, PolicyName="test")
        iam.delete_user(UserName=name)


def as_user(deployed: Deployed, session: boto3.Session) -> Mailing:
    """Return the command line of a user, for a stack's table."""
    return mailing_of(session, deployed.emulator, deployed.outputs["table_name"])


def mailing_of(session: boto3.Session, emulator: Emulator, table: str) -> Mailing:
    """Return the command line of a user."""
    keys = session.get_credentials()
    assert keys
    own = {"AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key}
    return Mailing({**emulator.environment(), **own}, table)


def request(
    action: str, resource: str, keys: Mapping[str, str] | None = None, principal: str = SOMEONE, *, tls: bool = True
) -> EvalContext:
    """Return a request to evaluate; ``keys`` are the condition keys that AWS sets, and the emulator does not."""
    return EvalContext(
        principal_arn=principal,
        principal_type="User",
        principal_account=principal.split(":")[4],
        action=action,
        resource_arn=resource,
        region=REGION,
        source_ip="192.0.2.1",
        secure_transport=tls,
        service_context={name.lower(): value for name, value in (keys or {}).items()},
    )
