"""Changes to what stands around the pipeline, on a live stack: the lookup API's callers, and what module ses owns."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials

from harness.emulator import Emulator
from harness.stack import applied
from harness.terraform import TerraformError
from support.deployed import OF_SES, Deployed, released
from support.lookup import call_as, path_of

IDENTITY, SET = "around.example", "around"
CREATED: dict[str, Any] = {"identities": {IDENTITY: {"create": True}}, "configuration_sets": {SET: {"create": True}}}


@pytest.fixture(scope="module")
def around(embedded: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    variables = {
        "delivery": "direct",
        "queue": {"keep": False},
        "ses": CREATED,
        "lookup": {},
    }
    with applied(embedded, variables, tmp_path_factory.mktemp("around")) as stack:
        yield Deployed(stack)
        # The last test leaves nothing in module ses; without it, destroy refuses.
        with released(stack):
            pass
    assert stack.leftovers() == []


@pytest.fixture
def caller(around: Deployed) -> Iterator[tuple[str, Credentials]]:
    """ARN and keys of a user whose own policies allow nothing."""
    iam, name = around.emulator.client("iam"), f"caller-{uuid.uuid4().hex[:8]}"
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        yield arn, Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=name)


def status_for(around: Deployed, credentials: Credentials) -> int:
    return call_as(around, credentials)("GET", path_of("unknown@example.com")).status


def test_the_last_caller_is_revoked_and_a_changed_api_keeps_the_others(
    around: Deployed, caller: tuple[str, Credentials]
) -> None:
    stack, (arn, credentials) = around.stack, caller
    assert status_for(around, credentials) == 403

    stack.change({"lookup": {"callers": [arn]}})
    assert status_for(around, credentials) == 404  # let in: nothing is known of the address

    document = stack.folder / "modules" / "lookup" / "openapi.yaml"
    original = document.read_text()
    document.write_text(original.replace("\n  version: ", "\n  version: 9", 1))
    # Provider 6.48 and later lose the policy with such a change, so it has to be written again.
    planned = {each.partition(":")[0].rpartition("lookup[0].")[2]: each.partition(": ")[2] for each in stack.drift()}
    assert planned["aws_api_gateway_rest_api_policy.this"] == "update policy"
    stack.change({})
    assert status_for(around, credentials) == 404
    assert stack.drift() == []

    stack.change({"lookup": {"callers": []}})
    assert status_for(around, credentials) == 403
    assert stack.drift() == []


@pytest.mark.parametrize(
    "toggle",
    [
        {"ses": None},
        {"ses": {"identities": {}}},
        {"ses": {"identities": {IDENTITY: {"create": False}}}},
        {"ses": {"configuration_sets": {SET: {}}}},
    ],
    ids=["no ses", "no identity", "identity not created", "set not created"],
)
def test_no_toggle_destroys_what_mail_needs(around: Deployed, toggle: dict[str, Any]) -> None:
    with pytest.raises(TerraformError, match="Instance cannot be destroyed"):
        around.stack.planned(**toggle)


def created_in_ses(around: Deployed) -> tuple[bool, bool]:
    """Return whether the identity and the configuration set exist."""
    client = around.emulator.client("sesv2")
    identities = [each["IdentityName"] for each in client.list_email_identities()["EmailIdentities"]]
    return IDENTITY in identities, SET in client.list_configuration_sets()["ConfigurationSets"]


def test_what_terraform_forgets_stays_and_is_taken_over(around: Deployed) -> None:
    stack = around.stack
    try:
        stack.run("state", "rm", *OF_SES)
        stack.change({"ses": None})
        assert created_in_ses(around) == (True, True)
        stack.change({"ses": {"identities": {IDENTITY: {}}, "configuration_sets": {SET: {}}}})
        assert stack.drift() == []
    finally:
        stack.change({"ses": {"identities": {}, "configuration_sets": {}}})
        client = around.emulator.client("sesv2")
        client.delete_email_identity(EmailIdentity=IDENTITY)
        client.delete_configuration_set(ConfigurationSetName=SET)
