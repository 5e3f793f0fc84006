"""The bench counts DynamoDB's units by DynamoDB's rules, and its document says what was measured."""

import copy
import itertools
import json
import re
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench import capacity, costs, mixes, report
from bench.run import RESULTS
from bench.stand_in import Refused, Table
from faults import oracle as items
from healthy_mailing.evidence import Mark, Rules, evidence_of
from healthy_mailing.item import to_dynamodb
from healthy_mailing.notification import parse
from healthy_mailing.table import Table as Mailing
from unit import oracle

MEASURED = json.loads(RESULTS.read_text())
COSTS = Path(__file__).resolve().parents[2] / "docs" / "cost.md"


def item(size: int) -> dict[str, Any]:
    """Return an item of so many bytes."""
    return {"UserId": {"S": "x" * (size - len("UserId"))}}


def listed(state: str, at: str, **more: Any) -> dict[str, Any]:
    return {"UserId": {"S": "a"}, "suppressed": {"S": state}, "updatedAt": {"S": at}, **more}


def value_bytes(value: dict[str, Any]) -> int:
    return capacity.item_bytes({"name": value}) - len("name")


def in_index(before: dict[str, Any] | None, after: dict[str, Any]) -> int:
    return capacity.index_write_units(before, after, ("suppressed", "updatedAt"))


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (value_bytes({"S": ""}), 0),
        (value_bytes({"S": "é"}), 2),
        (value_bytes({"N": "7"}), 2),
        (value_bytes({"N": "100"}), 2),
        (value_bytes({"N": "12345"}), 4),
        (value_bytes({"BOOL": True}), 1),
        (value_bytes({"M": {}}), 3),
        (value_bytes({"M": {"ab": {"S": "c"}}}), 3 + 1 + 2 + 1),
        (value_bytes({"L": [{"S": "abc"}]}), 3 + 1 + 3),
        # A write costs by the larger of before and after.
        (capacity.write_units(None, item(10)), 1),
        (capacity.write_units(None, item(1024)), 1),
        (capacity.write_units(None, item(1025)), 2),
        (capacity.write_units(item(3000), item(10)), 3),
        (capacity.write_units(item(10), item(3000)), 3),
        # A read costs by 4 KB, and half if it is eventually consistent.
        (capacity.read_units(None, consistent=False), 0.5),
        (capacity.read_units(item(4096), consistent=False), 0.5),
        (capacity.read_units(item(4097), consistent=False), 1),
        (capacity.read_units(item(4097), consistent=True), 2),
        # The index costs for the items that it holds.
        (in_index(None, item(10)), 0),
        (in_index(None, listed("disable", "1")), 1),
        (in_index(listed("disable", "1"), item(10)), 1),
        (in_index(listed("disable", "1"), listed("disable", "2")), 2),
        (in_index(listed("disable", "1"), listed("disable", "1", reason={"S": "b"})), 1),
        (in_index(listed("disable", "1"), listed("disable", "1")), 0),
    ],
)
def test_bytes_and_units_are_those_of_dynamodb(counted: float, expected: float) -> None:
    assert counted == expected


class Client:
    """DynamoDB's client over the stand-in, without HTTP; the table asks from several threads."""

    def __init__(self) -> None:
        self.table = Table()
        self.batch_get_item = partial(self._answer, "BatchGetItem")
        self.batch_execute_statement = partial(self._answer, "BatchExecuteStatement")
        self._lock = threading.Lock()

    def _answer(self, operation: str, **request: Any) -> Any:
        with self._lock:
            return self.table.answer(operation, request)


def by_rules(marks: Sequence[Mark], address: str) -> int:
    """Return the write units of an address's entry in the index; 0 if it is not on the list."""
    if not marks or oracle.verdict(list(marks), Rules()).state == "enable":
        return 0
    # These two are as large as any of the bench's.
    written = {"version": 1, "updatedAt": "2026-01-31T12:00:00.000Z"}
    return capacity.write_units(None, to_dynamodb(items.item(address, list(marks), Rules()) | written))


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize("name", mixes.MIXES)
def test_the_index_costs_no_more_than_the_rules_imply(name: str, batch: int) -> None:
    """An address that enters or leaves the list costs one write of its entry; one that is on it and changes, two."""
    client: Any = Client()
    # Two writes within a millisecond would leave the index's key as it is.
    seconds = itertools.count(1_772_431_200)
    mailing = Mailing(client, "mailing", Rules(), now=lambda: datetime.fromtimestamp(next(seconds), UTC))
    deadline = time.monotonic() + 600
    messages = mixes.MIXES[name](300)
    held: dict[str, list[Mark]] = {}
    expected = 0

    for start in range(0, len(messages), batch):
        arrived: dict[str, list[Mark]] = {}
        for message in messages[start : start + batch]:
            for address, mark in parse(message).marks:
                arrived.setdefault(address, []).append(mark)
        outcomes = mailing.add({address: evidence_of(each) for address, each in arrived.items()}, deadline)
        assert not any(outcome.error for outcome in outcomes)
        for address, marks in arrived.items():
            before = held.get(address, [])
            after = oracle.kept(before + marks)
            if not oracle.changes_no_answer(before, after):
                held[address] = after
                expected += by_rules(before, address) + by_rules(after, address)

    assert client.table.counts["index write units"] == expected > 0


