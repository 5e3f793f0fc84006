"""Whatever happens while lost changes are told, the last event of each address says what the table says."""

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.changes import event_of
from healthy_mailing_cli.commands.redrive import _sentences
from healthy_mailing_cli.redrive import lost_changes
from healthy_mailing_cli.redrive.dead_letters import Report
from healthy_mailing_cli.redrive.lost_changes import Changes
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError
from support.clock import Clock
from support.stream import Image, record

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
STREAM = f"{TABLE}/stream/1"
STATES = ("enable", "disable", "review")
ADDRESSES = ("a@example.com", "b@example.com")

Write = tuple[str, str | None]
"""An address and its new state, None for none: it is deleted."""

writes = st.tuples(st.sampled_from(ADDRESSES), st.sampled_from((*STATES, None)))


class World:
    """The table and its stream, and EventBridge; what the function was handed, and what it lost.

    Stands in for the three clients too. Before each call, other programs write to the table, and the function tells of
    some more of the stream.
    """

    def __init__(self, data: st.DataObject) -> None:
        self.table: dict[str, Image] = {}
        self.stream: list[dict[str, Any]] = []
        self.handed_over = 0
        self.events: list[Mapping[str, Any]] = []
        self._data = data
        self._new_deliveries = data.draw(st.booleans())

    def write(self, write: Write) -> None:
        address, state = write
        old = self.table.pop(address, None)
        number = len(self.stream) + 1
        new = None
        if state is not None:
            updated_at = f"2026-03-10T12:00:{number:02}.000Z"
            new = {
                "UserId": {"S": address},
                "state": {"S": state},
                "reason": {"S": "r"},
                "updatedAt": {"S": updated_at},
            }
            self.table[address] = new
        if old is not None or new is not None:
            self.stream.append(record(address, old, new, number))

    def hand_over(self, count: int, *, lost: bool = False) -> list[dict[str, Any]]:
        """Let the function tell of the next records, or lose them, and return these."""
        batch = self.stream[self.handed_over : self.handed_over + count]
        self.handed_over += len(batch)
        if not lost:
            self.tell(batch)
        return batch

    def tell(self, records: Sequence[Mapping[str, Any]]) -> None:
        found = (event_of(each, new_deliveries=self._new_deliveries) for each in records)
        self.events += [event.detail for event in found if event]

    def _meanwhile(self) -> None:
        for write in self._data.draw(st.lists(writes, max_size=1)):
            self.write(write)
        self.hand_over(self._data.draw(st.integers(0, 2)))

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  (botocore's names)
        assert FunctionName == "mailing-changes"
        self._meanwhile()
        self.tell(json.loads(Payload)["Records"])
        if self._data.draw(st.integers(0, 9)) == 9:
            raise ClientError({"Error": {"Code": "ServiceException"}}, "Invoke")  # though it told
        return {"Payload": io.BytesIO(b'{"batchItemFailures": []}')}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803  (the same)
        self._meanwhile()
        (wanted,) = RequestItems.values()
        assert wanted["ConsistentRead"]
        addresses = [key["UserId"]["S"] for key in wanted["Keys"]]
        done = addresses if len(addresses) == 1 else addresses[: self._data.draw(st.integers(1, len(addresses)))]
        items = [self.table[address] for address in done if address in self.table]
        rest = [{"UserId": {"S": address}} for address in addresses if address not in done]
        return {
            "Responses": {"mailing": items},
            "UnprocessedKeys": {"mailing": {**wanted, "Keys": rest}} if rest else {},
        }

    def get_shard_iterator(self, *, SequenceNumber: str, **_: str) -> dict[str, Any]:  # noqa: N803  (the same)
        numbers = [each["dynamodb"]["SequenceNumber"] for each in self.stream]
        return {"ShardIterator": str(numbers.index(SequenceNumber))}

    def get_records(self, *, ShardIterator: str) -> dict[str, Any]:  # noqa: N803  (the same)
        first, count = int(ShardIterator), self._data.draw(st.integers(0, 3))
        return {"Records": self.stream[first : first + count], "NextShardIterator": str(first + count)}


def letter(batch: Sequence[Mapping[str, Any]]) -> str:
    numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
    note = {"startSequenceNumber": numbers[0], "endSequenceNumber": numbers[-1], "shardId": "1", "streamArn": STREAM}
    return json.dumps({"DDBStreamBatchInfo": {**note, "batchSize": len(batch)}})


def taken(target: Changes, one: str) -> bool:
    try:
        return not target.take(one)
    except ClientError:
        return False


def parts(data: st.DataObject, world: World) -> Iterator[list[dict[str, Any]]]:
    """Hand over the stream in parts, and yield those that are lost."""
    while world.handed_over < len(world.stream):
        lost = data.draw(st.booleans())
        batch = world.hand_over(data.draw(st.integers(1, 4)), lost=lost)
        if lost:
            yield batch


@pytest.fixture(autouse=True, scope="module")
def _no_pauses() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lost_changes, "pause", lambda _: None)
        yield


