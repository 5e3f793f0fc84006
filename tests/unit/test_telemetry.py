"""Log lines and metrics are what CloudWatch can read."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.settings import LOG_LEVELS
from healthy_mailing.telemetry import NAMESPACE, Log, Metrics


def read(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


# ---- Log


def test_a_line_holds_level_message_the_latest_request_and_fields() -> None:
    lines: list[str] = []
    log = Log(write=lines.append)
    log.bind("r1")
    log.info("state changed", address="j***@example.com", count=2)
    log.bind("r2")
    log.info("x")
    assert read(lines) == [
        {
            "level": "INFO",
            "message": "state changed",
            "requestId": "r1",
            "address": "j***@example.com",
            "count": 2,
        },
        {"level": "INFO", "message": "x", "requestId": "r2"},
    ]


@pytest.mark.parametrize("lowest", LOG_LEVELS)
def test_lines_of_a_lower_level_are_left_out(lowest: str) -> None:
    lines: list[str] = []
    log = Log(lowest, lines.append)
    for write in (log.debug, log.info, log.warning, log.error):
        write("x")
    assert [each["level"] for each in read(lines)] == list(LOG_LEVELS[LOG_LEVELS.index(lowest) :])


@given(st.text(st.characters()), st.dictionaries(st.sampled_from(["a", "b"]), st.text(st.characters())))
def test_any_text_stays_on_one_line_that_can_be_written(message: str, fields: dict[str, str]) -> None:
    lines: list[str] = []
    Log(write=lines.append).error(message, **fields)
    assert read(lines) == [{"level": "ERROR", "message": message, "requestId": "", **fields}]
    assert lines[0].encode()
    assert len(lines[0].splitlines()) == 1


def test_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Log().info("first")
    Log().info("second")
    metrics = Metrics("feedback")
    metrics.add("Written")
    metrics.flush()
    output = capsys.readouterr()
    assert len([json.loads(line) for line in output.out.splitlines()]) == 3
    assert output.err == ""


# ---- Metrics


def test_counts_are_written_in_the_embedded_metric_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudWatch User Guide, "Specification: Embedded metric format"."""
    monkeypatch.setattr("healthy_mailing.telemetry.time", SimpleNamespace(time_ns=lambda: 1_773_144_000_123_456_789))
    lines: list[str] = []
    metrics = Metrics("feedback", lines.append)
    metrics.add("FeedbackBounce")
    metrics.add("FeedbackBounce", 2)
    metrics.add("Written")
    metrics.flush()
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in ("FeedbackBounce", "Written")],
    }
    assert read(lines) == [
        {
            "_aws": {"Timestamp": 1_773_144_000_123, "CloudWatchMetrics": [directive]},
            "FunctionName": "feedback",
            "FeedbackBounce": 3,
            "Written": 1,
        }
    ]


def test_counts_start_at_nothing_after_each_flush_and_without_any_nothing_is_written() -> None:
    lines: list[str] = []
    metrics = Metrics("feedback", lines.append)
    metrics.flush()
    for count in (1, 2, 0):
        metrics.add("Written", count)
        metrics.flush()
    assert [each["Written"] for each in read(lines)] == [1, 2]
