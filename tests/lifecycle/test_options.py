"""What companies demand, on a live stack: a role with a boundary and a path, tracing, addresses that expire."""

import pytest

from support import ses
from support.deployed import Deployed
from support.events import complained
from support.eventually import eventually

pytestmark = pytest.mark.xdist_group("encrypted")

PATH, BOUNDARY = "/team/mail/", "arn:aws:iam::aws:policy/AdministratorAccess"
NO_OPTIONS = {"permissions_boundary": None, "role_path": "/", "tracing": False}


def test_another_path_means_another_role_which_takes_the_old_one_s_place(encrypted: Deployed) -> None:
    """With a boundary, as company policies demand (``test_deployer.py`` deploys under one that does)."""
    iam, stack = encrypted.emulator.client("iam"), encrypted.stack
    try:
        stack.change({"function": {"role_path": PATH, "permissions_boundary": BOUNDARY}})
        assert stack.drift() == []
        role = iam.get_role(RoleName=f"{stack.name}-feedback-{encrypted.emulator.region}")["Role"]
        assert (role["Path"], role["PermissionsBoundary"]["PermissionsBoundaryArn"]) == (PATH, BOUNDARY)
        complained(encrypted, "bound")
    finally:
        stack.change({"function": NO_OPTIONS})
    complained(encrypted, "a")


def test_tracing_goes_on_and_off(encrypted: Deployed) -> None:
    stack, lambda_ = encrypted.stack, encrypted.lambda_
    for tracing, mode in ((True, "Active"), (False, "PassThrough")):
        stack.change({"function": {"tracing": tracing}})
        assert stack.drift() == []
        configuration = lambda_.get_function_configuration(FunctionName=encrypted.outputs["function_name"])
        assert configuration["TracingConfig"]["Mode"] == mode


def test_addresses_expire_once_asked_for_until_anything_else_is_known(encrypted: Deployed) -> None:
    stack, dynamodb, table = encrypted.stack, encrypted.dynamodb, encrypted.outputs["table_name"]
    forgotten, kept = ses.fresh("a"), ses.fresh("b")

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

    encrypted.publish(*(ses.text(ses.delivery(each)) for each in (forgotten, kept)))
    eventually(lambda: (expires(forgotten), expires(kept)), (True, True))
    encrypted.publish(ses.text(ses.complaint(kept)))
    eventually(lambda: (expires(forgotten), expires(kept)), (True, False))

    stack.change({"table": {"expire_days": None}})
    assert stack.drift() == []
    assert setting()[0] == "DISABLED"
