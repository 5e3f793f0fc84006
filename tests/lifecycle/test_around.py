"""Changes to what stands around the pipeline, on a live stack: the lookup API's callers, and what module ses owns."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from harness.terraform import TerraformError
from support.deployed import OF_SES, Deployed
from support.iam import user
from support.lookup import call_as, path_of

from .conftest import OF_WHOLE, OWNED, OWNED_SET

pytestmark = pytest.mark.xdist_group("whole")


@pytest.fixture
def caller(whole: Deployed) -> Iterator[boto3.Session]:
    """A user whose own policies allow nothing."""
    with user(whole.emulator) as session:
        yield session


def status_for(whole: Deployed, caller: boto3.Session) -> int:
    deployed = Deployed(whole.stack.reread())  # an API that another test replaced has another URL
    return call_as(deployed, caller.get_credentials())("GET", path_of("unknown@example.com")).status


def test_the_last_caller_is_revoked_and_a_changed_api_keeps_the_others(whole: Deployed, caller: boto3.Session) -> None:
    stack = whole.stack
    arn = caller.client("sts", endpoint_url=whole.emulator.endpoint_url).get_caller_identity()["Arn"]
    assert status_for(whole, caller) == 403

    stack.change({"lookup": {"callers": [arn]}})
    assert status_for(whole, caller) == 404  # let in: nothing is known of the address

    document = stack.folder / "modules" / "lookup" / "openapi.yaml"
    original = document.read_text()
    document.write_text(original.replace("\n  version: ", "\n  version: 9", 1))
    # Provider 6.48 and later lose the policy with such a change, so it has to be written again.
    planned = {each.partition(":")[0].rpartition("lookup[0].")[2]: each.partition(": ")[2] for each in stack.drift()}
    assert planned["aws_api_gateway_rest_api_policy.this"] == "update policy"
    stack.change({})
    assert status_for(whole, caller) == 404
    assert stack.drift() == []

    stack.change({"lookup": {"callers": []}})
    assert status_for(whole, caller) == 403
    assert stack.drift() == []


@pytest.mark.parametrize(
    "toggle",
    [
        {"ses": None},
        {"ses": {"identities": {}}},
        {"ses": {"identities": {OWNED: {"create": False}}}},
        {"ses": {"configuration_sets": {OWNED_SET: {}}}},
    ],
    ids=["no ses", "no identity", "identity not created", "set not created"],
)
def test_no_toggle_destroys_what_mail_needs(whole: Deployed, toggle: dict[str, Any]) -> None:
    with pytest.raises(TerraformError, match="Instance cannot be destroyed"):
        whole.stack.planned(**toggle)


def created_in_ses(whole: Deployed) -> tuple[bool, bool]:
    """Return whether the identity and the configuration set exist."""
    client = whole.emulator.client("sesv2")
    identities = [each["IdentityName"] for each in client.list_email_identities()["EmailIdentities"]]
    return OWNED in identities, OWNED_SET in client.list_configuration_sets()["ConfigurationSets"]


def test_what_terraform_forgets_stays_and_is_taken_over(whole: Deployed) -> None:
    stack = whole.stack
    try:
        stack.run("state", "rm", *OF_SES)
        stack.change({"ses": None})
        assert created_in_ses(whole) == (True, True)
        stack.change({"ses": {"identities": {OWNED: {}}, "configuration_sets": {OWNED_SET: {}}}})
        assert stack.drift() == []
    finally:
        stack.change({"ses": {"identities": {}, "configuration_sets": {}}})
        client = whole.emulator.client("sesv2")
        client.delete_email_identity(EmailIdentity=OWNED)
        client.delete_configuration_set(ConfigurationSetName=OWNED_SET)
        stack.change({"ses": OF_WHOLE})
