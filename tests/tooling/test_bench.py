"""The bench counts DynamoDB's units by DynamoDB's rules, and its stand-in does with items what DynamoDB does."""

import itertools
import json
import re
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench import capacity, costs, index, mixes, pipeline, plot, report
from bench.stand_in import Refused, Table
from healthy_mailing.evidence import Mark, Rules, evidence_of
from healthy_mailing.notification import parse
from healthy_mailing.table import Table as Mailing

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


def bounce(day: int, number: int = 1, text: str = "550 5.1.1 user unknown") -> str:
    at = f"2026-03-{day:02}T06:00:00.000Z"
    recipient = {"emailAddress": "a@example.com", "action": "failed", "status": "5.1.1", "diagnosticCode": text}
    return json.dumps(
        {
            "notificationType": "Bounce",
            "mail": {"timestamp": at, "source": "news@example.com", "messageId": f"m{number}"},
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [recipient],
                "timestamp": at,
                "feedbackId": f"f{number}",
            },
        }
    )


def delivery(day: int) -> str:
    at = f"2026-03-{day:02}T06:00:00.000Z"
    return json.dumps(
        {
            "notificationType": "Delivery",
            "mail": {"timestamp": at, "source": "news@example.com", "messageId": "d"},
            "delivery": {"recipients": ["a@example.com"], "timestamp": at},
        }
    )


@pytest.mark.parametrize(
    ("messages", "batch", "expected"),
    [
        ([delivery(2)], 1, index.Cost(moves=0, changes=0, units=0)),
        ([bounce(2)], 1, index.Cost(moves=1, changes=0, units=1)),
        ([bounce(2), bounce(2)], 1, index.Cost(moves=1, changes=0, units=1)),
        ([bounce(2), bounce(3, 2)], 1, index.Cost(moves=1, changes=1, units=1 + 2)),
        ([bounce(2), bounce(3, 2)], 2, index.Cost(moves=1, changes=0, units=1)),
        ([bounce(2), delivery(3)], 1, index.Cost(moves=2, changes=0, units=2)),
        ([bounce(2), delivery(3)], 2, index.Cost(moves=0, changes=0, units=0)),
        ([bounce(2, text="x" * 1000)], 1, index.Cost(moves=1, changes=0, units=2)),
    ],
    ids=[
        "one that may be mailed",
        "one that enters",
        "the same again",
        "one that changes",
        "both in one batch",
        "one that leaves",
        "one that was never on it",
        "an entry of more than 1 KB",
    ],
)
def test_the_index_must_cost_what_the_rules_say_of_the_list(
    messages: list[str], batch: int, expected: index.Cost
) -> None:
    assert index.cost(messages, batch) == expected


class Client:
    """DynamoDB's client over the stand-in, without HTTP; the table asks from several threads."""

    def __init__(self) -> None:
        self.table = Table()
        self._lock = threading.Lock()

    def batch_get_item(self, **request: Any) -> Any:
        with self._lock:
            return self.table.answer("BatchGetItem", request)

    def batch_execute_statement(self, **request: Any) -> Any:
        with self._lock:
            return self.table.answer("BatchExecuteStatement", request)


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize("name", mixes.MIXES)
def test_the_index_costs_no_more_than_it_must(name: str, batch: int) -> None:
    client: Any = Client()
    # Two writes within a millisecond would leave the index's key as it is.
    seconds = itertools.count(1_772_431_200)
    mailing = Mailing(client, "mailing", Rules(), now=lambda: datetime.fromtimestamp(next(seconds), UTC))
    deadline = time.monotonic() + 600
    messages = mixes.MIXES[name](300)

    for start in range(0, len(messages), batch):
        marks: dict[str, list[Mark]] = {}
        for message in messages[start : start + batch]:
            for address, mark in parse(message).marks:
                marks.setdefault(address, []).append(mark)
        outcomes = mailing.add({address: evidence_of(each) for address, each in marks.items()}, deadline)
        assert not any(outcome.error for outcome in outcomes)

    assert client.table.counts["index write units"] == index.cost(messages, batch).units > 0


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


