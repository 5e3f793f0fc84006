"""`mailing doctor` on what Terraform made; tests/integration/commands/test_doctor.py has what may be wrong."""

import pytest

from support import ses
from support.command_line import Mailing
from support.deployed import Deployed
from support.eventually import eventually


@pytest.mark.needs("simulates_ses")
def test_a_stack_of_terraform_s_has_no_fault_in_either_mode(deployed: Deployed) -> None:
    # Whichever way the topic hands it over, it counts as feedback that came.
    address = ses.fresh("a")
    deployed.publish(ses.text(ses.delivery(address)))
    eventually(lambda: deployed.states(address), {address: "enable"})
    mailing = Mailing(deployed.emulator.environment(), deployed.outputs["table_name"])
    ran = mailing("doctor", "--json", "--name", deployed.stack.name, "--identity", f"{deployed.mode}.example")
    wrong = {each["check"]: each["text"] for each in ran.json if each["level"] in {"problem", "cannot tell"}}
    # Other tests leave dead letters.
    assert wrong.keys() <= {"dead letters"}, wrong
    said = {
        each["check"]: each["text"]
        for each in ran.json
        if each["level"] != "warning" or each["check"] != "last feedback"
    }
    assert "Feedback last came in the hour of" in said["last feedback"]
    assert ("direct calls" in said) == (deployed.mode == "direct")
    assert ("mapping" in said) == (deployed.mode == "queue")
