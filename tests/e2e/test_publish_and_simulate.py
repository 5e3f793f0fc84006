"""`mailing publish` and `mailing simulate`: from a message or a mail to the table, by no more than they need."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import paths
from support import ses
from support.command_line import Mailing
from support.deployed import Deployed
from support.eventually import eventually
from support.iam import as_user, user
from support.runbook import named_by

from .test_ses import OUTCOMES

SAMPLES = sorted(path.stem for path in paths.EVENTS.glob("*.json"))
SIMULATED = {**OUTCOMES, "delivery": OUTCOMES["success"]}
del SIMULATED["success"]


pytestmark = pytest.mark.needs("simulates_ses", "enforces_iam")


def allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def needed(deployed: Deployed) -> list[dict[str, Any]]:
    """Return what the modules of the two commands say that they need, on this stack."""
    identity = f"arn:aws:ses:{deployed.emulator.region}:{deployed.outputs['table_arn'].split(':')[4]}:identity"
    function = deployed.outputs["table_arn"].replace(":dynamodb:", ":lambda:").partition(":table/")[0]
    return [
        allow("ses:GetIdentityNotificationAttributes", "*"),
        allow("ses:GetConfigurationSetEventDestinations", "*"),
        allow("sns:ListSubscriptionsByTopic", deployed.outputs["topic_arn"]),
        allow("lambda:ListEventSourceMappings", "*"),
        allow("lambda:GetFunctionConfiguration", f"{function}:function:{deployed.outputs['function_name']}"),
        allow("sns:Publish", deployed.outputs["topic_arn"]),
        allow("ses:SendEmail", f"{identity}/{deployed.mode}.example"),
        allow("dynamodb:BatchGetItem", deployed.outputs["table_arn"]),
    ]


def sender(deployed: Deployed) -> str:
    return f"news@{deployed.mode}.example"


@pytest.fixture
def mailing(deployed: Deployed) -> Iterator[Mailing]:
    """The program of someone who may do what the two commands need, and nothing else."""
    with user(deployed.emulator, *needed(deployed)) as session:
        yield as_user(deployed, session)


@pytest.fixture
def anyone(deployed: Deployed) -> Mailing:
    return Mailing(deployed.emulator.environment(), deployed.outputs["table_name"])


@pytest.fixture
def silent(deployed: Deployed) -> str:
    """An identity that reports nothing."""
    identity = ses.fresh("silent").replace(".com", ".org")
    deployed.emulator.client("ses").verify_email_identity(EmailAddress=identity)
    return identity


def named(deployed: Deployed) -> tuple[str, str]:
    return "--name", deployed.stack.name


@pytest.mark.parametrize("kind", SIMULATED)
def test_a_simulated_mail_comes_back_in_the_table(mailing: Mailing, deployed: Deployed, kind: str) -> None:
    ran = mailing("simulate", kind, "--from", sender(deployed), "--json")
    assert ran.code == 0, ran
    (told,) = ran.json
    item = deployed.item(told["address"]) or {}
    assert (item["state"], item["reason"]) == SIMULATED[kind]
    assert (told["state"], told["reason"]) == SIMULATED[kind]
    assert told["messageId"] in json.dumps(item["evidence"], default=str)


def test_each_simulated_mail_is_waited_for_on_its_own(mailing: Mailing, deployed: Deployed) -> None:
    first, second = (mailing("simulate", "delivery", "--from", sender(deployed)) for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    address = re.match(r"(success\+[0-9a-f]{12}@simulator\.amazonses\.com): enable \(delivery\), after", first.out)
    assert address
    assert address[1] not in second.out
    assert address[1] in first.err


def test_without_waiting_it_only_sends(mailing: Mailing, deployed: Deployed) -> None:
    ran = mailing("simulate", "--from", sender(deployed), "--no-wait", "--json")
    (told,) = ran.json
    assert (ran.code, told.keys()) == (0, {"address", "messageId"})
    eventually(lambda: deployed.states(told["address"]), {told["address"]: "disable"})


def test_what_does_not_come_back_leads_to_the_doctor(anyone: Mailing, silent: str) -> None:
    ran = anyone("simulate", "--from", silent, "--timeout", "1")
    assert (ran.code, ran.out) == (1, "")
    assert "No feedback came in 1 s. `mailing doctor` says what is wrong" in ran.err


def test_an_interruption_while_it_waits_says_where_the_feedback_will_be(anyone: Mailing, silent: str) -> None:
    with anyone.started("simulate", "--from", silent) as process:
        assert process.stderr
        address = process.stderr.readline().decode().split()[-1].rstrip(".")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read().decode()
    assert process.returncode == 130
    assert rest.startswith(f"The mail is under way: `mailing explain {address}` shows its feedback once it is there.\n")


def test_a_sender_that_ses_refuses_is_one_line(anyone: Mailing) -> None:
    ran = anyone("simulate", "--from", "nobody@unverified.example")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith("error: SES does not send from nobody@unverified.example: Email address is not verified")


def test_the_samples_are_listed_with_what_they_are(mailing: Mailing) -> None:
    ran = mailing("publish", "--list", "--json")
    told = {each["sample"]: (each["kind"], each["addresses"]) for each in ran.json}
    assert sorted(told) == SAMPLES
    assert told["complaint-abuse"] == ("Complaint", ["angry@example.com"])
    assert told["event-open"] == ("Open", [])
    assert [line.split()[0] for line in mailing("publish", "--list").out.splitlines()] == SAMPLES


def test_a_sample_a_file_and_standard_input_are_published(mailing: Mailing, deployed: Deployed, tmp_path: Path) -> None:
    one, other = ses.fresh("file"), ses.fresh("stdin")
    file = tmp_path / "message.json"
    file.write_text(ses.text(ses.bounce(one)))
    topic = deployed.outputs["topic_arn"]
    by_file = mailing("publish", str(file), "--topic", topic, "--json")
    by_input = mailing("publish", "-", "--topic", topic, "--json", stdin=ses.text(ses.complaint(other)))
    assert (by_file.code, by_input.code) == (0, 0)
    assert (by_file.json[0]["topic"], by_file.json[0]["kind"], by_file.json[0]["addresses"]) == (topic, "Bounce", [one])
    sample = mailing("publish", "complaint-article", *named(deployed))
    published = f"Published to {deployed.stack.name}-feedback: Complaint: recipient1@example.com\n"
    assert (sample.code, sample.out) == (0, published)
    eventually(lambda: deployed.states(one, other), {one: "disable", other: "disable"})
    eventually(lambda: deployed.states("recipient1@example.com"), {"recipient1@example.com": "disable"})


def test_a_dry_run_publishes_nothing_and_says_what_is_unreadable(
    mailing: Mailing, deployed: Deployed, tmp_path: Path
) -> None:
    address = ses.fresh("dry")
    file = tmp_path / "message.json"
    file.write_text(ses.text(ses.bounce(address)))
    shown = mailing("publish", str(file), *named(deployed), "--dry-run")
    assert (shown.code, shown.out) == (0, f"Would publish to {deployed.stack.name}-feedback: Bounce: {address}\n")
    file.write_text("not JSON")
    assert "unreadable, for the dead-letter queue" in mailing("publish", str(file), *named(deployed), "--dry-run").out
    # What would have come after it.
    later = ses.fresh("later")
    deployed.publish(ses.text(ses.bounce(later)))
    eventually(lambda: deployed.states(later), {later: "disable"})
    assert deployed.item(address) is None


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        ([], b"", "mailing publish --list"),
        (["no-such-sample"], b"", "neither a file nor a sample"),
        (["complaint-abuse", "--topic", "no-such-topic"], b"", "There is no topic no-such-topic"),
        (["-"], b"\xff", "is not text in UTF-8"),
        (["-"], b"", "has 0 bytes"),
        (["-"], b"x" * 262_145, "has 262,145 bytes"),
    ],
    ids=lambda each: None if isinstance(each, bytes) else str(each),
)
def test_what_cannot_be_published_is_one_line(anyone: Mailing, arguments: list[str], stdin: bytes, says: str) -> None:
    ran = anyone("publish", *arguments, stdin=stdin)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert says in ran.err


def test_they_ask_for_what_their_modules_name_and_for_nothing_else(
    mailing: Mailing, deployed: Deployed, tmp_path: Path
) -> None:
    simulate = ["simulate", "--from", sender(deployed)]
    runs = {
        "publish": [["publish", "delivery", *named(deployed)]],
        "simulate": [simulate, [*simulate, "--configuration-set", deployed.mode]],
    }
    # The topic goes to the function itself.
    unneeded = {"lambda:ListEventSourceMappings"} if deployed.mode == "direct" else set()
    for module, commands in runs.items():
        noted = tmp_path / module
        assert {mailing.noting(noted)(*command).code for command in commands} == {0}
        assert set(noted.read_text().split()) == named_by(module) - unneeded


@pytest.mark.parametrize("missing", ["sns:Publish", "ses:SendEmail", "dynamodb:BatchGetItem"])
def test_who_may_not_is_told_in_a_line(deployed: Deployed, missing: str) -> None:
    publish, simulate = ["publish", "delivery", *named(deployed)], ["simulate", "--from", sender(deployed)]
    with user(deployed.emulator, *(each for each in needed(deployed) if each["Action"] != missing)) as session:
        refused = as_user(deployed, session)(*(publish if missing == "sns:Publish" else simulate))
    assert refused.code == 2
    assert refused.err.splitlines()[-1].startswith("error: These credentials may not")
