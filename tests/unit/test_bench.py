"""The bench counts DynamoDB's units by DynamoDB's rules, and its stand-in does with items what DynamoDB does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench import capacity, costs, mixes, pipeline, plot
from bench.stand_in import Refused, Table

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cost.md"
KEYS = ("suppressed", "updatedAt")


def item(size: int) -> dict[str, Any]:
    """Return an item of so many bytes."""
    return {"UserId": {"S": "x" * (size - len("UserId"))}}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "é"}, 2),
        ({"N": "7"}, 2),
        ({"N": "100"}, 2),
        ({"N": "12345"}, 4),
        ({"BOOL": True}, 1),
        ({"M": {}}, 3),
        ({"M": {"ab": {"S": "c"}}}, 3 + 1 + 2 + 1),
        ({"L": [{"S": "abc"}]}, 3 + 1 + 3),
    ],
)
def test_an_attribute_is_as_large_as_its_name_and_value(value: dict[str, Any], size: int) -> None:
    assert capacity.item_bytes({"name": value}) == len("name") + size


def test_a_type_without_a_known_size_is_refused() -> None:
    with pytest.raises(ValueError, match="type SS"):
        capacity.item_bytes({"a": {"SS": ["b"]}})


@pytest.mark.parametrize(
    ("before", "after", "units"), [(None, 10, 1), (None, 1024, 1), (None, 1025, 2), (3000, 10, 3), (10, 3000, 3)]
)
def test_a_write_costs_by_the_larger_of_before_and_after(before: int | None, after: int, units: int) -> None:
    assert capacity.write_units(item(before) if before else None, item(after)) == units


@pytest.mark.parametrize(
    ("size", "consistent", "units"), [(None, False, 0.5), (4096, False, 0.5), (4097, False, 1), (4097, True, 2)]
)
def test_a_read_costs_by_4_kb_and_half_if_eventually_consistent(
    size: int | None,
    consistent: bool,  # noqa: FBT001  (pytest passes parameters by name)
    units: float,
) -> None:
    assert capacity.read_units(item(size) if size else None, consistent=consistent) == units


def listed(state: str, at: str) -> dict[str, Any]:
    return {"UserId": {"S": "a"}, "suppressed": {"S": state}, "updatedAt": {"S": at}}


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, item(10), 0),
        (None, listed("disable", "1"), 1),
        (listed("disable", "1"), item(10), 1),
        (listed("disable", "1"), listed("disable", "2"), 2),
        (listed("disable", "1"), listed("disable", "1") | {"reason": {"S": "b"}}, 1),
        (listed("disable", "1"), listed("disable", "1"), 0),
    ],
)
def test_the_index_costs_for_the_items_that_it_holds(
    before: dict[str, Any] | None, after: dict[str, Any], units: int
) -> None:
    assert capacity.index_write_units(before, after, KEYS) == units


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


def test_a_failed_condition_changes_nothing_gives_the_item_and_costs_a_write() -> None:
    table = Table()
    table.answer("PutItem", {"Item": {**item(2000), "UserId": {"S": "a"}, "text": {"S": "x" * 2000}}})
    before = table.counts["write units"]

    with pytest.raises(Refused) as refusal:
        table.answer(
            "UpdateItem",
            update(
                "text",
                "y",
                ConditionExpression="attribute_not_exists(UserId)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ),
        )

    assert refusal.value.fields["Item"] == table.items["a"]
    assert table.items["a"]["text"] == {"S": "x" * 2000}
    assert table.counts["write units"] - before == 2


def test_a_condition_on_a_value_holds_only_for_that_value() -> None:
    table = Table()
    table.answer("UpdateItem", update("version", "1"))
    table.answer("UpdateItem", update("version", "1", ConditionExpression="#n = :v"))

    with pytest.raises(Refused):
        table.answer("UpdateItem", update("version", "2", ConditionExpression="#n = :v"))


def test_each_key_of_a_batch_is_a_read_of_its_own() -> None:
    table = Table()
    table.answer("PutItem", {"Item": {"UserId": {"S": "a"}, "text": {"S": "x" * 5000}}})

    answer = table.answer(
        "BatchGetItem", {"RequestItems": {"mailing": {"Keys": [{"UserId": {"S": k}} for k in "abc"]}}}
    )

    assert [each["UserId"]["S"] for each in answer["Responses"]["mailing"]] == ["a"]
    assert table.counts["half read units"] == 2 + 1 + 1


@pytest.mark.parametrize("name", mixes.MIXES)
def test_a_mix_is_the_same_each_time_and_all_of_it_is_feedback(name: str) -> None:
    messages = mixes.MIXES[name](300)

    assert messages == mixes.MIXES[name](300)
    assert len(messages) == 300
    assert pipeline.merged(messages).keys() == pipeline.last(messages).keys()


def test_a_chart_names_every_series() -> None:
    chart = plot.line_chart("t", "x", "y", {"one": [(1, 1), (10, 20)], "two & three": [(1, 5)]})

    assert "one</text>" in chart
    assert "two &amp; three</text>" in chart


def test_the_document_has_the_costs_of_a_month() -> None:
    entry = json.loads((Path(costs.__file__).with_name("results.json")).read_text())["mixes"]["newsletter"][
        "project, queue"
    ]
    months = [costs.for_a_month(entry, mails) for mails in (10_000, 1_000_000, 30_000_000)]
    written = re.findall(r"^\| .* \| ([\d.,]+) \| ([\d.,]+) \| ([\d.,]+) \| ", DOCUMENT.read_text(), re.MULTILINE)

    assert sorted(written) == sorted(tuple(f"{month[part]:,.2f}" for month in months) for part in months[0])


@pytest.mark.parametrize("segments", [1, 3])
def test_a_scan_of_the_stand_in_gives_each_item_once(segments: int) -> None:
    table, size = Table(), 200_000
    for number in range(20):
        table.put_item({"Item": {"UserId": {"S": f"{number:02}"}, "text": {"S": "x" * size}}})
    found: list[str] = []
    pages = 0
    for segment in range(segments):
        begin: dict[str, Any] | None = {}
        while begin is not None:
            answer = table.scan({"Segment": segment, "TotalSegments": segments, **begin})
            found += [item["UserId"]["S"] for item in answer["Items"]]
            pages += 1
            begin = {"ExclusiveStartKey": answer["LastEvaluatedKey"]} if "LastEvaluatedKey" in answer else None
    assert sorted(found) == [f"{number:02}" for number in range(20)]
    assert pages >= 20 * size // 1_000_000