def scanned(table: Table, **part: Any) -> list[list[str]]:
    """Return the keys of all pages of a scan."""
    pages: list[list[str]] = []
    behind: dict[str, Any] = {}
    while True:
        answer = table.answer("Scan", {"TableName": "mailing", **part, **behind})
        pages.append([each["UserId"]["S"] for each in answer["Items"]])
        if "LastEvaluatedKey" not in answer:
            return pages
        behind = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def test_a_scan_gives_each_item_once_in_pages_that_end_at_1_mb() -> None:
    table = Table()
    keys = [f"{number:02}" for number in range(10)]
    for key in keys:
        table.answer("PutItem", {"Item": {"UserId": {"S": key}, "text": {"S": "x" * 390_000}}})

    whole = scanned(table)
    segments = [scanned(table, Segment=segment, TotalSegments=4) for segment in range(4)]

    assert [len(page) for page in whole] == [3, 3, 3, 1]
    assert [key for page in whole for key in page] == keys
    assert sorted(key for pages in segments for page in pages for key in page) == keys
    assert all(len(page) <= 3 for pages in segments for page in pages)


@pytest.mark.parametrize("name", mixes.MIXES)
def test_a_mix_is_the_same_each_time_and_all_of_it_is_feedback(name: str) -> None:
    messages = mixes.MIXES[name](300)

    assert messages == mixes.MIXES[name](300)
    assert len(messages) == 300
    assert pipeline.merged(messages).keys() == pipeline.last(messages).keys()


def test_a_chart_names_every_series_and_needs_nothing_from_elsewhere() -> None:
    chart = plot.line_chart("t", "x", "y", {"one": [(1, 1), (10, 20)], "two & three": [(1, 5)]})

    assert ">one</text>" in chart
    assert ">two &amp; three</text>" in chart
    assert set(re.findall(r"https?://[^\s\"]+", chart)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_names_of_lines_that_end_at_the_same_place_stand_apart() -> None:
    chart = plot.line_chart("t", "x", "y", {name: [(1, 1), (10, 5)] for name in ("one", "two", "three")})

    heights = [float(y) for y in re.findall(r'translate\([\d.]+,([\d.]+)\)"[^>]*>(?:one|two|three)<', chart)]
    assert len(heights) == 3
    assert all(abs(a - b) >= 14 for a, b in itertools.combinations(heights, 2))


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_what_a_chart_says_in_colour_can_be_read(mode: int) -> None:
    def luminance(colour: str) -> float:
        # WCAG 2.2, "relative luminance" and "contrast ratio"
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    background = luminance(plot.BACKGROUND[mode])
    for colours in (plot.TEXT, *plot.SERIES):
        darker, lighter = sorted((background, luminance(colours[mode])))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, colours[mode]


def test_a_chart_is_dark_where_the_browser_is() -> None:
    chart = plot.line_chart("t", "x", "y", {"one": [(1, 1), (10, 20)]})
    light = set(re.findall(r'(?:fill|stroke)="(#\w+)"', chart.partition("</style>")[2]))

    assert "@media (prefers-color-scheme:dark)" in chart
    assert light == {each[0] for each in (plot.BACKGROUND, plot.TEXT, plot.GRID, plot.SERIES[0])}


RESULTS = json.loads(Path(costs.__file__).with_name("results.json").read_text())


def test_the_report_and_its_charts_are_what_the_results_say() -> None:
    stale = [
        path.name
        for path, text in report.files(RESULTS, report.goals(RESULTS)).items()
        if path.read_text(encoding="utf-8") != text
    ]
    assert not stale, f"make bench BENCH_ARGS=--report writes {', '.join(stale)} anew"


@pytest.mark.parametrize(
    ("path", "times", "name"),
    [
        (
            ("POST /check", "times", "0 ms", "POST /check", "cpu ms"),
            2,
            "CPU, POST /check of 1,000 addresses / ten BatchGetItem, same projection, answers after 0 ms",
        ),
        (
            ("import", "rows a second", "0 ms", "mailing import"),
            0.1,
            "bulk mailing import, speed / that of bare import in batches, answers after 0 ms",
        ),
        (
            ("export", "rows a second", "5 ms", "mailing export"),
            0.1,
            "bulk mailing export, speed / that of bare scan, answers after 5 ms",
        ),
        (
            ("mixes", "cleanup", "project, queue", "index write units per 1,000"),
            1.01,
            "write units of the index, queue, cleanup, of 1,500 messages",
        ),
    ],
    ids=["check", "import", "export", "index"],
)
def test_a_goal_that_is_missed_says_so(path: tuple[str, ...], times: float, name: str) -> None:
    before = {goal.name: goal.met for goal in report.goals(RESULTS)}
    results = json.loads(json.dumps(RESULTS))
    entry = results
    for each in path[:-1]:
        entry = entry[each]
    entry[path[-1]] *= times

    met = {goal.name: goal.met for goal in report.goals(results)}

    assert before[name]
    assert not met[name]


def test_the_document_has_the_costs_of_a_month() -> None:
    entry = RESULTS["mixes"]["newsletter"]["project, queue"]
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
