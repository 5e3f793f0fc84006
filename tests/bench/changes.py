"""The function that tells of changes, beside bare loops of ``PutEvents``; from publishing to the event; what it costs.

    python -m bench.changes CHANGES

Prints JSON, of a process of its own against a stand-in for EventBridge in another: CPU seconds of each contender, which
take the same batches by turns.
"""

import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

import package
from bench import costs, end_to_end, processes
from harness import emulator
from harness.emulator import Emulator
from harness.errors import HarnessError
from healthy_mailing.evidence import Evidence, Mark, MarkKind, Record, Rules, evidence_of
from healthy_mailing.item import to_dynamodb, to_item
from support import ses
from support.stream import BUS_ARN, TABLE_ARN, record
from support.table import TABLE, create_table

Json = dict[str, Any]

BATCH = 100
"""Records of a call, as many as the module's mapping takes by default."""

MEGABYTES = 256
"""The function's memory that the costs are for."""

PROJECT, LOOP, FLOOR = "project", "bare loop", "bare PutEvents"
ALONE, QUIET, QUIET_ALONE = "project, one a call", "project, no news", "project, no news, one a call"
_ENTRIES = 10
_CALLS = 10  # of one record, a round
_PACE = 0.1  # seconds from one message to the next, for latency
_SECONDS = 90  # until what was published must have arrived


def contenders() -> Mapping[str, Callable[[str], object]]:
    """Return what handles a batch: the text of an event as Lambda gets it."""
    client = boto3.client("events")
    handler = importlib.import_module("changes").handler
    context = SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 600_000)
    ready = _entries(json.loads(batch(0, BATCH, news=True)))

    def project(text: str) -> None:
        if handler(json.loads(text), context)["batchItemFailures"]:
            raise RuntimeError("the stand-in refused an event")

    def loop(text: str) -> None:
        _put(client, _entries(json.loads(text)))

    return {
        PROJECT: project,
        LOOP: loop,
        FLOOR: lambda _: _put(client, ready),
        QUIET: project,
        ALONE: project,
        QUIET_ALONE: project,
    }


def _entries(event: Json) -> list[Json]:
    """Return what a user would write instead: the records whose state changed, as entries."""
    entries = []
    for each in event["Records"]:
        change = each["dynamodb"]
        old, new = change["OldImage"], change["NewImage"]
        if old["state"] == new["state"]:
            continue
        detail = {
            "address": new["UserId"]["S"],
            "before": old["state"]["S"],
            "after": new["state"]["S"],
            "reason": new["reason"]["S"],
            "changedAt": new["updatedAt"]["S"],
        }
        entries.append(
            {
                "Source": "healthy-mailing",
                "DetailType": "Address State Changed",
                "Resources": [TABLE_ARN],
                "Detail": json.dumps(detail),
                "EventBusName": BUS_ARN,
            }
        )
    return entries


def _put(client: Any, entries: Sequence[Json]) -> None:
    for first in range(0, len(entries), _ENTRIES):
        if client.put_events(Entries=entries[first : first + _ENTRIES])["FailedEntryCount"]:
            raise RuntimeError("the stand-in refused an event")


def batch(first: int, count: int, *, news: bool) -> str:
    """Return an event of Lambda: addresses that bounced, or another delivery of addresses that are fine."""
    records = []
    for number in range(first, first + count):
        address = f"reader-{number}@example.com"
        known = evidence_of([_mark(MarkKind.DELIVERY, number, 10)])
        then = evidence_of([*known.values(), _mark(MarkKind.HARD_BOUNCE if news else MarkKind.DELIVERY, number, 11)])
        records.append(record(address, _image(address, known, 1), _image(address, then, 2), number))
    return json.dumps({"Records": records})


def _mark(kind: MarkKind, number: int, day: int) -> Mark:
    is_bounce = kind is MarkKind.HARD_BOUNCE
    detail = {
        "bounceType": "Permanent",
        "subType": "General",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 The email account that you tried to reach does not exist",
    }
    return Mark(
        kind=kind,
        at=f"2026-03-{day}T11:00:00.000Z",
        feedback_id=f"0102018b-{number:012d}" if is_bounce else "",
        message_id=f"0102018b-aaaa-{number:012d}-000000",
        sender="news@example.org",
        detail=tuple(sorted(detail.items())) if is_bounce else (),
    )


