"""`mailing redrive --changes`: what EventBridge was not told of is told, as the table has it now."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness.emulator import Emulator
from healthy_mailing.evidence import Evidence, Mark, MarkKind, Rules, State, evidence_of, override
from healthy_mailing.table import Table
from healthy_mailing_cli.redrive.dead_letters import DeadLetterQueue, Report
from healthy_mailing_cli.redrive.lost_changes import Changes
from healthy_mailing_cli.table.deleting import delete
from support.command_line import Mailing, Ran
from support.deployed import taken
from support.eventually import SECONDS
from support.hand_made import HandMade, add_function, filled, hand_made
from support.iam import mailing_of, user
from support.runbook import named_by, operating, without
from support.stream import problems

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Stack:
    """What the command meets, made by plain calls of AWS; a rule sends all events to a queue.

    No event source mapping calls the function, so that nothing is told but by the command.
    """

    made: HandMade
    events: str
    """URL of the queue."""
    dead_letters: str
    """The same."""

    @property
    def name(self) -> str:
        return self.made.name

    def client(self, service: Any) -> Any:
        return self.made.emulator.client(service)

    def letter(self, body: object) -> None:
        text = body if isinstance(body, str) else json.dumps(body, default=str)
        self.client("sqs").send_message(QueueUrl=self.dead_letters, MessageBody=text)

    def letters(self) -> list[str]:
        """Return and delete all dead letters."""
        return taken(self.client("sqs"), self.dead_letters)

    def told(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return, by local part of the address, of each event: states before and after, and the reason."""
        told: dict[str, list[tuple[Any, ...]]] = {}
        for event in map(json.loads, taken(self.client("sqs"), self.events)):
            assert problems(event) == []
            detail = event["detail"]
            name = detail["address"].partition("@")[0]
            told.setdefault(name, []).append((detail["before"], detail["after"], detail["reason"]))
        return told

    @property
    def table(self) -> Table:
        return Table(self.client("dynamodb"), self.name, Rules())

    def add(self, address: str, *marks: Mark) -> None:
        for each in marks:
            evidence: dict[str, Evidence] = {f"{address}@example.com": evidence_of([each])}
            assert [outcome.error for outcome in self.table.add(evidence, time.monotonic() + SECONDS)] == [""]

    def delete(self, address: str) -> None:
        delete(self.table, [f"{address}@example.com"], time.monotonic() + SECONDS)

    def records(self) -> list[dict[str, Any]]:
        """Return all records of the stream, as its API has them."""
        shard: Any = {**self.shard, "ShardIteratorType": "TRIM_HORIZON"}
        streams = self.client("dynamodbstreams")
        iterator = streams.get_shard_iterator(**shard)["ShardIterator"]
        records: list[dict[str, Any]] = streams.get_records(ShardIterator=iterator)["Records"]
        return records

    @property
    def shard(self) -> Mapping[str, str]:
        """The stream's ARN and its only shard."""
        arn = self.client("dynamodb").describe_table(TableName=self.name)["Table"]["LatestStreamArn"]
        (shard,) = self.client("dynamodbstreams").describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        return {"StreamArn": arn, "ShardId": shard["ShardId"]}

    def batch(self, first: int = 0, last: int = -1, **changed: str) -> dict[str, Any]:
        """Return what Lambda keeps of records that it gave up (AWS Lambda Developer Guide, "Retain discarded batch
        records")."""
        records, shard = self.records(), self.shard
        return {
            "requestContext": {"requestId": "r1", "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None},
            "version": "1.0",
            "timestamp": "2026-03-10T12:00:00.000Z",
            "DDBStreamBatchInfo": {
                "shardId": shard["ShardId"],
                "startSequenceNumber": records[first]["dynamodb"]["SequenceNumber"],
                "endSequenceNumber": records[last]["dynamodb"]["SequenceNumber"],
                "batchSize": len(records),
                "streamArn": shard["StreamArn"],
                **changed,
            },
        }

    def redrive(self, *, before_call: Callable[..., None] = lambda **_: None, function: str = "changes") -> Report:
        """Bring back in this process; something may happen each time before the function is called."""
        emulator = self.made.emulator
        session = boto3.Session("test", "test", region_name=emulator.region)
        session.events.register("before-call.lambda.Invoke", before_call)
        changes = Changes(
            session.client("lambda", endpoint_url=emulator.endpoint_url),
            self.client("dynamodb"),
            self.client("dynamodbstreams"),
            name=f"{self.name}-{function}",
            table_arn=self.made.arn("dynamodb", f"table/{self.name}"),
        )
        letters = DeadLetterQueue.of(self.client("sqs"), f"{self.name}-changes-dead-letter")
        return letters.bring_back(changes.target())

    def command(self, *options: str) -> Ran:
        """Run ``mailing redrive --changes`` as a user does."""
        return Mailing(self.made.emulator.environment(), self.name)("redrive", "--changes", *options)


@pytest.fixture
def stack(emulator: Emulator, package_path: Path, request: pytest.FixtureRequest) -> Stack:
    made = hand_made(emulator)
    view: Any = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    emulator.client("dynamodb").update_table(TableName=made.name, StreamSpecification=view)
    names = events, dead_letters = f"{made.name}-events", f"{made.name}-changes-dead-letter"
    urls = [emulator.client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in names]
    bridge = emulator.client("events")
    bus = bridge.create_event_bus(Name=made.name)["EventBusArn"]
    bridge.put_rule(Name=made.name, EventBusName=made.name, EventPattern='{"source": ["healthy-mailing"]}')
    bridge.put_targets(
        Rule=made.name, EventBusName=made.name, Targets=[{"Id": "queue", "Arn": made.arn("sqs", events)}]
    )
    # All that the function needs, in place of what the other one may do.
    statements = [
        {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus},
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": made.arn("sqs", dead_letters)},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    emulator.client("iam").put_role_policy(RoleName=made.role, PolicyName=made.function, PolicyDocument=policy)
    variables = {
        "EVENT_BUS": bus,
        "TABLE_ARN": made.arn("dynamodb", f"table/{made.name}"),
        "DEAD_LETTER_QUEUE_URL": urls[1],
        "NEW_DELIVERIES": getattr(request, "param", "false"),
    }
    add_function(made, "changes", variables, package_path.read_bytes())
    return Stack(made, *urls)


def mark(kind: MarkKind, day: int = 10, **detail: str) -> Mark:
    return Mark(
        kind=kind,
        at=f"2026-03-{day}T11:00:00.000Z",
        feedback_id=f"f{day}",
        message_id="m",
        sender="n@example.org",
        detail=tuple(sorted(detail.items())),
    )


DELIVERY = mark(MarkKind.DELIVERY)
COMPLAINT = mark(MarkKind.COMPLAINT, feedbackType="abuse")
BOUNCE = mark(MarkKind.HARD_BOUNCE, bounceType="Permanent", subType="General")
LATER_DELIVERY = mark(MarkKind.DELIVERY, 12)


def test_a_batch_that_lambda_gave_up_is_told_as_the_table_has_it_now(stack: Stack) -> None:
    stack.add("before", BOUNCE)  # its record is not in the batch
    stack.add("complained", DELIVERY, COMPLAINT, mark(MarkKind.COMPLAINT, 11, feedbackType="fraud"))
    stack.add("fine", DELIVERY)
    stack.add("back", BOUNCE, LATER_DELIVERY)
    stack.add("gone", BOUNCE)
    stack.delete("gone")
    stack.add("changed-later", BOUNCE)
    last = len(stack.records())
    stack.add("changed-later", LATER_DELIVERY)
    stack.add("after", BOUNCE)  # nor is this one's
    stack.letter(stack.batch(1, last - 1))

    done = stack.command("--json")

    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert (report["moved"], report["failed"], report["left"]) == (1, 0, 0)
    assert stack.told() == {
        "complained": [(None, "disable", "complaint:fraud")],
        "back": [(None, "enable", "delivery")],
        "gone": [(None, "enable", "erased")],
        "changed-later": [(None, "enable", "delivery")],
    }
    assert stack.letters() == []


@pytest.mark.parametrize("stack", ["true"], indirect=True)
def test_new_deliveries_are_told_where_the_function_tells_of_them(stack: Stack) -> None:
    stack.add("fine", DELIVERY, LATER_DELIVERY)
    stack.letter(stack.batch())
    assert stack.redrive().moved == 1
    assert stack.told() == {"fine": [(None, "enable", "delivery")]}


def test_the_state_before_is_that_before_the_first_change_that_was_lost(stack: Stack) -> None:
    stack.add("a", DELIVERY, BOUNCE, LATER_DELIVERY, COMPLAINT)
    stack.letter(stack.batch(1, 2))
    assert stack.redrive().moved == 1
    assert stack.told() == {"a": [("enable", "disable", "complaint:abuse")]}


def unreadable(stack: Stack, address: str) -> None:
    """Let another program write an item, and the function set its record aside."""
    item: Any = {"UserId": {"S": f"{address}@example.com"}, "state": {"S": "paused"}, "photo": {"B": b"\x00"}}
    stack.client("dynamodb").put_item(TableName=stack.name, Item=item)
    record = stack.records()[-1]
    change = {**record["dynamodb"], "ApproximateCreationDateTime": 1_773_144_000}
    stack.letter({**record, "dynamodb": change})


def test_an_unreadable_image_is_told_once_it_was_mended(stack: Stack) -> None:
    stack.add("a", BOUNCE)
    unreadable(stack, "a")

    report = stack.redrive()

    assert set(report.kinds) == {"unreadable image"}
    assert report.failed == 0
    assert stack.told() == {}

    # It came back meanwhile.
    stack.delete("a")
    stack.add("a", COMPLAINT)
    assert stack.redrive().moved == 1
    assert stack.told() == {"a": [("disable", "disable", "complaint:abuse")]}
    assert stack.letters() == []


def test_what_never_comes_to_rest_stays(stack: Stack) -> None:
    stack.add("a", BOUNCE)
    stack.letter(stack.batch())
    seconds = iter(range(60))

    def change(**_: object) -> None:
        second = next(seconds)
        decision = override([State.ENABLE, State.DISABLE][second % 2], f"2026-03-20T11:00:{second:02}.000Z", "ops")
        stack.add("a", decision)

    assert stack.redrive(before_call=change).failed == 1
    assert len(stack.letters()) == 1


def test_a_dry_run_tells_nothing(stack: Stack) -> None:
    stack.add("a", BOUNCE)
    stack.letter(stack.batch())
    unreadable(stack, "b")
    done = stack.command("--dry-run")
    assert (done.code, done.err) == (0, "")
    assert f"In {stack.name}-changes-dead-letter: 1 change, 1 unreadable image." in done.out
    assert stack.told() == {}
    assert len(stack.letters()) == 2


def test_what_cannot_be_brought_back_stays_and_the_command_says_why(stack: Stack) -> None:
    stack.add("a", BOUNCE)
    not_of_the_function: list[object] = [
        "not JSON",
        {"notificationType": "Bounce"},
        {"DDBStreamBatchInfo": {"batchSize": 1}},
        {"dynamodb": {"Keys": {}}},
    ]
    trimmed, without_stream = (
        stack.batch(startSequenceNumber="1".zfill(21)),
        stack.batch(streamArn=f"{stack.shard['StreamArn']}-x"),
    )
    letters = [*not_of_the_function, trimmed, without_stream]
    for each in letters:
        stack.letter(each)
    done = stack.command("--json")
    assert done.code == 1
    assert json.loads(done.out)["failed"] == len(letters)
    assert done.err.count("none of the function") == len(not_of_the_function)
    assert done.err.count("mailing export") == 2
    assert "Traceback" not in done.err
    assert len(stack.letters()) == len(letters)


def test_a_function_that_fails_or_is_not_there_keeps_the_letter(stack: Stack) -> None:
    stack.add("a", BOUNCE)
    stack.letter(stack.batch())
    function = stack.client("lambda")
    assert stack.redrive(function="another").failed == 1
    function.update_function_configuration(
        FunctionName=f"{stack.name}-changes", Environment={"Variables": {"EVENT_BUS": "none"}}
    )
    assert stack.redrive().failed == 1
    assert len(stack.letters()) == 1


def test_it_asks_for_what_the_modules_name_and_for_nothing_else(stack: Stack, tmp_path: Path) -> None:
    stack.add("a", BOUNCE)
    noted = tmp_path / "actions"
    with user(stack.made.emulator, *operating(filled(stack.made))[1]) as operator:
        mailing = mailing_of(operator, stack.made.emulator, stack.name).noting(noted)
        for options in (["--dry-run"], []):  # what is only looked at is made visible again
            stack.letter(stack.batch())
            assert mailing("redrive", "--changes", *options).code == 0
    # The function asks EventBridge, called by the command. The others are for feedback alone.
    of_feedback = {"sqs:SendMessage", "lambda:GetFunctionEventInvokeConfig", "lambda:ListEventSourceMappings"}
    assert set(noted.read_text().split()) == named_by("lost_changes", "redrive") - of_feedback


@pytest.mark.parametrize("action", ["lambda:InvokeFunction", "sqs:ReceiveMessage", "sqs:DeleteMessage"])
def test_without_an_action_it_says_so_and_goes_on_from_there(stack: Stack, action: str) -> None:
    stack.add("a", BOUNCE)
    stack.letter(stack.batch())
    with user(stack.made.emulator, *without(operating(filled(stack.made))[1], action)) as lacking:
        done = mailing_of(lacking, stack.made.emulator, stack.name)("redrive", "--changes")
    assert (done.code in {1, 2}, "Traceback" in done.err) == (True, False), done
    assert stack.command().code == 0
    assert {each[1:] for each in stack.told()["a"]} == {("disable", "bounce:Permanent/General")}
