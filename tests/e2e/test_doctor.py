"""`mailing doctor` on what Terraform made; tests/integration/commands/test_doctor.py has what may be wrong."""

import shlex
from collections.abc import Mapping

import pytest

from harness.commands import up
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
    wrong = {each["check"]: each["message"] for each in ran.json if each["level"] in {"problem", "unknown"}}
    # Other tests leave dead letters.
    assert wrong.keys() <= {"deadLetters"}, wrong
    said = {
        each["check"]: each["message"]
        for each in ran.json
        if each["level"] != "warning" or each["check"] != "lastFeedback"
    }
    assert "Feedback last came in the hour of" in said["lastFeedback"]
    assert ("directCalls" in said) == (deployed.mode == "direct")
    assert ("mapping" in said) == (deployed.mode == "queue")


@pytest.mark.needs("simulates_ses")
def test_what_make_up_suggests_works(deployments: Mapping[str, Deployed]) -> None:
    deployed = deployments["queue"]
    named = {"MAILING_NAME": deployed.stack.name}
    mailing = Mailing(deployed.emulator.environment() | named, deployed.outputs["table_name"])
    for example in up.examples(f"news@{deployed.mode}.example"):
        command, *arguments = shlex.split(example)
        if command == "explain":
            eventually(lambda: deployed.states("angry@example.com"), {"angry@example.com": "disable"})
        ran = mailing(command, *arguments)
        # 1 is the answer to `explain`; here also to `doctor`, since other tests leave dead letters.
        assert (ran.code in ({0, 1} if command in {"explain", "doctor"} else {0}), "error" in ran.err) == (True, False)
        assert ran.out
