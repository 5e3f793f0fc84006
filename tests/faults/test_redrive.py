"""Dead letters come back: all of them, whatever wraps them, and whenever the command that does it is interrupted."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from harness import paths
from harness.emulator import Emulator
from healthy_mailing_cli.commands.redrive import messages_in, redrive
from healthy_mailing_cli.shell.stack import Names
from support import ses
from support.faults import nothing, only, refuse
from support.hand_made import HandMade, add_function

from . import workload
from .conftest import Compare, Functions
from .delivery import deliver
from .proxy import Proxy

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BODIES = [ses.text(ses.bounce("a@example.com")), ses.SET_UP_TEXT, "not JSON", "[1, 2]", '{"requestPayload": 1}']


def on_failure(*records: dict[str, Any]) -> str:
    """Return what Lambda keeps of an asynchronous call whose last try failed."""
    return json.dumps(
        {
            "version": "1.0",
            "timestamp": ses.AT,
            "requestContext": {"requestId": "r1", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
            "requestPayload": {"Records": list(records)},
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": "1 of 1 messages failed"},
        }
    )


@dataclass(frozen=True)
class Queues:
    """A queue and its dead-letter queue, named as the Terraform module does for a stack."""

    emulator: Emulator
    sqs: "SQSClient"
    name: str

    def url(self, suffix: str = "") -> str:
        return self.sqs.get_queue_url(QueueName=f"{self.name}-feedback{suffix}")["QueueUrl"]

    def send(self, bodies: Sequence[str]) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url("-dead-letter"), MessageBody=body)

    def take(self, suffix: str = "") -> list[str]:
        """Return and delete all messages of a queue."""
        url, bodies = self.url(suffix), []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def lead_on(self, queue: str) -> None:
        """Let a queue lead to the function, which takes nothing yet."""
        self.emulator.client("lambda").create_event_source_mapping(
            FunctionName=f"{self.name}-feedback",
            EventSourceArn=f"arn:aws:sqs:{self.emulator.region}:000000000000:{queue}",
            Enabled=False,
        )

    def command(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run ``mailing redrive`` as a user does."""
        environment = {**os.environ, **self.emulator.environment(), "PYTHONPATH": "scripts:function"}
        program = [sys.executable, "-m", "healthy_mailing_cli", "redrive", "--table", self.name, *options]
        return subprocess.run(program, env=environment, cwd=paths.ROOT, capture_output=True, text=True, check=False)

    def session(self) -> boto3.Session:
        return boto3.Session("test", "test", region_name=self.emulator.region)


@pytest.fixture
def queues(emulator: Emulator) -> Queues:
    sqs = emulator.client("sqs")
    name = f"stack-{uuid.uuid4().hex[:8]}"
    for suffix in ("", "-dead-letter"):
        sqs.create_queue(QueueName=f"{name}-feedback{suffix}")
    made = Queues(emulator, sqs, name)
    stack = HandMade(emulator, name)
    emulator.client("iam").create_role(RoleName=stack.role, AssumeRolePolicyDocument="{}")
    add_function(stack, "feedback", {"TABLE_NAME": name})
    made.lead_on(f"{name}-feedback")
    return made


@pytest.mark.parametrize("body", BODIES, ids=["bounce", "set-up", "no JSON", "no object", "looks alike"])
def test_the_messages_in_a_dead_letter(body: str) -> None:
    (record,) = ses.sns_event(body)["Records"]
    assert messages_in(body) == [body]
    assert messages_in(json.dumps(ses.sns_notification(body))) == [body]
    assert messages_in(on_failure(record)) == [body]
    assert messages_in(on_failure(record, record)) == [body, body]


def test_calls_that_did_not_come_from_sns_are_unwrapped_too() -> None:
    bounce = ses.bounce("a@example.com")
    for event in (bounce, ses.event_bridge_event(bounce)):
        letter = json.dumps({**json.loads(on_failure()), "requestPayload": event})
        assert [json.loads(message) for message in messages_in(letter)] == [bounce]


@pytest.mark.parametrize("record", [{}, {"Sns": {}}, {"body": "x"}, 1])
def test_a_record_of_another_event_stays_whole(record: Any) -> None:
    assert messages_in(on_failure(record)) == [on_failure(record)]


