"""Two stacks side by side: no command reaches from one into the other."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.emulator import Emulator
from support import ses
from support.command_line import Mailing, Ran
from support.hand_made import HandMade, add_events, filled, hand_made
from support.stream import record

CHANGING = re.compile(
    "dynamodb:(PartiQL|Delete|Put|Update)|lambda:Invoke|s3:(Put|Delete)|ses:(Send|Put|Delete|Create)|sns:Publish"
    "|sqs:(Send|Delete|Receive)"
)
"""Actions that change something."""


@dataclass(frozen=True)
class Pair:
    """The stack that the table is of, another one with dead letters, and where the actions of commands are noted."""

    mailing: HandMade
    crm: HandMade
    actions: Path

    def run(self, *arguments: str, table: str = "") -> tuple[Ran, set[str]]:
        """Run a command for the table of the first stack, or another; return what it did that changes something."""
        self.actions.unlink(missing_ok=True)
        environment = self.mailing.emulator.environment()
        command, *options = (each.format(**self.names) for each in arguments)
        ran = Mailing(environment, table or self.mailing.name).noting(self.actions)(command, *options)
        done = self.actions.read_text().split() if self.actions.exists() else []
        return ran, set(filter(CHANGING.match, done))

    @property
    def names(self) -> dict[str, str]:
        """What commands are given, by what it is called below."""
        topic = self.crm.topic
        elsewhere = topic.replace(self.crm.emulator.region, "eu-north-1")
        return {
            "mailing": self.mailing.name,
            "crm": self.crm.name,
            "topic": topic,
            "elsewhere": elsewhere,
            "theirs": topic.replace("000000000000", "111111111111"),
            "function": self.crm.arn("lambda", f"function:{self.crm.function}"),
            "table": self.crm.arn("dynamodb", f"table/{self.crm.name}"),
        }

    def letters(self) -> dict[str, int]:
        """Return how many dead letters each queue of the other stack has, and what its own queue has."""
        sqs = self.crm.emulator.client("sqs")
        counts = {}
        for name in ("feedback", "feedback-dead-letter", "changes-dead-letter"):
            url = sqs.get_queue_url(QueueName=f"{self.crm.name}-{name}")["QueueUrl"]
            asked: Any = {"QueueUrl": url, "AttributeNames": ["All"]}
            counts[name] = int(sqs.get_queue_attributes(**asked)["Attributes"]["ApproximateNumberOfMessages"])
        return counts


@pytest.fixture(scope="module")
def pair(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The other stack has three dead letters of each kind; its addresses complained, or were erased."""
    made = Pair(hand_made(emulator), hand_made(emulator), tmp_path_factory.mktemp("stacks") / "actions")
    for each in (made.mailing, made.crm):
        add_events(each)
    stack, sqs = filled(made.crm), emulator.client("sqs")
    changes = sqs.get_queue_url(QueueName=f"{made.crm.name}-changes-dead-letter")["QueueUrl"]
    stream = emulator.client("dynamodb").describe_table(TableName=made.crm.name)["Table"]["LatestStreamArn"]
    for number in range(3):
        complaint = ses.text(ses.complaint(ses.fresh("complained")))
        stack.publish(complaint)
        sqs.send_message(QueueUrl=made.crm.url("-dead-letter"), MessageBody=complaint)
        batch = {"streamArn": stream, "shardId": "1", "startSequenceNumber": "1", "endSequenceNumber": "2"}
        note = {"DDBStreamBatchInfo": {**batch, "batchSize": 1}}
        erased = record(ses.fresh("erased"), {"state": {"S": "disable"}}, None, number, eventSourceARN=stream)
        sqs.send_message(QueueUrl=changes, MessageBody=json.dumps(erased if number == 2 else note))
    return made