def _image(address: str, evidence: Evidence, version: int) -> Json:
    item = to_item(address, Record.of(evidence, Rules()))
    return to_dynamodb({**item, "version": version, "updatedAt": f"2026-03-1{version}T12:00:00.000Z"})


def main() -> None:
    """Serve as the stand-in, or measure by turns."""
    if sys.argv[1] == "stand-in":
        serve()
        return
    handlers = contenders()
    found: dict[str, list[float]] = {name: [] for name in handlers}
    names = list(handlers)
    for number in range(-3, int(sys.argv[1]) // BATCH):  # the first three warm up
        for name in (*names[number % len(names) :], *names[: number % len(names)]):
            size, news = 1 if name in {ALONE, QUIET_ALONE} else BATCH, name not in {QUIET, QUIET_ALONE}
            texts = [batch(BATCH * (number + 3) + each, size, news=news) for each in range(_CALLS if size == 1 else 1)]
            start = time.process_time()
            for text in texts:
                handlers[name](text)
            if number >= 0:
                found[name].append((time.process_time() - start) / (size * len(texts)))
    sys.stderr.write(json.dumps(found))


def serve() -> None:
    """Answer PutEvents on a free loopback port, print it, and end with standard input."""
    import asyncio  # noqa: PLC0415  (the contenders do not pay for it)

    from support import wire  # noqa: PLC0415  (the same)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                _, _, body = await wire.message(reader)
                entries = [{"EventId": "1"}] * len(json.loads(body)["Entries"])
                writer.write(wire.answer(200, json.dumps({"FailedEntryCount": 0, "Entries": entries}).encode()))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the other side is done, or this program is
        finally:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    asyncio.run(run())


@contextmanager
def _stand_in() -> Iterator[str]:
    program = [*processes.on_processor(-1), sys.executable, "-m", "bench.changes", "stand-in"]
    with subprocess.Popen(
        program, env=processes.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()


def measure(changes: int, messages: int, folder: Path) -> Json:
    """Return everything: microseconds a record, latency, and the machine's load before."""
    load = os.getloadavg()[0]
    with _stand_in() as endpoint_url:
        environment = processes.environment(endpoint_url) | {
            "EVENT_BUS": BUS_ARN,
            "TABLE_ARN": TABLE_ARN,
            "DEAD_LETTER_QUEUE_URL": f"{endpoint_url}/123456789012/dead-letter",
            "LOG_LEVEL": "WARNING",
        }
        command = [*processes.on_processor(0), sys.executable, "-m", "bench.changes", str(changes)]
        done = subprocess.run(
            command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
    seconds: dict[str, list[float]] = json.loads(done.stderr.splitlines()[-1])
    ratios = {
        name: statistics.median(ours / theirs for ours, theirs in zip(seconds[PROJECT], seconds[name], strict=True))
        for name in (LOOP, FLOOR)
    }
    return {
        "date": time.strftime("%Y-%m-%d"),
        "load": round(load, 1),
        "changes": changes,
        "us": {name: statistics.median(taken) * 1e6 for name, taken in seconds.items()},
        "ratio": ratios,
        "latency": _on_emulator(messages, folder),
    }


def _on_emulator(messages: int, folder: Path) -> Json:
    try:
        return _latency(messages, folder)
    except HarnessError as error:
        return {"error": str(error)}


def _latency(messages: int, folder: Path) -> Json:
    """Return milliseconds from publishing a complaint until its event is in a rule's queue."""
    with emulator.running("embedded", folder) as running:
        create_table(running.client("dynamodb"))
        topic = end_to_end.pipeline(running, "feedback", package.content(), {"TABLE_NAME": TABLE})
        url = _told(running)
        _publish(running, topic, url, 0, 20)  # warm
        taken = sorted(_publish(running, topic, url, 20, messages))
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    return {"messages": messages, "pace ms": round(_PACE * 1000), "p50 ms": cuts[49] * 1000, "p99 ms": cuts[98] * 1000}


def _told(running: Emulator) -> str:
    """Let the table's changes become events that go to a queue, and return its URL."""
    dynamodb, functions, queues = running.client("dynamodb"), running.client("lambda"), running.client("sqs")
    view: Any = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    stream = dynamodb.update_table(TableName=TABLE, StreamSpecification=view)["TableDescription"]["LatestStreamArn"]
    url = queues.create_queue(QueueName="events")["QueueUrl"]
    queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    session = boto3.Session("test", "test", region_name=running.region)
    events = session.client("events", endpoint_url=running.endpoint_url)
    bus = events.create_event_bus(Name="changes")["EventBusArn"]
    events.put_rule(Name="all", EventBusName="changes", EventPattern='{"source": ["healthy-mailing"]}')
    events.put_targets(Rule="all", EventBusName="changes", Targets=[{"Id": "queue", "Arn": queue}])
    actions = ["events:PutEvents", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]
    variables = {"EVENT_BUS": bus, "TABLE_ARN": TABLE_ARN, "DEAD_LETTER_QUEUE_URL": url}
    functions.create_function(
        FunctionName="changes",
        Runtime="python3.13",
        Role=end_to_end.role(running, "changes", [*actions, "dynamodb:ListStreams", "logs:*"]),
        Handler="changes.handler",
        Code={"ZipFile": package.content()},
        Environment={"Variables": variables},
        Timeout=30,
        MemorySize=512,
    )
    functions.create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName="changes",
        StartingPosition="TRIM_HORIZON",
        BatchSize=BATCH,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    return url


def _publish(running: Emulator, topic: str, url: str, first: int, count: int) -> list[float]:
    """Publish complaints, each about another address, and return how many seconds each took to the queue."""
    topics, queues = running.client("sns"), running.client("sqs")
    published: dict[str, float] = {}
    arrived: dict[str, float] = {}
    end = time.monotonic() + _SECONDS
    due = time.monotonic()
    while len(arrived) < count:
        if time.monotonic() > end:
            raise HarnessError(f"{count - len(arrived)} of {count} events did not arrive in {_SECONDS} s")
        if len(published) < count and time.monotonic() >= due:
            due = time.monotonic() + _PACE
            address = f"reader-{first + len(published)}@example.com"
            published[address] = time.time()
            topics.publish(TopicArn=topic, Message=ses.text(ses.complaint(address)))
        answer = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        now = time.time()
        for message in answer.get("Messages", []):
            arrived.setdefault(json.loads(message["Body"])["detail"]["address"], now)
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [arrived[address] - published[address] for address in published]


def dollars(us: Mapping[str, float], *, news: bool, alone: bool) -> dict[str, float]:
    """Return dollars for a million records of the stream by service, ``BATCH`` of them or one in a call.

    At ``MEGABYTES``, where CPU time is stretched; each request to EventBridge is waited for.
    """
    prices, assumed = costs.PRICES["dollars"], costs.PRICES["assumed"]
    name = {(True, False): PROJECT, (True, True): ALONE, (False, False): QUIET, (False, True): QUIET_ALONE}[news, alone]
    calls = 1e6 if alone else 1e6 / BATCH
    requests = 0.0 if not news else 1e6 if alone else 1e6 / _ENTRIES
    seconds = us[name] * costs.VCPU_MEGABYTES / MEGABYTES + requests * assumed["eventbridge_answer_seconds"]
    metrics_line = assumed["changes_log_bytes_an_invocation"] if news else 0
    log_bytes = calls * (assumed["lambda_log_bytes_an_invocation"] + metrics_line)
    parts = {
        "EventBridge": prices["eventbridge_events_million"] if news else 0.0,
        "Lambda time": seconds * MEGABYTES / 1024 * prices["lambda_gigabyte_second_arm64"],
        "Lambda requests": calls / 1e6 * prices["lambda_requests_million"],
        "logs": log_bytes / 1e9 * prices["log_gigabytes"],
    }
    return parts | {"sum": sum(parts.values())}


if __name__ == "__main__":
    main()
