"""Dead letters come back: all of them, whatever wraps them, and whenever the command that does it is interrupted."""

import json
import signal
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from harness.emulator import Emulator
from healthy_mailing_cli.redrive import feedback
from healthy_mailing_cli.redrive.dead_letters import DeadLetterQueue, Report
from healthy_mailing_cli.redrive.feedback import messages_in
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.stack import Names
from support import ses
from support.command_line import Mailing, Ran
from support.deployed import taken
from support.faults import nothing, only, refuse
from support.hand_made import HandMade, add_function

from . import workload
from .conftest import Compare, Functions
from .delivery import deliver
from .proxy import Proxy

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
    """A stack's queue and its dead-letter queue, of which its function takes nothing yet."""

    stack: HandMade

    def take(self, suffix: str = "") -> list[str]:
        return taken(self.stack.emulator.client("sqs"), self.stack.url(suffix))

    def send(self, bodies: Sequence[str]) -> None:
        for each in bodies:
            self.stack.emulator.client("sqs").send_message(QueueUrl=self.stack.url("-dead-letter"), MessageBody=each)

    def command(self, *options: str) -> Ran:
        """Run ``mailing redrive`` as a user does."""
        return Mailing(self.stack.emulator.environment(), self.stack.name)("redrive", *options)

    def redrive(self, event: str, happens: Callable[..., None]) -> Report:
        """Bring back in this process; something happens at an event of botocore."""
        connection = Connection(self.stack.name, self.stack.emulator.region, self.stack.emulator.endpoint_url)
        connection.session.events.register(event, happens)
        names = Names.of(self.stack.name)
        letters = DeadLetterQueue.of(connection.client("sqs"), names.dead_letter_queue)
        return letters.bring_back(feedback.target(connection, names, None))


@pytest.fixture
def queues(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Queues:
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    stack = HandMade(emulator, f"stack-{uuid.uuid4().hex[:8]}")
    for suffix in ("", "-dead-letter"):
        emulator.client("sqs").create_queue(QueueName=f"{stack.function}{suffix}")
    emulator.client("iam").create_role(RoleName=stack.role, AssumeRolePolicyDocument="{}")
    add_function(stack, "feedback", {"TABLE_NAME": stack.name})
    lead_on(stack, stack.function)
    return Queues(stack)


def lead_on(stack: HandMade, queue: str) -> None:
    """Let a queue lead to the function, which takes nothing yet."""
    stack.emulator.client("lambda").create_event_source_mapping(
        FunctionName=stack.function, EventSourceArn=stack.arn("sqs", queue), Enabled=False
    )


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

    assert done.code == 0, done
    (report,) = done.json
    assert report["kinds"] == {"Bounce": 25, "unreadable": 1}
    assert (report["moved"], report["failed"], report["left"]) == (26, 0, 0)
    assert sorted(queues.take()) == sorted([*messages, "not JSON"])
    assert queues.take("-dead-letter") == []


def test_a_dry_run_moves_nothing(queues: Queues) -> None:
    queues.send(BODIES)

    done = queues.command("--dry-run")

    assert done.code == 0, done
    assert f"In {queues.stack.function}-dead-letter: 1 Bounce, 1 SetUp, 3 unreadable." in done.out
    assert queues.take() == []
    assert sorted(queues.take("-dead-letter")) == sorted(BODIES)


@pytest.mark.parametrize("kind", ["feedback", "changes"])
def test_no_dead_letter_queue_is_one_line(queues: Queues, kind: str) -> None:
    done = queues.command("--name", "another", *(["--changes"] if kind == "changes" else []))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: there is no queue another-{kind}-dead-letter")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("operation", ["SendMessage", "DeleteMessage"])
def test_after_an_interruption_a_second_run_brings_the_rest(
    operation: str,
    queues: Queues,
    functions: Functions,
    proxy: Proxy,
    assert_table_is: Compare,
) -> None:
    """The whole way: feedback fails in every try, is brought back in two runs, and then is in the table."""
    messages = workload.feedback(120, addresses=40, seed=21)
    made = functions(2)
    proxy.fault = only("BatchExecuteStatement", refuse("AccessDeniedException"))
    queues.send(deliver(messages, made, batch_size=60, tries=1).dead_letters)
    proxy.fault = nothing
    calls = iter(range(20))

    def interrupt(**_: object) -> None:
        if next(calls, None) is None:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        queues.redrive(f"before-call.sqs.{operation}", interrupt)

    done = queues.command()

    assert done.code == 0, done
    assert queues.take("-dead-letter") == []
    assert deliver(queues.take(), made).dead_letters == []
    assert_table_is(messages)


def test_what_cannot_be_handed_over_stays(queues: Queues) -> None:
    def send_nowhere(params: dict[str, Any], **_: object) -> None:
        params["QueueUrl"] += "-gone"

    queues.send(BODIES)

    report = queues.redrive("before-parameter-build.sqs.SendMessage", send_nowhere)

    assert (report.moved, report.failed) == (0, len(BODIES))
    assert sorted(queues.take("-dead-letter")) == sorted(BODIES)


def test_what_comes_back_at_once_is_left_for_the_next_run(queues: Queues) -> None:
    """A function that fails at all it gets must not keep the command busy without an end."""

    def fail_again(params: dict[str, Any], **_: object) -> None:
        queues.send([params["MessageBody"]])

    queues.send(BODIES)

    assert queues.redrive("before-parameter-build.sqs.SendMessage", fail_again).left == len(BODIES)


def test_queues_with_names_of_their_own(queues: Queues) -> None:
    stack, sqs = queues.stack, queues.stack.emulator.client("sqs")
    dead_letters, target = (f"{stack.name}-{purpose}" for purpose in ("failed", "incoming"))
    url = sqs.create_queue(QueueName=dead_letters)["QueueUrl"]
    redrive_policy = json.dumps({"deadLetterTargetArn": stack.arn("sqs", dead_letters), "maxReceiveCount": 5})
    target_url = sqs.create_queue(QueueName=target, Attributes={"RedrivePolicy": redrive_policy})["QueueUrl"]
    lead_on(stack, target)
    sqs.send_message(QueueUrl=url, MessageBody=BODIES[0])

    done = queues.command("--dead-letter-queue", dead_letters, "--queue", target, "--json")

    assert done.json[0]["moved"] == 1
    assert taken(sqs, target_url) == [BODIES[0]]
