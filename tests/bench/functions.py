"""What the packaged functions take for themselves: by size of a batch, to start, to answer, to send events."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from bench import mixes, processes
from bench.processes import StandIn
from healthy_mailing.evidence import Record, Rules, evidence_of
from healthy_mailing.item import to_dynamodb, to_item
from healthy_mailing.notification import parse
from support import gateway, ses
from support.stream import record

ADDRESSES = 1_000
"""As many as one ``POST /check`` may ask about."""

RECORDS = 100
"""Records in a call, as many as module changes' mapping takes by default."""

_WARM_UP = 3  # invocations
_BATCHES = {1: 300, 10: 1_000, 100: 1_000, 1_000: 3_000, 10_000: 10_000}  # size -> messages to measure
_COLD_STARTS = {
    "bare boto3": """
import boto3
client = boto3.client("dynamodb")
client.put_item(TableName="mailing", Item={"UserId": {"S": "a@example.com"}})
""",
    "project": """
import json, os, types, feedback
context = types.SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 30_000)
feedback.handler(json.loads(os.environ["EVENT"]), context)
""",
}

Json = dict[str, Any]


def cold_starts(rounds: int, table: StandIn) -> Json:
    """Return the median milliseconds from the start of Python to the end of the first write, by contender."""
    (event,) = processes.events(list(mixes.deliveries(0, 1)), 2)
    environment = processes.environment(table.endpoint_url) | {"EVENT": event}
    seconds: dict[str, list[float]] = {name: [] for name in _COLD_STARTS}
    for _ in range(rounds):
        for name, program in _COLD_STARTS.items():
            table.ask("reset")
            start = time.perf_counter()
            command = [*processes.on_processor(0), sys.executable, "-c", program]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) * 1000 for name, taken in seconds.items()}


def batches(table: StandIn) -> list[Json]:
    """Return what a notification takes, and peak memory, by batch size."""
    points = []
    for batch, count in _BATCHES.items():
        messages = list(mixes.deliveries(0, count + batch))
        run = processes.run("project", processes.events(messages, batch), table, 1)
        points.append({"batch": batch, "µs": sum(run.cpu) * 1e6 / count, "peak MB": run.peak_bytes / 1e6})
    return points


def growth(notifications: int) -> list[Json]:
    """Return time and memory after 1,000, 10,000, … notifications; see ``bench.growth``."""
    command = [*processes.on_processor(0), sys.executable, "-m", "bench.growth", str(notifications)]
    environment = processes.environment() | {"LOG_LEVEL": "WARNING"}
    done = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    points: list[Json] = json.loads(done.stderr)
    return points


def post_check(rounds: int, table: StandIn) -> Json:
    """Return what ``POST /check`` takes for the addresses of a newsletter, and bare reads of their items."""
    newsletter = mixes.newsletter(ADDRESSES)
    processes.run("project", processes.events(newsletter, ADDRESSES), table)
    addresses = [address for message in newsletter for address, _ in parse(message).marks]
    event = json.dumps(gateway.event("POST", "/check", json.dumps({"addresses": addresses})))
    table.ask("delay?0.005")
    taken = {}
    for name, contender in (
        ("POST /check", "post_check"),
        ("ten BatchGetItem of whole items", "whole_items"),
        ("ten BatchGetItem, same projection", "projected"),
    ):
        run = processes.run(contender, [event] * (_WARM_UP + rounds), table)
        wall = statistics.quantiles(run.wall[_WARM_UP:], n=100)
        taken[name] = {
            "CPU ms": statistics.median(run.cpu[_WARM_UP:]) * 1000,
            "p50 ms": wall[49] * 1000,
            "p99 ms": wall[98] * 1000,
        }
    return taken


def changes(calls: int, table: StandIn) -> Json:
    """Return microseconds of CPU time a record of a stream, by contender, what it becomes, and records a call."""
    taken = {}
    for name, contender, does, size in (
        ("project", "changes", "an event each", RECORDS),
        ("bare loop", "put_events", "an event each", RECORDS),
        ("project", "changes", "an event each", 1),
        ("project", "changes", "no event", RECORDS),
        ("project", "changes", "no event", 1),
    ):
        texts = [
            json.dumps({"Records": [_record(first + each, complains=does != "no event") for each in range(size)]})
            for first in range(0, size * (_WARM_UP + calls), size)
        ]
        run = processes.run(contender, texts, table)
        taken[f"{name}, {does}, {size} a call"] = statistics.median(run.cpu[_WARM_UP:]) / size * 1e6
    return taken


def _record(number: int, *, complains: bool) -> Mapping[str, Any]:
    """Return the record of a change: an address that gets mail complains, or gets mail on another day too."""
    address, at = f"reader-{number}@example.com", "2026-03-11T11:00:00.000Z"
    known = ses.delivery(address, sent="2026-03-10T11:00:00.000Z")
    then = ses.complaint(address, at=at) if complains else ses.delivery(address, sent=at)
    return record(address, _image(address, [known], 1), _image(address, [known, then], 2), number)


def _image(address: str, messages: Sequence[Json], version: int) -> Json:
    marks = [mark for message in messages for _, mark in parse(message).marks]
    item = to_item(address, Record.of(evidence_of(marks), Rules()))
    return to_dynamodb({**item, "version": version, "updatedAt": f"2026-03-1{version}T12:00:00.000Z"})