def test_all_dead_letters_go_back_to_the_queue(queues: Queues) -> None:
    messages = [ses.text(ses.bounce(f"{n}@example.com")) for n in range(25)]
    queues.send([*messages, "not JSON"])

    done = queues.command("--json")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["kinds"] == {"Bounce": 25, "unreadable": 1}
    assert (report["moved"], report["failed"], report["left"]) == (26, 0, 0)
    assert sorted(queues.take()) == sorted([*messages, "not JSON"])
    assert queues.take("-dead-letter") == []


def test_a_dry_run_moves_nothing(queues: Queues) -> None:
    queues.send(BODIES)

    done = queues.command("--dry-run")

    assert done.returncode == 0, done.stderr
    assert f"In {queues.name}-feedback-dead-letter: 1 Bounce, 1 SetUp, 3 unreadable." in done.stdout
    assert queues.take() == []
    assert sorted(queues.take("-dead-letter")) == sorted(BODIES)


def test_no_dead_letter_queue_is_one_line(queues: Queues) -> None:
    done = queues.command("--table", "another")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no queue another-feedback-dead-letter")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("operation", ["SendMessage", "DeleteMessage"])
def test_after_an_interruption_a_second_run_brings_the_rest(  # noqa: PLR0913, PLR0917  (fixtures)
    operation: str,
    queues: Queues,
    functions: Functions,
    proxy: Proxy,
    assert_table_is: Compare,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The whole way: feedback fails in every try, is brought back in two runs, and then is in the table."""
    messages = workload.feedback(120, addresses=40, seed=21)
    made = functions(2)
    proxy.fault = only("BatchExecuteStatement", refuse("AccessDeniedException"))
    queues.send(deliver(messages, made, batch_size=60, tries=1).dead_letters)
    proxy.fault = nothing
    session = queues.session()
    calls = iter(range(20))

    def interrupt(**_: object) -> None:
        if next(calls, None) is None:
            monkeypatch.undo()
            signal.raise_signal(signal.SIGINT)

    session.events.register(f"before-call.sqs.{operation}", interrupt)
    with pytest.raises(KeyboardInterrupt):
        redrive(session, Names.of(queues.name), queues.emulator.endpoint_url, dry_run=False)

    done = queues.command()

    assert done.returncode == 0, done.stderr
    assert queues.take("-dead-letter") == []
    assert deliver(queues.take(), made).dead_letters == []
    assert_table_is(messages)


def test_what_cannot_be_handed_over_stays(queues: Queues) -> None:
    queues.send(BODIES)
    session = queues.session()
    session.events.register("before-parameter-build.sqs.SendMessage", _to_nowhere)

    report = redrive(session, Names.of(queues.name), queues.emulator.endpoint_url, dry_run=False)

    assert (report.moved, report.failed) == (0, len(BODIES))
    assert sorted(queues.take("-dead-letter")) == sorted(BODIES)


def _to_nowhere(params: dict[str, Any], **_: object) -> None:
    params["QueueUrl"] += "-gone"


def test_what_comes_back_at_once_is_left_for_the_next_run(queues: Queues) -> None:
    """A function that fails at all it gets must not keep the command busy for ever."""
    queues.send(BODIES)
    session = queues.session()

    def fail_again(params: dict[str, Any], **_: object) -> None:
        queues.send([params["MessageBody"]])

    session.events.register("before-parameter-build.sqs.SendMessage", fail_again)

    report = redrive(session, Names.of(queues.name), queues.emulator.endpoint_url, dry_run=False)

    assert report.left == len(BODIES)


def test_queues_with_names_of_their_own(queues: Queues) -> None:
    dead_letters, target = (f"{queues.name}-{purpose}" for purpose in ("failed", "incoming"))
    arn = f"arn:aws:sqs:{queues.emulator.region}:000000000000:{dead_letters}"
    redrive_policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    queues.sqs.create_queue(QueueName=dead_letters)
    queues.sqs.create_queue(QueueName=target, Attributes={"RedrivePolicy": redrive_policy})
    queues.lead_on(target)
    url = queues.sqs.get_queue_url(QueueName=dead_letters)["QueueUrl"]
    queues.sqs.send_message(QueueUrl=url, MessageBody=BODIES[0])

    done = queues.command("--dead-letter-queue", dead_letters, "--queue", target, "--json")

    assert json.loads(done.stdout)["moved"] == 1
    url = queues.sqs.get_queue_url(QueueName=target)["QueueUrl"]
    assert [each["Body"] for each in queues.sqs.receive_message(QueueUrl=url)["Messages"]] == [BODIES[0]]
