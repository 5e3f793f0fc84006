"""Two stacks of one name: in one region the second one fails and harms nothing, in two regions both work."""

from dataclasses import replace

import pytest

from harness.stack import Stack, applied, prepared
from harness.terraform import TerraformError
from support import ses
from support.deployed import QUICK, Deployed
from support.eventually import eventually
from support.flowing import publishing

from .conftest import OWNED, OWNED_SET
from .test_heal import resources

pytestmark = pytest.mark.xdist_group("another whole")

ALL = {**QUICK, "lookup": {"access_logs": True}, "changes": {"bus": {"create": True}}, "monitoring": {}}
# Of an API there may be two of one name.
ITS_OWN = {"terraform_data", "aws_api_gateway_rest_api"}


def identities(stack: Stack) -> set[tuple[str, str]]:
    """Return type and ID of what a state holds in AWS."""
    return {(each.type, each.attributes["id"]) for each in resources(Deployed(stack)) if each.type not in ITS_OWN}


def test_a_second_state_takes_nothing_over(whole: Deployed, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither its apply, which fails, nor its destroy, while feedback flows into the first.

    It uses the first one's table, so that not even a table is in its way.
    """
    name = whole.stack.name
    in_ses = {"identities": {OWNED: {"email_forwarding": True}}, "configuration_sets": {OWNED_SET: {}}}
    variables = {**ALL, "name": name, "delivery": "both", "table": {"existing": name}, "ses": in_ses}
    second = prepared(whole.emulator, variables, tmp_path_factory.mktemp("second"))
    second.init()
    with publishing(whole.emulator, whole.outputs["topic_arn"]) as addresses:
        with pytest.raises(TerraformError, match="already exists"):
            second.apply()
        assert identities(second) & identities(whole.stack) == set()
        second.destroy()
        addresses.wait_for_more(8)

    eventually(lambda: set(whole.states(*addresses).values()), {"disable"})
    assert whole.dead_letters() == []
    assert whole.stack.drift() == []


def test_another_region_may_have_the_same_name(whole: Deployed, tmp_path_factory: pytest.TempPathFactory) -> None:
    there = replace(whole.emulator, region="eu-west-3")
    variables = {**ALL, "name": whole.stack.name, "delivery": "direct", "queue": {**QUICK["queue"], "keep": False}}
    here_only, there_only = ses.fresh("here"), ses.fresh("there")
    with applied(there, variables, tmp_path_factory.mktemp("there")) as stack:
        second = Deployed(stack)
        whole.publish(ses.text(ses.complaint(here_only)))
        second.publish(ses.text(ses.complaint(there_only)))
        eventually(lambda: whole.states(here_only, there_only), {here_only: "disable", there_only: None})
        eventually(lambda: second.states(here_only, there_only), {here_only: None, there_only: "disable"})
        assert stack.drift() == []
        assert whole.stack.drift() == []
    assert whole.stack.drift() == []