FEEDBACK = ("--queue", "{crm}-feedback", "--dead-letter-queue", "{crm}-feedback-dead-letter")
LEADS = (
    "leads to the table {crm}, not to {mailing} in us-east-1: name the table with --table, or the stack of {mailing}"
)
NOT_HERE = "leads to no table, not to {mailing} in us-east-1: name the table with --table"
TELLS = (
    "{crm}-changes tells of the table {crm}, not of {mailing}: add --table {crm}, or name the stack of {mailing} with"
)
ARN = "is an ARN: give the name, such as {crm}"
MIXED: dict[tuple[str, ...], str] = {
    ("redrive", "--name", "{crm}"): f"The queue {{crm}}-feedback {LEADS}",
    ("redrive", *FEEDBACK): f"The queue {{crm}}-feedback {LEADS}",
    ("redrive", *FEEDBACK[2:]): "go to {mailing}-feedback-dead-letter, not to {crm}-feedback-dead-letter",
    ("redrive", *FEEDBACK[:2]): "go to {crm}-feedback-dead-letter, not to {mailing}-feedback-dead-letter",
    ("redrive", "--function", "{crm}-feedback"): (
        "The queue {mailing}-feedback goes to {mailing}-feedback, not to {crm}-feedback: name the stack with --name"
    ),
    ("redrive", "--queue", "none", *FEEDBACK[2:]): (
        "The dead letters of the function {mailing}-feedback go to {mailing}-feedback-dead-letter, not to {crm}-"
    ),
    ("redrive", "--queue", "none", *FEEDBACK[2:], "--function", "{crm}-feedback"): (
        f"The function {{crm}}-feedback {LEADS}"
    ),
    ("redrive", "--save", "-", "--name", "{crm}"): f"The queue {{crm}}-feedback {LEADS}",
    ("redrive", "--changes", "--name", "{crm}"): TELLS,
    ("publish", "complaint-abuse", "--name", "{crm}"): f"The topic {{crm}}-feedback {LEADS}",
    ("publish", "complaint-abuse", "--topic", "{topic}"): f"The topic {{crm}}-feedback {LEADS}",
    ("publish", "complaint-abuse", "--topic", "{elsewhere}"): f"The topic {{crm}}-feedback {NOT_HERE}",
    ("publish", "complaint-abuse", "--topic", "{theirs}"): f"The topic {{crm}}-feedback {NOT_HERE}",
    ("simulate", "--from", "news@{crm}.example"): (f"news@{{crm}}.example reports to {{crm}}-feedback, which {LEADS}"),
    ("simulate", "--from", "news@{mailing}.example", "--configuration-set", "{crm}"): (
        f"The configuration set {{crm}} reports to {{crm}}-feedback, which {LEADS}"
    ),
    ("disable", "a@example.com", "--function", "{crm}-changes"): "The function {crm}-changes writes to no table",
    ("disable", "a@example.com", "--function", "{function}"): f"{ARN}-feedback",
    ("redrive", "--function", "{function}"): f"{ARN}-feedback",
}


@pytest.mark.parametrize("command", MIXED, ids=" ".join)
def test_names_of_two_stacks_are_refused_before_anything_changes(pair: Pair, command: Sequence[str]) -> None:
    """Nothing is sent, published or told, and no dead letter is so much as received."""
    before = pair.letters()
    ran, done = pair.run(*command)
    assert (ran.code, ran.out, done) == (2, "", set()), ran
    said = re.sub(r"[\s│]+", " ", ran.err)
    assert MIXED[tuple(command)].format(**pair.names) in said
    assert (pair.letters(), before["feedback-dead-letter"], before["changes-dead-letter"]) == (before, 3, 3)


def test_changes_of_a_stack_are_not_judged_by_the_table_that_is_the_default(pair: Pair) -> None:
    """That of its name alone would tell that people who complained there may be mailed."""
    before, crm = pair.letters(), pair.crm.name
    environment = pair.mailing.emulator.environment()
    ran = Mailing(environment, "").noting(pair.actions)("redrive", "--changes", "--name", crm)
    assert (ran.code, ran.out, pair.letters()) == (2, "", before)
    assert f"{crm}-changes tells of the table {crm}, not of mailing: add --table {crm}" in ran.err


def test_a_dry_run_shows_by_which_table_changes_are_judged(pair: Pair) -> None:
    ran, _ = pair.run("redrive", "--changes", "--dry-run", table=pair.crm.name)
    crm = pair.crm.name
    assert ran.out.splitlines() == [
        f"In {crm}-changes-dead-letter: 2 change, 1 unreadable image.",
        f"Without --dry-run they go to the function {crm}-changes, with what the table {crm} says.",
    ]


def test_a_table_is_given_by_its_name(pair: Pair) -> None:
    ran, done = pair.run("disable", "a@example.com", table=pair.names["table"])
    assert (ran.code, done, f"such as {pair.crm.name}" in re.sub(r"[\s│]+", " ", ran.err)) == (2, set(), True), ran


def test_a_table_may_have_another_name_than_the_stack(emulator: Emulator, tmp_path: Path) -> None:
    made = hand_made(emulator)
    made.set_variables(TABLE_NAME="customers")
    made.emulator.client("sqs").send_message(QueueUrl=made.url("-dead-letter"), MessageBody="x")
    pair = Pair(made, made, tmp_path / "actions")
    ran, done = pair.run("redrive", "--name", "{crm}", table="customers")
    assert (ran.code, "sqs:SendMessage" in done) == (0, True), ran
    ran, done = pair.run("publish", "complaint-abuse", "--name", "{crm}", table="customers")
    assert (ran.code, done) == (0, {"sns:Publish"}), ran
    # Without a table, there is nothing to compare the other names with.
    environment = {**emulator.environment(), "MAILING_NAME": made.name}
    ran = Mailing(environment, "")("redrive", "--json")
    assert (ran.code, ran.json[0]["target"]) == (0, f"the queue {made.function}"), ran