class Busy:
    """A table that returns nothing, and a clock that runs on when someone waits for it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.asked = 0

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803  (botocore's names)
        self.asked += 1
        return {"Responses": {}, "UnprocessedKeys": RequestItems}


def test_a_table_that_is_too_busy_is_asked_with_pauses_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = Busy()
    pauses: list[int] = []

    def pause(attempt: int) -> None:
        pauses.append(attempt)
        busy.clock.sleep(0.5)

    monkeypatch.setattr(lost_changes, "pause", pause)
    monkeypatch.setattr(lost_changes, "time", busy.clock)
    monkeypatch.setattr(lost_changes, "is_past", lambda deadline: busy.clock.monotonic() >= deadline)
    client: Any = busy
    target = Changes(client, client, client, name="mailing-changes", table_arn=TABLE)

    change = record("a@example.com", None, {"UserId": {"S": "a@example.com"}, "state": {"S": "disable"}}, 1)
    assert target.take(json.dumps(change)) == "the table mailing is too busy. Try again later"
    assert pauses == list(range(1, 121))
    assert busy.asked == len(pauses) + 1


@given(st.lists(writes, min_size=1, max_size=12), st.data())
def test_the_last_event_of_each_address_says_what_the_table_says(before: list[Write], data: st.DataObject) -> None:
    world = World(data)
    for write in before:
        world.write(write)
    letters = [letter(batch) for batch in parts(data, world)]
    client: Any = world
    target = Changes(client, client, client, name="mailing-changes", table_arn=TABLE)

    while letters:  # one that never comes to rest stays, and is tried again
        one = letters.pop(data.draw(st.integers(0, len(letters) - 1)))
        if not taken(target, one):
            letters.append(one)
    world.hand_over(len(world.stream))

    last = {event["address"]: event["after"] for event in world.events}
    for address in ADDRESSES:
        state = cast("str", world.table[address]["state"]["S"]) if address in world.table else "enable"
        assert last.get(address, "enable") == state
    by_sequence = {
        event["address"]: event["after"] for event in sorted(world.events, key=lambda event: str(event["sequence"]))
    }
    assert by_sequence == last, "a reader that goes by the sequence has the same"


def test_a_dead_letter_of_another_table_is_not_told_of() -> None:
    """What this table says of its addresses would be told as news: who complained there would be mailable."""
    untouched = Mock()
    target = Changes(untouched, untouched, untouched, name="mailing-changes", table_arn=TABLE)
    batch = letter([record("a@example.com", None, {})])
    unreadable = json.dumps(record("a@example.com", None, {}, eventSourceARN=STREAM))
    elsewhere = TABLE.replace("eu-west-1", "us-east-1")
    for each in (batch, unreadable):
        of_another = each.replace("table/mailing", "table/crm")
        assert target.kinds(of_another) == ["of another table"]
        assert target.take(of_another) == "it is of the table crm, not of mailing"
        assert target.take(each.replace(TABLE, elsewhere)) == f"it is of the table {elsewhere}, not of {TABLE}"
    assert untouched.mock_calls == []
    report = Report(Counter({"of another table": 1}))
    assert _sentences(report, LETTERS, "the function", dry_run=True) == [
        f"In {LETTERS}: 1 of another table.",
        "Of another table, and stays there in any case: 1.",
    ]


LETTERS = "mailing-changes-dead-letter"


@pytest.mark.parametrize(
    ("table", "letters", "refused"),
    [
        ("mailing", LETTERS, ""),
        ("crm", LETTERS, "mailing-changes tells of the table mailing, not of crm: add --table mailing, or"),
        ("mailing", "crm-changes-dead-letter", f"dead-letter queue of mailing-changes is {LETTERS}, not crm-"),
    ],
)
def test_function_table_and_dead_letter_queue_must_be_of_one_stack(
    monkeypatch: pytest.MonkeyPatch, table: str, letters: str, refused: str
) -> None:
    settings = {
        "EVENT_BUS": "arn:aws:events:eu-west-1:123456789012:event-bus/default",
        "TABLE_ARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing",
        "DEAD_LETTER_QUEUE_URL": f"https://sqs.eu-west-1.amazonaws.com/123456789012/{LETTERS}",
    }
    client = Mock()
    client.exceptions.ResourceNotFoundException = KeyError
    client.get_function_configuration.return_value = {"Environment": {"Variables": settings}}
    monkeypatch.setattr(Connection, "client", lambda *_, **__: client)
    with nullcontext() if not refused else pytest.raises(CommandError, match=refused):
        target = lost_changes.target(Connection(table), "mailing-changes", letters)
        assert target.description == "the function mailing-changes, with what the table mailing says"
    if letters == LETTERS:  # as the alarm's command has it, which names no table
        target = lost_changes.target(Connection("any"), "mailing-changes", letters, any_table=True)
        assert target.description == "the function mailing-changes, with what the table mailing says"