def update(name: str, value: str, **more: Any) -> dict[str, Any]:
    return {
        "Key": {"UserId": {"S": "a"}},
        "UpdateExpression": "SET #n = :v",
        "ExpressionAttributeNames": {"#n": name},
        "ExpressionAttributeValues": {":v": {"S": value}},
        **more,
    }


def test_an_update_keeps_other_attributes_and_removes_those_it_names() -> None:
    table = Table()
    table.answer("UpdateItem", update("one", "1"))
    table.answer("UpdateItem", update("two", "2"))
    table.answer("UpdateItem", update("two", "3", UpdateExpression="SET #n = :v REMOVE one"))

    assert table.items == {"a": {"UserId": {"S": "a"}, "two": {"S": "3"}}}
    assert table.counts["write units"] == 3


def test_a_failed_condition_changes_nothing_and_costs_a_write() -> None:
    table = Table()
    table.answer("UpdateItem", update("text", "x" * 2000))
    before = table.counts["write units"]
    table.answer("UpdateItem", update("text", "x" * 2000, ConditionExpression="#n = :v"))

    for condition in ("attribute_not_exists(UserId)", "#n = :v"):
        with pytest.raises(Refused):
            table.answer("UpdateItem", update("text", "y", ConditionExpression=condition))

    assert table.items["a"]["text"] == {"S": "x" * 2000}
    assert table.counts["write units"] - before == 3 * 2


def test_each_key_of_a_batch_is_a_read_of_its_own() -> None:
    table = Table()
    table.answer("PutItem", {"Item": {"UserId": {"S": "a"}, "text": {"S": "x" * 5000}}})

    keys = [{"UserId": {"S": key}} for key in "abc"]
    answer = table.answer("BatchGetItem", {"RequestItems": {"mailing": {"Keys": keys}}})

    assert [each["UserId"]["S"] for each in answer["Responses"]["mailing"]] == ["a"]
    assert table.counts["half read units"] == 2 + 1 + 1


@pytest.mark.parametrize(("segments", "pages"), [(1, 4), (3, 6)])
def test_a_scan_gives_each_item_once_in_pages_that_end_at_1_mb(segments: int, pages: int) -> None:
    table = Table()
    keys = [f"{number:02}" for number in range(10)]
    for key in keys:
        table.answer("PutItem", {"Item": {"UserId": {"S": key}, "text": {"S": "x" * 390_000}}})
    found: list[list[str]] = []

    for segment in range(segments):
        begin: dict[str, Any] | None = {}
        while begin is not None:
            answer = table.answer("Scan", {"Segment": segment, "TotalSegments": segments, **begin})
            found.append([each["UserId"]["S"] for each in answer["Items"]])
            begin = {"ExclusiveStartKey": answer["LastEvaluatedKey"]} if "LastEvaluatedKey" in answer else None

    assert [key for page in found for key in page] == keys
    assert len(found) == pages


@pytest.mark.parametrize("name", mixes.MIXES)
def test_a_mix_is_the_same_each_time_and_all_of_it_is_feedback(name: str) -> None:
    messages = mixes.MIXES[name](300)

    assert messages == mixes.MIXES[name](300)
    assert len(messages) == 300
    assert all(parse(message).marks for message in messages)


def test_the_document_says_what_was_measured() -> None:
    assert report.DOCUMENT.read_text() == report.document(MEASURED), "make bench BENCH_ARGS=--report writes its tables"


def test_a_goal_that_is_missed_says_so() -> None:
    slower = copy.deepcopy(MEASURED)
    slower["cold start"]["project"] *= 2
    met = [goal.met for each in (MEASURED, slower) for goal in report.goals(each) if goal.name.startswith("cold start")]
    assert met == [True, False]


def test_the_document_has_the_costs_of_a_month() -> None:
    entry = MEASURED["mixes"]["newsletter"]["contenders"]["project, queue"]
    months = [costs.for_a_month(entry, mails) for mails in (10_000, 1_000_000, 30_000_000)]
    written = re.findall(r"^\| .* \| ([\d.,]+) \| ([\d.,]+) \| ([\d.,]+) \| ", COSTS.read_text(), re.MULTILINE)

    assert sorted(written) == sorted(tuple(f"{month[part]:,.2f}" for month in months) for part in months[0])
